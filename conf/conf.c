/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * conf: the life of a configuration. Everything in it lives in its arena.
 */
#include "conf/conf.h"

#include "base/check.h"

struct conf *conf_ref(struct conf *c)
{
	ASSERT(c && atomic_load(&c->refs) > 0);
	atomic_fetch_add(&c->refs, 1);
	return c;
}

void conf_unref(struct conf **c)
{
	struct conf *gone = *c;

	*c = NULL;
	if (!gone)
		return;
	ASSERT(atomic_load(&gone->refs) > 0);
	if (atomic_fetch_sub(&gone->refs, 1) > 1)
		return;
	arena_reset(&gone->arena);
	mem_free(&gone);
}
