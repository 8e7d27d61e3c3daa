/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * job: everything that can be known without a CA comes first, so that a name in backoff, or one that
 * another process got meanwhile, costs the CA nothing and waits in no queue.
 *
 *   RECALL --> QUEUED --> LOCK --> STORED --> JOURNAL --> PROBE --> ACCOUNT --> KEY --> ORDER --> CHECK --> SAVE
 *      \                             \                       |         ^                  |                    |
 *       \                             \                      |         +-- another try ---+                    |
 *        +-----------------------------+---------------------+---> ended <----------------+--------------------+
 *
 * Another try: the other challenge type, the next CA, a forgotten account, an order that is no more,
 * production after its staging (see rehearsal). Each is bounded: two orders per CA in one job. The internal
 * CA orders nothing: it signs.
 */
#include "acme/job.h"

#include <stdio.h>

#include "acme/account.h"
#include "acme/ari.h"
#include "acme/course.h"
#include "acme/internal_ca.h"
#include "acme/job_log.h"
#include "acme/journal.h"
#include "acme/leaf.h"
#include "acme/order.h"
#include "acme/problem.h"
#include "acme/rehearsal.h"
#include "acme/terms.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/random.h"

/* X(enumerator, ask, answer to its errand, text) */
#define JOB_STATES(X) \
	X(JOB_RECALL, ask_recall, answer_recall, "recalling earlier failures") \
	X(JOB_QUEUED, ask_queued, NULL, "waiting for its turn") \
	X(JOB_LOCK, ask_lock, answer_lock, "waiting for another process") \
	X(JOB_STORED, ask_stored, answer_stored, "looking into the store") \
	X(JOB_JOURNAL, ask_journal, answer_journal, "looking for an unfinished order") \
	X(JOB_PROBE, ask_probe, answer_probe, "checking clock and store") \
	X(JOB_ACCOUNT, ask_account, NULL, "preparing the account") \
	X(JOB_KEY, ask_key, answer_key, "making the key") \
	X(JOB_ORDER, ask_order, answer_signature, "ordering") \
	X(JOB_CHECK, ask_check, answer_check, "checking the certificate") \
	X(JOB_SAVE, ask_save, answer_save, "saving the certificate")

typedef void job_ask_fn(struct job *j);
/* object: the job's from now on, NULL where the errand brings none. */
typedef void job_answer_fn(struct job *j, void *object);

enum job_state {
#define X(name, ask, answer, text) name,
	JOB_STATES(X)
#undef X
};

enum { LOCK_WAIT_MS = 30000, ORDERS_MAX = 2, BLAMELESS_MIN_MS = 2000, PROBE_AGE_MS = 1000,
	UNFIT_MS = 10000 };

struct job {
	struct job_env *env;
	char name[ENTRY_NAME];      /* a series */
	char *host;                 /* NULL: the same as the name */

	enum job_state state;
	struct errand *errand, *journal_errand;
	bool is_locked, is_forced;
	struct failure failure;     /* count 0: none */
	struct entry *held;         /* what the store has, due or expired */
	char advised[ARI_ID];       /* the certificate that its CA wants replaced; "": none */
	struct journal journal;     /* url "": none */
	char ordered_at[ACME_URL];
	bool is_resuming, was_resumed;

	struct grant *grant;        /* borrowed; NULL: without limits */
	bool may_order;             /* placed already, for the order to come */
	struct course course;
	struct waiter account;
	struct leaf *leaf;
	struct order *order;
	int used;                   /* challenge that worked, or -1 */
	unsigned polls;
	struct delivery *delivery;
	char profile[ORDER_PROFILE_NAME];   /* what the order was placed with */
	int64_t started_at_ms, run_at_ms;   /* loop clock */
};

static job_ask_fn ask_recall, ask_queued, ask_lock, ask_stored, ask_journal, ask_probe, ask_account, ask_key,
	ask_order, ask_check, ask_save;
static job_answer_fn answer_recall, answer_lock, answer_stored, answer_journal, answer_probe, answer_key,
	answer_signature, answer_check, answer_save;

