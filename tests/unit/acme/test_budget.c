/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/budget.h"

#include "base/clock.h"
#include "unit.h"

static struct conf_ca staging = { .name = "s", .directory = "https://s.test/dir",
	.limits = { .orders = { 1000, 1000000, true } } };
static struct conf_ca cas[] = {
	{ .name = "letsencrypt", .directory = "https://acme-v02.api.letsencrypt.org/directory", .staging = &staging },
	{ .name = "own", .directory = "https://own.test/dir", .staging = &staging },
	{ .name = "internal", .directory = CONF_CA_INTERNAL, .is_internal = true },
};
static struct conf conf = { .acme = { .ca = cas, .n_ca = 3, .rehearse = true },
	.on_demand = { .per_tenant = { 10, 36000000, true } } };

static void stagings_come_behind_and_once(void **state)
{
	const struct conf_ca *out[6];
	(void)state;
	assert_int_equal(budget_cas(&conf.acme, out), 4);
	assert_ptr_equal(out[0], &cas[0]);
	assert_ptr_equal(out[2], &cas[2]);
	assert_ptr_equal(out[3], &staging);
	conf.acme.rehearse = false;
	assert_int_equal(budget_cas(&conf.acme, out), 3);
	conf.acme.rehearse = true;
}

static char told[2048];

static void tell(void *owner, const struct budget *b)
{
	size_t len = strlen(told);
	(void)owner;
	snprintf(told + len, sizeof told - len, "%c:%s:%s:%u/%u%s ", b->left.letter, b->ca ? b->ca : "",
		b->left.subject, b->left.left, b->left.limit, b->is_staging ? "*" : "");
}

static void each_limit_is_told_once_with_whose_it_is(void **state)
{
	const struct conf_ca *list[6];
	unsigned n = budget_cas(&conf.acme, list);
	struct governor *g = budget_governor(&conf, list, n);
	struct grant grant = { .name = "a.example.com", .tenant = "t", .kind = GRANT_CLIENTS };
	struct fault why;
	(void)state;
	assert_int_equal(governor_take(g, &grant, 0, &why), E_OK);
	assert_int_equal(governor_start(g, &grant, &why), E_OK);
	assert_int_equal(governor_place(g, &grant, 0, &why), E_OK);
	governor_settle(g, &grant, GRANT_FAILED);
	told[0] = '\0';
	budget_each(g, &conf.acme, "a.example.com", "t", tell, NULL);
	assert_string_equal(told, "a:letsencrypt::249/250 d:letsencrypt:example.com:45/45 "
		"s:letsencrypt:a.example.com:4/4 f:letsencrypt:a.example.com:3/4 a:s::1000/1000* t::t:9/10 ");
	told[0] = '\0';
	budget_each(g, &conf.acme, "b.example.com", NULL, tell, NULL);
	assert_null(strstr(told, " t:"));
	assert_non_null(strstr(told, "f:letsencrypt:b.example.com:4/4"));
	governor_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stagings_come_behind_and_once),
		cmocka_unit_test(each_limit_is_told_once_with_whose_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
