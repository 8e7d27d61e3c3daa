/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/tls_engine.h"

#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/sha256.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "net/tls_wolfssl.h"
#include "tests/support/test_ca.h"

static struct test_ca ca;
static struct test_leaf ec, rsa, expired;
static struct tls_certificate *ec_certificate;
static struct tls_context *server, *client;

static struct tls_certificate *certificate_of(const struct test_leaf *leaf)
{
	struct tls_certificate *c;

	assert_int_equal(
		tls_certificate_new(buf_str(&leaf->chain_der), buf_str(&leaf->key_der), &c), E_OK);
	return c;
}

static int set_up(void **state)
{
	struct tls_server_args s = {0};
	struct tls_client_args c = {0};

	(void)state;
	assert_int_equal(tls_setup(), E_OK);
	test_ca_init(&ca);
	test_ca_leaf(
		&ca, &ec, "ec", "ec", "DNS:app.example.test,DNS:Backend,IP:127.0.0.1,IP:::1", 30);
	test_ca_leaf(&ca, &rsa, "rsa", "rsa", "DNS:app.example.test", 30);
	test_ca_leaf(&ca, &expired, "old", "ec", "DNS:app.example.test", -1);
	ec_certificate = certificate_of(&ec);
	c.trust_file = ca.ca_pem;
	assert_int_equal(tls_context_server(&s, &server), E_OK);
	assert_int_equal(tls_context_client(&c, &client, NULL), E_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tls_context_unref(&server);
	tls_context_unref(&client);
	tls_certificate_unref(&ec_certificate);
	test_leaf_fini(&ec);
	test_leaf_fini(&rsa);
	test_leaf_fini(&expired);
	test_ca_fini(&ca);
	return 0;
}

/* One side: its engine and the ciphertext on the way to it. */
struct side {
	struct tls_engine *engine;
	struct buf inbox;
	struct side *peer;
	enum err err; /* of the handshake */
	unsigned n_outputs;
	size_t largest;
};

struct pair {
	struct side server, client;
	size_t step; /* bytes fed at once; 0 all */
};

static void on_output(void *owner, struct str ciphertext)
{
	struct side *s = owner;

	s->n_outputs++;
	if (ciphertext.len > s->largest)
		s->largest = ciphertext.len;
	assert_int_equal(buf_add(&s->peer->inbox, ciphertext), E_OK);
}

static void pair_init(struct pair *p, struct tls_certificate *certificate, const char *name,
	const char *server_alpn, const char *client_alpn)
{
	struct tls_accept_args a = {.context = server,
		.certificate = certificate,
		.alpn = server_alpn,
		.binding = STR("x")};
	struct tls_connect_args c = {.context = client, .name = name, .alpn = client_alpn};

	memset(p, 0, sizeof(*p));
	p->server.peer = &p->client;
	p->client.peer = &p->server;
	buf_init(&p->server.inbox, 0);
	buf_init(&p->client.inbox, 0);
	assert_int_equal(tls_engine_accept(&a, on_output, &p->server, &p->server.engine), E_OK);
	assert_int_equal(tls_engine_connect(&c, on_output, &p->client, &p->client.engine), E_OK);
	p->server.err = p->client.err = E_AGAIN;
}

static void pair_fini(struct pair *p)
{
	tls_engine_free(&p->server.engine);
	tls_engine_free(&p->client.engine);
	buf_fini(&p->server.inbox);
	buf_fini(&p->client.inbox);
}

/* Runs f on pieces of what waits for the side. */
static void handshake_step(struct side *s, size_t step)
{
	struct buf mine = s->inbox;
	size_t at = 0;

	buf_init(&s->inbox, 0);
	do {
		size_t n = step && mine.len - at > step ? step : mine.len - at;

		tls_engine_input(s->engine, str_of(mine.at + at, n));
		at += n;
		if (s->err == E_AGAIN)
			s->err = tls_engine_handshake(s->engine);
		struct str left = tls_engine_unread(s->engine);
		assert_true(left.len == 0 || s->err != E_AGAIN);
		if (s->err != E_AGAIN) {
			assert_int_equal(buf_add(&s->inbox, left), E_OK);
			assert_int_equal(
				buf_add(&s->inbox, str_of(mine.at + at, mine.len - at)), E_OK);
			break;
		}
	} while (at < mine.len);
	buf_fini(&mine);
}

static void shake(struct pair *p)
{
	for (int i = 0; i < 6; i++) {
		handshake_step(&p->client, p->step);
		handshake_step(&p->server, p->step);
	}
}

/* All the plaintext that waits for the side. */
static enum err read_all(struct side *s, size_t step, struct buf *out)
{
	struct buf mine = s->inbox;
	enum err err = E_AGAIN;
	char plain[16384];
	size_t n, at = 0;

	buf_init(&s->inbox, 0);
	while (at < mine.len && err == E_AGAIN) {
		size_t take = step ? 1 + (size_t)rand() % step : mine.len;

		if (take > mine.len - at)
			take = mine.len - at;
		tls_engine_input(s->engine, str_of(mine.at + at, take));
		at += take;
		while ((err = tls_engine_read(s->engine, plain, sizeof(plain), &n)) == E_OK)
			assert_int_equal(buf_add(out, str_of(plain, n)), E_OK);
		tls_engine_unread(s->engine);
	}
	buf_fini(&mine);
	return err;
}

static void a_handshake_with_ourselves_is_tls13_without_a_hybrid_share(void **state)
{
	struct pair p;
	struct tls_facts facts;

	(void)state;
	pair_init(&p, ec_certificate, "app.example.test", "http/1.1", "http/1.1");
	handshake_step(&p.client, 0);
	assert_true(p.server.inbox.len < 600);
	shake(&p);
	assert_int_equal(p.server.err, E_OK);
	assert_int_equal(p.client.err, E_OK);
	tls_engine_facts(p.server.engine, &facts);
	assert_string_equal(facts.version, "TLSv1.3");
	assert_string_equal(facts.cipher, "TLS_AES_128_GCM_SHA256");
	assert_string_equal(facts.group, "X25519");
	assert_string_equal(facts.alpn, "http/1.1");
	assert_false(facts.is_resumed);
	tls_engine_facts(p.client.engine, &facts);
	assert_string_equal(facts.alpn, "http/1.1");
	pair_fini(&p);
}

static void the_servers_flight_is_one_output(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, ec_certificate, "app.example.test", NULL, NULL);
	shake(&p);
	assert_int_equal(p.server.err, E_OK);
	assert_in_range(p.server.n_outputs, 1, 2);
	pair_fini(&p);
}

