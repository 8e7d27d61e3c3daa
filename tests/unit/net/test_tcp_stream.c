/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/tcp_stream.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/listener.h"
#include "net/send_batch.h"
#include "net/watch.h"
#include "tests/support/memory_stream.h"

/* A stream over one end of a TCP connection on loopback; the test holds the other end's descriptor. */
struct wire {
	struct loop *loop;
	struct memory_end end;
	int fd;
};

static void run(struct loop *l)
{
	for (int i = 0; i < 20; i++) {
		loop_turn(l);
		usleep(200);
	}
}

static void connected(int fds[2])
{
	struct addr at;
	int listener;

	assert_int_equal(addr_parse_ip(&at, STR("127.0.0.1"), 0), E_OK);
	assert_int_equal(listener_bind(&at, &listener, NULL), E_OK);
	assert_int_equal(listen(listener, 4), 0);
	at.in.sin_port = htons(listener_port(listener));
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fds[0], &at.any, addr_len(&at)), 0);
	do {
		fds[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	} while (fds[1] < 0);
	close(listener);
}

static void start(struct wire *w)
{
	struct addr peer;
	int fds[2];

	*w = (struct wire){.loop = loop_new()};
	connected(fds);
	w->fd = fds[0];
	assert_int_equal(addr_parse_ip(&peer, STR("127.0.0.1"), 1), E_OK);
	struct stream *s = tcp_stream_adopt(w->loop, fds[1], &peer);
	assert_non_null(s);
	assert_int_equal(tcp_stream_count(), 1);
	memory_end_init(&w->end, &s);
	run(w->loop);
}

static void stop(struct wire *w)
{
	if (w->fd >= 0)
		close(w->fd);
	memory_end_fini(&w->end);
	run(w->loop);
	assert_int_equal(tcp_stream_count(), 0);
	assert_false(loop_turn(w->loop));
	loop_free(&w->loop);
}

static void bytes_flow_both_ways(void **state)
{
	struct wire w;
	char got[8];

	(void)state;
	start(&w);
	assert_int_equal(write(w.fd, "hello", 5), 5);
	run(w.loop);
	assert_true(str_is(buf_str(&w.end.got), "hello"));
	assert_int_equal(
		stream_write(w.end.stream, (struct str[]){STR("ab"), STR(""), STR("cd")}, 3), E_OK);
	run(w.loop);
	assert_int_equal(read(w.fd, got, sizeof(got)), 4);
	assert_memory_equal(got, "abcd", 4);
	stop(&w);
}

static void nothing_is_read_before_it_is_asked_for(void **state)
{
	struct wire w;

	(void)state;
	start(&w);
	stream_read_stop(w.end.stream);
	assert_int_equal(write(w.fd, "hello", 5), 5);
	run(w.loop);
	assert_int_equal(w.end.got.len, 0);
	stream_read_start(w.end.stream);
	assert_int_equal(w.end.got.len, 0);
	run(w.loop);
	assert_true(str_is(buf_str(&w.end.got), "hello"));
	stop(&w);
}

static size_t longest, received;

static void on_part(void *owner, struct str bytes)
{
	(void)owner;
	received += bytes.len;
	longest = bytes.len > longest ? bytes.len : longest;
}

/* Larger ones are worse: the fourth record would be cut and put together again. */
static void of_tls_three_whole_records_are_read_at_once(void **state)
{
	static const struct stream_events events = {.on_read = on_part};
	static char flood[200000];
	struct wire w;
	size_t sent = 0;

	(void)state;
	for (int carries_tls = 0; carries_tls < 2; carries_tls++) {
		start(&w);
		if (carries_tls)
			tcp_stream_carries_tls(w.end.stream);
		stream_read_stop(w.end.stream);
		stream_own(w.end.stream, &events, NULL);
		longest = received = sent = 0;
		for (ssize_t n; sent < sizeof(flood) &&
				(n = send(w.fd, flood + sent, sizeof(flood) - sent, MSG_DONTWAIT)) > 0;)
			sent += (size_t)n;
		stream_read_start(w.end.stream);
		run(w.loop);
		assert_int_equal(received, sent);
		assert_true(sent > LOOP_READ_BUFFER);
		assert_int_equal(longest, carries_tls ? 3 * 16406 : LOOP_READ_BUFFER);
		stream_close(&w.end.stream, STREAM_CLOSE_ABORT);
		stop(&w);
	}
}

