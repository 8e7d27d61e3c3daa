/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * identifier: addresses are compared by their bytes.
 */
#include "acme/identifier.h"

#include "net/addr.h"

bool identifier_is_address(const char *name)
{
	return addr_is_ip_literal(str_from(name));
}

static const char *type_of(const char *name)
{
	return identifier_is_address(name) ? "ip" : "dns";
}

struct json *identifier_json(const char *name)
{
	struct json *o = json_new_object();
	json_put_cstr(o, "type", type_of(name));
	json_put_cstr(o, "value", name);
	return o;
}

static bool is_same_address(struct str value, const char *name)
{
	struct addr theirs, ours;
	return !addr_parse_ip(&theirs, value, 0) && !addr_parse_ip(&ours, str_from(name), 0)
		&& addr_equal(&theirs, &ours);
}

bool identifier_is(struct str type, struct str value, const char *name)
{
	if (!str_is(type.len ? type : STR("dns"), type_of(name)))
		return false;
	return identifier_is_address(name) ? is_same_address(value, name)
		: str_equal_nocase(value, str_from(name));
}
