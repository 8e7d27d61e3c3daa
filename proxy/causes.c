/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * causes: a capped map; when it is full any one leaves for the new one.
 */
#include "proxy/causes.h"

#include "base/check.h"
#include "base/mem.h"

void causes_init(struct causes *c, unsigned max)
{
	ASSERT(max > 0);
	map_init(&c->by_name);
	c->max = max;
}

void causes_fini(struct causes *c)
{
	size_t cursor = 0;
	struct str name;
	void *cause;

	while (map_next(&c->by_name, &cursor, &name, &cause))
		mem_release(cause);
	map_fini(&c->by_name);
}

static void make_room(struct causes *c)
{
	size_t cursor = 0;
	struct str name;
	void *any;

	if (map_count(&c->by_name) < c->max || !map_next(&c->by_name, &cursor, &name, &any))
		return;
	map_remove(&c->by_name, name);
	mem_release(any);
}

void causes_note(struct causes *c, struct str name, const struct fault *fault, int64_t now_ms,
	int64_t until_ms)
{
	struct cause *old = map_get(&c->by_name, name);

	ASSERT(fault->code);
	if (!old) {
		make_room(c);
		old = mem_new(sizeof(*old));
		map_put(&c->by_name, name, old);
	}
	if (old->fault.code != fault->code)
		old->since_ms = now_ms;
	old->fault = *fault;
	old->until_ms = until_ms;
}

const struct cause *causes_get(const struct causes *c, struct str name)
{
	return map_get(&c->by_name, name);
}

void causes_forget(struct causes *c, struct str name)
{
	mem_release(map_remove(&c->by_name, name));
}
