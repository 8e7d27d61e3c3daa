/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * governor: one ledger, its keys "LETTER CA SUBJECT": "d0 example.com" is the registered domain example.com
 * at the first CA. Our own budgets stand there too, as of no CA.
 */
#include "acme/governor.h"

#include <limits.h>
#include <stdio.h>

#include "acme/ledger.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/registered_domain.h"

enum {
	BUCKETS_MAX = 32 * 1024, KEY = 320, CAS_MAX = 100,
	WRITE_AFTER = 8, WRITE_AHEAD = 24,         /* orders between writings; counted in advance */
	STRANGERS = 3, STRANGERS_MS = 10 * 60 * 1000,   /* refusals of unknown scope: the account's, then */
	CLOSED_MIN_MS = 60 * 1000,
	HELD_WAIT_MS = 60 * 1000,
};

static const int64_t closed_max_ms = (int64_t)48 * 3600 * 1000;
static const int64_t closed_default_ms = (int64_t)15 * 60 * 1000;

/* Our own, after those of the CAs. */
enum { BUDGET_TENANT = CA_SCOPE_COUNT, BUDGET_DOMAIN, SCOPES };

static const struct {
	char letter;
	const char *text;
} scopes[SCOPES] = {
#define X(name, letter, text) [name] = { letter, text },
	CA_SCOPES(X)
#undef X
	[BUDGET_TENANT] = { 't', "new names of the tenant" },
	[BUDGET_DOMAIN] = { 'b', "new names below the registered domain" },
};

struct stranger {
	uint64_t name_hash;
	int64_t at_ms;
};

struct governor {
	struct governor_ca *cas;
	unsigned n_cas;
	struct rate own[SCOPES - CA_SCOPE_COUNT];
	struct ledger *ledger;
	struct bucket *accounts;     /* by CA: asked for at every turn */
	int64_t wall_ms, mono_ms;    /* when we began */
	unsigned changes, placed;    /* since the last writing */
	struct stranger strangers[STRANGERS];
};

static int64_t now_ms(const struct governor *g)
{
	return g->wall_ms + clock_mono_ms() - g->mono_ms;
}

struct governor *governor_new(const struct governor_args *args)
{
	struct governor *g = mem_new(sizeof *g);
	ASSERT(args->n_cas > 0 && args->n_cas <= CAS_MAX);
	g->cas = mem_copy(args->cas, args->n_cas * sizeof *args->cas);
	g->n_cas = args->n_cas;
	g->own[0] = args->per_tenant;
	g->own[1] = args->per_registered_domain;
	g->ledger = ledger_new(BUCKETS_MAX);
	g->accounts = mem_new(args->n_cas * sizeof *g->accounts);
	g->wall_ms = clock_wall_ms();
	g->mono_ms = clock_mono_ms();
	return g;
}

void governor_free(struct governor **g)
{
	if (!*g)
		return;
	ledger_free(&(*g)->ledger);
	mem_free(&(*g)->accounts);
	mem_free(&(*g)->cas);
	mem_free(g);
}

/* ---- scopes ---- */

static const struct rate *rate_of(const struct governor *g, unsigned ca, unsigned scope)
{
	ASSERT(ca < g->n_cas && scope < SCOPES);
	return scope < CA_SCOPE_COUNT ? &g->cas[ca].limits[scope] : &g->own[scope - CA_SCOPE_COUNT];
}

static struct str key_of(char dst[KEY], unsigned scope, unsigned ca, const char *name,
	const char *tenant)
{
	char domain[REGISTERED_DOMAIN] = "";
	const char *subject = name;
	if (scope == SCOPE_DOMAIN || scope == BUDGET_DOMAIN)
		registered_domain(domain, str_from(name)), subject = domain;
	else if (scope == BUDGET_TENANT)
		subject = tenant;
	snprintf(dst, KEY, "%c%u %s", scopes[scope].letter, scope < CA_SCOPE_COUNT ? ca : 0, subject);
	return str_from(dst);
}

static const struct bucket *look(const struct governor *g, unsigned scope, unsigned ca,
	const struct grant *grant)
{
	static const struct bucket full;
	char key[KEY];
	if (scope == SCOPE_ACCOUNT)
		return &g->accounts[ca];
	const struct bucket *b = ledger_find(g->ledger, key_of(key, scope, ca, grant->name, grant->tenant));
	return b ? b : &full;
}

