/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * der: the little of DER (X.690) that certificates need, reading and writing, without a library:
 * serial numbers and extensions must be had byte for byte. Private to certstore.
 */
#ifndef CERTSTORE_DER_H
#define CERTSTORE_DER_H

#include "base/buf.h"

enum der_tag {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_OID = 0x06,
	DER_UTF8_STRING = 0x0c,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT = 0x80,            /* [n] primitive: DER_CONTEXT | n */
	DER_CONTEXT_CONSTRUCTED = 0xa0 /* [n] constructed */
};

struct der_item {
	unsigned tag;
	struct str content, whole;
};

/* Takes the next element off *in; false when there is none or it is malformed (long tags,
 * indefinite or non-minimal lengths, more than 16 MiB). */
bool der_next(struct str *in, struct der_item *out);
/* The same, when it must have this tag; otherwise *in is unchanged. */
bool der_take(struct str *in, unsigned tag, struct str *content);
/* Takes it if it is there, *content is STR_NONE if not. False only when what is there is
 * malformed. */
bool der_take_optional(struct str *in, unsigned tag, struct str *content);
/* UTCTime or GeneralizedTime as RFC 5280 4.1.2.5 allows them, in milliseconds. */
bool der_take_time(struct str *in, int64_t *wall_ms);

/* Writing: the first failure sticks in err and later calls do nothing. */
struct der_writer {
	struct buf *out;
	enum err err;
};
/* Returns a mark for der_close, which puts the length in. */
size_t der_open(struct der_writer *w, unsigned tag);
void der_close(struct der_writer *w, size_t mark);
void der_add(struct der_writer *w, unsigned tag, struct str content);
/* Bytes already encoded. */
void der_add_raw(struct der_writer *w, struct str encoded);
void der_add_bits(struct der_writer *w, struct str bytes);
/* Years 1950 to 9999, whole seconds. */
void der_add_time(struct der_writer *w, int64_t wall_ms);

#endif
