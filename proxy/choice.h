/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * choice: which of a name's two certificates a client gets: the preferred one of those it can verify; what is
 * not in the cache is waited for; what cannot be had now, or was waited for in vain, leaves the other. Pure.
 */
#ifndef PROXY_CHOICE_H
#define PROXY_CHOICE_H

#include "certstore/cache.h"
#include "net/client_hello.h"

struct choice_args {
	struct cache *cache;
	const struct conf_keys *keys;       /* two */
	const char *host;
	struct client_signatures client;
	unsigned tried;                     /* bits: those that were waited for */
	int64_t now_ms;
};

struct choice {
	struct entry *entry;                /* serve it: borrowed until the cache changes */
	enum err err;                       /* without entry: E_OK, wait for this series; else why not */
	char series[SERIES_NAME];
	unsigned bit;                       /* of what is waited for */
};

void choice_make(const struct choice_args *args, struct choice *out);
/* What is cached and fits, whatever could be waited for; NULL. Borrowed likewise. */
struct entry *choice_at_hand(const struct choice_args *args);
/* Whether a handshake with this one can succeed. */
bool choice_fits(struct client_signatures client, enum conf_key_type type);

#endif
