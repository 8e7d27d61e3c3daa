/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account_record: lines that an older version does not know are passed over by it; the first key of two is the
 * one that was in force before the change.
 */
#include "acme/account_record.h"

#include <stdio.h>

#include "acme/record.h"
#include "base/check.h"
#include "base/encode.h"
#include "base/mem.h"
#include "certstore/digest.h"
#include "certstore/pem.h"

static const struct {
	const char *word, *text;
} standings[] = {
#define X(name, word, text) { word, text },
	ACCOUNT_STANDINGS(X)
#undef X
};

const char *account_standing_text(enum account_standing s)
{
	ASSERT(s < ACCOUNT_STANDING_COUNT);
	return standings[s].text;
}

const char *account_standing_word(enum account_standing s)
{
	ASSERT(s < ACCOUNT_STANDING_COUNT);
	return standings[s].word;
}

void account_record_init(struct account_record *r)
{
	*r = (struct account_record){ 0 };
}

void account_record_fini(struct account_record *r)
{
	key_unref(&r->key);
	key_unref(&r->next_key);
}

void account_record_free(struct account_record **r)
{
	if (!*r)
		return;
	account_record_fini(*r);
	mem_free(r);
}

/* ---- reading ---- */

/* Both keys, in their order; what follows them is of no interest. */
static enum err read_keys(struct str text, struct account_record *r)
{
	struct pem_block block;
	enum err err = E_OK;
	while (!err && !r->next_key && !pem_next(&text, &block)) {
		struct key **to = r->key ? &r->next_key : &r->key;
		if (str_has_suffix(block.label, STR("PRIVATE KEY")))
			err = key_from_der(buf_str(&block.der), to);
		mem_wipe(block.der.at, block.der.len);
		buf_fini(&block.der);
	}
	return r->key ? err : E_KEY;
}

static void read_url(struct str text, const char *name, char dst[ACME_URL])
{
	if (!transport_url_is_fine(record_get(text, name)) || !record_copy(text, name, dst, ACME_URL))
		dst[0] = '\0';
}

static enum account_standing read_standing(struct str text)
{
	struct str word = record_get(text, "standing");
	for (int i = 0; word.at && i < ACCOUNT_STANDING_COUNT; i++) {
		if (str_is(word, standings[i].word))
			return (enum account_standing)i;
	}
	return ACCOUNT_GOOD;
}

/* "none", or the address. */
static void read_contact(struct str text, struct account_record *r)
{
	r->has_contact = record_copy(text, "contact", r->contact, sizeof r->contact);
	if (r->has_contact && !strcmp(r->contact, "none"))
		r->contact[0] = '\0';
	record_copy(text, "refused-contact", r->refused_contact, sizeof r->refused_contact);
}

enum err account_record_parse(struct str text, struct account_record **out, struct fault *fault)
{
	if (!str_is(record_get(text, "sallyport-account"), "1"))
		return fault_set(fault, E_STORE_CORRUPT, "no account record");
	struct account_record *r = mem_new(sizeof *r);
	account_record_init(r);
	if (read_keys(text, r)) {
		account_record_free(&r);
		return fault_set(fault, E_STORE_CORRUPT, "account record without a usable key");
	}
	read_url(text, "kid", r->kid);
	read_contact(text, r);
	r->standing = read_standing(text);
	read_url(text, "terms", r->agreement.terms);
	read_url(text, "instance", r->agreement.instance);
	read_url(text, "previous", r->previous);
	r->registered_at_ms = record_get_int(text, "registered-at", 0);
	r->standing_at_ms = record_get_int(text, "standing-at", 0);
	r->changed_at_ms = record_get_int(text, "changed-at", 0);
	r->replaced_at_ms = record_get_int(text, "replaced-at", 0);
	*out = r;
	return E_OK;
}

/* ---- writing ---- */

struct writer {
	struct buf *out;
	enum err err;
};

static void put(struct writer *w, const char *name, const char *value)
{
	if (!w->err)
		w->err = record_add(w->out, name, str_from(value));
}

static void put_time(struct writer *w, const char *name, int64_t ms)
{
	if (!w->err && ms > 0)
		w->err = record_add_int(w->out, name, ms);
}

static void put_standing(struct writer *w, const struct account_record *r)
{
	if (r->standing == ACCOUNT_GOOD)
		return;
	put(w, "standing", standings[r->standing].word);
	put_time(w, "standing-at", r->standing_at_ms);
	if (r->standing != ACCOUNT_MUST_AGREE)
		return;
	put(w, "terms", r->agreement.terms);
	put(w, "instance", r->agreement.instance);
}

enum err account_record_write(const struct account_record *r, const char *directory, struct buf *out)
{
	struct writer w = { out, E_OK };
	ASSERT(r->key);
	put(&w, "sallyport-account", "1");
	put(&w, "directory", directory);
	put(&w, "kid", r->kid);
	if (r->has_contact)
		put(&w, "contact", r->contact[0] ? r->contact : "none");
	put(&w, "refused-contact", r->refused_contact);
	put_standing(&w, r);
	put(&w, "previous", r->previous);
	put_time(&w, "registered-at", r->registered_at_ms);
	put_time(&w, "changed-at", r->changed_at_ms);
	put_time(&w, "replaced-at", r->replaced_at_ms);
	if (!w.err)
		w.err = buf_add(out, STR("\n"));
	if (!w.err)
		w.err = key_to_pem(r->key, out);
	if (!w.err && r->next_key)
		w.err = key_to_pem(r->next_key, out);
	return w.err;
}

void account_record_name(char dst[ACCOUNT_NAME], const char *directory)
{
	struct url parts = { 0 };
	unsigned char hash[DIGEST_SHA256];
	char hex[ENCODE_HEX_SIZE(8)];
	struct str url = str_from(directory);
	digest_sha256(hash, url);
	encode_hex(hex, str_of(hash, 8));
	if (url_parse(url, &parts) || parts.host.len > 253)
		parts.host = STR("ca");
	snprintf(dst, ACCOUNT_NAME, "%.*s-%s", STR_FMT(parts.host), hex);
}
