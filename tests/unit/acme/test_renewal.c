/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/renewal.h"

#include "script.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/mem.h"
#include "certstore/digest.h"
#include "certstore/mark.h"

#define HOUR (3600 * 1000)

/* ---- an issuer that does what the test says ---- */

enum { STARTED_MAX = 64 };
static struct started {
	char name[64];
	issuer_fn *fn;
	void *owner;
} started[STARTED_MAX];
static unsigned n_started, n_disowned;

struct job *issuer_grant(struct issuer *i, const struct issuer_wish *wish, issuer_fn *fn, void *owner)
{
	const char *name = wish->name;
	(void)i;
	assert_int_equal(wish->reason, ISSUER_RENEWAL);
	assert_true(n_started < STARTED_MAX);
	struct started *s = &started[n_started++];
	snprintf(s->name, sizeof s->name, "%s", name);
	s->fn = fn;
	s->owner = owner;
	return (struct job *)s;
}

static unsigned n_forced;

struct job *issuer_force(struct issuer *i, const char *name, issuer_fn *fn, void *owner)
{
	n_forced++;
	return issuer_grant(i, &(struct issuer_wish){ .name = name, .reason = ISSUER_RENEWAL }, fn, owner);
}

static unsigned n_hurried;

void issuer_hurry(struct job *j)
{
	assert_ptr_equal(j, &started[0]);
	n_hurried++;
}

void issuer_disown(struct job **j)
{
	n_disowned += *j != NULL;
	*j = NULL;
}

static struct script script;
static struct ca ca;
static char replaced[64];
static bool gives_advice;

void issuer_replace(struct job *j, const char *ari_id)
{
	assert_non_null(j);
	snprintf(replaced, sizeof replaced, "%s", ari_id);
}

struct ca *issuer_adviser(struct issuer *i, const char *directory)
{
	(void)i;
	return gives_advice && !strcmp(directory, "https://ca.test/dir") ? &ca : NULL;
}

static int64_t wait_ms;

int64_t issuer_wait_ms(const struct issuer *i, const char *name)
{
	(void)i;
	assert_true(name[0]);
	return wait_ms;
}

static bool misfits;

bool issuer_is_misfit(struct issuer *i, const char *name, enum conf_key_type type)
{
	(void)i;
	(void)name;
	return misfits && type == CONF_KEY_RSA2048;
}

static void answer(unsigned i, enum err err, struct entry *e, int64_t retry_at_ms)
{
	struct fault f = { .code = err };
	started[i].fn(started[i].owner, err, e, &f, retry_at_ms);
}

/* ---- the rest of the world ---- */

static struct loop *loop;
static struct store *store;
static struct renewal *renewal;
static unsigned n_renewed;
static bool wanted, busy;

static void on_renewed(void *owner, struct entry *e)
{
	(void)owner;
	(void)e;
	n_renewed++;
}

static unsigned n_failed;

static void on_failed(void *owner, const char *name)
{
	(void)owner;
	assert_false(renewal_is_busy(renewal, name));
	n_failed++;
}

static bool is_wanted(void *owner, const char *name)
{
	(void)owner;
	(void)name;
	return wanted;
}

static bool lapses;

static bool has_lapsed(void *owner, const char *name, int64_t for_ms)
{
	(void)owner;
	assert_true(name[0] && for_ms > 0);
	return lapses;
}

static char forgiven[64];

void issuer_forgive(struct issuer *i, const char *name)
{
	(void)i;
	snprintf(forgiven, sizeof forgiven, "%s", name);
}

static bool is_busy(void *owner, const char *name)
{
	(void)owner;
	(void)name;
	return busy;
}

static int open_all(void **state)
{
	(void)state;
	log_setup(2, LOG_ERROR, LOG_TEXT);
	loop = loop_new();
	store = store_memory_new(loop);
	n_hurried = n_failed = 0;
	n_started = n_disowned = n_renewed = n_forced = 0;
	wanted = true;
	busy = gives_advice = misfits = lapses = false;
	wait_ms = 0;
	forgiven[0] = '\0';
	replaced[0] = '\0';
	renewal = renewal_new(&(struct renewal_args){ .loop = loop, .store = store,
		.on_renewed = on_renewed, .on_failed = on_failed, .is_wanted = is_wanted,
		.is_busy = is_busy, .has_lapsed = has_lapsed });
	return 0;
}

