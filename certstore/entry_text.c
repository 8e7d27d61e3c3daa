/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * entry_text: "key: value" lines, readable by people and ignored by every PEM reader. Unknown keys
 * are for newer versions to add; a key given twice is damage.
 */
#include "certstore/entry_text.h"

#include <inttypes.h>
#include <stddef.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/mem.h"
#include "certstore/digest.h"

#define MAGIC STR("sallyport-bundle: ")
#define CHECKSUM STR("checksum: sha256:")

enum kind { TEXT, TIME };

static const struct row {
	const char *key;
	enum kind kind;
	size_t at, cap;
} rows[] = {
#define TEXT_ROW(key, member) \
	{ \
		key, TEXT, offsetof(struct entry_text, member), \
			sizeof(((struct entry_text *)0)->member) \
	}
#define TIME_ROW(key, member) \
	{ \
		key, TIME, offsetof(struct entry_text, member), 0 \
	}
	TEXT_ROW("name", name),
	TEXT_ROW("ca", ca),
	TEXT_ROW("account", account),
	TEXT_ROW("profile", profile),
	TEXT_ROW("challenge", challenge),
	TEXT_ROW("serial", serial),
	TEXT_ROW("ari-id", ari_id),
	TIME_ROW("not-before", not_before_ms),
	TIME_ROW("not-after", not_after_ms),
	TIME_ROW("issued-at", issued_at_ms),
	/* what follows may be missing */
	TEXT_ROW("key-type", key_type),
	TEXT_ROW("series", series),
#undef TEXT_ROW
#undef TIME_ROW
};

enum { OPTIONAL_ROWS = 2 };

static const unsigned needed_rows = (1u << (ARRAY_LEN(rows) - OPTIONAL_ROWS)) - 1;

static enum err corrupt(struct fault *fault, const char *why)
{
	return fault_set(fault, E_STORE_CORRUPT, "%s", why);
}

static bool take_line(struct str *text, struct str *line)
{
	struct str rest = str_cut(*text, '\n', line);

	if (!rest.at)
		return false;
	*text = rest;
	return true;
}

static bool set_value(struct entry_text *out, const struct row *row, struct str value)
{
	char *at = (char *)out + row->at;
	int64_t ms;

	if (row->kind == TEXT)
		return str_copy(at, row->cap, value);
	ms = clock_parse_rfc3339(value.at, value.len);
	memcpy(at, &ms, sizeof(ms));
	return ms != -1;
}

static enum err set_line(
	struct entry_text *out, struct str line, unsigned *seen, struct fault *fault)
{
	struct str key, value = str_cut(line, ':', &key);

	if (!value.at)
		return corrupt(fault, "a header line has no colon");
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		if (!str_is(key, rows[i].key))
			continue;
		if (*seen & 1u << i)
			return corrupt(fault, "a header line stands twice");
		*seen |= 1u << i;
		if (!set_value(out, &rows[i], str_trim(value)))
			return corrupt(fault, "a header value is malformed");
	}
	return E_OK;
}

/* The name of a second certificate says so, wherever it is kept. */
static enum err add_series(struct entry_text *out, struct fault *fault)
{
	size_t len = strlen(out->name);

	if (len == 0 || series_is_second(out->name))
		return corrupt(fault, "its name is malformed");
	if (!out->series[0])
		return E_OK;
	if (!series_is_suffix(str_from(out->series)) || len > SERIES_HOST_MAX)
		return corrupt(fault, "its series is malformed");
	out->name[len] = '+';
	return str_copy(out->name + len + 1, sizeof(out->name) - len - 1, str_from(out->series))
		       ? E_OK
		       : corrupt(fault, "its series is malformed");
}

static enum err parse_lines(struct str text, struct entry_text *out, struct fault *fault)
{
	unsigned seen = 0;
	struct str line;

	while (take_line(&text, &line)) {
		enum err err;

		if (line.len == 0) {
			out->body = text;
			return (seen & needed_rows) == needed_rows
				       ? add_series(out, fault)
				       : corrupt(fault, "a header line is missing");
		}
		err = set_line(out, line, &seen, fault);
		if (err)
			return err;
	}
	return corrupt(fault, "it ends within its header");
}

