/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * advice: down this line, or out of it from anywhere.
 *
 *   RECALL --> DIRECTORY --> ASK --> told
 */
#include "acme/advice.h"

#include "acme/problem.h"
#include "acme/request.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/random.h"

/* X(enumerator, function, text) */
#define ADVICE_STATES(X) \
	X(ADVICE_RECALL, recall, "recalling earlier advice") \
	X(ADVICE_DIRECTORY, directory, "fetching the directory") \
	X(ADVICE_ASK, ask, "asking for renewal advice")

enum advice_state {
#define X(name, fn, text) name,
	ADVICE_STATES(X)
#undef X
};

/* A silent CA must not keep a connection from orders for long. */
enum { ASK_MS = 15000 };

/* The clock was wrong when this was written. */
static const int64_t again_max_ms = (int64_t)2 * 24 * 3600 * 1000;

struct advice {
	struct ca *ca;
	struct store *store;
	char *name, *id;
	advice_fn *fn;
	void *owner;

	enum advice_state state;
	struct ari ari;
	struct errand *errand;
	struct waiter directory;
	void *call;
	struct loop_task telling;
};

#define X(name, fn, text) static void ask_##fn(struct advice *a);
ADVICE_STATES(X)
#undef X

static const struct {
	const char *text;
	void (*ask)(struct advice *a);
} rows[] = {
#define X(name, fn, text) { text, ask_##fn },
	ADVICE_STATES(X)
#undef X
};

static const struct log log_acme = { "acme" };

static void enter(struct advice *a, enum advice_state state)
{
	a->state = state;
	log_trace(&log_acme, "advice", "name=%s state=%d", a->name, (int)state);
	rows[state].ask(a);
}

static void free_advice(struct advice **a)
{
	struct advice *old = *a;
	*a = NULL;
	errand_abandon(&old->errand);
	list_remove(&old->directory.node);
	loop_task_cancel(&old->telling);
	if (old->call)
		old->ca->transport->ops->cancel(old->ca->transport, old->call);
	mem_free(&old->name);
	mem_free(&old->id);
	mem_free(&old);
}

/* ---- the ends ---- */

static void tell(struct advice *a)
{
	advice_fn *fn = a->fn;
	void *owner = a->owner;
	struct ari ari = a->ari;
	free_advice(&a);
	fn(owner, &ari);
}

static void on_telling(struct loop_task *t)
{
	tell(container_of(t, struct advice, telling));
}

static void on_saved(void *owner, enum err err, void *object, const struct fault *fault)
{
	(void)owner;
	(void)object;
	if (err)
		log_kv(&log_acme, LOG_DEBUG, "renewal advice not saved", (struct log_field[]){
			{ .key = "detail", .text = str_from(fault->detail) } }, 1);
}

/* It may be lost; then we ask once more than was needed. */
static void keep(const struct advice *a)
{
	struct buf b;
	buf_init(&b, ARI_RECORD_MAX);
	if (!ari_write(&a->ari, a->id, &b))
		errand_save(a->store, STORE_ADVICE, a->name, buf_str(&b), on_saved, NULL);
	buf_fini(&b);
}

/* Trouble that may be over in minutes, or an answer that will be the same for hours. */
static void fail(struct advice *a, const struct fault *fault, bool is_passing, int64_t retry_ms)
{
	int64_t now = clock_wall_ms();
	ari_failed(&a->ari, is_passing, retry_ms, now);
	log_kv(&log_acme, LOG_INFO, "no renewal advice", (struct log_field[]){
		{ .key = "name", .text = str_from(a->name) },
		{ .key = "ca", .text = str_from(a->ca->conf->name) },
		{ .key = "while", .text = str_from(rows[a->state].text) },
		{ .key = "detail", .text = str_from(fault->detail) },
		{ .key = "again_in_s", .type = LOG_F_INT, .number = (a->ari.again_ms - now) / 1000 },
	}, 5);
	keep(a);
	tell(a);
}

/* ---- RECALL ---- */

struct recalled {
	struct ari ari;
	char id[ARI_ID];
};

static enum err parse_record(struct str bytes, const char *name, void **object, struct fault *fault)
{
	struct recalled *r = mem_new(sizeof *r);
	(void)name;
	enum err err = ari_read(bytes, &r->ari, r->id, fault);
	if (err)
		mem_release(r);
	else
		*object = r;
	return err;
}

static void on_recalled(void *owner, enum err err, void *object, const struct fault *fault);

static void ask_recall(struct advice *a)
{
	a->errand = errand_load(a->store, STORE_ADVICE, a->name, parse_record, mem_release, on_recalled,
		a);
}

static void on_recalled(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct advice *a = owner;
	struct recalled *r = object;
	int64_t now = clock_wall_ms();
	(void)fault;
	a->errand = NULL;
	if (!err && str_is(str_from(r->id), a->id))
		a->ari = r->ari;
	mem_release(r);
	if (!err && a->ari.again_ms > now && a->ari.again_ms < now + again_max_ms)
		tell(a);
	else
		enter(a, ADVICE_DIRECTORY);
}

