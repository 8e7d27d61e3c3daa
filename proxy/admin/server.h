/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * server: the control socket: HTTP/1.1 with JSON over a Unix socket of mode 0600, for processes of the same
 * user (or root) alone. Bounded in connections, request size and time. Control loop only.
 */
#ifndef PROXY_ADMIN_SERVER_H
#define PROXY_ADMIN_SERVER_H

#include "proxy/admin/api.h"

struct admin_server;

/* *env is referenced. NULL with a warning in the log when the socket cannot be had (another instance
 * answers there): serving goes on without; or silently when the configuration says "off". */
struct admin_server *admin_server_start(const struct api_env *env);
/* Cuts all; what endpoints have under way answers to nobody. Before what env points to. */
void admin_server_stop(struct admin_server **s);

#endif
