/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * health: active checks: one worker asks every server of the upstreams that want it, all workers read the
 * verdicts (upstream_is_down).
 */
#ifndef PROXY_HEALTH_H
#define PROXY_HEALTH_H

#include "proxy/upstream.h"

struct health;
/* References the set. old: the checks of the set before this one, or NULL: the same servers with the same
 * rules go on where they were, with what they had counted. */
struct health *health_start(struct upstream_set *set, const struct health *old);
/* Accepts NULL; nulls. */
void health_stop(struct health **h);

#endif