static void turn(int ms)
{
	int64_t until = clock_mono_ms() + ms;
	do
		loop_turn(loop);
	while (clock_mono_ms() < until);
}

static int close_all(void **state)
{
	(void)state;
	renewal_free(&renewal);
	turn(20);
	store->ops->free(store);
	loop_free(&loop);
	return 0;
}

/* Times relative to now, in seconds. */
static struct entry make(const char *name, int issued_s, int renew_s, int expires_s)
{
	struct entry e = { 0 };
	int64_t now = clock_wall_ms();
	snprintf(e.name, sizeof e.name, "%s", name);
	e.issued_at_ms = e.not_before_ms = now + issued_s * (int64_t)1000;
	e.renew_at_ms = now + renew_s * (int64_t)1000;
	e.not_after_ms = now + expires_s * (int64_t)1000;
	return e;
}

static void watch(const char *name, int issued_s, int renew_s, int expires_s)
{
	struct entry e = make(name, issued_s, renew_s, expires_s);
	renewal_watch(renewal, &e);
}

static void only_the_due_are_renewed(void **state)
{
	(void)state;
	watch("later.test", -1000, 500, 1000);
	watch("due.test", -1000, -1, 500);
	turn(30);
	assert_int_equal(n_started, 1);
	assert_string_equal(started[0].name, "due.test");
	assert_true(renewal_is_busy(renewal, "due.test"));
	assert_false(renewal_is_busy(renewal, "later.test"));
}

static void the_expired_come_first_and_few_at_a_time(void **state)
{
	(void)state;
	char name[32];
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof name, "due%d.test", i);
		watch(name, -1000, -100 - i, 500);
	}
	watch("expired.test", -1000, -50, -1);
	turn(30);
	assert_int_equal(n_started, 8);
	assert_string_equal(started[0].name, "expired.test");
	assert_string_equal(started[1].name, "due19.test");
	struct entry e = make("expired.test", 0, 700, 1000);
	answer(0, E_OK, &e, 0);
	turn(30);
	assert_int_equal(n_started, 9);
	assert_int_equal(n_renewed, 1);
}

static void a_failure_waits_for_the_issuers_time(void **state)
{
	(void)state;
	watch("a.test", -1000, -1, 500);
	turn(30);
	renewal_hurry(renewal, "a.test");
	renewal_hurry(renewal, "unknown.test");
	assert_int_equal(n_hurried, 1);
	answer(0, E_ISSUE, NULL, clock_wall_ms() + 3600000);
	renewal_hurry(renewal, "a.test");
	assert_int_equal(n_hurried, 1);
	assert_int_equal(n_failed, 1);
	turn(50);
	assert_int_equal(n_started, 1);
	assert_false(renewal_is_busy(renewal, "a.test"));
}

static void a_failure_without_a_time_does_not_spin(void **state)
{
	(void)state;
	watch("a.test", -1000, -1, 500);
	turn(30);
	answer(0, E_CANCELED, NULL, 0);
	turn(100);
	assert_int_equal(n_started, 1);
}

static void one_born_due_is_not_renewed_at_once(void **state)
{
	(void)state;
	watch("short.test", 0, -1, 3);
	watch("odd.test", 0, -1, 1000);
	turn(60);
	assert_int_equal(n_started, 0);
}

static void one_with_a_key_of_the_wrong_family_is_due_at_once(void **state)
{
	struct entry e = make("fits.test", -100, 700, 1000);
	(void)state;
	misfits = true;
	renewal_watch(renewal, &e);
	e = make("other.test", -100, 700, 1000);
	e.key_type = CONF_KEY_RSA2048;
	renewal_watch(renewal, &e);
	turn(30);
	assert_int_equal(n_started, 1);
	assert_string_equal(started[0].name, "other.test");
}

/* 20 seconds by its dates are a little less when it arrives, and half of that is still of use. */
static void one_of_twenty_seconds_is_renewed_while_it_lives(void **state)
{
	(void)state;
	watch("twenty.test", -10, -1, 9);
	watch("young.test", -1, -1, 18);
	turn(60);
	assert_int_equal(n_started, 1);
	assert_string_equal(started[0].name, "twenty.test");
}

