/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns_update: dynamic updates (RFC 2136) and their signatures (TSIG, RFC 8945, HMAC-SHA256) as bytes. No
 * I/O.
 */
#ifndef ACME_DNS_UPDATE_H
#define ACME_DNS_UPDATE_H

#include "acme/dns.h"
#include "certstore/digest.h"

enum dns_change { DNS_ADD, DNS_DELETE };

/* The whole message: one TXT record of txt->zone added, or the one with this value deleted. E_NAME. */
enum err dns_update_write(struct buf *b, uint16_t id, enum dns_change change, const struct dns_txt *txt,
	uint32_t ttl_s);

struct dns_key {
	const char *name;
	struct str secret;                   /* decoded */
};

/* Appends the signature to a message that has none; mac is what the answer is checked with. */
enum err dns_sign(struct buf *message, const struct dns_key *key, int64_t wall_ms,
	unsigned char mac[DIGEST_SHA256]);
/* The signature of the answer to what carried mac. E_OK, E_DNS: unsigned, or not by this key; the fault
 * tells the server's complaint about ours (BADKEY, BADSIG, BADTIME). */
enum err dns_verify(struct str message, const struct dns_key *key, int64_t wall_ms,
	const unsigned char mac[DIGEST_SHA256], struct fault *fault);

#endif
