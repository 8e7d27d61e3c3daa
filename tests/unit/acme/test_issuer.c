/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/issuer.h"

#include "script.h"

#include "conf/load.h"

/* What it does with jobs is seen in test_job and in the scenarios with a real CA. */
static void a_configuration_it_cannot_work_with_is_refused(void **state)
{
	(void)state;
	struct conf_ca ca = { .name = "test", .directory = "https://ca.test/dir",
		.trust = "/nonexistent.pem" };
	struct conf conf = { .acme = { .ca = &ca } };
	struct loop *loop = loop_new();
	struct store *store = store_memory_new(loop);
	struct issuer_args args = { .loop = loop, .conf = &conf, .store = store,
		.user_agent = "test" };
	struct issuer *issuer = NULL;
	struct fault fault = { 0 };
	atomic_init(&conf.refs, 2);
	assert_int_equal(issuer_new(&args, &issuer, &fault), E_CONFIG);
	assert_null(issuer);
	conf.acme.n_ca = 1;
	atomic_init(&conf.refs, 2);
	assert_int_not_equal(issuer_new(&args, &issuer, &fault), E_OK);
	assert_null(issuer);
	assert_true(fault.detail[0] != '\0');
	issuer_free(&issuer);
	store->ops->free(store);
	loop_free(&loop);
}

/* ---- with our own CA, which needs no network ---- */

struct world {
	struct loop *loop;
	struct store *store;
	struct conf *conf;
	struct issuer *issuer;
	unsigned n_answers, n_moved;
	enum err err;
};

static struct conf *conf_of(const char *acme)
{
	static struct conf_problems problems;
	char text[512];
	struct conf *conf = NULL;
	snprintf(text, sizeof text, "{\"store\": \"x\", \"acme\": %s, \"sites\": {\"a.internal\": "
		"\"127.0.0.1:1\"}}", acme);
	if (load_text(str_from(text), "t", &(struct load_args){ 0 }, &conf, &problems))
		fail_msg("%s", problems.at[0].text);
	return conf;
}

static const char own[] = "{\"ca\": \"internal\"}", retrying[] = "{\"ca\": \"internal\", "
	"\"retry_min\": \"2m\"}";

static int begin(void **state)
{
	struct world *w = mem_new(sizeof *w);
	struct fault fault = { 0 };
	w->loop = loop_new();
	w->store = store_memory_new(w->loop);
	w->conf = conf_of(own);
	assert_int_equal(issuer_new(&(struct issuer_args){ .loop = w->loop, .conf = w->conf,
		.store = w->store, .can_tls_alpn = true, .can_http = true, .user_agent = "test" },
		&w->issuer, &fault), E_OK);
	*state = w;
	return 0;
}

static void turn(struct world *w, int n)
{
	struct timespec ms = { 0, 500000 };
	while (n-- > 0) {
		loop_turn(w->loop);
		nanosleep(&ms, NULL);
	}
}

static int end(void **state)
{
	struct world *w = *state;
	issuer_free(&w->issuer);
	turn(w, 40);
	w->store->ops->free(w->store);
	loop_free(&w->loop);
	conf_unref(&w->conf);
	mem_release(w);
	return 0;
}

static void on_issued(void *owner, enum err err, struct entry *e, const struct fault *fault,
	int64_t retry_at_ms)
{
	struct world *w = owner;
	(void)fault;
	(void)retry_at_ms;
	assert_true(err || e);
	w->err = err;
	w->n_answers++;
}

static bool answered(struct world *w, unsigned n)
{
	for (int i = 0; i < 10000 && w->n_answers < n; i++)
		turn(w, 1);
	return w->n_answers == n;
}

static void on_moving(void *owner)
{
	((struct world *)owner)->n_moved++;
}

static void use(struct world *w, const char *acme)
{
	struct conf *next = conf_of(acme);
	struct issuer_plan *plan = NULL;
	struct fault fault = { 0 };
	assert_int_equal(issuer_prepare(next, &plan, &fault), E_OK);
	issuer_use(w->issuer, &(struct issuer_use_args){ .plan = &plan, .can_tls_alpn = true,
		.can_http = true, .moving = on_moving, .owner = w });
	assert_null(plan);
	conf_unref(&w->conf);
	w->conf = next;
}

