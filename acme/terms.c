/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * terms: decisions without state.
 */
#include "acme/terms.h"

#include <stdio.h>

#include "acme/account.h"
#include "acme/challenge.h"
#include "acme/internal_ca.h"
#include "acme/identifier.h"
#include "acme/problem.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "conf/known_ca.h"

static const struct log log_acme = { "acme" };

const char *terms_replaces(const struct ca *ca, const struct entry *held, int64_t now_ms)
{
	bool is_ours = held->ari_id[0] && held->not_after_ms > now_ms
		&& str_is(str_from(held->ca), ca->conf->directory)
		&& str_is(str_from(held->account), account_kid(ca->account))
		&& directory_get(ca->directory)->renewal_info[0];
	return is_ours ? held->ari_id : NULL;
}

static void add_name(char *dst, size_t cap, const char *name)
{
	char text[80];
	size_t len = strlen(dst);
	encode_printable(text, sizeof text, str_from(name));
	snprintf(dst + len, cap - len, "%s%s", len ? ", " : "", text);
}

/* As the CA's own invalidProfile: nothing but another configuration helps. */
static enum err missing(const struct ca *ca, struct fault *fault)
{
	const struct directory_body *d = directory_get(ca->directory);
	char names[256] = "";
	for (unsigned i = 0; i < d->n_profiles; i++)
		add_name(names, sizeof names, d->profiles[i]);
	fault_set(fault, E_ACME, "%s has no profile \"%s\"; it offers %s", ca->conf->name,
		ca->conf->profile, names[0] ? names : "none");
	str_copy(fault->type, sizeof fault->type, STR("invalidProfile"));
	return E_ACME;
}

static bool is_offered(const struct ca *ca, const char *profile)
{
	const struct directory_body *d = directory_get(ca->directory);
	for (unsigned i = 0; i < d->n_profiles; i++) {
		if (str_is(str_from(profile), d->profiles[i]))
			return true;
	}
	return false;
}

/* What the table of CAs knows to be the only one for such a name. */
static const char *profile_of(const struct ca *ca, const char *name)
{
	if (ca->conf->profile)
		return ca->conf->profile;
	return identifier_is_address(name) ? known_ca_of(ca->conf->directory)->ip_profile : NULL;
}

enum err terms_profile(const struct ca *ca, const struct terms_wish *wish, const char **profile,
	struct fault *fault)
{
	const char *wanted = profile_of(ca, wish->name);
	*profile = NULL;
	if (wish->profile[0] && !wish->was_refused && is_offered(ca, wish->profile)) {
		*profile = wish->profile;
		return E_OK;
	}
	if (wish->profile[0])
		log_info(&log_acme, "profile wanted for this name is not offered", "ca=%s profile=%s",
			ca->conf->name, wish->profile);
	if (!wanted)
		return E_OK;
	if (!wish->was_refused && is_offered(ca, wanted)) {
		*profile = wanted;
		return E_OK;
	}
	if (ca->conf->profile_required && ca->conf->profile)
		return missing(ca, fault);
	log_info(&log_acme, "profile not offered, ordering without", "ca=%s profile=%s", ca->conf->name,
		wanted);
	return E_OK;
}

int terms_worked(const struct entry *held)
{
	return held ? challenge_kind_named(held->challenge) : -1;
}

static bool is_lacking(const struct ca *ca, int kind)
{
	return known_ca_of(ca->conf->directory)->lacks & 1u << kind;
}

static bool is_possible(const struct terms_args *args, int kind)
{
	return args->can[kind] && challenge_proves((enum conf_challenge)kind, args->name);
}

unsigned terms_challenges(const struct terms_args *args, enum conf_challenge wanted[CONF_CHALLENGES])
{
	const struct conf_acme *acme = args->acme;
	int first = terms_worked(args->held);
	unsigned n = 0;
	if (first < 0)
		first = args->ca->worked;
	for (int pass = 0; pass < 4; pass++) {
		for (unsigned i = 0; i < acme->n_challenges && n < CONF_CHALLENGES; i++) {
			int kind = (int)acme->challenges[i];
			int its_pass = is_lacking(args->ca, kind) ? 3 : kind == args->avoid ? 2 : kind == first ? 0 : 1;
			if (its_pass == pass && is_possible(args, kind))
				wanted[n++] = acme->challenges[i];
		}
	}
	return n;
}

static bool has_word(const char *text, const char *word)
{
	struct str s = str_from(text), w = str_from(word);
	for (size_t i = 0; i + w.len <= s.len; i++) {
		if (str_equal_nocase(str_of(s.at + i, w.len), w))
			return true;
	}
	return false;
}

/* Another process changed the key: the standard has no type for a signature that does not fit. */
static bool is_about_signature(const struct fault *fault)
{
	return str_is(str_from(fault->type), "malformed")
		&& (has_word(fault->detail, "jws") || has_word(fault->detail, "signature"));
}

bool terms_is_account_trouble(const struct ca *ca, const struct fault *fault, int used)
{
	struct account *a = ca->account;
	struct str type = str_from(fault->type);
	if (problem_class(fault) == PROBLEM_ACCOUNT_GONE) {
		account_lost(a, account_kid(a));
		return true;
	}
	if (str_is(type, "userActionRequired")) {
		account_must_agree(a, account_kid(a));
		return true;
	}
	if (is_about_signature(fault)) {
		account_suspect(a);
		return true;
	}
	return str_is(type, "unauthorized") && used < 0 && account_doubt(a, account_kid(a));
}

enum conf_key_type terms_key(const struct conf_keys *keys, const char *series)
{
	enum conf_key_type type = CONF_KEY_P256;
	if (!series_key(series, keys, &type) && str_has_suffix(str_from(series), STR("+rsa")))
		type = CONF_KEY_RSA2048;
	return type;
}

bool terms_is_misfit(const struct conf_keys *keys, const char *series, enum conf_key_type held)
{
	enum conf_key_type type;
	return keys->n > 1 && series_key(series, keys, &type)
		&& conf_key_is_rsa(type) != conf_key_is_rsa(held);
}

int64_t terms_life_left_ms(const struct entry *held, int64_t now_ms)
{
	return held && held->not_after_ms > now_ms ? held->not_after_ms - now_ms : 0;
}

bool terms_may_leave(const struct ca *ca, const struct entry *held)
{
	int64_t left = terms_life_left_ms(held, clock_wall_ms());
	if (!left)
		return true;
	return breaker_is_lasting(&ca->breaker, clock_mono_ms())
		&& left < (held->not_after_ms - held->not_before_ms) / 6;
}

bool terms_is_ready(const struct ca *ca)
{
	return ca->internal ? internal_ca_is_ready(ca->internal) : account_is_ready(ca->account);
}

enum grant_outcome terms_outcome(enum err err, enum problem_class class, int used)
{
	if (!err)
		return GRANT_ISSUED;
	if (class == PROBLEM_CA || err == E_TIMEOUT || err == E_ACME_PROTOCOL)
		return GRANT_UNKNOWN;
	return used >= 0 ? GRANT_FAILED : GRANT_REFUSED;
}

bool terms_has_other(const struct terms_args *args, int failed)
{
	for (unsigned i = 0; i < args->acme->n_challenges; i++) {
		int kind = (int)args->acme->challenges[i];
		if (kind != failed && is_possible(args, kind) && !is_lacking(args->ca, kind))
			return true;
	}
	return false;
}
