/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * offline: what the store alone can tell, when nothing runs. Blocking, for commands; writes nothing.
 */
#ifndef PROXY_ADMIN_OFFLINE_H
#define PROXY_ADMIN_OFFLINE_H

#include "base/json.h"
#include "conf/conf.h"

/* As the API answers; a second certificate is told where the store has one.
 * *json is the caller's. E_NOT_FOUND: there is no store. */
enum err offline_report(const struct conf *conf, const char *name, struct json **json,
	struct fault *fault);
enum err offline_listing(const struct conf *conf, struct str cursor, unsigned max, struct json **json,
	struct fault *fault);
/* As GET /v1/accounts: what the store has of the accounts at the configured CAs. */
enum err offline_accounts(const struct conf *conf, struct json **json, struct fault *fault);
/* The newest good bundle of a name, as text. The caller wipes it. */
struct buf;
enum err offline_bundle(const struct conf *conf, const char *name, struct buf *out, struct fault *fault);

#endif
