/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * announced: a timer looks once a second which names are due for a look at DNS.
 *
 *   WAITING ─► LOOKING ─┬─ it has an address ─► ARRIVED (names orders it, and tries again by itself)
 *      ▲                └─ none ─┐
 *      └── 2 s, 3 s … 5 min ─────┘
 *
 * Any address counts: a CDN's is as good as ours, and what the CA meets there only the CA can tell.
 */
#include "proxy/announced.h"

#include "acme/record.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "net/deadline.h"
#include "net/resolve.h"

#define ANNOUNCED_STATES(X) \
	X(WAITING, "waiting for its DNS record") \
	X(LOOKING, "looking for its DNS record") \
	X(ARRIVED, "has a DNS record")

enum announced_state {
#define X(name, text) name,
	ANNOUNCED_STATES(X)
#undef X
};

enum { TICK_MS = 1000, LOOKS_MAX = 16, LOOK_MS = 10000, PAUSE_MIN_MS = 2000, PAUSE_MAX_MS = 300 * 1000,
	PAGE = 256, RECORD_MAX = 1024 };

struct item {
	struct announced *all;
	enum announced_state state;
	struct resolve *look;
	int64_t next_at_ms, pause_ms;   /* wall clock */
	char name[];
};

/* A list call outlives us if need be. */
struct reading {
	struct announced *all;          /* NULL: gone */
};

struct announced {
	struct announced_args args;
	struct map items;
	struct deadline tick;
	struct reading *reading;
	unsigned looks;
	char cursor[512];
};

static const struct log area = { "announced" };

static void on_resolved(void *owner, enum err err, const struct resolve_result *result);

static void enter(struct item *t, enum announced_state state)
{
	static const char *const texts[] = {
#define X(name, text) text,
		ANNOUNCED_STATES(X)
#undef X
	};

	t->state = state;
	log_trace(&area, texts[state], "name=%s", t->name);
}

/* ---- looking ---- */

static void look(struct item *t)
{
	struct announced *a = t->all;

	t->look = resolve_start(a->args.loop, str_from(t->name), 443, LOOK_MS, on_resolved, t);
	if (!t->look)
		return;
	a->looks++;
	enter(t, LOOKING);
}

static void on_tick(struct deadline *d)
{
	struct announced *a = container_of(d, struct announced, tick);
	int64_t now = clock_wall_ms();
	size_t cursor = 0;
	struct str name;
	bool is_any = false;
	void *value;

	while (map_next(&a->items, &cursor, &name, &value)) {
		struct item *t = value;

		is_any |= t->state != ARRIVED;
		/* A clock set back must not postpone it for ever. */
		if (t->state == WAITING && a->looks < LOOKS_MAX
			&& (now >= t->next_at_ms || t->next_at_ms - now > PAUSE_MAX_MS))
			look(t);
	}
	if (is_any)
		deadline_arm(&a->tick, TICK_MS);
}

static void on_resolved(void *owner, enum err err, const struct resolve_result *result)
{
	struct item *t = owner;
	struct announced *a = t->all;

	t->look = NULL;
	a->looks--;
	if (!err && result->n) {
		enter(t, ARRIVED);
		log_info(&area, "announced name has a DNS record", "name=%s", t->name);
		a->args.on_arrived(a->args.owner, t->name);
		return;
	}
	t->next_at_ms = clock_wall_ms() + t->pause_ms;
	t->pause_ms = t->pause_ms * 3 / 2 < PAUSE_MAX_MS ? t->pause_ms * 3 / 2 : PAUSE_MAX_MS;
	enter(t, WAITING);
}

/* ---- the set ---- */

static struct item *find_or_add(struct announced *a, const char *name)
{
	struct item *t = map_get(&a->items, str_from(name));
	size_t len = strlen(name);

	if (t || map_count(&a->items) >= ANNOUNCED_MAX)
		return t;
	t = mem_new(sizeof(*t) + len + 1);
	t->all = a;
	memcpy(t->name, name, len + 1);
	map_put(&a->items, str_from(name), t);
	return t;
}

