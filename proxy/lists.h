/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lists: the names that are allowed, or denied, without asking anybody: told over the control socket (kept in the
 * store) or written in the names file. What was told over the socket comes first, a denial before all. Control
 * loop only.
 */
#ifndef PROXY_LISTS_H
#define PROXY_LISTS_H

#include "certstore/catalog.h"
#include "conf/conf.h"
#include "proxy/names_file.h"

/* X(enumerator, text) */
#define LISTS_ANSWERS(X) \
	X(LISTED_NOT, "not listed") \
	X(LISTED_ALLOWED, "listed") \
	X(LISTED_DENIED, "denied by the operator") \
	X(LISTED_UNKNOWN, "the list could not be read yet")

enum lists_answer {
#define X(name, text) name,
	LISTS_ANSWERS(X)
#undef X
};

struct lists;
struct lists_args {
	struct loop *loop;
	struct store *store;
	const struct conf *conf;             /* of the start; the store outlives it */
	/* A name may be allowed now that was not. */
	void (*on_change)(void *owner);
	void *owner;
};

/* Reads the names file and what earlier runs were told (blocking): before the loops run. */
struct lists *lists_new(const struct lists_args *args);
void lists_free(struct lists **l);
/* Another configuration: another file is read in the background. */
void lists_use(struct lists *l, const struct conf *conf);

/* tenant: "" when none is given, or it is not allowed; may be NULL. */
enum lists_answer lists_find(const struct lists *l, const char *name, char tenant[ROSTER_TENANT]);
/* Whether what no list has is denied: nobody else is asked. */
bool lists_are_all(const struct lists *l);

/* One line as in the names file, or of a name to deny. E_PARSE, E_LIMIT. name: as it was understood. */
enum err lists_allow(struct lists *l, struct str line, char name[256], struct fault *fault);
enum err lists_deny(struct lists *l, struct str line, char name[256], struct fault *fault);
/* Whether such a line would be understood. */
enum err lists_check(struct str line, struct fault *fault);
/* As catalog_sync. */
void lists_sync(struct lists *l, store_done_fn *fn, void *owner);
/* As catalog_next, of what was told; tenant: in its own 64 bytes. */
bool lists_next(const struct lists *l, uint64_t *cursor, struct str *name, bool *is_allowed,
	char tenant[ROSTER_TENANT]);

/* For status. */
struct lists_look {
	bool has_file;
	struct names_file_look file;
	size_t told;
};
void lists_look(const struct lists *l, struct lists_look *out);

#endif
