/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * budget: the governor that a configuration asks for, and what it leaves to one name, for telling: by the
 * running issuer's, or by what the store has of one.
 */
#ifndef ACME_BUDGET_H
#define ACME_BUDGET_H

#include "acme/governor.h"

/* Those of the configuration, in their order, and behind them the stagings that are used, each once.
 * out: room for 2 * acme->n_ca. Returns how many. */
unsigned budget_cas(const struct conf_acme *acme, const struct conf_ca *out[]);
/* Of n CAs; conf and they outlive it. */
struct governor *budget_governor(const struct conf *conf, const struct conf_ca *const cas[], unsigned n);

struct budget {
	struct governor_left left;
	const char *ca;              /* the CA's name in the configuration; NULL: our own */
	bool is_staging;
};
/* Calls fn for all that stands between the name and an order: of the CAs in their order, then our own. The
 * internal one has no limits. tenant: NULL or "": not known. */
typedef void budget_fn(void *owner, const struct budget *b);
void budget_each(const struct governor *g, const struct conf_acme *acme, const char *name, const char *tenant,
	budget_fn *fn, void *owner);
#endif
