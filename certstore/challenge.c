/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * challenge: the control loop's table of live challenges, and the immutable sets made of it.
 *
 *   put ------> WAITING --published--> LIVE --withdraw--> GRACE --time--> gone
 *                  \____________________\___withdraw________/
 *
 * Changes of one turn travel together: a set is built when the turn ends. Rows are
 * reference-counted and shared by the sets they are in, so that a new set costs a pointer per
 * challenge.
 */
#include "certstore/challenge.h"

#include <stdatomic.h>

#include "base/check.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "certstore/san.h"
#include "net/deadline.h"

enum { LIVE_MAX = 4096, TOKEN_MIN = 16, TOKEN_MAX = 128, HOST_MAX = SAN_NAME };

/* What workers see of a challenge. Immutable. */
struct row {
	atomic_uint refs;
	enum conf_challenge kind;
	char host[HOST_MAX]; /* http-01: identifier; tls-alpn-01: SNI */
	char token[TOKEN_MAX + 1];
	char *key_authorization;
	struct tls_certificate *certificate;
};

struct challenge_set {
	atomic_uint refs;
	struct map by_key; /* row_key -> row */
	unsigned n;
	struct row *rows[];
};

struct challenge {
	struct list node;
	struct challenge_table *table;
	struct row *row;
	char identifier[HOST_MAX];
	uint64_t generation; /* the first set it is in; 0: none yet */
	bool is_withdrawn;
	struct deadline grace;
	void (*on_live)(void *owner);
	void (*on_seen)(void *owner);
	void *owner;
};

struct challenge_table {
	struct list all; /* oldest first */
	unsigned n;
	uint64_t generation; /* of the newest set handed out */
	struct loop *loop;
	struct loop_task publish_task, live_task;
	uint64_t acknowledged;
	challenge_publish_fn *publish;
	void *owner;
};

enum { KEY_MAX = HOST_MAX + TOKEN_MAX + 2 };

/* "host/token" for http-01, "host" for tls-alpn-01: no host holds a slash. Empty when too long. */
static struct str row_key(char dst[KEY_MAX], struct str host, struct str token)
{
	if (host.len >= HOST_MAX || token.len > TOKEN_MAX)
		return STR_NONE;
	str_lower(dst, host);
	if (!token.at)
		return str_of(dst, host.len);
	dst[host.len] = '/';
	memcpy(dst + host.len + 1, token.at, token.len);
	return str_of(dst, host.len + 1 + token.len);
}

/* ---- rows and sets ---- */

static void row_unref(struct row **r)
{
	struct row *old = *r;

	*r = NULL;
	if (!old || atomic_fetch_sub_explicit(&old->refs, 1, memory_order_acq_rel) > 1)
		return;
	if (old->certificate)
		tls_certificate_unref(&old->certificate);
	mem_free(&old->key_authorization);
	mem_free(&old);
}

static struct row *row_new(const struct challenge_args *args)
{
	struct row *r = mem_new(sizeof(*r));

	atomic_init(&r->refs, 1);
	r->kind = args->kind;
	if (args->kind != CONF_TLS_ALPN_01 || !san_reverse_name(r->host, args->identifier))
		str_lower(r->host, str_from(args->identifier));
	strcpy(r->token, args->token);
	r->key_authorization = mem_strdup(args->key_authorization);
	if (args->certificate)
		r->certificate = tls_certificate_ref(args->certificate);
	return r;
}

static struct challenge_set *set_new(const struct challenge_table *t)
{
	struct challenge_set *s = mem_new(sizeof(*s) + t->n * sizeof(s->rows[0]));
	char key[KEY_MAX];

	atomic_init(&s->refs, 1);
	map_init(&s->by_key);
	list_each(&t->all, node, tmp)
	{
		struct row *r = list_entry(node, struct challenge, node)->row;
		bool is_http = r->kind == CONF_HTTP_01;

		atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
		s->rows[s->n++] = r;
		/* of two for the same name the newer one answers */
		map_put(&s->by_key,
			row_key(key, str_from(r->host), is_http ? str_from(r->token) : STR_NONE),
			r);
	}
	return s;
}

struct challenge_set *challenge_set_ref(struct challenge_set *s)
{
	ASSERT(atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed) > 0);
	return s;
}

void challenge_set_unref(struct challenge_set **s)
{
	struct challenge_set *old = *s;

	*s = NULL;
	if (!old || atomic_fetch_sub_explicit(&old->refs, 1, memory_order_acq_rel) > 1)
		return;
	for (unsigned i = 0; i < old->n; i++)
		row_unref(&old->rows[i]);
	map_fini(&old->by_key);
	mem_free(&old);
}

struct str challenge_set_http01(const struct challenge_set *s, struct str host, struct str token)
{
	char key[KEY_MAX];
	const struct row *r;
	struct str k = row_key(key, host, str_of(token.at ? token.at : "", token.len));

	r = k.len > 0 ? map_get(&s->by_key, k) : NULL;
	return r && r->kind == CONF_HTTP_01 ? str_from(r->key_authorization) : STR_NONE;
}