static const struct {
	const char *text;
	job_ask_fn *ask;
	job_answer_fn *answer;
} rows[] = {
#define X(name, ask, answer, text) { text, ask, answer },
	JOB_STATES(X)
#undef X
};

static const struct log log_acme = { "acme" };

static void enter(struct job *j, enum job_state state)
{
	j->state = state;
	log_trace(&log_acme, "job", "name=%s state=%d", j->name, (int)state);
	rows[state].ask(j);
}

static struct ca *ca_of(const struct job *j)
{
	return course_ca(&j->course);
}

/* ---- the ends ---- */

static void end(struct job *j, enum err err, struct entry *e, const struct fault *fault,
	int64_t retry_at_ms)
{
	struct entry *mine = e ? entry_ref(e) : NULL;
	struct fault f = fault ? *fault : (struct fault){ .code = err };
	j->env->on_ended(j->env->issuer, j, err, mine, &f, retry_at_ms);
	entry_unref(&mine);
}

/* The CA is down or refuses us: nobody counts that against the name. */
static void end_blameless(struct job *j, enum err err, const struct fault *fault, int64_t retry_at_ms)
{
	int64_t now = clock_wall_ms();
	if (retry_at_ms < now + BLAMELESS_MIN_MS)
		retry_at_ms = now + BLAMELESS_MIN_MS;
	job_log_blameless(j->name, err, fault, retry_at_ms);
	end(j, err, NULL, fault, retry_at_ms);
}

/* This name failed: count it, say it, keep it. */
static void end_failed(struct job *j, const struct fault *fault)
{
	int64_t now = clock_wall_ms();
	struct failure_rule rule = { j->env->acme->retry_min_ms, j->env->acme->retry_max_ms,
		terms_life_left_ms(j->held, now) };
	struct fault f = *fault;
	if (course_is_rehearsing(&j->course))
		rehearsal_tell(&f, ca_of(j)->conf->name);
	failure_add(&j->failure, &f, &rule, now, (unsigned)random_below(1001));
	j->failure.is_validation = rehearsal_is_verdict(fault, j->used);
	memory_keep(&j->env->memory, j->name, &j->failure);
	job_log_failed(j->name, ca_of(j)->conf->name, &j->failure);
	end(j, f.code, NULL, &f, j->failure.retry_at_ms);
}

/* ---- RECALL ---- */

static void on_errand(void *owner, enum err err, void *object, const struct fault *fault);

static void ask_recall(struct job *j)
{
	j->errand = memory_recall(&j->env->memory, j->name, on_errand, j);
}

static void answer_recall(struct job *j, void *object)
{
	struct failure *f = object;
	const struct failure *newer = memory_newest(&j->env->memory, j->name);
	if (newer)
		j->failure = *newer;
	else if (f)
		j->failure = *f;
	mem_release(f);
	if (failure_forbids(&j->failure, clock_wall_ms()))
		end(j, E_BACKOFF, NULL, &j->failure.fault, j->failure.retry_at_ms);
	else
		enter(j, JOB_QUEUED);
}

/* ---- QUEUED ---- */

static void ask_queued(struct job *j)
{
	j->env->on_wants_turn(j->env->issuer, j);
}

void job_refuse(struct job *j, const struct fault *fault)
{
	ASSERT(j->state == JOB_QUEUED);
	end_blameless(j, fault->code, fault, fault->retry_at_ms);
}

void job_run(struct job *j, struct grant *grant)
{
	ASSERT(j->state == JOB_QUEUED);
	j->grant = grant;
	if (grant)
		j->course.ca = grant->ca;
	j->run_at_ms = loop_now_ms(j->env->loop);
	enter(j, JOB_LOCK);
}

/* ---- LOCK ---- */

static void ask_lock(struct job *j)
{
	/* by the host: two certificates of one name do not prove it at the same time */
	j->errand = errand_lock(j->env->store, job_host(j), LOCK_WAIT_MS, on_errand, j);
}

