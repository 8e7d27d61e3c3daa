/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns_update: the digest of TSIG covers the request's MAC (answers only), the message as it was before the
 * TSIG record came, and the record's own variables (RFC 8945 4.3).
 */
#include "acme/dns_update.h"

#include "base/check.h"

#define ALGORITHM "hmac-sha256"

enum { FUDGE_S = 300, TSIG_MAX = 1024, BADSIG = 16, BADKEY = 17, BADTIME = 18 };

/* ---- the update ---- */

enum err dns_update_write(struct buf *b, uint16_t id, enum dns_change change, const struct dns_txt *txt,
	uint32_t ttl_s)
{
	struct dns_header h = { .id = id, .flags = DNS_UPDATE, .counts = { 1, 0, 1, 0 } };
	struct dns_put put = { .name = txt->name, .type = DNS_TXT,
		.class = change == DNS_ADD ? DNS_IN : DNS_NONE, .ttl = change == DNS_ADD ? ttl_s : 0 };
	struct buf rdata;
	buf_init(&rdata, 2 * DNS_VALUE);
	enum err err = dns_put_text(&rdata, str_from(txt->value));
	put.rdata = buf_str(&rdata);
	if (!err)
		err = dns_put_header(b, &h);
	if (!err)
		err = dns_put_question(b, txt->zone, DNS_SOA, DNS_IN);
	if (!err)
		err = dns_put_record(b, &put);
	buf_fini(&rdata);
	return err;
}

/* ---- TSIG ---- */

struct stamp {
	int64_t at_s;
	unsigned fudge_s, error;
	struct str other;
};

static enum err put_time(struct buf *b, const struct stamp *s)
{
	enum err err = dns_put_u16(b, (unsigned)(s->at_s >> 32) & 0xffff);
	if (!err)
		err = dns_put_u32(b, (uint32_t)s->at_s);
	return err ? err : dns_put_u16(b, s->fudge_s);
}

static enum err put_end(struct buf *b, const struct stamp *s)
{
	enum err err = dns_put_u16(b, s->error);
	if (!err)
		err = dns_put_u16(b, (unsigned)s->other.len);
	return err ? err : buf_add(b, s->other);
}

/* RFC 8945 4.3.3 */
static enum err put_variables(struct buf *b, const char *key_name, const struct stamp *s)
{
	enum err err = dns_put_name(b, key_name);
	if (!err)
		err = dns_put_u16(b, DNS_ANY);
	if (!err)
		err = dns_put_u32(b, 0);
	if (!err)
		err = dns_put_name(b, ALGORITHM);
	if (!err)
		err = put_time(b, s);
	return err ? err : put_end(b, s);
}

/* request_mac NULL: a request. */
static enum err make_mac(struct str message, const struct dns_key *key, const struct stamp *s,
	const unsigned char *request_mac, unsigned char mac[DIGEST_SHA256])
{
	struct buf all;
	enum err err = E_OK;
	buf_init(&all, DNS_MESSAGE_MAX + TSIG_MAX);
	if (request_mac) {
		err = dns_put_u16(&all, DIGEST_SHA256);
		if (!err)
			err = buf_add(&all, str_of(request_mac, DIGEST_SHA256));
	}
	if (!err)
		err = buf_add(&all, message);
	if (!err)
		err = put_variables(&all, key->name, s);
	if (!err)
		digest_hmac_sha256(mac, key->secret, buf_str(&all));
	buf_fini(&all);
	return err;
}

static void set_additional(struct buf *message, unsigned n)
{
	message->at[10] = (char)(n >> 8);
	message->at[11] = (char)n;
}

enum err dns_sign(struct buf *message, const struct dns_key *key, int64_t wall_ms,
	unsigned char mac[DIGEST_SHA256])
{
	struct stamp s = { .at_s = wall_ms / 1000, .fudge_s = FUDGE_S };
	struct dns_put put = { .name = key->name, .type = DNS_TSIG, .class = DNS_ANY };
	struct dns_reader r;
	struct buf rdata;
	ASSERT(dns_read(&r, buf_str(message)) == E_OK && !r.header.counts[DNS_ADDITIONAL]);
	buf_init(&rdata, TSIG_MAX);
	enum err err = make_mac(buf_str(message), key, &s, NULL, mac);
	if (!err)
		err = dns_put_name(&rdata, ALGORITHM);
	if (!err)
		err = put_time(&rdata, &s);
	if (!err)
		err = dns_put_u16(&rdata, DIGEST_SHA256);
	if (!err)
		err = buf_add(&rdata, str_of(mac, DIGEST_SHA256));
	if (!err)
		err = dns_put_u16(&rdata, r.header.id);
	if (!err)
		err = put_end(&rdata, &s);
	put.rdata = buf_str(&rdata);
	if (!err)
		err = dns_put_record(message, &put);
	if (!err)
		set_additional(message, 1);
	buf_fini(&rdata);
	return err;
}

/* ---- the answer's signature ---- */

struct signature {
	size_t begins_at;
	char name[DNS_NAME], algorithm[DNS_NAME];
	struct stamp stamp;
	struct str mac;
	unsigned original_id;
};

