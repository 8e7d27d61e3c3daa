/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * peer: what is known of a client connection, for every request on it. Plain data.
 */
#ifndef PROXY_PEER_H
#define PROXY_PEER_H

#include "net/addr.h"

struct peer {
	struct addr_small addr;
	bool is_tls, has_sni, is_resumed;
	const char *tls_version, *tls_group;   /* static texts; NULL without TLS */
	char *to;                              /* where the requests of its name go instead; NULL: as the site says */
	char *site;                            /* the SNI; without one the name of the site that answers */
};

#endif
