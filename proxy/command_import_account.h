/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_import_account: adopted accounts, each judged against the configured CAs and what the store has of
 * them, and saved under the lock by which a running instance works on its own.
 */
#ifndef PROXY_COMMAND_IMPORT_ACCOUNT_H
#define PROXY_COMMAND_IMPORT_ACCOUNT_H

#include "certstore/store.h"
#include "proxy/adoption_account.h"
#include "proxy/command_call.h"

struct import_accounts_args {
	const struct command_call *call;
	const struct conf *conf;
	struct adoption_accounts *found;
	struct loop *loop;               /* turned until all is done */
	struct store *store;             /* NULL: there is none yet */
	bool is_real, may_replace;
};

struct import_accounts_result {
	unsigned imported, kept, useless, failed;
	struct json *list;               /* for programs; the caller's */
};
/* Blocking. Tells a person one line each. */
void import_accounts(const struct import_accounts_args *args, struct import_accounts_result *out);
/* A running instance reads those that were imported. */
void import_accounts_tell(const struct conf *conf, const struct import_accounts_result *done);

#endif
