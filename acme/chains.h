/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * chains: the chains a CA offers for one certificate (RFC 8555 7.4.2: Link rel="alternate"): the one it gave
 * first and where the others are.
 */
#ifndef ACME_CHAINS_H
#define ACME_CHAINS_H

#include "acme/transport.h"
#include "net/http/head.h"

enum { CHAINS_MAX = 8 };

struct chains;

/* What came with the first; copied. */
struct chains *chains_new(struct str pem, const struct headers *headers);
void chains_free(struct chains **c);
struct str chains_default(const struct chains *c);
/* The next alternate not looked at yet; NULL: that was all. */
const char *chains_next_url(struct chains *c);

/* Whether its topmost certificate, or its leaf, was issued by this common name. */
bool chains_leads_to(struct str pem, const char *common_name);

#endif
