/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dial: owns one attempt to reach a peer, with all its racing connects.
 *
 *   RESOLVE --> RACE --> TLS --> DONE
 *      \__________\________\____--> FAILED
 *
 * DONE and FAILED are one call of the owner's function; the object is freed before it.
 */
#include "net/dial.h"

#include "base/check.h"
#include "base/mem.h"
#include "net/deadline.h"
#include "net/resolve.h"
#include "net/tcp_stream.h"
#include "net/tls_stream.h"

/* RFC 8305 section 5: Connection Attempt Delay. */
enum { NEXT_AFTER_MS = 250, NAME_MAX = 256 };

/* X(state, what a fault says we were doing) */
#define DIAL_STATES(X) \
	X(RESOLVE, "resolving") \
	X(RACE, "connecting to") \
	X(TLS, "TLS handshake with")

enum dial_state {
#define X(name, activity) name,
	DIAL_STATES(X)
#undef X
};

static const char *const activities[] = {
#define X(name, activity) activity,
	DIAL_STATES(X)
#undef X
};

struct attempt {
	struct dial *dial;
	struct tcp_connect *connect; /* NULL when it is over */
	struct addr to;
};

struct dial {
	struct loop *loop;
	enum dial_state state;
	char host[NAME_MAX], tls_name[NAME_MAX], alpn[32];
	uint16_t port;
	struct tls_context *tls;
	struct deadline deadline; /* everything together */
	struct deadline stagger;  /* when the next address may start */
	struct loop_task task;    /* the first step, and failures known at once */
	struct resolve *resolve;
	struct attempt attempts[RESOLVE_MAX];
	unsigned n, next, n_running;
	struct addr reached;
	struct stream *stream; /* in TLS */
	enum err err;          /* the latest */
	char detail[128];      /* of the latest failure */
	dial_fn *fn;
	void *owner;
};

static void enter(struct dial *d, enum dial_state state);
static void on_first_step(struct loop_task *t);
static void resolve(struct dial *d);
static void on_resolved(void *owner, enum err err, const struct resolve_result *result);
static void race(struct dial *d);
static void on_stagger(struct deadline *t);
static void on_connected(void *owner, enum err err, struct stream *s);
static void tls(struct dial *d);
static void on_handshake(void *owner, enum err err, const char *detail);
static void on_deadline(struct deadline *t);
static void succeed(struct dial *d);
static void fail(struct dial *d, enum err err);

struct dial *dial_start(struct loop *l, const struct dial_args *args, dial_fn *fn, void *owner)
{
	struct dial *d = mem_new(sizeof(*d));
	const char *tls_name = args->tls_name ? args->tls_name : args->host;

	ASSERT(args->host || args->address);
	*d = (struct dial){.loop = l, .port = args->port, .fn = fn, .owner = owner};
	loop_task_init(&d->task, on_first_step);
	deadline_init(&d->deadline, l, on_deadline);
	deadline_init(&d->stagger, l, on_stagger);
	if (!str_copy(d->host, NAME_MAX, str_from(args->host)) ||
		!str_copy(d->tls_name, NAME_MAX, str_from(tls_name)) ||
		!str_copy(d->alpn, sizeof(d->alpn), str_from(args->alpn)))
		d->err = E_NAME;
	if (args->tls)
		d->tls = tls_context_ref(args->tls);
	if (args->address) {
		d->attempts[0].to = *args->address;
		d->n = 1;
	}
	deadline_arm(&d->deadline, args->timeout_ms);
	if (args->address && d->err == E_OK)
		race(d);
	else
		loop_defer(l, &d->task);
	return d;
}

static void enter(struct dial *d, enum dial_state state)
{
	d->state = state;
}

static void on_first_step(struct loop_task *t)
{
	struct dial *d = container_of(t, struct dial, task);

	if (d->err != E_OK)
		fail(d, d->err);
	else
		resolve(d);
}

static void resolve(struct dial *d)
{
	enter(d, RESOLVE);
	/* Its own time limit is ours: the deadline cancels it. */
	d->resolve = resolve_start(d->loop, str_from(d->host), d->port, 60000, on_resolved, d);
}

