/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * client_hello: the bytes gathered so far and what they say.
 *
 *   first bytes --> records --> whole message --> fields --> extensions --> DONE
 *        \____________\______________\______________\____________\___--> BAD, TOO_BIG, not TLS
 *
 * handshake holds five bytes of room for a record header, then the message, so that it can be
 * handed on as one record.
 */
#include "net/client_hello.h"

#include "base/check.h"
#include "net/addr.h"

enum {
	RECORD_HEAD = 5,
	RECORD_MAX = 16384,
	RECORD_HANDSHAKE = 22,
	MESSAGE_HEAD = 4,
	MESSAGE_MAX = 16384,
	MESSAGE_CLIENT_HELLO = 1,
	EXTENSIONS_MAX = 128,
	ALERT_UNEXPECTED_MESSAGE = 10,
	ALERT_RECORD_OVERFLOW = 22,
};

enum extension {
	EXT_SERVER_NAME = 0,
	EXT_SUPPORTED_GROUPS = 10,
	EXT_SIGNATURE_ALGORITHMS = 13,
	EXT_ALPN = 16,
	EXT_SESSION_TICKET = 35,
	EXT_PRE_SHARED_KEY = 41,
	EXT_SUPPORTED_VERSIONS = 43,
};

/* What is left to read; a read past the end makes it bad and everything after returns nothing. */
struct reader {
	const unsigned char *at;
	size_t left;
	bool is_bad;
};

static enum client_hello_state first_bytes(struct client_hello *h, int *alert);
static enum client_hello_state records(struct client_hello *h, int *alert);
static int message(struct client_hello *h, struct reader r);
static int extensions(struct client_hello *h, struct reader r);
static int extension(struct client_hello *h, unsigned type, struct reader r);

void client_hello_init(struct client_hello *h)
{
	memset(h, 0, sizeof(*h));
	/* What follows the hello comes with it, in one read at most. */
	buf_init(&h->raw, CLIENT_HELLO_MAX + 256 * 1024);
	buf_init(&h->handshake, RECORD_HEAD + MESSAGE_HEAD + MESSAGE_MAX);
	h->one_record = true;
}

void client_hello_fini(struct client_hello *h)
{
	buf_fini(&h->raw);
	buf_fini(&h->handshake);
	h->n_alpn = 0;
}

enum client_hello_state client_hello_feed(struct client_hello *h, struct str bytes, int *alert)
{
	*alert = 0;
	if (buf_add(&h->raw, bytes) != E_OK) {
		*alert = ALERT_INTERNAL_ERROR;
		return CLIENT_HELLO_BAD;
	}
	enum client_hello_state state = first_bytes(h, alert);
	return state == CLIENT_HELLO_DONE ? records(h, alert) : state;
}

static bool is_http(struct str s, bool *needs_more)
{
	static const char *const methods[] = {"GET ", "HEAD ", "POST ", "PUT ", "DELETE ",
		"CONNECT ", "OPTIONS ", "TRACE ", "PATCH ", "PRI "};

	*needs_more = false;
	for (unsigned i = 0; i < ARRAY_LEN(methods); i++) {
		size_t len = strlen(methods[i]);

		if (s.len >= len && memcmp(s.at, methods[i], len) == 0)
			return true;
		if (s.len < len && memcmp(s.at, methods[i], s.len) == 0)
			*needs_more = true;
	}
	return false;
}

/* DONE: it looks like a TLS record so far. */
static enum client_hello_state first_bytes(struct client_hello *h, int *alert)
{
	struct str s = buf_str(&h->raw);
	bool needs_more;

	if (s.len == 0)
		return CLIENT_HELLO_MORE;
	if (s.at[0] == RECORD_HANDSHAKE)
		return CLIENT_HELLO_DONE;
	if ((unsigned char)s.at[0] & 0x80) {
		if (s.len < 3)
			return CLIENT_HELLO_MORE;
		if (s.at[2] == MESSAGE_CLIENT_HELLO) {
			*alert = ALERT_PROTOCOL_VERSION;
			return CLIENT_HELLO_SSLV2;
		}
	} else if (is_http(s, &needs_more)) {
		return CLIENT_HELLO_PLAIN_HTTP;
	} else if (needs_more) {
		return CLIENT_HELLO_MORE;
	}
	*alert = ALERT_UNEXPECTED_MESSAGE;
	return CLIENT_HELLO_BAD;
}

