/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * challenge_dnspersist01: a TXT record that names CA and account, and stays. It has no token.
 */
#include <stdio.h>

#include "acme/challenge.h"
#include "acme/dns_persist.h"

static enum err prepare(struct challenge_answer *a, struct fault *fault)
{
	int n = snprintf(a->record, sizeof a->record, "_validation-persist.%s", a->identifier);
	if (n < 0 || (size_t)n >= sizeof a->record)
		return fault_set(fault, E_NAME, "the name is too long for dns-persist-01");
	if (dns_persist_write(a->text, sizeof a->text, a->issuer, a->account, a->is_wildcard))
		return fault_set(fault, E_LIMIT, "the account's URL is too long for a record");
	return E_OK;
}

const struct challenge_type challenge_dnspersist01 = { "dns-persist-01", CONF_DNS_PERSIST_01,
	CHALLENGE_IN_DNS_FOR_GOOD, prepare };
