/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * errand: owns itself from start to end. The owner's pointer is dropped when it is abandoned; the
 * object then goes back through its own free function.
 *
 *   started --> ended --> callback --> freed
 *      \__ abandoned --> ended --> freed
 */
#include "acme/errand.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "certstore/mark.h"

struct errand {
	struct loop_work work;
	errand_run_fn *run;
	errand_free_fn *free_object;
	errand_fn *fn;             /* NULL once abandoned */
	void *owner, *object;
	struct store *locked_in;   /* a lock is being waited for */
	struct store *store;       /* what is to be saved then */
	struct buf bundle;
	int64_t renew_at_ms;
	char *name;
	enum err err;
	struct fault fault;
};

static struct errand *new_errand(errand_free_fn *free_object, errand_fn *fn, void *owner)
{
	struct errand *e = mem_new(sizeof *e);
	buf_init(&e->bundle, 0);
	e->free_object = free_object;
	e->fn = fn;
	e->owner = owner;
	return e;
}

/* The end of every errand. */
static void end(struct errand *e, enum err err, void *object, const struct fault *fault)
{
	errand_fn *fn = e->fn;
	void *owner = e->owner;
	struct fault copy = { .code = err };
	if (fault)
		copy = *fault;
	if (object && (err || !fn) && e->free_object) {
		e->free_object(object);
		object = NULL;
	}
	if (!fn && !err && e->locked_in)
		e->locked_in->ops->unlock(e->locked_in, e->name);
	mem_wipe(e->bundle.at, e->bundle.len);
	buf_fini(&e->bundle);
	mem_free(&e->name);
	mem_free(&e);
	if (fn)
		fn(owner, err, object, &copy);
}

static void on_loaded(void *owner, enum err err, void *object, const struct fault *fault)
{
	end(owner, err, object, fault);
}

static void on_done(void *owner, enum err err, const struct fault *fault)
{
	end(owner, err, NULL, fault);
}

static void on_run(struct loop_work *w)
{
	struct errand *e = container_of(w, struct errand, work);
	e->err = e->run(e->object, &e->fault);
}

static void on_worked(struct loop_work *w, bool canceled)
{
	struct errand *e = container_of(w, struct errand, work);
	end(e, canceled ? E_CANCELED : e->err, e->object, &e->fault);
}

struct errand *errand_load(struct store *s, enum store_group g, const char *name,
	store_parse_fn *parse, errand_free_fn *free_object, errand_fn *fn, void *owner)
{
	struct errand *e = new_errand(free_object, fn, owner);
	store_load(s, g, name, parse, on_loaded, e);
	return e;
}

struct errand *errand_save(struct store *s, enum store_group g, const char *name, struct str bytes,
	errand_fn *fn, void *owner)
{
	struct errand *e = new_errand(NULL, fn, owner);
	store_save(s, g, name, bytes, on_done, e);
	return e;
}

struct errand *errand_save_bundle(struct store *s, const char *name, struct str bundle, int64_t renew_at_ms,
	errand_fn *fn, void *owner)
{
	struct errand *e = new_errand(NULL, fn, owner);
	mark_save_bundle(s, name, bundle, renew_at_ms, on_done, e);
	return e;
}

static void on_noted(void *owner, enum err err, const struct fault *fault)
{
	struct errand *e = owner;
	(void)err;
	(void)fault;
	mark_save_bundle(e->store, e->name, buf_str(&e->bundle), e->renew_at_ms, on_done, e);
}

struct errand *errand_save_issued(struct store *s, struct audit *a, struct json **event, const char *name,
	struct str bundle, int64_t renew_at_ms, errand_fn *fn, void *owner)
{
	if (!*event)
		return errand_save_bundle(s, name, bundle, renew_at_ms, fn, owner);
	struct errand *e = new_errand(NULL, fn, owner);
	e->store = s;
	e->name = mem_strdup(name);
	ASSERT(buf_add(&e->bundle, bundle) == E_OK);
	e->renew_at_ms = renew_at_ms;
	audit_add(a, event, on_noted, e);
	return e;
}

struct errand *errand_lock(struct store *s, const char *name, int64_t wait_ms, errand_fn *fn,
	void *owner)
{
	struct errand *e = new_errand(NULL, fn, owner);
	e->locked_in = s;
	e->name = mem_strdup(name);
	s->ops->lock(s, name, wait_ms, on_done, e);
	return e;
}

static void on_probed(void *owner, enum err err, const struct fault *fault)
{
	struct fault f = { 0 };
	if (err || clock_is_plausible())
		end(owner, err, NULL, fault);
	else
		end(owner, fault_set(&f, E_CLOCK, "our clock shows a time before this program was written"),
			NULL, &f);
}

struct errand *errand_probe(struct store *s, errand_fn *fn, void *owner)
{
	struct errand *e = new_errand(NULL, fn, owner);
	s->ops->probe(s, on_probed, e);
	return e;
}

void errand_remove(struct store *s, enum store_group g, const char *name)
{
	store_remove(s, g, name, on_done, new_errand(NULL, NULL, NULL));
}

struct errand *errand_work(struct loop *l, errand_run_fn *run, void *object,
	errand_free_fn *free_object, errand_fn *fn, void *owner)
{
	struct errand *e = new_errand(free_object, fn, owner);
	e->run = run;
	e->object = object;
	e->work.fn = on_run;
	e->work.done = on_worked;
	loop_work_start(l, &e->work);
	return e;
}

/* ---- a key ---- */

struct making {
	enum conf_key_type type;
	struct key *key;
};

static enum err run_making(void *object, struct fault *fault)
{
	struct making *m = object;
	enum err err = key_generate(m->type, &m->key);
	return err ? fault_set(fault, err, "no key can be made") : E_OK;
}

static void free_making(void *object)
{
	struct making *m = object;
	key_unref(&m->key);
	mem_free(&m);
}

struct errand *errand_make_key(struct loop *l, enum conf_key_type type, errand_fn *fn, void *owner)
{
	struct making *m = mem_new(sizeof *m);
	m->type = type;
	return errand_work(l, run_making, m, free_making, fn, owner);
}

struct key *errand_take_key(void *object)
{
	struct making *m = object;
	struct key *key = m->key;
	m->key = NULL;
	free_making(m);
	return key;
}

void errand_abandon(struct errand **e)
{
	if (*e)
		(*e)->fn = NULL;
	*e = NULL;
}

void waiter_init(struct waiter *w,
	void (*fn)(struct waiter *w, enum err err, const struct fault *fault))
{
	list_init(&w->node);
	w->fn = fn;
}

void waiter_tell_all(struct list *line, enum err err, const struct fault *fault)
{
	struct list now;
	list_init(&now);
	while (!list_is_empty(line)) {
		struct list *node = line->next;
		list_remove(node);
		list_append(&now, node);
	}
	struct fault copy = fault ? *fault : (struct fault){ .code = err };
	/* One at a time from the front: a callback may free others in line. */
	while (!list_is_empty(&now)) {
		struct waiter *w = list_first(&now, struct waiter, node);
		list_remove(&w->node);
		w->fn(w, err, &copy);
	}
}
