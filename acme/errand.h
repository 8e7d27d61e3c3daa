/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * errand: work on the pool or in the store, whose end may no longer interest anybody. Neither can be
 * stopped once begun; an abandoned errand ends by itself and only cleans up. Control loop.
 */
#ifndef ACME_ERRAND_H
#define ACME_ERRAND_H

#include "certstore/audit.h"
#include "certstore/key.h"
#include "certstore/store.h"

struct errand;

/* Never before the start returns. object: what the parse or the work made, the callee's now; NULL
 * unless err is E_OK. The errand is dead when this is called. */
typedef void errand_fn(void *owner, enum err err, void *object, const struct fault *fault);
/* Frees an object nobody took. */
typedef void errand_free_fn(void *object);

struct errand *errand_load(struct store *s, enum store_group g, const char *name,
	store_parse_fn *parse, errand_free_fn *free_object, errand_fn *fn, void *owner);
struct errand *errand_save(struct store *s, enum store_group g, const char *name, struct str bytes,
	errand_fn *fn, void *owner);
/* A certificate, with the mark of its renewal (certstore/mark). */
struct errand *errand_save_bundle(struct store *s, const char *name, struct str bundle, int64_t renew_at_ms,
	errand_fn *fn, void *owner);
/* The same of one that is new, once its entry is in the audit log, or the disk does not take that now: none that is
 * used is missing there, whenever we are killed. event: nulled; NULL: there is no entry. */
struct errand *errand_save_issued(struct store *s, struct audit *a, struct json **event, const char *name,
	struct str bundle, int64_t renew_at_ms, errand_fn *fn, void *owner);
/* A lock granted after abandoning is given back. */
struct errand *errand_lock(struct store *s, const char *name, int64_t wait_ms, errand_fn *fn,
	void *owner);
/* Whether a certificate could be kept (E_STORE) and its dates be judged (E_CLOCK) now. */
struct errand *errand_probe(struct store *s, errand_fn *fn, void *owner);
/* Nobody waits for it. */
void errand_remove(struct store *s, enum store_group g, const char *name);

/* run works on a pool thread on the object and nothing else. */
typedef enum err errand_run_fn(void *object, struct fault *fault);
struct errand *errand_work(struct loop *l, errand_run_fn *run, void *object,
	errand_free_fn *free_object, errand_fn *fn, void *owner);

/* Makes a key; its object goes through errand_take_key, once. */
struct errand *errand_make_key(struct loop *l, enum conf_key_type type, errand_fn *fn, void *owner);
struct key *errand_take_key(void *object);

/* No callback follows. Nulls, accepts NULL. */
void errand_abandon(struct errand **e);

/* A place in a line: many wait for one thing (the directory, the account). */
struct waiter {
	struct list node;
	void (*fn)(struct waiter *w, enum err err, const struct fault *fault);
};
void waiter_init(struct waiter *w,
	void (*fn)(struct waiter *w, enum err err, const struct fault *fault));
/* Tells those in line now; a callback may join the line again or leave it. */
void waiter_tell_all(struct list *line, enum err err, const struct fault *fault);

#endif