static void names_unwanted_or_busy_are_left_alone(void **state)
{
	(void)state;
	wanted = false;
	watch("a.test", -1000, -1, 500);
	turn(30);
	wanted = busy = true;
	watch("b.test", -1000, -1, 500);
	turn(30);
	assert_int_equal(n_started, 0);
}

static void a_new_certificate_replaces_the_old_time(void **state)
{
	(void)state;
	struct entry operators = make("o.test", -1000, -1, 500);
	operators.is_operators = true;
	renewal_watch(renewal, &operators);
	watch("a.test", -1000, 2, 500);
	watch("a.test", 0, 700, 1000);
	turn(50);
	assert_int_equal(n_started, 0);
}

static void unwatching_in_flight_frees_the_place(void **state)
{
	(void)state;
	char name[32];
	for (int i = 0; i < 9; i++) {
		snprintf(name, sizeof name, "n%d.test", i);
		watch(name, -1000, -100 + i, 500);
	}
	turn(30);
	assert_int_equal(n_started, 8);
	renewal_unwatch(renewal, "n0.test");
	renewal_unwatch(renewal, "n0.test");
	renewal_unwatch(renewal, "unknown.test");
	turn(30);
	assert_int_equal(n_started, 9);
	assert_int_equal(n_disowned, 1);
}

static void the_heap_keeps_its_order_under_random_use(void **state)
{
	(void)state;
	char name[32];
	wanted = false;
	srand(1);
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "r%d.test", rand() % 300);
		if (rand() % 3)
			watch(name, -100000, rand() % 100000, 200000);
		else
			renewal_unwatch(renewal, name);
	}
	turn(10);
}

static unsigned n_saved;

static void on_saved(void *owner, enum err err, const struct fault *fault)
{
	(void)owner;
	(void)fault;
	n_saved += !err;
}

/* A bundle as far as its header goes, of a hundred days; to be renewed so far from now. */
static void save(const char *name, int renew_s)
{
	static const int64_t life_ms = (int64_t)100 * 86400000;
	char covered[600], text[800], before[CLOCK_RFC3339], after[CLOCK_RFC3339];
	char hex[ENCODE_HEX_SIZE(DIGEST_SHA256)];
	unsigned char digest[DIGEST_SHA256];
	int64_t begin = clock_wall_ms() / 1000 * 1000 + renew_s * (int64_t)1000
		- entry_renewal_time(0, life_ms, STR("01")) / 1000 * 1000;
	clock_rfc3339(before, begin);
	clock_rfc3339(after, begin + life_ms);
	snprintf(covered, sizeof covered, "name: %s\nissuer: x\nca: x\naccount: x\nprofile: \n"
		"not-before: %s\nnot-after: %s\nserial: 01\nari-id: \nissued-at: %s\nchallenge: \n\nx",
		name, before, after, before);
	digest_sha256(digest, str_from(covered));
	encode_hex(hex, str_of(digest, sizeof digest));
	snprintf(text, sizeof text, "sallyport-bundle: 1\nchecksum: sha256:%s\n%s", hex, covered);
	store_save(store, STORE_CERTS, name, str_from(text), on_saved, NULL);
	for (unsigned was = n_saved; n_saved == was;)
		turn(1);
}

static void the_sweep_finds_due_names_nobody_watches(void **state)
{
	(void)state;
	save("old.test", -100);
	save("young.test", 40 * 86400);
	renewal_start(renewal);
	renewal_start(renewal);
	turn(200);
	assert_int_equal(n_started, 1);
	assert_string_equal(started[0].name, "old.test");
}

static void the_sweep_minds_what_is_due_before_the_next_one(void **state)
{
	(void)state;
	save("soon.test", 3);
	save("tomorrow.test", 86400);
	renewal_start(renewal);
	turn(200);
	assert_int_equal(n_started, 0);
	for (int i = 0; i < 100 && !n_started; i++)
		turn(100);
	assert_int_equal(n_started, 1);
	assert_string_equal(started[0].name, "soon.test");
}

static void those_of_one_second_keep_their_distance(void **state)
{
	(void)state;
	/* lives of 600 s; the first is spread to 45 % of its own, the last not at all */
	watch("first.test", -270, 1, 330);
	watch("last.test", -270, 30, 330);
	for (int i = 0; i < 100 && !n_started; i++)
		turn(100);
	assert_int_equal(n_started, 1);
	assert_string_equal(started[0].name, "first.test");
}

