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

enum { KEPT_BYTES = 1024 * 1024, RETRY_MS = 2000 };

struct audit {
	struct loop *loop;
	struct loop_work work;
	struct deadline retry;
	enum audit_state state;
	char *directory;
	struct buf waiting, batch;   /* bodies, separated by newlines */
	unsigned lost;
	enum err err;
	struct fault fault;
};

static const struct log area = {"audit"};

static void on_pool(struct loop_work *w);
static void on_written(struct loop_work *w, bool canceled);
static void on_retry(struct deadline *d);

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
	return a;
}

static void write_batch(struct audit *a)
{
	if (a->state == WRITING || (a->waiting.len == 0 && a->batch.len == 0))
		return;
	deadline_disarm(&a->retry);
	/* What could not be written goes first. */
	if (a->batch.len == 0) {
		ASSERT(buf_add(&a->batch, buf_str(&a->waiting)) == E_OK);
		buf_clear(&a->waiting);
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

void audit_add(struct audit *a, struct json **event)
{
	if (a && add_body(&a->waiting, *event)) {
		if (a->lost++ == 0)
			log_error(&area, "entries lost, the disk takes none", "lost=%u", a->lost);
	}
	json_free(event);
	if (a && a->state == IDLE)
		write_batch(a);
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
	if (!a->err) {
		buf_clear(&a->batch);
		enter(a, IDLE);
		write_batch(a);
		return;
	}
	if (a->err != E_LOCKED)
		log_warn(&area, "not written, tried again", "detail=%s", a->fault.detail);
	enter(a, RESTING);
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
	if ((*a)->batch.len || (*a)->waiting.len)
		log_error(&area, "entries lost at the end, the disk took none", "detail=%s", (*a)->fault.detail);
	buf_fini(&(*a)->waiting);
	buf_fini(&(*a)->batch);
	mem_free(&(*a)->directory);
	mem_free(a);
}
