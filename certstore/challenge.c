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
 *
 * The copy in the store is written while the workers take the set, and a store that cannot be written
 * keeps nobody from being validated here.
 */
#include "certstore/challenge.h"

#include <stdatomic.h>

#include "base/check.h"
#include "base/list.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "net/deadline.h"

enum {
	LIVE_MAX = 4096,
	FOREIGN_MAX = 2048,
	UNSAVED_AT_END = 256, /* the store must not be busy with it for long: the rest is over soon */
};

static const struct log log_store = {"store"};

/* What workers see of a challenge. Immutable. */
struct row {
	atomic_uint refs;
	enum conf_challenge kind;
	char host[CHALLENGE_HOST]; /* http-01: identifier; tls-alpn-01: SNI */
	char token[CHALLENGE_TOKEN];
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
	char identifier[CHALLENGE_HOST];
	uint64_t generation;   /* the first set it is in; 0: none yet */
	struct saving *saving; /* into the store; NULL: not under way */
	bool is_foreign, is_withdrawn;
	struct deadline grace;
	void (*on_live)(void *owner);
	void (*on_seen)(void *owner);
	void *owner;
};

/* Outlives the challenge if need be. */
struct saving {
	struct challenge *challenge; /* NULL: gone */
};

struct challenge_table {
	struct list all; /* oldest first */
	unsigned n, n_foreign;
	uint64_t generation; /* of the newest set handed out */
	struct loop *loop;
	struct loop_task publish_task, live_task;
	uint64_t acknowledged;
	challenge_publish_fn *publish;
	void *owner;
	struct store *store; /* NULL: not shared */
};

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
	challenge_host(r->host, args->kind, args->identifier);
	strcpy(r->token, args->token);
	r->key_authorization = mem_strdup(args->key_authorization);
	if (args->certificate)
		r->certificate = tls_certificate_ref(args->certificate);
	return r;
}

static struct str row_key(char dst[CHALLENGE_KEY], const struct row *r)
{
	return challenge_key(
		dst, str_from(r->host), r->kind == CONF_HTTP_01 ? str_from(r->token) : STR_NONE);
}

static struct challenge_set *set_new(const struct challenge_table *t)
{
	struct challenge_set *s = mem_new(sizeof(*s) + t->n * sizeof(s->rows[0]));
	char key[CHALLENGE_KEY];

	atomic_init(&s->refs, 1);
	map_init(&s->by_key);
	list_each(&t->all, node, tmp)
	{
		struct row *r = list_entry(node, struct challenge, node)->row;

		atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
		s->rows[s->n++] = r;
		/* of two for the same name the newer one answers */
		map_put(&s->by_key, row_key(key, r), r);
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
	char key[CHALLENGE_KEY];
	const struct row *r;
	struct str k = challenge_key(key, host, str_of(token.at ? token.at : "", token.len));

	r = k.len > 0 ? map_get(&s->by_key, k) : NULL;
	return r && r->kind == CONF_HTTP_01 ? str_from(r->key_authorization) : STR_NONE;
}

struct tls_certificate *challenge_set_tlsalpn01(const struct challenge_set *s, struct str sni)
{
	char key[CHALLENGE_KEY];
	const struct row *r;
	struct str k = challenge_key(key, sni, STR_NONE);

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

