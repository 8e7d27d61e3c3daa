/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/client_hello.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"

/* A hello under construction: extensions first, then wrapped by hello_wire. */
struct hello {
	struct buf ext;
	unsigned version;
	const char *compression;
	size_t compression_len;
	unsigned suite; /* beside TLS 1.3's; 0: ECDHE-ECDSA */
};

static void u8(struct buf *b, unsigned v)
{
	assert_int_equal(buf_add(b, str_of((char[]){(char)v}, 1)), E_OK);
}

static void u16(struct buf *b, unsigned v)
{
	u8(b, v >> 8);
	u8(b, v & 255);
}

static void ext(struct hello *h, unsigned type, const void *body, size_t len)
{
	u16(&h->ext, type);
	u16(&h->ext, (unsigned)len);
	assert_int_equal(buf_add(&h->ext, str_of(body, len)), E_OK);
}

static void ext_sni(struct hello *h, struct str name)
{
	struct buf b;

	buf_init(&b, 0);
	u16(&b, (unsigned)name.len + 3);
	u8(&b, 0);
	u16(&b, (unsigned)name.len);
	assert_int_equal(buf_add(&b, name), E_OK);
	ext(h, 0, b.at, b.len);
	buf_fini(&b);
}

static void hello_init(struct hello *h)
{
	*h = (struct hello){.version = 0x0303, .compression = "\0", .compression_len = 1};
	buf_init(&h->ext, 0);
}

/* What a browser sends, with GREASE and a hybrid key share. */
static void hello_usual(struct hello *h)
{
	static const char share[1216 + 10];

	hello_init(h);
	ext(h, 0x2a2a, "", 0);
	ext_sni(h, STR("App.Example.com"));
	ext(h, 13, "\0\x06\x04\x03\x08\x04\x04\x01", 8);
	ext(h, 16, "\0\x0f\x02\x6a\x6a\x02h2\x08http/1.1", 17);
	ext(h, 35, "", 0);
	ext(h, 43, "\x06\x1a\x1a\x03\x04\x03\x03", 7);
	ext(h, 51, share, sizeof(share));
	ext(h, 0x5a5a, "\0", 1);
}

static void hello_message(struct hello *h, struct buf *m)
{
	struct buf body;

	buf_init(&body, 0);
	u16(&body, h->version);
	for (int i = 0; i < 32; i++)
		u8(&body, 7);
	u8(&body, 0);
	u16(&body, 4);
	u16(&body, 0x1301);
	u16(&body, h->suite ? h->suite : 0xc02b);
	u8(&body, (unsigned)h->compression_len);
	assert_int_equal(buf_add(&body, str_of(h->compression, h->compression_len)), E_OK);
	if (h->ext.len > 0) {
		u16(&body, (unsigned)h->ext.len);
		assert_int_equal(buf_add(&body, buf_str(&h->ext)), E_OK);
	}
	u8(m, 1);
	u8(m, (unsigned)(body.len >> 16));
	u16(m, body.len & 0xffff);
	assert_int_equal(buf_add(m, buf_str(&body)), E_OK);
	buf_fini(&body);
	buf_fini(&h->ext);
}

static void record(struct buf *wire, struct str fragment)
{
	u8(wire, 22);
	u16(wire, 0x0301);
	u16(wire, (unsigned)fragment.len);
	assert_int_equal(buf_add(wire, fragment), E_OK);
}

/* Records of at most `size` bytes. */
static void hello_wire(struct hello *h, struct buf *wire, size_t size)
{
	struct buf m;

	buf_init(&m, 0);
	buf_init(wire, 0);
	hello_message(h, &m);
	for (size_t i = 0; i < m.len; i += size)
		record(wire, str_of(m.at + i, m.len - i < size ? m.len - i : size));
	buf_fini(&m);
}

static enum client_hello_state feed_all(
	struct client_hello *h, struct str s, size_t step, int *alert)
{
	enum client_hello_state state = CLIENT_HELLO_MORE;

	client_hello_init(h);
	for (size_t i = 0; i < s.len && state == CLIENT_HELLO_MORE; i += step)
		state = client_hello_feed(
			h, str_of(s.at + i, s.len - i < step ? s.len - i : step), alert);
	return state;
}

