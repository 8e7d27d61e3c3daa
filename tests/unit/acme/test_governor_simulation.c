/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ninety days of a platform with 50,000 names, three in ten of them broken, before a model of Let's Encrypt
 * that counts by itself (not by acme/bucket). The proxy crashes every few days. Its issuer is played here:
 * governor, turns and failure are the real ones.
 */
#include "acme/failure.h"
#include "acme/turns.h"
#include "conf/known_ca.h"
#include "base/clock.h"
#include "base/mem.h"
#include "unit.h"

enum {
	NAMES = 50000, BULK = 40000, BIG_DOMAINS = 8, SMALL_DOMAINS = 600, TENANTS = 100, PLACES = 16,
	SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR, 
};
#define DAYS(n) ((int64_t)(n) * DAY)

static const int64_t start_ms = 1800000000000, never = INT64_MAX;
static int64_t now;   /* since the start */
static uint64_t dice;

static unsigned roll(unsigned below)
{
	dice = dice * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((dice >> 33) % below);
}

/* ---- the CA ---- */

struct tokens {
	double left;
	int64_t at_ms;
	bool is_known;
};

struct ca {
	struct tokens account;
	struct tokens domain[NAMES + BIG_DOMAINS + SMALL_DOMAINS], names[NAMES], failures[NAMES];
	bool has_had[NAMES];
	unsigned in_a_row[NAMES];
	unsigned orders, refusals, issued, failed;
	char first_refusal[64];
};

static double refill(struct tokens *t, double size, double window_ms)
{
	t->left = t->is_known ? t->left + (double)(now - t->at_ms) * size / window_ms : size;
	t->left = t->left > size ? size : t->left;
	t->at_ms = now;
	t->is_known = true;
	return t->left;
}

static struct ca ca;

static void refuse(const char *why)
{
	if (!ca.refusals++)
		snprintf(ca.first_refusal, sizeof ca.first_refusal, "%s, day %d", why, (int)(now / DAY));
}

/* Stricter than the real one in that renewals count for the account too. */
static void ca_order(unsigned name, unsigned domain)
{
	ca.orders++;
	if (refill(&ca.account, 300, 3.0 * HOUR) < 1)
		refuse("new orders");
	else if (!ca.has_had[name] && refill(&ca.domain[domain], 50, 7.0 * DAY) < 1)
		refuse("certificates of the domain");
	else if (refill(&ca.names[name], 5, 7.0 * DAY) < 1)
		refuse("exact set");
	else if (refill(&ca.failures[name], 5, 1.0 * HOUR) < 1)
		refuse("failed authorizations");
	else if (ca.in_a_row[name] >= 1152)
		refuse("paused");
	ca.account.left -= 1;
}

static void ca_fails(unsigned name)
{
	refill(&ca.failures[name], 5, 1.0 * HOUR);
	ca.failures[name].left -= 1;
	ca.in_a_row[name]++;
	ca.failed++;
}

static void ca_issues(unsigned name, unsigned domain)
{
	if (!ca.has_had[name]) {
		refill(&ca.domain[domain], 50, 7.0 * DAY);
		ca.domain[domain].left -= 1;
	}
	refill(&ca.names[name], 5, 7.0 * DAY);
	ca.names[name].left -= 1;
	ca.has_had[name] = true;
	ca.in_a_row[name] = 0;
	ca.issued++;
}

/* ---- the names ---- */

enum name_state { ABSENT, RESTING, WAITING, ORDERING };

struct name {
	struct turn turn;
	struct failure failure;
	enum name_state state;
	int64_t at_ms;                       /* next event; its place in the heap */
	size_t place;
	int64_t wanted_at_ms, had_at_ms, not_after_ms, broken_until_ms;
	unsigned domain, orders, failed_today, day;
	bool is_visited, is_orphan;          /* orphan: ordered in an earlier life */
	char text[48], tenant[16];
};

static struct name names[NAMES];
static struct name *heap[NAMES + 1];
static size_t n_heap;
static unsigned n_hammered, worst_day, expired, most_waiting;
static struct governor *governor;
static struct turns *turns;

static void put(size_t place, struct name *n)
{
	heap[place] = n;
	n->place = place;
}