static struct bucket *touch(struct governor *g, unsigned scope, unsigned ca, const struct grant *grant)
{
	char key[KEY];
	g->changes++;
	if (scope == SCOPE_ACCOUNT)
		return &g->accounts[ca];
	return ledger_at(g->ledger, key_of(key, scope, ca, grant->name, grant->tenant), now_ms(g));
}

static bool has_tenant(const struct grant *grant)
{
	return grant->tenant && grant->tenant[0];
}

/* Whether this order counts in the scope at all. */
static bool counts(const struct governor *g, const struct grant *grant, unsigned ca, unsigned scope)
{
	switch (scope) {
	case SCOPE_ACCOUNT:
		return false;   /* by governor_start */
	case SCOPE_DOMAIN:
		return grant->kind != GRANT_RENEWAL || !g->cas[ca].renewals_are_free;
	case BUDGET_TENANT:
		return grant->kind == GRANT_CLIENTS && has_tenant(grant);
	case BUDGET_DOMAIN:
		return grant->kind == GRANT_CLIENTS;
	default:
		return true;
	}
}

/* ---- take ---- */

static enum err refuse(const struct governor *g, const struct grant *grant, unsigned ca,
	unsigned scope, int64_t wait_ms, struct fault *fault)
{
	char key[KEY] = "";
	const char *what = "";
	if (scope != SCOPE_ACCOUNT)
		what = strchr(key_of(key, scope, ca, grant->name, grant->tenant).at, ' ') + 1;
	fault_set(fault, E_RATE_LIMITED, "no more %s%s%s%s%s%.200s for the moment", scopes[scope].text,
		what[0] ? " (" : "", what, what[0] ? ")" : "", scope < CA_SCOPE_COUNT ? " at " : "",
		scope < CA_SCOPE_COUNT ? g->cas[ca].directory : "");
	if (fault)
		fault->retry_at_ms = clock_wall_ms() + wait_ms;
	return E_RATE_LIMITED;
}

/* Orders under way give back what they hold within a minute or so, more often than not. */
static int64_t wait_of(const struct bucket *b, const struct rate *r, int64_t now)
{
	struct bucket alone = *b;
	int64_t wait_ms = bucket_wait_ms(b, r, 0, now);
	alone.held = 0;
	int64_t sure_ms = bucket_wait_ms(&alone, r, 0, now);
	if (wait_ms <= sure_ms || wait_ms < HELD_WAIT_MS)
		return wait_ms;
	return sure_ms > HELD_WAIT_MS ? sure_ms : HELD_WAIT_MS;
}

/* E_OK: there is a token in each of these scopes where the order counts. */
static enum err look_at(const struct governor *g, const struct grant *grant, unsigned from,
	unsigned to, struct fault *fault)
{
	for (unsigned s = from; s < to; s++) {
		if (!counts(g, grant, grant->ca, s))
			continue;
		int64_t wait_ms = wait_of(look(g, s, grant->ca, grant), rate_of(g, grant->ca, s), now_ms(g));
		if (wait_ms > 0)
			return refuse(g, grant, grant->ca, s, wait_ms, fault);
	}
	return E_OK;
}

static void hold(struct governor *g, struct grant *grant, unsigned from, unsigned to)
{
	for (unsigned s = from; s < to; s++) {
		if (!rate_of(g, grant->ca, s)->burst || !counts(g, grant, grant->ca, s))
			continue;
		touch(g, s, grant->ca, grant)->held++;
		grant->held |= 1u << s;
	}
}

enum err governor_take(struct governor *g, struct grant *grant, unsigned ca, struct fault *fault)
{
	ASSERT(ca < g->n_cas && !grant->is_taken);
	grant->ca = ca;
	int64_t closed_ms = g->accounts[ca].closed_until_ms - now_ms(g);
	if (closed_ms > 0)
		return refuse(g, grant, ca, SCOPE_ACCOUNT, closed_ms, fault);
	enum err err = look_at(g, grant, 0, SCOPES, fault);
	if (err)
		return err;
	hold(g, grant, CA_SCOPE_COUNT, SCOPES);
	grant->is_taken = true;
	return E_OK;
}

int64_t governor_wait_ms(const struct governor *g, unsigned ca, enum grant_kind kind)
{
	const struct rate *r = rate_of(g, ca, SCOPE_ACCOUNT);
	unsigned reserve = kind == GRANT_RENEWAL ? 0 : r->burst / 2;
	int64_t wait_ms = bucket_wait_ms(&g->accounts[ca], r,
		reserve, now_ms(g));
	return wait_ms > 0 ? wait_ms : 0;
}

