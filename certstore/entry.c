/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * entry: made from key and chain (order, files) or from a bundle (store); checked alike in both
 * cases.
 */
#include "certstore/entry.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "certstore/digest.h"
#include "certstore/entry_text.h"
#include "certstore/files.h"
#include "certstore/pem.h"
#include "certstore/x509.h"

#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)

enum { JITTER_PARTS = 20 }; /* of the lifetime: 5 % */

/* ---- when to renew ---- */

static int64_t saturating_sub(int64_t a, int64_t b)
{
	int64_t out;

	return __builtin_sub_overflow(a, b, &out) ? (a < 0 ? INT64_MIN : INT64_MAX) : out;
}

/* The same on every start and in every process: not from the per-process hash. */
static uint64_t seed_number(struct str seed)
{
	unsigned char digest[DIGEST_SHA256];
	uint64_t n;

	digest_sha256(digest, seed);
	memcpy(&n, digest, sizeof(n));
	return n;
}

int64_t entry_renewal_time(int64_t not_before_ms, int64_t not_after_ms, struct str seed)
{
	int64_t lifetime_ms = saturating_sub(not_after_ms, not_before_ms), left_ms, jitter_ms;

	if (lifetime_ms <= 0)
		return not_after_ms;
	/* counted back from the end, which is nearer to overflow-free than forward from the
	 * start */
	left_ms = lifetime_ms < 10 * DAY_MS ? lifetime_ms / 2 : lifetime_ms / 3;
	jitter_ms = (int64_t)(seed_number(seed) % ((uint64_t)(lifetime_ms / JITTER_PARTS) + 1));
	return saturating_sub(saturating_sub(not_after_ms, left_ms), jitter_ms);
}

/* ---- making ---- */

/* Chain DER and facts of the leaf, everything checked but time and names. */
static enum err read_chain(const struct entry_args *args, struct buf *der, struct x509_facts *facts,
	struct fault *fault)
{
	struct x509_check want = {.key = args->key};
	struct str rest;
	enum err err = x509_chain_from_pem(args->chain_pem, der, fault);

	memset(facts, 0, sizeof(*facts));
	if (err)
		return err;
	err = x509_check_chain(buf_str(der), &want, fault);
	if (err)
		return err;
	rest = buf_str(der);
	return x509_parse(x509_chain_next(&rest), facts, fault);
}

static enum err check_name(
	const struct entry_args *args, const struct x509_facts *facts, struct fault *fault)
{
	char host[SERIES_NAME];

	/* the operator may serve any certificate for any name */
	if (args->is_operators)
		return E_OK;
	series_host_text(host, args->name);
	if (series_is_second(args->name) &&
		str_is(str_from(args->name + strlen(host) + 1), "rsa") != key_is_rsa(args->key))
		return fault_set(fault, E_KEY, "its key is not of the type of %s", args->name);
	for (unsigned i = 0; i < facts->n_names; i++)
		if (strcmp(facts->names[i], host) == 0)
			return E_OK;
	return fault_set(fault, E_CHAIN, "the certificate is not for %s", host);
}

static void copy_text(char *dst, size_t cap, const char *text)
{
	snprintf(dst, cap, "%s", text ? text : "");
}

static struct entry *fill(const struct entry_args *args, const struct x509_facts *f)
{
	struct entry *e = mem_new(sizeof(*e));

	atomic_init(&e->refs, 1);
	str_lower(e->name, str_from(args->name));
	e->not_before_ms = f->not_before_ms;
	e->not_after_ms = f->not_after_ms;
	e->issued_at_ms = args->issued_at_ms;
	e->is_operators = args->is_operators;
	e->key_type = (uint8_t)key_type(args->key);
	e->renew_at_ms = e->is_operators ? INT64_MAX
					 : entry_renewal_time(f->not_before_ms, f->not_after_ms,
						   str_from(f->serial));
	copy_text(e->issuer, sizeof(e->issuer), f->issuer);
	copy_text(e->ca, sizeof(e->ca), args->ca);
	copy_text(e->account, sizeof(e->account), args->account);
	copy_text(e->profile, sizeof(e->profile), args->profile);
	copy_text(e->challenge, sizeof(e->challenge), args->challenge);
	copy_text(e->serial, sizeof(e->serial), f->serial);
	copy_text(e->ari_id, sizeof(e->ari_id), f->ari_id);
	return e;
}

