/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * frontend: one TLS connection until it speaks HTTP.
 *
 *   HELLO --> WAIT --> HANDSHAKE --> OPEN (the client's codec has it)
 *    | \ \------------/     \
 *    |  \--> CHALLENGE ------\--> CLOSED (from any state but OPEN), freed
 *    \-> SEEK --/
 *
 * No TLS object exists before a certificate does: what waits is the hello and this struct. The greeting
 * (hello, waiter) is freed when the handshake is over.
 */
#include "proxy/frontend.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/log.h"
#include "net/client_hello.h"
#include "net/deadline.h"
#include "net/tcp_stream.h"
#include "net/tls_stream.h"
#include "proxy/answer.h"
#include "proxy/choice.h"
#include "proxy/client.h"
#include "proxy/router.h"

/* X(enumerator, name, meaning) */
#define CONN_STATES(X) \
	X(CONN_HELLO, "hello", "the ClientHello is arriving") \
	X(CONN_WAIT, "wait", "parked until the control loop answers for the name") \
	X(CONN_HANDSHAKE, "handshake", "TLS with the site's certificate") \
	X(CONN_SEEK, "seek", "parked until the store was searched for its challenge") \
	X(CONN_CHALLENGE, "challenge", "TLS with a challenge certificate, nothing after it") \
	X(CONN_OPEN, "open", "the client's codec owns the stream") \
	X(CONN_CLOSED, "closed", "about to be freed")

enum conn_state {
#define X(name, text, meaning) name,
	CONN_STATES(X)
#undef X
};

static const char *const state_names[] = {
#define X(name, text, meaning) text,
	CONN_STATES(X)
#undef X
};

enum {
	CHALLENGE_MS = 10000,
	SEEK_MS = 5000,
	SEEKING_MAX = 256, SEEKING_PER_NAME = 16, /* in this worker */
	PARKED_MAX = 16 * 1024,  /* what a client may send while it waits */
	GLANCE_MS = 1000,        /* of the wait for the preferred one of two certificates, when the other would do */
};

struct greeting {
	struct client_hello hello;
	struct waiter waiter;
	struct waiting *place;        /* where it waits */
	struct conn *conn;
	struct buf more;              /* received while parked */
	char local_ip[ADDR_IP_TEXT];  /* only where sites have addresses for names */
};

struct protocol;

struct conn {
	struct client client;         /* first: freed through it */
	enum conn_state state;
	struct stream *stream;
	struct deadline deadline;
	struct greeting *greeting;
	const struct protocol *protocol;
	/* of two certificates */
	uint8_t tried;                /* those waited for, as bits; 0: none, or there are not two */
	bool is_glancing;
	uint32_t until_ms;            /* loop clock, its low bits: the end of all waiting */
};

static const struct log area = { "frontend" };

static void take_hello(struct conn *c);
static void take_challenge(struct conn *c);
static void seek(struct conn *c);
static void take_name(struct conn *c);
static void choose(struct conn *c, const struct conf_site *site);
static void choose_again(struct conn *c);
static void park(struct conn *c, const char *name);
static void handshake(struct conn *c, struct tls_certificate *certificate);
static void open_http(struct conn *c);
static void refuse(struct conn *c, enum err err);
static void send_alert(struct conn *c, int alert);
static void close_conn(struct conn *c, enum stream_close how);
static void on_deadline(struct deadline *d);
static void on_cut(struct client *client);
static void on_client_closed(struct client *client);

static const struct stream_events conn_events;

/* ---- application protocols: ours in order of preference; HTTP/2 is a row above ---- */

struct protocol {
	const char *name;
	void (*serve)(struct client *c, struct stream **s);
};

static const struct protocol protocols[] = {
	{ "http/1.1", client_serve_h1 },
	{ "http/1.0", client_serve_h1 },
};

static const struct protocol without_alpn = { NULL, client_serve_h1 };

static const struct protocol *choose_protocol(const struct client_hello *hello)
{
	if (!hello->n_alpn)
		return &without_alpn;
	for (unsigned i = 0; i < ARRAY_LEN(protocols); i++)
		if (client_hello_has_alpn(hello, protocols[i].name))
			return &protocols[i];
	return NULL;
}

/* ---- accept ---- */

/* For a certificate. With two of them, what is left of the time, and first only a moment. */
static int64_t patience_ms(const struct conn *c)
{
	int32_t left_ms = (int32_t)(c->until_ms - (uint32_t)loop_now_ms(c->client.context->loop));

	if (!c->tried)
		return c->client.snapshot->conf->on_demand.wait_ms;
	return left_ms < GLANCE_MS || c->is_glancing ? GLANCE_MS : left_ms;
}

static void enter(struct conn *c, enum conn_state state)
{
	const struct conf *conf = c->client.snapshot->conf;
	int64_t ms = 0;

	c->state = state;
	if (state == CONN_HELLO)
		ms = conf->timeouts.client_hello_ms;
	else if (state == CONN_WAIT)
		ms = patience_ms(c);
	else if (state == CONN_HANDSHAKE)
		ms = conf->timeouts.handshake_ms;
	else if (state == CONN_SEEK)
		ms = SEEK_MS;
	else if (state == CONN_CHALLENGE)
		ms = CHALLENGE_MS;
	if (ms)
		deadline_arm(&c->deadline, ms);
	else
		deadline_disarm(&c->deadline);
	log_trace(&area, "state", "conn=%p state=%s", (void *)c, state_names[state]);
}

static void free_greeting(struct conn *c)
{
	struct greeting *g = c->greeting;

	if (!g)
		return;
	if (g->place)
		waiting_leave(g->place, &g->waiter);
	client_hello_fini(&g->hello);
	buf_fini(&g->more);
	mem_free(&c->greeting);
}

/* The handshake with this certificate, for what comes after it. */
static void meet(struct conn *c, struct entry *e)
{
	if (e->to && !c->client.peer.to)
		c->client.peer.to = mem_strdup(e->to);
	handshake(c, e->tls);
}

static void on_answer(struct waiter *w, enum err err, struct entry *e)
{
	struct greeting *g = container_of(w, struct greeting, waiter);

	if (g->conn->state == CONN_SEEK)
		take_challenge(g->conn);
	else if (!err)
		meet(g->conn, e);
	else if (g->conn->tried)
		choose_again(g->conn);
	else
		refuse(g->conn, err);
}

static void new_greeting(struct conn *c)
{
	struct greeting *g = mem_new(sizeof(*g));

	g->conn = c;
	g->waiter.on_answer = on_answer;
	list_init(&g->waiter.node);
	client_hello_init(&g->hello);
	buf_init(&g->more, PARKED_MAX);
	c->greeting = g;
}

/* Only the socket knows which of our addresses the client chose. */
static void note_local_ip(struct conn *c, int fd)
{
	struct addr local;
	socklen_t len = sizeof(local);

	if (!router_has_ips(c->client.snapshot->router))
		return;
	new_greeting(c);
	if (!getsockname(fd, &local.any, &len))
		addr_ip_text(c->greeting->local_ip, &local);
}

void frontend_accept(void *owner, int fd, const struct addr *peer)
{
	struct context *x = owner;
	struct conn *c;

	if (!client_admit(x, fd))
		return;
	c = mem_new(sizeof(*c));
	c->client.cut = on_cut;
	c->client.on_closed = on_client_closed;
	client_init(&c->client, x, peer);
	c->client.peer.is_tls = true;
	deadline_init(&c->deadline, x->loop, on_deadline);
	note_local_ip(c, fd);
	c->stream = tcp_stream_adopt(x->loop, fd, peer);
	if (!c->stream) {
		close_conn(c, STREAM_CLOSE_ABORT);
		return;
	}
	tcp_stream_carries_tls(c->stream);
	enter(c, CONN_HELLO);
	stream_own(c->stream, &conn_events, c);
	stream_read_start(c->stream);
}

/* ---- HELLO ---- */

static void feed_hello(struct conn *c, struct str bytes)
{
	int alert = ALERT_DECODE_ERROR;
	struct str words = answer_not_tls();

	switch (client_hello_feed(&c->greeting->hello, bytes, &alert)) {
	case CLIENT_HELLO_MORE:
		return;
	case CLIENT_HELLO_DONE:
		take_hello(c);
		return;
	case CLIENT_HELLO_PLAIN_HTTP:
		counter_add(COUNTER_NOT_TLS, 1);
		(void)stream_write(c->stream, &words, 1);
		close_conn(c, STREAM_CLOSE_GRACEFUL);
		return;
	case CLIENT_HELLO_SSLV2:
		counter_add(COUNTER_NOT_TLS, 1);
		send_alert(c, ALERT_PROTOCOL_VERSION);
		return;
	case CLIENT_HELLO_BAD:
	case CLIENT_HELLO_TOO_BIG:
		counter_add(COUNTER_NOT_TLS, 1);
		send_alert(c, alert);
		return;
	}
	UNREACHABLE();
}

/* A client that goes on while it waits (it should not) is bounded, one that leaves is noticed. */
static void on_read(void *owner, struct str bytes)
{
	struct conn *c = owner;

	if (c->state == CONN_HELLO) {
		if (!c->greeting)
			new_greeting(c);
		feed_hello(c, bytes);
	} else if ((c->state == CONN_WAIT || c->state == CONN_SEEK)
		&& buf_add(&c->greeting->more, bytes)) {
		close_conn(c, STREAM_CLOSE_ABORT);
	}
}

static void on_eof(void *owner)
{
	close_conn(owner, STREAM_CLOSE_ABORT);
}

static void on_drain(void *owner)
{
	(void)owner;
}

static void on_error(void *owner, enum err err)
{
	(void)err;
	close_conn(owner, STREAM_CLOSE_ABORT);
}

static const struct stream_events conn_events = { on_read, on_eof, on_drain, on_error };

static void take_hello(struct conn *c)
{
	const struct client_hello *hello = &c->greeting->hello;

	if (client_hello_has_alpn(hello, "acme-tls/1")) {
		take_challenge(c);
		return;
	}
	c->protocol = choose_protocol(hello);
	if (c->protocol)
		take_name(c);
	else
		send_alert(c, ALERT_NO_APPLICATION_PROTOCOL);
}

/* RFC 8737 section 3: nothing but a validation may see these certificates. */
static void take_challenge(struct conn *c)
{
	struct client_hello *hello = &c->greeting->hello;
	struct challenge_set *set = c->client.context->challenges;
	struct tls_certificate *certificate = NULL;
	bool is_validator = hello->n_alpn == 1 && hello->has_sni && hello->sni_is_valid;

	if (set && is_validator)
		certificate = challenge_set_tlsalpn01(set, str_from(hello->sni));
	if (certificate) {
		c->client.peer.site = mem_strdup(hello->sni);
		enter(c, CONN_CHALLENGE);
		handshake(c, certificate);
	} else if (is_validator && c->state == CONN_HELLO) {
		seek(c);
	} else {
		send_alert(c, ALERT_NO_APPLICATION_PROTOCOL);
	}
}

/* ---- SEEK: another process at our store may know it ---- */

static void seek(struct conn *c)
{
	static const struct waiting_caps caps = { SEEKING_MAX, SEEKING_PER_NAME };
	struct greeting *g = c->greeting;
	char key[CHALLENGE_KEY];

	g->place = c->client.context->seeking;
	enter(c, CONN_SEEK);
	if (!g->place || waiting_join(g->place, &g->waiter,
		challenge_key(key, str_from(g->hello.sni), STR_NONE), "", &caps))
		send_alert(c, ALERT_NO_APPLICATION_PROTOCOL);
}

/* ---- the name, its site, its certificate ---- */

static const struct conf_site *site_without_sni(const struct conn *c, const struct router *router)
{
	const struct conf_site *site = NULL;
	const struct conf_site *star = router_named(router, STR("*"));

	if (c->greeting->local_ip[0])
		site = router_ip(router, str_from(c->greeting->local_ip));
	if (!site)
		site = router_default(router);
	return site || !star || star->tls != CONF_TLS_FILE ? site : star;
}

static enum err find_site(struct conn *c, const struct router *router, const struct conf_site **out)
{
	const struct client_hello *hello = &c->greeting->hello;

	if (hello->has_sni && !hello->sni_is_valid)
		return E_NAME;
	*out = hello->has_sni ? router_site(router, str_from(hello->sni)) : site_without_sni(c, router);
	if (!*out)
		return hello->has_sni ? E_DENIED : E_NO_SNI;
	return (*out)->tls == CONF_TLS_OFF ? E_DENIED : E_OK;
}

static bool is_due(const struct entry *e, int64_t now_ms)
{
	return !e->is_operators && (now_ms >= e->renew_at_ms
		|| now_ms > e->not_after_ms - (e->not_after_ms - e->not_before_ms) / 6);
}

static struct entry *find_entry(struct conn *c, const struct conf_site *site, const char *name)
{
	struct context *x = c->client.context;
	struct snapshot *snapshot = context_snapshot(x);
	int64_t now_ms = clock_wall_ms();
	struct entry *e;

	if (site->tls == CONF_TLS_FILE)
		return snapshot->operator_entries[router_site_index(snapshot->router, site)];
	e = cache_get(x->cache, str_from(name), now_ms);
	counter_add(e ? COUNTER_CERT_CACHE_HITS : COUNTER_CERT_CACHE_MISSES, 1);
	if (e && is_due(e, now_ms))
		x->on_due(x->owner, e->name);
	return e;
}

static void take_name(struct conn *c)
{
	const struct client_hello *hello = &c->greeting->hello;
	struct context *x = c->client.context;
	const struct conf_site *site = NULL;
	const char *name;
	struct entry *e;
	int64_t until_ms;
	enum err err = find_site(c, context_snapshot(x)->router, &site);

	if (err) {
		refuse(c, err);
		return;
	}
	name = hello->has_sni ? hello->sni : site->name;
	c->client.peer.site = mem_strdup(name);
	c->client.peer.has_sni = hello->has_sni;
	if (site->tls != CONF_TLS_FILE && conf_keys_of(context_snapshot(x)->conf, site)->n > 1) {
		choose(c, site);
		return;
	}
	e = find_entry(c, site, name);
	if (e) {
		meet(c, e);
		return;
	}
	err = cache_refused(x->cache, str_from(name), clock_wall_ms(), &until_ms);
	if (err) {
		counter_add(COUNTER_CERT_NEGATIVE_HITS, 1);
		refuse(c, err);
	} else {
		park(c, name);
	}
}

/* ---- one of two certificates ---- */

static void choose(struct conn *c, const struct conf_site *site)
{
	struct context *x = c->client.context;
	struct greeting *g = c->greeting;
	const struct conf *conf = context_snapshot(x)->conf;
	int64_t now_ms = clock_wall_ms();
	struct choice choice;

	choice_make(&(struct choice_args){ .cache = x->cache, .keys = conf_keys_of(conf, site),
		.host = c->client.peer.site, .client = client_hello_signatures(&g->hello),
		.tried = c->tried, .now_ms = now_ms }, &choice);
	counter_add(choice.entry ? COUNTER_CERT_CACHE_HITS : COUNTER_CERT_CACHE_MISSES, 1);
	if (choice.entry) {
		if (is_due(choice.entry, now_ms))
			x->on_due(x->owner, choice.entry->name);
		waiting_leave(x->waiting, &g->waiter);
		meet(c, choice.entry);
	} else if (choice.err) {
		counter_add(COUNTER_CERT_NEGATIVE_HITS, 1);
		refuse(c, choice.err);
	} else {
		if (!c->tried)
			c->until_ms = (uint32_t)(loop_now_ms(x->loop) + conf->on_demand.wait_ms);
		c->tried |= (uint8_t)choice.bit;
		c->is_glancing = true;
		waiting_leave(x->waiting, &g->waiter);
		park(c, choice.series);
	}
}

/* The site may be another one by now. */
static void choose_again(struct conn *c)
{
	struct context *x = c->client.context;
	const struct router *router = context_snapshot(x)->router;
	const struct conf_site *site = NULL;
	enum err err = find_site(c, router, &site);

	if (err)
		refuse(c, err);
	else if (site->tls == CONF_TLS_FILE)
		handshake(c, context_snapshot(x)->operator_entries[router_site_index(router, site)]->tls);
	else if (conf_keys_of(context_snapshot(x)->conf, site)->n < CONF_KEYS)
		refuse(c, E_TIMEOUT);
	else
		choose(c, site);
}

/* The moment is over: what would do, if it is there by now; else on with the wait. */
static void end_glance(struct conn *c)
{
	struct context *x = c->client.context;
	struct greeting *g = c->greeting;
	const struct conf_site *site = NULL;
	struct entry *e = NULL;

	if (!find_site(c, context_snapshot(x)->router, &site))
		e = choice_at_hand(&(struct choice_args){ .cache = x->cache,
			.keys = conf_keys_of(context_snapshot(x)->conf, site), .host = c->client.peer.site,
			.client = client_hello_signatures(&g->hello), .now_ms = clock_wall_ms() });
	c->is_glancing = false;
	if (e) {
		waiting_leave(x->waiting, &g->waiter);
		meet(c, e);
	} else {
		deadline_arm(&c->deadline, patience_ms(c));
	}
}

/* ---- WAIT ---- */

static void park(struct conn *c, const char *name)
{
	struct context *x = c->client.context;
	const struct conf_on_demand *rules = &context_snapshot(x)->conf->on_demand;
	struct waiting_caps caps = { rules->max_waiting, rules->max_waiting_per_name };
	char ip[ADDR_IP_TEXT];
	enum err err = x->is_draining ? E_DRAINING : E_OK;

	addr_small_text(ip, &c->client.peer.addr);
	enter(c, CONN_WAIT);
	c->greeting->place = x->waiting;
	if (!err)
		err = waiting_join(x->waiting, &c->greeting->waiter, str_from(name), ip, &caps);
	if (err)
		refuse(c, err);
}

/* ---- HANDSHAKE, CHALLENGE ---- */

static void count_handshake(const struct conn *c, enum err err, const char *detail)
{
	counter_add(err ? COUNTER_HANDSHAKES_FAILED : COUNTER_HANDSHAKES, 1);
	if (!err && c->client.peer.is_resumed)
		counter_add(COUNTER_HANDSHAKES_RESUMED, 1);
	if (err)
		log_debug(&area, "handshake failed", "name=%s err=SP-%d detail=\"%s\"",
			c->client.peer.site, err_code(err), detail ? detail : "");
}

static void end_challenge(struct conn *c, enum err err)
{
	struct context *x = c->client.context;

	if (!err) {
		counter_add(COUNTER_CHALLENGES_ANSWERED, 1);
		x->on_challenge_seen(x->owner, CONF_TLS_ALPN_01, str_from(c->client.peer.site));
	}
	close_conn(c, err ? STREAM_CLOSE_ABORT : STREAM_CLOSE_GRACEFUL);
}

static void take_facts(struct conn *c)
{
	struct peer *peer = &c->client.peer;
	struct tls_facts facts;

	tls_stream_facts(c->stream, &facts);
	peer->tls_version = facts.version;
	peer->tls_group = facts.group;
	peer->is_resumed = facts.is_resumed;
}

/* A failed handshake has sent its alert: closing gently lets it arrive. */
static void on_handshake(void *owner, enum err err, const char *detail)
{
	struct conn *c = owner;

	if (!err)
		take_facts(c);
	count_handshake(c, err, detail);
	if (c->state == CONN_CHALLENGE)
		end_challenge(c, err);
	else if (err)
		close_conn(c, STREAM_CLOSE_GRACEFUL);
	else
		open_http(c);
}

static struct tls_accept_args accept_args(const struct conn *c, struct tls_certificate *certificate)
{
	struct snapshot *s = c->client.snapshot;
	bool is_challenge = c->state == CONN_CHALLENGE;

	return (struct tls_accept_args){
		.context = is_challenge ? s->tls_challenge : s->tls_server,
		.certificate = certificate,
		.alpn = is_challenge ? "acme-tls/1" : c->protocol->name,
		.binding = str_from(c->client.peer.site),
		.sni = c->client.peer.site,
	};
}

static void handshake(struct conn *c, struct tls_certificate *certificate)
{
	struct tls_accept_args args;
	struct str received[3];
	struct stream *tls = NULL;
	enum err err;

	if (c->state != CONN_CHALLENGE)
		enter(c, CONN_HANDSHAKE);
	args = accept_args(c, certificate);
	stream_read_stop(c->stream);
	err = client_hello_record(&c->greeting->hello, &received[0], &received[1]);
	received[2] = buf_str(&c->greeting->more);
	if (!err)
		err = tls_stream_accept(c->client.context->loop, &c->stream, &args, received, 3,
			on_handshake, &tls);
	if (err) {
		count_handshake(c, err, "");
		close_conn(c, STREAM_CLOSE_ABORT);
		return;
	}
	c->stream = tls;
	stream_own(tls, &conn_events, c);
}

/* ---- OPEN ---- */

static void open_http(struct conn *c)
{
	enter(c, CONN_OPEN);
	free_greeting(c);
	c->protocol->serve(&c->client, &c->stream);
}

static void on_client_closed(struct client *client)
{
	struct conn *c = container_of(client, struct conn, client);

	ASSERT(c->state == CONN_OPEN && !c->stream);
	mem_free(&c);
}

/* ---- the other ends ---- */

int frontend_alert(enum err err)
{
	switch (err) {
	case E_DENIED:
	case E_NAME:
	case E_NO_SNI:
	case E_NOT_FOUND:
		return ALERT_UNRECOGNIZED_NAME;
	default:
		return ALERT_INTERNAL_ERROR;
	}
}

static void refuse(struct conn *c, enum err err)
{
	const struct client_hello *hello = &c->greeting->hello;
	int alert = frontend_alert(err);

	if (alert == ALERT_UNRECOGNIZED_NAME)
		counter_add(COUNTER_NAMES_REFUSED, 1);
	log_debug(&area, "handshake refused", "name=%s err=SP-%d",
		hello->sni[0] ? hello->sni : "-", err_code(err));
	send_alert(c, alert);
}

static void send_alert(struct conn *c, int alert)
{
	char record[CLIENT_HELLO_ALERT];
	struct str bytes = str_of(record, sizeof(record));

	client_hello_alert(record, alert);
	(void)stream_write(c->stream, &bytes, 1);
	close_conn(c, STREAM_CLOSE_GRACEFUL);
}

static void on_deadline(struct deadline *d)
{
	struct conn *c = container_of(d, struct conn, deadline);

	if (c->state == CONN_SEEK)
		send_alert(c, ALERT_NO_APPLICATION_PROTOCOL);
	else if (c->state != CONN_WAIT)
		close_conn(c, STREAM_CLOSE_ABORT);
	else if (!c->tried)
		refuse(c, E_TIMEOUT);
	else if (c->is_glancing)
		end_glance(c);
	else
		choose_again(c);
}

static void on_cut(struct client *client)
{
	close_conn(container_of(client, struct conn, client), STREAM_CLOSE_ABORT);
}

static void close_conn(struct conn *c, enum stream_close how)
{
	ASSERT(c->state != CONN_CLOSED && c->state != CONN_OPEN);
	enter(c, CONN_CLOSED);
	deadline_disarm(&c->deadline);
	free_greeting(c);
	stream_close(&c->stream, how);
	client_fini(&c->client);
	mem_free(&c);
}
