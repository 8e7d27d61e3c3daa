/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * known_ca: the table.
 */
#include "conf/known_ca.h"

#include <string.h>

#include "base/check.h"
#include "conf/hostname.h"
#include "conf/special_address.h"

static const struct known_ca rows[] = {
	{
		.name = "letsencrypt",
		.directory = "https://acme-v02.api.letsencrypt.org/directory",
		.ip = KNOWN_CA_YES, .ip_profile = "shortlived",
	},
	{
		.name = "letsencrypt-staging",
		.directory = "https://acme-staging-v02.api.letsencrypt.org/directory",
		.ip = KNOWN_CA_YES, .ip_profile = "shortlived",
	},
	{ .name = "zerossl", .directory = "https://acme.zerossl.com/v2/DV90", .ip = KNOWN_CA_NO },
	{ .name = "google", .directory = "https://dv.acme-v02.api.pki.goog/directory", .ip = KNOWN_CA_YES },
	{ .name = "sslcom", .directory = "https://acme.ssl.com/sslcom-dv-ecc" },
	{ .name = "internal", .directory = CONF_CA_INTERNAL, .ip = KNOWN_CA_YES },
	/* The operator's own: it knows what it can, and says so if not. */
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

	while (i < NAMED && strcmp(rows[i].directory, directory) != 0)
		i++;
	return &rows[i];
}

const struct known_ca *known_ca_at(unsigned i)
{
	return i < NAMED ? &rows[i] : NULL;
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
