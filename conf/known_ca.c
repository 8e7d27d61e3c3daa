/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * known_ca: the table. Chosen by a name in the configuration, or by the URL of the directory.
 */
#include "conf/known_ca.h"

#include "base/check.h"

static const struct known_ca rows[] = {
	{ .name = "letsencrypt", .directory = "https://acme-v02.api.letsencrypt.org/directory" },
	{ .name = "letsencrypt-staging", .directory = "https://acme-staging-v02.api.letsencrypt.org/directory" },
	{ .name = "zerossl", .directory = "https://acme.zerossl.com/v2/DV90" },
	{ .name = "google", .directory = "https://dv.acme-v02.api.pki.goog/directory" },
	{ .name = "sslcom", .directory = "https://acme.ssl.com/sslcom-dv-ecc" },
	{ .name = "internal", .directory = CONF_CA_INTERNAL },
};

const struct known_ca *known_ca_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

const struct known_ca *known_ca_at(const char *directory)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].directory, directory) == 0)
			return &rows[i];
	return NULL;
}

const struct known_ca *known_ca_row(unsigned i)
{
	return i < ARRAY_LEN(rows) ? &rows[i] : NULL;
}