static enum client_hello_state try(struct hello *b, int *alert)
{
	struct client_hello h;
	struct buf wire;

	hello_wire(b, &wire, 16384);
	enum client_hello_state state = feed_all(&h, buf_str(&wire), wire.len, alert);
	client_hello_fini(&h);
	buf_fini(&wire);
	return state;
}

static void check_usual(const struct client_hello *h)
{
	assert_true(h->has_sni && h->sni_is_valid);
	assert_string_equal(h->sni, "app.example.com");
	assert_int_equal(h->n_alpn, 3);
	assert_true(client_hello_has_alpn(h, "h2"));
	assert_true(client_hello_has_alpn(h, "http/1.1"));
	assert_false(client_hello_has_alpn(h, "acme-tls/1"));
	assert_true(h->has_tls13 && h->has_tls12);
	assert_true(client_hello_signatures(h).p256 && client_hello_signatures(h).rsa);
	assert_false(client_hello_signatures(h).p384);
	assert_false(h->has_ticket);
}

static void every_segmentation_gives_the_same_facts(void **state)
{
	(void)state;
	for (size_t step = 1; step < 1600; step += step < 40 ? 1 : 37) {
		struct hello b;
		struct buf wire;
		struct client_hello h;
		int alert;

		hello_usual(&b);
		hello_wire(&b, &wire, 16384);
		assert_int_equal(feed_all(&h, buf_str(&wire), step, &alert), CLIENT_HELLO_DONE);
		check_usual(&h);
		client_hello_fini(&h);
		buf_fini(&wire);
	}
}

static void every_split_in_two_gives_the_same_facts(void **state)
{
	struct hello b;
	struct buf wire;
	int alert;

	(void)state;
	hello_usual(&b);
	hello_wire(&b, &wire, 16384);
	for (size_t cut = 1; cut < wire.len; cut++) {
		struct client_hello h;

		client_hello_init(&h);
		assert_int_equal(
			client_hello_feed(&h, str_of(wire.at, cut), &alert), CLIENT_HELLO_MORE);
		assert_int_equal(
			client_hello_feed(&h, str_of(wire.at + cut, wire.len - cut), &alert),
			CLIENT_HELLO_DONE);
		check_usual(&h);
		client_hello_fini(&h);
	}
	buf_fini(&wire);
}

static void several_records_are_reframed_as_one(void **state)
{
	(void)state;
	for (size_t size = 1; size < 1500; size += size < 8 ? 1 : 97) {
		struct hello b, whole;
		struct buf wire, one;
		struct client_hello h;
		struct str rec, rest;
		int alert;

		hello_usual(&b);
		hello_wire(&b, &wire, size);
		hello_usual(&whole);
		hello_wire(&whole, &one, 16384);
		assert_int_equal(buf_add(&wire, STR("after")), E_OK);
		assert_int_equal(feed_all(&h, buf_str(&wire), wire.len, &alert), CLIENT_HELLO_DONE);
		check_usual(&h);
		assert_int_equal(client_hello_record(&h, &rec, &rest), E_OK);
		assert_true(str_equal(rec, buf_str(&one)));
		assert_true(str_is(rest, "after"));
		client_hello_fini(&h);
		buf_fini(&wire);
		buf_fini(&one);
	}
}

static void what_follows_in_the_same_read_is_kept(void **state)
{
	static char early[60000];
	struct hello b;
	struct buf wire;
	struct client_hello h;
	struct str rec, rest;
	int alert;

	(void)state;
	hello_usual(&b);
	hello_wire(&b, &wire, 16384);
	size_t len = wire.len;
	assert_int_equal(buf_add(&wire, str_of(early, sizeof(early))), E_OK);
	assert_int_equal(feed_all(&h, buf_str(&wire), wire.len, &alert), CLIENT_HELLO_DONE);
	assert_int_equal(client_hello_record(&h, &rec, &rest), E_OK);
	assert_int_equal(rec.len, len);
	assert_int_equal(rest.len, sizeof(early));
	client_hello_fini(&h);
	buf_fini(&wire);
}

