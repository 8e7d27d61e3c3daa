/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "certstore/challenge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "certstore/key.h"
#include "certstore/x509.h"

#define TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ"
#define AUTHORIZATION TOKEN ".thumbprint"
#define NOW 1795327101000

static struct tls_certificate *certificate;
static struct loop *loop;
static struct challenge_table *table;
static struct challenge_set *set;
static struct store *store;
static struct challenge_file *stored; /* what load found */
static bool is_loaded;
static uint64_t published;
static int sets, live, seen;

static void on_publish(void *owner, struct challenge_set *s, uint64_t generation)
{
	(void)owner;
	challenge_set_unref(&set);
	set = s;
	published = generation;
	sets++;
}

static void on_live(void *owner)
{
	(void)owner;
	live++;
}

static void on_ignored(void *owner, enum err err, const struct fault *fault)
{
	(void)owner;
	(void)err;
	(void)fault;
}

static void on_seen(void *owner)
{
	(void)owner;
	seen++;
}

static int make_certificate(void **state)
{
	struct key *key;
	struct buf der;

	(void)state;
	if (tls_setup() || key_generate(CONF_KEY_P256, &key))
		return -1;
	buf_init(&der, 0);
	if (x509_make_challenge(key, STR("a.example"), STR("x.y"), &der) ||
		tls_certificate_new(buf_str(&der), key_der(key), &certificate))
		return -1;
	buf_fini(&der);
	key_unref(&key);
	return 0;
}

static int drop_certificate(void **state)
{
	(void)state;
	tls_certificate_unref(&certificate);
	return 0;
}

static int make(void **state)
{
	(void)state;
	clock_test_set(NOW, 1000);
	loop = loop_new();
	table = challenge_table_new(loop, on_publish, NULL);
	sets = live = seen = 0;
	published = 0;
	return 0;
}

static int drop(void **state)
{
	(void)state;
	challenge_table_free(&table);
	challenge_set_unref(&set);
	for (int i = 0; i < 10; i++)
		loop_turn(loop);
	if (store)
		store->ops->free(store);
	store = NULL;
	loop_free(&loop);
	clock_test_end();
	return 0;
}

static void turn(void)
{
	loop_turn(loop);
	loop_turn(loop);
}

static enum err put(
	enum conf_challenge kind, const char *identifier, const char *token, struct challenge **out)
{
	return challenge_put(table,
		&(struct challenge_args){.kind = kind,
			.identifier = identifier,
			.token = token,
			.key_authorization = AUTHORIZATION,
			.certificate = kind == CONF_TLS_ALPN_01 ? certificate : NULL,
			.on_live = on_live,
			.on_seen = on_seen},
		out);
}

static void a_token_answers_only_on_its_own_host(void **state)
{
	struct challenge *c;

	(void)state;
	assert_int_equal(put(CONF_HTTP_01, "A.example.com", TOKEN, &c), E_OK);
	assert_int_equal(sets, 0);
	turn();
	assert_true(
		str_is(challenge_set_http01(set, STR("a.Example.com"), STR(TOKEN)), AUTHORIZATION));
	assert_null(challenge_set_http01(set, STR("b.example.com"), STR(TOKEN)).at);
	assert_null(challenge_set_http01(set, STR("a.example.com"), STR(TOKEN "x")).at);
	assert_null(challenge_set_http01(set, STR("a.example.com"), STR_NONE).at);
	assert_null(challenge_set_http01(set, STR("a.example.com/" TOKEN), STR_NONE).at);
	assert_null(challenge_set_http01(set, STR_NONE, STR_NONE).at);
	assert_null(challenge_set_tlsalpn01(set, STR("a.example.com")));
	assert_null(challenge_set_tlsalpn01(set, STR("a.example.com/" TOKEN)));
	challenge_withdraw(&c, 0);
	assert_null(c);
}

