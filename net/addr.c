/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * addr: socket addresses and their texts.
 */
#include "net/addr.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>

#include "base/check.h"

static bool literal(struct str s, char text[INET6_ADDRSTRLEN])
{
	return s.len > 0 && s.len < INET6_ADDRSTRLEN && memchr(s.at, 0, s.len) == NULL &&
	       str_copy(text, INET6_ADDRSTRLEN, s);
}

enum err addr_parse_ip(struct addr *a, struct str ip, uint16_t port)
{
	char text[INET6_ADDRSTRLEN];
	bool has_brackets = ip.len >= 2 && ip.at[0] == '[' && ip.at[ip.len - 1] == ']';

	memset(a, 0, sizeof(*a));
	if (has_brackets)
		ip = str_of(ip.at + 1, ip.len - 2);
	if (!literal(ip, text))
		return E_PARSE;
	if (!has_brackets && inet_pton(AF_INET, text, &a->in.sin_addr) == 1) {
		a->in.sin_family = AF_INET;
		a->in.sin_port = htons(port);
		return E_OK;
	}
	if (inet_pton(AF_INET6, text, &a->in6.sin6_addr) != 1)
		return E_PARSE;
	a->in6.sin6_family = AF_INET6;
	a->in6.sin6_port = htons(port);
	return E_OK;
}

enum err addr_unix(struct addr *a, struct str path)
{
	memset(a, 0, sizeof(*a));
	a->un.sun_family = AF_UNIX;
	if (path.len == 0 || memchr(path.at, 0, path.len))
		return E_PARSE;
	return str_copy(a->un.sun_path, sizeof(a->un.sun_path), path) ? E_OK : E_LIMIT;
}

socklen_t addr_len(const struct addr *a)
{
	switch (a->any.sa_family) {
	case AF_INET:
		return sizeof(a->in);
	case AF_INET6:
		return sizeof(a->in6);
	default:
		return (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				   strnlen(a->un.sun_path, sizeof(a->un.sun_path) - 1) + 1);
	}
}

uint16_t addr_port(const struct addr *a)
{
	switch (a->any.sa_family) {
	case AF_INET:
		return ntohs(a->in.sin_port);
	case AF_INET6:
		return ntohs(a->in6.sin6_port);
	default:
		return 0;
	}
}

void addr_text(char dst[ADDR_TEXT], const struct addr *a)
{
	char ip[ADDR_IP_TEXT];

	if (a->any.sa_family == AF_UNIX) {
		snprintf(dst, ADDR_TEXT, "unix:%.*s", (int)sizeof(a->un.sun_path), a->un.sun_path);
		return;
	}
	addr_ip_text(ip, a);
	snprintf(dst, ADDR_TEXT, strchr(ip, ':') ? "[%s]:%u" : "%s:%u", ip, addr_port(a));
}

void addr_ip_text(char dst[ADDR_IP_TEXT], const struct addr *a)
{
	struct addr_small small;

	addr_to_small(&small, a);
	addr_small_text(dst, &small);
}

/* inet_ntop goes through printf; this is done for every request. */
static void ipv4_text(char *dst, const uint8_t ip[4])
{
	for (unsigned i = 0; i < 4; i++) {
		if (ip[i] >= 100)
			*dst++ = (char)('0' + ip[i] / 100);
		if (ip[i] >= 10)
			*dst++ = (char)('0' + ip[i] / 10 % 10);
		*dst++ = (char)('0' + ip[i] % 10);
		*dst++ = i < 3 ? '.' : '\0';
	}
}

void addr_small_text(char dst[ADDR_IP_TEXT], const struct addr_small *a)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (a->is_unix)
		snprintf(dst, ADDR_IP_TEXT, "unix");
	else if (memcmp(a->ip, mapped, sizeof(mapped)) == 0)
		ipv4_text(dst, a->ip + 12);
	else
		ASSERT(inet_ntop(AF_INET6, a->ip, dst, ADDR_IP_TEXT));
}

void addr_to_small(struct addr_small *dst, const struct addr *a)
{
	*dst = (struct addr_small){.port = addr_port(a)};
	switch (a->any.sa_family) {
	case AF_INET:
		dst->ip[10] = dst->ip[11] = 0xff;
		memcpy(dst->ip + 12, &a->in.sin_addr, 4);
		break;
	case AF_INET6:
		memcpy(dst->ip, &a->in6.sin6_addr, 16);
		break;
	default:
		dst->is_unix = true;
	}
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	switch (a->any.sa_family) {
	case AF_INET:
		return a->in.sin_port == b->in.sin_port &&
		       a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	case AF_INET6:
		return a->in6.sin6_port == b->in6.sin6_port &&
		       a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
		       memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, 16) == 0;
	default:
		return strncmp(a->un.sun_path, b->un.sun_path, sizeof(a->un.sun_path)) == 0;
	}
}

bool addr_is_ip_literal(struct str s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr any;

	return literal(s, text) &&
	       (inet_pton(AF_INET, text, &any) == 1 || inet_pton(AF_INET6, text, &any) == 1);
}