/* Nothing was issued to us since: it is the clock, perhaps, that is wrong. */
static void a_clock_ahead_has_nothing_forgotten(void **state)
{
	(void)state;
	save("old.test", -40 * 86400);
	save("older.test", -50 * 86400);
	lapses = true;
	renewal_start(renewal);
	turn(100);
	assert_string_equal(forgiven, "");
	assert_int_equal(n_started, 2);
}

static unsigned n_left;

static void on_left(void *owner, enum err err, const char *const *names, unsigned n, const char *cursor)
{
	(void)owner;
	(void)err;
	(void)names;
	(void)cursor;
	n_left = n;
}

static void what_nobody_wants_any_more_is_forgotten(void **state)
{
	struct store_list_args all = { .group = STORE_CERTS, .cursor = "", .max = 10 };
	(void)state;
	save("old.test", -40 * 86400);     /* ended a week ago */
	save("young.test", 66 * 86400);    /* and this one was issued yesterday */
	save("valid.test", -10 * 86400);   /* due, and valid: whatever anybody says */
	lapses = true;
	renewal_start(renewal);
	turn(100);
	assert_int_equal(n_started, 1);
	assert_string_equal(started[0].name, "valid.test");
	assert_string_equal(forgiven, "old.test");
	store->ops->list(store, &all, on_left, NULL);
	turn(50);
	assert_int_equal(n_left, 2);
	/* and of those that are watched */
	watch("fresh.test", -10, 500, 1000);
	watch("watched.test", -1000, -500, -100);
	turn(50);
	assert_string_equal(forgiven, "watched.test");
	assert_int_equal(n_started, 1);
	lapses = false;
	watch("watched.test", -1000, -500, -100);
	turn(50);
	assert_int_equal(n_started, 2);
}

static char marks[1024];

static void on_marks(void *owner, enum err err, const char *const *names, unsigned n, const char *cursor)
{
	(void)owner;
	(void)cursor;
	assert_int_equal(err, E_OK);
	marks[0] = '\0';
	for (unsigned i = 0; i < n; i++)
		strcat(strcat(marks, names[i]), " ");
}

static const char *marked(void)
{
	struct store_list_args all = { .group = STORE_SCHEDULE, .cursor = "", .max = 10 };
	turn(20);
	store->ops->list(store, &all, on_marks, NULL);
	turn(20);
	return marks;
}

static const char *mark_of(const char *name, int64_t at_ms)
{
	static char mark[MARK_MAX + 1];
	assert_true(mark_write(mark, name, at_ms));
	return strcat(mark, " ");
}

/* However many names are stored: memory holds what the next two hours bring. */
static void while_the_cas_are_left_alone_nothing_begins(void **state)
{
	char name[32];
	(void)state;
	wait_ms = 300;
	for (int i = 0; i < 600; i++) {
		snprintf(name, sizeof name, "n%d.test", i);
		watch(name, -1000, -1, 500);
	}
	turn(100);
	wait_ms = 0;
	assert_int_equal(n_started, 0);
	turn(500);
	assert_int_equal(n_started, 8);
}

static void what_is_far_rests_on_disk(void **state)
{
	int64_t due = clock_wall_ms() + (int64_t)40 * 86400 * 1000;
	(void)state;
	save("far.test", 40 * 86400);
	renewal_start(renewal);
	turn(100);
	assert_int_equal(renewal_load(renewal).due_soon, 0);
	assert_true(llabs(renewal_load(renewal).next_at_ms - due) < 5000);
	assert_string_equal(marked(), mark_of("far.test", due - 2000));
	/* one that somebody uses was marked when it was saved */
	watch("used.test", -1000, 40 * 86400, 60 * 86400);
	assert_string_equal(marked(), mark_of("far.test", due - 2000));
}

static void what_fails_for_long_rests_until_the_retry(void **state)
{
	int64_t retry = clock_wall_ms() + (int64_t)9 * HOUR;
	char both[2 * MARK_MAX];
	(void)state;
	save("a.test", -100);
	mark_move(store, "a.test", -1, clock_wall_ms() - 100000);
	snprintf(both, sizeof both, "%s", marked());
	renewal_start(renewal);
	turn(100);
	assert_int_equal(n_started, 1);
	assert_string_equal(marked(), both);   /* it stays until there is another */
	answer(0, E_ISSUE, NULL, retry);
	assert_int_equal(n_failed, 1);
	assert_string_equal(marked(), mark_of("a.test", retry));
	assert_false(renewal_is_busy(renewal, "a.test"));
}

