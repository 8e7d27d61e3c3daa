/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * challenge: the table of types. A new one is a file and a line here.
 */
#include "acme/challenge.h"

#include "base/check.h"
#include "net/addr.h"

static const struct challenge_type *const types[] = {
	&challenge_tlsalpn01,
	&challenge_http01,
	&challenge_dns01,
	&challenge_dnspersist01,
};

const struct challenge_type *challenge_type_of(enum conf_challenge kind)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (types[i]->kind == kind)
			return types[i];
	}
	UNREACHABLE();
}

const struct challenge_type *challenge_type_named(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (str_is(name, types[i]->name))
			return types[i];
	}
	return NULL;
}

int challenge_kind_named(const char *text)
{
	const struct challenge_type *type = challenge_type_named(str_from(text));
	return type ? (int)type->kind : -1;
}

bool challenge_proves(enum conf_challenge kind, const char *name)
{
	bool is_here = challenge_type_of(kind)->place == CHALLENGE_HERE;
	return name[0] == '*' ? !is_here : is_here || !addr_is_ip_literal(str_from(name));
}

bool challenge_token_is_fine(struct str token)
{
	return challenge_is_token(token);
}
