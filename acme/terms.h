/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * terms: what an order asks for beside the name: the profile, the certificate that it replaces, and how
 * control of the name is to be proved.
 * Of a CA whose directory is held and whose account is ready.
 */
#ifndef ACME_TERMS_H
#define ACME_TERMS_H

#include "acme/ca.h"
#include "acme/governor.h"
#include "acme/problem.h"
#include "certstore/entry.h"

/* What an order is for. */
struct terms_wish {
	const char *name;
	const char *profile;    /* wanted for this name; "" for none */
	bool was_refused;       /* a profile, a moment ago */
};
/* The profile wanted for this name where the CA offers it. Else the configured one where the CA offers it; NULL, to
 * be left out, where it is only preferred and not offered (or refused a moment ago). E_ACME where it is required:
 * the fault names those on offer. For an IP address where none is configured: the one that this CA has for them,
 * if it has. */
enum err terms_profile(const struct ca *ca, const struct terms_wish *wish, const char **profile,
	struct fault *fault);
/* The ARI id to name in "replaces" (RFC 9773 5), or NULL: only the account that ordered it may replace a
 * certificate, and only at a CA that knows of ARI. Borrowed from held. */
const char *terms_replaces(const struct ca *ca, const struct entry *held, int64_t now_ms);

/* What is left of the certificate we have; 0: nothing, or there is none (held NULL). */
int64_t terms_life_left_ms(const struct entry *held, int64_t now_ms);
/* Whether an order may go on to the next CA: a certificate that still has life left waits for this one for a
 * while. */
bool terms_may_leave(const struct ca *ca, const struct entry *held);

/* The type of key a certificate of this series is to have; of one that is not wanted any more (the operator
 * insists), the usual one of its family. */
enum conf_key_type terms_key(const struct conf_keys *keys, const char *series);
/* Whether a certificate that is still good is to be replaced since its key is not of the family it should be
 * of. Only where a name has two: one alone serves until its time has come. */
bool terms_is_misfit(const struct conf_keys *keys, const char *series, enum conf_key_type held);

/* The challenge (enum conf_challenge) by which this was got, or -1. held: or NULL. */
int terms_worked(const struct entry *held);
/* The configured challenges that can reach us, in their order; what worked for this name, else at this CA,
 * first; what failed a moment ago (avoid, or -1) late, and last what this CA is known not to offer: it may have
 * learnt. Returns how many. */
struct terms_args {
	const struct ca *ca;
	const char *name;
	const struct conf_acme *acme;
	const bool *can;
	const struct entry *held;  /* or NULL */
	int avoid;
};
unsigned terms_challenges(const struct terms_args *args, enum conf_challenge wanted[CONF_CHALLENGES]);
/* Whether another one than this (enum conf_challenge) is worth an order at this CA. */
bool terms_has_other(const struct terms_args *args, int failed);

/* Whether it can be ordered from now. */
bool terms_is_ready(const struct ca *ca);
/* What a CA will have counted of an order that ended so. used: as authz_result. */
enum grant_outcome terms_outcome(enum err err, enum problem_class class, int used);

/* Whether a refusal is, or may be, about the account and not the name: it was told, and sees to it when the
 * order is tried again (account_lost, account_doubt, account_suspect, account_must_agree). used: as authz_result. */
bool terms_is_account_trouble(const struct ca *ca, const struct fault *fault, int used);

#endif
