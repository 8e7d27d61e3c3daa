/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/waiting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/check.h"

struct person {
	struct waiter waiter;
	struct person *takes_along;
	int n;
	enum err err;
};

static struct waiting *w;
static atomic_uint total;
static int n_wants, n_unwants;
static char wanted[64], client[64];
static const struct waiting_caps caps = { 4, 3 };

static void on_want(void *owner, const char *name, const char *client_ip)
{
	assert_ptr_equal(owner, &total);
	n_wants++;
	str_copy(wanted, sizeof(wanted), str_from(name));
	str_copy(client, sizeof(client), str_from(client_ip));
}

static void on_unwant(void *owner, const char *name)
{
	(void)owner;
	(void)name;
	n_unwants++;
}

static void on_answer(struct waiter *waiter, enum err err, struct entry *e)
{
	struct person *p = container_of(waiter, struct person, waiter);

	(void)e;
	p->n++;
	p->err = err;
	if (p->takes_along)
		waiting_leave(w, &p->takes_along->waiter);
}

static void begin(void)
{
	struct waiting_args args = { on_want, on_unwant, &total, &total };

	n_wants = n_unwants = 0;
	w = waiting_new(&args);
}

static void end(void)
{
	assert_int_equal(waiting_count(w), 0);
	assert_int_equal(atomic_load(&total), 0);
	waiting_free(&w);
	waiting_free(&w);
}

static enum err join(struct person *p, const char *name)
{
	*p = (struct person){ .waiter.on_answer = on_answer };
	list_init(&p->waiter.node);
	return waiting_join(w, &p->waiter, str_from(name), "192.0.2.1", &caps);
}

static void one_question_for_many_who_wait(void **state)
{
	struct person a, b, c;

	(void)state;
	begin();
	assert_int_equal(join(&a, "a.example"), E_OK);
	assert_int_equal(join(&b, "a.example"), E_OK);
	assert_int_equal(n_wants, 1);
	assert_string_equal(wanted, "a.example");
	assert_string_equal(client, "192.0.2.1");
	assert_int_equal(join(&c, "c.example"), E_OK);
	assert_int_equal(n_wants, 2);
	waiting_answer(w, STR("a.example"), E_DENIED, NULL);
	assert_int_equal(a.n + b.n, 2);
	assert_int_equal(a.err, E_DENIED);
	assert_int_equal(c.n, 0);
	waiting_answer(w, STR("c.example"), E_OK, NULL);
	assert_int_equal(n_unwants, 0);
	end();
}

static void the_last_who_leaves_withdraws_the_question(void **state)
{
	struct person a, b;

	(void)state;
	begin();
	join(&a, "a.example");
	join(&b, "a.example");
	waiting_leave(w, &a.waiter);
	waiting_leave(w, &a.waiter);
	assert_int_equal(n_unwants, 0);
	waiting_leave(w, &b.waiter);
	assert_int_equal(n_unwants, 1);
	waiting_answer(w, STR("a.example"), E_OK, NULL);
	assert_int_equal(a.n + b.n, 0);
	join(&a, "a.example");
	assert_int_equal(n_wants, 2);
	waiting_leave(w, &a.waiter);
	end();
}

static void the_caps_hold(void **state)
{
	struct person p[6];

	(void)state;
	begin();
	for (int i = 0; i < 3; i++)
		assert_int_equal(join(&p[i], "a.example"), E_OK);
	assert_int_equal(join(&p[3], "a.example"), E_LIMIT);
	assert_int_equal(join(&p[4], "b.example"), E_OK);
	assert_int_equal(join(&p[5], "c.example"), E_LIMIT);
	assert_int_equal(atomic_load(&total), 4);
	assert_int_equal(n_wants, 2);
	waiting_answer(w, STR("a.example"), E_OK, NULL);
	assert_int_equal(join(&p[5], "c.example"), E_OK);
	waiting_answer(w, STR("b.example"), E_OK, NULL);
	waiting_answer(w, STR("c.example"), E_OK, NULL);
	end();
}

static void who_is_told_may_take_others_along(void **state)
{
	struct person a, b;

	(void)state;
	begin();
	join(&a, "a.example");
	join(&b, "a.example");
	a.takes_along = &b;
	waiting_answer(w, STR("a.example"), E_OK, NULL);
	assert_int_equal(a.n, 1);
	assert_int_equal(b.n, 0);
	assert_int_equal(n_unwants, 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_question_for_many_who_wait),
		cmocka_unit_test(the_last_who_leaves_withdraws_the_question),
		cmocka_unit_test(the_caps_hold),
		cmocka_unit_test(who_is_told_may_take_others_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
