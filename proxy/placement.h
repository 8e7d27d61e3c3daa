/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * placement: where the "to" of an ask endpoint's reply leads: a configured upstream by its name, or an IP address
 * with a port. Only what on_demand.allow_to permits: the endpoint must not be able to lead visitors to whatever this
 * machine can reach. Any thread.
 */
#ifndef PROXY_PLACEMENT_H
#define PROXY_PLACEMENT_H

#include "conf/conf.h"
#include "base/str.h"
#include "net/addr.h"

enum { PLACEMENT_TEXT = 128 };

struct placement {
	const struct conf_upstream *upstream;  /* of the conf; NULL: an address */
	struct addr addr;
	char text[ADDR_TEXT];                  /* of the address, in one form: "192.0.2.1:80" */
};

/* E_PLACEMENT: not understood, or not permitted. */
enum err placement_read(const struct conf *conf, struct str to, struct placement *out, struct fault *fault);
/* Whether replies may say "to" at all. */
bool placement_is_on(const struct conf *conf);

#endif
