/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fleet: an array of workers, what each has told, and the counts they share.
 */
#include "proxy/fleet.h"

#include "base/check.h"
#include "base/mem.h"

struct member {
	struct worker *worker;
	uint64_t generation;  /* of challenges it uses */
	uint64_t settled;     /* the reload it is at */
	bool is_drained;
};

struct fleet {
	atomic_uint waiting, connections;
	uint64_t reloads;
	unsigned n;
	struct member members[];
};

struct fleet *fleet_start(const struct fleet_args *args)
{
	unsigned n = args->ports->n_workers;
	struct fleet *f = mem_new(sizeof(*f) + n * sizeof(struct member));

	ASSERT(n > 0);
	f->n = n;
	for (unsigned i = 0; i < n; i++) {
		int https[PORTS_MAX], http[PORTS_MAX];

		memcpy(https, ports_give(&args->ports->https, i), sizeof(https));
		memcpy(http, ports_give(&args->ports->http, i), sizeof(http));
		f->members[i].worker = worker_start(&(struct worker_args){
			.index = i, .n_workers = n,
			.control = args->control,
			.events = args->events,
			.owner = args->owner,
			.snapshot = args->snapshot,
			.https_fds = https, .n_https = args->ports->https.n,
			.http_fds = http, .n_http = args->ports->http.n,
			.waiting = &f->waiting,
			.connections = &f->connections,
			.connections_max = args->connections_max,
		});
	}
	return f;
}

static struct member *member_of(struct fleet *f, const struct worker *w)
{
	for (unsigned i = 0; i < f->n; i++)
		if (f->members[i].worker == w)
			return &f->members[i];
	UNREACHABLE();
}

void fleet_install(struct fleet *f, struct entry *e, bool keep)
{
	for (unsigned i = 0; i < f->n; i++)
		worker_install(f->members[i].worker, e, keep);
}

void fleet_forget(struct fleet *f, const char *name)
{
	for (unsigned i = 0; i < f->n; i++)
		worker_forget(f->members[i].worker, name);
}

void fleet_forget_refusals(struct fleet *f)
{
	for (unsigned i = 0; i < f->n; i++)
		worker_forget_refusals(f->members[i].worker);
}

void fleet_publish(struct fleet *f, struct challenge_set *set, uint64_t generation)
{
	for (unsigned i = 0; i < f->n; i++)
		worker_set_challenges(f->members[i].worker, set, generation);
}

uint64_t fleet_note_live(struct fleet *f, const struct worker *w, uint64_t generation)
{
	uint64_t least = UINT64_MAX;

	member_of(f, w)->generation = generation;
	for (unsigned i = 0; i < f->n; i++)
		if (f->members[i].generation < least)
			least = f->members[i].generation;
	return least;
}

uint64_t fleet_reload(struct fleet *f, struct snapshot *s, struct ports *next, unsigned connections_max)
{
	f->reloads++;
	for (unsigned i = 0; i < f->n; i++) {
		int https[PORTS_MAX], http[PORTS_MAX];

		ports_change(&next->https, i, https);
		ports_change(&next->http, i, http);
		worker_reload(f->members[i].worker, &(struct worker_reload_args){
			.snapshot = s, .https = https, .http = http,
			.https_port = next->https.n ? addr_port(&next->https.at[0]) : 0,
			.connections_max = connections_max, .generation = f->reloads,
		});
	}
	return f->reloads;
}

bool fleet_note_settled(struct fleet *f, const struct worker *w, uint64_t generation)
{
	bool all = true;

	member_of(f, w)->settled = generation;
	for (unsigned i = 0; i < f->n; i++)
		all &= f->members[i].settled == f->reloads;
	return all;
}

void fleet_drain(struct fleet *f, int64_t deadline_ms)
{
	for (unsigned i = 0; i < f->n; i++)
		worker_drain(f->members[i].worker, deadline_ms);
}

bool fleet_note_drained(struct fleet *f, const struct worker *w)
{
	bool all = true;

	member_of(f, w)->is_drained = true;
	for (unsigned i = 0; i < f->n; i++)
		all &= f->members[i].is_drained;
	return all;
}

void fleet_stop(struct fleet *f)
{
	for (unsigned i = 0; i < f->n; i++)
		worker_stop(f->members[i].worker);
}

void fleet_join(struct fleet **f)
{
	if (!*f)
		return;
	for (unsigned i = 0; i < (*f)->n; i++)
		worker_join(&(*f)->members[i].worker);
	mem_free(f);
}

unsigned fleet_connections(const struct fleet *f)
{
	return atomic_load(&f->connections);
}