static void answer_lock(struct job *j, void *object)
{
	(void)object;
	j->is_locked = true;
	enter(j, JOB_STORED);
}

/* ---- STORED: another process may have been faster ---- */

static const struct conf_keys *keys_of(const struct job *j)
{
	return j->env->keys(j->env->issuer, job_host(j));
}

static void ask_stored(struct job *j)
{
	j->errand = errand_load(j->env->store, STORE_CERTS, j->name, entry_read, entry_release,
		on_errand, j);
}

static void answer_stored(struct job *j, void *object)
{
	struct entry *e = object;
	int64_t now = clock_wall_ms();
	bool is_advised = e && j->advised[0] && str_is(str_from(e->ari_id), j->advised);
	if (!e || j->is_forced || !entry_is_valid_at(e, now) || now >= e->renew_at_ms
		|| is_advised || terms_is_misfit(keys_of(j), j->name, e->key_type)) {
		j->held = e;
		enter(j, JOB_JOURNAL);
		return;
	}
	/* Its order is done, whatever the journal says. */
	errand_remove(j->env->store, STORE_ORDERS, j->name);
	end(j, E_OK, e, NULL, 0);
	entry_unref(&e);
}

/* ---- JOURNAL ---- */

static void drop_journal(struct job *j)
{
	if (j->journal.url[0])
		errand_remove(j->env->store, STORE_ORDERS, j->name);
	journal_fini(&j->journal);
	j->journal = (struct journal){ 0 };
	j->is_resuming = false;
}

static void ask_journal(struct job *j)
{
	j->errand = errand_load(j->env->store, STORE_ORDERS, j->name, journal_read, journal_free,
		on_errand, j);
}

static void answer_journal(struct job *j, void *object)
{
	struct journal *journal = object;
	if (journal) {
		j->journal = *journal;
		mem_release(journal);
		/* One that led to the certificate we hold is over. */
		bool is_over = j->held && j->held->issued_at_ms >= j->journal.begun_at_ms;
		if (!is_over && journal_is_alive(&j->journal, clock_wall_ms())
			&& key_type(j->journal.key) == terms_key(keys_of(j), j->name)
			&& course_resume(&j->course, j->journal.ca))
			j->is_resuming = j->was_resumed = true;
		else
			drop_journal(j);
	}
	if (!j->is_resuming)
		course_rehearse(&j->course, &j->failure, j->held);
	enter(j, JOB_PROBE);
}

/* ---- which CA: the first that is not known to be down ---- */

static bool next_ca(struct job *j)
{
	bool was_rehearsing = course_is_rehearsing(&j->course);
	if (!course_next(&j->course, j->held))
		return false;
	drop_journal(j);
	if (was_rehearsing) {  /* that key has been shown */
		leaf_free(j->leaf);
		j->leaf = NULL;
	}
	return true;
}

/* ---- PROBE: what cannot be stored or judged is not ordered: that would cost a CA's patience ---- */

static void ask_probe(struct job *j)
{
	if (j->is_resuming || loop_now_ms(j->env->loop) < j->env->probe_again_ms)
		enter(j, JOB_ACCOUNT);
	else
		j->errand = errand_probe(j->env->store, on_errand, j);
}

static void answer_probe(struct job *j, void *object)
{
	(void)object;
	j->env->probe_again_ms = loop_now_ms(j->env->loop) + PROBE_AGE_MS;
	enter(j, JOB_ACCOUNT);
}

/* ---- ACCOUNT ---- */

static void end_ca_down(struct job *j, const struct fault *fault)
{
	int64_t at = clock_wall_ms() + ca_wait_ms(j->env->cas, j->course.ca + 1, clock_mono_ms());
	end_blameless(j, fault->code, fault, fault->retry_at_ms > at ? fault->retry_at_ms : at);
}

