/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dial: address or host name -> connected stream, with TLS when asked: resolve, race the addresses
 * (RFC 8305: 250 ms apart, families interleaved), handshake.
 *
 *   RESOLVE --> RACE --> TLS --> DONE
 *      \__________\________\____--> FAILED
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include "net/addr.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/tls_context.h"

struct dial_args {
	const char *host; /* name or IP literal; NULL with address */
	uint16_t port;
	const struct addr *address; /* known already (also Unix sockets); NULL: resolve host */
	struct tls_context *tls;    /* NULL: plain */
	const char *tls_name;       /* NULL: host */
	const char *alpn;           /* NULL: none */
	int64_t timeout_ms;         /* everything together */
};

/* s is NULL unless err is E_OK. fault tells the step that failed. Never called before return. */
typedef void dial_fn(void *owner, enum err err, struct stream *s, const struct fault *fault);

struct dial;
/* Copies what it needs of args. */
struct dial *dial_start(struct loop *l, const struct dial_args *args, dial_fn *fn, void *owner);
/* No callback follows. Nulls the pointer, accepts NULL; after the callback the pointer is dead. */
void dial_cancel(struct dial **d);

#endif
