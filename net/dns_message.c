/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns_message: nothing here believes a length. A name may point backwards only (RFC 1035 4.1.4), so
 * that it ends; the bytes of a label that no host name has become '?', which equals nothing of ours.
 */
#include "net/dns_message.h"

#include <stdio.h>

#include "base/check.h"

enum { LABEL_MAX = 63, WIRE_NAME_MAX = 255, TEXT_MAX = 253, POINTER = 0xc0, STRING_MAX = 255 };

/* ---- writing ---- */

enum err dns_put_u16(struct buf *b, unsigned v)
{
	unsigned char bytes[] = { (unsigned char)(v >> 8), (unsigned char)v };

	return buf_add(b, str_of(bytes, sizeof(bytes)));
}

enum err dns_put_u32(struct buf *b, uint32_t v)
{
	enum err err = dns_put_u16(b, v >> 16);

	return err ? err : dns_put_u16(b, v & 0xffff);
}

enum err dns_put_header(struct buf *b, const struct dns_header *h)
{
	enum err err = dns_put_u16(b, h->id);

	if (!err)
		err = dns_put_u16(b, h->flags);
	for (unsigned i = 0; !err && i < DNS_SECTIONS; i++)
		err = dns_put_u16(b, h->counts[i]);
	return err;
}

static enum err put_string(struct buf *b, struct str s)
{
	unsigned char len = (unsigned char)s.len;
	enum err err = buf_add(b, str_of(&len, 1));

	ASSERT(s.len <= STRING_MAX);
	return err ? err : buf_add(b, s);
}

enum err dns_put_name(struct buf *b, const char *name)
{
	struct str rest = str_from(name), label;
	enum err err = E_OK;

	if (rest.len && rest.at[rest.len - 1] == '.')
		rest.len--;
	if (rest.len + 2 > WIRE_NAME_MAX)
		return E_NAME;
	if (!rest.len)
		rest = STR_NONE;
	while (!err && rest.at) {
		rest = str_cut(rest, '.', &label);
		if (!label.len || label.len > LABEL_MAX)
			return E_NAME;
		err = put_string(b, label);
	}
	return err ? err : buf_add(b, STR("\0"));
}

enum err dns_put_question(struct buf *b, const char *name, unsigned type, unsigned class)
{
	enum err err = dns_put_name(b, name);

	if (!err)
		err = dns_put_u16(b, type);
	return err ? err : dns_put_u16(b, class);
}

enum err dns_put_record(struct buf *b, const struct dns_put *r)
{
	enum err err = dns_put_question(b, r->name, r->type, r->class);

	if (r->rdata.len > DNS_MESSAGE_MAX)
		return E_LIMIT;
	if (!err)
		err = dns_put_u32(b, r->ttl);
	if (!err)
		err = dns_put_u16(b, (unsigned)r->rdata.len);
	return err ? err : buf_add(b, r->rdata);
}

enum err dns_put_text(struct buf *b, struct str text)
{
	enum err err = E_OK;

	do {
		size_t n = text.len < STRING_MAX ? text.len : STRING_MAX;

		err = put_string(b, str_of(text.at, n));
		text = str_of(text.at + n, text.len - n);
	} while (!err && text.len);
	return err;
}

enum err dns_put_query(struct buf *b, uint16_t id, const char *name, unsigned type, unsigned flags)
{
	struct dns_header h = { .id = id, .flags = (uint16_t)flags, .counts = { 1 } };
	enum err err = dns_put_header(b, &h);

	return err ? err : dns_put_question(b, name, type, DNS_IN);
}

const char *dns_type_text(unsigned type)
{
	switch (type) {
	case DNS_NS: return "NS";
	case DNS_CNAME: return "CNAME";
	case DNS_SOA: return "SOA";
	case DNS_TXT: return "TXT";
	case DNS_TSIG: return "TSIG";
	}
	return "record";
}

const char *dns_rcode_text(char dst[16], unsigned rcode)
{
	static const char *const texts[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",
		"REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE" };

	if (rcode >= ARRAY_LEN(texts))
		snprintf(dst, 16, "rcode %u", rcode & 0xffff);
	else
		snprintf(dst, 16, "%s", texts[rcode]);
	return dst;
}

/* ---- reading ---- */

static unsigned u16_at(struct str s, size_t at)
{
	ASSERT(at + 2 <= s.len);
	return (unsigned)(unsigned char)s.at[at] << 8 | (unsigned char)s.at[at + 1];
}

static char letter(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c + 32);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '*'
		? c : '?';
}

/* One label to the text at *len; false when it does not fit. */
static bool take_label(struct str label, char out[DNS_NAME], size_t *len)
{
	if (*len + label.len + (*len > 0) > TEXT_MAX)
		return false;
	if (*len)
		out[(*len)++] = '.';
	for (size_t i = 0; i < label.len; i++)
		out[(*len)++] = letter(label.at[i]);
	return true;
}

