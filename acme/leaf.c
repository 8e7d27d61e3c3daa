/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * leaf: no state of its own; objects belong to the errand while it runs, else to the job.
 */
#include "acme/leaf.h"

#include "base/check.h"
#include "base/mem.h"
#include "certstore/csr.h"
#include "certstore/x509.h"

/* A CA whose clock is ahead of ours is no reason to throw its certificate away. */
enum { SKEW_MS = 3600 * 1000, CSR_MAX = 16 * 1024, CHAIN_MAX = 512 * 1024 };

struct leaf *leaf_new(const char *name, enum conf_key_type type, struct key *key)
{
	struct leaf *leaf = mem_new(sizeof *leaf);
	bool fits = str_copy(leaf->name, sizeof leaf->name, str_from(name));
	ASSERT(fits);
	leaf->type = type;
	leaf->key = key ? key_ref(key) : NULL;
	buf_init(&leaf->csr, CSR_MAX);
	return leaf;
}

void leaf_free(void *object)
{
	struct leaf *leaf = object;
	if (!leaf)
		return;
	key_unref(&leaf->key);
	buf_fini(&leaf->csr);
	mem_free(&leaf);
}

enum err leaf_make(void *object, struct fault *fault)
{
	struct leaf *leaf = object;
	const char *names[] = { leaf->name };
	enum err err = leaf->key ? E_OK : key_generate(leaf->type, &leaf->key);
	if (!err)
		err = csr_make(leaf->key, names, 1, &leaf->csr);
	return err ? fault_set(fault, err, "no key or CSR can be made") : E_OK;
}

struct delivery *delivery_new(const char *name, struct str chain_pem)
{
	struct delivery *d = mem_new(sizeof *d);
	bool fits = str_copy(d->name, sizeof d->name, str_from(name));
	ASSERT(fits);
	buf_init(&d->chain_pem, CHAIN_MAX);
	buf_init(&d->bundle, ENTRY_FILE_MAX);
	buf_add(&d->chain_pem, chain_pem);  /* what does not fit is refused as incomplete */
	return d;
}

void delivery_note(struct delivery *d, const char *ca, const char *account, const char *profile,
	const char *challenge)
{
	str_copy(d->ca, sizeof d->ca, str_from(ca));
	str_copy(d->account, sizeof d->account, str_from(account));
	str_copy(d->profile, sizeof d->profile, str_from(profile));
	str_copy(d->challenge, sizeof d->challenge, str_from(challenge));
}

void delivery_free(void *object)
{
	struct delivery *d = object;
	if (!d)
		return;
	key_unref(&d->key);
	entry_unref(&d->entry);
	if (d->bundle.at)
		mem_wipe(d->bundle.at, d->bundle.len);
	buf_fini(&d->chain_pem);
	buf_fini(&d->bundle);
	mem_free(&d);
}

static enum err check_chain(struct delivery *d, struct fault *fault)
{
	char host[SERIES_NAME];
	const char *names[] = { series_host_text(host, d->name) };
	struct buf der;
	buf_init(&der, CHAIN_MAX);
	enum err err = x509_chain_from_pem(buf_str(&d->chain_pem), &der, fault);
	if (!err)
		err = x509_check_chain(buf_str(&der), &(struct x509_check){ .key = d->key,
			.names = names, .n_names = 1, .now_ms = d->now_ms, .skew_ms = SKEW_MS }, fault);
	buf_fini(&der);
	return err;
}

enum err delivery_check(void *object, struct fault *fault)
{
	struct delivery *d = object;
	struct entry_args args = { .name = d->name, .key = d->key, .chain_pem = buf_str(&d->chain_pem),
		.ca = d->ca, .account = d->account, .profile = d->profile, .challenge = d->challenge,
		.issued_at_ms = d->now_ms };
	enum err err = check_chain(d, fault);
	if (!err)
		err = entry_new(&args, &d->entry, fault);
	return err ? err : entry_write(&args, &d->bundle, fault);
}
