/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ask_check: an ask asks its canaries by itself; this looks until each has an answer, or failed once.
 */
#include "proxy/ask_check.h"

#include "base/check.h"
#include "net/deadline.h"

enum { TICK_MS = 20 };

struct checking {
	struct loop *loop;
	struct ask *ask;
	struct deadline tick;
	ask_check_fn *fn;
	void *owner;
};

static bool is_answered(const struct endpoint_look *look)
{
	return look->canary != ENDPOINT_UNTRIED || look->failures;
}

static void tell(const struct checking *c)
{
	struct endpoint_look look;

	for (unsigned i = 0; i < ask_endpoints(c->ask); i++) {
		ask_look(c->ask, i, &look);
		look.is_well = look.canary != ENDPOINT_UNTRIED;
		c->fn(c->owner, &look);
	}
}

/* Idle connections would keep the loop waiting, so the ask goes before it stops. */
static void on_tick(struct deadline *d)
{
	struct checking *c = container_of(d, struct checking, tick);
	struct endpoint_look look;

	for (unsigned i = 0; i < ask_endpoints(c->ask); i++) {
		ask_look(c->ask, i, &look);
		if (!is_answered(&look)) {
			deadline_arm(d, TICK_MS);
			return;
		}
	}
	tell(c);
	ask_free(&c->ask);
	loop_stop(c->loop);
}

enum err ask_check(const struct conf_on_demand *conf, const char *user_agent, ask_check_fn *fn, void *owner,
	struct fault *fault)
{
	struct conf_on_demand eager = *conf;
	struct checking c = { .loop = loop_new(), .fn = fn, .owner = owner };
	enum err err;

	/* who runs a check wants to know, whatever the configuration says about its own questions */
	eager.canary = CONF_CANARY_WARN;
	err = ask_new(&(struct ask_args){ .loop = c.loop, .conf = &eager, .user_agent = user_agent }, &c.ask, fault);
	if (!err) {
		deadline_init(&c.tick, c.loop, on_tick);
		deadline_arm(&c.tick, TICK_MS);
		loop_run(c.loop);
	}
	loop_free(&c.loop);
	return err;
}