static void handshakes_survive_any_fragmentation(void **state)
{
	(void)state;
	for (size_t step = 1; step < 2000; step += step < 20 ? 1 : 211) {
		struct pair p;

		pair_init(&p, ec_certificate, "app.example.test", NULL, NULL);
		p.step = step;
		shake(&p);
		assert_int_equal(p.server.err, E_OK);
		assert_int_equal(p.client.err, E_OK);
		pair_fini(&p);
	}
}

static void bytes_of_all_sizes_arrive_whole(void **state)
{
	static const size_t sizes[] = {1, 1368, 1369, 1370, 16383, 16384, 16385, 70000, 300000};
	struct pair p;
	char *big = malloc(300000);

	(void)state;
	assert_non_null(big);
	srand(5);
	for (size_t i = 0; i < 300000; i++)
		big[i] = (char)rand();
	pair_init(&p, ec_certificate, "app.example.test", NULL, NULL);
	shake(&p);
	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		size_t head = sizes[i] / 3;
		struct str parts[] = {{big, head}, {NULL, 0}, {big + head, sizes[i] - head}};
		struct buf got;

		buf_init(&got, 0);
		assert_int_equal(tls_engine_write(p.server.engine, parts, 3), E_OK);
		assert_int_equal(read_all(&p.client, i % 2 ? 3000 : 0, &got), E_AGAIN);
		assert_int_equal(got.len, sizes[i]);
		assert_memory_equal(got.at, big, sizes[i]);
		buf_fini(&got);
	}
	free(big);
	pair_fini(&p);
}

static void records_are_small_at_first_and_after_idleness(void **state)
{
	static char big[200000];
	struct pair p;
	struct str all = {big, sizeof(big)};

	(void)state;
	pair_init(&p, ec_certificate, "app.example.test", NULL, NULL);
	shake(&p);
	p.server.n_outputs = 0;
	p.server.largest = 0;
	assert_int_equal(tls_engine_write(p.server.engine, &(struct str){big, 16384}, 1), E_OK);
	assert_in_range(p.server.largest, 1369, 1400);
	assert_int_equal(tls_engine_write(p.server.engine, &all, 1), E_OK);
	assert_in_range(p.server.largest, 16384, 16500);
	p.server.largest = 0;
	tls_engine_after_idle(p.server.engine);
	assert_int_equal(tls_engine_write(p.server.engine, &(struct str){big, 16384}, 1), E_OK);
	assert_in_range(p.server.largest, 1369, 1400);
	pair_fini(&p);
}