static void eof_comes_after_the_bytes_and_writing_goes_on(void **state)
{
	struct wire w;
	char got[8];

	(void)state;
	start(&w);
	stream_read_stop(w.end.stream);
	assert_int_equal(write(w.fd, "end", 3), 3);
	shutdown(w.fd, SHUT_WR);
	run(w.loop);
	stream_read_start(w.end.stream);
	run(w.loop);
	assert_true(str_is(buf_str(&w.end.got), "end"));
	assert_true(w.end.is_eof);
	memory_end_write(&w.end, STR("still"));
	run(w.loop);
	assert_int_equal(read(w.fd, got, sizeof(got)), 5);
	stop(&w);
}

/* Reads to the end of the stream; returns how much. */
static size_t drain(struct wire *w, size_t expected)
{
	static char got[65536];
	size_t total = 0;

	while (total < expected) {
		ssize_t n = recv(w->fd, got, sizeof(got), MSG_DONTWAIT);

		if (n == 0)
			break;
		if (n > 0)
			total += (size_t)n;
		loop_turn(w->loop);
	}
	return total;
}

static void a_slow_peer_makes_a_queue_and_then_a_drain(void **state)
{
	struct wire w;
	size_t size = 6 * 1024 * 1024;
	char *big = calloc(1, size);

	(void)state;
	assert_non_null(big);
	start(&w);
	memory_end_write(&w.end, str_of(big, size));
	assert_true(stream_queued(w.end.stream) > 0);
	run(w.loop);
	assert_int_equal(w.end.n_drains, 0);
	assert_int_equal(drain(&w, size), size);
	run(w.loop);
	assert_int_equal(stream_queued(w.end.stream), 0);
	assert_int_equal(w.end.n_drains, 1);
	free(big);
	stop(&w);
}

static void beyond_the_cap_is_a_limit_and_an_error_later(void **state)
{
	struct wire w;
	size_t size = 9 * 1024 * 1024;
	char *big = calloc(1, size);

	(void)state;
	assert_non_null(big);
	start(&w);
	struct str all = str_of(big, size);
	assert_int_equal(stream_write(w.end.stream, &all, 1), E_LIMIT);
	assert_int_equal(w.end.err, E_OK);
	assert_int_equal(stream_write(w.end.stream, &STR("x"), 1), E_LIMIT);
	run(w.loop);
	assert_int_equal(w.end.err, E_LIMIT);
	free(big);
	stop(&w);
}

