/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * challenge_http01: the key authorization is the body (RFC 8555 8.3); there is nothing else to make.
 */
#include "acme/challenge.h"

static enum err prepare(struct challenge_answer *a, struct fault *fault)
{
	(void)a;
	(void)fault;
	return E_OK;
}

const struct challenge_type challenge_http01 = { "http-01", CONF_HTTP_01, CHALLENGE_HERE, prepare };