static void tls12_only_and_no_extensions_are_understood(void **state)
{
	struct hello b;
	struct buf wire;
	struct client_hello h;
	int alert;

	(void)state;
	hello_init(&b);
	hello_wire(&b, &wire, 16384);
	assert_int_equal(feed_all(&h, buf_str(&wire), 7, &alert), CLIENT_HELLO_DONE);
	assert_true(h.has_tls12 && !h.has_tls13 && !h.has_sni);
	client_hello_fini(&h);
	buf_fini(&wire);
}

/* What a hello with these extensions can verify. */
static struct client_signatures signatures(
	unsigned suite, struct str versions, struct str algorithms, struct str groups)
{
	struct client_signatures out;
	struct client_hello h;
	struct hello b;
	struct buf wire;
	int alert;

	hello_init(&b);
	b.suite = suite;
	if (groups.len)
		ext(&b, 10, groups.at, groups.len);
	if (algorithms.len)
		ext(&b, 13, algorithms.at, algorithms.len);
	if (versions.len)
		ext(&b, 43, versions.at, versions.len);
	hello_wire(&b, &wire, algorithms.len % 3 ? 16384 : 20);
	assert_int_equal(feed_all(&h, buf_str(&wire), 9, &alert), CLIENT_HELLO_DONE);
	out = client_hello_signatures(&h);
	client_hello_fini(&h);
	buf_fini(&wire);
	return out;
}

static void in_tls13_the_signature_algorithms_decide(void **state)
{
	const struct str v13 = STR("\x04\x03\x04\x03\x03");
	struct client_signatures s = signatures(0, v13, STR("\0\x02\x04\x03"), STR_NONE);

	(void)state;
	assert_true(s.p256 && !s.p384 && !s.rsa);
	s = signatures(0, v13, STR("\0\x04\x05\x03\x08\x05"), STR_NONE);
	assert_true(!s.p256 && s.p384 && s.rsa);
	/* PKCS#1 is for certificates only */
	s = signatures(0, v13, STR("\0\x04\x04\x01\x05\x01"), STR_NONE);
	assert_false(s.p256 || s.p384 || s.rsa);
	s = signatures(0xc02f, v13, STR_NONE, STR_NONE);
	assert_false(s.p256 || s.p384 || s.rsa);
}

static void in_tls12_suites_algorithms_and_curves_decide(void **state)
{
	const struct str all = STR("\0\x06\x04\x03\x05\x03\x04\x01");
	struct client_signatures s = signatures(0xc02b, STR_NONE, all, STR_NONE);

	(void)state;
	assert_true(s.p256 && s.p384 && !s.rsa);
	s = signatures(0xc02f, STR_NONE, all, STR_NONE);
	assert_true(!s.p256 && !s.p384 && s.rsa);
	s = signatures(0xcca9, STR_NONE, all, STR("\0\x04\0\x1d\0\x17"));
	assert_true(s.p256 && !s.p384);
	s = signatures(0xcca9, STR_NONE, all, STR("\0\x04\0\x1d\0\x18"));
	assert_true(!s.p256 && s.p384);
	s = signatures(0xc02b, STR_NONE, STR("\0\x02\x04\x01"), STR_NONE);
	assert_false(s.p256 || s.p384 || s.rsa);
	/* said nothing about algorithms: the suites are enough */
	s = signatures(0xc030, STR_NONE, STR_NONE, STR_NONE);
	assert_true(!s.p256 && s.rsa);
	/* a suite we do not speak */
	s = signatures(0xc013, STR_NONE, all, STR_NONE);
	assert_false(s.p256 || s.rsa);
}

static void malformed_curves_offer_none(void **state)
{
	struct client_signatures s = signatures(0xc02b, STR_NONE, STR_NONE, STR("\0\x09\0\x17"));

	(void)state;
	assert_false(s.p256 || s.p384 || s.rsa);
}

static void old_versions_get_protocol_version(void **state)
{
	struct hello b;
	int alert;

	(void)state;
	hello_init(&b);
	b.version = 0x0302;
	assert_int_equal(try(&b, &alert), CLIENT_HELLO_BAD);
	assert_int_equal(alert, ALERT_PROTOCOL_VERSION);
	hello_init(&b);
	ext(&b, 43, "\x02\x03\x02", 3);
	assert_int_equal(try(&b, &alert), CLIENT_HELLO_BAD);
	assert_int_equal(alert, ALERT_PROTOCOL_VERSION);
}

