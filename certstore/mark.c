/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mark: first the new mark, then what it is for; whoever is killed in between leaves one too many.
 */
#include "certstore/mark.h"

#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

static const struct log log_store = {"store"};
static const int64_t last_hour_ms = 253402297200000; /* 9999-12-31T23 */

int64_t mark_hour(int64_t at_ms)
{
	if (at_ms < 0)
		return 0;
	return at_ms > last_hour_ms ? last_hour_ms : at_ms / MARK_HOUR_MS * MARK_HOUR_MS;
}

bool mark_write(char dst[MARK_MAX], const char *name, int64_t at_ms)
{
	char time[CLOCK_RFC3339];

	clock_rfc3339(time, mark_hour(at_ms));
	time[MARK_HOUR_TEXT] = '\0';
	return snprintf(dst, MARK_MAX, "%s/%s", time, name) < MARK_MAX;
}

bool mark_read(const char *mark, int64_t *hour_ms, const char **name)
{
	char time[CLOCK_RFC3339];

	if (strlen(mark) < MARK_HOUR_TEXT + 2 || mark[MARK_HOUR_TEXT] != '/')
		return false;
	snprintf(time, sizeof(time), "%.13s:00:00Z", mark);
	*hour_ms = clock_parse_rfc3339(time, strlen(time));
	*name = mark + MARK_HOUR_TEXT + 1;
	return *hour_ms >= 0;
}

/* ---- one after the other ---- */

struct putting {
	struct store *store;
	char *name;
	struct buf bundle; /* empty: none to save */
	int64_t from_ms;   /* what goes then; -1: nothing */
	store_done_fn *fn;
	void *owner;
};

static void ignore(void *owner, enum err err, const struct fault *fault)
{
	(void)owner;
	(void)err;
	(void)fault;
}

static void on_put(void *owner, enum err err, const struct fault *fault)
{
	struct putting *p = owner;

	if (err)
		log_kv(&log_store, LOG_DEBUG, "renewal not marked in the schedule",
			(struct log_field[]){{.key = "name", .text = str_from(p->name)},
				{.key = "detail", .text = str_from(fault->detail)}}, 2);
	if (p->bundle.len > 0)
		store_save(p->store, STORE_CERTS, p->name, buf_str(&p->bundle), p->fn, p->owner);
	else if (!err && p->from_ms >= 0)
		mark_remove(p->store, p->name, p->from_ms);
	mem_wipe(p->bundle.at, p->bundle.len);
	buf_fini(&p->bundle);
	mem_free(&p->name);
	mem_free(&p);
}

static struct putting *putting_new(struct store *s, const char *name, int64_t from_ms)
{
	struct putting *p = mem_new(sizeof(*p));

	p->store = s;
	p->name = mem_strdup(name);
	p->from_ms = from_ms;
	buf_init(&p->bundle, 0);
	return p;
}

void mark_save_bundle(struct store *s, const char *name, struct str bundle, int64_t renew_at_ms,
	store_done_fn *fn, void *owner)
{
	char mark[MARK_MAX];
	struct putting *p;

	ASSERT(fn && bundle.len > 0);
	if (!mark_write(mark, name, renew_at_ms)) {
		store_save(s, STORE_CERTS, name, bundle, fn, owner);
		return;
	}
	p = putting_new(s, name, -1);
	ASSERT(buf_add(&p->bundle, bundle) == E_OK);
	p->fn = fn;
	p->owner = owner;
	store_save(s, STORE_SCHEDULE, mark, STR_NONE, on_put, p);
}

void mark_move(struct store *s, const char *name, int64_t from_ms, int64_t to_ms)
{
	char mark[MARK_MAX];
	bool stays = from_ms < 0 || mark_hour(from_ms) == mark_hour(to_ms);

	if (mark_write(mark, name, to_ms))
		store_save(s, STORE_SCHEDULE, mark, STR_NONE, on_put, putting_new(s, name, stays ? -1 : from_ms));
}

void mark_remove(struct store *s, const char *name, int64_t at_ms)
{
	char mark[MARK_MAX];

	if (mark_write(mark, name, at_ms))
		store_remove(s, STORE_SCHEDULE, mark, ignore, NULL);
}
