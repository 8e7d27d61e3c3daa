/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * course: an index and what belongs to it.
 */
#include "acme/course.h"

#include "acme/rehearsal.h"
#include "acme/terms.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

static const struct log log_acme = { "acme" };

static void move_to(struct course *c, unsigned ca)
{
	ASSERT(ca < c->n_cas + c->n_stagings);
	c->ca = ca;
	c->orders = 0;
	c->avoid = -1;
	c->was_reregistered = c->is_replaces_refused = c->is_profile_refused = false;
}

void course_init(struct course *c, struct ca *cas, unsigned n_cas, unsigned n_stagings, const char *name)
{
	*c = (struct course){ .name = name, .cas = cas, .n_cas = n_cas, .n_stagings = n_stagings };
	unsigned first = ca_next(cas, n_cas, name, 0);
	move_to(c, first < n_cas ? first : 0);
}

struct ca *course_ca(const struct course *c)
{
	return &c->cas[c->ca];
}

bool course_is_rehearsing(const struct course *c)
{
	return c->ca >= c->n_cas;
}

bool course_resume(struct course *c, const char *directory)
{
	unsigned n = c->n_cas + c->n_stagings, at = ca_find(c->cas, n, directory);
	if (at == n)
		return false;
	move_to(c, at);
	if (course_is_rehearsing(c))
		c->live = ca_live(c->cas, c->n_cas, course_ca(c));
	return true;
}

bool course_rehearse(struct course *c, const struct failure *failure, const struct entry *held)
{
	const struct ca *staging = course_ca(c)->staging;
	if (!staging || !rehearsal_is_wise(failure, held, clock_wall_ms()))
		return false;
	log_info(&log_acme, "rehearsing the order first", "name=%s staging=%s", c->name, staging->conf->name);
	c->live = c->ca;
	move_to(c, (unsigned)(staging - c->cas));
	return true;
}

bool course_next(struct course *c, const struct entry *held)
{
	int avoid = c->avoid;
	if (course_is_rehearsing(c)) {
		move_to(c, c->live);
		c->avoid = avoid;  /* what failed there fails here */
		return true;
	}
	unsigned next = ca_next(c->cas, c->n_cas, c->name, c->ca + 1);
	if (next >= c->n_cas || !terms_may_leave(course_ca(c), held))
		return false;
	move_to(c, next);
	return true;
}
