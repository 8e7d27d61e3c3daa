/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ca_model: quotas become buckets, and prose a scope.
 */
#include "acme/ca_model.h"

#include <string.h>

#include "base/check.h"
#include "conf/known_ca.h"

static void set(struct rate *rate, const struct conf_quota *quota)
{
	if (!quota->is_given)
		return;
	*rate = (struct rate){ quota->n, quota->n ? quota->per_ms / quota->n : 0 };
	if (rate->burst && !rate->every_ms)
		rate->every_ms = 1;
}

static void set_all(struct rate limits[CA_SCOPE_COUNT], const struct conf_ca_limits *said)
{
	set(&limits[SCOPE_ACCOUNT], &said->orders);
	set(&limits[SCOPE_DOMAIN], &said->registered_domain);
	set(&limits[SCOPE_NAMES], &said->same_names);
	set(&limits[SCOPE_FAILURES], &said->failures);
}

void ca_model_limits(const struct conf_ca *ca, struct rate limits[CA_SCOPE_COUNT])
{
	memset(limits, 0, CA_SCOPE_COUNT * sizeof *limits);
	set_all(limits, &known_ca_of(ca->directory)->limits);
	set_all(limits, &ca->limits);
}

/* Let's Encrypt's words; the first that fits. */
static const struct {
	const char *words;
	enum ca_scope scope;
} phrases[] = {
	{ "exact set of", SCOPE_NAMES },
	{ "failed authorizations", SCOPE_FAILURES },
	{ "failed validations", SCOPE_FAILURES },
	{ "too many certificates", SCOPE_DOMAIN },
	{ "certificates already issued", SCOPE_DOMAIN },
	{ "new orders", SCOPE_ACCOUNT },
	{ "new accounts", SCOPE_ACCOUNT },
	{ "registrations", SCOPE_ACCOUNT },
	{ "too many requests", SCOPE_ACCOUNT },
};

int ca_model_scope(const struct fault *refusal)
{
	if (refusal->status == 503)
		return SCOPE_ACCOUNT;
	for (size_t i = 0; i < ARRAY_LEN(phrases); i++) {
		if (strstr(refusal->detail, phrases[i].words))
			return (int)phrases[i].scope;
	}
	return -1;
}
