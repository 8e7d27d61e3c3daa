/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/mailbox.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/mem.h"

enum { SENDERS = 4, EACH = 20000 };

struct numbered {
	struct message message;
	int sender, number;
};

struct receiver {
	struct loop *loop;
	struct mailbox *mailbox;
	int next[SENDERS], total, expected;
};

static void on_message(struct message *m, void *owner)
{
	struct numbered *n = container_of(m, struct numbered, message);
	struct receiver *r = owner;

	assert_int_equal(n->number, r->next[n->sender]);
	r->next[n->sender]++;
	if (++r->total == r->expected)
		loop_stop(r->loop);
	mem_release(n);
}

static unsigned n_dropped;

static void on_dropped(struct message *m)
{
	n_dropped++;
	mem_release(container_of(m, struct numbered, message));
}

static void post(struct mailbox *m, int sender, int number)
{
	struct numbered *n = mem_new(sizeof(*n));

	n->message.deliver = on_message;
	n->sender = sender;
	n->number = number;
	mailbox_post(m, &n->message);
}

struct sender {
	struct receiver *to;
	int id;
};

static void *send_all(void *arg)
{
	struct sender *s = arg;

	for (int i = 0; i < EACH; i++)
		post(s->to->mailbox, s->id, i);
	return NULL;
}

static void messages_of_many_threads_arrive_in_order(void **state)
{
	struct receiver r = {.loop = loop_new(), .expected = SENDERS * EACH};
	struct sender senders[SENDERS];
	pthread_t threads[SENDERS];

	(void)state;
	r.mailbox = mailbox_new(r.loop, &r);
	for (int i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){&r, i};
		assert_int_equal(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
	}
	loop_run(r.loop);
	for (int i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(r.total, SENDERS * EACH);
	mailbox_close(r.mailbox);
	mailbox_free(&r.mailbox);
	loop_free(&r.loop);
}

static void a_mailbox_does_not_keep_its_loop_alive(void **state)
{
	struct receiver r = {.loop = loop_new()};

	(void)state;
	r.mailbox = mailbox_new(r.loop, &r);
	assert_false(loop_turn(r.loop));
	mailbox_close(r.mailbox);
	mailbox_close(r.mailbox);
	mailbox_free(&r.mailbox);
	assert_null(r.mailbox);
	loop_free(&r.loop);
}

static void who_posts_too_late_may_free_it_its_own_way(void **state)
{
	struct receiver r = {.loop = loop_new()};
	struct numbered *n = mem_new(sizeof(*n));

	(void)state;
	n->message.deliver = on_message;
	n->message.drop = on_dropped;
	r.mailbox = mailbox_new(r.loop, &r);
	mailbox_close(r.mailbox);
	mailbox_post(r.mailbox, &n->message);
	assert_int_equal(n_dropped, 1);
	assert_int_equal(r.total, 0);
	mailbox_free(&r.mailbox);
	loop_free(&r.loop);
}

static void closing_delivers_what_waits_and_frees_what_comes_later(void **state)
{
	struct receiver r = {.loop = loop_new()};

	(void)state;
	r.mailbox = mailbox_new(r.loop, &r);
	post(r.mailbox, 0, 0);
	post(r.mailbox, 0, 1);
	mailbox_close(r.mailbox);
	assert_int_equal(r.total, 2);
	post(r.mailbox, 0, 2);
	assert_int_equal(r.total, 2);
	mailbox_free(&r.mailbox);
	loop_free(&r.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_of_many_threads_arrive_in_order),
		cmocka_unit_test(a_mailbox_does_not_keep_its_loop_alive),
		cmocka_unit_test(who_posts_too_late_may_free_it_its_own_way),
		cmocka_unit_test(closing_delivers_what_waits_and_frees_what_comes_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
