/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account_store: the text with the key in it is wiped.
 */
#include "acme/account_store.h"

#include "base/check.h"
#include "base/mem.h"

enum { RECORD_MAX = 48 * 1024 };

static enum err parse(struct str bytes, const char *name, void **object, struct fault *fault)
{
	(void)name;
	return account_record_parse(bytes, (struct account_record **)object, fault);
}

static void free_record(void *object)
{
	struct account_record *r = object;
	account_record_free(&r);
}

struct errand *account_store_load(struct store *s, const char *name, errand_fn *fn, void *owner)
{
	return errand_load(s, STORE_ACCOUNTS, name, parse, free_record, fn, owner);
}

struct errand *account_store_save(struct store *s, const char *name, const struct account_record *r,
	const char *directory, errand_fn *fn, void *owner)
{
	struct buf text;
	buf_init(&text, RECORD_MAX);
	enum err err = account_record_write(r, directory, &text);
	ASSERT(!err);  /* all of it was checked or made by us */
	struct errand *e = errand_save(s, STORE_ACCOUNTS, name, buf_str(&text), fn, owner);
	mem_wipe(text.at, text.len);
	buf_fini(&text);
	return e;
}
