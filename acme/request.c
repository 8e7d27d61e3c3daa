/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * request: sign, send, and judge the answer.
 *
 *   NONCE --> SEND <--> HOLD (the account's key is being changed)
 *     ^ \______|\
 *     |        | v
 *     +------ PAUSE
 *              +--> done
 *
 * Every answer gives a nonce back, also the failed ones. A bad nonce is no failure: the same payload is
 * signed again at once.
 */
#include "acme/request.h"

#include "acme/jws.h"
#include "acme/problem.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/deadline.h"

#define REQUEST_STATES(X) \
	X(REQUEST_NONCE, nonce, "asking for a nonce") \
	X(REQUEST_HOLD, hold, "waiting for a change of the account key") \
	X(REQUEST_SEND, send, "waiting for the CA's answer") \
	X(REQUEST_PAUSE, pause, "waiting to repeat a request")

enum request_state {
#define X(name, fn, text) name,
	REQUEST_STATES(X)
#undef X
};

enum { BAD_NONCES = 10, BAD_NONCES_UNLUCKY = 32, ACCEPTED_AGE_MS = 60000, BAD_NONCES_AT_ONCE = 4,
	BAD_NONCE_PAUSE_MS = 100, BAD_NONCE_PAUSE_MAX_MS = 500, REPEATS = 2,
	JWS_BODY_MAX = 128 * 1024, RETRY_AFTER_MAX_S = 10 * 365 * 86400 };

struct request {
	struct ca *ca;
	struct key *key;            /* NULL: the signer's */
	char *kid, *url;
	struct buf payload;
	const char *accept;
	enum request_repeat repeat;
	request_fn *fn;
	void *owner;

	enum request_state state;
	void *call;
	struct signer_use use;
	struct deadline pause;
	struct loop_task failing;   /* what cannot even be sent */
	int64_t pause_ms;
	char nonce[NONCE_LEN];
	unsigned bad_nonces, repeats;
	struct fault fault;
};

static void ask_nonce(struct request *r);
static void ask_hold(struct request *r);
static void ask_send(struct request *r);
static void ask_pause(struct request *r);

static const struct {
	const char *text;
	void (*ask)(struct request *r);
} rows[] = {
#define X(name, fn, text) { text, ask_##fn },
	REQUEST_STATES(X)
#undef X
};

static const struct log log_acme = { "acme" };

static void enter(struct request *r, enum request_state state)
{
	r->state = state;
	log_trace(&log_acme, "request", "url=%s state=%d", r->url, (int)state);
	rows[state].ask(r);
}

static void free_request(struct request **r)
{
	struct request *old = *r;
	*r = NULL;
	deadline_disarm(&old->pause);
	loop_task_cancel(&old->failing);
	signer_leave(&old->use);
	key_unref(&old->key);
	buf_fini(&old->payload);
	mem_free(&old->kid);
	mem_free(&old->url);
	mem_free(&old);
}

static void on_fetched(void *owner, enum err err, const struct fetch_answer *a,
	const struct fault *fault, bool was_sent);

static void start_call(struct request *r, const struct fetch_args *args)
{
	r->call = r->ca->transport->ops->start(r->ca->transport, args, on_fetched, r);
}

/* ---- endings ---- */

static void tell_breaker(struct request *r, enum err err)
{
	struct breaker *b = &r->ca->breaker;
	int64_t now = clock_mono_ms();
	if (!err || problem_class(&r->fault) != PROBLEM_CA) {
		if (!err || r->fault.status)
			breaker_worked(b);
		return;
	}
	int status = r->fault.status;
	int64_t asked = r->fault.retry_at_ms ? now + r->fault.retry_at_ms - clock_wall_ms() : 0;
	breaker_failed(b, status == 0 || status == 503 || status == 429 ? BREAKER_CERTAIN
		: BREAKER_DOUBTFUL, asked, now);
}

static void finish(struct request *r, enum err err, const struct request_answer *a)
{
	request_fn *fn = r->fn;
	void *owner = r->owner;
	struct fault fault = r->fault;
	tell_breaker(r, err);
	free_request(&r);
	fn(owner, err, err ? NULL : a, err ? &fault : NULL);
}

static void on_failing(struct loop_task *t)
{
	struct request *r = container_of(t, struct request, failing);
	finish(r, r->fault.code, NULL);
}

/* Network trouble or a server error: again, or the end. */
static void trouble(struct request *r, bool was_acted_upon)
{
	static const int64_t pauses_ms[REPEATS] = { 1000, 3000 };
	unsigned allowed = !was_acted_upon || r->repeat == REQUEST_REPEATABLE ? REPEATS
		: r->repeat == REQUEST_NO_REPEAT ? 0 : 1;
	if (r->repeats >= allowed || breaker_is_open(&r->ca->breaker, clock_mono_ms())) {
		finish(r, r->fault.code, NULL);
		return;
	}
	r->pause_ms = pauses_ms[r->repeats++];
	enter(r, REQUEST_PAUSE);
}

static int64_t note_retry_after(struct request *r, const struct fetch_answer *a)
{
	int64_t wall = clock_wall_ms(), wait_ms = request_retry_after_ms(a->headers, wall);
	if (wait_ms > 0)
		r->fault.retry_at_ms = wall + wait_ms;
	return wait_ms;
}

/* ---- NONCE ---- */

static void ask_nonce(struct request *r)
{
	const struct directory_body *d = directory_get(r->ca->directory);
	if (nonce_take(&r->ca->nonces, r->nonce, clock_mono_ms())) {
		enter(r, REQUEST_SEND);
		return;
	}
	if (!d) {  /* grew old while we paused */
		fault_set(&r->fault, E_CA_DOWN, "directory expired during a request");
		loop_defer(r->ca->loop, &r->failing);
		return;
	}
	start_call(r, &(struct fetch_args){ .method = "HEAD", .url = str_from(d->new_nonce) });
}

static void answer_nonce(struct request *r, const struct fetch_answer *a)
{
	if (a->status == 404)
		directory_forget(r->ca->directory);
	if (a->status != 200 && a->status != 204) {
		problem_read(a->status, STR_NONE, &r->fault);
		r->fault.code = E_CA_DOWN;
		note_retry_after(r, a);
		if (a->status == 503)
			finish(r, E_CA_DOWN, NULL);
		else
			trouble(r, false);
	} else if (nonce_take(&r->ca->nonces, r->nonce, clock_mono_ms())) {
		enter(r, REQUEST_SEND);
	} else {
		fault_set(&r->fault, E_ACME_PROTOCOL, "newNonce gave no usable Replay-Nonce");
		trouble(r, false);
	}
}

/* ---- HOLD ---- */

static void ask_hold(struct request *r)
{
	(void)r;
}

static void on_admitted(struct waiter *w, enum err err, const struct fault *fault)
{
	(void)err;
	(void)fault;
	enter(container_of(w, struct request, use.waiter), REQUEST_SEND);
}

/* ---- SEND ---- */

static void ask_send(struct request *r)
{
	struct buf body;
	struct header headers[] = {
		{ STR("content-type"), STR("application/jose+json") },
		{ STR("accept"), str_from(r->accept) },
	};
	if (!r->key && !signer_enter(&r->ca->signer, &r->use)) {
		enter(r, REQUEST_HOLD);
		return;
	}
	struct jws_args jws = { r->key ? r->key : r->ca->signer.key, r->kid, str_from(r->nonce),
		str_from(r->url), buf_str(&r->payload) };
	buf_init(&body, JWS_BODY_MAX);
	enum err err = jws_sign(&jws, &body);
	if (err) {
		fault_set(&r->fault, err, "a request cannot be signed");
		loop_defer(r->ca->loop, &r->failing);
	} else {
		start_call(r, &(struct fetch_args){ .method = "POST", .url = str_from(r->url),
			.headers = headers, .n_headers = r->accept ? 2 : 1, .body = buf_str(&body) });
	}
	buf_fini(&body);
}

/* The nonce of the refusal is the best there is: the others came before it. */
static void bad_nonce(struct request *r, struct str fresh)
{
	nonce_drop_all(&r->ca->nonces);
	nonce_put(&r->ca->nonces, fresh, clock_mono_ms());
	/* A CA that takes others of ours has a reason to refuse some; one that takes none is broken. */
	int64_t accepted = r->ca->accepted_at_ms;
	bool is_unlucky = accepted && clock_mono_ms() - accepted < ACCEPTED_AGE_MS;
	if (++r->bad_nonces > (is_unlucky ? BAD_NONCES_UNLUCKY : BAD_NONCES)) {
		finish(r, r->fault.code, NULL);
		return;
	}
	unsigned late = r->bad_nonces <= BAD_NONCES_AT_ONCE ? 0 : r->bad_nonces - BAD_NONCES_AT_ONCE;
	r->pause_ms = late ? (int64_t)BAD_NONCE_PAUSE_MS << (late - 1) : 0;
	if (r->pause_ms > BAD_NONCE_PAUSE_MAX_MS)
		r->pause_ms = BAD_NONCE_PAUSE_MAX_MS;
	enter(r, r->pause_ms ? REQUEST_PAUSE : REQUEST_NONCE);
}

static void refused(struct request *r, const struct fetch_answer *a)
{
	problem_read(a->status, directory_is_json(a->headers) ? a->body : STR_NONE, &r->fault);
	int64_t wait_ms = note_retry_after(r, a);
	if (str_is(str_from(r->fault.type), "userActionRequired"))
		agreement_read(a->headers, a->body, &r->ca->agreement);
	if (problem_class(&r->fault) != PROBLEM_NONCE && a->status < 500)
		r->ca->accepted_at_ms = clock_mono_ms();
	if (problem_class(&r->fault) == PROBLEM_NONCE)
		bad_nonce(r, headers_get(a->headers, "replay-nonce"));
	else if (r->repeat == REQUEST_REPEAT_UNANSWERED)
		finish(r, r->fault.code, NULL);
	else if (a->status == 408 || (a->status >= 500 && a->status != 501 && a->status != 503
		&& wait_ms <= 0))
		trouble(r, true);
	else
		finish(r, r->fault.code, NULL);
}

static void answer_send(struct request *r, const struct fetch_answer *a)
{
	if (a->status < 200 || a->status >= 400) {
		refused(r, a);
	} else if (a->status >= 300) {
		r->fault.status = (int)a->status;
		finish(r, fault_set(&r->fault, E_ACME_PROTOCOL, "redirect answered to a POST"), NULL);
	} else if (a->body.len && !directory_is_json(a->headers)) {
		finish(r, fault_set(&r->fault, E_ACME_PROTOCOL, "HTML instead of JSON"), NULL);
	} else {
		r->ca->accepted_at_ms = clock_mono_ms();
		finish(r, E_OK, &(struct request_answer){ a->status, a->headers, a->body });
	}
}

/* ---- PAUSE ---- */

static void ask_pause(struct request *r)
{
	deadline_arm(&r->pause, r->pause_ms);
}

/* ---- callbacks ---- */

static void on_paused(struct deadline *d)
{
	struct request *r = container_of(d, struct request, pause);
	if (breaker_is_open(&r->ca->breaker, clock_mono_ms()))
		finish(r, r->fault.code, NULL);
	else
		enter(r, REQUEST_NONCE);
}

static void on_fetched(void *owner, enum err err, const struct fetch_answer *a,
	const struct fault *fault, bool was_sent)
{
	struct request *r = owner;
	r->call = NULL;
	signer_leave(&r->use);
	if (err) {
		/* Whatever the network said, for us the CA cannot be reached. */
		r->fault = fault ? *fault : (struct fault){ .code = err };
		r->fault.code = E_CA_DOWN;
		if (!r->fault.detail[0])
			fault_set(&r->fault, E_CA_DOWN, "%s", err_text(err));
		trouble(r, was_sent && r->state == REQUEST_SEND);
		return;
	}
	fault_clear(&r->fault);
	nonce_put(&r->ca->nonces, headers_get(a->headers, "replay-nonce"), clock_mono_ms());
	if (r->state == REQUEST_NONCE)
		answer_nonce(r, a);
	else
		answer_send(r, a);
}

/* ---- the door ---- */

struct request *request_start(const struct request_args *args, request_fn *fn, void *owner)
{
	ASSERT(args->ca && (args->key || args->kid) && args->url && fn);
	struct request *r = mem_new(sizeof *r);
	r->ca = args->ca;
	r->key = args->key ? key_ref((struct key *)args->key) : NULL;
	r->kid = args->kid ? mem_strdup(args->kid) : NULL;
	r->url = mem_strdup(args->url);
	buf_init(&r->payload, JWS_BODY_MAX);
	buf_add(&r->payload, args->payload);
	r->accept = args->accept;
	r->repeat = args->repeat;
	r->fn = fn;
	r->owner = owner;
	deadline_init(&r->pause, args->ca->loop, on_paused);
	loop_task_init(&r->failing, on_failing);
	signer_use_init(&r->use, SIGNER_REQUEST, on_admitted);
	enter(r, REQUEST_NONCE);
	return r;
}

void request_cancel(struct request **r)
{
	if (!*r)
		return;
	if ((*r)->call)
		(*r)->ca->transport->ops->cancel((*r)->ca->transport, (*r)->call);
	free_request(r);
}

bool request_header_url(const struct headers *h, const char *name, char dst[ACME_URL])
{
	struct str url = str_trim(headers_get(h, name));
	return transport_url_is_fine(url) && str_copy(dst, ACME_URL, url);
}

int64_t request_retry_after_ms(const struct headers *h, int64_t wall_now_ms)
{
	struct str value = str_trim(headers_get(h, "retry-after"));
	uint64_t seconds;
	if (!value.len)
		return -1;
	if (str_to_u64(value, &seconds))
		return (int64_t)(seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S) * 1000;
	int64_t at_ms = clock_parse_http_date(value.at, value.len);
	if (at_ms < 0)
		return -1;
	return at_ms > wall_now_ms ? at_ms - wall_now_ms : 0;
}
