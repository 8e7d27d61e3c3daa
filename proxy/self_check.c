/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * self_check: bounded on all sides: so many names remembered, checks waiting, handshakes at a time.
 *
 *   installed ─► WAITING (a moment, for the workers) ─► DIALLING ─► right, wrong (healed), no answer
 *   every few minutes, a name ─► LOADING ──────────────────┘
 */
#include "proxy/self_check.h"

#include "acme/errand.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/deadline.h"
#include "net/dial.h"
#include "net/local_address.h"
#include "net/random.h"

enum {
	NAMES = 256,              /* those a sample is taken of */
	SAMPLE = 4,
	WAITING_MAX = 256, DIALLING_MAX = 4,
	SETTLE_MS = 1000,         /* from the installation to the check */
	TIMEOUT_MS = 10000,
};

#define CHECK_STATES(X) \
	X(WAITING, "waiting for the workers") \
	X(LOADING, "reading the store") \
	X(DIALLING, "shaking hands with ourselves")

enum check_state {
#define X(name, text) name,
	CHECK_STATES(X)
#undef X
};

struct check {
	struct list node;
	struct self_check *all;
	enum check_state state;
	char name[ENTRY_NAME];    /* a series: each of two certificates is checked */
	struct entry *entry;      /* what should be served; LOADING: none yet */
	int64_t from_ms;
	struct errand *errand;
	struct dial *dial;
};

struct self_check {
	struct self_check_args args;
	struct list waiting, working;
	unsigned n_waiting, n_dialling;
	char names[NAMES][ENTRY_NAME];
	unsigned n_names, next_name;
	struct deadline turn, sample;
};

static const struct log area = { "self_check" };

static void on_turn(struct deadline *d);
static void on_sample(struct deadline *d);
static void on_loaded(void *owner, enum err err, void *object, const struct fault *fault);
static void dial(struct check *k);
static void on_dialled(void *owner, enum err err, struct stream *s, const struct fault *fault);
static void check_free(struct check *k);

static void enter(struct check *k, enum check_state state)
{
	static const char *const texts[] = {
#define X(name, text) text,
		CHECK_STATES(X)
#undef X
	};

	k->state = state;
	log_trace(&area, texts[state], "name=%s", k->name);
}

static bool is_any(const struct addr *a)
{
	return (a->any.sa_family == AF_INET && a->in.sin_addr.s_addr == htonl(INADDR_ANY))
		|| (a->any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr));
}

/* Where a connection to ourselves goes. */
static struct addr own_address(struct addr a)
{
	if (is_any(&a) && a.any.sa_family == AF_INET)
		a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (is_any(&a))
		a.in6.sin6_addr = in6addr_loopback;
	return a;
}

/* Its clients send no name: what they get is told by the address they come to. One of a NAT is elsewhere. */
static bool address_of(const struct self_check *s, const char *ip, struct addr *out)
{
	for (unsigned i = 0; i < s->args.n_listeners; i++) {
		const struct addr *l = &s->args.listeners[i];

		if (addr_parse_ip(out, str_from(ip), addr_port(l)) || out->any.sa_family != l->any.sa_family)
			continue;
		if (addr_equal(out, l) || (is_any(l) && local_address_has(out)))
			return true;
	}
	return false;
}

static bool place_of(const struct self_check *s, const char *name, struct addr *out)
{
	char text[SERIES_NAME];
	const char *host = series_host_text(text, name);

	if (addr_is_ip_literal(str_from(host)))
		return address_of(s, host, out);
	*out = own_address(s->args.listeners[0]);
	return true;
}

struct self_check *self_check_new(const struct self_check_args *args)
{
	struct self_check *s = mem_new(sizeof(*s));

	ASSERT(args->every_ms > 0 && args->n_listeners > 0);
	s->args = *args;
	list_init(&s->waiting);
	list_init(&s->working);
	deadline_init(&s->turn, args->loop, on_turn);
	deadline_init(&s->sample, args->loop, on_sample);
	deadline_arm(&s->sample, args->every_ms);
	return s;
}

static struct check *check_new(struct self_check *s, const char *name)
{
	struct check *k = mem_new(sizeof(*k));

	k->all = s;
	list_init(&k->node);
	ASSERT(str_copy(k->name, sizeof(k->name), str_from(name)));
	return k;
}

static void remember(struct self_check *s, const char *name)
{
	for (unsigned i = 0; i < s->n_names; i++)
		if (strcmp(s->names[i], name) == 0)
			return;
	str_copy(s->names[s->next_name], ENTRY_NAME, str_from(name));
	s->next_name = (s->next_name + 1) % NAMES;
	s->n_names += s->n_names < NAMES;
}

/* What is newer makes an older check pointless. */
static void drop_older(struct list *line, const char *name)
{
	list_each(line, node, tmp) {
		struct check *k = list_entry(node, struct check, node);

		if (strcmp(k->name, name) == 0)
			check_free(k);
	}
}

