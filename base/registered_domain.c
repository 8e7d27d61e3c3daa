/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registered_domain: by the list compiled into libpsl; no file is read.
 */
#include "base/registered_domain.h"

#include <arpa/inet.h>
#include <libpsl.h>
#include <stdio.h>

#include "base/check.h"

static bool take_address(char dst[REGISTERED_DOMAIN], const char *name)
{
	unsigned char ip[16];
	struct in_addr ip4;

	if (inet_pton(AF_INET, name, &ip4) == 1) {
		snprintf(dst, REGISTERED_DOMAIN, "%s", name);
		return true;
	}
	if (inet_pton(AF_INET6, name, ip) != 1)
		return false;
	memset(ip + 8, 0, 8);
	return inet_ntop(AF_INET6, ip, dst, REGISTERED_DOMAIN) != NULL;
}

void registered_domain(char dst[REGISTERED_DOMAIN], struct str name)
{
	const psl_ctx_t *list = psl_builtin();
	char text[REGISTERED_DOMAIN];
	const char *found;

	if (str_has_prefix(name, STR("*.")))
		name = str_of(name.at + 2, name.len - 2);
	snprintf(text, sizeof(text), "%.*s", STR_FMT(name));
	if (take_address(dst, text))
		return;
	found = list ? psl_registrable_domain(list, text) : NULL;
	snprintf(dst, REGISTERED_DOMAIN, "%s", found ? found : text);
}