static void small_parts_share_a_record(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, ec_certificate, "app.example.test", NULL, NULL);
	shake(&p);
	p.server.n_outputs = 0;
	assert_int_equal(
		tls_engine_write(p.server.engine, (struct str[]){STR("a"), STR("b"), STR("c")}, 3),
		E_OK);
	assert_int_equal(p.server.n_outputs, 1);
	pair_fini(&p);
}

static void close_notify_is_the_end_and_comes_after_the_bytes(void **state)
{
	struct pair p;
	struct buf got;

	(void)state;
	buf_init(&got, 0);
	pair_init(&p, ec_certificate, "app.example.test", NULL, NULL);
	shake(&p);
	assert_int_equal(tls_engine_write(p.server.engine, &STR("last"), 1), E_OK);
	tls_engine_shutdown(p.server.engine);
	assert_int_equal(read_all(&p.client, 0, &got), E_EOF);
	assert_true(str_is(buf_str(&got), "last"));
	buf_fini(&got);
	pair_fini(&p);
}

static void expect_client(struct tls_certificate *certificate, const char *name, enum err want)
{
	struct pair p;

	pair_init(&p, certificate, name, NULL, NULL);
	shake(&p);
	assert_int_equal(p.client.err, want);
	if (want != E_OK) {
		assert_string_not_equal(tls_engine_error(p.client.engine), "");
		assert_int_not_equal(p.server.err, E_OK);
	}
	pair_fini(&p);
}

static void clients_verify_name_address_and_date(void **state)
{
	struct tls_certificate *old = certificate_of(&expired);

	(void)state;
	expect_client(ec_certificate, "app.example.test", E_OK);
	expect_client(ec_certificate, "127.0.0.1", E_OK);
	expect_client(ec_certificate, "other.example.test", E_TRUST);
	expect_client(ec_certificate, "127.0.0.2", E_TRUST);
	expect_client(ec_certificate, "backend", E_OK);
	expect_client(ec_certificate, "front", E_TRUST);
	expect_client(old, "backend", E_TRUST);
	expect_client(old, "app.example.test", E_TRUST);
	tls_certificate_unref(&old);
}

static void clients_verify_the_chain(void **state)
{
	struct tls_context *trusting = client;
	struct tls_client_args c = {0};

	(void)state;
	assert_int_equal(tls_context_client(&c, &client, NULL), E_OK);
	expect_client(ec_certificate, "app.example.test", E_TRUST);
	expect_client(ec_certificate, "backend", E_TRUST);
	tls_context_unref(&client);
	client = trusting;
}

/* Its hello has a share for X25519 alone, so this is also a HelloRetryRequest. */
static void the_hybrid_group_is_spoken(void **state)
{
	struct tls_context *plain = client;
	struct tls_client_args args = {.trust_file = ca.ca_pem};
	int groups[] = {WOLFSSL_X25519MLKEM768};
	struct tls_facts facts;
	struct pair p;

	(void)state;
	assert_int_equal(tls_context_client(&args, &client, NULL), E_OK);
	assert_int_equal(wolfSSL_CTX_set_groups(client->library, groups, 1), WOLFSSL_SUCCESS);
	pair_init(&p, ec_certificate, "app.example.test", NULL, NULL);
	shake(&p);
	assert_int_equal(p.server.err, E_OK);
	assert_int_equal(p.client.err, E_OK);
	tls_engine_facts(p.server.engine, &facts);
	assert_string_equal(facts.group, "X25519MLKEM768");
	pair_fini(&p);
	tls_context_unref(&client);
	client = plain;
}

static void rsa_certificates_work(void **state)
{
	struct tls_certificate *c = certificate_of(&rsa);

	(void)state;
	expect_client(c, "app.example.test", E_OK);
	tls_certificate_unref(&c);
}

