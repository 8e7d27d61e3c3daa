/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns_persist: the record of dns-persist-01 (draft-ietf-acme-dns-persist): it names the CA and the account
 * that may have certificates, and stays. Text only.
 */
#ifndef ACME_DNS_PERSIST_H
#define ACME_DNS_PERSIST_H

#include "base/err.h"
#include "base/str.h"

/* "ca.example; accounturi=https://...; policy=wildcard". E_LIMIT. */
enum err dns_persist_write(char *dst, size_t cap, const char *issuer, const char *account,
	bool is_wildcard);
/* Whether a record as found permits what the one we would write permits. */
bool dns_persist_permits(struct str record, const char *wanted, int64_t now_ms);

#endif