static enum client_hello_state bad(int *alert, int description)
{
	*alert = description;
	return CLIENT_HELLO_BAD;
}

/* Wrong as far as can be told from the message's first bytes? */
static enum client_hello_state message_head(struct str m, int *alert)
{
	const unsigned char *at = (const unsigned char *)m.at;

	if (m.len > 0 && at[0] != MESSAGE_CLIENT_HELLO)
		return bad(alert, ALERT_UNEXPECTED_MESSAGE);
	if (m.len < MESSAGE_HEAD)
		return CLIENT_HELLO_MORE;
	size_t len = (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
	if (len > MESSAGE_MAX - MESSAGE_HEAD) {
		*alert = ALERT_DECODE_ERROR;
		return CLIENT_HELLO_TOO_BIG;
	}
	if (m.len < MESSAGE_HEAD + len)
		return CLIENT_HELLO_MORE;
	/* The hello ends with its record: nothing may follow it under the same key (RFC 8446
	 * 5.1). */
	return m.len == MESSAGE_HEAD + len ? CLIENT_HELLO_DONE
					   : bad(alert, ALERT_UNEXPECTED_MESSAGE);
}

/* Checks a record header as soon as it is there. */
static int record_head(const unsigned char *at, size_t *len)
{
	*len = (size_t)at[3] << 8 | at[4];
	if (at[0] != RECORD_HANDSHAKE)
		return ALERT_UNEXPECTED_MESSAGE;
	if (at[1] != 3)
		return ALERT_PROTOCOL_VERSION;
	if (*len > RECORD_MAX)
		return ALERT_RECORD_OVERFLOW;
	/* Empty handshake fragments are forbidden, and would be a way to make us work for
	 * nothing. */
	return *len == 0 ? ALERT_UNEXPECTED_MESSAGE : 0;
}

static enum client_hello_state whole(struct client_hello *h, struct str m, int *alert)
{
	*alert = message(h, (struct reader){(const unsigned char *)m.at + MESSAGE_HEAD,
				    m.len - MESSAGE_HEAD, false});
	return *alert == 0 ? CLIENT_HELLO_DONE : CLIENT_HELLO_BAD;
}

/* The message so far: straight from the first record while it is the only one. */
static enum client_hello_state add_record(
	struct client_hello *h, struct str fragment, int *alert, struct str *so_far)
{
	if (h->parsed == 0) {
		*so_far = fragment;
		return message_head(fragment, alert);
	}
	if (h->one_record) {
		struct str first = str_of(h->raw.at + RECORD_HEAD, h->parsed - RECORD_HEAD);

		h->one_record = false;
		if (buf_add(&h->handshake, STR("\x16\x03\x01\0\0")) != E_OK ||
			buf_add(&h->handshake, first) != E_OK)
			return bad(alert, ALERT_INTERNAL_ERROR);
	}
	switch (buf_add(&h->handshake, fragment)) {
	case E_OK:
		break;
	case E_LIMIT: /* longer than any length message_head lets pass */
		return bad(alert, ALERT_UNEXPECTED_MESSAGE);
	default:
		return bad(alert, ALERT_INTERNAL_ERROR);
	}
	*so_far = str_of(h->handshake.at + RECORD_HEAD, h->handshake.len - RECORD_HEAD);
	return message_head(*so_far, alert);
}

static enum client_hello_state records(struct client_hello *h, int *alert)
{
	while (h->raw.len - h->parsed >= RECORD_HEAD) {
		const char *head = h->raw.at + h->parsed;
		struct str message_so_far;
		size_t len;

		*alert = record_head((const unsigned char *)head, &len);
		if (*alert)
			return CLIENT_HELLO_BAD;
		if (h->parsed + RECORD_HEAD + len > CLIENT_HELLO_MAX) {
			*alert = ALERT_DECODE_ERROR;
			return CLIENT_HELLO_TOO_BIG;
		}
		h->record_left = RECORD_HEAD + len;
		if (h->raw.len - h->parsed < h->record_left)
			break;
		enum client_hello_state state =
			add_record(h, str_of(head + RECORD_HEAD, len), alert, &message_so_far);
		h->parsed += h->record_left;
		h->record_left = 0;
		if (state == CLIENT_HELLO_DONE)
			return whole(h, message_so_far, alert);
		if (state != CLIENT_HELLO_MORE)
			return state;
	}
	/* A lying length in the message is refused before its bytes are waited for. */
	if (h->parsed == 0 && h->raw.len > RECORD_HEAD) {
		struct str begun = str_of(h->raw.at + RECORD_HEAD, h->raw.len - RECORD_HEAD);
		size_t head_len = begun.len < MESSAGE_HEAD ? begun.len : MESSAGE_HEAD;
		enum client_hello_state state = message_head(str_of(begun.at, head_len), alert);

		if (state == CLIENT_HELLO_BAD || state == CLIENT_HELLO_TOO_BIG)
			return state;
	}
	return CLIENT_HELLO_MORE;
}

static struct reader take(struct reader *r, size_t n)
{
	if (r->is_bad || r->left < n) {
		r->is_bad = true;
		r->left = 0;
		return (struct reader){r->at, 0, true};
	}
	struct reader part = {r->at, n, false};
	r->at += n;
	r->left -= n;
	return part;
}

static unsigned number(struct reader *r, unsigned bytes)
{
	struct reader part = take(r, bytes);
	unsigned value = 0;

	for (size_t i = 0; i < part.left; i++)
		value = value << 8 | part.at[i];
	return value;
}

/* A vector with a length prefix; not shorter than min. */
static struct reader vector(struct reader *r, unsigned prefix, size_t min)
{
	struct reader part = take(r, number(r, prefix));

