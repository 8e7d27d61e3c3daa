/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * names_start: the configured names are loaded or ordered, so many at a time, at the start and after a reload.
 */
#include "proxy/names_private.h"

#include "base/mem.h"

enum {
	LOADS_AT_START = 32,            /* configured names being loaded at once */
};

void names_count_start(struct name *m)
{
	m->is_start = true;
	m->all->n_start++;
}

void names_start_some(struct names *n)
{
	const struct conf *conf = n->args.conf;

	if (!n->is_starting || n->is_stopping)
		return;
	while (n->n_start < LOADS_AT_START && n->next_todo < n->n_todo) {
		const struct conf_site *site = &conf->sites[n->todo[n->next_todo++]];
		struct name *m;

		if (!is_named(site) || map_get(&n->by_host, str_from(site->name)))
			continue;
		m = names_begin(n, site->name, site);
		names_count_start(m);
		names_load(m);
	}
}

void names_start(struct names *n)
{
	n->is_starting = true;
	n->todo = mem_new((n->args.conf->n_sites + 1) * sizeof(*n->todo));
	while (n->n_todo < n->args.conf->n_sites) {
		n->todo[n->n_todo] = n->n_todo;
		n->n_todo++;
	}
	names_start_some(n);
}