enum err entry_new(const struct entry_args *args, struct entry **out, struct fault *fault)
{
	struct x509_facts facts;
	struct buf der;
	enum err err;

	ASSERT(args->name && args->key && out);
	ASSERT(strlen(args->name) < ENTRY_NAME);
	*out = NULL;
	buf_init(&der, 0);
	err = read_chain(args, &der, &facts, fault);
	if (!err)
		err = check_name(args, &facts, fault);
	if (!err) {
		*out = fill(args, &facts);
		err = tls_certificate_new(buf_str(&der), key_der(args->key), &(*out)->tls);
		if (err) {
			fault_set(fault, err, "TLS refuses the certificate: %s", err_text(err));
			entry_unref(out);
		}
	}
	x509_facts_fini(&facts);
	buf_fini(&der);
	return err;
}

struct entry *entry_ref(struct entry *e)
{
	ASSERT(atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed) > 0);
	return e;
}

void entry_unref(struct entry **e)
{
	struct entry *old = *e;

	*e = NULL;
	if (!old || atomic_fetch_sub_explicit(&old->refs, 1, memory_order_acq_rel) > 1)
		return;
	if (old->tls)
		tls_certificate_unref(&old->tls);
	mem_free(&old->to);
	mem_free(&old);
}

void entry_lead(struct entry *e, const char *to)
{
	if (e->to || !to || !to[0])
		return;
	e->to = mem_strdup(to);
}

size_t entry_bytes(const struct entry *e)
{
	return sizeof(*e) + tls_certificate_bytes(e->tls);
}

/* ---- serving ---- */

bool entry_covers(const struct entry *e, struct str host)
{
	struct str name = series_host(e->name), label, parent;

	if (str_equal_nocase(name, host) || str_is(name, "*"))
		return true;
	if (!str_has_prefix(name, STR("*.")))
		return false;
	parent = str_cut(host, '.', &label);
	return parent.at && label.len > 0 &&
	       str_equal_nocase(parent, str_of(name.at + 2, name.len - 2));
}

bool entry_is_valid_at(const struct entry *e, int64_t now_ms)
{
	/* A CA's clock may be ahead of ours; and when ours is behind the time at which we got it, then ours
	 * is wrong and the certificate is not. */
	bool has_begun = now_ms + ENTRY_SKEW_MS >= e->not_before_ms ||
			 now_ms + ENTRY_SKEW_MS < e->issued_at_ms;

	return has_begun && now_ms < e->not_after_ms;
}

/* ---- the bundle ---- */

static enum err write_body(const struct key *key, struct str chain_der, struct buf *body)
{
	enum err err = key_to_pem(key, body);

	while (!err && chain_der.len > 0)
		err = pem_add(body, "CERTIFICATE", x509_chain_next(&chain_der));
	return err;
}

enum err entry_write(const struct entry_args *args, struct buf *out, struct fault *fault)
{
	struct x509_facts facts;
	struct buf der, body;
	enum err err;

	buf_init(&der, 0);
	buf_init(&body, 0);
	err = read_chain(args, &der, &facts, fault);
	if (!err)
		err = check_name(args, &facts, fault);
	if (!err && (buf_reserve(&body, 2 * der.len + 16 * 1024) ||
			    write_body(args->key, buf_str(&der), &body) ||
			    entry_text_write(args, &facts, buf_str(&body), out)))
		err = fault_set(fault, E_NOMEM, "no memory for the bundle");
	mem_wipe(body.at, body.len);
	buf_fini(&body);
	buf_fini(&der);
	x509_facts_fini(&facts);
	return err;
}

