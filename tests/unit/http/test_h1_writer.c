/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/http/h1_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/check.h"
#include "base/clock.h"

/* A stream that keeps what is written, with a bar after each write. */
struct sink {
	struct stream stream;
	struct buf got;
};

static enum err sink_write(struct stream *s, const struct str *parts, unsigned n)
{
	struct sink *k = container_of(s, struct sink, stream);

	for (unsigned i = 0; i < n; i++)
		assert_int_equal(buf_add(&k->got, parts[i]), E_OK);
	return buf_add(&k->got, STR("|"));
}

static const struct stream_ops ops = { .write = sink_write };

struct fixture {
	struct sink sink;
	struct h1_writer w;
};

static void start(struct fixture *f)
{
	f->sink = (struct sink){ .stream.ops = &ops };
	buf_init(&f->sink.got, 0);
	h1_writer_init(&f->w, &f->sink.stream);
}

static void stop(struct fixture *f)
{
	h1_writer_fini(&f->w);
	buf_fini(&f->sink.got);
}

static void check(struct fixture *f, const char *text)
{
	assert_string_equal(buf_cstring(&f->sink.got), text);
}

static void head_and_first_bytes_share_a_write(void **state)
{
	struct request_head head = { .method = STR("POST"), .path = STR("/a"), .authority = STR("h:1"),
		.body = BODY_LENGTH, .length = 5 };
	struct fixture f;

	(void)state;
	start(&f);
	assert_int_equal(h1_writer_request(&f.w, &head), E_OK);
	assert_int_equal(h1_writer_body(&f.w, STR("abc")), E_OK);
	assert_int_equal(h1_writer_body(&f.w, STR("def")), E_LIMIT);
	assert_int_equal(h1_writer_end(&f.w, NULL), E_HTTP);
	assert_int_equal(h1_writer_body(&f.w, STR("de")), E_OK);
	assert_int_equal(h1_writer_end(&f.w, NULL), E_OK);
	check(&f, "POST /a HTTP/1.1\r\nHost: h:1\r\nContent-Length: 5\r\n\r\nabc|de|");
	assert_int_equal(f.w.how, H1_WRITE_ENDED);
	stop(&f);
}

static void streams_are_chunked(void **state)
{
	struct header trailer = { STR("X"), STR("y") };
	struct headers trailers = { .at = &trailer, .n = 1 };
	struct request_head head = { .method = STR("PUT"), .path = STR("/"), .authority = STR("h"),
		.body = BODY_STREAM, .expects_continue = true };
	struct fixture f;

	(void)state;
	start(&f);
	assert_int_equal(h1_writer_request(&f.w, &head), E_OK);
	assert_int_equal(h1_writer_flush(&f.w), E_OK);
	assert_int_equal(h1_writer_body(&f.w, STR("0123456789abcdef")), E_OK);
	assert_int_equal(h1_writer_body(&f.w, STR("")), E_OK);
	assert_int_equal(h1_writer_end(&f.w, &trailers), E_OK);
	check(&f, "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n|"
		"10\r\n0123456789abcdef\r\n|0\r\nX: y\r\n\r\n|");
	stop(&f);
}

static void connection_fields_come_from_facts_only(void **state)
{
	struct header fields[] = { { STR("connection"), STR("close") }, { STR("TE"), STR("trailers") },
		{ STR("Host"), STR("evil") }, { STR("Transfer-Encoding"), STR("chunked") },
		{ STR("content-length"), STR("9") }, { STR("A"), STR("b") } };
	struct request_head head = { .method = STR("POST"), .path = STR("/"), .authority = STR("h"),
		.upgrade = STR("websocket"), .headers = { .at = fields, .n = 6 } };
	struct fixture f;

	(void)state;
	start(&f);
	assert_int_equal(h1_writer_request(&f.w, &head), E_OK);
	assert_int_equal(h1_writer_end(&f.w, NULL), E_OK);
	check(&f, "POST / HTTP/1.1\r\nHost: h\r\nA: b\r\nTE: trailers\r\nConnection: TE, Upgrade\r\n"
		"Upgrade: websocket\r\nContent-Length: 0\r\n\r\n|");
	stop(&f);
}

static void what_would_break_the_line_is_refused(void **state)
{
	static const struct request_head heads[] = {
		{ .method = { "GET /", 5 }, .path = { "/", 1 } },
		{ .method = { "GET", 3 }, .path = { "/ x", 3 } },
		{ .method = { "GET", 3 }, .path = { "/\r", 2 } },
		{ .method = { "GET", 3 }, .path = { "", 0 } },
		{ .method = { "GET", 3 }, .path = { "/", 1 }, .authority = { "a\n", 2 } },
		{ .method = { "GET", 3 }, .path = { "/", 1 }, .upgrade = { "a\r\n", 3 } },
	};
	struct header field = { STR("a b"), STR("") };
	struct request_head head = { .method = STR("GET"), .path = STR("/"),
		.headers = { .at = &field, .n = 1 } };
	struct fixture f;

	(void)state;
	start(&f);
	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		assert_int_equal(h1_writer_request(&f.w, &heads[i]), E_HTTP);
	assert_int_equal(h1_writer_request(&f.w, &head), E_HTTP);
	field.name = STR("a");
	field.value = STR("b\r\nc: d");
	assert_int_equal(h1_writer_request(&f.w, &head), E_HTTP);
	assert_int_equal(h1_writer_held(&f.w), 0);
	assert_int_equal(h1_writer_flush(&f.w), E_OK);
	assert_int_equal(f.sink.got.len, 0);
	stop(&f);
}

static void a_204_has_neither_length_nor_body(void **state)
{
	struct response_head head = { .status = 204, .body = BODY_LENGTH, .length = 3 };
	struct h1_answer_args args = { .keep_alive = true };
	struct fixture f;

	(void)state;
	start(&f);
	assert_int_equal(h1_writer_response(&f.w, &head, &args), E_OK);
	assert_int_equal(h1_writer_body(&f.w, STR("abc")), E_OK);
	assert_int_equal(h1_writer_end(&f.w, NULL), E_OK);
	check(&f, "HTTP/1.1 204 No Content\r\n\r\n|");
	stop(&f);
}

static void a_last_answer_says_its_status_and_closes(void **state)
{
	char text[H1_LAST_ANSWER];
	struct str got;

	(void)state;
	clock_test_set(784111777000, 1000);
	got = h1_writer_last_answer(text, 408);
	assert_true(str_is(got, "HTTP/1.1 408 Request Timeout\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		"Content-Type: text/plain\r\nContent-Length: 20\r\nConnection: close\r\n\r\n408 Request Timeout\n"));
	clock_test_end();
}

static void the_date_is_that_of_the_clock(void **state)
{
	(void)state;
	clock_test_set(784111777000, 1000);
	assert_string_equal(h1_writer_date().at, "Sun, 06 Nov 1994 08:49:37 GMT");
	clock_test_advance(1000);
	assert_string_equal(h1_writer_date().at, "Sun, 06 Nov 1994 08:49:38 GMT");
	clock_test_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(head_and_first_bytes_share_a_write),
		cmocka_unit_test(streams_are_chunked),
		cmocka_unit_test(connection_fields_come_from_facts_only),
		cmocka_unit_test(what_would_break_the_line_is_refused),
		cmocka_unit_test(a_204_has_neither_length_nor_body),
		cmocka_unit_test(a_last_answer_says_its_status_and_closes),
		cmocka_unit_test(the_date_is_that_of_the_clock),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
