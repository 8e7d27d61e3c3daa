/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ari: what a CA advises about one certificate's renewal (RFC 9773), and what we make of it: one instant
 * inside its window, kept while the window is unchanged. Pure; the caller brings the clock and the dice.
 */
#ifndef ACME_ARI_H
#define ACME_ARI_H

#include "acme/transport.h"
#include "base/buf.h"

enum { ARI_ID = 160, ARI_EXPLANATION = 256, ARI_RECORD_MAX = 4096 };

/* Wall clock throughout; 0 is "not known". */
struct ari {
	int64_t start_ms, end_ms;      /* the window; end 0: none known */
	int64_t chosen_ms;             /* the instant in it */
	int64_t fresh_until_ms;        /* older advice is none */
	int64_t again_ms;              /* not asked before this */
	int64_t urged_ms;              /* when advice last made us renew before the certificate's own time */
	unsigned failures;             /* in a row, passing ones */
	char explanation[ARI_EXPLANATION];   /* URL, or "" */
};

struct ari_window {
	int64_t start_ms, end_ms;
	char explanation[ARI_EXPLANATION];
};
/* The body of a RenewalInfo. E_ACME_PROTOCOL: no JSON, no window, or one that ends before it starts. */
enum err ari_parse(struct str body, struct ari_window *out, struct fault *fault);
/* renewalInfo + "/" + id, whether or not the CA's URL ends in a slash. False when it is no fine URL. */
bool ari_url(char dst[ACME_URL], const char *renewal_info, const char *id);

/* Good news. dice: any 64 bits, used when the window is another one. retry_ms: what Retry-After said. */
void ari_take(struct ari *a, const struct ari_window *w, int64_t retry_ms, int64_t now_ms,
	uint64_t dice);
/* No answer, or none that can be used. is_passing: trouble that may be over soon. The advice we have stays
 * until it is stale. retry_ms: -1 when not told. */
void ari_failed(struct ari *a, bool is_passing, int64_t retry_ms, int64_t now_ms);
bool ari_is_fresh(const struct ari *a, int64_t now_ms);

/* When a certificate with these times is due: by fresh advice, or at lifetime_ms (its own time). Whatever
 * the advice, before the last sixth of its life (quarter under 10 days); advice to renew early is not
 * followed again and again. */
int64_t ari_due(const struct ari *a, int64_t not_before_ms, int64_t not_after_ms, int64_t lifetime_ms,
	int64_t now_ms);

/* Beside the certificate in the store, and may be lost. id: the certificate it is about. */
enum err ari_write(const struct ari *a, const char *id, struct buf *out);
/* E_STORE_CORRUPT. */
enum err ari_read(struct str text, struct ari *out, char id[ARI_ID], struct fault *fault);

#endif