static void addresses_are_asked_for_by_their_reverse_name(void **state)
{
	struct challenge *c;

	(void)state;
	assert_int_equal(put(CONF_TLS_ALPN_01, "127.0.0.1", TOKEN, &c), E_OK);
	turn();
	assert_ptr_equal(challenge_set_tlsalpn01(set, STR("1.0.0.127.in-addr.arpa")), certificate);
	assert_null(challenge_set_tlsalpn01(set, STR("127.0.0.1")));
	challenge_seen(table, CONF_TLS_ALPN_01, STR("1.0.0.127.in-addr.arpa"));
	challenge_seen(table, CONF_TLS_ALPN_01, STR("127.0.0.1"));
	assert_int_equal(seen, 2);
}

static void addresses_answer_in_any_spelling(void **state)
{
	struct challenge *c, *d;

	(void)state;
	assert_int_equal(put(CONF_HTTP_01, "2001:db8::1", TOKEN, &c), E_OK);
	assert_int_equal(put(CONF_HTTP_01, "203.0.113.7", TOKEN, &d), E_OK);
	turn();
	assert_non_null(challenge_set_http01(set, STR("2001:db8::1"), STR(TOKEN)).at);
	assert_non_null(challenge_set_http01(set, STR("2001:DB8:0:0:0:0:0:1"), STR(TOKEN)).at);
	assert_null(challenge_set_http01(set, STR("2001:db8::2"), STR(TOKEN)).at);
	assert_null(challenge_set_http01(set, STR("::ffff:"), STR(TOKEN)).at);
	assert_non_null(challenge_set_http01(set, STR("203.0.113.7"), STR(TOKEN)).at);
	assert_null(challenge_set_http01(set, STR("203.0.113.8"), STR(TOKEN)).at);
	challenge_seen(table, CONF_HTTP_01, STR("2001:db8:0::1"));
	challenge_seen(table, CONF_HTTP_01, STR("2001:db8::2"));
	assert_int_equal(seen, 1);
	challenge_withdraw(&c, 0);
	challenge_withdraw(&d, 0);
}