static void duplicate_extensions_are_refused(void **state)
{
	static const unsigned types[] = {0, 13, 16, 35, 43, 51, 0x2a2a};
	int alert;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
		struct hello b;

		hello_usual(&b);
		ext(&b, types[i], "", 0);
		assert_int_equal(try(&b, &alert), CLIENT_HELLO_BAD);
		assert_int_equal(alert, ALERT_ILLEGAL_PARAMETER);
	}
}

static void psk_must_be_last(void **state)
{
	struct hello b;
	int alert;

	(void)state;
	hello_usual(&b);
	ext(&b, 41, "x", 1);
	assert_int_equal(try(&b, &alert), CLIENT_HELLO_DONE);
	hello_usual(&b);
	ext(&b, 41, "x", 1);
	ext(&b, 45, "x", 1);
	assert_int_equal(try(&b, &alert), CLIENT_HELLO_BAD);
	assert_int_equal(alert, ALERT_ILLEGAL_PARAMETER);
}

static void malformed_fields_get_decode_error(void **state)
{
	static const struct {
		unsigned type;
		struct str body;
	} rows[] = {
		{0, {"", 0}},
		{0, {"\0\0", 2}},
		{0, {"\0\x03\0\0\0", 5}},
		{0, {"\0\x05\0\0\x05"
		     "ab",
			    7}},
		{0, {"\0\x04\0\0\x01"
		     "ab",
			    7}},
		{16, {"", 0}},
		{16, {"\0\x01\0", 3}},
		{16, {"\0\x03\x05h2", 5}},
		{16, {"\0\0", 2}},
		{16, {"\0\x02\0\0", 4}},
		{13, {"", 0}},
		{13, {"\0\x03\x04\x03\x08", 5}},
		{13, {"\0\0", 2}},
		{43, {"", 0}},
		{43, {"\x03\x03\x04\x03", 4}},
		{43, {"\x02\x03\x04\x03", 4}},
	};
	int alert;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct hello b;

		hello_init(&b);
		ext(&b, rows[i].type, rows[i].body.at, rows[i].body.len);
		assert_int_equal(try(&b, &alert), CLIENT_HELLO_BAD);
		assert_int_equal(alert, ALERT_DECODE_ERROR);
	}
}

static void compression_must_offer_none(void **state)
{
	struct hello b;
	int alert;

	(void)state;
	hello_usual(&b);
	b.compression = "\1";
	assert_int_equal(try(&b, &alert), CLIENT_HELLO_BAD);
	assert_int_equal(alert, ALERT_ILLEGAL_PARAMETER);
	hello_usual(&b);
	b.compression_len = 0;
	assert_int_equal(try(&b, &alert), CLIENT_HELLO_BAD);
}

static void names_that_are_no_host_names_are_not_valid(void **state)
{
	static const struct {
		struct str name;
		bool is_valid;
	} rows[] = {
		{{"a.example", 9}, true},
		{{"localhost", 9}, true},
		{{"xn--bcher-kva.example", 21}, true},
		{{"1.a2", 4}, true},
		{{"127.0.0.1", 9}, false},
		{{"::1", 3}, false},
		{{"1.2.3", 5}, false},
		{{"a..b", 4}, false},
		{{".a", 2}, false},
		{{"a.", 2}, false},
		{{"-a.b", 4}, false},
		{{"a-.b", 4}, false},
		{{"a_b.c", 5}, false},
		{{"a\0b.c", 5}, false},
		{{"a b.c", 5}, false},
		{{"../x", 4}, false},
		{{"b\xc3\xbc.c", 5}, false},
		{{"*.example", 9}, false},
	};
	int alert;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct hello b;
		struct buf wire;
		struct client_hello h;

		hello_init(&b);
		ext_sni(&b, rows[i].name);
		hello_wire(&b, &wire, 16384);
		assert_int_equal(feed_all(&h, buf_str(&wire), wire.len, &alert), CLIENT_HELLO_DONE);
		assert_true(h.has_sni);
		assert_int_equal(h.sni_is_valid, rows[i].is_valid);
		if (!rows[i].is_valid)
			assert_string_equal(h.sni, "");
		client_hello_fini(&h);
		buf_fini(&wire);
	}
}

