/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * challenge: live ACME challenges. The control loop owns the table; workers answer from an
 * immutable, reference-counted set that the table publishes. acme puts challenges in and learns
 * when every worker answers them, and when a validator came by. A table with a store writes each
 * into it, so that other processes there can answer too.
 */
#ifndef CERTSTORE_CHALLENGE_H
#define CERTSTORE_CHALLENGE_H

#include "certstore/challenge_file.h"
#include "certstore/store.h"

/* ---- workers: immutable ---- */

struct challenge_set;
struct challenge_set *challenge_set_ref(struct challenge_set *s);
void challenge_set_unref(struct challenge_set **s);
/* The key authorization for exactly this host (IPv6 addresses: without brackets, in any spelling) and token,
 * or STR_NONE. Borrowed from the set. */
struct str challenge_set_http01(const struct challenge_set *s, struct str host, struct str token);
/* The challenge certificate for this SNI (IP identifiers: by reverse name), or NULL. Borrowed. */
struct tls_certificate *challenge_set_tlsalpn01(const struct challenge_set *s, struct str sni);

/* ---- control loop ---- */

struct challenge_table;
/* Hands a new set to all workers and calls challenge_published(table, generation) once each of them
 * uses it. The set's reference is the callee's. */
typedef void challenge_publish_fn(void *owner, struct challenge_set *set, uint64_t generation);
struct challenge_table *challenge_table_new(
	struct loop *l, challenge_publish_fn *publish, void *owner);
/* From now on every challenge put is a value of the store while it lives. The store outlives the
 * table, and its callbacks may come after the table is gone. */
void challenge_table_share(struct challenge_table *t, struct store *s);
/* What it put into the store is taken out again, but for more than a few hundred. */
void challenge_table_free(struct challenge_table **t);
void challenge_published(struct challenge_table *t, uint64_t generation);

struct challenge;
struct challenge_args {
	enum conf_challenge kind;
	const char *identifier; /* DNS name or IP literal */
	const char *token;      /* checked: [A-Za-z0-9_-]{16,128} */
	const char *key_authorization;
	struct tls_certificate *certificate; /* tls-alpn-01; referenced */
	bool is_foreign; /* another process's, found in the store: not written there again */
	/* The callbacks must not free the table. */
	/* Every worker answers it now, and other processes can find it. May be called only after
	 * challenge_put returned. */
	void (*on_live)(void *owner);
	/* A validator asked for it (each time). */
	void (*on_seen)(void *owner);
	void *owner;
};
/* E_PARSE for a bad token, E_LIMIT above 4096 live ones, of which 2048 may be foreign. */
enum err challenge_put(
	struct challenge_table *t, const struct challenge_args *args, struct challenge **out);
/* No callbacks from now on; it stays answerable for grace_ms (validators come late). Nulls. */
void challenge_withdraw(struct challenge **c, int64_t grace_ms);
/* A worker answered one. */
void challenge_seen(struct challenge_table *t, enum conf_challenge kind, struct str identifier);

#endif
