/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns_lookup: what a challenge in the DNS has to know of it: where the record belongs, and whether the
 * zone's servers have it. Blocks: pool threads only. The CA asks the authoritative servers, so that a
 * resolver's cache must not answer the last question.
 */
#ifndef ACME_DNS_LOOKUP_H
#define ACME_DNS_LOOKUP_H

#include "acme/dns.h"
#include "net/addr.h"

enum { DNS_HOPS = 8, DNS_SERVERS = 8, DNS_SERVER_ADDRESSES = 2 };

/* Where the record of this name really is: the end of its CNAMEs, or itself. E_DNS: a loop, too many, or
 * nobody answers. */
enum err dns_follow(const char *name, char out[DNS_NAME], const dns_until *until, struct fault *fault);
/* The zone that holds name. server NULL: by the resolver. E_DNS. */
enum err dns_find_zone(const char *name, const struct addr *server, char out[DNS_NAME],
	const dns_until *until, struct fault *fault);

/* The name servers of a zone and their addresses. */
struct dns_servers {
	unsigned n;
	struct {
		char name[DNS_NAME];
		unsigned n;
		struct addr at[DNS_SERVER_ADDRESSES];
	} of[DNS_SERVERS];
};
/* The configured ones, else those the zone names. E_DNS. */
enum err dns_find_servers(const struct conf_dns *conf, const char *zone, struct dns_servers *out,
	const dns_until *until, struct fault *fault);

struct dns_look {
	unsigned has, has_not, silent;       /* servers */
};
/* Whether every server has this TXT value. fault describes the first that has not, or is silent. */
struct dns_look dns_look(const struct dns_servers *servers, const struct dns_txt *txt,
	const dns_until *until, struct fault *fault);

#endif
