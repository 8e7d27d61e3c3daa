/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls_wolfssl: what the tls_*.c files share about wolfSSL. Nobody else includes it.
 */
#ifndef NET_TLS_WOLFSSL_H
#define NET_TLS_WOLFSSL_H

#include <stdatomic.h>
#include <stdbool.h>

#include <wolfssl/ssl.h>

#include "net/trust.h"

enum {
	TLS_BINDING = 32,   /* bytes of a ticket's binding */
	TLS_EX_BINDING = 0, /* ex_data slot of a WOLFSSL: its binding */
	TLS_TICKET_HINT_S = 24 * 3600,
};

struct tls_tickets;
struct tls_certificate;

struct tls_context {
	atomic_uint refs;
	bool is_server, tls13_only;
	struct tls_tickets *tickets; /* NULL: none are issued */
	WOLFSSL_CTX *library; /* policy only, no certificate */
	struct tls_certificate *only; /* client: the one leaf it accepts, or NULL */
	struct trust_stamp trust; /* client: what it believes, as it was when it was read */
};

/* A WOLFSSL_CTX with the policy of a server context and no certificate; NULL without memory. */
WOLFSSL_CTX *tls_context_make(const struct tls_context *c);
/* A server session that presents the certificate; NULL without memory. */
WOLFSSL *tls_certificate_session(struct tls_certificate *c, struct tls_context *context);
/* Whether this is its leaf. */
bool tls_certificate_has_leaf(const struct tls_certificate *c, struct str leaf_der);
/* Makes ctx seal and open tickets with these keys. */
void tls_tickets_apply(struct tls_tickets *t, WOLFSSL_CTX *ctx);
/* What it installs, for tests. */
SessionTicketEncCb tls_tickets_callback(void);

#endif