static void a_reset_is_an_error(void **state)
{
	struct wire w;
	struct linger reset = {.l_onoff = 1};

	(void)state;
	start(&w);
	setsockopt(w.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(w.fd);
	w.fd = -1;
	run(w.loop);
	assert_int_equal(w.end.err, E_RESET);
	stop(&w);
}

static void writing_to_a_closed_peer_raises_no_signal(void **state)
{
	struct wire w;

	(void)state;
	start(&w);
	close(w.fd);
	w.fd = -1;
	for (int i = 0; i < 5 && w.end.err == E_OK; i++) {
		stream_write(w.end.stream, &STR("x"), 1);
		run(w.loop);
	}
	assert_int_equal(w.end.err, E_RESET);
	stop(&w);
}

/* An upstream that refuses a long body early: it answers, closes, and resets what still comes. */
static void what_the_peer_said_comes_before_the_failed_write(void **state)
{
	struct wire w;

	(void)state;
	start(&w);
	assert_int_equal(stream_write(w.end.stream, &STR("unread"), 1), E_OK);
	run(w.loop);
	assert_int_equal(write(w.fd, "early answer", 12), 12);
	close(w.fd);
	w.fd = -1;
	usleep(2000);
	for (int i = 0; i < 3; i++)
		assert_int_equal(stream_write(w.end.stream, &STR("more"), 1), E_OK);
	assert_int_equal(w.end.got.len, 0);
	run(w.loop);
	assert_true(str_is(buf_str(&w.end.got), "early answer"));
	assert_int_equal(w.end.err, E_RESET);
	stop(&w);
}

/* A large write is tried at once, a small one at the end of the turn. */
static void a_failed_write_is_told_to_who_does_not_read(void **state)
{
	static char large[SEND_BATCH_SMALL + 1];

	(void)state;
	for (int is_large = 0; is_large < 2; is_large++) {
		struct wire w;
		struct str more = is_large ? str_of(large, sizeof(large)) : STR("more");

		start(&w);
		stream_read_stop(w.end.stream);
		assert_int_equal(stream_write(w.end.stream, &STR("unread"), 1), E_OK);
		run(w.loop);
		close(w.fd);
		w.fd = -1;
		usleep(2000);
		assert_int_equal(stream_write(w.end.stream, &more, 1) != E_OK, is_large);
		run(w.loop);
		assert_int_equal(w.end.err, E_RESET);
		stop(&w);
	}
}

static size_t arrived(int fd)
{
	static char got[65536];
	ssize_t n = recv(fd, got, sizeof(got), MSG_PEEK | MSG_DONTWAIT);

	return n < 0 ? 0 : (size_t)n;
}

static void small_writes_go_out_together_at_the_end_of_the_turn(void **state)
{
	struct wire w;
	char got[32];

	(void)state;
	start(&w);
	memory_end_write(&w.end, STR("one "));
	memory_end_write(&w.end, STR("two "));
	assert_int_equal(arrived(w.fd), 0);
	assert_int_equal(stream_queued(w.end.stream), 0);
	loop_turn(w.loop);
	assert_int_equal(read(w.fd, got, sizeof(got)), 8);
	assert_memory_equal(got, "one two ", 8);
	assert_int_equal(w.end.n_drains, 0);
	stop(&w);
}

static void a_large_write_goes_behind_the_small_one_before_it(void **state)
{
	struct wire w;
	static char large[10000], got[20000];

	(void)state;
	start(&w);
	memset(large, 'x', sizeof(large));
	memory_end_write(&w.end, STR("small"));
	memory_end_write(&w.end, str_of(large, sizeof(large)));
	assert_int_equal(arrived(w.fd), 5 + sizeof(large));
	assert_int_equal(read(w.fd, got, sizeof(got)), 5 + sizeof(large));
	assert_memory_equal(got, "smallxxx", 8);
	stop(&w);
}

static void what_was_written_before_an_abort_may_be_seen(void **state)
{
	struct wire w;
	char got[8];

	(void)state;
	start(&w);
	memory_end_write(&w.end, STR("alert"));
	stream_close(&w.end.stream, STREAM_CLOSE_ABORT);
	assert_int_equal(read(w.fd, got, sizeof(got)), 5);
	assert_int_equal(read(w.fd, got, sizeof(got)), -1);
	assert_int_equal(errno, ECONNRESET);
	stop(&w);
}

/* The peer takes nothing: what was small and waited is the beginning of the queue. */
static void a_small_write_the_kernel_refuses_is_queued_in_order(void **state)
{
	struct wire w;
	size_t size = 7 * 1024 * 1024, n = 0;
	char *big = calloc(1, size), last[3] = "";

	(void)state;
	assert_non_null(big);
	start(&w);
	while (!stream_queued(w.end.stream)) {
		memory_end_write(&w.end, str_of(big, SEND_BATCH_SMALL));
		n += SEND_BATCH_SMALL;
		loop_turn(w.loop);
	}
	memory_end_write(&w.end, STR("end"));
	n += 3;
	for (size_t total = 0; total < n;) {
		ssize_t got = recv(w.fd, big, size, MSG_DONTWAIT);

		loop_turn(w.loop);
		if (got <= 0)
			continue;
		total += (size_t)got;
		memcpy(last, big + got - 3, got >= 3 ? 3 : 0);
	}
	assert_memory_equal(last, "end", 3);
	assert_int_equal(stream_queued(w.end.stream), 0);
	assert_int_equal(w.end.n_drains, 1);
	free(big);
	stop(&w);
}

static void shutdown_sends_what_is_queued_first(void **state)
{
	struct wire w;
	size_t size = 4 * 1024 * 1024;
	char *big = calloc(1, size);

	(void)state;
	assert_non_null(big);
	start(&w);
	memory_end_write(&w.end, str_of(big, size));
	stream_shutdown(w.end.stream);
	assert_int_equal(drain(&w, SIZE_MAX), size);
	assert_int_equal(write(w.fd, "yet", 3), 3);
	run(w.loop);
	assert_true(str_is(buf_str(&w.end.got), "yet"));
	free(big);
	stop(&w);
}

static void close_in_OPEN_gracefully_lingers_for_the_peer(void **state)
{
	struct wire w;
	char got[8];

	(void)state;
	start(&w);
	memory_end_write(&w.end, STR("bye"));
	assert_int_equal(write(w.fd, "unread request", 14), 14);
	stream_close(&w.end.stream, STREAM_CLOSE_GRACEFUL);
	run(w.loop);
	assert_int_equal(write(w.fd, "more", 4), 4);
	run(w.loop);
	assert_int_equal(tcp_stream_count(), 1);
	assert_int_equal(read(w.fd, got, sizeof(got)), 3);
	assert_int_equal(read(w.fd, got, sizeof(got)), 0);
	close(w.fd);
	w.fd = -1;
	run(w.loop);
	assert_int_equal(tcp_stream_count(), 0);
	assert_int_equal(w.end.got.len, 0);
	stop(&w);
}

static void close_in_OPEN_by_abort_resets(void **state)
{
	struct wire w;
	char got[8];

	(void)state;
	start(&w);
	stream_close(&w.end.stream, STREAM_CLOSE_ABORT);
	assert_int_equal(tcp_stream_count(), 0);
	assert_int_equal(read(w.fd, got, sizeof(got)), -1);
	assert_int_equal(errno, ECONNRESET);
	stop(&w);
}

static void close_in_FAILED_frees(void **state)
{
	struct wire w;
	struct linger reset = {.l_onoff = 1};

	(void)state;
	start(&w);
	setsockopt(w.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(w.fd);
	w.fd = -1;
	run(w.loop);
	assert_int_equal(w.end.err, E_RESET);
	stream_close(&w.end.stream, STREAM_CLOSE_GRACEFUL);
	assert_int_equal(tcp_stream_count(), 0);
	stop(&w);
}

static void closing_after_a_failed_write_silences_the_error(void **state)
{
	struct wire w;
	size_t size = 9 * 1024 * 1024;
	char *big = calloc(1, size);

	(void)state;
	assert_non_null(big);
	start(&w);
	struct str all = str_of(big, size);
	assert_int_equal(stream_write(w.end.stream, &all, 1), E_LIMIT);
	stream_close(&w.end.stream, STREAM_CLOSE_ABORT);
	run(w.loop);
	assert_int_equal(w.end.err, E_OK);
	free(big);
	stop(&w);
}

static void timeout_in_DRAINING_gives_up(void **state)
{
	struct wire w;
	size_t size = 6 * 1024 * 1024;
	char *big = calloc(1, size);

	(void)state;
	assert_non_null(big);
	clock_test_set(1, 1);
	start(&w);
	memory_end_write(&w.end, str_of(big, size));
	stream_close(&w.end.stream, STREAM_CLOSE_GRACEFUL);
	clock_test_advance(4999);
	run(w.loop);
	assert_int_equal(tcp_stream_count(), 1);
	clock_test_advance(1);
	run(w.loop);
	assert_int_equal(tcp_stream_count(), 0);
	clock_test_end();
	free(big);
	stop(&w);
}

static void timeout_in_LINGERING_gives_up(void **state)
{
	struct wire w;

	(void)state;
	clock_test_set(1, 1);
	start(&w);
	stream_close(&w.end.stream, STREAM_CLOSE_GRACEFUL);
	run(w.loop);
	clock_test_advance(999);
	run(w.loop);
	assert_int_equal(tcp_stream_count(), 1);
	clock_test_advance(1);
	run(w.loop);
	assert_int_equal(tcp_stream_count(), 0);
	clock_test_end();
	stop(&w);
}

static void on_read_close(void *owner, struct str bytes)
{
	struct stream **s = owner;

	(void)bytes;
	stream_close(s, STREAM_CLOSE_ABORT);
}

static void closing_inside_on_read_is_safe(void **state)
{
	static const struct stream_events events = {.on_read = on_read_close};
	struct wire w;
	static char big[300000];

	(void)state;
	start(&w);
	stream_own(w.end.stream, &events, &w.end.stream);
	assert_true(send(w.fd, big, sizeof(big), MSG_DONTWAIT) > 0);
	run(w.loop);
	assert_null(w.end.stream);
	stop(&w);
}

/* Two streams of one loop, whose bytes come in one turn: the first to be told acts on the other. */
enum act { ACT_NOTHING, ACT_STOP, ACT_CLOSE, ACT_ABORT };

struct duo {
	struct loop *loop;
	enum act act;
	struct half {
		struct duo *duo;
		struct stream *stream;
		int fd;
		struct buf got;
		bool is_eof;
	} half[2];
};

static void on_duo_read(void *owner, struct str bytes)
{
	struct half *h = owner, *other = &h->duo->half[h == &h->duo->half[0]];
	enum act act = h->duo->act;

	h->duo->act = ACT_NOTHING;
	if (act == ACT_STOP)
		stream_read_stop(other->stream);
	else if (act == ACT_CLOSE)
		stream_close(&other->stream, STREAM_CLOSE_GRACEFUL);
	else if (act == ACT_ABORT)
		stream_close(&other->stream, STREAM_CLOSE_ABORT);
	assert_int_equal(buf_add(&h->got, bytes), E_OK);
}

static void on_duo_eof(void *owner)
{
	((struct half *)owner)->is_eof = true;
}

static const struct stream_events duo_events = {.on_read = on_duo_read, .on_eof = on_duo_eof};

static void duo_say(struct duo *d, const char *text)
{
	for (int i = 0; i < 2; i++)
		assert_int_equal(write(d->half[i].fd, text, strlen(text)), strlen(text));
}

/* Both have read a little when it returns. */
static void duo_start(struct duo *d, enum act act)
{
	struct addr peer;

	*d = (struct duo){.loop = loop_new()};
	assert_int_equal(addr_parse_ip(&peer, STR("127.0.0.1"), 1), E_OK);
	for (int i = 0; i < 2; i++) {
		struct half *h = &d->half[i];
		int fds[2];

		connected(fds);
		h->duo = d;
		h->fd = fds[0];
		h->stream = tcp_stream_adopt(d->loop, fds[1], &peer);
		buf_init(&h->got, 0);
		stream_own(h->stream, &duo_events, h);
		stream_read_start(h->stream);
	}
	duo_say(d, "1");
	run(d->loop);
	d->act = act;
	duo_say(d, "2");
	loop_turn(d->loop);
}

static void duo_stop(struct duo *d)
{
	for (int i = 0; i < 2; i++) {
		close(d->half[i].fd);
		stream_close(&d->half[i].stream, STREAM_CLOSE_ABORT);
		buf_fini(&d->half[i].got);
	}
	run(d->loop);
	assert_int_equal(tcp_stream_count(), 0);
	loop_free(&d->loop);
}

static void what_was_read_early_waits_for_its_owner(void **state)
{
	struct duo d;
	char text[500] = "";

	(void)state;
	duo_start(&d, ACT_STOP);
	assert_int_equal(d.half[0].got.len + d.half[1].got.len, 3);
	struct half *stopped = &d.half[d.half[0].got.len == 2];
	/* the loop's room is used again meanwhile, all that was used of it */
	memset(text, '3', sizeof(text) - 1);
	duo_say(&d, text);
	run(d.loop);
	assert_true(str_is(buf_str(&stopped->got), "1"));
	stream_read_start(stopped->stream);
	run(d.loop);
	assert_int_equal(stopped->got.len, sizeof(text) + 1);
	shutdown(stopped->fd, SHUT_WR);
	run(d.loop);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(d.half[i].got.len, sizeof(text) + 1);
		assert_memory_equal(d.half[i].got.at, "12333", 5);
	}
	assert_true(stopped->is_eof);
	duo_stop(&d);
}

static void what_was_read_early_goes_with_its_stream(void **state)
{
	static const enum act acts[] = {ACT_CLOSE, ACT_ABORT};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct duo d;

		duo_start(&d, acts[i]);
		run(d.loop);
		assert_int_equal(d.half[0].got.len + d.half[1].got.len, 3);
		duo_stop(&d);
	}
}

