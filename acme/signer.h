/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * signer: the key that signs for our account at one CA now, and who is in the middle of using it. A key change
 * (RFC 8555 7.3.5) must not fall between a challenge and its validation, whose answer names the key, nor
 * between a request and its answer: it closes the door, waits until those inside have left, and opens it
 * again; who came meanwhile goes on with the new key. Control loop.
 */
#ifndef ACME_SIGNER_H
#define ACME_SIGNER_H

#include "acme/errand.h"
#include "certstore/key.h"

/* X(enumerator, text) in the order in which they are kept out */
#define SIGNER_PURPOSES(X) \
	X(SIGNER_PROOF, "a challenge is being answered") \
	X(SIGNER_REQUEST, "a request is on its way")

enum signer_purpose {
#define X(name, text) name,
	SIGNER_PURPOSES(X)
#undef X
	SIGNER_PURPOSE_COUNT
};

struct signer {
	struct key *key;                             /* NULL: no account yet */
	/* private */
	unsigned n[SIGNER_PURPOSE_COUNT];            /* inside */
	bool is_closed[SIGNER_PURPOSE_COUNT];
	struct list line[SIGNER_PURPOSE_COUNT];      /* who came while it was closed */
	struct waiter *closer;                       /* waits until all have left */
};

void signer_init(struct signer *s);
/* Nobody may be inside or wait. */
void signer_fini(struct signer *s);
/* Referenced; NULL: none. */
void signer_set_key(struct signer *s, struct key *key);

/* One use of the key, embedded in who uses it. */
struct signer_use {
	struct waiter waiter;
	struct signer *in;                           /* NULL: outside */
	enum signer_purpose purpose;
};
/* fn: the door is open again, and the use is inside. */
void signer_use_init(struct signer_use *u, enum signer_purpose purpose,
	void (*fn)(struct waiter *w, enum err err, const struct fault *fault));
/* False: it waits, and is told. One that is inside stays there. */
bool signer_enter(struct signer *s, struct signer_use *u);
/* From the line too; harmless outside. */
void signer_leave(struct signer_use *u);

/* Nobody new comes in: first no proofs, and when none is left no requests (those inside make some to get
 * done). Tells w once nobody is inside, perhaps before this returns. One closer at a time. */
void signer_close(struct signer *s, struct waiter *w);
/* Harmless on an open one. */
void signer_open(struct signer *s);
bool signer_is_open(const struct signer *s);

#endif
