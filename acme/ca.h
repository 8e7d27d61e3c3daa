/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ca: what all requests to one CA share. Pure data; made and freed by issuer.
 */
#ifndef ACME_CA_H
#define ACME_CA_H

#include "acme/agreement.h"
#include "acme/breaker.h"
#include "acme/directory.h"
#include "acme/nonce.h"
#include "acme/signer.h"

struct account;
struct internal_ca;
struct dns_line;

struct ca {
	struct loop *loop;
	const struct conf_ca *conf;
	struct transport *transport;
	struct directory *directory;
	struct nonce_pool nonces;
	int64_t accepted_at_ms;   /* monotonic: it last took a nonce of ours; 0: never */
	struct breaker breaker;
	struct account *account;
	struct signer signer;     /* with the account's key, once there is one */
	struct agreement agreement;   /* of the last userActionRequired */
	struct dns_line *dns;     /* shared by all CAs */
	struct internal_ca *internal;   /* our own: then transport, directory and account are NULL */
	int worked;      /* the challenge that last worked here (enum conf_challenge), or -1 */
	struct ca *staging;       /* where orders for here are rehearsed, or NULL */
};

/* The first from this one on that is for the name, or n: the internal CA is for names that no public one can
 * certify, unless no other may sign the name; those of which it is known that they will not are left out. */
unsigned ca_next(const struct ca *cas, unsigned n, const char *name, unsigned first);

/* The one with this directory; n: none has. */
unsigned ca_find(const struct ca *cas, unsigned n, const char *directory);

/* Each of the n to its staging among those behind them, if it is there. */
void ca_link_stagings(struct ca *cas, unsigned n, unsigned n_stagings);
/* The first of the n that this is the staging of. There is one. */
unsigned ca_live(const struct ca *cas, unsigned n, const struct ca *staging);

/* How long the breakers of the first n, of at least one, keep us from the first that opens its door again. */
int64_t ca_wait_ms(const struct ca *cas, unsigned n, int64_t mono_ms);

#endif
