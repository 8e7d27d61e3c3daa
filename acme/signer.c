/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * signer: a door with two leaves; no time, no I/O. Who closes it sets itself a deadline.
 */
#include "acme/signer.h"

#include "base/check.h"

void signer_init(struct signer *s)
{
	*s = (struct signer){ 0 };
	for (int p = 0; p < SIGNER_PURPOSE_COUNT; p++)
		list_init(&s->line[p]);
}

void signer_fini(struct signer *s)
{
	ASSERT(!s->n[SIGNER_PROOF] && !s->n[SIGNER_REQUEST]);
	key_unref(&s->key);
}

void signer_set_key(struct signer *s, struct key *key)
{
	struct key *old = s->key;
	s->key = key ? key_ref(key) : NULL;
	key_unref(&old);
}

/* The next leaf closes once nobody is left behind the one before. */
static void look(struct signer *s)
{
	struct waiter *w = s->closer;
	if (!w || s->n[SIGNER_PROOF])
		return;
	s->is_closed[SIGNER_REQUEST] = true;
	if (s->n[SIGNER_REQUEST])
		return;
	s->closer = NULL;
	w->fn(w, E_OK, NULL);
}

void signer_use_init(struct signer_use *u, enum signer_purpose purpose,
	void (*fn)(struct waiter *w, enum err err, const struct fault *fault))
{
	waiter_init(&u->waiter, fn);
	u->in = NULL;
	u->purpose = purpose;
}

static void let_in(struct signer *s, struct signer_use *u)
{
	u->in = s;
	s->n[u->purpose]++;
}

bool signer_enter(struct signer *s, struct signer_use *u)
{
	if (u->in)
		return true;
	if (s->is_closed[u->purpose])
		list_append(&s->line[u->purpose], &u->waiter.node);
	else
		let_in(s, u);
	return u->in;
}

void signer_leave(struct signer_use *u)
{
	struct signer *s = u->in;
	list_remove(&u->waiter.node);
	u->in = NULL;
	if (!s)
		return;
	ASSERT(s->n[u->purpose]);
	s->n[u->purpose]--;
	look(s);
}

void signer_close(struct signer *s, struct waiter *w)
{
	ASSERT(!s->closer && signer_is_open(s));
	s->closer = w;
	s->is_closed[SIGNER_PROOF] = true;
	look(s);
}

static void admit(struct signer *s, enum signer_purpose purpose)
{
	while (!s->is_closed[purpose] && !list_is_empty(&s->line[purpose])) {
		struct waiter *w = list_first(&s->line[purpose], struct waiter, node);
		list_remove(&w->node);
		let_in(s, container_of(w, struct signer_use, waiter));
		w->fn(w, E_OK, NULL);
	}
}

void signer_open(struct signer *s)
{
	s->closer = NULL;
	for (int p = 0; p < SIGNER_PURPOSE_COUNT; p++)
		s->is_closed[p] = false;
	for (int p = SIGNER_PURPOSE_COUNT; p-- > 0;)
		admit(s, (enum signer_purpose)p);
}

bool signer_is_open(const struct signer *s)
{
	return !s->is_closed[SIGNER_PROOF];
}
