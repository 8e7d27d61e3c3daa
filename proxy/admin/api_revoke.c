/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * api_revoke: the stored certificate is revoked at the CA it came from, and replaced at once (with a new key)
 * when its name is still wanted; ?reason=cessationOfOperation forgets it instead. So for each that the store
 * has of a name, unless one alone is meant.
 *
 *   load ─► issuer_revoke ─► renew | remove ─► the next series, or answer
 */
#include <stdio.h>

#include "acme/revocation.h"
#include "base/check.h"
#include "base/log.h"
#include "certstore/entry.h"
#include "certstore/x509.h"
#include "proxy/admin/api.h"

static const struct log area = { "admin" };

/* The name's certificates, one after the other; the call's scratch. */
struct round {
	char series[SERIES_NAME];
	unsigned n_done;               /* series that were looked for */
	const char *then;              /* what becomes of the first; static text, NULL: none is revoked yet */
};

static void next(struct api_call *c);

/* What revoking needs of a bundle. */
struct leaf {
	struct entry *entry;
	struct buf chain;
};

static void leaf_free(struct leaf **l)
{
	if (!*l)
		return;
	entry_unref(&(*l)->entry);
	buf_fini(&(*l)->chain);
	mem_free(l);
}

/* Pool thread. */
static enum err parse(struct str bytes, const char *name, void **object, struct fault *fault)
{
	struct leaf *l = mem_new(sizeof(*l));
	enum err err = entry_parse(bytes, name, &l->entry, fault);

	buf_init(&l->chain, 0);
	if (!err)
		err = x509_chain_from_pem(bytes, &l->chain, fault);
	if (err)
		leaf_free(&l);
	*object = l;
	return err;
}

static struct round *round_of(struct api_call *c)
{
	return c->scratch;
}

static void refuse(struct api_call *c, enum err err, const struct fault *fault)
{
	struct fault why = fault ? *fault : (struct fault){ 0 };

	if (round_of(c)->then && fault)
		fault_set(&why, err, "%s: %s; those before it are revoked", round_of(c)->series, fault->detail);
	why.code = err;
	api_refuse(c, &why);
}

static void done(struct api_call *c, const char *then)
{
	struct round *r = round_of(c);

	log_info(&area, "certificate revoked", "name=%s then=%s", r->series, then);
	if (!r->then)
		r->then = then;
	next(c);
}

static void finish(struct api_call *c)
{
	struct json *out = json_new_object();

	json_put_bool(out, "ok", true);
	json_put_cstr(out, "name", c->name);
	json_put_cstr(out, "done", "revoked");
	json_put_cstr(out, "then", round_of(c)->then ? round_of(c)->then : "");
	api_answer(c, 200, &out);
}

static enum revocation_reason reason_of(const struct api_call *c)
{
	enum revocation_reason reason = REVOCATION_UNSPECIFIED;

	revocation_reason_named(api_query(c, "reason"), &reason);
	return reason;
}

static void on_removed(void *owner, enum err err, const struct fault *fault)
{
	if (err && err != E_NOT_FOUND)
		refuse(owner, err, fault);
	else
		done(owner, "forgotten");
}

static void forget(struct api_call *c)
{
	const char *series = round_of(c)->series;
	struct fault ignored = { 0 };

	names_forget(c->env->names, series, &ignored);
	renewal_unwatch(c->env->renewal, series);
	announced_remove(c->env->announced, series);
	fleet_forget(*c->env->fleet, series);
	store_remove(c->env->store, STORE_CERTS, series, on_removed, c);
}

static void on_revoked(void *owner, enum err err, const struct fault *fault)
{
	struct api_call *c = owner;
	const char *series = round_of(c)->series;

	if (err) {
		refuse(c, err, fault);
	} else if (api_is_orphan(c)) {
		done(c, "nobody waited");
	} else if (reason_of(c) == REVOCATION_CESSATION || !names_is_covered(c->env->names, series)) {
		forget(c);
	} else if (issuer_find(c->env->issuer, series) || renewal_force(c->env->renewal, series)) {
		done(c, "being replaced");
	} else {
		done(c, "not replaced: too many renewals are under way");
	}
}

static const char *const suffixes[] = { "", "+rsa", "+ecdsa" };

static unsigned series_count(const struct api_call *c)
{
	return series_is_second(c->name) || strlen(c->name) > SERIES_HOST_MAX ? 1 : ARRAY_LEN(suffixes);
}

static void on_loaded(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct api_call *c = owner;
	struct leaf *l = object;
	struct fault why = fault ? *fault : (struct fault){ 0 };
	struct str chain, leaf;

	if (!err && api_is_orphan(c))
		err = E_CANCELED;
	if (err == E_NOT_FOUND && (round_of(c)->then || round_of(c)->n_done < series_count(c))) {
		next(c);
		return;
	}
	if (err == E_NOT_FOUND)
		fault_set(&why, err, "the store has no certificate for %s", c->name);
	if (err) {
		refuse(c, err, &why);
		leaf_free(&l);
		return;
	}
	chain = buf_str(&l->chain);
	leaf = x509_chain_next(&chain);
	err = issuer_revoke(c->env->issuer, &(struct issuer_revoke_args){ .ca = l->entry->ca,
		.leaf_der = leaf, .reason = (int)reason_of(c), .fn = on_revoked, .owner = c }, &why);
	leaf_free(&l);
	if (err)
		refuse(c, err, &why);
}

/* The first, then the second of either family: also one that no configuration wants any more. */
static void next(struct api_call *c)
{
	struct round *r = round_of(c);

	if (r->n_done == series_count(c) || api_is_orphan(c)) {
		finish(c);
		return;
	}
	ASSERT(snprintf(r->series, SERIES_NAME, "%s%s", c->name, suffixes[r->n_done]) < SERIES_NAME);
	r->n_done++;
	store_load(c->env->store, STORE_CERTS, r->series, parse, on_loaded, c);
}

void api_revoke(struct api_call *c)
{
	struct str reason = api_query(c, "reason");
	enum revocation_reason any;
	struct fault fault = { 0 };

	if (reason.at && !revocation_reason_named(reason, &any)) {
		fault_set(&fault, E_USAGE, "no such reason: %.*s; there are unspecified, keyCompromise, "
			"affiliationChanged, superseded, cessationOfOperation", STR_FMT(reason));
		api_refuse(c, &fault);
		return;
	}
	c->scratch = mem_new(sizeof(struct round));
	next(c);
}