static void the_server_name_of_a_validation_is_known(void **state)
{
	char sni[CHALLENGE_HOST];

	(void)state;
	memset(sni, 'x', sizeof(sni));
	challenge_host(sni, CONF_TLS_ALPN_01, "App.Example");
	assert_string_equal(sni, "app.example");
	challenge_host(sni, CONF_TLS_ALPN_01, "203.0.113.7");
	assert_string_equal(sni, "7.113.0.203.in-addr.arpa");
	challenge_host(sni, CONF_TLS_ALPN_01, "::1");
	assert_string_equal(sni, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa");
}

static void it_is_live_when_every_worker_has_its_set(void **state)
{
	struct challenge *c;
	uint64_t first;

	(void)state;
	assert_int_equal(put(CONF_HTTP_01, "a.example", TOKEN, &c), E_OK);
	turn();
	first = published;
	assert_int_equal(live, 0);
	challenge_published(table, first);
	assert_int_equal(live, 0);
	turn();
	assert_int_equal(live, 1);
	challenge_published(table, first);
	turn();
	assert_int_equal(live, 1);
	assert_int_equal(put(CONF_HTTP_01, "b.example", TOKEN, &c), E_OK);
	/* an old answer says nothing about the new one */
	challenge_published(table, first);
	turn();
	assert_int_equal(live, 1);
	challenge_published(table, published);
	turn();
	assert_int_equal(live, 2);
}

static void changes_of_one_turn_travel_in_one_set(void **state)
{
	struct challenge *c[100];

	(void)state;
	for (int i = 0; i < 100; i++) {
		char name[32];

		snprintf(name, sizeof(name), "n%d.example", i);
		assert_int_equal(put(CONF_HTTP_01, name, TOKEN, &c[i]), E_OK);
	}
	turn();
	assert_int_equal(sets, 1);
	challenge_published(table, published);
	turn();
	turn();
	assert_int_equal(live, 100);
}

static void a_withdrawn_one_answers_for_its_grace_without_callbacks(void **state)
{
	struct challenge *c;

	(void)state;
	assert_int_equal(put(CONF_HTTP_01, "a.example", TOKEN, &c), E_OK);
	turn();
	challenge_withdraw(&c, 60000);
	challenge_published(table, published);
	turn();
	assert_int_equal(live, 0);
	challenge_seen(table, CONF_HTTP_01, STR("a.example"));
	assert_int_equal(seen, 0);
	clock_test_advance(59000);
	turn();
	assert_non_null(challenge_set_http01(set, STR("a.example"), STR(TOKEN)).at);
	clock_test_advance(2000);
	turn();
	turn();
	assert_null(challenge_set_http01(set, STR("a.example"), STR(TOKEN)).at);
	challenge_withdraw(&c, 0);
}

static void the_newer_of_two_for_one_name_answers(void **state)
{
	struct challenge *old, *new;

	(void)state;
	assert_int_equal(put(CONF_TLS_ALPN_01, "a.example", TOKEN, &old), E_OK);
	challenge_withdraw(&old, 60000);
	assert_int_equal(put(CONF_TLS_ALPN_01, "a.example", TOKEN "2", &new), E_OK);
	turn();
	assert_ptr_equal(challenge_set_tlsalpn01(set, STR("A.example")), certificate);
	clock_test_advance(61000);
	turn();
	turn();
	assert_ptr_equal(challenge_set_tlsalpn01(set, STR("a.example")), certificate);
	challenge_seen(table, CONF_TLS_ALPN_01, STR("a.example"));
	assert_int_equal(seen, 1);
}

static void a_set_outlives_the_table(void **state)
{
	struct challenge_set *mine;
	struct challenge *c;

	(void)state;
	assert_int_equal(put(CONF_TLS_ALPN_01, "a.example", TOKEN, &c), E_OK);
	turn();
	mine = challenge_set_ref(set);
	challenge_table_free(&table);
	assert_null(table);
	assert_ptr_equal(challenge_set_tlsalpn01(mine, STR("a.example")), certificate);
	challenge_set_unref(&mine);
}

static void bad_tokens_and_identifiers_are_refused(void **state)
{
	static const char *const tokens[] = {"", "short", "../../../../etc/passwd", TOKEN "/x",
		TOKEN " ", TOKEN "\n", TOKEN "%2e"};
	char longest[130];
	struct challenge *c;

	(void)state;
	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++)
		assert_int_equal(put(CONF_HTTP_01, "a.example", tokens[i], &c), E_PARSE);
	memset(longest, 'a', sizeof(longest));
	longest[129] = '\0';
	assert_int_equal(put(CONF_HTTP_01, "a.example", longest, &c), E_PARSE);
	longest[128] = '\0';
	assert_int_equal(put(CONF_HTTP_01, "a.example", longest, &c), E_OK);
	assert_int_equal(put(CONF_HTTP_01, "", TOKEN, &c), E_PARSE);
	assert_int_equal(put(CONF_HTTP_01, "a/b", TOKEN, &c), E_PARSE);
	assert_null(c);
}

static void more_than_4096_are_refused(void **state)
{
	struct challenge *c;

	(void)state;
	for (int i = 0; i < 4096; i++) {
		char name[32];

		snprintf(name, sizeof(name), "n%d.example", i);
		assert_int_equal(put(CONF_HTTP_01, name, TOKEN, &c), E_OK);
	}
	assert_int_equal(put(CONF_HTTP_01, "last.example", TOKEN, &c), E_LIMIT);
	turn();
	assert_non_null(challenge_set_http01(set, STR("n4095.example"), STR(TOKEN)).at);
}

/* ---- with a store ---- */

static void share(void)
{
	store = store_memory_new(loop);
	challenge_table_share(table, store);
}

static void on_loaded(void *owner, enum err err, void *object, const struct fault *fault)
{
	(void)owner;
	(void)fault;
	assert_true(err == E_OK || err == E_NOT_FOUND);
	challenge_file_free(stored);
	stored = object;
	is_loaded = true;
}

/* What another process would find. */
static struct challenge_file *find(const char *host, const char *token)
{
	char key[CHALLENGE_KEY], name[CHALLENGE_FILE_NAME];

