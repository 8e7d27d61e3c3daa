/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * blocking: clients and a backend that block, for tests that talk to a worker on its own thread.
 */
#ifndef TESTS_SUPPORT_BLOCKING_H
#define TESTS_SUPPORT_BLOCKING_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "net/tls_context.h"

/* A connected socket that waits 5 s at most. */
int blocking_dial(uint16_t port);
void blocking_send(int fd, struct str bytes);
/* Adds what comes until the text appears, the peer ends, or 5 s pass. until NULL: to the end. */
void blocking_read(int fd, struct buf *out, const char *until);
/* Sends request, returns all that comes until the peer closes; closes. Valid until the next call. */
const char *blocking_ask(uint16_t port, const char *request);

/* A self-signed certificate for localhost, *.test.example and 127.0.0.1 in a new directory: cert.pem and
 * key.pem. */
const char *blocking_certificate(void);
/* A client context that trusts it. */
struct tls_context *blocking_trust(const char *dir);

/* TLS. After a failed open, alert is what the server sent, or -1. */
struct blocking_tls {
	int fd, alert;
	struct tls_engine *engine;
	struct buf out;
};
struct blocking_hello {
	struct tls_context *context;
	const char *name, *alpn;   /* alpn NULL: none */
};
/* Sends the ClientHello alone. */
void blocking_tls_hello(struct blocking_tls *t, uint16_t port, const struct blocking_hello *hello);
/* The rest of the handshake. E_TLS with alert, E_EOF. */
enum err blocking_tls_finish(struct blocking_tls *t);
enum err blocking_tls_open(struct blocking_tls *t, uint16_t port, const struct blocking_hello *hello);
/* Sends request, reads until the text appears or the end. Valid until the next call. */
const char *blocking_tls_ask(struct blocking_tls *t, const char *request, const char *until);
void blocking_tls_close(struct blocking_tls *t);

/* A backend on a thread: every request gets answer, connections stay open. */
struct blocking_backend {
	uint16_t port;
	const char *answer;
	atomic_uint n_connections, n_requests;
	atomic_bool closes_after_answer;
	char last[8192];           /* head of the last request; read it while none is under way */
	/* private */
	int fd;
	pthread_t thread;
	atomic_bool is_stopping;
	atomic_uint n_open;        /* connections that still have a thread */
};
void blocking_backend_start(struct blocking_backend *b, const char *answer);
void blocking_backend_stop(struct blocking_backend *b);

#endif
