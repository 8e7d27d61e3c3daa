/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * public_name: label by label. A last label of digits alone is an IPv4 literal or nothing at all.
 */
#include "proxy/public_name.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_ldh(char c)
{
	return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-';
}

/* "xn--" is the only prefix with two hyphens there that means anything (RFC 5890 2.3.1). */
static bool is_label(struct str label)
{
	if (label.len == 0 || label.len > PUBLIC_NAME_LABEL)
		return false;
	if (label.at[0] == '-' || label.at[label.len - 1] == '-')
		return false;
	for (size_t i = 0; i < label.len; i++)
		if (!is_ldh(label.at[i]))
			return false;
	if (label.len >= 4 && label.at[2] == '-' && label.at[3] == '-')
		return label.len > 4 && str_has_prefix(label, STR("xn--"));
	return true;
}

static bool is_numeric(struct str label)
{
	for (size_t i = 0; i < label.len; i++)
		if (!is_digit(label.at[i]))
			return false;
	return true;
}

/* What addresses are called in the DNS: validators ask by these names, and no public CA certifies them. */
static bool is_reverse(struct str name)
{
	return str_has_suffix(name, STR(".in-addr.arpa")) || str_has_suffix(name, STR(".ip6.arpa"));
}

enum err public_name_check(struct str name, unsigned max_labels)
{
	struct str rest = name, label = STR_NONE;
	unsigned n = 0;

	if (name.len == 0 || name.len > PUBLIC_NAME_MAX)
		return E_NAME;
	do {
		rest = str_cut(rest, '.', &label);
		if (!is_label(label))
			return E_NAME;
		n++;
	} while (rest.at);
	if (n < 2 || is_numeric(label) || is_reverse(name))
		return E_NAME;
	return max_labels && n > max_labels ? E_LIMIT : E_OK;
}
