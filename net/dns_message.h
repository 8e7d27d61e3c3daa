/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns_message: DNS messages (RFC 1035 section 4) as bytes: writing questions and records, walking
 * through what a stranger sent. No I/O.
 */
#ifndef NET_DNS_MESSAGE_H
#define NET_DNS_MESSAGE_H

#include "base/buf.h"

enum dns_type {
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_TXT = 16,
	DNS_TSIG = 250,
};

enum dns_class { DNS_IN = 1, DNS_NONE = 254, DNS_ANY = 255 };

enum dns_rcode { DNS_NOERROR = 0, DNS_NXDOMAIN = 3 };

enum {
	DNS_HEADER = 12,
	DNS_NAME = 256,           /* as text with NUL; lower-case, no dot at the end, the root is "" */
	DNS_MESSAGE_MAX = 65535,
	DNS_RESPONSE = 0x8000,    /* flags */
	DNS_UPDATE = 0x2800,
	DNS_AUTHORITATIVE = 0x0400,
	DNS_TRUNCATED = 0x0200,
	DNS_RECURSE = 0x0100,
	DNS_RCODE_MASK = 0x000f,
	DNS_OPCODE_MASK = 0x7800,
};

/* Questions, answers, authority, additional; in an update: zone, prerequisites, updates, additional. */
enum dns_section { DNS_QUESTIONS, DNS_ANSWERS, DNS_AUTHORITY, DNS_ADDITIONAL, DNS_SECTIONS };

struct dns_header {
	uint16_t id, flags;
	uint16_t counts[DNS_SECTIONS];
};

/* ---- writing; all return what buf_add does, names also E_NAME ---- */

enum err dns_put_header(struct buf *b, const struct dns_header *h);
enum err dns_put_name(struct buf *b, const char *name);
enum err dns_put_u16(struct buf *b, unsigned v);
enum err dns_put_u32(struct buf *b, uint32_t v);
enum err dns_put_question(struct buf *b, const char *name, unsigned type, unsigned class);
/* A whole record; rdata as given, at most 65,535 bytes. */
struct dns_put {
	const char *name;
	unsigned type, class;
	uint32_t ttl;
	struct str rdata;
};
enum err dns_put_record(struct buf *b, const struct dns_put *r);
/* A text as the character strings of a TXT record, 255 bytes each. */
enum err dns_put_text(struct buf *b, struct str text);
/* A whole query. */
enum err dns_put_query(struct buf *b, uint16_t id, const char *name, unsigned type, unsigned flags);
const char *dns_type_text(unsigned type);
/* "NXDOMAIN", "SERVFAIL", "NOTAUTH", or "rcode 77". dst of at least 16 bytes. */
const char *dns_rcode_text(char dst[16], unsigned rcode);

/* ---- reading ---- */

struct dns_reader {
	struct dns_header header;
	char question[DNS_NAME];      /* the first; "" when there is none */
	uint16_t type, class;         /* the question's */
	/* private */
	struct str message;
	size_t at;
	unsigned section;
	uint16_t left[DNS_SECTIONS];
};

struct dns_record {
	enum dns_section section;
	char name[DNS_NAME];
	uint16_t type, class;
	uint32_t ttl;
	size_t begins_at;             /* of the record in the message */
	struct str rdata;             /* borrowed from the message */
};

/* Reads the header and the questions. message must outlive the reader. E_PARSE. */
enum err dns_read(struct dns_reader *r, struct str message);
/* The next record. E_NOT_FOUND after the last, E_PARSE. */
enum err dns_next(struct dns_reader *r, struct dns_record *out);
/* The name at the start of the rdata (NS, CNAME, SOA, TSIG); *len when not NULL: its bytes there. E_PARSE. */
enum err dns_rdata_name(const struct dns_reader *r, const struct dns_record *record, char out[DNS_NAME],
	size_t *len);
/* The strings of a TXT record, joined. E_PARSE; E_LIMIT by the buf's cap. */
enum err dns_rdata_text(const struct dns_record *record, struct buf *out);
/* Whether a message answers this query: id, opcode, question. */
bool dns_is_answer(struct str message, struct str query);

#endif