void self_check_note(struct self_check *s, struct entry *e)
{
	struct addr place;
	struct check *k;

	/* A wildcard's names are its clients' business. */
	if (e->name[0] == '*' || !place_of(s, e->name, &place))
		return;
	remember(s, e->name);
	drop_older(&s->waiting, e->name);
	drop_older(&s->working, e->name);
	if (s->n_waiting == WAITING_MAX)
		return;
	k = check_new(s, e->name);
	k->entry = entry_ref(e);
	k->from_ms = loop_now_ms(s->args.loop) + SETTLE_MS;
	list_append(&s->waiting, &k->node);
	s->n_waiting++;
	enter(k, WAITING);
	if (!deadline_is_armed(&s->turn))
		deadline_arm(&s->turn, SETTLE_MS);
}

/* ---- WAITING ---- */

static void begin_some(struct self_check *s)
{
	int64_t now = loop_now_ms(s->args.loop);

	while (s->n_dialling < DIALLING_MAX && !list_is_empty(&s->waiting)) {
		struct check *k = list_first(&s->waiting, struct check, node);

		if (k->from_ms > now) {
			deadline_arm(&s->turn, k->from_ms - now);
			return;
		}
		list_remove(&k->node);
		s->n_waiting--;
		list_append(&s->working, &k->node);
		dial(k);
	}
}

static void on_turn(struct deadline *d)
{
	begin_some(container_of(d, struct self_check, turn));
}

/* ---- LOADING ---- */

/* Pool thread. */
static enum err parse(struct str bytes, const char *name, void **object, struct fault *fault)
{
	return entry_parse(bytes, name, (struct entry **)object, fault);
}

static void free_entry(void *object)
{
	struct entry *e = object;

	entry_unref(&e);
}

static bool is_at_work(const struct self_check *s, const char *name)
{
	for (const struct list *n = s->working.next; n != &s->working; n = n->next)
		if (strcmp(list_entry(n, struct check, node)->name, name) == 0)
			return true;
	return false;
}

static void on_sample(struct deadline *d)
{
	struct self_check *s = container_of(d, struct self_check, sample);

	for (unsigned i = 0; i < SAMPLE && s->n_names; i++) {
		const char *name = s->names[random_below(s->n_names)];
		struct check *k;

		if (is_at_work(s, name))
			continue;
		k = check_new(s, name);
		list_append(&s->working, &k->node);
		enter(k, LOADING);
		k->errand = errand_load(s->args.store, STORE_CERTS, name, parse, free_entry, on_loaded, k);
	}
	deadline_arm(d, s->args.every_ms);
}

static void on_loaded(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct check *k = owner;

	(void)fault;
	k->errand = NULL;
	k->entry = object;
	/* Nothing there, or nothing to be served: somebody else's business. */
	if (err || !entry_is_valid_at(k->entry, clock_wall_ms()))
		check_free(k);
	else
		dial(k);
}

/* ---- DIALLING ---- */

static void dial(struct check *k)
{
	char host[SERIES_NAME];
	/* A client that knows no other kind of key: of two certificates it gets this one. */
	struct tls_client_args tls = { .only = k->entry->tls,
		.signer = conf_key_is_rsa(k->entry->key_type) ? TLS_SIGNER_RSA : TLS_SIGNER_ECDSA };
	struct addr place;
	struct dial_args args = { .address = &place, .tls_name = series_host_text(host, k->name),
		.timeout_ms = TIMEOUT_MS };
	struct fault fault = { 0 };

	enter(k, DIALLING);
	k->all->n_dialling++;
	if (!place_of(k->all, k->name, &place) || tls_context_client(&tls, &args.tls, &fault)) {
		check_free(k);
		return;
	}
	counter_add(COUNTER_SELF_CHECKS, 1);
	k->dial = dial_start(k->all->args.loop, &args, on_dialled, k);
	tls_context_unref(&args.tls);
}

static void heal(struct check *k, const struct fault *fault)
{
	struct self_check *s = k->all;
	struct entry *e = entry_ref(k->entry);

	counter_add(COUNTER_SELF_CHECKS_WRONG, 1);
	log_warn(&area, "another certificate served than should be, installing it again",
		"name=%s serial=%s detail=%s", k->name, e->serial, fault->detail);
	check_free(k);
	s->args.heal(s->args.owner, e);
	entry_unref(&e);
}

static void on_dialled(void *owner, enum err err, struct stream *stream, const struct fault *fault)
{
	struct check *k = owner;
	struct self_check *s = k->all;

	k->dial = NULL;
	if (stream)
		stream_close(&stream, STREAM_CLOSE_GRACEFUL);
	if (err == E_TRUST || err == E_TLS) {
		heal(k, fault);
		begin_some(s);
		return;
	}
	if (err)
		log_debug(&area, "no answer from ourselves", "name=%s err=%s", k->name, err_text(err));
	check_free(k);
	begin_some(s);
}

/* ---- the end ---- */

static void check_free(struct check *k)
{
	list_remove(&k->node);
	k->all->n_waiting -= k->state == WAITING && k->all->n_waiting > 0;
	k->all->n_dialling -= k->state == DIALLING;
	errand_abandon(&k->errand);
	dial_cancel(&k->dial);
	entry_unref(&k->entry);
	mem_release(k);
}

static void free_all(struct list *line)
{
	list_each(line, node, tmp)
		check_free(list_entry(node, struct check, node));
}

void self_check_free(struct self_check **s)
{
	if (!*s)
		return;
	free_all(&(*s)->waiting);
	free_all(&(*s)->working);
	deadline_disarm(&(*s)->turn);
	deadline_disarm(&(*s)->sample);
	mem_free(s);
}