static void names_and_labels_that_are_too_long_are_not_valid(void **state)
{
	static const size_t lens[] = {64, 254, 255, 256, 300, 4000};
	char name[4000];
	int alert;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(lens); i++) {
		struct hello b;
		struct buf wire;
		struct client_hello h;

		for (size_t k = 0; k < lens[i]; k++)
			name[k] = lens[i] > 64 && k % 50 == 49 ? '.' : 'a';
		hello_init(&b);
		ext_sni(&b, str_of(name, lens[i]));
		hello_wire(&b, &wire, 16384);
		assert_int_equal(feed_all(&h, buf_str(&wire), wire.len, &alert), CLIENT_HELLO_DONE);
		assert_true(h.has_sni && !h.sni_is_valid);
		client_hello_fini(&h);
		buf_fini(&wire);
	}
}

static void what_is_not_tls_is_told_apart(void **state)
{
	static const struct {
		struct str bytes;
		enum client_hello_state state;
	} rows[] = {
		{{"GET / HTTP/1.1\r\n", 16}, CLIENT_HELLO_PLAIN_HTTP},
		{{"OPTIONS * HTTP/1.1\r\n", 20}, CLIENT_HELLO_PLAIN_HTTP},
		{{"PRI * HTTP/2.0\r\n", 16}, CLIENT_HELLO_PLAIN_HTTP},
		{{"G", 1}, CLIENT_HELLO_MORE},
		{{"PATCH", 5}, CLIENT_HELLO_MORE},
		{{"GETX", 4}, CLIENT_HELLO_BAD},
		{{"SSH-2.0", 7}, CLIENT_HELLO_BAD},
		{{"\x80\x2e\x01\x03\x01", 5}, CLIENT_HELLO_SSLV2},
		{{"\x80", 1}, CLIENT_HELLO_MORE},
		{{"\x80\x2e\x02", 3}, CLIENT_HELLO_BAD},
		{{"\x15\x03\x01\0\x02", 5}, CLIENT_HELLO_BAD},
		{{"\0", 1}, CLIENT_HELLO_BAD},
		{{"\x16\x02\0\0\x05", 5}, CLIENT_HELLO_BAD},
		{{"\x16\x03\x01\0\0", 5}, CLIENT_HELLO_BAD},
		{{"\x16\x03\x01\x40\x01", 5}, CLIENT_HELLO_BAD},
		{{"\x16\x03\x01\0\x05\x02", 6}, CLIENT_HELLO_BAD},
		{{"\x16\x03\x01\0\x01\x01\x16\x03\x01\0\0", 11}, CLIENT_HELLO_BAD},
		{{"\x16\x03\x01\0\x01\x01\x17\x03\x01\0\1", 11}, CLIENT_HELLO_BAD},
		{{"\x16\x03\x01\0\x09\x01\x7f\0\0", 9}, CLIENT_HELLO_TOO_BIG},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct client_hello h;
		int alert;

		assert_int_equal(
			feed_all(&h, rows[i].bytes, rows[i].bytes.len, &alert), rows[i].state);
		assert_int_equal(alert != 0, rows[i].state == CLIENT_HELLO_BAD ||
						     rows[i].state == CLIENT_HELLO_SSLV2 ||
						     rows[i].state == CLIENT_HELLO_TOO_BIG);
		client_hello_fini(&h);
	}
}

static void bytes_after_the_hello_in_its_record_are_refused(void **state)
{
	struct hello b;
	struct buf m, wire;
	struct client_hello h;
	int alert;

	(void)state;
	hello_usual(&b);
	buf_init(&m, 0);
	buf_init(&wire, 0);
	hello_message(&b, &m);
	u8(&m, 20);
	record(&wire, buf_str(&m));
	assert_int_equal(feed_all(&h, buf_str(&wire), wire.len, &alert), CLIENT_HELLO_BAD);
	assert_int_equal(alert, 10);
	client_hello_fini(&h);
	buf_fini(&m);
	buf_fini(&wire);
}

