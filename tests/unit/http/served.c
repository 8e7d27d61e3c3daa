/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * served: a server connection over memory streams.
 */
#include "tests/unit/http/served.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/clock.h"

static const struct http_limits limits = { .head_bytes = 2048, .headers = 32 };

void served_turn(struct app *a)
{
	for (int i = 0; i < 20; i++)
		loop_turn(a->loop);
}

void served_answer(struct app *a, unsigned status, const char *text)
{
	struct response_head head = { .status = status, .body = BODY_LENGTH, .length = strlen(text) };

	assert_int_equal(side_send_response(a->side, &head), E_OK);
	if (*text)
		assert_int_equal(side_send_body(a->side, str_from(text)), E_OK);
	assert_int_equal(side_send_end(a->side, NULL), E_OK);
}

static void on_body(void *owner, struct str bytes)
{
	struct app *a = owner;

	assert_int_equal(buf_add(&a->body, bytes), E_OK);
}

static void on_end(void *owner, const struct headers *trailers)
{
	struct app *a = owner;
	char text[512];

	a->n_ends++;
	if (trailers)
		a->trailers = *trailers;
	if (a->manner != ECHO)
		return;
	snprintf(text, sizeof(text), "%.*s %.*s %.*s\n", STR_FMT(a->head->method),
		STR_FMT(a->head->path), STR_FMT(buf_str(&a->body)));
	buf_clear(&a->body);
	served_answer(a, 200, text);
	side_release(&a->side);
}

static void on_writable(void *owner)
{
	((struct app *)owner)->n_writable++;
}

static void on_fail(void *owner, enum err err)
{
	struct app *a = owner;

	a->failed = err;
	side_release(&a->side);
	if (a->closes_on_fail)
		h1_server_close(&a->server);
}

static const struct side_events side_events = {
	.on_body = on_body, .on_end = on_end, .on_writable = on_writable, .on_fail = on_fail,
};

static void on_request(void *owner, struct side *s, struct request_head *head)
{
	struct app *a = owner;

	a->side = s;
	a->head = head;
	a->n_requests++;
	side_own(s, &side_events, a);
	if (a->manner != MANUAL)
		side_resume(s);
}

static void on_refused(void *owner, enum err err, unsigned status)
{
	struct app *a = owner;

	assert_true(err);
	a->n_refused++;
	a->status = status;
}

static void on_closed(void *owner)
{
	struct app *a = owner;

	a->n_closed++;
	a->server = NULL;
}

static const struct h1_server_events server_events = { on_request, on_refused, on_closed };

void served_start_with(struct app *a, enum manner manner, size_t segment, unsigned requests_max)
{
	struct h1_server_args args = {
		.limits = &limits, .events = &server_events, .owner = a, .requests_max = requests_max,
		.idle_ms = 1000, .head_ms = 2000, .body_ms = 3000, .write_ms = 4000,
	};
	struct stream *client;

	clock_test_set(784111777000, 1000);
	*a = (struct app){ .manner = manner };
	args.loop = a->loop = loop_new();
	buf_init(&a->body, 0);
	memory_stream_pair(a->loop, &a->stream, &client);
	memory_stream_set_segment(a->stream, segment);
	struct stream *s = a->stream;
	a->server = h1_server_new(&s, &args);
	memory_end_init(&a->client, &client);
	served_turn(a);
}

void served_start(struct app *a, enum manner manner)
{
	served_start_with(a, manner, 0, 0);
}

void served_stop(struct app *a)
{
	h1_server_close(&a->server);
	side_release(&a->side);
	memory_end_fini(&a->client);
	served_turn(a);
	assert_int_equal(memory_stream_count(), 0);
	buf_fini(&a->body);
	loop_free(&a->loop);
	clock_test_end();
}

void served_say(struct app *a, const char *text)
{
	memory_end_write(&a->client, str_from(text));
	served_turn(a);
}

void served_wait(struct app *a, int64_t ms)
{
	clock_test_advance(ms);
	served_turn(a);
}

const char *served_got(struct app *a)
{
	return buf_cstring(&a->client.got);
}

bool served_has(struct app *a, const char *text)
{
	return strstr(served_got(a), text);
}

unsigned served_count(struct app *a, const char *text)
{
	unsigned n = 0;

	for (const char *at = served_got(a); (at = strstr(at, text)); at++)
		n++;
	return n;
}