static void sift(size_t place)
{
	struct name *n = heap[place];
	for (; place > 1 && heap[place / 2]->at_ms > n->at_ms; place /= 2)
		put(place, heap[place / 2]);
	for (size_t child; (child = 2 * place) <= n_heap; place = child) {
		child += child < n_heap && heap[child + 1]->at_ms < heap[child]->at_ms;
		if (heap[child]->at_ms >= n->at_ms)
			break;
		put(place, heap[child]);
	}
	put(place, n);
}

static void at(struct name *n, int64_t at_ms)
{
	n->at_ms = at_ms;
	sift(n->place);
}

static void make_name(unsigned i)
{
	struct name *n = &names[i];
	bool is_broken = i % 10 < 3;
	*n = (struct name){ .wanted_at_ms = i < BULK ? 0 : DAYS(80) * (i - BULK) / (NAMES - BULK),
		.had_at_ms = never, .is_visited = i >= BULK };
	/* One in five of the broken ones is repaired one day. */
	n->broken_until_ms = !is_broken ? 0 : i % 50 < 10 ? DAYS(30) : never;
	unsigned kind = roll(10);
	if (kind == 0) {
		n->domain = roll(BIG_DOMAINS);
		snprintf(n->text, sizeof n->text, "n%u.big%u.test", i, n->domain);
	} else if (kind < 4) {
		n->domain = BIG_DOMAINS + roll(SMALL_DOMAINS);
		snprintf(n->text, sizeof n->text, "n%u.small%u.test", i, n->domain);
	} else {
		n->domain = BIG_DOMAINS + SMALL_DOMAINS + i;
		snprintf(n->text, sizeof n->text, "www.own%u.test", i);
	}
	/* Half of all names are one tenant's. */
	snprintf(n->tenant, sizeof n->tenant, "t%u", roll(2) ? 0 : roll(TENANTS));
	list_init(&n->turn.node);
	n->state = RESTING;
	n->at_ms = n->wanted_at_ms;
	put(++n_heap, n);
	sift(n_heap);
}

static unsigned index_of(const struct name *n)
{
	return (unsigned)(n - names);
}

/* ---- the proxy ---- */

static void open_proxy(const struct buf *state)
{
	const struct conf_ca le = { .directory = "https://acme-v02.api.letsencrypt.org/directory" };
	struct governor_ca it = { .directory = le.directory,
		.renewals_are_free = known_ca_of(le.directory)->renewals_are_free };
	struct fault why;
	ca_model_limits(&le, it.limits);
	governor = governor_new(&(struct governor_args){ .cas = &it, .n_cas = 1 });
	turns = turns_new(governor, PLACES);
	if (state)
		assert_int_equal(governor_read(governor, buf_str(state), &why), E_OK);
}

static void rest(struct name *n, int64_t until_ms)
{
	n->state = RESTING;
	at(n, until_ms > now ? until_ms : now + SECOND);
}

/* Four broken names that somebody wishes for again and again, for three days: no backoff helps there. */
static bool is_hammered(const struct name *n)
{
	unsigned i = index_of(n);
	return i < 200 && i % 50 == 12 && n->broken_until_ms == never && now >= DAYS(23) && now < DAYS(26);
}

static enum turn_class class_of(const struct name *n)
{
	if (n->had_at_ms != never)
		return n->not_after_ms <= now ? TURN_EXPIRED : TURN_EXPIRING;
	if (is_hammered(n))
		return TURN_VISITED;
	return n->failure.count ? TURN_RETRY : n->is_visited ? TURN_VISITED : TURN_BULK;
}

static void want(struct name *n)
{
	struct fault why = { 0 };
	expired += n->had_at_ms != never && n->not_after_ms <= now;
	n->turn.class = class_of(n);
	n->turn.grant = (struct grant){ .name = n->text, .tenant = n->tenant,
		.kind = n->had_at_ms != never ? GRANT_RENEWAL : n->is_visited ? GRANT_CLIENTS : GRANT_NAMED };
	if (governor_take(governor, &n->turn.grant, 0, &why)) {
		rest(n, why.retry_at_ms - start_ms);
		return;
	}
	n->state = WAITING;
	n->orders = 0;
	at(n, never);
	turns_add(turns, &n->turn, n->had_at_ms != never ? n->not_after_ms : 0);
}

