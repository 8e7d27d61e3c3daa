/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns_proof: a record in the DNS for as long as a CA has to see it. Control loop; what blocks runs on the
 * pool, a few at a time, so that slow name servers never keep the disk waiting.
 */
#ifndef ACME_DNS_PROOF_H
#define ACME_DNS_PROOF_H

#include "acme/dns.h"
#include "net/loop.h"

/* Shared by all proofs. */
struct dns_line;
/* conf is referenced. */
struct dns_line *dns_line_new(struct loop *l, struct conf *conf);
/* Proofs that were ended still remove their records, in seconds. Nulls, accepts NULL. */
void dns_line_free(struct dns_line **line);

enum dns_stay {
	DNS_FOR_NOW,               /* set it, wait for it, remove it at the end */
	DNS_FOR_GOOD,              /* see whether it is there; set it if we can and must; let it be */
};

struct dns_proof_args {
	struct dns_line *line;
	enum dns_stay stay;
	const char *domain;        /* without "*."; copied, as all */
	const char *name;          /* of the record, before CNAMEs are followed */
	const char *value;
};

struct dns_proof;
/* Once, unless it is ended before: the zone's servers have the record. E_DNS. The proof lives on until
 * dns_proof_end. */
typedef void dns_proof_fn(void *owner, enum err err, const struct fault *fault);
/* Never calls back before it returns. */
struct dns_proof *dns_proof_start(const struct dns_proof_args *args, dns_proof_fn *fn, void *owner);
/* No callback follows; the record is removed in the background. Nulls, accepts NULL. */
void dns_proof_end(struct dns_proof **p);
/* Static text. */
const char *dns_proof_text(const struct dns_proof *p);

#endif
