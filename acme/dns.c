/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns: the table of providers. A new one is a file, its rows of configuration and a line here.
 */
#include "acme/dns.h"

#include "base/clock.h"

const struct dns_provider *dns_provider_of(const struct conf_dns *conf)
{
	if (conf->n_exec)
		return &dns_exec;
	return conf->server.text ? &dns_rfc2136 : NULL;
}

int64_t dns_left_ms(const dns_until *until, int64_t most_ms)
{
	int64_t left_ms = atomic_load(until) - clock_mono_ms();
	if (left_ms <= 0)
		return 0;
	return left_ms < most_ms ? left_ms : most_ms;
}
