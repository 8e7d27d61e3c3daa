/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account_report: times as RFC 3339; the key by its type and its thumbprint (RFC 7638), which stateless answers
 * to http-01 are made of.
 */
#include "acme/account_report.h"

#include <stdio.h>

#include "acme/standing.h"
#include "base/clock.h"

static void put_if(struct json *o, const char *key, const char *text)
{
	if (text[0])
		json_put_cstr(o, key, text);
}

static void put_time(struct json *o, const char *key, int64_t wall_ms)
{
	char text[CLOCK_RFC3339];
	if (wall_ms <= 0)
		return;
	clock_rfc3339(text, wall_ms);
	json_put_cstr(o, key, text);
}

static const char *type_text(const struct key *k)
{
	static const char *const texts[] = { [CONF_KEY_P256] = "P-256", [CONF_KEY_P384] = "P-384",
		[CONF_KEY_RSA2048] = "RSA-2048", [CONF_KEY_RSA3072] = "RSA-3072", [CONF_KEY_RSA4096] = "RSA-4096" };
	return texts[key_type(k)];
}

static void put_key(struct json *o, const struct account_record *r)
{
	char thumbprint[KEY_THUMBPRINT];
	json_put_cstr(o, "key", type_text(r->key));
	if (!key_thumbprint(r->key, thumbprint))
		json_put_cstr(o, "thumbprint", thumbprint);
	if (r->next_key)
		json_put_bool(o, "key_change_unsettled", true);
}

void account_report(const struct account_record *r, const char *ca, struct json *out)
{
	struct fault fault = { 0 };
	if (!r || !r->key) {
		json_put_cstr(out, "state", "none");
		return;
	}
	bool is_registered = r->kid[0] || r->standing != ACCOUNT_GOOD;
	json_put_cstr(out, "state", is_registered ? account_standing_word(r->standing) : "unregistered");
	put_time(out, "state_since", r->standing_at_ms);
	put_if(out, "account", r->kid);
	put_time(out, "registered_at", r->registered_at_ms);
	put_key(out, r);
	put_if(out, "contact", r->contact);
	put_if(out, "refused_contact", r->refused_contact);
	put_if(out, "terms", r->agreement.terms);
	put_if(out, "instance", r->agreement.instance);
	if (standing_refusal(r, ca, &fault))
		json_put_cstr(out, "why", fault.detail);
	put_if(out, "previous", r->previous);
	put_time(out, "changed_at", r->changed_at_ms);
	put_time(out, "replaced_at", r->replaced_at_ms);
}

bool account_report_trouble(const struct account_record *r, const char *ca, char *text, size_t cap)
{
	static const int64_t week_ms = (int64_t)7 * 86400 * 1000;
	struct fault fault = { 0 };
	if (standing_refusal(r, ca, &fault)) {
		snprintf(text, cap, "account at %s: %s", ca, fault.detail);
		return true;
	}
	if (!r->changed_at_ms || !r->previous[0] || clock_wall_ms() - r->changed_at_ms >= week_ms)
		return false;
	snprintf(text, cap, "account URL at %s changed from %.200s to %.200s: update CAA accounturi and "
		"dns-persist-01 records, if there are any", ca, r->previous, r->kid);
	return true;
}
