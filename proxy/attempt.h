/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * attempt: reaching an upstream: pick a server, take an idle connection or dial, on failure the next one.
 */
#ifndef PROXY_ATTEMPT_H
#define PROXY_ATTEMPT_H

#include "net/dial.h"
#include "proxy/upstream.h"

enum { ATTEMPT_TRIES = 3 };

/* The ops for upstream_set_new. */
extern const struct origin_ops attempt_ops;

/* Dials one server with its upstream's TLS and time; for active checks as well. */
struct dial *attempt_dial(struct server *s, int64_t timeout_ms, dial_fn *fn, void *owner);

#endif