static void freeing_during_a_sweep_is_safe(void **state)
{
	(void)state;
	renewal_start(renewal);
	renewal_free(&renewal);
	turn(50);
}

static void the_operator_may_renew_what_is_not_due_or_not_known(void **state)
{
	struct entry e = make("a.test", -100, 5000, 10000), next = make("a.test", 0, 3000, 6000);
	(void)state;
	renewal_watch(renewal, &e);
	turn(5);
	assert_int_equal(n_started, 0);
	assert_true(renewal_force(renewal, "a.test"));
	assert_true(renewal_force(renewal, "a.test"));   /* under way: nothing new */
	assert_true(renewal_force(renewal, "b.test"));
	assert_int_equal(n_forced, 2);
	assert_true(renewal_is_busy(renewal, "a.test"));
	answer(0, E_OK, &next, 0);
	assert_int_equal(n_renewed, 1);
	assert_false(renewal_is_busy(renewal, "a.test"));
	answer(1, E_ISSUE, NULL, clock_wall_ms() + 100000);
	assert_false(renewal_is_busy(renewal, "b.test"));
	assert_int_equal(renewal_load(renewal).due_soon, 2);
	assert_int_equal(renewal_load(renewal).running, 0);
}

static void wishes_are_bounded(void **state)
{
	char name[32];
	unsigned taken = 0;
	(void)state;
	for (int i = 0; i < STARTED_MAX + 10; i++) {
		snprintf(name, sizeof name, "n%d.test", i);
		taken += renewal_force(renewal, name);
	}
	assert_int_equal(taken, STARTED_MAX);
}

/* ---- advice ---- */

#define WITH_ARI { "GET", "/dir", 200, NULL, "{\"newNonce\":\"https://ca.test/nonce\"," \
	"\"newAccount\":\"https://ca.test/account\",\"newOrder\":\"https://ca.test/order\"," \
	"\"renewalInfo\":\"https://ca.test/ari\"}", ANSWERED, true }
#define ADVICE(id, year) { "GET", "/ari/" id, 200, "Retry-After: 21600", \
	"{\"suggestedWindow\":{\"start\":\"" year "-01-01T00:00:00Z\",\"end\":\"" year "-01-02T00:00:00Z\"}}", ANSWERED, true }
#define LONG_AGO "2020"
#define FAR_AWAY "2090"

static void open_adviser(const struct script_line *lines, unsigned n)
{
	script_open(&script, &ca, lines, n);
	loop_free(&script.loop);
	directory_free(&ca.directory);
	script.loop = ca.loop = loop;
	ca.directory = directory_new(loop, &script.transport, script_conf.directory);
	gives_advice = true;
}

static void close_adviser(void)
{
	assert_int_equal(script.next, script.n);
	renewal_free(&renewal);
	turn(20);
	assert_int_equal(script.open, 0);
	directory_free(&ca.directory);
}

/* So short a life that it is looked at within a few milliseconds, but not due for an hour. */
static struct entry advised(const char *name, const char *id, int renew_s)
{
	struct entry e = make(name, -20000, renew_s, renew_s + 1);
	snprintf(e.ca, sizeof e.ca, "https://ca.test/dir");
	snprintf(e.ari_id, sizeof e.ari_id, "%s", id);
	e.not_before_ms = e.not_after_ms - 100;
	return e;
}

static void advice_to_renew_now_is_followed(void **state)
{
	static const struct script_line lines[] = { WITH_ARI, ADVICE("k.1", LONG_AGO) };
	(void)state;
	open_adviser(lines, 2);
	struct entry e = advised("a.test", "k.1", 3600);
	renewal_watch(renewal, &e);
	turn(100);
	assert_int_equal(n_started, 1);
	assert_string_equal(replaced, "k.1");
	close_adviser();
}