	if (part.left < min)
		r->is_bad = part.is_bad = true;
	return part;
}

static int message(struct client_hello *h, struct reader r)
{
	unsigned version = number(&r, 2);
	take(&r, 32);
	struct reader session = vector(&r, 1, 0);
	struct reader suites = vector(&r, 2, 2);
	struct reader compression = vector(&r, 1, 1);

	if (r.is_bad || session.left > 32 || suites.left % 2 != 0)
		return ALERT_DECODE_ERROR;
	if (!memchr(compression.at, 0, compression.left))
		return ALERT_ILLEGAL_PARAMETER;
	if (version >> 8 != 3)
		return ALERT_PROTOCOL_VERSION;
	h->has_tls12 = version >= 0x0303;
	if (r.left > 0) {
		struct reader list = vector(&r, 2, 0);

		if (r.is_bad || r.left > 0)
			return ALERT_DECODE_ERROR;
		int alert = extensions(h, list);
		if (alert)
			return alert;
	}
	return h->has_tls13 || h->has_tls12 ? 0 : ALERT_PROTOCOL_VERSION;
}

static int extensions(struct client_hello *h, struct reader r)
{
	uint16_t seen[EXTENSIONS_MAX];
	unsigned n = 0;

	while (r.left > 0) {
		unsigned type = number(&r, 2);
		struct reader body = vector(&r, 2, 0);

		if (r.is_bad)
			return ALERT_DECODE_ERROR;
		for (unsigned i = 0; i < n; i++)
			if (seen[i] == type)
				return ALERT_ILLEGAL_PARAMETER;
		if (n == EXTENSIONS_MAX)
			return ALERT_DECODE_ERROR;
		seen[n++] = (uint16_t)type;
		/* Its binders cover all before it. */
		if (type == EXT_PRE_SHARED_KEY && r.left > 0)
			return ALERT_ILLEGAL_PARAMETER;
		int alert = extension(h, type, body);
		if (alert)
			return alert;
	}
	return 0;
}

/* A label of letters, digits and inner hyphens. */
static bool is_label(const char *at, size_t len)
{
	if (len == 0 || len > 63 || at[0] == '-' || at[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = at[i];

		if (!(c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')))
			return false;
	}
	return true;
}

static bool is_host_name(const char *name, size_t len)
{
	struct str rest = str_of(name, len);
	struct str label = STR_NONE;

	if (len == 0 || len > 253 || addr_is_ip_literal(rest))
		return false;
	do {
		rest = str_cut(rest, '.', &label);
		if (!is_label(label.at, label.len))
			return false;
	} while (rest.at);
	/* What ends in a number is an IPv4 address to somebody. */
	return strspn(label.at, "0123456789") < label.len;
}

static int server_name(struct client_hello *h, struct reader r)
{
	struct reader list = vector(&r, 2, 1);

	if (r.is_bad || r.left > 0)
		return ALERT_DECODE_ERROR;
	while (list.left > 0) {
		unsigned type = number(&list, 1);
		struct reader name = vector(&list, 2, 1);

		if (list.is_bad)
			return ALERT_DECODE_ERROR;
		if (type != 0)
			continue;
		if (h->has_sni)
			return ALERT_ILLEGAL_PARAMETER;
		h->has_sni = true;
		if (name.left >= CLIENT_HELLO_SNI)
			continue;
		str_lower(h->sni, str_of(name.at, name.left));
		h->sni[name.left] = '\0';
		h->sni_is_valid = is_host_name(h->sni, name.left);
		if (!h->sni_is_valid)
			memset(h->sni, 0, sizeof(h->sni));
	}
	return 0;
}

static int alpn(struct client_hello *h, struct reader r)
{
	struct reader list = vector(&r, 2, 2);

	if (r.is_bad || r.left > 0)
		return ALERT_DECODE_ERROR;
	while (list.left > 0) {
		struct reader name = vector(&list, 1, 1);

		if (list.is_bad)
			return ALERT_DECODE_ERROR;
		if (h->n_alpn < CLIENT_HELLO_ALPN)
			h->alpn[h->n_alpn++] = str_of(name.at, name.left);
	}
	return 0;
}

/* What they are is told by client_hello_signatures. */
static int signature_algorithms(struct reader r)
{
	struct reader list = vector(&r, 2, 2);

	if (r.is_bad || r.left > 0 || list.left % 2 != 0)
		return ALERT_DECODE_ERROR;
	return 0;
}

static int supported_versions(struct client_hello *h, struct reader r)
{
	struct reader list = vector(&r, 1, 2);

	if (r.is_bad || r.left > 0 || list.left % 2 != 0)
		return ALERT_DECODE_ERROR;
	h->has_tls12 = false;
	while (list.left > 0) {
		unsigned version = number(&list, 2);

		h->has_tls12 |= version == 0x0303;
		h->has_tls13 |= version == 0x0304;
	}
	return 0;
}

static int extension(struct client_hello *h, unsigned type, struct reader r)
{
	switch (type) {
	case EXT_SERVER_NAME:
		return server_name(h, r);
	case EXT_ALPN:
		return alpn(h, r);
	case EXT_SIGNATURE_ALGORITHMS:
		return signature_algorithms(r);
	case EXT_SUPPORTED_VERSIONS:
		return supported_versions(h, r);
	case EXT_SESSION_TICKET:
		h->has_ticket |= r.left > 0;
		return 0;
	case EXT_PRE_SHARED_KEY:
		h->has_ticket = true;
		return 0;
	default:
		return 0;
	}
}

enum err client_hello_record(struct client_hello *h, struct str *record, struct str *rest)
{
	ASSERT(h->parsed > 0);
	*rest = str_of(h->raw.at + h->parsed, h->raw.len - h->parsed);
	if (h->one_record) {
		*record = str_of(h->raw.at, h->parsed);
		return E_OK;
	}
	size_t len = h->handshake.len - RECORD_HEAD;
	ASSERT(len <= RECORD_MAX);
	h->handshake.at[3] = (char)(len >> 8);
	h->handshake.at[4] = (char)len;
	*record = buf_str(&h->handshake);
	return E_OK;
}

bool client_hello_has_alpn(const struct client_hello *h, const char *protocol)
{
	for (unsigned i = 0; i < h->n_alpn; i++)
		if (str_is(h->alpn[i], protocol))
			return true;
	return false;
}

/* ---- what the client can verify ---- */

/* Lists of two-byte numbers that the hello brings, of a message that was found good. */
struct offers {
	struct reader suites, algorithms, groups;
	bool has_algorithms, has_groups;
};

static struct str message_of(const struct client_hello *h)
{
	size_t head = RECORD_HEAD + MESSAGE_HEAD;
	const struct buf *b = h->one_record ? &h->raw : &h->handshake;
	size_t end = h->one_record ? h->parsed : b->len;

	ASSERT(end > head && end <= b->len);
	return str_of(b->at + head, end - head);
}

static void find_offers(struct reader r, struct offers *out)
{
	*out = (struct offers){0};
	take(&r, 2 + 32);
	vector(&r, 1, 0);
	out->suites = vector(&r, 2, 2);
	vector(&r, 1, 1);
	r = r.left > 0 ? vector(&r, 2, 0) : r;
	while (r.left > 0) {
		unsigned type = number(&r, 2);
		struct reader body = vector(&r, 2, 0);

		if (type == EXT_SIGNATURE_ALGORITHMS) {
			out->algorithms = vector(&body, 2, 2);
			out->has_algorithms = true;
		} else if (type == EXT_SUPPORTED_GROUPS) {
			out->groups = vector(&body, 2, 2);
			out->has_groups = true;
		}
	}
}

/* Whether any of ours (ends with 0) is on the list. */
static bool offers_any(struct reader list, const uint16_t *ours)
{
	while (list.left > 1) {
		unsigned offered = number(&list, 2);

		for (const uint16_t *at = ours; *at; at++)
			if (*at == offered)
				return true;
	}
	return false;
}

static const uint16_t sha256_ecdsa[] = {0x0403, 0}, sha384_ecdsa[] = {0x0503, 0};
static const uint16_t any_ecdsa[] = {0x0403, 0x0503, 0x0603, 0};
static const uint16_t rsa_pss[] = {0x0804, 0x0805, 0x0806, 0};
static const uint16_t any_rsa[] = {0x0401, 0x0501, 0x0601, 0x0804, 0x0805, 0x0806, 0};
/* As in tls_context: with AES-128, AES-256, ChaCha20. */
static const uint16_t ecdsa_suites[] = {0xc02b, 0xc02c, 0xcca9, 0};
static const uint16_t rsa_suites[] = {0xc02f, 0xc030, 0xcca8, 0};
static const uint16_t p256[] = {23, 0}, p384[] = {24, 0};

/* RFC 8446 4.2.3: here an ECDSA algorithm names its curve, and RSA is PSS. */
static struct client_signatures by_algorithms(const struct offers *o)
{
	return (struct client_signatures){
		.p256 = offers_any(o->algorithms, sha256_ecdsa),
		.p384 = offers_any(o->algorithms, sha384_ecdsa),
		.rsa = offers_any(o->algorithms, rsa_pss),
	};
}

/* RFC 5246 7.4.1.4.1, RFC 8422 5.1: without an extension, whatever the suites say. */
static struct client_signatures by_suites(const struct offers *o)
{
	bool ecdsa = offers_any(o->suites, ecdsa_suites) &&
		     (!o->has_algorithms || offers_any(o->algorithms, any_ecdsa));

	return (struct client_signatures){
		.p256 = ecdsa && (!o->has_groups || offers_any(o->groups, p256)),
		.p384 = ecdsa && (!o->has_groups || offers_any(o->groups, p384)),
		.rsa = offers_any(o->suites, rsa_suites) &&
		       (!o->has_algorithms || offers_any(o->algorithms, any_rsa)),
	};
}

struct client_signatures client_hello_signatures(const struct client_hello *h)
{
	struct str m = message_of(h);
	struct offers offers;

	find_offers((struct reader){(const unsigned char *)m.at, m.len, false}, &offers);
	return h->has_tls13 ? by_algorithms(&offers) : by_suites(&offers);
}

void client_hello_alert(char dst[CLIENT_HELLO_ALERT], int alert)
{
	const char record[CLIENT_HELLO_ALERT] = {21, 3, 3, 0, 2, 2, (char)alert};

	memcpy(dst, record, sizeof(record));
}