static void on_resolved(void *owner, enum err err, const struct resolve_result *result)
{
	struct dial *d = owner;

	d->resolve = NULL;
	if (err != E_OK) {
		fail(d, err);
		return;
	}
	/* The resolver's order within each family, the families by turns, its first choice
	 * first. */
	bool taken[RESOLVE_MAX] = {false};
	int family = result->at[0].any.sa_family;
	while (d->n < result->n) {
		unsigned i = 0;

		while (i < result->n && (taken[i] || result->at[i].any.sa_family != family))
			i++;
		family = family == AF_INET ? AF_INET6 : AF_INET;
		if (i == result->n)
			continue;
		taken[i] = true;
		d->attempts[d->n++].to = result->at[i];
	}
	race(d);
}

/* Starts the next address. */
static void race(struct dial *d)
{
	struct attempt *a = &d->attempts[d->next];

	enter(d, RACE);
	ASSERT(d->next < d->n);
	d->next++;
	d->n_running++;
	a->dial = d;
	a->connect = tcp_stream_connect(d->loop, &a->to, on_connected, a);
	if (d->next < d->n)
		deadline_arm(&d->stagger, NEXT_AFTER_MS);
}

static void on_stagger(struct deadline *t)
{
	race(container_of(t, struct dial, stagger));
}

static void stop_racing(struct dial *d)
{
	deadline_disarm(&d->stagger);
	for (unsigned i = 0; i < d->next; i++)
		tcp_stream_connect_cancel(&d->attempts[i].connect);
	d->n_running = 0;
}

static void on_connected(void *owner, enum err err, struct stream *s)
{
	struct attempt *a = owner;
	struct dial *d = a->dial;

	a->connect = NULL;
	d->n_running--;
	d->reached = a->to;
	if (err == E_OK) {
		stop_racing(d);
		d->stream = s;
		if (d->tls)
			tls(d);
		else
			succeed(d);
	} else if (d->next < d->n) {
		deadline_disarm(&d->stagger);
		race(d);
	} else if (d->n_running == 0) {
		fail(d, err);
	}
}

static void on_tls_error(void *owner, enum err err)
{
	fail(owner, err);
}

static void on_nothing(void *owner)
{
	(void)owner;
}

static void on_no_bytes(void *owner, struct str bytes)
{
	(void)owner;
	(void)bytes;
}

static void tls(struct dial *d)
{
	static const struct stream_events events = {
		on_no_bytes, on_nothing, on_nothing, on_tls_error};
	struct tls_connect_args args = {
		.context = d->tls, .name = d->tls_name, .alpn = d->alpn[0] ? d->alpn : NULL};

	enter(d, TLS);
	enum err err = tls_stream_connect(d->loop, &d->stream, &args, on_handshake, &d->stream);
	if (err != E_OK)
		fail(d, err);
	else
		stream_own(d->stream, &events, d);
}

static void on_handshake(void *owner, enum err err, const char *detail)
{
	struct dial *d = owner;

	str_copy(d->detail, sizeof(d->detail), str_from(detail));
	if (err == E_OK)
		succeed(d);
	else
		fail(d, err);
}

static void on_deadline(struct deadline *t)
{
	fail(container_of(t, struct dial, deadline), E_TIMEOUT);
}

static void succeed(struct dial *d)
{
	struct stream *s = d->stream;
	dial_fn *fn = d->fn;
	void *owner = d->owner;

	d->stream = NULL;
	dial_cancel(&d);
	fn(owner, E_OK, s, NULL);
}

static void describe(const struct dial *d, enum err err, struct fault *fault)
{
	char at[ADDR_TEXT] = "";
	const char *why = d->detail[0] ? d->detail : err_text(err);

	if (d->next > 0)
		addr_text(at, d->reached.any.sa_family ? &d->reached : &d->attempts[0].to);
	fault_during(fault, "%s %.64s", activities[d->state], d->host[0] ? d->host : at);
	if (at[0])
		fault_set(fault, err, "%s: %s", at, why);
	else
		fault_set(fault, err, "%s:%u: %s", d->host, d->port, why);
}

static void fail(struct dial *d, enum err err)
{
	struct fault fault = {0};
	dial_fn *fn = d->fn;
	void *owner = d->owner;

	describe(d, err, &fault);
	dial_cancel(&d);
	fn(owner, err, NULL, &fault);
}

void dial_cancel(struct dial **dp)
{
	struct dial *d = *dp;

	if (!d)
		return;
	*dp = NULL;
	loop_task_cancel(&d->task);
	deadline_disarm(&d->deadline);
	resolve_cancel(&d->resolve);
	stop_racing(d);
	/* A failed handshake's alert is still on its way. */
	stream_close(&d->stream, STREAM_CLOSE_GRACEFUL);
	tls_context_unref(&d->tls);
	mem_release(d);
}
