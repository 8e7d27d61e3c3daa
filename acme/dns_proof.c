/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns_proof: owns itself once it is ended.
 *
 *   FIND --> SET --> LOOK <--> PAUSE      (DNS_FOR_GOOD looks before it sets)
 *     \        \       \________/  \
 *      \        \           \       +--> SHOWN --end--> REMOVE --> freed
 *       \________\___________\_failed_____/
 *
 * FIND, SET, LOOK and REMOVE run on the pool; whoever finds no place there waits in the line. While one
 * runs the fields below "work" are the pool's, and an end waits for it.
 */
#include "acme/dns_proof.h"

#include <stdio.h>

#include "acme/dns_lookup.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/deadline.h"

/* X(enumerator, text) */
#define PROOF_STATES(X) \
	X(PROOF_FIND, "finding the zone of the DNS record") \
	X(PROOF_SET, "setting the DNS record") \
	X(PROOF_LOOK, "waiting for the DNS record") \
	X(PROOF_PAUSE, "waiting for the DNS record") \
	X(PROOF_SHOWN, "the DNS record is there") \
	X(PROOF_REMOVE, "removing the DNS record")

enum proof_state {
#define X(name, text) name,
	PROOF_STATES(X)
#undef X
};

enum { PLACES = 4, FIND_MS = 20000, UPDATE_MS = 30000, LOOK_MS = 10000, SILENT_LOOKS = 3,
	STOP_MS = 2500 };

struct dns_line {
	struct loop *loop;
	struct conf *conf;
	struct list waiting, all;
	unsigned running;
};

struct dns_proof {
	struct list node, waiting_node;
	struct dns_line *line;         /* NULL: gone */
	struct loop *loop;
	struct conf *conf;
	enum dns_stay stay;
	dns_proof_fn *fn;              /* NULL: told, or ended */
	void *owner;
	enum proof_state state;
	struct deadline deadline;
	int64_t give_up_at_ms;         /* 0: not looking yet */
	unsigned silent_looks;
	bool is_ended, is_working, has_place, may_be_set, was_set;
	dns_until until;

	struct loop_work work;
	struct dns_txt txt;
	struct dns_servers *servers;   /* NULL: not found yet */
	struct dns_look look;
	enum err err;
	struct fault fault;
};

static const struct log log_acme = { "acme" };

static void start_work(struct dns_proof *p);
static void on_found(struct dns_proof *p);
static void on_set(struct dns_proof *p);
static void on_looked(struct dns_proof *p);

static const char *text_of(enum proof_state state)
{
	static const char *const texts[] = {
#define X(name, text) text,
		PROOF_STATES(X)
#undef X
	};
	return texts[state];
}

static void enter(struct dns_proof *p, enum proof_state state)
{
	p->state = state;
	log_trace(&log_acme, text_of(state), "name=%s", p->txt.name);
	deadline_disarm(&p->deadline);
	if (state == PROOF_PAUSE)
		deadline_arm(&p->deadline, p->conf->acme.dns.every_ms);
	else if (state != PROOF_SHOWN)
		start_work(p);
}

static void free_proof(struct dns_proof *p)
{
	list_remove(&p->node);
	list_remove(&p->waiting_node);
	deadline_disarm(&p->deadline);
	conf_unref(&p->conf);
	mem_free(&p->servers);
	mem_free(&p);
}

/* ---- the pool ---- */

static void run_find(struct dns_proof *p)
{
	char name[DNS_NAME];
	p->err = dns_follow(p->txt.name, name, &p->until, &p->fault);
	if (p->err)
		return;
	memcpy(p->txt.name, name, sizeof name);
	/* A provider may know it without; then nobody can be asked but the configured servers. */
	dns_find_zone(name, NULL, p->txt.zone, &p->until, NULL);
}

static void run_look(struct dns_proof *p)
{
	p->look = (struct dns_look){ 0 };
	if (!p->servers) {
		struct dns_servers *servers = mem_new(sizeof *servers);
		p->err = p->txt.zone[0] || p->conf->acme.dns.n_nameservers
			? dns_find_servers(&p->conf->acme.dns, p->txt.zone, servers, &p->until, &p->fault)
			: fault_set(&p->fault, E_DNS, "the zone of %s is not found", p->txt.name);
		if (p->err)
			mem_free(&servers);
		p->servers = servers;
	}
	if (!p->err)
		p->look = dns_look(p->servers, &p->txt, &p->until, &p->fault);
}

