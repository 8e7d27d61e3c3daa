/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * addr: a socket address: IPv4, IPv6 or a Unix socket path. Plain data.
 */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"
#include "base/str.h"

struct addr {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	};
};

/* A client's address in 20 bytes, for what is kept per connection. IPv4 is ::ffff:a.b.c.d. */
struct addr_small {
	uint8_t ip[16];
	uint16_t port;
	bool is_unix;
};

enum { ADDR_TEXT = 128, ADDR_IP_TEXT = 48 };

/* IP literal (brackets allowed) and port. E_PARSE. */
enum err addr_parse_ip(struct addr *a, struct str ip, uint16_t port);
enum err addr_unix(struct addr *a, struct str path);
socklen_t addr_len(const struct addr *a);
uint16_t addr_port(const struct addr *a);
/* "127.0.0.1:80", "[::1]:80", "unix:/path". */
void addr_text(char dst[ADDR_TEXT], const struct addr *a);
/* The IP alone: "127.0.0.1", "::1"; IPv4-mapped as IPv4. */
void addr_ip_text(char dst[ADDR_IP_TEXT], const struct addr *a);
void addr_small_text(char dst[ADDR_IP_TEXT], const struct addr_small *a);
void addr_to_small(struct addr_small *dst, const struct addr *a);
bool addr_equal(const struct addr *a, const struct addr *b);
/* Whether s is an IP literal, without brackets. */
bool addr_is_ip_literal(struct str s);

#endif
