/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * advice: one look at what the CA advises about one certificate: from the store when that is recent, else
 * by asking (RFC 9773 4.1; a plain GET). Never in the way of an order: the CA's breaker only hears of
 * orders, and whoever asks goes on with what is known.
 */
#ifndef ACME_ADVICE_H
#define ACME_ADVICE_H

#include "acme/ari.h"
#include "acme/ca.h"
#include "acme/errand.h"

struct advice;

struct advice_args {
	struct ca *ca;
	struct store *store;
	const char *name;         /* copied */
	const char *id;           /* copied: the certificate */
	const struct ari *known;  /* copied; NULL: what the store has is looked at first */
};

/* ari: what is known now, also after a failure; its again_ms says when to look again. The question is dead
 * when this is called. */
typedef void advice_fn(void *owner, const struct ari *ari);
/* Never calls back before it returns. */
struct advice *advice_start(const struct advice_args *args, advice_fn *fn, void *owner);
/* No callback follows. Nulls, accepts NULL. */
void advice_cancel(struct advice **a);

#endif
