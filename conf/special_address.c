/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * special_address: one row per range; the first that has the address tells its kind.
 */
#include "conf/special_address.h"

#include <arpa/inet.h>

#include "base/check.h"

struct range {
	unsigned char first[16];
	unsigned bits;
	const char *kind;
};

static const char *const private = "a private address";
static const char *const loopback = "a loopback address";
static const char *const link_local = "a link-local address";
static const char *const unspecified = "an unspecified address";
static const char *const multicast = "a multicast address";
static const char *const reserved = "a reserved address";

static const struct range ip4[] = {
	{ { 0 }, 8, unspecified },
	{ { 10 }, 8, private },
	{ { 100, 64 }, 10, private },          /* shared by the customers of a carrier */
	{ { 127 }, 8, loopback },
	{ { 169, 254 }, 16, link_local },
	{ { 172, 16 }, 12, private },
	{ { 192, 0, 0 }, 24, reserved },       /* of protocols */
	{ { 192, 88, 99 }, 24, reserved },     /* 6to4 relays of old */
	{ { 192, 168 }, 16, private },
	{ { 198, 18 }, 15, private },          /* benchmarks */
	{ { 224 }, 4, multicast },
	{ { 240 }, 4, reserved },
};

static const struct range ip6[] = {
	{ { 0 }, 128, unspecified },
	{ { [15] = 1 }, 128, loopback },
	{ { 0x20, 0x01 }, 23, reserved },      /* of protocols: Teredo, ORCHID, benchmarks */
	{ { 0x20, 0x02 }, 16, reserved },      /* 6to4 */
	{ { 0x20 }, 3, NULL },                 /* all that was ever given to anybody */
	{ { 0xfc }, 7, private },
	{ { 0xfe, 0x80 }, 10, link_local },
	{ { 0xff }, 8, multicast },
	{ { 0 }, 0, reserved },
};

static bool has(const struct range *r, const unsigned char *ip)
{
	unsigned whole = r->bits / 8, rest = r->bits % 8;

	return memcmp(r->first, ip, whole) == 0
		&& (!rest || !((r->first[whole] ^ ip[whole]) >> (8 - rest)));
}

static const char *kind_in(const struct range *ranges, size_t n, const unsigned char *ip)
{
	for (size_t i = 0; i < n; i++)
		if (has(&ranges[i], ip))
			return ranges[i].kind;
	return NULL;
}

const char *special_address_kind(struct str text)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	char copy[INET6_ADDRSTRLEN];
	unsigned char ip[16];

	if (!str_copy(copy, sizeof(copy), text))
		return NULL;
	if (inet_pton(AF_INET, copy, ip) == 1)
		return kind_in(ip4, ARRAY_LEN(ip4), ip);
	if (inet_pton(AF_INET6, copy, ip) != 1)
		return NULL;
	if (memcmp(ip, mapped, sizeof(mapped)) == 0)
		return kind_in(ip4, ARRAY_LEN(ip4), ip + 12);
	return kind_in(ip6, ARRAY_LEN(ip6), ip);
}
