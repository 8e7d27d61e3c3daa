/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * journal: a record with the key as PEM below.
 */
#include "acme/journal.h"

#include "acme/record.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"

/* Orders live for hours to days; what is older is no order any more, whatever "expires" said. */
static const int64_t age_max_ms = (int64_t)8 * 24 * 3600 * 1000;

void journal_fini(struct journal *j)
{
	key_unref(&j->key);
}

enum err journal_write(const struct journal *j, struct buf *out)
{
	enum err err = record_add(out, "sallyport-order", STR("1"));
	if (!err)
		err = record_add(out, "ca", str_from(j->ca));
	if (!err)
		err = record_add(out, "order", str_from(j->url));
	if (!err)
		err = record_add_int(out, "begun-at", j->begun_at_ms);
	if (!err)
		err = record_add_int(out, "expires", j->expires_ms);
	if (!err)
		err = record_add_int(out, "resumed", j->resumed);
	if (!err)
		err = buf_add(out, STR("\n"));
	return err ? err : key_to_pem(j->key, out);
}

enum err journal_parse(struct str text, struct journal *out, struct fault *fault)
{
	memset(out, 0, sizeof *out);
	if (!str_is(record_get(text, "sallyport-order"), "1")
		|| !transport_url_is_fine(record_get(text, "ca"))
		|| !transport_url_is_fine(record_get(text, "order")))
		return fault_set(fault, E_STORE_CORRUPT, "no order record");
	record_copy(text, "ca", out->ca, sizeof out->ca);
	record_copy(text, "order", out->url, sizeof out->url);
	out->begun_at_ms = record_get_int(text, "begun-at", 0);
	out->expires_ms = record_get_int(text, "expires", 0);
	int64_t resumed = record_get_int(text, "resumed", 0);
	out->resumed = resumed < JOURNAL_RESUMED_MAX ? (unsigned)resumed : JOURNAL_RESUMED_MAX;
	if (key_from_pem(text, &out->key))
		return fault_set(fault, E_STORE_CORRUPT, "order record without a usable key");
	return E_OK;
}

bool journal_is_alive(const struct journal *j, int64_t now_ms)
{
	return j->key && j->resumed < JOURNAL_RESUMED_MAX && now_ms - j->begun_at_ms < age_max_ms
		&& (!j->expires_ms || now_ms < j->expires_ms);
}

enum err journal_read(struct str bytes, const char *name, void **object, struct fault *fault)
{
	struct journal *journal = mem_new(sizeof *journal);
	(void)name;
	enum err err = journal_parse(bytes, journal, fault);
	if (err)
		journal_free(journal);
	else
		*object = journal;
	return err;
}

void journal_free(void *object)
{
	journal_fini(object);
	mem_release(object);
}

void journal_begin(struct journal *j, const char *ca, const char *url, struct key *key)
{
	*j = (struct journal){ .begun_at_ms = clock_wall_ms(), .key = key_ref(key) };
	str_copy(j->ca, ACME_URL, str_from(ca));
	str_copy(j->url, ACME_URL, str_from(url));
}

struct errand *journal_save(const struct journal *j, struct store *s, const char *name, errand_fn *fn,
	void *owner)
{
	struct buf b;
	buf_init(&b, JOURNAL_MAX);
	enum err err = journal_write(j, &b);
	ASSERT(!err);
	struct errand *e = errand_save(s, STORE_ORDERS, name, buf_str(&b), fn, owner);
	mem_wipe(b.at, b.len);
	buf_fini(&b);
	return e;
}
