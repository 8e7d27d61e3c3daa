/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ca: which of them is for whom.
 */
#include "acme/ca.h"

#include "base/check.h"
#include "conf/conf.h"
#include "conf/hostname.h"
#include "conf/known_ca.h"

unsigned ca_find(const struct ca *cas, unsigned n, const char *directory)
{
	unsigned i = 0;
	while (i < n && !str_is(str_from(directory), cas[i].conf->directory))
		i++;
	return i;
}

static bool may_sign(const struct ca *ca, const char *name)
{
	return !known_ca_objection(ca->conf, name);
}

unsigned ca_next(const struct ca *cas, unsigned n, const char *name, unsigned first)
{
	bool has_internal = false, has_other = false;
	for (unsigned i = 0; i < n; i++) {
		has_internal |= cas[i].internal != NULL;
		has_other |= !cas[i].internal && may_sign(&cas[i], name);
	}
	bool wants_internal = has_internal && (!has_other || hostname_is_private(str_from(name)));
	while (first < n && (!cas[first].internal == wants_internal || !may_sign(&cas[first], name)))
		first++;
	return first;
}

void ca_link_stagings(struct ca *cas, unsigned n, unsigned n_stagings)
{
	for (unsigned i = 0; i < n; i++) {
		const struct conf_ca *staging = cas[i].conf->staging;
		unsigned at = staging ? ca_find(&cas[n], n_stagings, staging->directory) : n_stagings;
		cas[i].staging = at < n_stagings ? &cas[n + at] : NULL;
	}
}

unsigned ca_live(const struct ca *cas, unsigned n, const struct ca *staging)
{
	unsigned i = 0;
	while (i < n && cas[i].staging != staging)
		i++;
	ASSERT(i < n);
	return i;
}

int64_t ca_wait_ms(const struct ca *cas, unsigned n, int64_t mono_ms)
{
	int64_t best = INT64_MAX;
	ASSERT(n);
	for (unsigned i = 0; i < n; i++) {
		int64_t until = breaker_until(&cas[i].breaker, mono_ms);
		best = until < best ? until : best;
	}
	return best - mono_ms;
}
