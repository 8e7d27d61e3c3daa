/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * h1_fields: what the fields of an HTTP/1 head mean for the connection.
 */
#include "net/http/h1_fields.h"

#include "base/check.h"

enum {
	NAMED_MAX = 32,   /* options of Connection: each costs a look at every field */
};

/* Not removed though Connection names them: a client could otherwise hide from the upstream what a
 * proxy before us, or the message's own meaning, put there. */
static const char *const protected_names[] = {
	"authorization", "cache-control", "content-encoding", "content-range", "content-type",
	"cookie", "date", "forwarded", "set-cookie", "trailer", "via", "x-real-ip", "x-request-id",
};

/* Asked several times about every field, most of which are none of ours: unrolled, and names are only
 * compared when length and first letter agree. */
enum h1_field h1_field_of(struct str name)
{
	unsigned char first = name.len ? (unsigned char)name.at[0] | 32 : 0;

#define X(field, text) \
	if (name.len == sizeof(text) - 1 && first == text[0]) \
		return str_equal_nocase(name, STR(text)) ? field : H1_OTHER;
	H1_FIELD_ROWS(X)
#undef X
	return H1_OTHER;
}

static enum err read_options(struct h1_fields *f, struct str list)
{
	while (list.at) {
		struct str option;

		list = str_cut(list, ',', &option);
		option = str_trim(option);
		if (!option.len)
			continue;
		if (!head_is_token(option))
			return E_HTTP;
		if (str_equal_nocase(option, STR("close")))
			f->close = true;
		else if (str_equal_nocase(option, STR("keep-alive")))
			f->keep_alive = true;
		else if (str_equal_nocase(option, STR("upgrade")))
			f->upgrade = true;
		else if (++f->named > NAMED_MAX)
			return E_HTTP;
	}
	return E_OK;
}

static bool has_trailers(struct str te)
{
	while (te.at) {
		struct str coding;

		te = str_cut(te, ',', &coding);
		if (str_equal_nocase(str_trim(coding), STR("trailers")))
			return true;
	}
	return false;
}

static enum err read_field(struct h1_fields *f, const struct header *h)
{
	enum h1_field field;

	if (!header_name_is_valid(h->name) || !header_value_is_valid(h->value))
		return E_HTTP;
	field = h1_field_of(h->name);
	if (field == H1_OTHER)
		return E_OK;
	if (!f->n[field]++)
		f->first[field] = h->value;
	if (field == H1_CONNECTION)
		return read_options(f, h->value);
	if (field == H1_TE && has_trailers(h->value))
		f->te_trailers = true;
	return E_OK;
}

/* Two lengths that agree are refused like two that do not: who comes after us may take either. */
static enum err read_framing(struct h1_fields *f, unsigned version)
{
	unsigned n_lengths = f->n[H1_CONTENT_LENGTH], n_codings = f->n[H1_TRANSFER_ENCODING];

	if (n_lengths > 1 || n_codings > 1 || (n_lengths && n_codings))
		return E_HTTP;
	if (n_lengths) {
		/* Above the sign bit is nobody's file; others would read a negative number. */
		if (!str_to_u64(f->first[H1_CONTENT_LENGTH], &f->length) ||
			f->length > INT64_MAX)
			return E_HTTP;
		f->has_length = true;
	}
	if (n_codings) {
		if (version < 11 ||
			!str_equal_nocase(f->first[H1_TRANSFER_ENCODING], STR("chunked")))
			return E_HTTP;
		f->is_chunked = true;
	}
	return E_OK;
}

enum err h1_fields_read(struct h1_fields *f, struct headers *h, unsigned version)
{
	ASSERT(version == 10 || version == 11);
	*f = (struct h1_fields){ 0 };
	for (unsigned i = 0; i < h->n; i++)
		if (read_field(f, &h->at[i]))
			return E_HTTP;
	h->n_checked = h->n;
	return read_framing(f, version);
}

static bool is_protected(struct str name)
{
	static const struct str x_forwarded = { "x-forwarded-", 12 };

	if (name.len > x_forwarded.len &&
		str_equal_nocase(str_of(name.at, x_forwarded.len), x_forwarded))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(protected_names); i++)
		if (str_equal_nocase(name, str_from(protected_names[i])))
			return true;
	return false;
}

/* Marks what Connection names by an empty name; the Connection fields must stay readable meanwhile. */
static void mark_named(struct headers *h)
{
	for (unsigned i = 0; i < h->n; i++) {
		struct str name = h->at[i].name;

		if (h1_field_of(name) == H1_OTHER && !is_protected(name) &&
			headers_has_token(h, "connection", name))
			h->at[i].name.len = 0;
	}
}

void h1_fields_strip(const struct h1_fields *f, struct headers *h)
{
	if (f->named)
		mark_named(h);
	for (unsigned i = 0; i < h->n; i++) {
		struct header *field = &h->at[i];
		enum h1_field which = h1_field_of(field->name);

		if (which == H1_TE && f->te_trailers && field->value.at == f->first[H1_TE].at)
			field->value = STR("trailers");
		else if (which != H1_OTHER)
			field->name.len = 0;
	}
	headers_compact(h);
}

struct str h1_fields_upgrade(const struct h1_fields *f)
{
	struct str protocol = f->first[H1_UPGRADE];

	/* h2c goes over connections of its own; a list would leave open which one a 101 means. */
	if (f->n[H1_UPGRADE] != 1 || !f->upgrade || !protocol.len ||
		str_find(protocol, ',') >= 0 || str_equal_nocase(protocol, STR("h2c")))
		return STR("");
	return protocol;
}

bool h1_fields_keep_alive(const struct h1_fields *f, unsigned version)
{
	return !f->close && (version >= 11 || f->keep_alive);
}
