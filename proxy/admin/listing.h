/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * listing: the certificates of the store, a page at a time, as JSON. Reads headers alone.
 */
#ifndef PROXY_ADMIN_LISTING_H
#define PROXY_ADMIN_LISTING_H

#include "base/json.h"
#include "certstore/store.h"

enum { LISTING_MAX = 1000 };

struct listing_args {
	struct store *store;
	struct str cursor;             /* "" at first */
	unsigned max;                  /* up to LISTING_MAX */
	/* json: {"certs": [...], "damaged": n, "cursor": "" at the end}, the callee's. */
	void (*fn)(void *owner, enum err err, struct json *json);
	void *owner;
};
/* Never calls back before it returns. */
void listing_start(const struct listing_args *args);

#endif