/* ---- DIRECTORY ---- */

static void ask_directory(struct advice *a)
{
	const struct directory_body *d = directory_get(a->ca->directory);
	struct fault fault = { 0 };
	if (breaker_is_open(&a->ca->breaker, clock_mono_ms())) {
		ari_failed(&a->ari, true, -1, clock_wall_ms());
		loop_defer(a->ca->loop, &a->telling);
	} else if (!d) {
		directory_wait(a->ca->directory, &a->directory);
	} else if (!d->renewal_info[0]) {
		fault_set(&fault, E_ACME, "this CA gives none");
		ari_failed(&a->ari, false, -1, clock_wall_ms());
		loop_defer(a->ca->loop, &a->telling);
	} else {
		enter(a, ADVICE_ASK);
	}
}

static void on_directory(struct waiter *w, enum err err, const struct fault *fault)
{
	struct advice *a = container_of(w, struct advice, directory);
	if (err)
		fail(a, fault, true, -1);
	else
		enter(a, ADVICE_DIRECTORY);
}

/* ---- ASK ---- */

static void on_answer(void *owner, enum err err, const struct fetch_answer *answer,
	const struct fault *fault, bool was_sent);

static void ask_ask(struct advice *a)
{
	char url[ACME_URL];
	if (!ari_url(url, directory_get(a->ca->directory)->renewal_info, a->id)) {
		ari_failed(&a->ari, false, -1, clock_wall_ms());
		loop_defer(a->ca->loop, &a->telling);
		return;
	}
	a->call = a->ca->transport->ops->start(a->ca->transport,
		&(struct fetch_args){ .method = "GET", .url = str_from(url), .total_ms = ASK_MS },
		on_answer, a);
}

static void log_news(const struct advice *a, int64_t old_start_ms)
{
	char start[CLOCK_RFC3339], end[CLOCK_RFC3339], chosen[CLOCK_RFC3339];
	if (a->ari.start_ms == old_start_ms)
		return;
	clock_rfc3339(start, a->ari.start_ms);
	clock_rfc3339(end, a->ari.end_ms);
	clock_rfc3339(chosen, a->ari.chosen_ms);
	log_kv(&log_acme, LOG_INFO, "renewal advised by the CA", (struct log_field[]){
		{ .key = "name", .text = str_from(a->name) },
		{ .key = "from", .text = str_from(start) },
		{ .key = "to", .text = str_from(end) },
		{ .key = "chosen", .text = str_from(chosen) },
		{ .key = "explanation", .text = a->ari.explanation[0] ? str_from(a->ari.explanation)
			: STR_NONE },
	}, 5);
}

static void answer_ask(struct advice *a, const struct fetch_answer *answer)
{
	int64_t now = clock_wall_ms(), retry_ms = request_retry_after_ms(answer->headers, now);
	struct ari_window window;
	struct fault fault = { 0 };
	if (answer->status != 200) {
		problem_read(answer->status, STR_NONE, &fault);
		fail(a, &fault, answer->status >= 500 || answer->status == 429 || answer->status == 408,
			retry_ms);
	} else if (ari_parse(answer->body, &window, &fault)) {
		fail(a, &fault, false, retry_ms);
	} else if (retry_ms < 0) {
		fault_set(&fault, E_ACME_PROTOCOL, "renewalInfo without Retry-After");
		fail(a, &fault, false, -1);
	} else {
		int64_t old_start_ms = a->ari.start_ms;
		uint64_t dice;
		random_bytes(&dice, sizeof dice);
		ari_take(&a->ari, &window, retry_ms, now, dice);
		log_news(a, old_start_ms);
		keep(a);
		tell(a);
	}
}

static void on_answer(void *owner, enum err err, const struct fetch_answer *answer,
	const struct fault *fault, bool was_sent)
{
	struct advice *a = owner;
	(void)was_sent;
	a->call = NULL;
	if (err)
		fail(a, fault, err == E_TIMEOUT || err == E_RESET || err == E_EOF, -1);
	else
		answer_ask(a, answer);
}

/* ---- the door ---- */

struct advice *advice_start(const struct advice_args *args, advice_fn *fn, void *owner)
{
	ASSERT(args->ca && args->store && args->id[0] && fn);
	struct advice *a = mem_new(sizeof *a);
	a->ca = args->ca;
	a->store = args->store;
	a->name = mem_strdup(args->name);
	a->id = mem_strdup(args->id);
	a->fn = fn;
	a->owner = owner;
	waiter_init(&a->directory, on_directory);
	loop_task_init(&a->telling, on_telling);
	if (args->known)
		a->ari = *args->known;
	enter(a, args->known ? ADVICE_DIRECTORY : ADVICE_RECALL);
	return a;
}

void advice_cancel(struct advice **a)
{
	if (*a)
		free_advice(a);
}
