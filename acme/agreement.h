/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * agreement: what a CA wants a human to read before it goes on (RFC 8555 7.3.3, userActionRequired): its terms
 * of service, and where to act.
 */
#ifndef ACME_AGREEMENT_H
#define ACME_AGREEMENT_H

#include "acme/transport.h"
#include "net/http/head.h"

struct agreement {
	char terms[ACME_URL];      /* Link rel="terms-of-service"; "" when not told */
	char instance[ACME_URL];   /* the problem's "instance": a page for people; "" when not told */
};
/* From a refusal of this type; only fine URLs are taken. */
void agreement_read(const struct headers *headers, struct str body, struct agreement *out);

#endif
