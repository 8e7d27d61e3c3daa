/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/choice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/mem.h"

enum { NOW = 1000000 };

static const struct client_signatures modern = { .p256 = true, .p384 = true, .rsa = true };
static const struct client_signatures old = { .rsa = true }, small = { .p256 = true }, neither;
static const struct conf_keys ecdsa_first = { 2, { CONF_KEY_P256, CONF_KEY_RSA2048 } };
static const struct conf_keys rsa_first = { 2, { CONF_KEY_RSA2048, CONF_KEY_P256 } };

struct world {
	struct cache *cache;
	struct entry *entries[4];
	unsigned n;
};

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->cache = cache_new(1 << 20, 16);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	cache_free(&w->cache);
	while (w->n) {
		mem_release(w->entries[--w->n]->tls);
		mem_release(w->entries[w->n]);
	}
	free(w);
	return 0;
}

static struct entry *hold(struct world *w, const char *name, enum conf_key_type type)
{
	struct entry *e = mem_new(sizeof(*e));

	atomic_init(&e->refs, 1000);  /* never the last one: it has no certificate inside */
	snprintf(e->name, sizeof(e->name), "%s", name);
	e->not_after_ms = NOW + 1000;
	e->key_type = type;
	e->tls = mem_new(4096);
	w->entries[w->n++] = e;
	cache_put(w->cache, e, CACHE_EVICTABLE);
	return e;
}

static struct choice choose(struct world *w, const struct conf_keys *keys, struct client_signatures client,
	unsigned tried)
{
	struct choice out;

	choice_make(&(struct choice_args){ .cache = w->cache, .keys = keys, .host = "a.example",
		.client = client, .tried = tried, .now_ms = NOW }, &out);
	return out;
}

static void the_preferred_one_is_served_to_whoever_can_verify_it(void **state)
{
	struct world *w = *state;
	struct entry *first = hold(w, "a.example", CONF_KEY_P256);
	struct entry *rsa = hold(w, "a.example+rsa", CONF_KEY_RSA2048);

	assert_ptr_equal(choose(w, &ecdsa_first, modern, 0).entry, first);
	assert_ptr_equal(choose(w, &ecdsa_first, small, 0).entry, first);
	assert_ptr_equal(choose(w, &ecdsa_first, old, 0).entry, rsa);
}

static void the_first_of_the_list_is_preferred_whatever_its_family(void **state)
{
	struct world *w = *state;
	struct entry *first = hold(w, "a.example", CONF_KEY_RSA2048);
	struct entry *ecdsa = hold(w, "a.example+ecdsa", CONF_KEY_P256);

	assert_ptr_equal(choose(w, &rsa_first, modern, 0).entry, first);
	assert_ptr_equal(choose(w, &rsa_first, small, 0).entry, ecdsa);
}

static void what_is_not_cached_is_waited_for_once(void **state)
{
	struct world *w = *state;
	struct choice c = choose(w, &ecdsa_first, modern, 0);

	assert_null(c.entry);
	assert_int_equal(c.err, E_OK);
	assert_string_equal(c.series, "a.example");
	c = choose(w, &ecdsa_first, modern, c.bit);
	assert_string_equal(c.series, "a.example+rsa");
	c = choose(w, &ecdsa_first, modern, 3);
	assert_int_equal(c.err, E_TIMEOUT);
	assert_string_equal(choose(w, &ecdsa_first, old, 0).series, "a.example+rsa");
	assert_int_equal(choose(w, &ecdsa_first, old, 2).err, E_TIMEOUT);
}

static void the_preferred_one_is_waited_for_even_if_the_other_is_cached(void **state)
{
	struct world *w = *state;
	struct entry *rsa = hold(w, "a.example+rsa", CONF_KEY_RSA2048);
	struct choice_args args = { .cache = w->cache, .keys = &ecdsa_first, .host = "a.example",
		.client = modern, .now_ms = NOW };

	assert_string_equal(choose(w, &ecdsa_first, modern, 0).series, "a.example");
	assert_ptr_equal(choice_at_hand(&args), rsa);
	assert_ptr_equal(choose(w, &ecdsa_first, modern, 1).entry, rsa);
	args.client = small;
	assert_null(choice_at_hand(&args));
}

static void a_refusal_leaves_the_other(void **state)
{
	struct world *w = *state;
	struct entry *rsa = hold(w, "a.example+rsa", CONF_KEY_RSA2048);

	cache_refuse(w->cache, STR("a.example"), E_ISSUE, NOW + 10);
	assert_ptr_equal(choose(w, &ecdsa_first, modern, 0).entry, rsa);
	cache_remove(w->cache, STR("a.example+rsa"));
	assert_string_equal(choose(w, &ecdsa_first, modern, 0).series, "a.example+rsa");
	cache_refuse(w->cache, STR("a.example+rsa"), E_CA_DOWN, NOW + 10);
	assert_int_equal(choose(w, &ecdsa_first, modern, 0).err, E_ISSUE);
	assert_int_equal(choose(w, &ecdsa_first, old, 0).err, E_CA_DOWN);
}

static void what_cannot_be_verified_is_served_rather_than_nothing(void **state)
{
	struct world *w = *state;
	struct entry *first = hold(w, "a.example", CONF_KEY_P256);

	/* the handshake fails as it does where there is one certificate */
	assert_ptr_equal(choose(w, &ecdsa_first, neither, 0).entry, first);
	cache_refuse(w->cache, STR("a.example+rsa"), E_ISSUE, NOW + 10);
	assert_ptr_equal(choose(w, &ecdsa_first, old, 0).entry, first);
	cache_remove(w->cache, STR("a.example"));
	assert_string_equal(choose(w, &ecdsa_first, neither, 0).series, "a.example");
}

static void the_key_that_is_held_counts_not_the_one_wanted(void **state)
{
	struct world *w = *state;
	/* the order of the list was changed a moment ago */
	struct entry *first = hold(w, "a.example", CONF_KEY_RSA2048);

	assert_ptr_equal(choose(w, &ecdsa_first, modern, 0).entry, first);
	assert_string_equal(choose(w, &ecdsa_first, old, 0).series, "a.example+rsa");
	assert_ptr_equal(choose(w, &ecdsa_first, old, 2).entry, first);
}

static void a_wildcard_covers_its_names_in_both_families(void **state)
{
	struct world *w = *state;
	struct entry *first = hold(w, "*.example", CONF_KEY_P256);
	struct entry *rsa = hold(w, "*.example+rsa", CONF_KEY_RSA2048);

	assert_ptr_equal(choose(w, &ecdsa_first, modern, 0).entry, first);
	assert_ptr_equal(choose(w, &ecdsa_first, old, 0).entry, rsa);
}

static void the_curve_counts(void **state)
{
	(void)state;
	assert_true(choice_fits(small, CONF_KEY_P256));
	assert_false(choice_fits(small, CONF_KEY_P384));
	assert_true(choice_fits(old, CONF_KEY_RSA4096));
	assert_false(choice_fits(old, CONF_KEY_P256));
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(the_preferred_one_is_served_to_whoever_can_verify_it),
		CLAIM(the_first_of_the_list_is_preferred_whatever_its_family),
		CLAIM(what_is_not_cached_is_waited_for_once),
		CLAIM(the_preferred_one_is_waited_for_even_if_the_other_is_cached),
		CLAIM(a_refusal_leaves_the_other),
		CLAIM(what_cannot_be_verified_is_served_rather_than_nothing),
		CLAIM(the_key_that_is_held_counts_not_the_one_wanted),
		CLAIM(a_wildcard_covers_its_names_in_both_families),
		CLAIM(the_curve_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