static void run_change(struct dns_proof *p, bool is_removal)
{
	const struct conf_dns *conf = &p->conf->acme.dns;
	const struct dns_provider *provider = dns_provider_of(conf);
	ASSERT(provider);
	p->err = is_removal ? provider->cleanup(conf, &p->txt, &p->until, &p->fault)
		: provider->present(conf, &p->txt, &p->until, &p->fault);
}

static void on_pool_thread(struct loop_work *w)
{
	struct dns_proof *p = container_of(w, struct dns_proof, work);
	p->err = E_OK;
	fault_clear(&p->fault);
	if (p->state == PROOF_FIND)
		run_find(p);
	else if (p->state == PROOF_LOOK)
		run_look(p);
	else
		run_change(p, p->state == PROOF_REMOVE);
}

static int64_t allowance_ms(const struct dns_proof *p)
{
	const struct conf_dns *conf = &p->conf->acme.dns;
	if (!p->line)
		return STOP_MS;
	if (p->state == PROOF_FIND)
		return FIND_MS;
	if (p->state == PROOF_LOOK)
		return LOOK_MS;
	return conf->n_exec ? conf->exec_ms : UPDATE_MS;
}

static void take_place(struct dns_proof *p)
{
	list_remove(&p->waiting_node);
	p->is_working = true;
	p->has_place = p->line;
	if (p->line)
		p->line->running++;
	atomic_store(&p->until, clock_mono_ms() + allowance_ms(p));
	loop_work_start(p->loop, &p->work);
}

static void start_work(struct dns_proof *p)
{
	if (p->line && p->line->running >= PLACES)
		list_append(&p->line->waiting, &p->waiting_node);
	else
		take_place(p);
}

static void leave_place(struct dns_proof *p)
{
	struct dns_line *line = p->line;
	p->is_working = false;
	if (!line || !p->has_place)
		return;
	p->has_place = false;
	line->running--;
	if (!list_is_empty(&line->waiting))
		take_place(list_first(&line->waiting, struct dns_proof, waiting_node));
}

static void remove_or_free(struct dns_proof *p)
{
	if (p->state != PROOF_REMOVE && p->may_be_set && p->stay == DNS_FOR_NOW)
		enter(p, PROOF_REMOVE);
	else
		free_proof(p);
}

static void on_removed(struct dns_proof *p)
{
	if (p->err && p->was_set)
		log_kv(&log_acme, LOG_WARN, "dns record not removed", (struct log_field[]){
			{ .key = "name", .text = str_from(p->txt.name) },
			{ .key = "detail", .text = str_from(p->fault.detail) },
		}, 2);
	free_proof(p);
}

static void on_worked(struct loop_work *w, bool canceled)
{
	struct dns_proof *p = container_of(w, struct dns_proof, work);
	ASSERT(!canceled);
	leave_place(p);
	if (p->state == PROOF_SET && !p->err)
		p->was_set = true;
	if (p->state == PROOF_REMOVE)
		on_removed(p);
	else if (p->is_ended)
		remove_or_free(p);
	else if (p->state == PROOF_FIND)
		on_found(p);
	else if (p->state == PROOF_SET)
		on_set(p);
	else
		on_looked(p);
}

/* ---- the way ---- */

static void tell(struct dns_proof *p, enum err err)
{
	dns_proof_fn *fn = p->fn;
	struct fault f = p->fault;
	f.code = err;
	fault_during(&f, "%s", text_of(p->state));
	p->fn = NULL;
	enter(p, PROOF_SHOWN);
	if (fn)
		fn(p->owner, err, err ? &f : NULL);
}

static void set(struct dns_proof *p)
{
	p->may_be_set = true;
	enter(p, PROOF_SET);
}

static void on_found(struct dns_proof *p)
{
	if (p->err)
		tell(p, p->err);
	else if (p->stay == DNS_FOR_NOW)
		set(p);
	else
		enter(p, PROOF_LOOK);
}

static void on_set(struct dns_proof *p)
{
	int64_t wait_ms = p->conf->acme.dns.propagation_ms;
	if (p->err) {
		tell(p, p->err);
		return;
	}
	log_info(&log_acme, "dns record set", "name=%s zone=%s", p->txt.name, p->txt.zone);
	p->give_up_at_ms = loop_now_ms(p->loop) + wait_ms;
	if (wait_ms)
		enter(p, PROOF_LOOK);
	else
		tell(p, E_OK);
}

