/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * socket: where the control socket is, for both sides. A path that is too long for a socket address is
 * reached through its directory, which is held open.
 */
#ifndef PROXY_ADMIN_SOCKET_H
#define PROXY_ADMIN_SOCKET_H

#include "conf/conf.h"
#include "net/addr.h"

enum { ADMIN_SOCKET_PATH = 4096 };

struct admin_socket {
	char path[ADMIN_SOCKET_PATH];  /* for people, and to unlink */
	struct addr addr;
	int directory;                 /* -1: not needed */
};

/* False: the configuration says "off". */
bool admin_socket_path(const struct conf *conf, char path[ADMIN_SOCKET_PATH]);
/* E_NOT_FOUND: its directory is missing. Close by admin_socket_close, also after failure. */
enum err admin_socket_locate(struct admin_socket *s, const char *path, struct fault *fault);
void admin_socket_close(struct admin_socket *s);

#endif