static void what_was_read_early_and_kept_goes_with_its_stream(void **state)
{
	struct duo d;

	(void)state;
	duo_start(&d, ACT_STOP);
	run(d.loop);
	duo_stop(&d);
}

/* More than an early read takes: the rest comes by an ordinary one, and order is kept. */
static void a_long_answer_to_an_early_read_comes_whole(void **state)
{
	struct duo d;
	static char text[3 * WATCH_EARLY_READ + 1];

	(void)state;
	duo_start(&d, ACT_NOTHING);
	for (size_t i = 0; i + 1 < sizeof(text); i++)
		text[i] = (char)('a' + i % 23);
	duo_say(&d, text);
	run(d.loop);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(d.half[i].got.len, sizeof(text) + 1);
		assert_memory_equal(d.half[i].got.at + 2, text, sizeof(text) - 1);
	}
	duo_stop(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_flow_both_ways),
		cmocka_unit_test(nothing_is_read_before_it_is_asked_for),
		cmocka_unit_test(of_tls_three_whole_records_are_read_at_once),
		cmocka_unit_test(eof_comes_after_the_bytes_and_writing_goes_on),
		cmocka_unit_test(a_slow_peer_makes_a_queue_and_then_a_drain),
		cmocka_unit_test(beyond_the_cap_is_a_limit_and_an_error_later),
		cmocka_unit_test(a_reset_is_an_error),
		cmocka_unit_test(writing_to_a_closed_peer_raises_no_signal),
		cmocka_unit_test(what_the_peer_said_comes_before_the_failed_write),
		cmocka_unit_test(a_failed_write_is_told_to_who_does_not_read),
		cmocka_unit_test(small_writes_go_out_together_at_the_end_of_the_turn),
		cmocka_unit_test(a_large_write_goes_behind_the_small_one_before_it),
		cmocka_unit_test(what_was_written_before_an_abort_may_be_seen),
		cmocka_unit_test(a_small_write_the_kernel_refuses_is_queued_in_order),
		cmocka_unit_test(shutdown_sends_what_is_queued_first),
		cmocka_unit_test(close_in_OPEN_gracefully_lingers_for_the_peer),
		cmocka_unit_test(close_in_OPEN_by_abort_resets),
		cmocka_unit_test(close_in_FAILED_frees),
		cmocka_unit_test(closing_after_a_failed_write_silences_the_error),
		cmocka_unit_test(timeout_in_DRAINING_gives_up),
		cmocka_unit_test(timeout_in_LINGERING_gives_up),
		cmocka_unit_test(closing_inside_on_read_is_safe),
		cmocka_unit_test(what_was_read_early_waits_for_its_owner),
		cmocka_unit_test(what_was_read_early_goes_with_its_stream),
		cmocka_unit_test(what_was_read_early_and_kept_goes_with_its_stream),
		cmocka_unit_test(a_long_answer_to_an_early_read_comes_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
