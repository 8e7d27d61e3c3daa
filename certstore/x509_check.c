/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * x509_check: whether a chain is what was asked for, before anything is replaced by it.
 */
#include "certstore/x509.h"

#include "base/check.h"
#include "base/clock.h"
#include "certstore/der.h"
#include "certstore/x509_walk.h"

#define OID_BASIC_CONSTRAINTS STR("\x55\x1d\x13")

static bool facts_have(const struct x509_facts *f, const char *name)
{
	for (unsigned i = 0; i < f->n_names; i++)
		if (strcmp(f->names[i], name) == 0)
			return true;
	return false;
}

static bool wanted_have(const struct x509_check *want, const char *name)
{
	for (unsigned i = 0; i < want->n_names; i++)
		if (strcmp(want->names[i], name) == 0)
			return true;
	return false;
}

static enum err check_names(
	const struct x509_facts *f, const struct x509_check *want, struct fault *fault)
{
	for (unsigned i = 0; i < want->n_names; i++)
		if (!facts_have(f, want->names[i]))
			return fault_set(fault, E_CHAIN, "it is not for %s", want->names[i]);
	for (unsigned i = 0; i < f->n_names; i++)
		if (!wanted_have(want, f->names[i]))
			return fault_set(
				fault, E_CHAIN, "it is also for %s, not asked for", f->names[i]);
	return E_OK;
}

static enum err check_validity(
	const struct x509_facts *f, const struct x509_check *want, struct fault *fault)
{
	char text[CLOCK_RFC3339];

	if (want->now_ms < f->not_before_ms - want->skew_ms) {
		clock_rfc3339(text, f->not_before_ms);
		return fault_set(fault, E_CHAIN, "it is not valid before %s", text);
	}
	if (want->now_ms >= f->not_after_ms) {
		clock_rfc3339(text, f->not_after_ms);
		return fault_set(fault, E_CHAIN, "it expired at %s", text);
	}
	return E_OK;
}

static enum err check_leaf(struct str leaf, const struct x509_check *want, struct fault *fault)
{
	struct x509_parts parts;
	struct x509_facts facts;
	enum err err = x509_parse(leaf, &facts, fault);

	if (!err && !x509_walk(leaf, &parts))
		UNREACHABLE();
	if (!err && want->key && !str_equal(parts.public_der, key_public(want->key)))
		err = fault_set(fault, E_KEY, "the key does not belong to the certificate");
	if (!err && want->names)
		err = check_names(&facts, want, fault);
	if (!err && want->now_ms)
		err = check_validity(&facts, want, fault);
	x509_facts_fini(&facts);
	return err;
}

static bool is_authority(const struct x509_parts *parts)
{
	struct str value = x509_extension_value(parts, OID_BASIC_CONSTRAINTS), constraints, flag;

	return value.at && der_take(&value, DER_SEQUENCE, &constraints) &&
	       der_take(&constraints, DER_BOOLEAN, &flag) && flag.len == 1 && flag.at[0] != 0;
}

static enum err check_link(
	struct str lower_der, struct str upper_der, unsigned at, struct fault *fault)
{
	struct x509_parts lower, upper;

	if (!x509_walk(lower_der, &lower) || !x509_walk(upper_der, &upper))
		return fault_set(fault, E_CHAIN, "certificate %u is no X.509 certificate", at + 1);
	if (!str_equal(lower.issuer, upper.subject))
		return fault_set(
			fault, E_CHAIN, "certificate %u was not issued by the next one", at);
	if (!is_authority(&upper))
		return fault_set(fault, E_CHAIN, "certificate %u is not an authority's", at + 1);
	if (key_verify(&(struct key_verify_args){
		    upper.public_der, lower.algorithm, lower.tbs, lower.signature}))
		return fault_set(
			fault, E_CHAIN, "certificate %u is not signed by the next one", at);
	return E_OK;
}

enum err x509_check_chain(struct str chain_der, const struct x509_check *want, struct fault *fault)
{
	struct str lower = x509_chain_next(&chain_der), upper;
	enum err err;

	ASSERT(want);
	if (!lower.at)
		return fault_set(fault, E_CHAIN, "no certificate in it");
	err = check_leaf(lower, want, fault);
	for (unsigned at = 1; !err && chain_der.len > 0; at++) {
		upper = x509_chain_next(&chain_der);
		if (!upper.at || at >= X509_CHAIN)
			return fault_set(fault, E_CHAIN, "malformed after certificate %u", at);
		err = check_link(lower, upper, at, fault);
		lower = upper;
	}
	return err;
}

struct str x509_public(struct str leaf_der)
{
	struct x509_parts parts;

	return x509_walk(leaf_der, &parts) ? parts.public_der : STR_NONE;
}
