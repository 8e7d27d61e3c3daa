/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/http/h1_parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/check.h"

#define assert_str(s, text) assert_true(str_is((s), (text)))
#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"

static const struct http_limits limits = { .head_bytes = 2048, .headers = 16 };

struct parsed {
	struct arena arena;
	struct request_head request;
	struct response_head response;
	struct h1_message m;
	enum err err;
};

/* Heads are given piece bytes at a time; 0: at once. */
static enum err scan(struct str text, size_t piece, size_t *len)
{
	struct h1_scan s = { 0 };
	enum err e = E_AGAIN;

	for (size_t n = piece ? piece : text.len; e == E_AGAIN; n += piece) {
		if (n > text.len)
			n = text.len;
		e = h1_scan_head(&s, str_of(text.at, n), &limits, len);
		if (n == text.len || !piece)
			break;
	}
	return e;
}

static struct parsed request(struct str text, size_t piece)
{
	const struct h1_request_args args = { &limits, false };
	struct parsed p = { .m.status = 400 };
	size_t len;
	char *copy;

	arena_init(&p.arena, 0);
	p.err = scan(text, piece, &len);
	if (p.err)
		return p;
	copy = arena_strndup(&p.arena, text.at, len);
	p.err = h1_parse_request(str_of(copy, len), &p.arena, &args, &p.request, &p.m);
	return p;
}

static struct parsed response(struct str text, bool is_head, bool may_upgrade)
{
	const struct h1_response_args args = { &limits, is_head, may_upgrade };
	struct parsed p = { 0 };
	size_t len;
	char *copy;

	arena_init(&p.arena, 0);
	p.err = scan(text, 0, &len);
	if (p.err)
		return p;
	copy = arena_strndup(&p.arena, text.at, len);
	p.err = h1_parse_response(str_of(copy, len), &p.arena, &args, &p.response, &p.m);
	return p;
}

static void a_request_is_read(void **state)
{
	struct parsed p = request(STR("POST /a?b=%20 HTTP/1.1\r\nHost: Ex.Com:80\r\nX-Y: \t v w \t\r\n"
		"Content-Length: 5\r\nEmpty:\r\nExpect: 100-Continue\r\n\r\n"), 0);

	(void)state;
	assert_int_equal(p.err, E_OK);
	assert_str(p.request.method, "POST");
	assert_str(p.request.path, "/a?b=%20");
	assert_str(p.request.authority, "Ex.Com:80");
	assert_str(p.request.host, "ex.com");
	assert_str(p.request.scheme, "http");
	assert_int_equal(p.request.body, BODY_LENGTH);
	assert_int_equal(p.request.length, 5);
	assert_true(p.request.expects_continue);
	assert_true(p.m.keep_alive);
	assert_false(p.request.is_idempotent);
	assert_int_equal(p.request.headers.n, 2);
	assert_str(p.request.headers.at[0].value, "v w");
	assert_str(p.request.headers.at[1].value, "");
	arena_reset(&p.arena);
}