static void a_client_offers_the_kind_of_key_it_was_told_to(void **state)
{
	struct tls_certificate *rsa_certificate = certificate_of(&rsa);
	struct tls_context *usual = client;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct tls_client_args args = {.trust_file = ca.ca_pem,
			.signer = i ? TLS_SIGNER_RSA : TLS_SIGNER_ECDSA};
		struct pair p;

		assert_int_equal(tls_context_client(&args, &client, NULL), E_OK);
		pair_init(&p, i ? rsa_certificate : ec_certificate, "app.example.test", NULL, NULL);
		shake(&p);
		assert_int_equal(p.client.err, E_OK);
		pair_fini(&p);
		pair_init(&p, i ? ec_certificate : rsa_certificate, "app.example.test", NULL, NULL);
		shake(&p);
		assert_int_not_equal(p.server.err, E_OK);
		pair_fini(&p);
		tls_context_unref(&client);
	}
	client = usual;
	tls_certificate_unref(&rsa_certificate);
}

static void a_certificate_serves_several_contexts(void **state)
{
	struct tls_context *first = server;
	struct tls_server_args args = {.tls13_only = true, .is_challenge = true};

	(void)state;
	expect_client(ec_certificate, "app.example.test", E_OK);
	assert_int_equal(tls_context_server(&args, &server), E_OK);
	expect_client(ec_certificate, "app.example.test", E_OK);
	tls_context_unref(&server);
	server = first;
}

static void pkcs8_keys_are_taken(void **state)
{
	struct tls_certificate *c;
	char command[512], der[512];
	FILE *f;

	(void)state;
	snprintf(command, sizeof(command), "openssl pkcs8 -topk8 -nocrypt -in %s -outform DER",
		ec.key_pem);
	f = popen(command, "r");
	assert_non_null(f);
	size_t n = fread(der, 1, sizeof(der), f);
	pclose(f);
	assert_int_equal(tls_certificate_new(buf_str(&ec.chain_der), str_of(der, n), &c), E_OK);
	expect_client(c, "app.example.test", E_OK);
	tls_certificate_unref(&c);
}

static void *shake_often(void *certificate)
{
	for (int i = 0; i < 20; i++) {
		struct pair p;

		pair_init(&p, certificate, "app.example.test", NULL, NULL);
		shake(&p);
		ASSERT(p.server.err == E_OK && p.client.err == E_OK);
		pair_fini(&p);
	}
	return NULL;
}

static void threads_share_a_certificate(void **state)
{
	struct tls_certificate *c = certificate_of(&ec);
	pthread_t threads[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, shake_often, c), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	tls_certificate_unref(&c);
}

static void an_alpn_the_client_did_not_offer_fails(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, ec_certificate, "app.example.test", "acme-tls/1", "http/1.1");
	shake(&p);
	assert_int_equal(p.server.err, E_TLS);
	assert_int_not_equal(p.client.err, E_OK);
	pair_fini(&p);
}

static void garbage_is_an_error_with_an_alert(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, ec_certificate, "app.example.test", NULL, NULL);
	assert_int_equal(
		buf_add(&p.server.inbox, STR("\x16\x03\x01\0\x06\x01\0\0\x02\xff\xff")), E_OK);
	handshake_step(&p.server, 0);
	assert_int_equal(p.server.err, E_TLS);
	assert_true(p.client.inbox.len == 7 && p.client.inbox.at[0] == 21);
	pair_fini(&p);
}

static void a_changed_record_is_an_error(void **state)
{
	struct pair p;
	struct buf got;

	(void)state;
	buf_init(&got, 0);
	pair_init(&p, ec_certificate, "app.example.test", NULL, NULL);
	shake(&p);
	assert_int_equal(read_all(&p.client, 0, &got), E_AGAIN);
	assert_int_equal(tls_engine_write(p.server.engine, &STR("hello"), 1), E_OK);
	p.client.inbox.at[7] ^= 1;
	assert_int_equal(read_all(&p.client, 0, &got), E_TLS);
	assert_int_equal(got.len, 0);
	size_t n;
	char c;
	assert_int_equal(tls_engine_read(p.client.engine, &c, 1, &n), E_TLS);
	assert_int_equal(tls_engine_write(p.client.engine, &STR("x"), 1), E_TLS);
	buf_fini(&got);
	pair_fini(&p);
}

static void our_own_alert_reaches_the_peer(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, ec_certificate, "app.example.test", NULL, NULL);
	tls_engine_alert(p.server.engine, 112);
	assert_true(p.client.inbox.len == 7 && p.client.inbox.at[6] == 112);
	shake(&p);
	assert_int_equal(p.client.err, E_TLS);
	pair_fini(&p);
}

