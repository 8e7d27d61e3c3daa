/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * known_ca: the table. Limits are a little below what the CAs say of themselves: they count by their own
 * clock, and a refusal costs more than a certificate that waits a few minutes longer.
 */
#include "conf/known_ca.h"

#include <string.h>

#include "base/check.h"
#include "conf/hostname.h"
#include "conf/special_address.h"

enum { SECOND_MS = 1000, MINUTE_MS = 60 * SECOND_MS, HOUR_MS = 60 * MINUTE_MS };

/* n at once, and another one after each pause. */
#define BURST(n, pause_ms) { (n), (int64_t)(n) * (pause_ms), true }
#define BIT(challenge) (1u << (challenge))

static const struct known_ca rows[] = {
	{
		/* 300 orders in 3 h, 50 new certificates of a domain and 5 of the same names in 7 d, 5 failed
		 * validations in an hour (letsencrypt.org/docs/rate-limits, 2026). */
		.name = "letsencrypt",
		.directory = "https://acme-v02.api.letsencrypt.org/directory",
		.staging = "letsencrypt-staging",
		.ari = KNOWN_CA_YES,
		.ip = KNOWN_CA_YES, .ip_profile = "shortlived",
		.limits = { .orders = BURST(250, 36 * SECOND_MS), .registered_domain = BURST(45, 202 * MINUTE_MS),
			.same_names = BURST(4, 34 * HOUR_MS), .failures = BURST(4, 12 * MINUTE_MS) },
		.renewals_are_free = true,
	},
	{
		/* 1,500 orders in 3 h, 30,000 certificates of a domain and of the same names in 7 d,
		 * 200 failures in an hour. */
		.name = "letsencrypt-staging",
		.directory = "https://acme-staging-v02.api.letsencrypt.org/directory",
		.ari = KNOWN_CA_YES,
		.ip = KNOWN_CA_YES, .ip_profile = "shortlived",
		.limits = { .orders = BURST(1250, 8 * SECOND_MS), .registered_domain = BURST(25000, 21 * SECOND_MS),
			.same_names = BURST(25000, 21 * SECOND_MS), .failures = BURST(150, 18 * SECOND_MS) },
		.renewals_are_free = true,
	},
	{
		/* Publishes no numbers; has answered 429 to bursts. Orders stay in processing for minutes. */
		.name = "zerossl",
		.directory = "https://acme.zerossl.com/v2/DV90",
		.eab_from = "app.zerossl.com/developer, or without an account there from "
			"\"curl -d email=YOURS https://api.zerossl.com/acme/eab-credentials-email\"",
		.lacks = BIT(CONF_TLS_ALPN_01) | BIT(CONF_DNS_PERSIST_01),
		.ip = KNOWN_CA_NO,
		.issue_ms = 30 * MINUTE_MS,
		.limits = { .orders = BURST(100, 10 * SECOND_MS), .failures = BURST(5, 12 * MINUTE_MS) },
	},
	{
		/* 100 orders an hour (pki.goog); its 429 carries Retry-After. */
		.name = "google",
		.directory = "https://dv.acme-v02.api.pki.goog/directory",
		.staging = "google-staging",
		.eab_from = "\"gcloud publicca external-account-keys create\"; good for one registration within 7 days",
		.ari = KNOWN_CA_YES,
		.ip = KNOWN_CA_YES,
		.limits = { .orders = BURST(90, 40 * SECOND_MS), .failures = BURST(5, 12 * MINUTE_MS) },
	},
	{
		.name = "google-staging",
		.directory = "https://dv.acme-v02.test-api.pki.goog/directory",
		.eab_from = "\"gcloud publicca external-account-keys create\" with its staging API as endpoint; "
			"keys of the other one do not work",
		.ari = KNOWN_CA_YES,
		.ip = KNOWN_CA_YES,
		.limits = { .orders = BURST(90, 40 * SECOND_MS), .failures = BURST(5, 12 * MINUTE_MS) },
	},
	{
		/* Publishes no numbers. */
		.name = "sslcom",
		.directory = "https://acme.ssl.com/sslcom-dv-ecc",
		.rsa_directory = "https://acme.ssl.com/sslcom-dv-rsa",
		.eab_from = "\"API and ACME integration\" in the account at ssl.com",
		.limits = { .orders = BURST(100, 10 * SECOND_MS), .failures = BURST(5, 12 * MINUTE_MS) },
	},
	{
		/* Publishes no numbers; what it gives for nothing is limited. */
		.name = "actalis",
		.directory = "https://acme-api.actalis.com/acme/directory",
		.eab_from = "the ACME page of the account at actalis.com",
		.limits = { .orders = BURST(100, 10 * SECOND_MS), .failures = BURST(5, 12 * MINUTE_MS) },
	},
	{
		.name = "buypass",
		.directory = "https://api.buypass.com/acme/directory",
		.gone = "Buypass issues no certificates since 31 October 2025; take \"letsencrypt\", or with \"eab\" "
			"\"actalis\", \"google\" or \"zerossl\". Certificates in the store stay good until they end",
	},
	{ .name = "internal", .directory = CONF_CA_INTERNAL, .ip = KNOWN_CA_YES },
	/* The operator's own: it knows what it can take, and says so if not. */
	{ .name = "", .directory = "" },
};

enum { NAMED = ARRAY_LEN(rows) - 1 };

const struct known_ca *known_ca_named(const char *name)
{
	for (unsigned i = 0; i < NAMED; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

const struct known_ca *known_ca_of(const char *directory)
{
	unsigned i = 0;

	while (i < NAMED && strcmp(rows[i].directory, directory) != 0 &&
		(!rows[i].rsa_directory || strcmp(rows[i].rsa_directory, directory) != 0))
		i++;
	return &rows[i];
}

const char *known_ca_directory(const struct known_ca *ca, enum conf_key_type key)
{
	return ca->rsa_directory && key >= CONF_KEY_RSA2048 ? ca->rsa_directory : ca->directory;
}

const struct known_ca *known_ca_at(unsigned i)
{
	return i < NAMED ? &rows[i] : NULL;
}

const char *known_ca_answer_text(enum known_ca_answer a)
{
	static const char *const texts[] = {
#define X(name, text) text,
		KNOWN_CA_ANSWERS(X)
#undef X
	};

	ASSERT((unsigned)a < ARRAY_LEN(texts));
	return texts[a];
}

const char *known_ca_objection(const struct conf_ca *ca, const char *name)
{
	const struct known_ca *known = known_ca_of(ca->directory);
	char ip[HOSTNAME_SIZE];

	if (ca->is_internal || !known->name[0] || !hostname_ip(ip, str_from(name)))
		return NULL;
	if (known->ip == KNOWN_CA_NO)
		return "certifies no IP addresses";
	return special_address_kind(str_from(name)) ? "certifies no addresses that the Internet does not reach"
		: NULL;
}