static void ask_account(struct job *j)
{
	struct fault fault = { 0 };
	while (!breaker_may_start(&ca_of(j)->breaker, clock_mono_ms())) {
		if (next_ca(j))
			continue;
		fault_set(&fault, E_CA_DOWN, "%s was unreachable a moment ago", ca_of(j)->conf->name);
		fault_during(&fault, "%s", rows[j->state].text);
		end_ca_down(j, &fault);
		return;
	}
	struct ca *ca = ca_of(j);
	if (terms_is_ready(ca))
		enter(j, JOB_KEY);
	else if (ca->internal)
		internal_ca_wait(ca->internal, &j->account);
	else
		account_wait(ca->account, &j->account);
}

static void on_account(struct waiter *w, enum err err, const struct fault *fault)
{
	struct job *j = container_of(w, struct job, account);
	if (err && ca_of(j)->internal)  /* others see to it themselves */
		breaker_failed(&ca_of(j)->breaker, BREAKER_CERTAIN, 0, clock_mono_ms());
	if (err && j->grant)
		governor_learn(j->env->governor, j->course.ca, job_host(j), fault);
	if (!err)
		enter(j, JOB_KEY);
	else if (next_ca(j))
		enter(j, JOB_ACCOUNT);
	else
		end_ca_down(j, fault);
}

/* ---- KEY ---- */

static void ask_key(struct job *j)
{
	/* A second order of the same job keeps its key: the first came to nothing. */
	if (j->leaf && !j->is_resuming) {
		enter(j, JOB_ORDER);
		return;
	}
	leaf_free(j->leaf);
	j->leaf = NULL;
	struct leaf *leaf = leaf_new(job_host(j), terms_key(keys_of(j), j->name),
		j->is_resuming ? j->journal.key : NULL);
	j->errand = errand_work(j->env->loop, leaf_make, leaf, leaf_free, on_errand, j);
}

static void answer_key(struct job *j, void *object)
{
	j->leaf = object;
	enter(j, JOB_ORDER);
}

/* ---- ORDER ---- */

static struct terms_args terms_of(const struct job *j)
{
	return (struct terms_args){ .ca = ca_of(j), .name = job_host(j), .acme = j->env->acme, .can = j->env->can,
		.held = j->held, .avoid = j->course.avoid };
}

/* Whether the governor lets another order be placed at this CA. */
static bool may_order(struct job *j, struct fault *fault)
{
	if (j->grant && !j->may_order && governor_place(j->env->governor, j->grant, j->course.ca, fault))
		return false;
	j->may_order = true;
	return true;
}

static void end_limited(struct job *j, const struct fault *fault)
{
	if (next_ca(j))
		enter(j, JOB_ACCOUNT);
	else
		end_blameless(j, fault->code, fault, fault->retry_at_ms);
}

static void settle(struct job *j, enum err err, enum problem_class class)
{
	if (j->grant && j->grant->is_placed)
		governor_settle(j->env->governor, j->grant, terms_outcome(err, class, j->used));
}

static void on_placed(void *owner, struct order *o);
static void on_ordered(void *owner, struct order *o, enum err err, struct str chain,
	const struct fault *fault);

static void ask_signature(struct job *j)
{
	struct ca *ca = ca_of(j);
	j->errand = errand_work(j->env->loop, internal_leaf_sign,
		internal_leaf_new(ca->internal, job_host(j), j->leaf->key, ca->conf->lifetime_ms),
		internal_leaf_free, on_errand, j);
}

static void answer_signature(struct job *j, void *object)
{
	struct internal_leaf *leaf = object;
	breaker_worked(&ca_of(j)->breaker);
	str_copy(j->ordered_at, ACME_URL, str_from(CONF_CA_INTERNAL));
	j->delivery = delivery_new(j->name, buf_str(&leaf->chain_pem));
	internal_leaf_free(leaf);
	enter(j, JOB_CHECK);
}

