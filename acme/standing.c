/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * standing: pure but for the wall clock and the log.
 */
#include "acme/standing.h"

#include "base/clock.h"
#include "base/log.h"

static const int64_t look_again_ms = 5 * 60000, replace_ms = (int64_t)7 * 86400 * 1000;

static const struct log log_acme = { "acme" };

void standing_set(struct account_record *r, enum account_standing standing)
{
	r->standing = standing;
	r->standing_at_ms = clock_wall_ms();
}

static enum err must_agree(const struct agreement *to, const char *ca, struct fault *fault)
{
	const char *url = to->instance[0] ? to->instance : to->terms[0] ? to->terms : "what the CA published";
	str_copy(fault->type, sizeof fault->type, STR("userActionRequired"));
	return fault_set(fault, E_ACCOUNT, "the CA asks for agreement; read %.320s, then run "
		"'sallyport account agree %.60s'", url, ca);
}

enum err standing_refusal(const struct account_record *r, const char *ca, struct fault *fault)
{
	if (!r->key || r->standing == ACCOUNT_GOOD)
		return E_OK;
	if (r->standing == ACCOUNT_MUST_AGREE)
		must_agree(&r->agreement, ca, fault);
	else
		fault_set(fault, E_ACCOUNT, "the account was %s; 'sallyport account register %s' makes another",
			r->standing == ACCOUNT_CLOSED ? "deactivated by the operator"
			: "deactivated by the CA, as one not long ago was", ca);
	fault->retry_at_ms = clock_wall_ms() + look_again_ms;
	return fault->code;
}

void standing_shout(const struct account_record *r, const char *ca)
{
	struct fault f = { 0 };
	if (standing_refusal(r, ca, &f))
		log_kv(&log_acme, LOG_ERROR, "ACME account needs its operator", (struct log_field[]){
			{ .key = "ca", .text = str_from(ca) },
			{ .key = "account", .text = str_from(r->kid) },
			{ .key = "detail", .text = str_from(f.detail) },
			{ .key = "terms", .text = str_from(r->agreement.terms) },
			{ .key = "instance", .text = str_from(r->agreement.instance) },
		}, 5);
}

bool standing_may_replace(struct account_record *r, const char *ca)
{
	int64_t now = clock_wall_ms(), last = r->replaced_at_ms;
	if (last && last <= now && now - last < replace_ms) {
		standing_set(r, ACCOUNT_DEAD);
		standing_shout(r, ca);
		return false;
	}
	r->replaced_at_ms = now;
	log_kv(&log_acme, LOG_ERROR, "CA deactivated our account; a new one is made", (struct log_field[]){
		{ .key = "ca", .text = str_from(ca) },
		{ .key = "account", .text = str_from(r->kid) },
	}, 2);
	return true;
}

void standing_note_url(struct account_record *r, const char *ca)
{
	if (!r->previous[0] || !strcmp(r->previous, r->kid)) {
		r->previous[0] = '\0';
		return;
	}
	r->changed_at_ms = clock_wall_ms();
	log_kv(&log_acme, LOG_WARN, "account URL changed: update CAA accounturi and dns-persist-01 records",
		(struct log_field[]){
			{ .key = "ca", .text = str_from(ca) },
			{ .key = "account", .text = str_from(r->kid) },
			{ .key = "before", .text = str_from(r->previous) },
		}, 3);
}
