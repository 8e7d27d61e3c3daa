/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account_store: an account's record on its way to and from the store.
 */
#ifndef ACME_ACCOUNT_STORE_H
#define ACME_ACCOUNT_STORE_H

#include "acme/account_record.h"
#include "acme/errand.h"

/* name: of account_record_name. The object is a struct account_record *. */
struct errand *account_store_load(struct store *s, const char *name, errand_fn *fn, void *owner);
/* The record has a key, and nothing in it that was not checked. */
struct errand *account_store_save(struct store *s, const char *name, const struct account_record *r,
	const char *directory, errand_fn *fn, void *owner);

#endif