static void ask_order(struct job *j)
{
	struct ca *ca = ca_of(j);
	/* The directory may have grown old while the key was made. */
	if (!terms_is_ready(ca)) {
		enter(j, JOB_ACCOUNT);
		return;
	}
	if (ca->internal) {
		ask_signature(j);
		return;
	}
	struct fault fault = { 0 };
	struct terms_args terms = terms_of(j);
	const char *preferred = j->env->profile_of ? j->env->profile_of(j->env->issuer, j->name) : "";
	struct order_args args = {
		.ca = ca, .kid = account_kid(ca->account),
		.name = job_host(j), .csr = buf_str(&j->leaf->csr),
		.resume_url = j->is_resuming ? j->journal.url : NULL,
		.must_have_profile = ca->conf->profile_required && !preferred[0],
		.preferred_chain = ca->conf->preferred_chain,
		.table = j->env->challenges,
		.on_placed = on_placed, .on_done = on_ordered, .owner = j,
	};
	args.n_wanted = terms_challenges(&terms, args.wanted);
	struct terms_wish wish = { job_host(j), preferred, j->course.is_profile_refused };
	bool has_profile = !terms_profile(ca, &wish, &args.profile, &fault);
	if (!has_profile || (!j->is_resuming && !may_order(j, &fault))) {
		fault_during(&fault, "%s", rows[j->state].text);
		(has_profile ? end_limited : end_failed)(j, &fault);
		return;
	}
	if (j->held && !j->course.is_replaces_refused)
		args.replaces = terms_replaces(ca, j->held, clock_wall_ms());
	if (!j->is_resuming)
		j->course.orders++;
	j->may_order = false;
	j->order = order_start(&args);
}

static void on_journal_saved(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct job *j = owner;
	(void)object;
	j->journal_errand = NULL;
	if (!j->order)
		return;
	if (!err || j->is_resuming) {  /* resumed: the key is there already */
		order_allow_finalize(j->order);
		return;
	}
	/* A disk that cannot take the key cannot take the certificate: spend no quota on it. */
	struct fault f = *fault;
	fault_during(&f, "writing the order down");
	order_cancel(&j->order);
	end_failed(j, &f);
}

/* While the CA validates, the disk syncs. */
static void on_placed(void *owner, struct order *o)
{
	struct job *j = owner;
	if (j->is_resuming)
		j->journal.resumed++;
	else {
		drop_journal(j);
		journal_begin(&j->journal, ca_of(j)->conf->directory, order_url(o), j->leaf->key);
	}
	str_copy(j->ordered_at, ACME_URL, str_from(order_url(o)));
	j->journal.expires_ms = order_expires_ms(o);
	errand_abandon(&j->journal_errand);
	j->journal_errand = journal_save(&j->journal, j->env->store, j->name, on_journal_saved, j);
}

static void retry_order(struct job *j)
{
	drop_journal(j);
	enter(j, JOB_ACCOUNT);
}

/* One kind of trouble after the other; the first that has a remedy left wins. */
static void order_failed(struct job *j, const struct fault *fault, int used)
{
	struct terms_args terms = terms_of(j);
	enum problem_class class = problem_class(fault);
	struct fault limited;
	settle(j, fault->code, class);
	if (j->grant)
		governor_learn(j->env->governor, j->course.ca, job_host(j), fault);
	if (!j->course.was_reregistered && terms_is_account_trouble(ca_of(j), fault, used)) {
		j->course.was_reregistered = true;
		if (j->course.orders)
			j->course.orders--;
		retry_order(j);
	} else if ((class == PROBLEM_CA || fault->code == E_RATE_LIMITED) && next_ca(j)) {
		enter(j, JOB_ACCOUNT);
	} else if (class == PROBLEM_CA) {
		end_ca_down(j, fault);
	} else if (fault->code == E_TIMEOUT || fault->code == E_ACME_PROTOCOL) {
		/* Slow, or garbled on its way: the order itself may be fine, so the journal stays. */
		end_failed(j, fault);
	} else if (j->is_resuming || (class == PROBLEM_ORDER_GONE && j->course.orders < ORDERS_MAX)) {
		retry_order(j);
	} else if (course_is_rehearsing(&j->course) && !rehearsal_is_verdict(fault, used) && next_ca(j)) {
		enter(j, JOB_ACCOUNT);
	} else if (used >= 0 && (problem_is_about_challenge(fault) || fault->code == E_DNS)
		&& j->course.orders < ORDERS_MAX && j->course.avoid < 0 && terms_has_other(&terms, used)
		&& may_order(j, &limited)) {
		log_info(&log_acme, "trying the other challenge", "name=%s failed=%s", j->name,
			challenge_type_of((enum conf_challenge)used)->name);
		j->course.avoid = used;
		retry_order(j);
	} else {
		drop_journal(j);
		end_failed(j, fault);
	}
}

