/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * choice: what is held decides by the key it has, what is not by the key it would have.
 */
#include "proxy/choice.h"

#include "base/check.h"

bool choice_fits(struct client_signatures client, enum conf_key_type type)
{
	if (conf_key_is_rsa(type))
		return client.rsa;
	return type == CONF_KEY_P256 ? client.p256 : client.p384;
}

/* One of the two, where the cache has it. */
struct held {
	char series[SERIES_NAME];
	struct entry *entry;
	enum err refused;
	bool is_any;                    /* the name has such a certificate at all */
	bool is_wanted;                 /* the client can verify the key it is to have */
	bool fits;                      /* and the one that is held */
};

static void look(const struct choice_args *args, unsigned which, struct held *out)
{
	*out = (struct held){ 0 };
	out->is_any = series_of(out->series, str_from(args->host), args->keys, which);
	if (!out->is_any)
		return;
	out->is_wanted = choice_fits(args->client, (enum conf_key_type)args->keys->at[which]);
	out->entry = cache_get(args->cache, str_from(out->series), args->now_ms);
	out->fits = out->entry && choice_fits(args->client, out->entry->key_type);
	if (!out->entry)
		out->refused = cache_refused(args->cache, str_from(out->series), args->now_ms, NULL);
}

static void wait_for(const struct held *h, unsigned which, struct choice *out)
{
	out->bit = 1u << which;
	memcpy(out->series, h->series, sizeof(out->series));
}

static bool may_wait(const struct choice_args *args, const struct held *h, unsigned which)
{
	return h->is_any && !h->entry && !h->refused && !(args->tried & 1u << which);
}

/* By what the client can verify: served from memory, or waited for. */
static bool choose_wanted(const struct choice_args *args, const struct held held[CONF_KEYS], struct choice *out)
{
	for (unsigned i = 0; i < CONF_KEYS; i++) {
		if (!held[i].is_wanted)
			continue;
		if (held[i].fits) {
			out->entry = held[i].entry;
			return true;
		}
		if (may_wait(args, &held[i], i)) {
			wait_for(&held[i], i, out);
			return true;
		}
	}
	return false;
}

static struct entry *at_hand(const struct held held[CONF_KEYS])
{
	for (unsigned i = 0; i < CONF_KEYS; i++)
		if (held[i].fits)
			return held[i].entry;
	return NULL;
}

/* Whatever fits; else whatever there is: the handshake ends with the alert for that. */
static bool choose_any(const struct held held[CONF_KEYS], struct choice *out)
{
	out->entry = at_hand(held);
	for (unsigned i = 0; i < CONF_KEYS && !out->entry; i++)
		out->entry = held[i].entry;
	return out->entry;
}

/* It may be a client that can verify neither: it is treated as if there were one certificate. */
static enum err why_not(const struct held held[CONF_KEYS])
{
	for (unsigned i = 0; i < CONF_KEYS; i++)
		if (held[i].refused && (held[i].is_wanted || !held[!i].is_wanted))
			return held[i].refused;
	return E_TIMEOUT;
}

void choice_make(const struct choice_args *args, struct choice *out)
{
	struct held held[CONF_KEYS];

	ASSERT(args->keys->n == CONF_KEYS);
	*out = (struct choice){ 0 };
	for (unsigned i = 0; i < CONF_KEYS; i++)
		look(args, i, &held[i]);
	if (choose_wanted(args, held, out) || choose_any(held, out))
		return;
	if (!held[0].is_wanted && !held[1].is_wanted && may_wait(args, &held[0], 0))
		wait_for(&held[0], 0, out);
	else
		out->err = why_not(held);
}

struct entry *choice_at_hand(const struct choice_args *args)
{
	struct held held[CONF_KEYS] = { 0 };

	for (unsigned i = 0; i < args->keys->n; i++)
		look(args, i, &held[i]);
	return at_hand(held);
}