static void advice_to_wait_is_followed_until_the_backstop(void **state)
{
	static const struct script_line lines[] = { WITH_ARI, ADVICE("k.1", FAR_AWAY) };
	(void)state;
	open_adviser(lines, 2);
	struct entry e = advised("a.test", "k.1", 1);
	e.not_before_ms = e.not_after_ms - 200;
	renewal_watch(renewal, &e);
	turn(100);
	assert_int_equal(n_started, 0);
	turn(2200);
	assert_int_equal(n_started, 1);
	assert_string_equal(replaced, "");
	close_adviser();
}

static void a_certificate_of_another_ca_is_not_asked_about(void **state)
{
	(void)state;
	open_adviser(NULL, 0);
	struct entry e = advised("a.test", "k.1", 3600);
	snprintf(e.ca, sizeof e.ca, "https://other.test/dir");
	renewal_watch(renewal, &e);
	turn(50);
	assert_int_equal(n_started, 0);
	close_adviser();
}

/* Failing to follow it waits as any failure does. */
static void advice_does_not_overrule_the_backoff(void **state)
{
	static const struct script_line lines[] = { WITH_ARI, ADVICE("k.1", LONG_AGO) };
	(void)state;
	open_adviser(lines, 2);
	struct entry e = advised("a.test", "k.1", 3600);
	renewal_watch(renewal, &e);
	turn(100);
	assert_int_equal(n_started, 1);
	answer(0, E_ISSUE, NULL, clock_wall_ms() + HOUR);
	turn(100);
	assert_int_equal(n_started, 1);
	close_adviser();
}

static void a_ca_that_wants_everything_renewed_at_once_is_not_obeyed_twice(void **state)
{
	static const struct script_line lines[] = { WITH_ARI, ADVICE("k.1", LONG_AGO),
		ADVICE("k.2", LONG_AGO) };
	(void)state;
	open_adviser(lines, 3);
	struct entry e = advised("a.test", "k.1", 3600), next = advised("a.test", "k.2", 3600);
	renewal_watch(renewal, &e);
	turn(100);
	assert_int_equal(n_started, 1);
	answer(0, E_OK, &next, 0);
	turn(200);
	assert_int_equal(n_started, 1);
	close_adviser();
}

static void freeing_while_asking_is_safe(void **state)
{
	static const struct script_line lines[] = { WITH_ARI,
		{ "GET", "/ari/k.1", 0, NULL, NULL, NEVER, false } };
	(void)state;
	open_adviser(lines, 2);
	struct entry e = advised("a.test", "k.1", 3600), other = advised("a.test", "", 3600);
	renewal_watch(renewal, &e);
	turn(50);
	renewal_watch(renewal, &other);   /* replaced while asked about: no longer */
	turn(20);
	assert_int_equal(script.open, 0);
	close_adviser();
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
	const struct CMUnitTest tests[] = {
		T(the_operator_may_renew_what_is_not_due_or_not_known), T(wishes_are_bounded),
		T(only_the_due_are_renewed),
		T(the_expired_come_first_and_few_at_a_time),
		T(a_failure_waits_for_the_issuers_time),
		T(a_failure_without_a_time_does_not_spin),
		T(one_born_due_is_not_renewed_at_once),
		T(one_with_a_key_of_the_wrong_family_is_due_at_once),
		T(one_of_twenty_seconds_is_renewed_while_it_lives),
		T(names_unwanted_or_busy_are_left_alone),
		T(a_new_certificate_replaces_the_old_time),
		T(unwatching_in_flight_frees_the_place),
		T(the_heap_keeps_its_order_under_random_use),
		T(the_sweep_finds_due_names_nobody_watches),
		T(the_sweep_minds_what_is_due_before_the_next_one),
		T(those_of_one_second_keep_their_distance),
		T(a_clock_ahead_has_nothing_forgotten),
		T(what_nobody_wants_any_more_is_forgotten),
		T(while_the_cas_are_left_alone_nothing_begins),
		T(what_is_far_rests_on_disk),
		T(what_fails_for_long_rests_until_the_retry),
		T(freeing_during_a_sweep_is_safe),
		T(advice_to_renew_now_is_followed),
		T(advice_to_wait_is_followed_until_the_backstop),
		T(a_certificate_of_another_ca_is_not_asked_about),
		T(advice_does_not_overrule_the_backoff),
		T(a_ca_that_wants_everything_renewed_at_once_is_not_obeyed_twice),
		T(freeing_while_asking_is_safe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
