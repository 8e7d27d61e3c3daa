/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rehearsal: decisions without state.
 */
#include "acme/rehearsal.h"

#include "acme/problem.h"
#include "conf/hostname.h"
#include "conf/known_ca.h"

enum { ENDING_PARTS = 6 };

bool rehearsal_is_verdict(const struct fault *fault, int used)
{
	/* Its records name the account that may use them. */
	if (used < 0 || used == CONF_DNS_PERSIST_01)
		return false;
	struct str type = str_from(fault->type);
	/* malformed is said of names that do not resolve, too */
	return problem_is_about_challenge(fault) || str_is(type, "dns") || str_is(type, "malformed");
}

bool rehearsal_is_wise(const struct failure *failure, const struct entry *held, int64_t now_ms)
{
	if (!failure->count || !failure->is_validation)
		return false;
	if (!held || held->not_after_ms <= now_ms)
		return true;
	return held->not_after_ms - now_ms >= (held->not_after_ms - held->not_before_ms) / ENDING_PARTS;
}

void rehearsal_tell(struct fault *fault, const char *staging)
{
	struct fault f = *fault;
	fault->activity[0] = '\0';
	fault_during(fault, "rehearsing at %s%s%s", staging, f.activity[0] ? ": " : "", f.activity);
}

const struct conf_ca *rehearsal_place(const struct conf_acme *acme, const char *name,
	const struct failure *failure, const struct entry *held, int64_t now_ms)
{
	if (!acme->rehearse || !failure || !rehearsal_is_wise(failure, held, now_ms)
		|| hostname_is_private(str_from(name)))
		return NULL;
	for (unsigned i = 0; i < acme->n_ca; i++)
		if (!acme->ca[i].is_internal && !known_ca_objection(&acme->ca[i], name))
			return acme->ca[i].staging;
	return NULL;
}
