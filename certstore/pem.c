/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pem: blocks found by their BEGIN line at the start of a line. Text between blocks is skipped
 * (openssl and some CAs put notes there); inside a block nothing but base64 and white space is
 * accepted.
 */
#include "certstore/pem.h"

#include "base/check.h"
#include "base/encode.h"
#include "base/mem.h"

enum { LINE_CHARACTERS = 64, LABEL_MAX = 64, TEXT_MAX = 1024 * 1024 };

#define DASHES STR("-----")

static struct str next_line(struct str *text)
{
	struct str line, rest;

	rest = str_cut(*text, '\n', &line);
	*text = rest.at ? rest : str_of(text->at + text->len, 0);
	return str_trim(line.len > 0 && line.at[line.len - 1] == '\r'
				? str_of(line.at, line.len - 1)
				: line);
}

/* "-----BEGIN LABEL-----": the label, or STR_NONE. */
static struct str boundary_label(struct str line, struct str verb)
{
	if (line.len < 2 * DASHES.len + verb.len || !str_has_prefix(line, DASHES) ||
		!str_has_suffix(line, DASHES))
		return STR_NONE;
	line = str_of(line.at + DASHES.len, line.len - 2 * DASHES.len);
	if (!str_has_prefix(line, verb) || line.len - verb.len > LABEL_MAX)
		return STR_NONE;
	return str_of(line.at + verb.len, line.len - verb.len);
}

static enum err find_begin(struct str *text, struct str *label)
{
	while (text->len > 0) {
		*label = boundary_label(next_line(text), STR("BEGIN "));
		if (label->at)
			return E_OK;
	}
	return E_NOT_FOUND;
}

/* Gathers the base64 up to the END line of the same label. */
static enum err gather(struct str *text, struct str label, struct buf *base64)
{
	while (text->len > 0) {
		struct str line = next_line(text);
		struct str end = boundary_label(line, STR("END "));
		enum err err;

		if (end.at)
			return str_equal(end, label) ? E_OK : E_PARSE;
		err = buf_add(base64, line);
		if (err)
			return err;
	}
	return E_PARSE;
}

static enum err decode(struct buf *der, struct str base64)
{
	size_t room = base64.len / 4 * 3 + 3, len;
	enum err err = buf_reserve(der, room);

	if (err)
		return err;
	err = encode_base64_decode((unsigned char *)der->at, room, &len, base64);
	if (err || len == 0)
		return E_PARSE;
	der->len = len;
	return E_OK;
}

enum err pem_next(struct str *text, struct pem_block *out)
{
	struct buf base64;
	enum err err;

	ASSERT(text && out);
	buf_init(&out->der, 0);
	out->label = STR_NONE;
	if (text->len > TEXT_MAX)
		return E_LIMIT;
	err = find_begin(text, &out->label);
	if (err)
		return err;
	buf_init(&base64, TEXT_MAX);
	err = gather(text, out->label, &base64);
	if (!err)
		err = decode(&out->der, buf_str(&base64));
	if (err)
		buf_fini(&out->der);
	/* it may have been a private key */
	mem_wipe(base64.at, base64.len);
	buf_fini(&base64);
	return err;
}

static enum err add_lines(struct buf *out, struct str base64)
{
	while (base64.len > 0) {
		size_t n = base64.len < LINE_CHARACTERS ? base64.len : LINE_CHARACTERS;
		enum err err = buf_add(out, str_of(base64.at, n));

		if (!err)
			err = buf_add(out, STR("\n"));
		if (err)
			return err;
		base64 = str_of(base64.at + n, base64.len - n);
	}
	return E_OK;
}

enum err pem_add(struct buf *out, const char *label, struct str der)
{
	size_t size = ENCODE_B64_SIZE(der.len);
	char *base64;
	enum err err;

	ASSERT(der.len > 0);
	base64 = mem_try(size);
	if (!base64)
		return E_NOMEM;
	encode_base64(base64, der);
	err = buf_addf(out, "-----BEGIN %s-----\n", label);
	if (!err)
		err = add_lines(out, str_from(base64));
	if (!err)
		err = buf_addf(out, "-----END %s-----\n", label);
	mem_release_secret(base64, size);
	return err;
}
