/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * client: asks the running instance, blocking: for commands. Makes a loop of its own.
 */
#ifndef PROXY_ADMIN_CLIENT_H
#define PROXY_ADMIN_CLIENT_H

#include "base/json.h"
#include "conf/conf.h"

struct admin_reply {
	unsigned status;
	struct buf text;
	struct json *json;             /* NULL: it is no JSON */
};

/* method and path as in api.c. E_NOT_FOUND: nothing runs here, nothing was asked. *reply is to be given to
 * admin_reply_fini in any case. */
enum err admin_client_ask(const struct conf *conf, const char *method, const char *path,
	struct admin_reply *reply, struct fault *fault);
/* The same with a POST that brings this object. */
enum err admin_client_send(const struct conf *conf, const char *path, const struct json *body,
	struct admin_reply *reply, struct fault *fault);
void admin_reply_fini(struct admin_reply *reply);

#endif