/* A record that is to stay and is not there. */
static void on_missing(struct dns_proof *p)
{
	if (dns_provider_of(&p->conf->acme.dns)) {
		set(p);
		return;
	}
	fault_set(&p->fault, E_DNS, "dns-persist-01 needs this record, once: %s TXT \"%s\"", p->txt.name,
		p->txt.value);
	tell(p, E_DNS);
}

static void go_on_blind(struct dns_proof *p)
{
	log_kv(&log_acme, LOG_WARN, "dns record not seen everywhere, going on", (struct log_field[]){
		{ .key = "name", .text = str_from(p->txt.name) },
		{ .key = "detail", .text = str_from(p->fault.detail) },
	}, 2);
	tell(p, E_OK);
}

/*
 * A server that says "no" is waited for. One that says nothing may be out of our reach and within the
 * CA's: that alone stops nobody for long.
 */
static void on_looked(struct dns_proof *p)
{
	bool is_late = p->give_up_at_ms && loop_now_ms(p->loop) >= p->give_up_at_ms;
	bool is_silent = !p->look.has_not && (p->err || p->look.silent || !p->look.has);
	bool is_for_good = p->stay == DNS_FOR_GOOD && !p->was_set;
	p->silent_looks = is_silent ? p->silent_looks + 1 : 0;
	if (!p->look.has_not && !is_silent)
		tell(p, E_OK);
	else if (is_for_good && p->look.has_not)
		on_missing(p);
	else if (is_silent && (is_late || is_for_good
		|| (p->look.has && p->silent_looks >= SILENT_LOOKS)))
		go_on_blind(p);
	else if (is_late)
		tell(p, E_DNS);
	else
		enter(p, PROOF_PAUSE);
}

static void on_deadline(struct deadline *d)
{
	enter(container_of(d, struct dns_proof, deadline), PROOF_LOOK);
}

/* ---- the door ---- */

struct dns_proof *dns_proof_start(const struct dns_proof_args *args, dns_proof_fn *fn, void *owner)
{
	struct dns_line *line = args->line;
	struct dns_proof *p = mem_new(sizeof *p);
	ASSERT(fn);
	p->line = line;
	p->loop = line->loop;
	p->conf = conf_ref(line->conf);
	p->stay = args->stay;
	p->fn = fn;
	p->owner = owner;
	p->txt.match = args->stay == DNS_FOR_GOOD ? DNS_PERSIST : DNS_EXACT;
	bool fits = str_copy(p->txt.domain, sizeof p->txt.domain, str_from(args->domain))
		&& str_copy(p->txt.name, sizeof p->txt.name, str_from(args->name))
		&& str_copy(p->txt.value, sizeof p->txt.value, str_from(args->value));
	ASSERT(fits);
	p->work.fn = on_pool_thread;
	p->work.done = on_worked;
	list_init(&p->node);
	list_init(&p->waiting_node);
	list_append(&line->all, &p->node);
	deadline_init(&p->deadline, line->loop, on_deadline);
	enter(p, PROOF_FIND);
	return p;
}

void dns_proof_end(struct dns_proof **proof)
{
	struct dns_proof *p = *proof;
	*proof = NULL;
	if (!p)
		return;
	ASSERT(!p->is_ended);
	p->is_ended = true;
	p->fn = NULL;
	if (p->is_working)
		return;
	list_remove(&p->waiting_node);
	remove_or_free(p);
}

const char *dns_proof_text(const struct dns_proof *p)
{
	return text_of(p->state);
}

struct dns_line *dns_line_new(struct loop *l, struct conf *conf)
{
	struct dns_line *line = mem_new(sizeof *line);
	line->loop = l;
	line->conf = conf_ref(conf);
	list_init(&line->waiting);
	list_init(&line->all);
	return line;
}

void dns_line_free(struct dns_line **dead)
{
	struct dns_line *line = *dead;
	int64_t soon = clock_mono_ms() + STOP_MS;
	if (!line)
		return;
	*dead = NULL;
	list_each(&line->all, node, tmp) {
		struct dns_proof *p = list_entry(node, struct dns_proof, node);
		bool is_waiting = !list_is_empty(&p->waiting_node);
		ASSERT(p->is_ended);
		list_remove(&p->node);
		p->line = NULL;
		if (p->is_working && atomic_load(&p->until) > soon)
			atomic_store(&p->until, soon);
		if (is_waiting)
			take_place(p);
	}
	conf_unref(&line->conf);
	mem_free(&line);
}