	challenge_file_name(name,
		challenge_key(key, str_from(host), token ? str_from(token) : STR_NONE));
	is_loaded = false;
	store_load(store, STORE_CHALLENGES, name, challenge_file_read, on_loaded, NULL);
	while (!is_loaded)
		loop_turn(loop);
	return stored;
}

static int drop_stored(void **state)
{
	challenge_file_free(stored);
	stored = NULL;
	return drop(state);
}

static void a_shared_one_is_live_when_others_can_find_it(void **state)
{
	struct challenge *c;

	(void)state;
	share();
	assert_int_equal(put(CONF_HTTP_01, "A.example", TOKEN, &c), E_OK);
	loop_turn(loop);
	challenge_published(table, published);
	turn();
	turn();
	assert_int_equal(live, 1);
	assert_non_null(find("a.example", TOKEN));
	assert_string_equal(stored->key_authorization, AUTHORIZATION);
	assert_string_equal(stored->identifier, "a.example");
	assert_int_equal(stored->until_ms, NOW + CHALLENGE_LIFE_MS);
	assert_null(find("b.example", TOKEN));
	assert_null(find("a.example", NULL));
}

/* A store whose saves the test ends. */
static store_done_fn *save_fn;
static void *save_owner;

static void slow_save(struct store *s, enum store_group g, const char *name, struct str bytes,
	store_done_fn *fn, void *owner)
{
	(void)s;
	(void)name;
	assert_int_equal(g, STORE_CHALLENGES);
	assert_true(bytes.len > 0);
	save_fn = fn;
	save_owner = owner;
}

static void slow_load(struct store *s, enum store_group g, const char *name, store_parse_fn *parse,
	store_load_fn *fn, void *owner)
{
	store_load(store, g, name, parse, fn, owner);
	(void)s;
}

static const struct store_ops slow_ops = {.save = slow_save, .load = slow_load};
static struct store slow = {&slow_ops};

static void it_is_not_live_before_it_is_written(void **state)
{
	struct challenge *c;

	(void)state;
	store = store_memory_new(loop);
	challenge_table_share(table, &slow);
	for (int i = 0; i < 2; i++) {
		struct fault fault = {0};

		live = 0;
		assert_int_equal(put(CONF_TLS_ALPN_01, "a.example", TOKEN, &c), E_OK);
		turn();
		challenge_published(table, published);
		turn();
		assert_int_equal(live, 0);
		/* one that cannot be written is live all the same */
		save_fn(save_owner, i ? fault_set(&fault, E_STORE, "no space") : E_OK, &fault);
		assert_int_equal(live, 0);
		turn();
		assert_int_equal(live, 1);
	}
}

static void one_gone_before_it_is_written_calls_nobody(void **state)
{
	struct challenge *c;

	(void)state;
	store = store_memory_new(loop);
	challenge_table_share(table, &slow);
	assert_int_equal(put(CONF_TLS_ALPN_01, "a.example", TOKEN, &c), E_OK);
	turn();
	challenge_withdraw(&c, 0);
	clock_test_advance(1);
	turn();
	turn();
	challenge_published(table, published);
	save_fn(save_owner, E_OK, NULL);
	turn();
	assert_int_equal(live, 0);
}

static void it_leaves_the_store_with_its_grace(void **state)
{
	struct challenge *c;

	(void)state;
	share();
	assert_int_equal(put(CONF_TLS_ALPN_01, "127.0.0.1", TOKEN, &c), E_OK);
	turn();
	challenge_withdraw(&c, 60000);
	clock_test_advance(59000);
	turn();
	assert_non_null(find("1.0.0.127.in-addr.arpa", NULL));
	clock_test_advance(2000);
	turn();
	turn();
	assert_null(find("1.0.0.127.in-addr.arpa", NULL));
}