static bool concerns(struct world *w, const char *acme)
{
	struct conf *next = conf_of(acme);
	struct diff *diff = diff_new(w->conf, next);
	bool concerned = issuer_is_concerned(w->issuer, next, diff);
	diff_free(&diff);
	conf_unref(&next);
	return concerned;
}

static void it_knows_which_changes_concern_it(void **state)
{
	struct world *w = *state;
	assert_false(concerns(w, own));
	assert_true(concerns(w, retrying));
	assert_false(concerns(w, "{\"ca\": \"internal\", \"self_check\": \"1m\"}"));
	assert_true(concerns(w, "{\"ca\": [\"internal\", \"letsencrypt\"]}"));
}

static void a_plan_without_its_trust_is_refused(void **state)
{
	struct conf *conf = conf_of("{\"ca\": [\"internal\", {\"directory\": \"https://ca.example/d\", "
		"\"trust\": \"/nonexistent.pem\"}]}");
	struct issuer_plan *plan = NULL;
	struct fault fault = { 0 };
	(void)state;
	assert_int_equal(issuer_prepare(conf, &plan, &fault), E_FILE);
	assert_null(plan);
	assert_non_null(strstr(fault.detail, "nonexistent"));
	issuer_plan_free(&plan);
	conf_unref(&conf);
}

/* At once, and after each number of turns: whatever state the job is in, it ends well. */
static void jobs_outlive_a_change_of_the_cas(void **state)
{
	struct world *w = *state;
	for (unsigned i = 0; i < 24; i++) {
		char name[32];
		snprintf(name, sizeof name, "n%u.internal", i);
		issuer_obtain(w->issuer, name, ISSUER_NAMED, on_issued, w);
		turn(w, (int)i);
		use(w, i % 2 ? own : retrying);
		assert_int_equal(w->n_moved, i + 1);
		assert_true(answered(w, i + 1));
		assert_int_equal(w->err, E_OK);
		assert_null(issuer_find(w->issuer, name));
	}
	assert_int_equal(issuer_load(w->issuer).jobs, 0);
}

static void many_wait_in_line_through_several_changes(void **state)
{
	struct world *w = *state;
	enum { MANY = 40 };
	for (int i = 0; i < MANY; i++) {
		char name[32];
		snprintf(name, sizeof name, "m%d.internal", i);
		issuer_obtain(w->issuer, name, ISSUER_ON_DEMAND, on_issued, w);
		if (i % 8 == 0)
			use(w, i % 16 ? own : retrying);
		turn(w, 1);
	}
	assert_true(answered(w, MANY));
	assert_int_equal(w->err, E_OK);
}

static void an_abandoned_name_leaves_nothing(void **state)
{
	struct world *w = *state;
	struct job *job = issuer_obtain(w->issuer, "a.internal", ISSUER_NAMED, on_issued, w);
	issuer_abandon(&job);
	assert_null(job);
	assert_null(issuer_find(w->issuer, "a.internal"));
	turn(w, 50);
	assert_int_equal(w->n_answers, 0);
	issuer_abandon(&job);
	issuer_obtain(w->issuer, "a.internal", ISSUER_NAMED, on_issued, w);
	assert_true(answered(w, 1));
}

static void a_disowned_job_is_the_next_askers(void **state)
{
	struct world *w = *state;
	struct job *job = issuer_obtain(w->issuer, "a.internal", ISSUER_NAMED, on_issued, w);
	const struct job *before = job;
	issuer_disown(&job);
	assert_ptr_equal(issuer_obtain(w->issuer, "a.internal", ISSUER_NAMED, on_issued, w), before);
	assert_true(answered(w, 1));
	assert_int_equal(w->err, E_OK);
}

static int setup(void **state)
{
	(void)state;
	return tls_setup();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_configuration_it_cannot_work_with_is_refused),
		cmocka_unit_test_setup_teardown(it_knows_which_changes_concern_it, begin, end),
		cmocka_unit_test(a_plan_without_its_trust_is_refused),
		cmocka_unit_test_setup_teardown(jobs_outlive_a_change_of_the_cas, begin, end),
		cmocka_unit_test_setup_teardown(many_wait_in_line_through_several_changes, begin, end),
		cmocka_unit_test_setup_teardown(an_abandoned_name_leaves_nothing, begin, end),
		cmocka_unit_test_setup_teardown(a_disowned_job_is_the_next_askers, begin, end),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
