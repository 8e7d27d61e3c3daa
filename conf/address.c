/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * address: addresses, networks and URLs as operators write them.
 */
#include "conf/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/un.h>

#include "base/check.h"
#include "conf/hostname.h"

static enum err keep(struct arena *a, struct str text, const char **out)
{
	*out = arena_strndup(a, text.at, text.len);
	return *out ? E_OK : E_NOMEM;
}

static enum err unix_path(struct arena *a, struct str path, struct conf_addr *out, const char **why)
{
	*why = "wants an absolute path after \"unix:\"";
	if (!path.len || path.at[0] != '/')
		return E_CONFIG;
	*why = "has a longer path than a socket may have (107 bytes)";
	if (path.len >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return E_CONFIG;
	out->kind = CONF_ADDR_UNIX;
	return keep(a, path, &out->host);
}

static bool port_number(struct str text, uint16_t *port)
{
	uint64_t n;

	if (!str_to_u64(text, &n) || n < 1 || n > 65535)
		return false;
	*port = (uint16_t)n;
	return true;
}

/* "host:port", "[v6]:port", ":port", "port", "host" -> its two halves; a half may be empty. */
static bool split(struct str text, struct str *host, struct str *port, const char **why)
{
	ptrdiff_t colon = -1;
	uint64_t n;

	*host = *port = STR("");
	if (text.len && text.at[0] == '[') {
		ptrdiff_t end = str_find(text, ']');
		struct str rest;

		*why = "lacks the closing bracket";
		if (end < 0)
			return false;
		*host = str_of(text.at + 1, (size_t)end - 1);
		rest = str_of(text.at + end + 1, text.len - (size_t)end - 1);
		*why = "wants ':' and a port after the bracket";
		if (rest.len && rest.at[0] != ':')
			return false;
		*why = "has brackets round what is no IPv6 address";
		if (rest.len)
			*port = str_of(rest.at + 1, rest.len - 1);
		return str_find(*host, ':') >= 0 && (!rest.len || port->len);
	}
	colon = str_find(text, ':');
	if (colon < 0) {
		*(str_to_u64(text, &n) ? port : host) = text;
		return true;
	}
	*why = "has several colons; write an IPv6 address in brackets, [::1]:80";
	*host = str_of(text.at, (size_t)colon);
	*port = str_of(text.at + colon + 1, text.len - (size_t)colon - 1);
	return str_find(*port, ':') < 0;
}

static enum err set_host(struct arena *a, struct str host, struct conf_addr *out, const char **why)
{
	char text[HOSTNAME_SIZE];

	if (hostname_ip(text, host)) {
		out->kind = CONF_ADDR_IP;
		return keep(a, str_from(text), &out->host);
	}
	if (!hostname_is_valid(host, why))
		return E_CONFIG;
	str_lower(text, host);
	out->kind = CONF_ADDR_NAME;
	return keep(a, str_of(text, host.len), &out->host);
}

enum err address_listen(struct arena *a, struct str text, struct conf_addr *out, const char **why)
{
	struct str host, port;
	enum err e;

	*out = (struct conf_addr){ .kind = CONF_ADDR_ANY };
	if (keep(a, text, &out->text))
		return E_NOMEM;
	if (str_has_prefix(text, STR("unix:")))
		return unix_path(a, str_of(text.at + 5, text.len - 5), out, why);
	if (!split(text, &host, &port, why))
		return E_CONFIG;
	*why = "wants a port from 1 to 65535, as in \":443\", or 0 for any free one";
	if (!str_is(port, "0") && !port_number(port, &out->port))
		return E_CONFIG;
	if (!host.len || str_is(host, "*"))
		return E_OK;
	e = set_host(a, host, out, why);
	*why = e ? *why : "wants an IP address or nothing before the port";
	return e ? e : out->kind == CONF_ADDR_IP ? E_OK : E_CONFIG;
}

/* Takes "http://" or "https://" and one closing slash away; *port is the scheme's. */
static bool take_scheme(struct str *text, bool *tls, uint16_t *port, const char **why)
{
	struct str rest = *text;

	*tls = str_has_prefix(rest, STR("https://"));
	if (!*tls && !str_has_prefix(rest, STR("http://"))) {
		*port = 0;
		*why = "has a scheme that is neither http nor https";
		for (size_t i = 0; i + 3 <= rest.len; i++)
			if (memcmp(rest.at + i, "://", 3) == 0)
				return false;
		return true;
	}
	*port = *tls ? 443 : 80;
	rest = *tls ? str_of(rest.at + 8, rest.len - 8) : str_of(rest.at + 7, rest.len - 7);
	if (rest.len && rest.at[rest.len - 1] == '/')
		rest.len--;
	*why = "has a path; an upstream is only a host and a port";
	if (str_find(rest, '/') >= 0 || str_find(rest, '?') >= 0 || str_find(rest, '#') >= 0)
		return false;
	*text = rest;
	return true;
}

enum err address_server(struct arena *a, struct str text, struct conf_addr *out, bool *tls,
	const char **why)
{
	struct str rest = text, host, port;
	uint16_t scheme_port;

	*out = (struct conf_addr){ .kind = CONF_ADDR_IP };
	*tls = false;
	if (keep(a, text, &out->text))
		return E_NOMEM;
	if (str_has_prefix(text, STR("unix:")))
		return unix_path(a, str_of(text.at + 5, text.len - 5), out, why);
	if (!take_scheme(&rest, tls, &scheme_port, why) || !split(rest, &host, &port, why))
		return E_CONFIG;
	*why = "has no host";
	if (scheme_port && !host.len)
		return E_CONFIG;
	*why = "wants a port from 1 to 65535, as in \"127.0.0.1:3000\"";
	if (port.len || !scheme_port) {
		if (!port_number(port, &out->port))
			return E_CONFIG;
	} else {
		out->port = scheme_port;
	}
	return set_host(a, host.len ? host : STR("127.0.0.1"), out, why);
}

enum err address_resolver(struct arena *a, struct str text, const char **out, const char **why)
{
	char ip[HOSTNAME_SIZE], whole[HOSTNAME_SIZE + 16];
	struct str host = text, port = STR("53");
	uint16_t number;

