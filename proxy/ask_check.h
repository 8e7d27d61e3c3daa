/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ask_check: asks each endpoint about a name that cannot exist, once, blocking: for "sallyport check --online".
 * Makes a loop of its own.
 */
#ifndef PROXY_ASK_CHECK_H
#define PROXY_ASK_CHECK_H

#include "proxy/ask.h"

/* One endpoint's answer: is_well with canary ENDPOINT_STRICT is good; fault tells why there is none. */
typedef void ask_check_fn(void *owner, const struct endpoint_look *look);
/* fn for each, in their order, before this returns. */
enum err ask_check(const struct conf_on_demand *conf, const char *user_agent, ask_check_fn *fn, void *owner,
	struct fault *fault);

#endif
