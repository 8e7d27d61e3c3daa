/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns_server: a name server on a thread, UDP and TCP on one port, that answers by a function.
 */
#ifndef TESTS_SUPPORT_DNS_SERVER_H
#define TESTS_SUPPORT_DNS_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "net/addr.h"
#include "net/dns_message.h"

enum dns_server_fate { DNS_SERVER_ANSWER, DNS_SERVER_SILENCE, DNS_SERVER_CLOSE };

struct dns_server {
	uint16_t port;
	struct addr addr;
	char text[32];            /* "127.0.0.1:PORT" */
	/* Fills answer (whole message); r is the query. Its thread. */
	enum dns_server_fate (*fn)(struct dns_server *s, const struct dns_reader *r, struct str query,
		bool is_tcp, struct buf *answer);
	void *owner;
	atomic_uint n_udp, n_tcp;
	/* private */
	int udp, tcp;
	pthread_t thread;
	atomic_bool is_stopping;
};

/* On a port of its own. */
bool dns_server_start(struct dns_server *s);
void dns_server_stop(struct dns_server *s);

/* Header of an answer with this rcode and so many answers and authority records, and the question. */
void dns_server_head(const struct dns_reader *r, unsigned flags, unsigned n_answers, unsigned n_authority,
	struct buf *answer);
/* A record with one name or one text in it. */
void dns_server_add(struct buf *answer, const char *name, unsigned type, const char *value);

#endif
