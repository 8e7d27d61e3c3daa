/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns: how a TXT record gets into its zone: a provider is one row in its own file. Everything here
 * blocks: pool threads only.
 */
#ifndef ACME_DNS_H
#define ACME_DNS_H

#include <stdatomic.h>

#include "base/err.h"
#include "conf/conf.h"
#include "net/dns_message.h"

enum { DNS_VALUE = 1024 };

/* How the value of a record is compared with ours. */
enum dns_match { DNS_EXACT, DNS_PERSIST };

struct dns_txt {
	enum dns_match match;
	char domain[DNS_NAME];     /* whom the certificate is for, without "*." */
	char name[DNS_NAME];       /* of the record, CNAMEs followed */
	char zone[DNS_NAME];       /* that holds it; "" when it could not be found */
	char value[DNS_VALUE];
};

/* Monotonic clock; may move closer while work is under way (we are stopping). */
typedef _Atomic int64_t dns_until;

struct dns_provider {
	const char *name;
	/* Adds the value; others under the same name stay. Adding what is there already is fine. E_DNS. */
	enum err (*present)(const struct conf_dns *conf, const struct dns_txt *txt, const dns_until *until,
		struct fault *fault);
	/* Removes this value only. */
	enum err (*cleanup)(const struct conf_dns *conf, const struct dns_txt *txt, const dns_until *until,
		struct fault *fault);
};

extern const struct dns_provider dns_exec, dns_rfc2136;
/* The configured one, or NULL. */
const struct dns_provider *dns_provider_of(const struct conf_dns *conf);
/* What is left, at most most_ms; 0 when time is up. */
int64_t dns_left_ms(const dns_until *until, int64_t most_ms);

#endif