enum err governor_start(struct governor *g, struct grant *grant, struct fault *fault)
{
	ASSERT(grant->is_taken && !grant->is_started);
	enum err err = look_at(g, grant, 0, CA_SCOPE_COUNT, fault);
	if (err)
		return err;
	hold(g, grant, 0, CA_SCOPE_COUNT);
	if (rate_of(g, grant->ca, SCOPE_ACCOUNT)->burst) {
		touch(g, SCOPE_ACCOUNT, grant->ca, grant)->held++;
		grant->held |= 1u << SCOPE_ACCOUNT;
	}
	grant->is_started = true;
	return E_OK;
}

/* ---- place, settle ---- */

enum ending { RELEASE, COUNT };

static void end_one(struct governor *g, struct grant *grant, unsigned scope, enum ending how)
{
	if (!(grant->held & 1u << scope))
		return;
	grant->held &= ~(1u << scope);
	struct bucket *b = touch(g, scope, grant->ca, grant);
	if (b->held)   /* it may have been forgotten meanwhile: a full ledger */
		b->held--;
	if (how == COUNT)
		bucket_take(b, rate_of(g, grant->ca, scope), now_ms(g));
}

/* In a job that has its turn already: another CA, or a second order. */
static enum err exchange(struct governor *g, struct grant *grant, unsigned ca, struct fault *fault)
{
	governor_settle(g, grant, grant->is_placed ? GRANT_UNKNOWN : GRANT_UNUSED);
	int64_t wait_ms = governor_wait_ms(g, ca, grant->kind);
	if (wait_ms > 0)
		return refuse(g, grant, ca, SCOPE_ACCOUNT, wait_ms, fault);
	enum grant_kind kind = grant->kind;
	if (kind == GRANT_CLIENTS && grant->is_charged)
		grant->kind = GRANT_NAMED;
	enum err err = governor_take(g, grant, ca, fault);
	if (!err)
		err = governor_start(g, grant, fault);
	grant->kind = kind;
	return err;
}

enum err governor_place(struct governor *g, struct grant *grant, unsigned ca, struct fault *fault)
{
	if (!grant->is_started || grant->is_placed || grant->ca != ca) {
		enum err err = exchange(g, grant, ca, fault);
		if (err)
			return err;
	}
	grant->is_placed = grant->is_charged = true;
	g->placed++;
	end_one(g, grant, SCOPE_ACCOUNT, COUNT);
	end_one(g, grant, BUDGET_TENANT, COUNT);
	end_one(g, grant, BUDGET_DOMAIN, COUNT);
	return E_OK;
}

void governor_settle(struct governor *g, struct grant *grant, enum grant_outcome outcome)
{
	static const struct {
		enum ending issued, failed;
	} endings[] = {
		[GRANT_UNUSED] = { RELEASE, RELEASE }, [GRANT_REFUSED] = { RELEASE, RELEASE },
		[GRANT_FAILED] = { RELEASE, COUNT }, [GRANT_ISSUED] = { COUNT, RELEASE },
		[GRANT_UNKNOWN] = { COUNT, COUNT },
	};
	ASSERT((unsigned)outcome < ARRAY_LEN(endings));
	end_one(g, grant, SCOPE_DOMAIN, endings[outcome].issued);
	end_one(g, grant, SCOPE_NAMES, endings[outcome].issued);
	end_one(g, grant, SCOPE_FAILURES, endings[outcome].failed);
	end_one(g, grant, SCOPE_ACCOUNT, RELEASE);   /* counted when it was placed */
	end_one(g, grant, BUDGET_TENANT, RELEASE);
	end_one(g, grant, BUDGET_DOMAIN, RELEASE);
	ASSERT(!grant->held);
	grant->is_taken = grant->is_started = grant->is_placed = false;
}

/* ---- what a CA says ---- */

/* A refusal in words we do not know is about the name, until several names are refused. */
static bool are_many_strangers(struct governor *g, const char *name)
{
	uint64_t hash = str_hash(str_from(name));
	int64_t now = now_ms(g);
	struct stranger *oldest = &g->strangers[0];
	unsigned n = 1;
	for (size_t i = 0; i < STRANGERS; i++) {
		struct stranger *s = &g->strangers[i];
		if (s->name_hash == hash && s->at_ms)
			s->at_ms = 0;
		n += s->at_ms && now - s->at_ms < STRANGERS_MS;
		if (s->at_ms < oldest->at_ms)
			oldest = s;
	}
	*oldest = (struct stranger){ hash, now };
	return n >= STRANGERS;
}