	if (!hostname_ip(ip, text) && !split(text, &host, &port, why))
		return E_CONFIG;
	*why = "wants the IP address of a DNS server, as in \"127.0.0.1:53\"";
	if (!hostname_ip(ip, host))
		return E_CONFIG;
	if (!port_number(port.len ? port : STR("53"), &number))
		return E_CONFIG;
	snprintf(whole, sizeof(whole), strchr(ip, ':') ? "[%s]:%u" : "%s:%u", ip, number);
	return keep(a, str_from(whole), out);
}

static void clear_host_bits(uint8_t addr[16], unsigned bits)
{
	for (unsigned i = 0; i < 16; i++) {
		if (i * 8 >= bits)
			addr[i] = 0;
		else if (bits - i * 8 < 8)
			addr[i] &= (uint8_t)(0xff << (8 - (bits - i * 8)));
	}
}

enum err address_cidr(struct str text, struct conf_cidr *out, const char **why)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	struct str host, bits = str_cut(text, '/', &host);
	char ip[HOSTNAME_SIZE];
	uint64_t n = 128, most = 128;
	struct conf_cidr masked;

	*why = "wants an address or a network, as in \"10.0.0.0/8\"";
	*out = (struct conf_cidr){ 0 };
	if (!hostname_ip(ip, host))
		return E_CONFIG;
	if (strchr(ip, ':')) {
		ASSERT(inet_pton(AF_INET6, ip, out->addr) == 1);
	} else {
		memcpy(out->addr, mapped, sizeof(mapped));
		ASSERT(inet_pton(AF_INET, ip, out->addr + 12) == 1);
		most = 32;
		n = 32;
	}
	if (bits.at && (!str_to_u64(bits, &n) || n > most))
		return E_CONFIG;
	out->bits = (uint8_t)(n + (128 - most));
	masked = *out;
	clear_host_bits(masked.addr, masked.bits);
	*why = "has bits set behind its prefix length";
	return memcmp(masked.addr, out->addr, 16) == 0 ? E_OK : E_CONFIG;
}

void address_cidr_text(char dst[64], const struct conf_cidr *c)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	char ip[INET6_ADDRSTRLEN];
	bool v4 = c->bits >= 96 && memcmp(c->addr, mapped, sizeof(mapped)) == 0;

	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? c->addr + 12 : c->addr, ip, sizeof(ip));
	snprintf(dst, 64, "%s/%u", ip, v4 ? c->bits - 96u : c->bits);
}

bool address_is_in(const struct conf_cidr *net, const uint8_t ip[16])
{
	unsigned whole = net->bits / 8, rest = net->bits % 8;

	if (memcmp(net->addr, ip, whole) != 0)
		return false;
	return !rest || !((net->addr[whole] ^ ip[whole]) >> (8 - rest));
}

const char *address_url_complaint(struct str text, bool https_only)
{
	bool https = str_has_prefix(text, STR("https://"));
	struct str host, port, rest;
	const char *why = "has no host";
	char ip[HOSTNAME_SIZE];
	uint16_t number;
	size_t n = 0;

	if (!https && (https_only || !str_has_prefix(text, STR("http://"))))
		return https_only ? "wants an https:// URL" : "wants an http:// or https:// URL";
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~' || strchr("\"<>\\^`{|}#", text.at[i]))
			return "has a character that a URL must have percent-encoded";
	rest = https ? str_of(text.at + 8, text.len - 8) : str_of(text.at + 7, text.len - 7);
	while (n < rest.len && rest.at[n] != '/' && rest.at[n] != '?')
		n++;
	rest.len = n;
	if (str_find(rest, '@') >= 0)
		return "has a user name in it, which would be sent unprotected and logged";
	if (!rest.len || !split(rest, &host, &port, &why))
		return why;
	if (port.len && !port_number(port, &number))
		return "wants a port from 1 to 65535";
	if (!host.len)
		return "has no host";
	if (!hostname_ip(ip, host) && !hostname_is_valid(host, &why))
		return why;
	return NULL;
}

const char *address_email_complaint(struct str text)
{
	ptrdiff_t at = str_find(text, '@');

	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.at[i] <= ' ' || text.at[i] == 0x7f)
			return "is no e-mail address";
	return at > 0 && (size_t)at + 1 < text.len ? NULL : "is no e-mail address";
}