static void a_newer_one_in_its_place_stays(void **state)
{
	struct challenge_file other = {.kind = CONF_TLS_ALPN_01, .identifier = "a.example",
		.token = TOKEN "2", .key_authorization = TOKEN "2.thumbprint",
		.until_ms = NOW + 300000};
	char name[CHALLENGE_FILE_NAME];
	struct challenge *c;
	struct buf text;

	(void)state;
	share();
	assert_int_equal(put(CONF_TLS_ALPN_01, "a.example", TOKEN, &c), E_OK);
	turn();
	buf_init(&text, 0);
	challenge_file_name(name, STR("a.example"));
	assert_int_equal(challenge_file_print(&other, &text), E_OK);
	store_save(store, STORE_CHALLENGES, name, buf_str(&text), on_ignored, NULL);
	buf_fini(&text);
	challenge_withdraw(&c, 0);
	clock_test_advance(1);
	turn();
	turn();
	assert_non_null(find("a.example", NULL));
	assert_string_equal(stored->token, TOKEN "2");
}

static void the_same_one_put_again_stays(void **state)
{
	struct challenge *first, *second;

	(void)state;
	share();
	assert_int_equal(put(CONF_HTTP_01, "a.example", TOKEN, &first), E_OK);
	turn();
	challenge_withdraw(&first, 1000);
	assert_int_equal(put(CONF_HTTP_01, "a.example", TOKEN, &second), E_OK);
	turn();
	clock_test_advance(2000);
	turn();
	turn();
	assert_non_null(find("a.example", TOKEN));
	challenge_withdraw(&second, 0);
	clock_test_advance(1);
	turn();
	turn();
	assert_null(find("a.example", TOKEN));
}

static void a_table_that_ends_takes_its_own_along(void **state)
{
	struct challenge *c;

	(void)state;
	share();
	assert_int_equal(put(CONF_HTTP_01, "a.example", TOKEN, &c), E_OK);
	/* while it is being written */
	challenge_table_free(&table);
	for (int i = 0; i < 10; i++)
		loop_turn(loop);
	assert_null(find("a.example", TOKEN));
}

static void foreign_ones_are_answered_and_not_written(void **state)
{
	struct challenge_args args = {.kind = CONF_HTTP_01, .identifier = "a.example",
		.token = TOKEN, .key_authorization = AUTHORIZATION, .is_foreign = true};
	struct challenge *c;
	char name[32];

	(void)state;
	share();
	assert_int_equal(challenge_put(table, &args, &c), E_OK);
	turn();
	assert_non_null(challenge_set_http01(set, STR("a.example"), STR(TOKEN)).at);
	assert_null(find("a.example", TOKEN));
	args.identifier = name;
	for (int i = 1; i < 2048; i++) {
		snprintf(name, sizeof(name), "n%d.example", i);
		assert_int_equal(challenge_put(table, &args, &c), E_OK);
	}
	assert_int_equal(challenge_put(table, &args, &c), E_LIMIT);
	assert_int_equal(put(CONF_HTTP_01, "own.example", TOKEN, &c), E_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)
#define SHARED(name) cmocka_unit_test_setup_teardown(name, make, drop_stored)
	const struct CMUnitTest tests[] = {
		TEST(a_token_answers_only_on_its_own_host),
		TEST(addresses_are_asked_for_by_their_reverse_name),
		TEST(addresses_answer_in_any_spelling),
		TEST(the_server_name_of_a_validation_is_known),
		TEST(it_is_live_when_every_worker_has_its_set),
		TEST(changes_of_one_turn_travel_in_one_set),
		TEST(a_withdrawn_one_answers_for_its_grace_without_callbacks),
		TEST(the_newer_of_two_for_one_name_answers),
		TEST(a_set_outlives_the_table),
		TEST(bad_tokens_and_identifiers_are_refused),
		TEST(more_than_4096_are_refused),
		SHARED(a_shared_one_is_live_when_others_can_find_it),
		SHARED(it_is_not_live_before_it_is_written),
		SHARED(one_gone_before_it_is_written_calls_nobody),
		SHARED(it_leaves_the_store_with_its_grace),
		SHARED(a_newer_one_in_its_place_stays),
		SHARED(the_same_one_put_again_stays),
		SHARED(a_table_that_ends_takes_its_own_along),
		SHARED(foreign_ones_are_answered_and_not_written),
	};

	return cmocka_run_group_tests(tests, make_certificate, drop_certificate);
}
