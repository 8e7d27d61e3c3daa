/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store: six asynchronous verbs over named values in groups; store_disk keeps them in a directory,
 * store_memory in memory (tests). Started from one loop; all blocking work happens on the work
 * queue; callbacks come on that loop, never before the verb returns.
 *
 * Values have generations: saving adds one, the previous is kept, damaged ones are quarantined on
 * load and the one before is tried. Saving is durable when done says E_OK; challenges, which live for
 * minutes, survive the death of a process but not a power cut.
 */
#ifndef CERTSTORE_STORE_H
#define CERTSTORE_STORE_H

#include "base/buf.h"
#include "base/err.h"
#include "net/loop.h"

/* X(enumerator, "directory", generations kept, value cap in bytes) */
#define STORE_GROUPS(X) \
	X(STORE_CERTS, "certs", 2, 512 * 1024)      /* bundles, by certificate name */ \
	X(STORE_ACCOUNTS, "accounts", 2, 64 * 1024) /* by CA */ \
	X(STORE_ORDERS, "orders", 1, 64 * 1024)     /* order journal, by name */ \
	X(STORE_FAILURES, "failures", 1, 16 * 1024) /* failure memory and backoff, by name */ \
	X(STORE_ANNOUNCED, "announced", 1, 4 * 1024) /* names the operator announced */ \
	X(STORE_LISTED, "listed", 2, 2 * 1024 * 1024) /* names the operator allowed or denied: a catalog */ \
	X(STORE_PROMISES, "promises", 2, 2 * 1024 * 1024) /* what ask replies said of names: a catalog */ \
	X(STORE_GOVERNOR, "governor", 2, 2 * 1024 * 1024) /* what the CAs' limits have left */ \
	X(STORE_ADVICE, "advice", 1, 4 * 1024)      /* what the CA advises about renewal, by name */ \
	X(STORE_CHALLENGES, "challenges", 1, 4 * 1024) /* live ones, for other processes (challenge_file) */ \
	X(STORE_SCHEDULE, "schedule", 0, 0)         /* when to look at a certificate: marks (mark.h), no bytes */

enum store_group {
#define X(name, dir, keep, cap) name,
	STORE_GROUPS(X)
#undef X
		STORE_GROUP_COUNT
};

/* Runs on a pool thread: makes an object of the bytes, or says why not (E_STORE_CORRUPT and the
 * like quarantine the generation; other errors do not). */
typedef enum err store_parse_fn(
	struct str bytes, const char *name, void **object, struct fault *fault);

/* E_NOT_FOUND when there is none (left). */
typedef void store_load_fn(void *owner, enum err err, void *object, const struct fault *fault);
typedef void store_done_fn(void *owner, enum err err, const struct fault *fault);
/* Called once with up to the asked number of names; cursor "" at the end. */
typedef void store_list_fn(
	void *owner, enum err err, const char *const *names, unsigned n, const char *cursor);

struct store;

/* For list: a pool-thread filter on each value's bytes (the newest generation); NULL lists all. */
typedef bool store_filter_fn(struct str bytes, const char *name, void *filter_owner);

struct store_list_args {
	enum store_group group;
	const char *cursor;   /* "" at first; copied */
	unsigned max;         /* names returned, up to 1,000 */
	unsigned max_visited; /* values looked at, so that one call stays short; 0: no bound */
	store_filter_fn *filter;
	void *filter_owner; /* must live until the callback */
};

struct store_ops {
	void (*load)(struct store *s, enum store_group g, const char *name, store_parse_fn *parse,
		store_load_fn *fn, void *owner);
	/* bytes are copied (and the copy wiped afterwards). None for a mark, which is called "SHARD/NAME" and is
	 * as short-lived in a power cut as a challenge. */
	void (*save)(struct store *s, enum store_group g, const char *name, struct str bytes,
		store_done_fn *fn, void *owner);
	void (*remove)(struct store *s, enum store_group g, const char *name, store_done_fn *fn,
		void *owner);
	void (*list)(struct store *s, const struct store_list_args *args, store_list_fn *fn,
		void *owner);
	/* Exclusive among processes and within this one, by name; released by the kernel on death.
	 * E_LOCKED after wait_ms. */
	void (*lock)(
		struct store *s, const char *name, int64_t wait_ms, store_done_fn *fn, void *owner);
	void (*unlock)(struct store *s, const char *name);
	/* Whether values can be written now: writes one, reads it back, removes it. */
	void (*probe)(struct store *s, store_done_fn *fn, void *owner);
	/* After all callbacks have come. */
	void (*free)(struct store *s);
};

struct store {
	const struct store_ops *ops;
};

/*
 * Blocking, before the loops run: makes the directory (0700) and what is in it, or refuses with the
 * reason and the command that helps: not a directory, foreign-owned, reachable by others, of
 * another version; a new one also when a self-check object cannot be written. One that exists is
 * opened with a warning then: a full disk must not keep its certificates from being served. Wrong
 * modes below the top are repaired and logged. Cleans temporary files older than a minute. Looks at
 * nothing that grows with the number of names.
 *
 *   DIR/format                          "sallyport-store 1"
 *   DIR/certs/ab/app.example.com/0000000007.pem    (ab: two hex digits of a hash of the name)
 *   DIR/accounts/… orders/… failures/… governor/… advice/… challenges/…  the same shape without .pem
 *   DIR/schedule/2026-12-04T06/app.example.com      (a mark: empty)
 *   DIR/tmp/…                           files being written
 *   DIR/quarantine/…                    damaged files with the time
 *   DIR/locks/ab/NAME                   permanent files for kernel locks
 * Names are encoded so that none can leave its directory ("*" as "_wildcard_", odd bytes as %XX).
 *
 * Jobs of one group and name are done in the order given; loads and saves of different names in
 * any.
 */
enum err store_disk_open(
	struct loop *l, const char *directory, struct store **out, struct fault *fault);
/* The same store without writing a byte, whoever else uses it: only load and list work. E_NOT_FOUND when
 * there is none. */
enum err store_disk_open_to_read(
	struct loop *l, const char *directory, struct store **out, struct fault *fault);
struct store *store_memory_new(struct loop *l);

/* Shorthands. */
static inline void store_load(struct store *s, enum store_group g, const char *name,
	store_parse_fn *parse, store_load_fn *fn, void *owner)
{
	s->ops->load(s, g, name, parse, fn, owner);
}
static inline void store_save(struct store *s, enum store_group g, const char *name,
	struct str bytes, store_done_fn *fn, void *owner)
{
	s->ops->save(s, g, name, bytes, fn, owner);
}
static inline void store_remove(
	struct store *s, enum store_group g, const char *name, store_done_fn *fn, void *owner)
{
	s->ops->remove(s, g, name, fn, owner);
}

#endif
