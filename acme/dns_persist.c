/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns_persist: the syntax is that of CAA's issue property (RFC 8659 4.2). An operator may have written it
 * in another order, or with an end.
 */
#include "acme/dns_persist.h"

#include <stdio.h>

#include "base/check.h"

enum err dns_persist_write(char *dst, size_t cap, const char *issuer, const char *account,
	bool is_wildcard)
{
	int n = snprintf(dst, cap, "%s; accounturi=%s%s", issuer, account,
		is_wildcard ? "; policy=wildcard" : "");
	ASSERT(n >= 0);
	return (size_t)n < cap ? E_OK : E_LIMIT;
}

struct grant {
	struct str issuer, account, until;
	bool is_wildcard, is_broken;
};

static void take_parameter(struct grant *g, struct str parameter)
{
	struct str name, value = str_cut(parameter, '=', &name);
	name = str_trim(name);
	value = str_trim(value);
	if (str_equal_nocase(name, STR("accounturi"))) {
		g->is_broken |= g->account.len > 0;
		g->account = value;
	} else if (str_equal_nocase(name, STR("policy"))) {
		g->is_wildcard = str_equal_nocase(value, STR("wildcard"));
	} else if (str_equal_nocase(name, STR("persistUntil"))) {
		g->until = value;
	}
}

static struct grant parse(struct str text)
{
	struct grant g = { .is_broken = false };
	struct str rest = str_cut(text, ';', &g.issuer), parameter;
	g.issuer = str_trim(g.issuer);
	while (rest.at) {
		rest = str_cut(rest, ';', &parameter);
		take_parameter(&g, parameter);
	}
	return g;
}

bool dns_persist_permits(struct str record, const char *wanted, int64_t now_ms)
{
	struct grant has = parse(record), want = parse(str_from(wanted));
	uint64_t until_s = 0;
	if (has.is_broken || !want.issuer.len || !want.account.len)
		return false;
	if (has.until.at && (!str_to_u64(has.until, &until_s) || until_s <= (uint64_t)(now_ms / 1000)))
		return false;
	return str_equal_nocase(has.issuer, want.issuer) && str_equal(has.account, want.account)
		&& (has.is_wildcard || !want.is_wildcard);
}