static enum err make_of_text(const struct entry_text *text, struct entry **out, struct fault *fault)
{
	struct key *key;
	struct entry_args args = {
		.name = text->name,
		.chain_pem = text->body,
		.ca = text->ca,
		.account = text->account,
		.profile = text->profile,
		.challenge = text->challenge,
		.issued_at_ms = text->issued_at_ms,
	};
	enum err err = key_from_pem(text->body, &key);

	if (err)
		return fault_set(fault, E_STORE_CORRUPT, "its private key cannot be read");
	args.key = key;
	err = entry_new(&args, out, fault);
	key_unref(&key);
	if (fault && (err == E_KEY || err == E_CHAIN))
		fault->code = E_STORE_CORRUPT;
	return err == E_KEY || err == E_CHAIN ? E_STORE_CORRUPT : err;
}

enum err entry_parse(
	struct str text, const char *want_name, struct entry **out, struct fault *fault)
{
	struct entry_text parsed;
	enum err err;

	ASSERT(out);
	*out = NULL;
	err = entry_text_parse(text, &parsed, fault);
	if (err)
		return err;
	if (want_name && strcmp(want_name, parsed.name) != 0)
		return fault_set(fault, E_STORE_CORRUPT, "it belongs to %s", parsed.name);
	return make_of_text(&parsed, out, fault);
}

enum err entry_summarise(struct str text, struct entry_summary *out)
{
	struct entry_text parsed;
	enum err err = entry_text_parse(text, &parsed, NULL);

	if (err)
		return err;
	copy_text(out->name, sizeof(out->name), parsed.name);
	copy_text(out->serial, sizeof(out->serial), parsed.serial);
	copy_text(out->ca, sizeof(out->ca), parsed.ca);
	copy_text(out->challenge, sizeof(out->challenge), parsed.challenge);
	out->issued_at_ms = parsed.issued_at_ms;
	out->not_before_ms = parsed.not_before_ms;
	out->not_after_ms = parsed.not_after_ms;
	copy_text(out->ari_id, sizeof(out->ari_id), parsed.ari_id);
	copy_text(out->key_type, sizeof(out->key_type), parsed.key_type);
	out->renew_at_ms = entry_renewal_time(
		parsed.not_before_ms, parsed.not_after_ms, str_from(parsed.serial));
	return E_OK;
}

/* ---- the operator's files ---- */

static enum err read_file(const char *file, struct buf *out, struct fault *fault)
{
	/* symlinks are how other ACME clients publish their current certificate */
	int rc = files_read(AT_FDCWD, file, ENTRY_FILE_MAX, FILES_SYMLINK, out);

	return rc ? fault_set(fault, E_FILE, "%s: %s", file, strerror(-rc)) : E_OK;
}

static enum err make_of_files(const char *name, struct str cert, struct str key_text,
	struct entry **out, struct fault *fault)
{
	struct key *key;
	struct entry_args args = {.name = name, .chain_pem = cert, .is_operators = true};
	enum err err = key_from_pem(key_text, &key);

	if (err)
		return fault_set(fault, err,
			"no usable private key (P-256, P-384, or RSA of 2048, 3072 or "
			"4096 bits; not encrypted)");
	args.key = key;
	err = entry_new(&args, out, fault);
	key_unref(&key);
	return err;
}

enum err entry_from_files(const char *name, const char *cert_file, const char *key_file,
	struct entry **out, struct fault *fault)
{
	struct buf cert, key;
	enum err err;

	ASSERT(name && cert_file && key_file && out);
	*out = NULL;
	buf_init(&cert, 0);
	buf_init(&key, 0);
	err = read_file(cert_file, &cert, fault);
	if (!err)
		err = read_file(key_file, &key, fault);
	if (!err)
		err = make_of_files(name, buf_str(&cert), buf_str(&key), out, fault);
	mem_wipe(key.at, key.len);
	buf_fini(&key);
	buf_fini(&cert);
	return err;
}

enum err entry_read(struct str bytes, const char *name, void **object, struct fault *fault)
{
	return entry_parse(bytes, name, (struct entry **)object, fault);
}

void entry_release(void *entry)
{
	struct entry *e = entry;

	entry_unref(&e);
}
