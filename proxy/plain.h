/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plain: the listener without TLS: challenge tokens and redirects, or sites that are served there
 * (dispatch decides).
 */
#ifndef PROXY_PLAIN_H
#define PROXY_PLAIN_H

#include "net/addr.h"
#include "proxy/context.h"

/* A listener_fn; owner is the struct context. */
void plain_accept(void *owner, int fd, const struct addr *peer);

#endif
