/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ca: which of them is for whom.
 */
#include "acme/ca.h"

#include "conf/conf.h"
#include "conf/hostname.h"

unsigned ca_find(const struct ca *cas, unsigned n, const char *directory)
{
	unsigned i = 0;
	while (i < n && !str_is(str_from(directory), cas[i].conf->directory))
		i++;
	return i;
}

unsigned ca_next(const struct ca *cas, unsigned n, const char *name, unsigned first)
{
	bool has_internal = false, has_other = false;
	for (unsigned i = 0; i < n; i++) {
		has_internal |= cas[i].internal != NULL;
		has_other |= cas[i].internal == NULL;
	}
	bool wants_internal = has_internal && (!has_other || hostname_is_private(str_from(name)));
	while (first < n && !cas[first].internal == wants_internal)
		first++;
	return first;
}
