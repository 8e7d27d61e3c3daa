/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * audit: events wait in memory for the batch before them.
 *
 *   IDLE ── an event ──► WRITING (pool thread) ── done, more wait ──► WRITING
 *                             └── failed ──► RESTING ── a while ──► WRITING
 */
#include "certstore/audit.h"

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/deadline.h"

#define AUDIT_STATES(X) \
	X(IDLE, "nothing to write") \
	X(WRITING, "writing") \
	X(RESTING, "waiting for the disk")

enum audit_state {
#define X(name, text) name,
	AUDIT_STATES(X)
#undef X
};

enum { KEPT_BYTES = 1024 * 1024, RETRY_MS = 2000, LOCKED_MS = 20, LOCKED_TRIES = 50 };

/* Waits for the batch that its entry is in. */
struct waiter {
	struct list node;
	store_done_fn *fn;
	void *owner;
};

struct audit {
	struct loop *loop;
	struct loop_work work;
	struct deadline retry;
	enum audit_state state;
	char *directory;
	struct buf waiting, batch;   /* bodies, separated by newlines */
	struct list told_next, told; /* who waits for them */
	struct loop_task telling;    /* that the disk takes nothing at present */
	bool is_refused;             /* so it was with the last batch */
	unsigned locked;             /* how often in a row another process was at it */
	unsigned lost;
	enum err err;
	struct fault fault;
};

static const struct log area = {"audit"};

static void on_pool(struct loop_work *w);
static void on_written(struct loop_work *w, bool canceled);
static void on_retry(struct deadline *d);
static void on_telling(struct loop_task *t);

static void enter(struct audit *a, enum audit_state state)
{
	static const char *const texts[] = {
#define X(name, text) text,
		AUDIT_STATES(X)
#undef X
	};

	a->state = state;
	log_trace(&area, texts[state], "waiting=%zu", a->waiting.len);
}

struct audit *audit_new(struct loop *l, const char *directory)
{
	struct audit *a = mem_new(sizeof(*a));

	a->loop = l;
	a->directory = mem_strdup(directory);
	a->work.fn = on_pool;
	a->work.done = on_written;
	buf_init(&a->waiting, KEPT_BYTES);
	buf_init(&a->batch, 2 * KEPT_BYTES);
	deadline_init(&a->retry, l, on_retry);
	loop_task_init(&a->telling, on_telling);
	list_init(&a->told_next);
	list_init(&a->told);
	return a;
}

static void append_all(struct list *to, struct list *from)
{
	list_each(from, node, tmp) {
		list_remove(node);
		list_append(to, node);
	}
}

static void tell_all(struct list *line, enum err err, const struct fault *fault)
{
	struct list now;

	list_init(&now);
	append_all(&now, line);
	while (!list_is_empty(&now)) {
		struct waiter *w = list_first(&now, struct waiter, node);

		list_remove(&w->node);
		w->fn(w->owner, err, fault);
		mem_free(&w);
	}
}

static void on_telling(struct loop_task *t)
{
	struct audit *a = container_of(t, struct audit, telling);

	tell_all(&a->told_next, a->err, &a->fault);
}

static void write_batch(struct audit *a)
{
	if (a->state == WRITING)
		return;
	if (a->waiting.len == 0 && a->batch.len == 0) {
		/* whose entry was lost waits for no batch */
		if (!list_is_empty(&a->told_next))
			loop_defer(a->loop, &a->telling);
		return;
	}
	deadline_disarm(&a->retry);
	/* What could not be written goes first. */
	if (a->batch.len == 0) {
		ASSERT(buf_add(&a->batch, buf_str(&a->waiting)) == E_OK);
		buf_clear(&a->waiting);
		append_all(&a->told, &a->told_next);
	}
	enter(a, WRITING);
	loop_work_start(a->loop, &a->work);
}

/* The object without its braces: what comes before and after is added when it is written. */
static enum err add_body(struct buf *out, const struct json *event)
{
	struct buf text;
	enum err err;

	buf_init(&text, AUDIT_LINE_BYTES);
	err = json_print(event, &text, false);
	if (!err && text.len > 2 && out->len > 0)
		err = buf_add(out, STR("\n"));
	if (!err && text.len > 2)
		err = buf_add(out, str_of(text.at + 1, text.len - 2));
	buf_fini(&text);
	return err;
}

void audit_add(struct audit *a, struct json **event, store_done_fn *fn, void *owner)
{
	if (a && fn) {
		struct waiter *w = mem_new(sizeof(*w));

		w->fn = fn;
		w->owner = owner;
		list_append(&a->told_next, &w->node);
	}
	if (a && add_body(&a->waiting, *event)) {
		if (a->lost++ == 0)
			log_error(&area, "entries lost, the disk takes none", "lost=%u", a->lost);
	}
	json_free(event);
	if (a && a->state == IDLE)
		write_batch(a);
	else if (a && fn && a->state == RESTING && a->is_refused)
		loop_defer(a->loop, &a->telling);
}

static void on_pool(struct loop_work *w)
{
	struct audit *a = container_of(w, struct audit, work);

	fault_clear(&a->fault);
	a->err = audit_append(a->directory, buf_str(&a->batch), AUDIT_FILE_BYTES, &a->fault);
}

static void on_written(struct loop_work *w, bool canceled)
{
	struct audit *a = container_of(w, struct audit, work);

	(void)canceled;
	if (a->err == E_LOCKED && a->locked++ < LOCKED_TRIES) {  /* for as long as it writes some lines */
		enter(a, RESTING);
		deadline_arm(&a->retry, LOCKED_MS);
		return;
	}
	a->locked = 0;
	a->is_refused = a->err != E_OK;
	tell_all(&a->told, a->err, &a->fault);
	if (!a->err) {
		buf_clear(&a->batch);
		enter(a, IDLE);
		write_batch(a);
		return;
	}
	if (a->err != E_LOCKED)
		log_warn(&area, "not written, tried again", "detail=%s", a->fault.detail);
	enter(a, RESTING);
	if (!list_is_empty(&a->told_next))
		loop_defer(a->loop, &a->telling);
	deadline_arm(&a->retry, RETRY_MS);
}

static void on_retry(struct deadline *d)
{
	write_batch(container_of(d, struct audit, retry));
}

void audit_stop(struct audit *a)
{
	if (!a)
		return;
	if (a->state == RESTING)
		write_batch(a);
	deadline_disarm(&a->retry);
}

void audit_free(struct audit **a)
{
	if (!*a)
		return;
	deadline_disarm(&(*a)->retry);
	loop_task_cancel(&(*a)->telling);
	ASSERT(list_is_empty(&(*a)->told) && list_is_empty(&(*a)->told_next));
	if ((*a)->batch.len || (*a)->waiting.len)
		log_error(&area, "entries lost at the end, the disk took none", "detail=%s", (*a)->fault.detail);
	buf_fini(&(*a)->waiting);
	buf_fini(&(*a)->batch);
	mem_free(&(*a)->directory);
	mem_free(a);
}
