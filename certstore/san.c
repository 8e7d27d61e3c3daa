/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * san: one place that knows which text is a DNS name and which is an address.
 */
#include "certstore/san.h"

#include <arpa/inet.h>
#include <stdio.h>

enum { TAG_DNS = DER_CONTEXT | 2, TAG_IP = DER_CONTEXT | 7, DNS_NAME_MAX = 253 };

#define SAN_OID "\x06\x03\x55\x1d\x11"

/* Letters, digits, hyphen, dot, underscore (seen in the wild), and a leading "*." */
static bool is_dns_name(struct str s)
{
	if (s.len > 2 && str_has_prefix(s, STR("*.")))
		s = str_of(s.at + 2, s.len - 2);
	if (s.len == 0 || s.len > DNS_NAME_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '-' || c == '.' || c == '_'))
			return false;
	}
	return true;
}

static void add_name(struct der_writer *w, const char *name)
{
	unsigned char address[16];

	if (inet_pton(AF_INET, name, address) == 1)
		der_add(w, TAG_IP, str_of(address, 4));
	else if (inet_pton(AF_INET6, name, address) == 1)
		der_add(w, TAG_IP, str_of(address, 16));
	else if (is_dns_name(str_from(name)))
		der_add(w, TAG_DNS, str_from(name));
	else if (!w->err)
		w->err = E_NAME;
}

void san_add_extension(struct der_writer *w, const char *const *names, unsigned n)
{
	size_t extension = der_open(w, DER_SEQUENCE), value, list;

	der_add_raw(w, STR(SAN_OID));
	value = der_open(w, DER_OCTET_STRING);
	list = der_open(w, DER_SEQUENCE);
	for (unsigned i = 0; i < n; i++)
		add_name(w, names[i]);
	der_close(w, list);
	der_close(w, value);
	der_close(w, extension);
}

/* The text of a dNSName must not be taken for an iPAddress: no client accepts one for the other. */
static bool dns_text(struct str content, char text[SAN_NAME])
{
	unsigned char address[4];

	if (!is_dns_name(content))
		return false;
	str_lower(text, content);
	text[content.len] = '\0';
	if (inet_pton(AF_INET, text, address) == 1)
		snprintf(text, SAN_NAME, "dns:%.*s", STR_FMT(content));
	return true;
}

static bool ip_text(struct str content, char text[SAN_NAME])
{
	if (content.len != 4 && content.len != 16)
		return false;
	return inet_ntop(content.len == 4 ? AF_INET : AF_INET6, content.at, text, SAN_NAME) != NULL;
}

bool san_next(struct str *general_names, char text[SAN_NAME])
{
	struct der_item item;

	text[0] = '\0';
	if (!der_next(general_names, &item))
		return false;
	if (item.tag == TAG_DNS)
		return dns_text(item.content, text);
	if (item.tag == TAG_IP)
		return ip_text(item.content, text);
	return true;
}

bool san_reverse_name(char dst[SAN_NAME], const char *ip)
{
	unsigned char a[16];
	char *end = dst;

	if (inet_pton(AF_INET, ip, a) == 1) {
		snprintf(dst, SAN_NAME, "%u.%u.%u.%u.in-addr.arpa", a[3], a[2], a[1], a[0]);
		return true;
	}
	if (inet_pton(AF_INET6, ip, a) != 1)
		return false;
	for (int i = 15; i >= 0; i--)
		end += sprintf(end, "%x.%x.", a[i] & 15, a[i] >> 4);
	memcpy(end, "ip6.arpa", sizeof("ip6.arpa"));
	return true;
}