static void wait_for(struct item *t)
{
	if (t->state == LOOKING)
		return;
	t->next_at_ms = 0;
	t->pause_ms = PAUSE_MIN_MS;
	enter(t, WAITING);
	if (!deadline_is_armed(&t->all->tick))
		deadline_arm(&t->all->tick, 0);
}

static void on_kept(void *owner, enum err err, const struct fault *fault)
{
	(void)owner;
	if (err && err != E_NOT_FOUND)
		log_warn(&area, "announcement not kept", "err=%s", fault ? fault->detail : err_text(err));
}

static void keep(struct announced *a, const char *name)
{
	struct buf b;

	buf_init(&b, RECORD_MAX);
	if (!record_add(&b, "sallyport-announced", STR("1"))
		&& !record_add_int(&b, "announced-at", clock_wall_ms()))
		store_save(a->args.store, STORE_ANNOUNCED, name, buf_str(&b), on_kept, NULL);
	buf_fini(&b);
}

enum err announced_add(struct announced *a, const char *name, struct fault *fault)
{
	struct item *t = find_or_add(a, name);

	if (!t)
		return fault_set(fault, E_LIMIT, "%d names are announced, which is the most we keep",
			ANNOUNCED_MAX);
	keep(a, name);
	wait_for(t);
	return E_OK;
}

static void item_free(struct item *t)
{
	if (t->look)
		t->all->looks--;
	resolve_cancel(&t->look);
	mem_release(t);
}

bool announced_remove(struct announced *a, const char *name)
{
	struct item *t = map_remove(&a->items, str_from(name));

	store_remove(a->args.store, STORE_ANNOUNCED, name, on_kept, NULL);
	if (t)
		item_free(t);
	return t;
}

bool announced_has(const struct announced *a, const char *name)
{
	return map_get(&a->items, str_from(name));
}

bool announced_is_waiting(const struct announced *a, const char *name, int64_t *next_at_ms)
{
	const struct item *t = map_get(&a->items, str_from(name));

	*next_at_ms = t ? t->next_at_ms : 0;
	return t && t->state != ARRIVED;
}

unsigned announced_count(const struct announced *a)
{
	return (unsigned)map_count(&a->items);
}

/* ---- what earlier runs kept ---- */

static void read_more(struct announced *a);

static void on_read(void *owner, enum err err, const char *const *names, unsigned n, const char *cursor)
{
	struct reading *r = owner;
	struct announced *a = r->all;

	mem_free(&r);
	if (!a)
		return;
	a->reading = NULL;
	for (unsigned i = 0; !err && i < n; i++) {
		struct item *t = find_or_add(a, names[i]);

		if (t)
			wait_for(t);
	}
	if (err)
		log_warn(&area, "announcements cannot be read", "err=%s", err_text(err));
	else if (cursor[0] && str_copy(a->cursor, sizeof(a->cursor), str_from(cursor)))
		read_more(a);
}

static void read_more(struct announced *a)
{
	struct store_list_args args = { .group = STORE_ANNOUNCED, .cursor = a->cursor, .max = PAGE };

	a->reading = mem_new(sizeof(*a->reading));
	a->reading->all = a;
	a->args.store->ops->list(a->args.store, &args, on_read, a->reading);
}

void announced_start(struct announced *a)
{
	ASSERT(!a->reading);
	read_more(a);
}

/* ---- begin and end ---- */

struct announced *announced_new(const struct announced_args *args)
{
	struct announced *a = mem_new(sizeof(*a));

	ASSERT(args->on_arrived);
	a->args = *args;
	map_init(&a->items);
	deadline_init(&a->tick, args->loop, on_tick);
	return a;
}

void announced_free(struct announced **a)
{
	size_t cursor = 0;
	struct str name;
	void *item;

	if (!*a)
		return;
	while (map_next(&(*a)->items, &cursor, &name, &item))
		item_free(item);
	map_fini(&(*a)->items);
	deadline_disarm(&(*a)->tick);
	if ((*a)->reading)
		(*a)->reading->all = NULL;
	mem_free(a);
}
