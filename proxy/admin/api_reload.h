/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * api_reload: what the status says about the last reload.
 */
#ifndef PROXY_ADMIN_API_RELOAD_H
#define PROXY_ADMIN_API_RELOAD_H

#include "base/json.h"

struct reload;

/* "reload" in out, and in degraded why somebody should look. Nothing when there was none yet. */
void api_reload_status(struct reload *r, struct json *out, struct json *degraded);

#endif
