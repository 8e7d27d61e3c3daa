/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * san: names as subjectAltName holds them (RFC 5280 4.2.1.6): dNSName, or iPAddress for IP
 * literals. Private to certstore.
 */
#ifndef CERTSTORE_SAN_H
#define CERTSTORE_SAN_H

#include "certstore/der.h"

enum { SAN_NAME = 256 };

/* The whole Extension. E_NAME in w->err for what can be no name. */
void san_add_extension(struct der_writer *w, const char *const *names, unsigned n);
/* Takes the next GeneralName as text (lower-case; "" for kinds we do not use; "dns:192.0.2.1" for an
 * address that stands where a DNS name should). False when malformed. */
bool san_next(struct str *general_names, char text[SAN_NAME]);
/* "1.0.0.127.in-addr.arpa": the name by which tls-alpn-01 asks for an IP literal (RFC 8738 6);
 * false when it is none. */
bool san_reverse_name(char dst[SAN_NAME], const char *ip);

#endif