void governor_learn(struct governor *g, unsigned ca, const char *name, const struct fault *fault)
{
	int scope = ca_model_scope(fault);
	bool is_busy = fault->status == 503 && fault->retry_at_ms;
	if (fault->code != E_RATE_LIMITED && !is_busy)
		return;
	if (scope < 0)
		scope = are_many_strangers(g, name) ? SCOPE_ACCOUNT : SCOPE_FAILURES;
	const struct rate *r = rate_of(g, ca, (unsigned)scope);
	int64_t now = now_ms(g), asked_ms = fault->retry_at_ms - clock_wall_ms();
	if (!fault->retry_at_ms)
		asked_ms = r->burst ? r->every_ms : closed_default_ms;
	asked_ms = asked_ms < CLOSED_MIN_MS && !fault->retry_at_ms ? CLOSED_MIN_MS : asked_ms;
	asked_ms = asked_ms < closed_max_ms ? asked_ms : closed_max_ms;
	struct bucket *b = touch(g, (unsigned)scope, ca, &(struct grant){ .name = name });
	if (!is_busy)
		bucket_empty(b, r, now);   /* our count was wrong */
	if (now + asked_ms > b->closed_until_ms)
		b->closed_until_ms = now + asked_ms;
}

static bool tell_left(const struct governor *g, unsigned ca, const struct grant *grant, unsigned scope,
	struct governor_left *out)
{
	const struct rate *r = rate_of(g, ca, scope);
	const struct bucket *b = look(g, scope, ca, grant);
	int64_t now = now_ms(g), next_ms = bucket_next_ms(b, r, now);
	bool is_closed = b->closed_until_ms > now;
	char key[KEY];
	if (!r->burst && !is_closed)
		return false;
	struct str subject = scope == SCOPE_ACCOUNT ? STR_NONE
		: str_cut(key_of(key, scope, ca, grant->name, grant->tenant), ' ', &(struct str){ 0 });
	*out = (struct governor_left){ .letter = scopes[scope].letter, .what = scopes[scope].text,
		.directory = scope < CA_SCOPE_COUNT ? g->cas[ca].directory : NULL,
		.left = is_closed ? 0 : bucket_tokens(b, r, now), .limit = r->burst,
		.next_at_ms = next_ms ? clock_wall_ms() + next_ms : 0 };
	str_copy(out->subject, sizeof out->subject, subject);
	return true;
}

unsigned governor_left(const struct governor *g, unsigned ca, const struct grant *grant,
	enum governor_whose whose, struct governor_left out[GOVERNOR_LEFT])
{
	unsigned n = 0, end = whose == GOVERNOR_CAS_AND_OURS ? SCOPES : CA_SCOPE_COUNT;
	ASSERT(ca < g->n_cas && grant->name);
	for (unsigned s = 0; s < end; s++) {
		if (s != BUDGET_TENANT || has_tenant(grant))
			n += tell_left(g, ca, grant, s, &out[n]);
	}
	return n;
}

int64_t governor_closed_until_ms(const struct governor *g, unsigned ca)
{
	int64_t closed_ms = g->accounts[ca].closed_until_ms - now_ms(g);
	return closed_ms > 0 ? clock_wall_ms() + closed_ms : 0;
}

/* ---- kept across restarts ---- */

static int scope_of(char letter)
{
	for (int s = 0; s < SCOPES; s++) {
		if (scopes[s].letter == letter)
			return s;
	}
	return -1;
}

/* "d0 example.com": its scope and CA; false for no key of ours. */
static bool take_key(struct str key, unsigned n_cas, int *scope, unsigned *ca, struct str *subject)
{
	struct str number;
	uint64_t n;
	*subject = str_cut(key, ' ', &number);
	*scope = number.len ? scope_of(number.at[0]) : -1;
	if (*scope < 0 || !str_to_u64(str_of(number.at + 1, number.len - 1), &n) || n >= n_cas)
		return false;
	*ca = (unsigned)n;
	return subject->at && subject->len < KEY - 16;
}