/* The name at *at; *at then is behind it. Every pointer leads to before where its run began. */
static bool take_name(struct str m, size_t *at, char out[DNS_NAME])
{
	size_t here = *at, limit = *at, len = 0;
	bool has_jumped = false;

	for (;;) {
		unsigned n;

		if (here >= m.len)
			return false;
		n = (unsigned char)m.at[here];
		if (n >= POINTER) {
			if (here + 2 > m.len)
				return false;
			if (!has_jumped)
				*at = here + 2;
			has_jumped = true;
			here = u16_at(m, here) & 0x3fff;
			if (here >= limit)
				return false;
			limit = here;
			continue;
		}
		if (n > LABEL_MAX || here + 1 + n > m.len)
			return false;
		here += 1 + n;
		if (n == 0)
			break;
		if (!take_label(str_of(m.at + here - n, n), out, &len))
			return false;
	}
	out[len] = '\0';
	if (!has_jumped)
		*at = here;
	return true;
}

static bool read_header(struct dns_reader *r)
{
	struct str m = r->message;

	if (m.len < DNS_HEADER || m.len > DNS_MESSAGE_MAX)
		return false;
	r->header.id = (uint16_t)u16_at(m, 0);
	r->header.flags = (uint16_t)u16_at(m, 2);
	for (unsigned i = 0; i < DNS_SECTIONS; i++)
		r->left[i] = r->header.counts[i] = (uint16_t)u16_at(m, 4 + 2 * i);
	r->at = DNS_HEADER;
	return true;
}

static bool read_question(struct dns_reader *r, bool is_first)
{
	char name[DNS_NAME];

	if (!take_name(r->message, &r->at, is_first ? r->question : name) ||
		r->at + 4 > r->message.len)
		return false;
	if (is_first) {
		r->type = (uint16_t)u16_at(r->message, r->at);
		r->class = (uint16_t)u16_at(r->message, r->at + 2);
	}
	r->at += 4;
	return true;
}

enum err dns_read(struct dns_reader *r, struct str message)
{
	memset(r, 0, sizeof(*r));
	r->message = message;
	r->section = DNS_ANSWERS;
	if (!read_header(r))
		return E_PARSE;
	for (; r->left[DNS_QUESTIONS]; r->left[DNS_QUESTIONS]--)
		if (!read_question(r, r->left[DNS_QUESTIONS] == r->header.counts[DNS_QUESTIONS]))
			return E_PARSE;
	return E_OK;
}

enum err dns_next(struct dns_reader *r, struct dns_record *out)
{
	struct str m = r->message;
	size_t n;

	while (r->section < DNS_SECTIONS && !r->left[r->section])
		r->section++;
	if (r->section == DNS_SECTIONS)
		return E_NOT_FOUND;
	r->left[r->section]--;
	out->section = (enum dns_section)r->section;
	out->begins_at = r->at;
	if (!take_name(m, &r->at, out->name) || r->at + 10 > m.len)
		return E_PARSE;
	out->type = (uint16_t)u16_at(m, r->at);
	out->class = (uint16_t)u16_at(m, r->at + 2);
	out->ttl = (uint32_t)u16_at(m, r->at + 4) << 16 | u16_at(m, r->at + 6);
	n = u16_at(m, r->at + 8);
	r->at += 10;
	if (n > m.len - r->at)
		return E_PARSE;
	out->rdata = str_of(m.at + r->at, n);
	r->at += n;
	return E_OK;
}

enum err dns_rdata_name(const struct dns_reader *r, const struct dns_record *record, char out[DNS_NAME],
	size_t *len)
{
	size_t start = (size_t)(record->rdata.at - r->message.at), at = start;
	/* Nothing behind the rdata belongs to it; what it points to is in front. */
	struct str m = str_of(r->message.at, start + record->rdata.len);

	if (!take_name(m, &at, out))
		return E_PARSE;
	if (len)
		*len = at - start;
	return E_OK;
}

enum err dns_rdata_text(const struct dns_record *record, struct buf *out)
{
	struct str rest = record->rdata;
	enum err err = E_OK;

	while (!err && rest.len) {
		size_t n = (unsigned char)rest.at[0];

		if (n > rest.len - 1)
			return E_PARSE;
		err = buf_add(out, str_of(rest.at + 1, n));
		rest = str_of(rest.at + 1 + n, rest.len - 1 - n);
	}
	return err;
}

bool dns_is_answer(struct str message, struct str query)
{
	struct dns_reader a, q;

	if (dns_read(&a, message) || dns_read(&q, query))
		return false;
	if (a.header.id != q.header.id || !(a.header.flags & DNS_RESPONSE) ||
		(a.header.flags & DNS_OPCODE_MASK) != (q.header.flags & DNS_OPCODE_MASK))
		return false;
	/* An error may come without the question. */
	if (!a.header.counts[DNS_QUESTIONS])
		return a.header.flags & DNS_RCODE_MASK || (q.header.flags & DNS_OPCODE_MASK) == DNS_UPDATE;
	return strcmp(a.question, q.question) == 0 && a.type == q.type && a.class == q.class;
}
