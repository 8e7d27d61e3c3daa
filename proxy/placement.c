/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * placement: the permission is looked at again for every use, since the configuration may have changed since the
 * reply.
 */
#include "proxy/placement.h"

#include "base/check.h"
#include "conf/address.h"

bool placement_is_on(const struct conf *conf)
{
	const struct conf_on_demand *o = &conf->on_demand;

	return o->n_to_networks || o->n_to_upstreams;
}

static const struct conf_upstream *named(const struct conf *conf, struct str name)
{
	for (unsigned i = 0; i < conf->n_upstreams; i++)
		if (conf->upstreams[i].name && str_is(name, conf->upstreams[i].name))
			return &conf->upstreams[i];
	return NULL;
}

static bool is_permitted_upstream(const struct conf *conf, struct str name)
{
	for (unsigned i = 0; i < conf->on_demand.n_to_upstreams; i++)
		if (str_is(name, conf->on_demand.to_upstreams[i]))
			return true;
	return false;
}

/* "192.0.2.1:80", "[2001:db8::1]:80" */
static bool read_address(struct str to, struct addr *out)
{
	bool is_bracketed = to.len && to.at[0] == '[';
	size_t colon = to.len, end;
	uint64_t port;

	while (colon && to.at[colon - 1] != ':')
		colon--;
	if (colon < 2 || !str_to_u64(str_of(to.at + colon, to.len - colon), &port) || !port || port > 65535)
		return false;
	end = colon - 1;
	if (is_bracketed && (end < 3 || to.at[end - 1] != ']'))
		return false;
	if (!is_bracketed && str_find(str_of(to.at, end), ':') >= 0)
		return false;
	return addr_parse_ip(out, is_bracketed ? str_of(to.at + 1, end - 2) : str_of(to.at, end),
		(uint16_t)port) == E_OK;
}

/* IPv4 as ::ffff:a.b.c.d, as the configuration has it. */
static void bytes_of(const struct addr *a, uint8_t out[16])
{
	memset(out, 0, 16);
	if (a->any.sa_family == AF_INET6) {
		memcpy(out, &a->in6.sin6_addr, 16);
		return;
	}
	out[10] = out[11] = 0xff;
	memcpy(out + 12, &a->in.sin_addr, 4);
}

static bool is_permitted_address(const struct conf *conf, const struct addr *a)
{
	uint8_t ip[16];

	bytes_of(a, ip);
	for (unsigned i = 0; i < conf->on_demand.n_to_networks; i++)
		if (address_is_in(&conf->on_demand.to_networks[i], ip))
			return true;
	return false;
}

static enum err refused(struct fault *fault, struct str to, const char *why)
{
	return fault_set(fault, E_PLACEMENT, "\"%.*s\" %s", to.len < 100 ? (int)to.len : 100, to.at, why);
}

enum err placement_read(const struct conf *conf, struct str to, struct placement *out, struct fault *fault)
{
	*out = (struct placement){ .upstream = named(conf, to) };
	if (out->upstream)
		return is_permitted_upstream(conf, to) ? E_OK :
			refused(fault, to, "is an upstream that on_demand.allow_to does not name");
	if (!read_address(to, &out->addr))
		return refused(fault, to, "is neither the name of an upstream nor an IP address with a port");
	if (!is_permitted_address(conf, &out->addr))
		return refused(fault, to, "is in no network of on_demand.allow_to");
	addr_text(out->text, &out->addr);
	return E_OK;
}
