/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account_record: what the store keeps of our account at one CA: its key, its URL, what was agreed with the
 * CA, and, while the key is being changed, both keys. Text in, text out.
 */
#ifndef ACME_ACCOUNT_RECORD_H
#define ACME_ACCOUNT_RECORD_H

#include "acme/agreement.h"
#include "certstore/key.h"

/* X(enumerator, word in the record, text) */
#define ACCOUNT_STANDINGS(X) \
	X(ACCOUNT_GOOD, "good", "good") \
	X(ACCOUNT_CLOSED, "closed", "deactivated by the operator") \
	X(ACCOUNT_DEAD, "dead", "deactivated by the CA") \
	X(ACCOUNT_MUST_AGREE, "must-agree", "the CA waits for somebody to agree to its terms")

enum account_standing {
#define X(name, word, text) name,
	ACCOUNT_STANDINGS(X)
#undef X
	ACCOUNT_STANDING_COUNT
};
const char *account_standing_text(enum account_standing s);
/* The word, for programs. */
const char *account_standing_word(enum account_standing s);

enum { ACCOUNT_NAME = 320, ACCOUNT_CONTACT = 512 };

struct account_record {
	struct key *key;                          /* NULL: none yet */
	struct key *next_key;                     /* a change to it was begun: one of the two is the account's */
	char kid[ACME_URL];                       /* "" before the CA answered */
	bool has_contact;                         /* it is known what the CA was told: */
	char contact[ACCOUNT_CONTACT];            /* the e-mail address; "": none */
	char refused_contact[ACCOUNT_CONTACT];    /* the CA did not like this one */
	enum account_standing standing;
	struct agreement agreement;               /* ACCOUNT_MUST_AGREE: to what */
	char previous[ACME_URL];                  /* the account's URL before, "" when it never changed */
	/* Wall clock; 0: not known, or never. replaced: a new key after the CA had deactivated the account. */
	int64_t registered_at_ms, standing_at_ms, changed_at_ms, replaced_at_ms;
};

/* Nothing yet. */
void account_record_init(struct account_record *r);
/* Drops both keys. */
void account_record_fini(struct account_record *r);
/* E_STORE_CORRUPT. *out: to be given to account_record_free. */
enum err account_record_parse(struct str text, struct account_record **out, struct fault *fault);
void account_record_free(struct account_record **r);
/* r has a key. The text holds the keys: the caller wipes it. */
enum err account_record_write(const struct account_record *r, const char *directory, struct buf *out);

/* Its name in the store: host-0123456789abcdef: readable, and distinct for every directory. */
void account_record_name(char dst[ACCOUNT_NAME], const char *directory);

#endif
