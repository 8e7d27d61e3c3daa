/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * journal: an order under way, written down before it is finalized: with the key, so that a certificate
 * issued to a process that died meanwhile can still be had.
 */
#ifndef ACME_JOURNAL_H
#define ACME_JOURNAL_H

#include "acme/errand.h"
#include "acme/transport.h"
#include "certstore/key.h"

enum { JOURNAL_RESUMED_MAX = 3, JOURNAL_MAX = 60 * 1024 };

struct journal {
	char ca[ACME_URL];         /* directory */
	char url[ACME_URL];        /* the order's */
	int64_t begun_at_ms, expires_ms;   /* wall clock; expires 0: not told */
	unsigned resumed;          /* how often, before this time */
	struct key *key;           /* the leaf's */
};

void journal_fini(struct journal *j);
/* The caller wipes out. */
enum err journal_write(const struct journal *j, struct buf *out);
/* E_STORE_CORRUPT. */
enum err journal_parse(struct str text, struct journal *out, struct fault *fault);
/* Whether it is worth a look at this time. */
bool journal_is_alive(const struct journal *j, int64_t now_ms);

/* For the store: makes a struct journal; and what frees one. */
enum err journal_read(struct str bytes, const char *name, void **object, struct fault *fault);
void journal_free(void *object);

/* Takes a reference to the key. */
void journal_begin(struct journal *j, const char *ca, const char *url, struct key *key);
struct errand *journal_save(const struct journal *j, struct store *s, const char *name, errand_fn *fn,
	void *owner);

#endif
