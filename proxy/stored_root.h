/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stored_root: the internal CA's root out of the store, whether or not an instance runs on it. Blocking.
 */
#ifndef PROXY_STORED_ROOT_H
#define PROXY_STORED_ROOT_H

#include "base/buf.h"
#include "base/err.h"

/* The internal CA's root as PEM. E_NOT_FOUND when nothing was signed by it yet. */
enum err stored_root_read(const char *store_directory, struct buf *pem, struct fault *fault);

#endif
