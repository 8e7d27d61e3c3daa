/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * address: addresses, networks and URLs as operators write them.
 */
#ifndef CONF_ADDRESS_H
#define CONF_ADDRESS_H

#include "base/str.h"
#include "conf/conf.h"

/* All return E_OK, E_NOMEM, or E_CONFIG with a static text in *why that completes "'x' ...". */

/* ":443", "443", "127.0.0.1:443", "[::1]:443", "unix:/path". */
enum err address_listen(struct arena *a, struct str text, struct conf_addr *out, const char **why);
/* "3000", ":3000" (both 127.0.0.1), "web:3000", "[::1]:80", "unix:/path", "http://h:p", "https://h". */
enum err address_server(struct arena *a, struct str text, struct conf_addr *out, bool *tls,
	const char **why);
/* "127.0.0.1:53", "[::1]:53", "9.9.9.9"; out is always "address:port". */
enum err address_resolver(struct arena *a, struct str text, const char **out, const char **why);
/* "10.0.0.0/8", "::1". */
enum err address_cidr(struct str text, struct conf_cidr *out, const char **why);
void address_cidr_text(char dst[64], const struct conf_cidr *c);
/* Whether the network has this address; IPv4 as ::ffff:a.b.c.d. */
bool address_is_in(const struct conf_cidr *net, const uint8_t ip[16]);
/* NULL when it is an http or https URL with a host; https_only refuses the former. */
const char *address_url_complaint(struct str text, bool https_only);
/* NULL when it may be an e-mail address. */
const char *address_email_complaint(struct str text);

#endif