/* Whether the governor let it. */
static bool place(struct name *n)
{
	struct fault why;
	if (n->orders == 2 || governor_place(governor, &n->turn.grant, 0, &why))
		return false;
	n->orders++;
	ca_order(index_of(n), n->domain);
	at(n, now + 3 * SECOND + roll(27 * SECOND));
	return true;
}

static void leave(struct name *n, enum grant_outcome outcome)
{
	turns_leave(turns, &n->turn);
	governor_settle(governor, &n->turn.grant, outcome);
}

static void note_failure(struct name *n)
{
	unsigned today = (unsigned)(now / DAY);
	if (is_hammered(n)) {
		n_hammered++;
		return;
	}
	n->failed_today = n->day == today ? n->failed_today + 1 : 1;
	n->day = today;
	worst_day = n->failed_today > worst_day ? n->failed_today : worst_day;
}

static void give_up(struct name *n)
{
	static const struct failure_rule rule = { MINUTE, DAY, 0 };
	struct fault why = { .code = E_ISSUE };
	leave(n, GRANT_UNUSED);
	failure_add(&n->failure, &why, &rule, start_ms + now, roll(1001));
	rest(n, is_hammered(n) ? now + 20 * SECOND : n->failure.retry_at_ms - start_ms);
}

static void issue(struct name *n)
{
	ca_issues(index_of(n), n->domain);
	expired += n->had_at_ms != never && n->not_after_ms <= now;
	n->had_at_ms = n->had_at_ms == never ? now : n->had_at_ms;
	n->not_after_ms = now + DAYS(45);
	n->failure = (struct failure){ 0 };
	leave(n, GRANT_ISSUED);
	rest(n, now + DAYS(30) - roll(2 * DAY));
}

static void end_order(struct name *n)
{
	if (now >= n->broken_until_ms) {
		issue(n);
		return;
	}
	ca_fails(index_of(n));
	note_failure(n);
	if (n->is_orphan) {   /* of the earlier life: nobody remembers it but the CA */
		n->is_orphan = false;
		rest(n, now);
		return;
	}
	governor_settle(governor, &n->turn.grant, GRANT_FAILED);
	if (!place(n))
		give_up(n);
}

static int64_t run_turns(void)
{
	struct fault why;
	int64_t wait_ms;
	struct turn *t;
	while ((t = turns_next(turns, &wait_ms, &why))) {
		struct name *n = container_of(t, struct name, turn);
		if (why.code) {
			leave(n, GRANT_UNUSED);
			rest(n, why.retry_at_ms - start_ms);
			continue;
		}
		n->state = ORDERING;
		assert_true(place(n));
	}
	return wait_ms == never ? never : now + wait_ms;
}

/* What was written last is all the next life knows of limits. */
static void crash(const struct buf *state)
{
	struct governor *old = governor;
	for (unsigned i = 0; i < NAMES; i++) {
		struct name *n = &names[i];
		if (n->state != WAITING && n->state != ORDERING)
			continue;
		n->is_orphan = n->state == ORDERING;
		leave(n, GRANT_UNUSED);
		if (!n->is_orphan)
			rest(n, now + roll(5 * SECOND));
	}
	turns_free(&turns);
	governor_free(&old);
	open_proxy(state);
}

static void step(struct name *n)
{
	if (n->state == RESTING)
		want(n);
	else
		end_order(n);
}

static void begin_hammering(void)
{
	for (unsigned i = 0; i < NAMES; i++) {
		struct name *n = &names[i];
		if (!is_hammered(n))
			continue;
		if (n->state == RESTING)
			at(n, now);
		else
			turns_hurry(turns, &n->turn);
	}
}

static void count_waiting(void)
{
	unsigned n = 0;
	for (int c = 0; c < TURN_CLASS_COUNT; c++)
		n += turns_count(turns, (enum turn_class)c);
	most_waiting = n > most_waiting ? n : most_waiting;
}

