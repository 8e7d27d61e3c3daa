/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls_stream: struct stream over a tls_engine over another stream, which it owns from then on.
 *
 *   HANDSHAKE --> OPEN --> CLOSING --> freed
 */
#ifndef NET_TLS_STREAM_H
#define NET_TLS_STREAM_H

#include "net/loop.h"
#include "net/stream.h"
#include "net/tls_engine.h"

/* E_OK once the handshake is done, or the failure; never called before accept/connect returns.
 * After a failure the owner still closes the stream. detail is printable text, valid during the
 * call. */
typedef void tls_handshake_fn(void *owner, enum err err, const char *detail);

/* Both take *inner over (nulled) also on failure. The stream's owner and events must be set by
 * stream_own before the loop turns again; done gets the same owner. received: ciphertext already
 * read from inner (the ClientHello), or STR_NONE. */
enum err tls_stream_accept(struct loop *l, struct stream **inner,
	const struct tls_accept_args *args, const struct str *received, unsigned n_received,
	tls_handshake_fn *done, struct stream **out);
enum err tls_stream_connect(struct loop *l, struct stream **inner,
	const struct tls_connect_args *args, tls_handshake_fn *done, struct stream **out);
/* Only for streams made here. */
void tls_stream_facts(const struct stream *s, struct tls_facts *out);

#endif