static enum err write_bucket(const struct governor *g, struct str key, const struct bucket *b,
	struct buf *out)
{
	int64_t now = now_ms(g), full_at = b->full_at_ms > now ? b->full_at_ms : now;
	struct str subject;
	unsigned ca;
	int scope;
	bool ok = take_key(key, CAS_MAX, &scope, &ca, &subject);
	ASSERT(ok && ca < g->n_cas);
	const struct rate *r = rate_of(g, ca, (unsigned)scope);
	unsigned ahead = b->held + (scope == SCOPE_ACCOUNT && r->burst ? WRITE_AHEAD : 0);
	full_at += (int64_t)ahead * r->every_ms;
	return buf_addf(out, "%lld %lld %.*s\n", (long long)full_at, (long long)b->closed_until_ms,
		STR_FMT(key));
}

static enum err write_account(const struct governor *g, unsigned ca, struct buf *out)
{
	char key[KEY];
	if (bucket_is_idle(&g->accounts[ca], now_ms(g)))
		return E_OK;
	snprintf(key, sizeof key, "a%u -", ca);
	return write_bucket(g, str_from(key), &g->accounts[ca], out);
}

enum err governor_write(struct governor *g, struct buf *out)
{
	const void *cursor = NULL;
	const struct bucket *b;
	struct str key;
	enum err err = buf_add(out, STR("sallyport-governor 1\n"));
	for (unsigned i = 0; i < g->n_cas && !err; i++)
		err = buf_addf(out, "ca %u %s\n", i, g->cas[i].directory);
	for (unsigned i = 0; i < g->n_cas && !err; i++)
		err = write_account(g, i, out);
	while (!err && out->len + KEY + 64 < GOVERNOR_STATE && ledger_next(g->ledger, &cursor, &key, &b)) {
		if (!bucket_is_idle(b, now_ms(g)))
			err = write_bucket(g, key, b, out);
	}
	g->changes = g->placed = 0;
	return err;
}

struct reading {
	struct governor *g;
	int ca_now[CAS_MAX];   /* by the number of then */
};

static bool read_ca(struct reading *r, struct str rest)
{
	struct str number;
	uint64_t n;
	struct str directory = str_cut(rest, ' ', &number);
	if (!str_to_u64(number, &n) || n >= CAS_MAX || !directory.len)
		return false;
	for (unsigned i = 0; i < r->g->n_cas; i++) {
		if (str_is(directory, r->g->cas[i].directory))
			r->ca_now[n] = (int)i;
	}
	return true;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static bool read_bucket(struct reading *r, struct str number, struct str rest)
{
	struct str closed, subject;
	struct str key = str_cut(rest, ' ', &closed);
	uint64_t full_at, closed_until;
	unsigned ca;
	int scope;
	char text[KEY];
	if (!str_to_u64(number, &full_at) || !str_to_u64(closed, &closed_until) || full_at > INT64_MAX
		|| closed_until > INT64_MAX || !take_key(key, CAS_MAX, &scope, &ca, &subject))
		return false;
	if (scope < CA_SCOPE_COUNT && r->ca_now[ca] < 0)
		return true;
	ca = scope < CA_SCOPE_COUNT ? (unsigned)r->ca_now[ca] : 0;
	snprintf(text, sizeof text, "%c%u %.*s", scopes[scope].letter, ca, STR_FMT(subject));
	const struct rate *rate = rate_of(r->g, ca, (unsigned)scope);
	int64_t now = now_ms(r->g);
	struct bucket *b = scope == SCOPE_ACCOUNT ? &r->g->accounts[ca]
		: ledger_at(r->g->ledger, str_from(text), now);
	/* A clock that was ahead must not close anything for longer than a limit can last. */
	b->full_at_ms = least((int64_t)full_at, now + (int64_t)rate->burst * rate->every_ms);
	b->closed_until_ms = least((int64_t)closed_until, now + closed_max_ms);
	return true;
}

enum err governor_read(struct governor *g, struct str text, struct fault *fault)
{
	struct reading r = { .g = g };
	struct str line, word, rest;
	for (unsigned i = 0; i < CAS_MAX; i++)
		r.ca_now[i] = -1;
	text = str_cut(text, '\n', &line);
	if (!str_is(line, "sallyport-governor 1"))
		return fault_set(fault, E_STORE_CORRUPT, "no governor state");
	while (text.len) {
		text = str_cut(text, '\n', &line);
		rest = str_cut(line, ' ', &word);
		if (!(str_is(word, "ca") ? read_ca(&r, rest) : read_bucket(&r, word, rest)))
			return fault_set(fault, E_STORE_CORRUPT, "governor state damaged");
	}
	return E_OK;
}

bool governor_is_dirty(const struct governor *g)
{
	return g->changes > 0;
}

bool governor_wants_writing(const struct governor *g)
{
	return g->placed >= WRITE_AFTER;
}
