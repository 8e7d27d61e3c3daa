/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls_engine: one TLS connection on buffers: ciphertext in, plaintext out, and back. No I/O, no
 * timers. One thread at a time. Ciphertext to send is handed to the output function as it is made,
 * in one call per flight or batch of records; plaintext is handed out by tls_engine_read into the
 * caller's buffer.
 */
#ifndef NET_TLS_ENGINE_H
#define NET_TLS_ENGINE_H

#include "net/tls_context.h"

struct tls_engine;

/* Ciphertext for the peer; always taken whole. */
typedef void tls_output_fn(void *owner, struct str ciphertext);

struct tls_accept_args {
	struct tls_context *context;         /* server */
	struct tls_certificate *certificate; /* referenced as long as needed */
	const char *alpn;                    /* the protocol to select; NULL: none */
	struct str binding;                  /* what a ticket is bound to: host name (and policy) */
	const char *sni;
};
struct tls_connect_args {
	struct tls_context *context; /* client */
	const char *name; /* SNI and name to verify; an IP literal is verified as IP SAN */
	const char *alpn; /* offered; NULL: none */
};

enum err tls_engine_accept(const struct tls_accept_args *args, tls_output_fn *output, void *owner,
	struct tls_engine **out);
enum err tls_engine_connect(const struct tls_connect_args *args, tls_output_fn *output, void *owner,
	struct tls_engine **out);
void tls_engine_free(struct tls_engine **e);

/* Gives ciphertext to the engine. The bytes are borrowed until the next tls_engine_* call that
 * returns E_AGAIN; the caller loops handshake/read until E_AGAIN before it returns the buffer. */
void tls_engine_input(struct tls_engine *e, struct str ciphertext);
/* Takes back what of the input was not used. */
struct str tls_engine_unread(struct tls_engine *e);
/* E_OK: done; E_AGAIN: needs more input; else failed (an alert went out through output). */
enum err tls_engine_handshake(struct tls_engine *e);
/* After E_OK: whether what that last call gave to output (a ticket) may wait for what is written next. */
bool tls_engine_output_may_wait(const struct tls_engine *e);
/* *n > 0 bytes of plaintext; E_AGAIN: needs more input; E_EOF: close_notify received. */
enum err tls_engine_read(struct tls_engine *e, char *dst, size_t cap, size_t *n);
/* Encrypts all parts; records of up to 16 KiB, small ones (about one packet) at the start of a
 * connection and after idleness. */
enum err tls_engine_write(struct tls_engine *e, const struct str *parts, unsigned n);
/* The connection was idle: records are small again for a while. */
void tls_engine_after_idle(struct tls_engine *e);
/* close_notify. */
void tls_engine_shutdown(struct tls_engine *e);
/* A fatal alert of our own. */
void tls_engine_alert(struct tls_engine *e, int description);

/* Facts after the handshake; texts are static. */
struct tls_facts {
	const char *version; /* "TLSv1.3" */
	const char *cipher;  /* IANA name */
	const char *group;   /* "X25519MLKEM768" */
	const char *alpn;    /* selected, or "" */
	bool is_resumed;
};
void tls_engine_facts(const struct tls_engine *e, struct tls_facts *out);
/* For a failed handshake or record: what the library said, printable. Static or owned by e. */
const char *tls_engine_error(const struct tls_engine *e);

#endif