static void run(void)
{
	int64_t wake_ms = never, crash_ms = DAYS(5) + 7 * HOUR, written_ms = 0;
	bool has_hammered = false;
	struct buf state;
	buf_init(&state, GOVERNOR_STATE);
	while (now < DAYS(90)) {
		int64_t next_ms = heap[1]->at_ms < wake_ms ? heap[1]->at_ms : wake_ms;
		now = next_ms < crash_ms ? next_ms : crash_ms;
		clock_test_set(start_ms + now, 1000 + now);
		if (now == crash_ms) {
			crash(&state);
			crash_ms += DAYS(5) + roll(7 * HOUR);
		} else if (heap[1]->at_ms <= now) {
			step(heap[1]);
		}
		if (!has_hammered && now >= DAYS(23)) {
			has_hammered = true;
			begin_hammering();
		}
		wake_ms = run_turns();
		/* As the issuer does it; only what a crash will need is really written. */
		bool is_due = governor_wants_writing(governor) || now - written_ms > MINUTE;
		if (crash_ms - now < 10 * MINUTE && governor_is_dirty(governor) && is_due) {
			buf_fini(&state);
			buf_init(&state, GOVERNOR_STATE);
			assert_int_equal(governor_write(governor, &state), E_OK);
			written_ms = now;
			count_waiting();
		}
	}
	buf_fini(&state);
}

/* ---- what must have come of it ---- */

static unsigned n_good, n_without, n_repaired, n_repaired_without;
static int64_t worst_visit_ms, last_bulk_ms, small_tenants_ms;

static void look_back(void)
{
	for (unsigned i = 0; i < NAMES; i++) {
		const struct name *n = &names[i];
		int64_t waited_ms = n->had_at_ms == never ? never : n->had_at_ms - n->wanted_at_ms;
		bool is_good = !n->broken_until_ms, is_own = n->domain >= BIG_DOMAINS + SMALL_DOMAINS;
		expired += n->had_at_ms != never && n->not_after_ms <= now;
		n_good += is_good;
		n_without += is_good && waited_ms == never;
		n_repaired += n->broken_until_ms == DAYS(30);
		n_repaired_without += n->broken_until_ms == DAYS(30) && waited_ms == never;
		if (!is_good || waited_ms == never || !is_own)
			continue;
		int64_t *worst_ms = n->is_visited ? &worst_visit_ms
			: strcmp(n->tenant, "t0") == 0 ? &last_bulk_ms : &small_tenants_ms;
		*worst_ms = waited_ms > *worst_ms ? waited_ms : *worst_ms;
	}
}

static void ninety_days_without_a_refusal_and_nobody_starves(void **state)
{
	(void)state;
	dice = 4711;
	clock_test_set(start_ms, 1000);
	open_proxy(NULL);
	for (unsigned i = 0; i < NAMES; i++)
		make_name(i);
	run();
	look_back();
	print_message("orders=%u issued=%u failed=%u refused=%u (%s)\n", ca.orders, ca.issued, ca.failed,
		ca.refusals, ca.first_refusal);
	print_message("good=%u without=%u repaired=%u without=%u expired=%u worst_day=%u hammered=%u waiting=%u\n",
		n_good, n_without, n_repaired, n_repaired_without, expired, worst_day, n_hammered, most_waiting);
	print_message("longest wait: visited %.1f h, small tenants %.1f d, big tenant %.1f d\n",
		(double)worst_visit_ms / HOUR, (double)small_tenants_ms / DAY, (double)last_bulk_ms / DAY);
	assert_int_equal(ca.refusals, 0);
	assert_int_equal(n_good, NAMES * 7 / 10);
	assert_int_equal(n_without, 0);
	assert_int_equal(n_repaired_without, 0);
	assert_int_equal(expired, 0);
	/* 1, 10, 100 minutes, a day: four attempts of two orders, and one that a crash forgot */
	assert_true(worst_day <= 10);
	assert_true(n_hammered > 1000);
	assert_true(worst_visit_ms < 4 * HOUR);
	assert_true(small_tenants_ms < last_bulk_ms);
	for (unsigned i = 0; i < NAMES; i++)
		leave(&names[i], GRANT_UNUSED);
	turns_free(&turns);
	governor_free(&governor);
	clock_test_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ninety_days_without_a_refusal_and_nobody_starves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