static void on_ordered(void *owner, struct order *o, enum err err, struct str chain,
	const struct fault *fault)
{
	struct job *j = owner;
	ASSERT(o == j->order);
	j->order = NULL;
	j->used = order_challenge(o);
	j->polls += order_polls(o);
	j->course.is_replaces_refused |= order_was_refused(o, ORDER_REPLACES);
	j->course.is_profile_refused |= order_was_refused(o, ORDER_PROFILE);
	str_copy(j->profile, sizeof j->profile, str_from(order_profile(o)));
	if (err) {
		job_log_refusal(j->name, ca_of(j)->conf->name, fault);
		order_failed(j, fault, j->used);
		return;
	}
	settle(j, E_OK, PROBLEM_NAME);
	if (course_is_rehearsing(&j->course)) {
		next_ca(j);
		enter(j, JOB_ACCOUNT);
		return;
	}
	j->delivery = delivery_new(j->name, chain);
	enter(j, JOB_CHECK);
}

/* ---- CHECK ---- */

static void ask_check(struct job *j)
{
	struct delivery *d = j->delivery;
	const struct ca *ca = ca_of(j);
	int used = j->used >= 0 ? j->used : terms_worked(j->held);
	delivery_note(d, ca->conf->directory, ca->account ? account_kid(ca->account) : "",
		ca->account ? j->profile : "",
		used >= 0 ? challenge_type_of((enum conf_challenge)used)->name : "");
	d->key = key_ref(j->leaf->key);
	d->now_ms = clock_wall_ms();
	j->delivery = NULL;  /* the errand's now */
	j->errand = errand_work(j->env->loop, delivery_check, d, delivery_free, on_errand, j);
}

static void answer_check(struct job *j, void *object)
{
	j->delivery = object;
	enter(j, JOB_SAVE);
}

/* ---- SAVE ---- */

static void ask_save(struct job *j)
{
	j->errand = j->env->save(j->env->issuer, j, j->delivery->entry, buf_str(&j->delivery->bundle), on_errand, j);
}

/* fault: E_OK, or why it could not be saved. */
static void end_issued(struct job *j, const struct fault *fault)
{
	struct entry *e = j->delivery->entry;
	counter_add(COUNTER_ISSUED, 1);
	if (j->used >= 0 && j->name[0] != '*')
		ca_of(j)->worked = j->used;
	if (j->failure.count)
		memory_forget(&j->env->memory, j->name);
	int64_t now = loop_now_ms(j->env->loop);
	job_log_success(e, ca_of(j)->conf->name, &(struct job_effort){ .ms = now - j->run_at_ms,
		.queued_ms = j->run_at_ms - j->started_at_ms, .polls = j->polls,
		.was_resumed = j->was_resumed });
	end(j, E_OK, e, fault, 0);
}

static void answer_save(struct job *j, void *object)
{
	(void)object;
	/* In this order: a kill in between leaves an order that is known to be over. */
	drop_journal(j);
	end_issued(j, NULL);
}

static void save_failed(struct job *j, const struct fault *fault)
{
	job_log_unsaved(j->name, fault);
	j->env->on_unsaved(j->env->issuer, j->name, j->delivery->entry->renew_at_ms, &j->delivery->bundle);
	end_issued(j, fault);
}

