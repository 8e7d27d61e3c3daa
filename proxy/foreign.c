/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * foreign: one machine per question.
 *
 *   seek ─► QUEUED ─► LOOKING ─┬─ found ─► SHOWING ─ every worker has it ─► told, gone
 *              ▲               └─ nothing ─► told, RESTING ─ nobody asked meanwhile ─► gone
 *              └────────────────────────────────┘ somebody did
 *
 * One that rests is not refused at once: a stranger who asks for a name again and again must not keep a CA
 * from being answered. What was found is shown for seconds only: the next validator's question costs one
 * more look, and a later challenge for the same name must not meet an old answer.
 */
#include "proxy/foreign.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "net/deadline.h"
#include "proxy/limit.h"

#define FOREIGN_STATES(X) \
	X(QUEUED, "waiting for its turn") \
	X(LOOKING, "looking in the store") \
	X(SHOWING, "being given to the workers") \
	X(RESTING, "known to be nowhere")

enum foreign_state {
#define X(name, text) name,
	FOREIGN_STATES(X)
#undef X
};

enum {
	QUESTIONS_MAX = 1024,
	LOOKS_AT_ONCE = 4,          /* of the work queue's threads */
	LOOKS_PER_MINUTE = 30000,
	LOOKS_BURST = 500,
	REST_MS = 1000,
	SHOWN_MS = 5000,
	SWEEP_MS = 5 * 60 * 1000,
	SWEEP_PAGE = 256,
};

struct question {
	struct list node;            /* QUEUED */
	struct foreign *all;
	enum foreign_state state;
	struct challenge *shown;
	struct deadline rest;
	char key[CHALLENGE_KEY];
	unsigned n_waiting;
	struct worker *waiting[];    /* n_workers */
};

/* A list call under way. */
struct sweep {
	int64_t now_ms;
	char cursor[512];
};

struct foreign {
	struct foreign_args args;
	struct map by_key;
	struct list queue;
	struct limit looks;
	unsigned n_looking;
	struct deadline sweep_at;
	struct sweep sweep;
	bool is_stopping;
};

static const struct log area = { "challenges" };

static void look_for_some(struct foreign *f);
static void on_loaded(void *owner, enum err err, void *object, const struct fault *fault);
static void show(struct question *q, const struct challenge_file *found);
static void on_live(void *owner);
static void rest(struct question *q);
static void on_rested(struct deadline *d);
static void on_sweep(struct deadline *d);

static void enter(struct question *q, enum foreign_state state)
{
	static const char *const texts[] = {
#define X(name, text) text,
		FOREIGN_STATES(X)
#undef X
	};

	q->state = state;
	log_trace(&area, texts[state], "key=%s", q->key);
}

struct foreign *foreign_new(const struct foreign_args *args)
{
	struct foreign *f = mem_new(sizeof(*f));

	ASSERT(args->n_workers > 0 && args->tell);
	f->args = *args;
	map_init(&f->by_key);
	list_init(&f->queue);
	limit_init(&f->looks, LOOKS_PER_MINUTE, LOOKS_BURST, clock_mono_ms());
	deadline_init(&f->sweep_at, args->loop, on_sweep);
	return f;
}

unsigned foreign_count(const struct foreign *f)
{
	return (unsigned)map_count(&f->by_key);
}

/* ---- a question comes ---- */

static void add_waiting(struct question *q, struct worker *w)
{
	for (unsigned i = 0; i < q->n_waiting; i++)
		if (q->waiting[i] == w)
			return;
	ASSERT(q->n_waiting < q->all->args.n_workers);
	q->waiting[q->n_waiting++] = w;
}

static struct question *question_new(struct foreign *f, const char *key)
{
	struct question *q = mem_new(sizeof(*q) + f->args.n_workers * sizeof(struct worker *));

	q->all = f;
	list_init(&q->node);
	deadline_init(&q->rest, f->args.loop, on_rested);
	ASSERT(str_copy(q->key, sizeof(q->key), str_from(key)));
	map_put(&f->by_key, str_from(q->key), q);
	return q;
}

static void question_free(struct question *q)
{
	void *was = map_remove(&q->all->by_key, str_from(q->key));

	ASSERT(was == q);
	list_remove(&q->node);
	deadline_disarm(&q->rest);
	mem_free(&q);
}

static void enqueue(struct question *q)
{
	enter(q, QUEUED);
	list_append(&q->all->queue, &q->node);
	look_for_some(q->all);
}

/* Whether one more look is within the bounds. */
static bool may_look(struct foreign *f)
{
	if (limit_take(&f->looks, clock_mono_ms()))
		return true;
	counter_add(COUNTER_CHALLENGES_NOT_SOUGHT, 1);
	return false;
}

void foreign_seek(struct foreign *f, struct worker *w, const char *key)
{
	struct question *q = map_get(&f->by_key, str_from(key));

	if (f->is_stopping)
		return;
	if (q) {
		add_waiting(q, w);
	} else if (map_count(&f->by_key) >= QUESTIONS_MAX || !may_look(f)) {
		f->args.tell(f->args.owner, w, key);
	} else {
		q = question_new(f, key);
		add_waiting(q, w);
		enqueue(q);
	}
}

