/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * leaf: a job's work for the pool: the key and CSR of a certificate, and the certificate's checks.
 */
#ifndef ACME_LEAF_H
#define ACME_LEAF_H

#include "certstore/entry.h"

/* Filled by the caller up to the line, completed by leaf_make. */
struct leaf {
	enum conf_key_type type;
	char name[ENTRY_NAME];
	struct key *key;           /* NULL: to be made */
	/* ---- */
	struct buf csr;
};
struct leaf *leaf_new(const char *name, enum conf_key_type type, struct key *key);
void leaf_free(void *leaf);
/* Pool thread (errand_run_fn). */
enum err leaf_make(void *leaf, struct fault *fault);

/* What a CA delivered, and what becomes of it. */
struct delivery {
	char name[ENTRY_NAME];     /* a series */
	char ca[ENTRY_TEXT], account[ENTRY_TEXT], profile[64], challenge[32];
	struct key *key;
	struct buf chain_pem;
	int64_t now_ms;
	/* ---- */
	struct entry *entry;
	struct buf bundle;
};
struct delivery *delivery_new(const char *name, struct str chain_pem);
/* How it was had; "": not known. */
void delivery_note(struct delivery *d, const char *ca, const char *account, const char *profile,
	const char *challenge);
void delivery_free(void *delivery);
/* Pool thread: key, name, time and signatures, then the entry and its text. E_CHAIN, E_KEY. */
enum err delivery_check(void *delivery, struct fault *fault);

#endif
