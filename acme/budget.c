/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * budget: walks through the governor's scopes.
 */
#include "acme/budget.h"

#include "base/check.h"
#include "base/mem.h"
#include "conf/known_ca.h"

static bool is_among(const struct conf_ca *const cas[], unsigned n, const char *directory)
{
	for (unsigned i = 0; i < n; i++) {
		if (str_is(str_from(directory), cas[i]->directory))
			return true;
	}
	return false;
}

unsigned budget_cas(const struct conf_acme *acme, const struct conf_ca *out[])
{
	unsigned n = 0;
	while (n < acme->n_ca) {
		out[n] = &acme->ca[n];
		n++;
	}
	for (unsigned i = 0; i < acme->n_ca && acme->rehearse; i++) {
		const struct conf_ca *staging = acme->ca[i].staging;
		if (staging && !is_among(&out[acme->n_ca], n - acme->n_ca, staging->directory))
			out[n++] = staging;
	}
	return n;
}

static struct rate rate_of(const struct conf_quota *quota)
{
	struct rate r = { quota->n, quota->n ? quota->per_ms / quota->n : 0 };
	if (r.burst && !r.every_ms)
		r.every_ms = 1;
	return r;
}

struct governor *budget_governor(const struct conf *conf, const struct conf_ca *const cas[], unsigned n)
{
	struct governor_ca *all = mem_new(n * sizeof *all);
	struct governor_args g = { .cas = all, .n_cas = n,
		.per_tenant = rate_of(&conf->on_demand.per_tenant),
		.per_registered_domain = rate_of(&conf->on_demand.per_registered_domain) };
	ASSERT(n);
	for (unsigned i = 0; i < n; i++) {
		all[i].directory = cas[i]->directory;
		all[i].renewals_are_free = known_ca_of(cas[i]->directory)->renewals_are_free;
		ca_model_limits(cas[i], all[i].limits);
	}
	struct governor *governor = governor_new(&g);
	mem_free(&all);
	return governor;
}

struct walk {
	const struct governor *governor;
	const struct conf_acme *acme;
	struct grant grant;
	budget_fn *fn;
	void *owner;
};

static void tell(const struct walk *w, const struct conf_ca *ca, unsigned at, enum governor_whose whose)
{
	struct governor_left left[GOVERNOR_LEFT];
	unsigned n = governor_left(w->governor, at, &w->grant, whose, left);
	for (unsigned i = 0; i < n; i++)
		w->fn(w->owner, &(struct budget){ left[i], left[i].directory ? ca->name : NULL,
			left[i].directory && at >= w->acme->n_ca });
}

void budget_each(const struct governor *g, const struct conf_acme *acme, const char *name, const char *tenant,
	budget_fn *fn, void *owner)
{
	struct walk w = { g, acme, { .name = name, .tenant = tenant }, fn, owner };
	const struct conf_ca **cas = mem_new((2 * acme->n_ca + 1) * sizeof *cas);
	unsigned n = budget_cas(acme, cas), last = n;
	while (last && cas[last - 1]->is_internal)
		last--;
	for (unsigned i = 0; i < n; i++) {
		if (!cas[i]->is_internal)
			tell(&w, cas[i], i, i + 1 == last ? GOVERNOR_CAS_AND_OURS : GOVERNOR_CAS);
	}
	mem_free(&cas);
}