static void tell(struct question *q)
{
	struct foreign *f = q->all;
	unsigned n = q->n_waiting;

	q->n_waiting = 0;
	for (unsigned i = 0; i < n; i++)
		f->args.tell(f->args.owner, q->waiting[i], q->key);
}

/* ---- LOOKING ---- */

static void look_for_some(struct foreign *f)
{
	while (f->n_looking < LOOKS_AT_ONCE && !list_is_empty(&f->queue)) {
		struct question *q = list_first(&f->queue, struct question, node);
		char name[CHALLENGE_FILE_NAME];

		list_remove(&q->node);
		enter(q, LOOKING);
		f->n_looking++;
		counter_add(COUNTER_CHALLENGES_SOUGHT, 1);
		challenge_file_name(name, str_from(q->key));
		store_load(f->args.store, STORE_CHALLENGES, name, challenge_file_answer, on_loaded, q);
	}
}

static void on_loaded(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct question *q = owner;
	struct foreign *f = q->all;

	ASSERT(q->state == LOOKING);
	f->n_looking--;
	if (f->is_stopping) {
		question_free(q);
	} else if (err) {
		if (err != E_NOT_FOUND)
			log_debug(&area, "challenge of another process not shown", "err=%s",
				fault && fault->detail[0] ? fault->detail : err_text(err));
		rest(q);
	} else {
		show(q, object);
	}
	challenge_file_free(object);
	if (!f->is_stopping)
		look_for_some(f);
}

/* ---- SHOWING ---- */

static void show(struct question *q, const struct challenge_file *found)
{
	struct challenge_args args = {
		.kind = found->kind, .identifier = found->identifier, .token = found->token,
		.key_authorization = found->key_authorization, .certificate = found->certificate,
		.is_foreign = true, .on_live = on_live, .owner = q,
	};

	if (challenge_put(q->all->args.challenges, &args, &q->shown)) {
		rest(q);
		return;
	}
	log_info(&area, "challenge of another process shown", "name=%s", found->identifier);
	enter(q, SHOWING);
}

static void on_live(void *owner)
{
	struct question *q = owner;

	ASSERT(q->state == SHOWING);
	challenge_withdraw(&q->shown, SHOWN_MS);
	tell(q);
	question_free(q);
}

/* ---- RESTING ---- */

static void rest(struct question *q)
{
	enter(q, RESTING);
	deadline_arm(&q->rest, REST_MS);
	tell(q);
}

static void on_rested(struct deadline *d)
{
	struct question *q = container_of(d, struct question, rest);

	if (q->n_waiting && may_look(q->all)) {
		enqueue(q);
	} else {
		tell(q);
		question_free(q);
	}
}

/* ---- what killed processes left ---- */

static void sweep_on(struct foreign *f);

static void on_removed(void *owner, enum err err, const struct fault *fault)
{
	(void)owner;
	(void)err;
	(void)fault;
}

static void on_page(void *owner, enum err err, const char *const *names, unsigned n, const char *cursor)
{
	struct foreign *f = owner;

	if (f->is_stopping)
		return;
	for (unsigned i = 0; !err && i < n; i++)
		store_remove(f->args.store, STORE_CHALLENGES, names[i], on_removed, NULL);
	if (n)
		log_info(&area, "challenges left by processes that are gone removed", "n=%u", n);
	if (!err && cursor[0] && str_copy(f->sweep.cursor, sizeof(f->sweep.cursor), str_from(cursor)))
		sweep_on(f);
	else
		deadline_arm(&f->sweep_at, SWEEP_MS);
}

static void sweep_on(struct foreign *f)
{
	struct store_list_args args = { .group = STORE_CHALLENGES, .cursor = f->sweep.cursor,
		.max = SWEEP_PAGE, .max_visited = 4 * SWEEP_PAGE,
		.filter = challenge_file_is_over, .filter_owner = &f->sweep.now_ms };

	f->args.store->ops->list(f->args.store, &args, on_page, f);
}

static void on_sweep(struct deadline *d)
{
	struct foreign *f = container_of(d, struct foreign, sweep_at);

	f->sweep = (struct sweep){ .now_ms = clock_wall_ms() };
	sweep_on(f);
}

void foreign_start_sweep(struct foreign *f)
{
	deadline_arm(&f->sweep_at, 0);
}

/* ---- end ---- */

void foreign_stop(struct foreign *f)
{
	size_t cursor = 0;
	struct str key;
	void *value;

	f->is_stopping = true;
	deadline_disarm(&f->sweep_at);
	while (map_next(&f->by_key, &cursor, &key, &value)) {
		struct question *q = value;

		challenge_withdraw(&q->shown, 0);
		if (q->state != LOOKING)
			question_free(q);
	}
}

void foreign_free(struct foreign **f)
{
	size_t cursor = 0;
	struct str key;
	void *value;

	if (!*f)
		return;
	ASSERT((*f)->is_stopping);
	while (map_next(&(*f)->by_key, &cursor, &key, &value))
		question_free(value);
	map_fini(&(*f)->by_key);
	mem_free(f);
}