static void keep_alive_depends_on_version_and_options(void **state)
{
	static const struct {
		const char *text;
		bool keep;
	} rows[] = {
		{ GET "\r\n", true },
		{ GET "Connection: close\r\n\r\n", false },
		{ GET "Connection: x, CLOSE\r\n\r\n", false },
		{ GET "Connection: keep-alive, close\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct parsed p = request(str_from(rows[i].text), 0);

		assert_int_equal(p.err, E_OK);
		assert_int_equal(p.m.keep_alive, rows[i].keep);
		arena_reset(&p.arena);
	}
}

static void targets_have_three_forms(void **state)
{
	struct parsed p = request(STR("GET http://A:8/x HTTP/1.1\r\nHost: a:8\r\n\r\n"), 0);

	(void)state;
	assert_int_equal(p.err, E_OK);
	assert_str(p.request.path, "/x");
	assert_str(p.request.host, "a");
	arena_reset(&p.arena);
	p = request(STR("GET http://a HTTP/1.0\r\n\r\n"), 0);
	assert_int_equal(p.err, E_OK);
	assert_str(p.request.path, "/");
	assert_str(p.request.host, "a");
	arena_reset(&p.arena);
	p = request(STR("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
	assert_int_equal(p.err, E_OK);
	assert_str(p.request.path, "*");
	arena_reset(&p.arena);
	p = request(STR("GET / HTTP/1.0\r\n\r\n"), 0);
	assert_int_equal(p.err, E_OK);
	assert_str(p.request.host, "");
	arena_reset(&p.arena);
}

#define BYTES(literal) { literal, sizeof(literal) - 1 }

/* Every way known to us to make two parsers disagree, and what is answered. */
static const struct {
	struct str text;
	unsigned status;
} refused_requests[] = {
	/* lengths */
	{ BYTES(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"), 400 },
	{ BYTES(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"), 400 },
	{ BYTES(POST "Content-Length: 5, 5\r\n\r\n"), 400 },
	{ BYTES(POST "Content-Length: +5\r\n\r\n"), 400 },
	{ BYTES(POST "Content-Length: -5\r\n\r\n"), 400 },
	{ BYTES(POST "Content-Length: 0x5\r\n\r\n"), 400 },
	{ BYTES(POST "Content-Length: 5 5\r\n\r\n"), 400 },
	{ BYTES(POST "Content-Length: 5;\r\n\r\n"), 400 },
	{ BYTES(POST "Content-Length:\r\n\r\n"), 400 },
	{ BYTES(POST "Content-Length: 18446744073709551616\r\n\r\n"), 400 },
	{ BYTES(POST "Content-Length: 18446744073709551615\r\n\r\n"), 400 },
	{ BYTES(POST "Content-Length: 9223372036854775808\r\n\r\n"), 400 },
	{ BYTES(POST "Content-Length: 1.0\r\n\r\n"), 400 },
	{ BYTES(POST "Content-Length: \xd9\xa5\r\n\r\n"), 400 },
	/* codings */
	{ BYTES(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 400 },
	{ BYTES(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"), 400 },
	{ BYTES(POST "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n"), 400 },
	{ BYTES(POST "Transfer-Encoding: identity\r\n\r\n"), 400 },
	{ BYTES(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"), 400 },
	{ BYTES(POST "Transfer-Encoding: chunked, gzip\r\n\r\n"), 400 },
	{ BYTES(POST "Transfer-Encoding: chunked, chunked\r\n\r\n"), 400 },
	{ BYTES(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), 400 },
	{ BYTES(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n"), 400 },
	{ BYTES(POST "Transfer-Encoding: xchunked\r\n\r\n"), 400 },
	{ BYTES(POST "Transfer-Encoding: \"chunked\"\r\n\r\n"), 400 },
	{ BYTES(POST "Transfer-Encoding: chunked;x=y\r\n\r\n"), 400 },
	{ BYTES(POST "Transfer-Encoding: chunked,\r\n\r\n"), 400 },
	{ BYTES(POST "Transfer-Encoding: ,chunked\r\n\r\n"), 400 },
	{ BYTES(POST "Transfer-Encoding:\r\n\r\n"), 400 },
	{ BYTES(POST "Transfer-Encoding: \x0b" "chunked\r\n\r\n"), 400 },
	{ BYTES(POST "Transfer-Encoding : chunked\r\n\r\n"), 400 },
	{ BYTES(POST "Transfer-Encoding\t: chunked\r\n\r\n"), 400 },
	{ BYTES("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), 400 },
	/* lines */
	{ BYTES("GET / HTTP/1.1\nHost: a\n\n"), 400 },
	{ BYTES(GET "X: y\n\r\n"), 400 },
	{ BYTES(GET "X: y\r\n\n"), 400 },
	{ BYTES(GET "X: y\rZ: w\r\n\r\n"), 400 },
	{ BYTES(GET "X: \rTransfer-Encoding: chunked\r\n\r\n"), 400 },
	{ BYTES(GET "X: y\r\r\n\r\n"), 400 },
	{ BYTES(GET "X: y\r\n z\r\n\r\n"), 400 },
	{ BYTES(GET "X: y\r\n\tz\r\n\r\n"), 400 },
	{ BYTES(GET " X: y\r\n\r\n"), 400 },
	{ BYTES("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), 400 },
	{ BYTES(GET "X : y\r\n\r\n"), 400 },
	{ BYTES(GET "X y\r\n\r\n"), 400 },
	{ BYTES(GET ": y\r\n\r\n"), 400 },
	{ BYTES(GET "X(: y\r\n\r\n"), 400 },
	{ BYTES(GET "X\0Y: y\r\n\r\n"), 400 },
	{ BYTES(GET "X: a\0b\r\n\r\n"), 400 },
	{ BYTES(GET "X: a\x01" "b\r\n\r\n"), 400 },
	{ BYTES(GET "X: a\x7f\r\n\r\n"), 400 },
	{ BYTES(GET "X\xc3\xa4: y\r\n\r\n"), 400 },
	/* host */
	{ BYTES("GET / HTTP/1.1\r\n\r\n"), 400 },
	{ BYTES("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400 },
	{ BYTES(GET "Host: a\r\n\r\n"), 400 },
	{ BYTES(GET "hOST: b\r\n\r\n"), 400 },
	{ BYTES("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400 },
	{ BYTES("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), 400 },
	{ BYTES("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"), 400 },
	{ BYTES("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400 },
	{ BYTES("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"), 400 },
	{ BYTES("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ BYTES("GET http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ BYTES("GET http://a/ HTTP/1.1\r\n\r\n"), 400 },
	{ BYTES("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ BYTES("GET http://u@a/ HTTP/1.1\r\nHost: u@a\r\n\r\n"), 400 },
	{ BYTES("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ BYTES("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ BYTES("GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	/* request line */
	{ BYTES("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ BYTES("GET /  HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ BYTES("GET / HTTP/1.1 \r\nHost: a\r\n\r\n"), 400 },
	{ BYTES(" GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ BYTES("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ BYTES("GET / x HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ BYTES("GET /\r\nHost: a\r\n\r\n"), 400 },
	{ BYTES("GET\r\n\r\n"), 400 },
	{ BYTES("GET / http/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ BYTES("GET / HTTP/1.1x\r\nHost: a\r\n\r\n"), 400 },
	{ BYTES("GET / HTTP/11\r\nHost: a\r\n\r\n"), 400 },
	{ BYTES("GET / HTTP/1.2\r\nHost: a\r\n\r\n"), 505 },
	{ BYTES("GET / HTTP/0.9\r\nHost: a\r\n\r\n"), 505 },
	{ BYTES("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505 },
	{ BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505 },
	{ BYTES("GET a HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ BYTES("GET * HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ BYTES("GET /#f HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ BYTES("GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ BYTES("GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ BYTES("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ BYTES("G(T / HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ BYTES("\x16\x03\x01\x02\r\n\r\n"), 400 },
	{ BYTES("\r\n\r\n"), 400 },
	{ BYTES("get / HTTP/1.1\r\nHost: a\r\n\r\n"), 501 },
	{ BYTES("BREW / HTTP/1.1\r\nHost: a\r\n\r\n"), 501 },
	{ BYTES("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"), 501 },
	{ BYTES("DESCRIBE / HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	/* options and limits */
	{ BYTES(GET "Connection: a b\r\n\r\n"), 400 },
	{ BYTES(GET "Connection: a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a\r\n\r\n"), 400 },
	{ BYTES(POST "Expect: 200-ok\r\nContent-Length: 1\r\n\r\n"), 417 },
	{ BYTES(GET "a:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\n"
		"a:1\r\na:1\r\na:1\r\n\r\n"), 431 },
};

static void ambiguous_requests_are_refused_however_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused_requests); i++) {
		for (size_t piece = 0; piece < 3; piece++) {
			struct parsed p = request(refused_requests[i].text, piece);

			if (p.err == E_OK || p.err == E_AGAIN ||
				p.m.status != refused_requests[i].status)
				fail_msg("row %zu, pieces of %zu: error %d status %u: %s", i, piece, p.err,
					p.m.status, refused_requests[i].text.at);
			arena_reset(&p.arena);
		}
	}
}

static void a_control_character_anywhere_is_refused(void **state)
{
	static const char good[] = "GET /abc HTTP/1.1\r\nHost: a\r\nX-Y: zz\r\n\r\n";

	(void)state;
	for (size_t at = 0; at < sizeof(good) - 1; at++) {
		for (int c = 0; c < 32; c++) {
			char text[sizeof(good)];
			struct parsed p;

			memcpy(text, good, sizeof(good));
			if (c == '\t' || text[at] == c)
				continue;
			text[at] = (char)c;
			p = request(str_of(text, sizeof(good) - 1), 0);
			if (p.err == E_OK)
				fail_msg("accepted: byte %d at %zu", c, at);
			arena_reset(&p.arena);
		}
	}
}

static void no_prefix_of_a_head_is_a_head(void **state)
{
	static const char good[] = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
	size_t len;

	(void)state;
	for (size_t n = 0; n < sizeof(good) - 2; n++) {
		struct h1_scan s = { 0 };

		assert_int_equal(h1_scan_head(&s, str_of(good, n), &limits, &len), E_AGAIN);
	}
	for (size_t piece = 1; piece < sizeof(good); piece++) {
		struct parsed p = request(str_from(good), piece);

		assert_int_equal(p.err, E_OK);
		assert_int_equal(p.request.length, 3);
		arena_reset(&p.arena);
	}
}

static void a_long_head_is_refused_before_it_ends(void **state)
{
	char text[4096];
	size_t len;
	struct h1_scan s = { 0 };

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(h1_scan_head(&s, str_of(text, 2047), &limits, &len), E_AGAIN);
	assert_int_equal(h1_scan_head(&s, str_of(text, 4000), &limits, &len), E_HEAD_TOO_LARGE);
}

static void hop_by_hop_fields_are_removed(void **state)
{
	struct parsed p = request(STR(GET "Connection: X-Gone, keep-alive, x-gone-too, X-Forwarded-For, "
		"Via, Host, Content-Length, Cookie, te\r\nX-Gone: 1\r\nX-GONE-TOO: 2\r\nX-Forwarded-For: 3\r\n"
		"Via: 4\r\nContent-Length: 0\r\nCookie: 5\r\nKeep-Alive: 6\r\nProxy-Connection: 7\r\n"
		"TE: gzip, trailers;q=1\r\nHTTP2-Settings: 8\r\nUpgrade: 9\r\nX-Stay: 10\r\n\r\n"), 0);

	(void)state;
	assert_int_equal(p.err, E_OK);
	assert_int_equal(p.request.headers.n, 4);
	assert_str(headers_get(&p.request.headers, "x-forwarded-for"), "3");
	assert_str(headers_get(&p.request.headers, "via"), "4");
	assert_str(headers_get(&p.request.headers, "cookie"), "5");
	assert_str(headers_get(&p.request.headers, "x-stay"), "10");
	assert_int_equal(p.request.body, BODY_LENGTH);
	assert_str(p.request.host, "a");
	assert_str(p.request.upgrade, "");
	arena_reset(&p.arena);
	p = request(STR(GET "TE: gzip, Trailers\r\nConnection: te\r\n\r\n"), 0);
	assert_str(headers_get(&p.request.headers, "te"), "trailers");
	arena_reset(&p.arena);
}

static void upgrade_needs_its_option_and_no_body(void **state)
{
	static const struct {
		const char *text, *upgrade;
	} rows[] = {
		{ GET "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "websocket" },
		{ GET "Upgrade: websocket\r\n\r\n", "" },
		{ GET "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n", "" },
		{ GET "Connection: upgrade\r\nUpgrade: a, b\r\n\r\n", "" },
		{ GET "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\n", "" },
		{ "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct parsed p = request(str_from(rows[i].text), 0);

		assert_int_equal(p.err, E_OK);
		assert_str(p.request.upgrade, rows[i].upgrade);
		assert_int_equal(headers_count(&p.request.headers, "upgrade"), 0);
		arena_reset(&p.arena);
	}
}

static void a_response_is_read(void **state)
{
	struct parsed p = response(STR("HTTP/1.1 200 Very OK\r\nContent-Length: 7\r\nConnection: x-a\r\n"
		"X-A: 1\r\nX-B: 2\r\n\r\n"), false, false);

	(void)state;
	assert_int_equal(p.err, E_OK);
	assert_int_equal(p.response.status, 200);
	assert_str(p.response.reason, "Very OK");
	assert_int_equal(p.response.body, BODY_LENGTH);
	assert_int_equal(p.response.length, 7);
	assert_int_equal(p.response.headers.n, 1);
	assert_true(p.m.keep_alive);
	arena_reset(&p.arena);
}

static void response_bodies_follow_status_and_method(void **state)
{
	static const struct {
		const char *text;
		bool is_head, keep, until_eof, announced;
		enum body_kind body;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", .keep = true, .body = BODY_STREAM },
		{ "HTTP/1.1 200 OK\r\n\r\n", .until_eof = true, .body = BODY_STREAM },
		{ "HTTP/1.0 200\r\n\r\n", .until_eof = true, .body = BODY_STREAM },
		{ "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", .keep = true,
			.body = BODY_LENGTH },
		{ "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", .keep = true },
		{ "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", .keep = true, .announced = true },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", .is_head = true, .keep = true,
			.announced = true },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .is_head = true, .keep = true },
		{ "HTTP/1.1 200 OK\r\n\r\n", .is_head = true, .keep = true },
		{ "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", .keep = true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct parsed p = response(str_from(rows[i].text), rows[i].is_head, false);

		assert_int_equal(p.err, E_OK);
		assert_int_equal(p.response.body, rows[i].body);
		assert_int_equal(p.m.keep_alive, rows[i].keep);
		assert_int_equal(p.m.is_until_eof, rows[i].until_eof);
		assert_int_equal(p.response.has_announced_length, rows[i].announced);
		arena_reset(&p.arena);
	}
}

#define OK "HTTP/1.1 200 OK\r\n"

static const struct str refused_responses[] = {
	BYTES(OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
	BYTES(OK "Content-Length: 5, 5\r\n\r\n"),
	BYTES(OK "Content-Length: -1\r\n\r\n"),
	BYTES(OK "Content-Length: 99999999999999999999\r\n\r\n"),
	BYTES(OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
	BYTES(OK "Transfer-Encoding: gzip\r\n\r\n"),
	BYTES(OK "Transfer-Encoding: gzip, chunked\r\n\r\n"),
	BYTES(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
	BYTES("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
	BYTES("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"),
	BYTES("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"),
	BYTES("HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n"),
	BYTES("HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
	BYTES("HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
	BYTES(OK "X: y\r\n z\r\n\r\n"),
	BYTES(OK "X : y\r\n\r\n"),
	BYTES(OK "X: a\0b\r\n\r\n"),
	BYTES(OK "X: a\rb\r\n\r\n"),
	BYTES(OK "no colon\r\n\r\n"),
	BYTES("HTTP/2.0 200 OK\r\n\r\n"),
	BYTES("HTTP/1.2 200 OK\r\n\r\n"),
	BYTES("HTTP/1.1  200 OK\r\n\r\n"),
	BYTES("HTTP/1.1 20 OK\r\n\r\n"),
	BYTES("HTTP/1.1 2000 OK\r\n\r\n"),
	BYTES("HTTP/1.1 099 OK\r\n\r\n"),
	BYTES("HTTP/1.1 600 OK\r\n\r\n"),
	BYTES("HTTP/1.1 +20 OK\r\n\r\n"),
	BYTES("HTTP/1.1\r\n\r\n"),
	BYTES("ICY 200 OK\r\n\r\n"),
	BYTES("GET / HTTP/1.1\r\n\r\n"),
	BYTES("\0\0\0\r\n\r\n"),
};

static void ambiguous_responses_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused_responses); i++) {
		struct parsed p = response(refused_responses[i], false, false);

		if (p.err != E_UPSTREAM_PROTOCOL && p.err != E_HTTP)
			fail_msg("row %zu: %d: %s", i, p.err, refused_responses[i].at);
		arena_reset(&p.arena);
	}
}

static void a_101_needs_a_request_for_it(void **state)
{
	struct parsed p = response(STR("HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
		false, true);

	(void)state;
	assert_int_equal(p.err, E_OK);
	assert_str(p.response.upgrade, "websocket");
	arena_reset(&p.arena);
	p = response(STR("HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n"), false, true);
	assert_int_equal(p.err, E_UPSTREAM_PROTOCOL);
	arena_reset(&p.arena);
}

struct decoded {
	struct arena arena;
	struct h1_body body;
	struct buf text;
	enum h1_body_event last;
	size_t taken;
};

/* text in pieces of n bytes; what follows the body stays. */
static void decode(struct decoded *d, struct str text, size_t n)
{
	*d = (struct decoded){ .last = H1_BODY_MORE };
	arena_init(&d->arena, 0);
	buf_init(&d->text, 0);
	assert_int_equal(h1_body_init(&d->body, H1_BODY_CHUNKED, 0, &d->arena, &limits), E_OK);
	while (d->taken < text.len && d->last < H1_BODY_END) {
		size_t len = text.len - d->taken < n ? text.len - d->taken : n;
		/* A copy that ends where it ends, for the address sanitizer. */
		char *copy = mem_copy(text.at + d->taken, len);
		struct str input = str_of(copy, len), piece;

		do {
			d->last = h1_body_next(&d->body, &input, &piece);
			if (d->last == H1_BODY_PIECE)
				buf_add(&d->text, piece);
		} while (d->last == H1_BODY_PIECE);
		d->taken += len - input.len;
		mem_release(copy);
	}
}

static void forget(struct decoded *d)
{
	buf_fini(&d->text);
	arena_reset(&d->arena);
}

static void chunks_are_decoded_however_split(void **state)
{
	struct str text = STR("5\r\nhello\r\n00A;a=b;c=\"d e\"\r\n, worldly!\r\n1\r\n.\r\n0\r\n"
		"X-Sum: 1 2 \r\nContent-Type: bad\r\nX-Forwarded-For: bad\r\nEmpty:\r\n\r\nGET /");
	struct decoded d;

	(void)state;
	for (size_t n = 1; n <= text.len; n++) {
		decode(&d, text, n);
		assert_int_equal(d.last, H1_BODY_END);
		assert_str(buf_str(&d.text), "hello, worldly!.");
		assert_int_equal(d.taken, text.len - 5);
		assert_int_equal(d.body.trailers.n, 2);
		assert_str(headers_get(&d.body.trailers, "x-sum"), "1 2");
		assert_str(d.body.trailers.at[1].name, "Empty");
		assert_int_equal(d.body.trailers.at[1].value.len, 0);
		forget(&d);
	}
}

static const struct str refused_chunks[] = {
	BYTES("x\r\n"), BYTES("\r\n"), BYTES(" 5\r\nhello\r\n"), BYTES("5 \r\nhello\r\n"),
	BYTES("+5\r\nhello\r\n"), BYTES("-5\r\nhello\r\n"), BYTES("0x5\r\nhello\r\n"),
	BYTES("5\nhello\r\n"), BYTES("5\rhello\r\n"), BYTES("5\r\nhello\n0\r\n\r\n"),
	BYTES("5\r\nhelloX\r\n"), BYTES("5\r\nhello0\r\n\r\n"), BYTES("5\r\nhello\r0\r\n\r\n"),
	BYTES("10000000000000000\r\n"), BYTES("fffffffffffffffff\r\n"), BYTES("5;\nhello\r\n"),
	BYTES("5;a\nb\r\nhello\r\n"), BYTES("5;a=\"\n\"\r\nhello\r\n"), BYTES("5;a=\0\r\nhello\r\n"),
	BYTES("5;a=\x01\r\nhello\r\n"), BYTES("5 ;a\r\nhello\r\n"), BYTES("5;a\rb\r\nhello\r\n"),
	BYTES("5_0\r\n"), BYTES("5.\r\n"), BYTES("5,5\r\n"), BYTES("\0" "5\r\n"),
	BYTES("0\r\nX: a\n\r\n"), BYTES("0\r\nX: a\r\n\n"), BYTES("0\r\n X: a\r\n\r\n"),
	BYTES("0\r\nX : a\r\n\r\n"), BYTES("0\r\nX: a\0\r\n\r\n"), BYTES("0\r\nX: a\r\n b\r\n\r\n"),
	BYTES("0\r\nX\r\n\r\n"), BYTES("0\r\n: a\r\n\r\n"), BYTES("0\r\nX: a\rY: b\r\n\r\n"),
	BYTES("0\n\n"), BYTES("0\r\n\rX"),
	BYTES("0\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\n"
		"A:\r\n\r\n"),
};

static void bad_chunks_are_refused_however_split(void **state)
{
	struct decoded d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused_chunks); i++) {
		for (size_t n = 1; n <= refused_chunks[i].len; n++) {
			decode(&d, refused_chunks[i], n);
			if (d.last != H1_BODY_BAD)
				fail_msg("row %zu, pieces of %zu: %s", i, n, refused_chunks[i].at);
			forget(&d);
		}
	}
}

static void what_surrounds_chunks_is_bounded(void **state)
{
	char text[64 * 1024];
	struct decoded d;

	(void)state;
	memset(text, '0', sizeof(text));
	decode(&d, str_of(text, sizeof(text)), 512);
	assert_int_equal(d.last, H1_BODY_BAD);
	assert_true(d.taken < 16 * 1024);
	forget(&d);
	memset(text, 'a', sizeof(text));
	memcpy(text, "5;", 2);
	decode(&d, str_of(text, sizeof(text)), 100);
	assert_int_equal(d.last, H1_BODY_BAD);
	assert_true(d.taken < 512);
	forget(&d);
	memcpy(text, "0\r\nX: ", 6);
	decode(&d, str_of(text, sizeof(text)), 100);
	assert_int_equal(d.last, H1_BODY_BAD);
	assert_true(d.taken < 4096);
	forget(&d);
}

static void random_bytes_break_nothing(void **state)
{
	static const char alphabet[] = "\r\n\r\n :;,0123456789abcdefGETHTTP/1.1hunked-\t\"=\0\x80";

	(void)state;
	srand(1);
	for (int i = 0; i < 20000; i++) {
		char text[128];
		size_t len = (size_t)rand() % sizeof(text);
		struct parsed p;
		struct decoded d;

		for (size_t k = 0; k < len; k++)
			text[k] = alphabet[(size_t)rand() % sizeof(alphabet)];
		p = request(str_of(text, len), 0);
		arena_reset(&p.arena);
		p = response(str_of(text, len), false, true);
		arena_reset(&p.arena);
		decode(&d, str_of(text, len), 1 + (size_t)rand() % 9);
		forget(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_read),
		cmocka_unit_test(keep_alive_depends_on_version_and_options),
		cmocka_unit_test(targets_have_three_forms),
		cmocka_unit_test(ambiguous_requests_are_refused_however_split),
		cmocka_unit_test(a_control_character_anywhere_is_refused),
		cmocka_unit_test(no_prefix_of_a_head_is_a_head),
		cmocka_unit_test(a_long_head_is_refused_before_it_ends),
		cmocka_unit_test(hop_by_hop_fields_are_removed),
		cmocka_unit_test(upgrade_needs_its_option_and_no_body),
		cmocka_unit_test(a_response_is_read),
		cmocka_unit_test(response_bodies_follow_status_and_method),
		cmocka_unit_test(ambiguous_responses_are_refused),
		cmocka_unit_test(a_101_needs_a_request_for_it),
		cmocka_unit_test(chunks_are_decoded_however_split),
		cmocka_unit_test(bad_chunks_are_refused_however_split),
		cmocka_unit_test(what_surrounds_chunks_is_bounded),
		cmocka_unit_test(random_bytes_break_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
