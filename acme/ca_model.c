/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ca_model: the table. Limits are a little below what the CA says of itself: it counts by its own clock,
 * and a refusal costs more than a certificate that waits a few minutes longer.
 */
#include "acme/ca_model.h"

#include <string.h>

#include "base/check.h"

enum { SECOND_MS = 1000, MINUTE_MS = 60 * SECOND_MS, HOUR_MS = 60 * MINUTE_MS };

static const struct ca_model models[] = {
	{
		/* 300 orders in 3 h, 50 new certificates of a domain and 5 of the same names in 7 d, 5 failed
		 * validations in an hour (letsencrypt.org/docs/rate-limits, 2026). */
		.name = "letsencrypt",
		.directory = "https://acme-v02.api.letsencrypt.org/directory",
		.limits = {
			[SCOPE_ACCOUNT] = { 250, 36 * SECOND_MS },
			[SCOPE_DOMAIN] = { 45, 202 * MINUTE_MS },
			[SCOPE_NAMES] = { 4, 34 * HOUR_MS },
			[SCOPE_FAILURES] = { 4, 12 * MINUTE_MS },
		},
		.renewals_are_free = true,
	},
	{
		/* 1,500 orders in 3 h, 30,000 certificates of a domain and of the same names in 7 d,
		 * 200 failures in an hour. */
		.name = "letsencrypt-staging",
		.directory = "https://acme-staging-v02.api.letsencrypt.org/directory",
		.limits = {
			[SCOPE_ACCOUNT] = { 1250, 8 * SECOND_MS },
			[SCOPE_DOMAIN] = { 25000, 21 * SECOND_MS },
			[SCOPE_NAMES] = { 25000, 21 * SECOND_MS },
			[SCOPE_FAILURES] = { 150, 18 * SECOND_MS },
		},
		.renewals_are_free = true,
	},
	{
		/* Publishes no numbers; has answered 429 to bursts. */
		.name = "zerossl",
		.directory = "https://acme.zerossl.com/v2/DV90",
		.limits = {
			[SCOPE_ACCOUNT] = { 100, 10 * SECOND_MS },
			[SCOPE_FAILURES] = { 5, 12 * MINUTE_MS },
		},
	},
	{
		/* 100 orders an hour (pki.goog); its 429 carries Retry-After. */
		.name = "google",
		.directory = "https://dv.acme-v02.api.pki.goog/directory",
		.limits = {
			[SCOPE_ACCOUNT] = { 90, 40 * SECOND_MS },
			[SCOPE_FAILURES] = { 5, 12 * MINUTE_MS },
		},
	},
	{
		/* Publishes no numbers. */
		.name = "sslcom",
		.directory = "https://acme.ssl.com/sslcom-dv-ecc",
		.limits = {
			[SCOPE_ACCOUNT] = { 100, 10 * SECOND_MS },
			[SCOPE_FAILURES] = { 5, 12 * MINUTE_MS },
		},
	},
	{
		/* The operator's own: it knows what it can take, and says so if not. */
		.name = "",
		.directory = "",
	},
};

const struct ca_model *ca_model_of(const char *directory)
{
	size_t i = 0;
	while (i < ARRAY_LEN(models) - 1 && strcmp(models[i].directory, directory) != 0)
		i++;
	return &models[i];
}

static void set(struct rate *rate, const struct conf_quota *quota)
{
	if (!quota->is_given)
		return;
	*rate = (struct rate){ quota->n, quota->n ? quota->per_ms / quota->n : 0 };
	if (rate->burst && !rate->every_ms)
		rate->every_ms = 1;
}

void ca_model_limits(const struct conf_ca *ca, struct rate limits[CA_SCOPE_COUNT])
{
	memcpy(limits, ca_model_of(ca->directory)->limits, CA_SCOPE_COUNT * sizeof *limits);
	set(&limits[SCOPE_ACCOUNT], &ca->limits.orders);
	set(&limits[SCOPE_DOMAIN], &ca->limits.registered_domain);
	set(&limits[SCOPE_NAMES], &ca->limits.same_names);
	set(&limits[SCOPE_FAILURES], &ca->limits.failures);
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