static void one_byte_records_meet_the_cap_on_the_wire(void **state)
{
	static const char padding[9000];
	struct hello b;
	struct buf wire;
	struct client_hello h;
	int alert;

	(void)state;
	hello_usual(&b);
	ext(&b, 21, padding, sizeof(padding));
	hello_wire(&b, &wire, 1);
	assert_true(wire.len > CLIENT_HELLO_MAX);
	assert_int_equal(feed_all(&h, buf_str(&wire), 1000, &alert), CLIENT_HELLO_TOO_BIG);
	client_hello_fini(&h);
	buf_fini(&wire);
}

static void truncated_everywhere_never_reads_outside(void **state)
{
	struct hello b;
	struct buf m;
	int alert;

	(void)state;
	hello_usual(&b);
	buf_init(&m, 0);
	hello_message(&b, &m);
	for (size_t len = 4; len < m.len; len++) {
		struct buf wire;
		struct client_hello h;
		char *copy = malloc(len);

		assert_non_null(copy);
		memcpy(copy, m.at, len);
		copy[2] = (char)((len - 4) >> 8);
		copy[3] = (char)(len - 4);
		buf_init(&wire, 0);
		record(&wire, str_of(copy, len));
		enum client_hello_state got = feed_all(&h, buf_str(&wire), wire.len, &alert);
		/* Cut before the extensions' length it is a hello without any. */
		assert_true(got == CLIENT_HELLO_BAD || len == 4 + 2 + 32 + 1 + 6 + 2);
		client_hello_fini(&h);
		buf_fini(&wire);
		free(copy);
	}
	buf_fini(&m);
}

static void random_damage_is_survived(void **state)
{
	struct hello b;
	struct buf wire;
	int alert;

	(void)state;
	srand(7);
	hello_usual(&b);
	hello_wire(&b, &wire, 300);
	for (int i = 0; i < 20000; i++) {
		struct client_hello h;
		char saved[4];
		size_t at = (size_t)rand() % (wire.len - 4);

		memcpy(saved, wire.at + at, 4);
		for (int k = 0; k < 1 + i % 4; k++)
			wire.at[at + (size_t)k] = (char)rand();
		if (feed_all(&h, buf_str(&wire), 1 + (size_t)rand() % 900, &alert) ==
			CLIENT_HELLO_DONE) {
			struct str rec, rest;

			assert_int_equal(client_hello_record(&h, &rec, &rest), E_OK);
			assert_true(rec.len <= 16384 + 5);
		}
		client_hello_fini(&h);
		memcpy(wire.at + at, saved, 4);
	}
	buf_fini(&wire);
}

static void an_alert_record_is_seven_bytes(void **state)
{
	char got[CLIENT_HELLO_ALERT];

	(void)state;
	client_hello_alert(got, ALERT_UNRECOGNIZED_NAME);
	assert_memory_equal(got, "\x15\x03\x03\0\x02\x02\x70", 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_segmentation_gives_the_same_facts),
		cmocka_unit_test(every_split_in_two_gives_the_same_facts),
		cmocka_unit_test(several_records_are_reframed_as_one),
		cmocka_unit_test(what_follows_in_the_same_read_is_kept),
		cmocka_unit_test(tls12_only_and_no_extensions_are_understood),
		cmocka_unit_test(in_tls13_the_signature_algorithms_decide),
		cmocka_unit_test(in_tls12_suites_algorithms_and_curves_decide),
		cmocka_unit_test(malformed_curves_offer_none),
		cmocka_unit_test(old_versions_get_protocol_version),
		cmocka_unit_test(duplicate_extensions_are_refused),
		cmocka_unit_test(psk_must_be_last),
		cmocka_unit_test(malformed_fields_get_decode_error),
		cmocka_unit_test(compression_must_offer_none),
		cmocka_unit_test(names_that_are_no_host_names_are_not_valid),
		cmocka_unit_test(names_and_labels_that_are_too_long_are_not_valid),
		cmocka_unit_test(what_is_not_tls_is_told_apart),
		cmocka_unit_test(bytes_after_the_hello_in_its_record_are_refused),
		cmocka_unit_test(one_byte_records_meet_the_cap_on_the_wire),
		cmocka_unit_test(truncated_everywhere_never_reads_outside),
		cmocka_unit_test(random_damage_is_survived),
		cmocka_unit_test(an_alert_record_is_seven_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