		if (c->is_withdrawn || !on_live || c->saving || c->generation == 0 ||
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

void challenge_table_share(struct challenge_table *t, struct store *s)
{
	ASSERT(s && t->n == 0);
	t->store = s;
}

/* ---- the copy in the store ---- */

static void on_saved(void *owner, enum err err, const struct fault *fault)
{
	struct saving *s = owner;
	struct challenge *c = s->challenge;

	if (err)
		log_warn(&log_store, "challenge cannot be answered by other processes", "err=\"%s\"",
			fault && fault->detail[0] ? fault->detail : err_text(err));
	if (c) {
		c->saving = NULL;
		loop_defer(c->table->loop, &c->table->live_task);
	}
	mem_free(&s);
}

static void name_of(char dst[CHALLENGE_FILE_NAME], const struct row *r)
{
	char key[CHALLENGE_KEY];

	challenge_file_name(dst, row_key(key, r));
}

static void save(struct challenge *c)
{
	struct challenge_file f = {.kind = c->row->kind,
		.until_ms = clock_wall_ms() + CHALLENGE_LIFE_MS};
	char name[CHALLENGE_FILE_NAME];
	struct buf text;

	strcpy(f.identifier, c->identifier);
	strcpy(f.token, c->row->token);
	if (!str_copy(f.key_authorization, sizeof(f.key_authorization),
		    str_from(c->row->key_authorization)))
		return;
	buf_init(&text, 0);
	name_of(name, c->row);
	if (!challenge_file_print(&f, &text)) {
		c->saving = mem_new(sizeof(*c->saving));
		c->saving->challenge = c;
		store_save(c->table->store, STORE_CHALLENGES, name, buf_str(&text), on_saved,
			c->saving);
	}
	buf_fini(&text);
}

/* One being taken out again. */
struct removal {
	struct store *store;
	char name[CHALLENGE_FILE_NAME], token[CHALLENGE_TOKEN];
};

/* What stays is over in minutes, and swept. */
static void on_removed(void *owner, enum err err, const struct fault *fault)
{
	(void)owner;
	(void)err;
	(void)fault;
}

/* Another process may have put a newer one in its place. */
static void on_compared(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct removal *r = owner;
	struct challenge_file *f = object;

	(void)fault;
	if (!err && strcmp(f->token, r->token) == 0)
		store_remove(r->store, STORE_CHALLENGES, r->name, on_removed, NULL);
	challenge_file_free(f);
	mem_free(&r);
}

static bool has_twin(const struct challenge *c)
{
	list_each(&c->table->all, node, tmp)
	{
		const struct challenge *other = list_entry(node, struct challenge, node);

		if (other != c && !other->is_foreign && other->row->kind == c->row->kind &&
			strcmp(other->row->host, c->row->host) == 0 &&
			strcmp(other->row->token, c->row->token) == 0)
			return true;
	}
	return false;
}

static void unsave(struct challenge *c)
{
	struct removal *r;

	if (!c->table->store || c->is_foreign || has_twin(c))
		return;
	r = mem_new(sizeof(*r));
	r->store = c->table->store;
	name_of(r->name, c->row);
	strcpy(r->token, c->row->token);
	store_load(r->store, STORE_CHALLENGES, r->name, challenge_file_read, on_compared, r);
}

/* ---- one challenge ---- */

static void drop(struct challenge *c)
{
	if (c->saving)
		c->saving->challenge = NULL;
	list_remove(&c->node);
	c->table->n--;
	c->table->n_foreign -= c->is_foreign;
	deadline_disarm(&c->grace);
	row_unref(&c->row);
	mem_free(&c);
}

void challenge_table_free(struct challenge_table **t)
{
	if (!*t)
		return;
	for (unsigned n = 0; !list_is_empty(&(*t)->all); n++) {
		struct challenge *c = list_first(&(*t)->all, struct challenge, node);

		if (n < UNSAVED_AT_END)
			unsave(c);
		drop(c);
	}
	loop_task_cancel(&(*t)->publish_task);
	loop_task_cancel(&(*t)->live_task);
	mem_free(t);
}

static void on_grace_over(struct deadline *d)
{
	struct challenge *c = container_of(d, struct challenge, grace);
	struct challenge_table *t = c->table;

	unsave(c);
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
	if (!challenge_is_token(str_from(args->token)) || args->identifier[0] == '\0' ||
		strlen(args->identifier) >= CHALLENGE_HOST || strchr(args->identifier, '/'))
		return E_PARSE;
	if (t->n >= LIVE_MAX || (args->is_foreign && t->n_foreign >= FOREIGN_MAX))
		return E_LIMIT;
	c = mem_new(sizeof(*c));
	c->table = t;
	c->row = row_new(args);
	str_lower(c->identifier, str_from(args->identifier));
	c->on_live = args->on_live;
	c->on_seen = args->on_seen;
	c->owner = args->owner;
	c->is_foreign = args->is_foreign;
	deadline_init(&c->grace, t->loop, on_grace_over);
	list_append(&t->all, &c->node);
	t->n++;
	t->n_foreign += c->is_foreign;
	loop_defer(t->loop, &t->publish_task);
	if (t->store && !c->is_foreign)
		save(c);
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
	char key[CHALLENGE_KEY];

	identifier = challenge_key(key, identifier, STR_NONE);
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