static bool take_u16(struct str *s, unsigned *out)
{
	if (s->len < 2)
		return false;
	*out = (unsigned)(unsigned char)s->at[0] << 8 | (unsigned char)s->at[1];
	*s = str_of(s->at + 2, s->len - 2);
	return true;
}

static bool take_bytes(struct str *s, struct str *out)
{
	unsigned n;
	if (!take_u16(s, &n) || s->len < n)
		return false;
	*out = str_of(s->at, n);
	*s = str_of(s->at + n, s->len - n);
	return true;
}

static bool parse_signature(const struct dns_reader *r, const struct dns_record *record,
	struct signature *out)
{
	size_t n;
	unsigned high, middle, low;
	if (dns_rdata_name(r, record, out->algorithm, &n))
		return false;
	struct str rest = str_of(record->rdata.at + n, record->rdata.len - n);
	if (!take_u16(&rest, &high) || !take_u16(&rest, &middle) || !take_u16(&rest, &low)
		|| !take_u16(&rest, &out->stamp.fudge_s) || !take_bytes(&rest, &out->mac)
		|| !take_u16(&rest, &out->original_id) || !take_u16(&rest, &out->stamp.error)
		|| !take_bytes(&rest, &out->stamp.other))
		return false;
	out->stamp.at_s = (int64_t)high << 32 | (int64_t)middle << 16 | low;
	out->begins_at = record->begins_at;
	str_copy(out->name, sizeof out->name, str_from(record->name));
	return rest.len == 0;
}

/* The last record, as RFC 8945 5.1 wants it. */
static bool find_signature(struct str message, struct dns_reader *r, struct signature *out)
{
	struct dns_record record = { .type = 0 }, last = { .type = 0 };
	enum err err = dns_read(r, message);
	while (!err) {
		last = record;
		err = dns_next(r, &record);
	}
	return err == E_NOT_FOUND && last.type == DNS_TSIG && last.section == DNS_ADDITIONAL
		&& last.class == DNS_ANY && !last.ttl && parse_signature(r, &last, out);
}

static bool is_same_name(const char *a, const char *b)
{
	size_t n = strlen(b);
	if (n && b[n - 1] == '.')
		n--;
	return str_equal_nocase(str_from(a), str_of(b, n));
}

/* In time that does not tell how far they agree. */
static bool is_same_mac(struct str mac, const unsigned char want[DIGEST_SHA256])
{
	unsigned char differs = 0;
	if (mac.len != DIGEST_SHA256)
		return false;
	for (size_t i = 0; i < DIGEST_SHA256; i++)
		differs |= (unsigned char)mac.at[i] ^ want[i];
	return !differs;
}

static enum err complain(unsigned error, struct fault *fault)
{
	switch (error) {
	case BADSIG:
		return fault_set(fault, E_DNS, "BADSIG: the server has another secret for this key");
	case BADKEY:
		return fault_set(fault, E_DNS, "BADKEY: the server does not know this key");
	case BADTIME:
		return fault_set(fault, E_DNS, "BADTIME: the server's clock and ours differ");
	}
	return fault_set(fault, E_DNS, "the server answers with TSIG error %u", error);
}

static enum err check_mac(struct str message, const struct dns_key *key, const struct signature *s,
	const unsigned char request_mac[DIGEST_SHA256])
{
	unsigned char mac[DIGEST_SHA256] = { 0 };
	struct dns_reader r;
	struct buf bare;
	buf_init(&bare, DNS_MESSAGE_MAX);
	enum err err = dns_read(&r, message);
	if (!err)
		err = buf_add(&bare, str_of(message.at, s->begins_at));
	if (!err) {
		set_additional(&bare, r.header.counts[DNS_ADDITIONAL] - 1u);
		bare.at[0] = (char)(s->original_id >> 8);
		bare.at[1] = (char)s->original_id;
		err = make_mac(buf_str(&bare), key, &s->stamp, request_mac, mac);
	}
	buf_fini(&bare);
	return !err && is_same_mac(s->mac, mac) ? E_OK : E_DNS;
}

enum err dns_verify(struct str message, const struct dns_key *key, int64_t wall_ms,
	const unsigned char mac[DIGEST_SHA256], struct fault *fault)
{
	struct dns_reader r;
	struct signature s = { 0 };
	if (!find_signature(message, &r, &s))
		return fault_set(fault, E_DNS, "the server's answer is not signed");
	/* These two cannot be signed, and BADTIME is signed with the server's own time. */
	if (s.stamp.error)
		return complain(s.stamp.error, fault);
	if (!is_same_name(s.name, key->name) || strcmp(s.algorithm, ALGORITHM) != 0
		|| check_mac(message, key, &s, mac))
		return fault_set(fault, E_DNS, "the server's answer is not signed by our key");
	int64_t off_s = wall_ms / 1000 - s.stamp.at_s;
	if (off_s > (int64_t)s.stamp.fudge_s || off_s < -(int64_t)s.stamp.fudge_s)
		return fault_set(fault, E_DNS, "the server's answer is from another time");
	return E_OK;
}