/* ---- callbacks ---- */
static void errand_failed(struct job *j, const struct fault *fault)
{
	struct fault f = *fault;
	fault_during(&f, "%s", rows[j->state].text);
	switch (j->state) {
	case JOB_RECALL:   /* nothing known, or nothing readable: what counts comes from the CA */
	case JOB_STORED:
	case JOB_JOURNAL:
		rows[j->state].answer(j, NULL);
		return;
	case JOB_SAVE:
		save_failed(j, &f);
		return;
	case JOB_PROBE:
	case JOB_LOCK:     /* another process is at it */
		end_blameless(j, f.code, &f, j->state == JOB_PROBE ? clock_wall_ms() + UNFIT_MS : 0);
		return;
	case JOB_CHECK:
		job_log_refusal(j->name, ca_of(j)->conf->name, &f);
		drop_journal(j);
		end_failed(j, &f);
		return;
	default:
		end_failed(j, &f);
	}
}

static void on_errand(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct job *j = owner;
	j->errand = NULL;
	if (err)
		errand_failed(j, fault);
	else
		rows[j->state].answer(j, object);
}

/* ---- the door ---- */

void job_resume(struct job *j)
{
	j->used = -1;
	course_init(&j->course, j->env->cas, j->env->n_cas, j->env->n_stagings, job_host(j));
	enter(j, JOB_RECALL);
}

static void let_go(struct job *j)
{
	list_remove(&j->account.node);
	order_cancel(&j->order);
	errand_abandon(&j->errand);
	errand_abandon(&j->journal_errand);
	if (j->is_locked)
		j->env->store->ops->unlock(j->env->store, job_host(j));
	leaf_free(j->leaf);
	delivery_free(j->delivery);
	entry_unref(&j->held);
	journal_fini(&j->journal);
}

void job_pause(struct job *j)
{
	struct job fresh = { .env = j->env, .host = j->host, .is_forced = j->is_forced,
		.started_at_ms = j->started_at_ms };
	let_go(j);
	memcpy(fresh.name, j->name, sizeof fresh.name);
	memcpy(fresh.advised, j->advised, sizeof fresh.advised);
	memcpy(fresh.ordered_at, j->ordered_at, sizeof fresh.ordered_at);
	*j = fresh;
	waiter_init(&j->account, on_account);
}

struct job *job_new(struct job_env *env, const char *name)
{
	struct job *j = mem_new(sizeof *j);
	j->env = env;
	bool fits = str_copy(j->name, sizeof j->name, str_from(name));
	ASSERT(fits && j->name[0]);
	if (series_is_second(name))
		j->host = mem_strdup(series_host_text((char[SERIES_NAME]){ 0 }, name));
	j->started_at_ms = loop_now_ms(env->loop);
	waiter_init(&j->account, on_account);
	job_resume(j);
	return j;
}

void job_replace(struct job *j, const char *ari_id)
{
	ASSERT(j->state == JOB_RECALL);
	str_copy(j->advised, sizeof j->advised, str_from(ari_id));
}

void job_free(struct job **job)
{
	struct job *j = *job;
	if (!j)
		return;
	*job = NULL;
	let_go(j);
	mem_free(&j->host);
	mem_release(j);
}

const char *job_name(const struct job *j)
{
	return j->name;
}

const char *job_host(const struct job *j)
{
	return j->host ? j->host : j->name;
}

const char *job_ordered_at(const struct job *j)
{
	return j->ordered_at;
}

const char *job_text(const struct job *j)
{
	return j->state == JOB_ORDER && j->order ? order_text(j->order) : rows[j->state].text;
}

enum job_stage job_stage(const struct job *j)
{
	if (j->state <= JOB_LOCK)
		return JOB_STAGE_QUEUED;
	return j->state == JOB_ORDER && j->order && order_is_validating(j->order) ? JOB_STAGE_VALIDATING
		: JOB_STAGE_ORDERING;
}

const char *job_rehearsal(const struct job *j)
{
	return course_is_rehearsing(&j->course) ? ca_of(j)->conf->name : NULL;
}

int64_t job_started_ms(const struct job *j)
{
	return j->started_at_ms;
}

void job_force(struct job *j)
{
	ASSERT(j->state <= JOB_LOCK);
	j->is_forced = true;
}

struct job_env *job_env(const struct job *j)
{
	return j->env;
}

uint64_t job_failures(const struct job *j)
{
	return j->failure.count;
}
