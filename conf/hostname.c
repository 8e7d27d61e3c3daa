/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hostname: names of sites and of hosts, brought to the one form we compare.
 */
#include "conf/hostname.h"

#include <arpa/inet.h>

#include "base/check.h"
#include "conf/idn.h"
#include "conf/special_address.h"

enum { LABEL_MAX = 63, NAME_MAX_BYTES = 253 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' || c == '_';
}

static const char *label_complaint(struct str label)
{
	if (!label.len)
		return "has an empty label (two dots, or one at the start)";
	if (label.len > LABEL_MAX)
		return "has a label longer than 63 bytes";
	if (label.at[0] == '-' || label.at[label.len - 1] == '-')
		return "has a label that starts or ends with a hyphen";
	for (size_t i = 0; i < label.len; i++)
		if (!is_label_char(label.at[i]))
			return "has a character that no host name may have";
	return NULL;
}

static bool is_number(struct str label)
{
	for (size_t i = 0; i < label.len; i++)
		if (!is_digit(label.at[i]))
			return false;
	return true;
}

bool hostname_is_valid(struct str name, const char **why)
{
	struct str label, rest = name;

	*why = NULL;
	if (!name.len)
		*why = "is empty";
	else if (name.len > NAME_MAX_BYTES)
		*why = "is longer than 253 bytes";
	while (rest.at && !*why) {
		rest = str_cut(rest, '.', &label);
		*why = label_complaint(label);
	}
	/* Resolvers read such names as addresses, each in its own way. */
	if (!*why && is_number(label))
		*why = "ends in a number and is no IP address";
	return !*why;
}

bool hostname_ip(char dst[HOSTNAME_SIZE], struct str text)
{
	char copy[INET6_ADDRSTRLEN];
	unsigned char addr[16];
	int family;

	if (!str_copy(copy, sizeof(copy), text))
		return false;
	family = str_find(text, ':') >= 0 ? AF_INET6 : AF_INET;
	if (strlen(copy) != text.len || inet_pton(family, copy, addr) != 1)
		return false;
	return inet_ntop(family, addr, dst, HOSTNAME_SIZE) != NULL;
}

static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] >= 0x80)
			return false;
	return true;
}

static enum err normalise_dns(char *dst, size_t cap, struct str name, const char **why)
{
	if (name.len && name.at[name.len - 1] == '.')
		name.len--;
	if (!is_ascii(name)) {
		enum err e = idn_to_ascii(dst, cap, name, why);

		if (e)
			return e;
	} else if (!str_copy(dst, cap, name)) {
		*why = "is longer than 253 bytes";
		return E_NAME;
	}
	str_lower(dst, str_from(dst));
	if (!hostname_is_valid(str_from(dst), why))
		return E_NAME;
	if (str_find(str_from(dst), '_') >= 0) {
		*why = "has an underscore, for which no CA gives certificates";
		return E_NAME;
	}
	return E_OK;
}

/* "::ffff:192.0.2.1" is an IPv4 address to whoever comes to it. */
static void unmap(char *ip)
{
	struct str text = str_from(ip);

	if (str_has_prefix(text, STR("::ffff:")) && str_find(text, '.') >= 0)
		memmove(ip, ip + strlen("::ffff:"), strlen(ip + strlen("::ffff:")) + 1);
}

enum err hostname_normalise(char dst[HOSTNAME_SIZE], struct str name, enum hostname_kind *kind,
	const char **why)
{
	struct str inner = name;

	*why = "is empty";
	dst[0] = 0;
	if (!name.len)
		return E_NAME;
	if (str_is(name, "*")) {
		*kind = HOSTNAME_ANY;
		return str_copy(dst, HOSTNAME_SIZE, name) ? E_OK : E_NAME;
	}
	if (name.at[0] == '[' && name.at[name.len - 1] == ']')
		inner = str_of(name.at + 1, name.len - 2);
	if (hostname_ip(dst, inner)) {
		unmap(dst);
		*kind = HOSTNAME_IP;
		return E_OK;
	}
	if (str_find(name, ':') >= 0) {
		*why = "has a colon and is no IPv6 address; names have no port";
		return E_NAME;
	}
	*kind = HOSTNAME_EXACT;
	if (!str_has_prefix(name, STR("*.")))
		return normalise_dns(dst, HOSTNAME_SIZE, name, why);
	*kind = HOSTNAME_WILDCARD;
	memcpy(dst, "*.", 2);
	return normalise_dns(dst + 2, HOSTNAME_SIZE - 2, str_of(name.at + 2, name.len - 2), why);
}

bool hostname_is_private(struct str name)
{
	static const char *const endings[] = { ".localhost", ".internal", ".home.arpa", ".test", ".local" };
	char ip[HOSTNAME_SIZE];

	if (hostname_ip(ip, name))
		return special_address_kind(name) != NULL;
	if (str_find(name, '.') < 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(endings); i++)
		if (str_has_suffix(name, str_from(endings[i])))
			return true;
	return false;
}