static enum err check_sum(struct str line, struct str covered, struct fault *fault)
{
	unsigned char digest[DIGEST_SHA256];
	char text[ENCODE_HEX_SIZE(DIGEST_SHA256)];

	if (!str_has_prefix(line, CHECKSUM))
		return corrupt(fault, "it has no checksum");
	digest_sha256(digest, covered);
	encode_hex(text, str_of(digest, sizeof(digest)));
	if (!str_is(str_of(line.at + CHECKSUM.len, line.len - CHECKSUM.len), text))
		return corrupt(fault, "its checksum is wrong");
	return E_OK;
}

enum err entry_text_parse(struct str text, struct entry_text *out, struct fault *fault)
{
	struct str first, second;
	enum err err;

	ASSERT(out);
	memset(out, 0, sizeof(*out));
	if (text.len == 0)
		return corrupt(fault, "it is empty");
	if (text.len > ENTRY_FILE_MAX)
		return corrupt(fault, "it is too large");
	if (!str_has_prefix(text, MAGIC) || !take_line(&text, &first) || !take_line(&text, &second))
		return corrupt(fault, "it is no bundle");
	if (!str_is(first, "sallyport-bundle: 1"))
		return fault_set(fault, E_STORE, "written by another version of sallyport");
	err = check_sum(second, text, fault);
	return err ? err : parse_lines(text, out, fault);
}

/* What a CA sent must not be able to begin a new line. */
static enum err add_text(struct buf *out, const char *key, const char *value)
{
	char text[ENTRY_NAME * 4];

	encode_printable(text, sizeof(text), str_from(value ? value : ""));
	return buf_addf(out, "%s: %s\n", key, text);
}

static enum err add_time(struct buf *out, const char *key, int64_t wall_ms)
{
	char text[CLOCK_RFC3339];

	clock_rfc3339(text, wall_ms);
	return add_text(out, key, text);
}

static enum err add_header(const struct entry_args *a, const struct x509_facts *f, struct buf *out)
{
	char host[SERIES_NAME];
	enum err err = add_text(out, "name", series_host_text(host, a->name));

	if (!err)
		err = add_text(out, "issuer", f->issuer);
	if (!err)
		err = add_text(out, "ca", a->ca);
	if (!err)
		err = add_text(out, "account", a->account);
	if (!err)
		err = add_text(out, "profile", a->profile);
	if (!err)
		err = add_text(out, "challenge", a->challenge);
	if (!err)
		err = add_time(out, "not-before", f->not_before_ms);
	if (!err)
		err = add_time(out, "not-after", f->not_after_ms);
	if (!err)
		err = add_text(out, "serial", f->serial);
	if (!err)
		err = add_text(out, "ari-id", f->ari_id);
	if (!err)
		err = add_time(out, "issued-at", a->issued_at_ms);
	if (!err)
		err = add_text(out, "key-type", key_type_text(key_type(a->key)));
	if (!err && series_is_second(a->name))
		err = add_text(out, "series", a->name + strlen(host) + 1);
	return err;
}

enum err entry_text_write(const struct entry_args *args, const struct x509_facts *facts,
	struct str body, struct buf *out)
{
	unsigned char digest[DIGEST_SHA256];
	char text[ENCODE_HEX_SIZE(DIGEST_SHA256)];
	struct buf covered;
	enum err err;

	buf_init(&covered, 0);
	/* once, so that growing leaves no copy of the key behind */
	err = buf_reserve(&covered, body.len + 16 * 1024);
	if (!err)
		err = add_header(args, facts, &covered);
	if (!err)
		err = buf_add(&covered, STR("\n"));
	if (!err)
		err = buf_add(&covered, body);
	if (!err) {
		digest_sha256(digest, buf_str(&covered));
		encode_hex(text, str_of(digest, sizeof(digest)));
		err = buf_addf(out, "sallyport-bundle: 1\nchecksum: sha256:%s\n", text);
	}
	if (!err)
		err = buf_add(out, buf_str(&covered));
	mem_wipe(covered.at, covered.len);
	buf_fini(&covered);
	return err;
}