struct tls_certificate *challenge_set_tlsalpn01(const struct challenge_set *s, struct str sni)
{
	char key[KEY_MAX];
	const struct row *r;
	struct str k = row_key(key, sni, STR_NONE);

	r = k.len > 0 ? map_get(&s->by_key, k) : NULL;
	return r && r->kind == CONF_TLS_ALPN_01 ? r->certificate : NULL;
}

/* ---- publishing ---- */

static void on_turn_end(struct loop_task *task)
{
	struct challenge_table *t = container_of(task, struct challenge_table, publish_task);

	t->generation++;
	list_each(&t->all, node, tmp)
	{
		struct challenge *c = list_entry(node, struct challenge, node);

		if (c->generation == 0)
			c->generation = t->generation;
	}
	t->publish(t->owner, set_new(t), t->generation);
}

/* The owner may put and withdraw meanwhile: neither takes a challenge out of the list at once. */
static void on_acknowledged(struct loop_task *task)
{
	struct challenge_table *t = container_of(task, struct challenge_table, live_task);

	list_each(&t->all, node, tmp)
	{
		struct challenge *c = list_entry(node, struct challenge, node);
		void (*on_live)(void *) = c->on_live;

		if (c->is_withdrawn || !on_live || c->generation == 0 ||
			c->generation > t->acknowledged)
			continue;
		c->on_live = NULL;
		on_live(c->owner);
	}
}

void challenge_published(struct challenge_table *t, uint64_t generation)
{
	ASSERT(generation <= t->generation);
	if (generation > t->acknowledged)
		t->acknowledged = generation;
	/* later in the turn, so that it is never before challenge_put has returned */
	loop_defer(t->loop, &t->live_task);
}

struct challenge_table *challenge_table_new(
	struct loop *l, challenge_publish_fn *publish, void *owner)
{
	struct challenge_table *t = mem_new(sizeof(*t));

	ASSERT(publish);
	list_init(&t->all);
	loop_task_init(&t->publish_task, on_turn_end);
	loop_task_init(&t->live_task, on_acknowledged);
	t->loop = l;
	t->publish = publish;
	t->owner = owner;
	return t;
}

static void drop(struct challenge *c)
{
	list_remove(&c->node);
	c->table->n--;
	deadline_disarm(&c->grace);
	row_unref(&c->row);
	mem_free(&c);
}

void challenge_table_free(struct challenge_table **t)
{
	if (!*t)
		return;
	while (!list_is_empty(&(*t)->all))
		drop(list_first(&(*t)->all, struct challenge, node));
	loop_task_cancel(&(*t)->publish_task);
	loop_task_cancel(&(*t)->live_task);
	mem_free(t);
}

/* ---- one challenge ---- */

static bool is_token(const char *token)
{
	size_t n = strlen(token);

	if (n < TOKEN_MIN || n > TOKEN_MAX)
		return false;
	return strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
	       n;
}

static void on_grace_over(struct deadline *d)
{
	struct challenge *c = container_of(d, struct challenge, grace);
	struct challenge_table *t = c->table;

	drop(c);
	loop_defer(t->loop, &t->publish_task);
}

enum err challenge_put(
	struct challenge_table *t, const struct challenge_args *args, struct challenge **out)
{
	struct challenge *c;

	ASSERT(args->kind < CONF_CHALLENGES);
	ASSERT(args->kind != CONF_TLS_ALPN_01 || args->certificate);
	*out = NULL;
	if (!is_token(args->token) || args->identifier[0] == '\0' ||
		strlen(args->identifier) >= HOST_MAX || strchr(args->identifier, '/'))
		return E_PARSE;
	if (t->n >= LIVE_MAX)
		return E_LIMIT;
	c = mem_new(sizeof(*c));
	c->table = t;
	c->row = row_new(args);
	str_lower(c->identifier, str_from(args->identifier));
	c->on_live = args->on_live;
	c->on_seen = args->on_seen;
	c->owner = args->owner;
	deadline_init(&c->grace, t->loop, on_grace_over);
	list_append(&t->all, &c->node);
	t->n++;
	loop_defer(t->loop, &t->publish_task);
	*out = c;
	return E_OK;
}

void challenge_withdraw(struct challenge **c, int64_t grace_ms)
{
	struct challenge *old = *c;

	*c = NULL;
	if (!old)
		return;
	ASSERT(!old->is_withdrawn);
	old->is_withdrawn = true;
	old->owner = NULL;
	deadline_arm(&old->grace, grace_ms);
}

void challenge_seen(struct challenge_table *t, enum conf_challenge kind, struct str identifier)
{
	list_each(&t->all, node, tmp)
	{
		struct challenge *c = list_entry(node, struct challenge, node);

		if (c->is_withdrawn || !c->on_seen || c->row->kind != kind)
			continue;
		if (!str_equal_nocase(str_from(c->identifier), identifier) &&
			!str_equal_nocase(str_from(c->row->host), identifier))
			continue;
		c->on_seen(c->owner);
		return;
	}
}
