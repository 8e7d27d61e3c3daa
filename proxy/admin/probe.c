/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * probe: one per name.
 *
 *   PREPARING (its certificate) ─► PLANTED ─► LIVE (told) ─► deadline: withdrawn, freed
 */
#include "proxy/admin/probe.h"

#include <stdio.h>

#include "acme/challenge.h"
#include "acme/errand.h"
#include "base/check.h"
#include "base/encode.h"
#include "base/mem.h"
#include "net/deadline.h"
#include "net/random.h"

#define PROBE_STATES(X) \
	X(PROBE_PREPARING, "making its certificate") \
	X(PROBE_PLANTED, "waiting for the workers") \
	X(PROBE_LIVE, "can be asked for")

enum probe_state {
#define X(name, text) name,
	PROBE_STATES(X)
#undef X
};

enum { PROBES_MAX = 8, LIFE_MS = 20 * 1000, TOKEN_BYTES = 24 };

struct probe {
	struct list node;
	struct probes *all;
	enum probe_state state;
	struct deadline end;
	struct errand *errand;
	struct challenge *http, *alpn;
	unsigned n_live;
	struct probe_look look;
	probe_fn *fn;               /* NULL: told */
	void *owner;
	char name[256];
};

struct probes {
	struct loop *loop;
	struct challenge_table *table;
	struct list all;
	unsigned n;
};

static void on_prepared(void *owner, enum err err, void *object, const struct fault *fault);
static void on_live(void *owner);

static void enter(struct probe *p, enum probe_state state)
{
	p->state = state;
}

struct probes *probes_new(struct loop *l, struct challenge_table *table)
{
	struct probes *p = mem_new(sizeof(*p));

	p->loop = l;
	p->table = table;
	list_init(&p->all);
	return p;
}

static void tell(struct probe *p, enum err err)
{
	probe_fn *fn = p->fn;

	p->fn = NULL;
	if (fn)
		fn(p->owner, err);
}

static void probe_free(struct probe *p)
{
	list_remove(&p->node);
	p->all->n--;
	deadline_disarm(&p->end);
	errand_abandon(&p->errand);
	challenge_withdraw(&p->http, 0);
	challenge_withdraw(&p->alpn, 0);
	mem_release(p);
}

void probes_free(struct probes **probes)
{
	if (!*probes)
		return;
	list_each(&(*probes)->all, node, tmp) {
		struct probe *p = list_entry(node, struct probe, node);

		tell(p, E_CANCELED);
		probe_free(p);
	}
	mem_free(probes);
}

static struct probe *find(const struct probes *p, const char *name)
{
	for (struct list *node = p->all.next; node != &p->all; node = node->next) {
		struct probe *one = list_entry(node, struct probe, node);

		if (strcmp(one->name, name) == 0)
			return one;
	}
	return NULL;
}

static void on_end(struct deadline *d)
{
	struct probe *p = container_of(d, struct probe, end);
	probe_fn *fn = p->fn;
	void *owner = p->owner;

	probe_free(p);
	if (fn)
		fn(owner, E_TIMEOUT);
}

/* ---- PREPARING: on the pool ---- */

static void answer_free(void *object)
{
	struct challenge_answer *a = object;

	buf_fini(&a->key_authorization);
	if (a->certificate)
		tls_certificate_unref(&a->certificate);
	mem_release(a);
}

static enum err prepare(void *object, struct fault *fault)
{
	return challenge_tlsalpn01.prepare(object, fault);
}

static void make_token(struct probe_look *look)
{
	unsigned char bytes[TOKEN_BYTES], more[TOKEN_BYTES];
	char text[PROBE_TEXT];

	random_bytes(bytes, sizeof(bytes));
	random_bytes(more, sizeof(more));
	encode_base64url(look->token, str_of(bytes, sizeof(bytes)));
	encode_base64url(text, str_of(more, sizeof(more)));
	snprintf(look->key_authorization, sizeof(look->key_authorization), "%s.%s", look->token, text);
}

enum err probes_plant(struct probes *all, const char *name, probe_fn *fn, void *owner)
{
	struct probe *p = find(all, name);
	struct challenge_answer *a;

	ASSERT(fn && strlen(name) < sizeof(p->name));
	if (p && p->fn)
		return E_LIMIT;
	if (p)
		probe_free(p);
	if (all->n >= PROBES_MAX)
		return E_LIMIT;
	p = mem_new(sizeof(*p));
	p->all = all;
	p->fn = fn;
	p->owner = owner;
	snprintf(p->name, sizeof(p->name), "%s", name);
	make_token(&p->look);
	list_append(&all->all, &p->node);
	all->n++;
	deadline_init(&p->end, all->loop, on_end);
	deadline_arm(&p->end, LIFE_MS);
	a = mem_new(sizeof(*a));
	snprintf(a->identifier, sizeof(a->identifier), "%s", name);
	buf_init(&a->key_authorization, 0);
	buf_add(&a->key_authorization, str_from(p->look.key_authorization));
	enter(p, PROBE_PREPARING);
	p->errand = errand_work(all->loop, prepare, a, answer_free, on_prepared, p);
	return E_OK;
}

/* ---- PLANTED ---- */

static void on_http_seen(void *owner)
{
	((struct probe *)owner)->look.http_seen++;
}

static void on_alpn_seen(void *owner)
{
	((struct probe *)owner)->look.alpn_seen++;
}

static enum err put(struct probe *p, struct tls_certificate *certificate)
{
	struct challenge_args args = { .kind = CONF_HTTP_01, .identifier = p->name,
		.token = p->look.token, .key_authorization = p->look.key_authorization,
		.on_live = on_live, .on_seen = on_http_seen, .owner = p };
	enum err err = challenge_put(p->all->table, &args, &p->http);

	if (err)
		return err;
	args.kind = CONF_TLS_ALPN_01;
	args.certificate = certificate;
	args.on_seen = on_alpn_seen;
	return challenge_put(p->all->table, &args, &p->alpn);
}

static void on_prepared(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct probe *p = owner;
	struct challenge_answer *a = object;

	(void)fault;
	p->errand = NULL;
	if (!err)
		err = put(p, a->certificate);
	if (a)
		answer_free(a);
	if (!err) {
		enter(p, PROBE_PLANTED);
		return;
	}
	tell(p, err);
	probe_free(p);
}

static void on_live(void *owner)
{
	struct probe *p = owner;

	if (++p->n_live < 2)
		return;
	enter(p, PROBE_LIVE);
	tell(p, E_OK);
}

bool probes_look(const struct probes *all, const char *name, struct probe_look *out)
{
	const struct probe *p = find(all, name);

	if (p)
		*out = p->look;
	return p;
}
