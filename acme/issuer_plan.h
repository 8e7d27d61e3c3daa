/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * issuer_plan: what a configuration's CAs need of files, read before it takes effect. Made by issuer_prepare,
 * on any thread; issuer.c takes it apart.
 */
#ifndef ACME_ISSUER_PLAN_H
#define ACME_ISSUER_PLAN_H

#include "acme/issuer.h"
#include "net/tls_context.h"

struct issuer_plan {
	struct conf *conf;
	struct tls_context **trusts;   /* by CA, as budget_cas lists them; NULL for our own */
	unsigned n;
};

/* Nulls. n: how many there are, NULL ones among them. */
void issuer_plan_free_trusts(struct tls_context ***trusts, unsigned n);

#endif
