/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * waiting: a name exists here only while somebody waits for it, so that the table is bounded by the cap on
 * waiters. A waiter may close others while it is told: the name being told is taken out of the table
 * first and freed last.
 */
#include "proxy/waiting.h"

#include "base/check.h"
#include "base/counter.h"
#include "base/map.h"
#include "base/mem.h"

struct waiting_name {
	struct list waiters;
	unsigned n;
	bool is_told;
	char name[];
};

struct waiting {
	struct waiting_args args;
	struct map names;
	unsigned n;
};

struct waiting *waiting_new(const struct waiting_args *args)
{
	struct waiting *w = mem_new(sizeof(*w));

	w->args = *args;
	map_init(&w->names);
	return w;
}

void waiting_free(struct waiting **w)
{
	if (!*w)
		return;
	ASSERT(!(*w)->n);
	map_fini(&(*w)->names);
	mem_free(w);
}

static struct waiting_name *new_name(struct waiting *w, struct str name)
{
	struct waiting_name *n = mem_new(sizeof(*n) + name.len + 1);

	list_init(&n->waiters);
	memcpy(n->name, name.at, name.len);
	map_put(&w->names, name, n);
	return n;
}

/* Counts first: two workers must not both take the last place. */
static bool take_place(struct waiting *w, unsigned max)
{
	if (atomic_fetch_add(w->args.total, 1) < max)
		return true;
	atomic_fetch_sub(w->args.total, 1);
	return false;
}

enum err waiting_join(struct waiting *w, struct waiter *who, struct str name, const char *client_ip,
	const struct waiting_caps *caps)
{
	struct waiting_name *n = map_get(&w->names, name);

	ASSERT(!who->name && name.len);
	if ((n && n->n >= caps->per_name) || !take_place(w, caps->total))
		return E_LIMIT;
	if (!n)
		n = new_name(w, name);
	who->name = n;
	list_append(&n->waiters, &who->node);
	w->n++;
	counter_add(COUNTER_HANDSHAKES_WAITING, 1);
	if (++n->n == 1)
		w->args.on_want(w->args.owner, n->name, client_ip);
	return E_OK;
}

static void take_off(struct waiting *w, struct waiter *who)
{
	list_remove(&who->node);
	who->name->n--;
	who->name = NULL;
	w->n--;
	atomic_fetch_sub(w->args.total, 1);
	counter_add(COUNTER_HANDSHAKES_WAITING, -1);
}

void waiting_leave(struct waiting *w, struct waiter *who)
{
	struct waiting_name *n = who->name;

	if (!n)
		return;
	take_off(w, who);
	if (n->n || n->is_told)
		return;
	map_remove(&w->names, str_from(n->name));
	w->args.on_unwant(w->args.owner, n->name);
	mem_free(&n);
}

void waiting_answer(struct waiting *w, struct str name, enum err err, struct entry *e)
{
	struct waiting_name *n = map_remove(&w->names, name);

	if (!n)
		return;
	n->is_told = true;
	while (!list_is_empty(&n->waiters)) {
		struct waiter *who = list_first(&n->waiters, struct waiter, node);

		take_off(w, who);
		who->on_answer(who, err, e);
	}
	mem_free(&n);
}

unsigned waiting_count(const struct waiting *w)
{
	return w->n;
}