enum { MANY = 100 };

static void an_idle_connection_is_small(void **state)
{
	static struct pair pairs[MANY];
	size_t before, after;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		pair_init(&pairs[i], ec_certificate, "app.example.test", NULL, NULL);
		shake(&pairs[i]);
		tls_engine_free(&pairs[i].client.engine);
		buf_fini(&pairs[i].client.inbox);
		buf_fini(&pairs[i].server.inbox);
	}
	before = mallinfo2().uordblks;
	for (int i = 0; i < MANY; i++)
		tls_engine_free(&pairs[i].server.engine);
	after = mallinfo2().uordblks;
	printf("bytes per idle server engine: %zu\n", (before - after) / MANY);
	assert_true((before - after) / MANY < 4000);
}

static void handshakes_are_timed(void **state)
{
	int64_t best_us = INT64_MAX;

	(void)state;
	for (int round = 0; round < 20; round++) {
		int64_t spent_us = 0;

		for (int i = 0; i < 10; i++) {
			struct pair p;
			int64_t t0 = clock_mono_us();

			pair_init(&p, ec_certificate, "app.example.test", NULL, NULL);
			int64_t t1 = clock_mono_us();
			handshake_step(&p.client, 0);
			int64_t t2 = clock_mono_us();
			handshake_step(&p.server, 0);
			spent_us += clock_mono_us() - t2;
			handshake_step(&p.client, 0);
			t2 = clock_mono_us();
			handshake_step(&p.server, 0);
			spent_us += clock_mono_us() - t2;
			assert_int_equal(p.server.err, E_OK);
			pair_fini(&p);
			(void)t0;
			(void)t1;
		}
		if (spent_us < best_us)
			best_us = spent_us;
	}
	printf("server side of a full handshake: %.1f us\n", (double)best_us / 10);
}

static int64_t time_hashes(void)
{
	byte block[1024] = {0}, out[32];
	int64_t start = clock_mono_us();

	for (int i = 0; i < 20; i++)
		assert_int_equal(wc_Sha256Hash(block, sizeof(block), out), 0);
	return clock_mono_us() - start;
}

/* Upper vector halves left dirty make SHA-NI a hundred times slower: see deps/wolfssl. */
static void sha256_is_as_fast_after_an_ecdsa_signature(void **state)
{
	int64_t clean_us = INT64_MAX, after_us = INT64_MAX;
	byte hash[32] = {1}, sig[80];
	ecc_key key;
	WC_RNG rng;

	(void)state;
	assert_int_equal(wc_InitRng(&rng), 0);
	assert_int_equal(wc_ecc_init(&key), 0);
	assert_int_equal(wc_ecc_make_key(&rng, 32, &key), 0);
	for (int i = 0; i < 30; i++) {
		word32 len = sizeof(sig);
#ifdef __x86_64__
		__asm__ volatile("vzeroupper");
#endif
		int64_t us = time_hashes();
		clean_us = us < clean_us ? us : clean_us;
		assert_int_equal(wc_ecc_sign_hash(hash, 32, sig, &len, &rng, &key), 0);
		us = time_hashes();
		after_us = us < after_us ? us : after_us;
	}
	printf("20 KiB of SHA-256: %d us, after a signature %d us\n", (int)clean_us, (int)after_us);
	assert_true(after_us <= 5 * clean_us + 50);
	wc_ecc_free(&key);
	wc_FreeRng(&rng);
}

/* ---- a client that resumes ---- */

static int raw_receive(WOLFSSL *ssl, char *to, int cap, void *owner)
{
	struct side *s = owner;
	size_t n = s->inbox.len < (size_t)cap ? s->inbox.len : (size_t)cap;

	(void)ssl;
	if (!n)
		return WOLFSSL_CBIO_ERR_WANT_READ;
	memcpy(to, s->inbox.at, n);
	buf_consume(&s->inbox, n);
	return (int)n;
}

static int raw_send(WOLFSSL *ssl, char *at, int len, void *owner)
{
	struct side *s = owner;

	(void)ssl;
	assert_int_equal(buf_add(&s->peer->inbox, str_of(at, (size_t)len)), E_OK);
	return len;
}

