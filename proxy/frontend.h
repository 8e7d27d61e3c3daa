/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * frontend: the TLS listener: from an accepted socket to a connection that speaks HTTP, or to its end.
 */
#ifndef PROXY_FRONTEND_H
#define PROXY_FRONTEND_H

#include "net/addr.h"
#include "proxy/context.h"

/* A listener_fn; owner is the struct context. */
void frontend_accept(void *owner, int fd, const struct addr *peer);
/* The alert for a handshake that ends for this reason. */
int frontend_alert(enum err err);

#endif
