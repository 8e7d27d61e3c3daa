/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * terms: what an order asks for beside the name: the profile, and the certificate that it replaces.
 * Of a CA whose directory is held and whose account is ready.
 */
#ifndef ACME_TERMS_H
#define ACME_TERMS_H

#include "acme/ca.h"
#include "certstore/entry.h"

/* The configured profile where the CA offers it; NULL, to be left out, where it is only preferred and not
 * offered (or refused a moment ago). E_ACME where it is required: the fault names those on offer. */
enum err terms_profile(const struct ca *ca, bool was_refused, const char **profile,
	struct fault *fault);
/* The ARI id to name in "replaces" (RFC 9773 5), or NULL: only the account that ordered it may replace a
 * certificate, and only at a CA that knows of ARI. Borrowed from held. */
const char *terms_replaces(const struct ca *ca, const struct entry *held, int64_t now_ms);

#endif