static WOLFSSL *raw_client(WOLFSSL_CTX *ctx, struct side *s, WOLFSSL_SESSION *session)
{
	WOLFSSL *ssl = wolfSSL_new(ctx);

	assert_non_null(ssl);
	wolfSSL_SetIOReadCtx(ssl, s);
	wolfSSL_SetIOWriteCtx(ssl, s);
	assert_int_equal(wolfSSL_UseSNI(ssl, WOLFSSL_SNI_HOST_NAME, "app.example.test", 16),
		WOLFSSL_SUCCESS);
	if (session)
		assert_int_equal(wolfSSL_set_session(ssl, session), WOLFSSL_SUCCESS);
	return ssl;
}

/* One connection; the ticket it brings replaces *session. */
static bool raw_resumes(struct tls_context *context, WOLFSSL_CTX *ctx, WOLFSSL_SESSION **session)
{
	struct tls_accept_args a = {
		.context = context, .certificate = ec_certificate, .binding = STR("x")};
	struct pair p = {.server = {.peer = &p.client, .err = E_AGAIN}, .client = {.peer = &p.server}};
	WOLFSSL *ssl = raw_client(ctx, &p.client, *session);
	char byte;

	buf_init(&p.server.inbox, 0);
	buf_init(&p.client.inbox, 0);
	assert_int_equal(tls_engine_accept(&a, on_output, &p.server, &p.server.engine), E_OK);
	for (int i = 0; i < 3; i++) {
		wolfSSL_connect(ssl);
		handshake_step(&p.server, 0);
	}
	assert_int_equal(p.server.err, E_OK);
	assert_true(tls_engine_output_may_wait(p.server.engine));
	assert_true(wolfSSL_read(ssl, &byte, 1) < 0);
	wolfSSL_SESSION_free(*session);
	*session = wolfSSL_get1_session(ssl);
	bool is_resumed = wolfSSL_session_reused(ssl);
	wolfSSL_free(ssl);
	pair_fini(&p);
	return is_resumed;
}

static void a_client_may_resume_as_often_as_it_likes(void **state)
{
	struct tls_server_args s = {.tickets = tls_tickets_new()};
	WOLFSSL_CTX *ctx = wolfSSL_CTX_new(wolfTLSv1_3_client_method());
	WOLFSSL_SESSION *session = NULL;
	struct tls_tickets *tickets = s.tickets;
	struct tls_context *context;

	(void)state;
	assert_int_equal(tls_context_server(&s, &context), E_OK);
	wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_NONE, NULL);
	wolfSSL_CTX_UseSessionTicket(ctx);
	wolfSSL_CTX_SetIORecv(ctx, raw_receive);
	wolfSSL_CTX_SetIOSend(ctx, raw_send);
	assert_false(raw_resumes(context, ctx, &session));
	for (int i = 0; i < 600; i++)
		assert_true(raw_resumes(context, ctx, &session));
	wolfSSL_SESSION_free(session);
	wolfSSL_CTX_free(ctx);
	tls_context_unref(&context);
	tls_tickets_free(&tickets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_handshake_with_ourselves_is_tls13_without_a_hybrid_share),
		cmocka_unit_test(the_servers_flight_is_one_output),
		cmocka_unit_test(handshakes_survive_any_fragmentation),
		cmocka_unit_test(bytes_of_all_sizes_arrive_whole),
		cmocka_unit_test(records_are_small_at_first_and_after_idleness),
		cmocka_unit_test(small_parts_share_a_record),
		cmocka_unit_test(close_notify_is_the_end_and_comes_after_the_bytes),
		cmocka_unit_test(clients_verify_name_address_and_date),
		cmocka_unit_test(clients_verify_the_chain),
		cmocka_unit_test(the_hybrid_group_is_spoken),
		cmocka_unit_test(rsa_certificates_work),
		cmocka_unit_test(a_client_offers_the_kind_of_key_it_was_told_to),
		cmocka_unit_test(a_certificate_serves_several_contexts),
		cmocka_unit_test(pkcs8_keys_are_taken),
		cmocka_unit_test(threads_share_a_certificate),
		cmocka_unit_test(an_alpn_the_client_did_not_offer_fails),
		cmocka_unit_test(garbage_is_an_error_with_an_alert),
		cmocka_unit_test(a_changed_record_is_an_error),
		cmocka_unit_test(our_own_alert_reaches_the_peer),
		cmocka_unit_test(a_client_may_resume_as_often_as_it_likes),
		cmocka_unit_test(an_idle_connection_is_small),
		cmocka_unit_test(handshakes_are_timed),
		cmocka_unit_test(sha256_is_as_fast_after_an_ecdsa_signature),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
