/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * h1_parser: HTTP/1 bytes -> heads and bodies. The only file that knows llhttp.
 *
 * A head is parsed when all of it is there: first byte by byte for what must not be in it at all, then
 * by llhttp (strict, no leniency flag) into spans, then by the rules of h1_fields. Chunked bodies go
 * through an llhttp of their own that has seen nothing but a fixed head, so that no flag of the real
 * head can change how they are read.
 */
#include "net/http/h1_parser.h"

#include <llhttp.h>

#include "base/check.h"
#include "net/http/h1_fields.h"

#if LLHTTP_VERSION_MAJOR < 9 || (LLHTTP_VERSION_MAJOR == 9 && LLHTTP_VERSION_MINOR < 4)
#error "llhttp before 9.4 is open to request smuggling"
#endif

enum {
	EXTENSION_MAX = 256,            /* bytes of chunk extensions, per chunk */
	EXTENSIONS_MAX = 16 * 1024,     /* and per body */
	FRAMING_MAX = 8 * 1024,         /* bytes in a row that are neither body nor trailer */
};

enum err h1_scan_head(struct h1_scan *scan, struct str bytes, const struct http_limits *limits,
	size_t *len)
{
	ASSERT(scan->scanned <= bytes.len && scan->line <= scan->scanned);
	if (bytes.len && !scan->line && !head_is_token(str_of(bytes.at, 1)))
		return E_HTTP;
	while (scan->scanned < bytes.len) {
		size_t rest = bytes.len - scan->scanned;
		const char *lf = memchr(bytes.at + scan->scanned, '\n', rest);
		size_t end = lf ? (size_t)(lf - bytes.at) : bytes.len;

		if (end >= limits->head_bytes)
			return E_HEAD_TOO_LARGE;
		scan->scanned = end;
		if (!lf)
			break;
		if (end == scan->line || bytes.at[end - 1] != '\r')
			return E_HTTP;
		scan->scanned = end + 1;
		if (end - 1 == scan->line) {
			*len = end + 1;
			return E_OK;
		}
		scan->line = end + 1;
	}
	return E_AGAIN;
}

struct head_spans {
	llhttp_t llhttp;
	struct headers *headers;
	struct arena *arena;
	unsigned headers_max;
	enum err err;
	struct str name, value;
};

/* No control characters, CR and LF only as a pair, no line that begins with a space. */
static bool is_clean(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		i += head_plain_length(str_of(text.at + i, text.len - i));
		if (i == text.len || text.at[i] == '\t')
			continue;
		if (text.at[i] != '\r' || i + 1 == text.len || text.at[i + 1] != '\n')
			return false;
		i++;
		if (i + 1 < text.len && (text.at[i + 1] == ' ' || text.at[i + 1] == '\t'))
			return false;
	}
	return true;
}

/* llhttp may give a span in parts; within one block of memory they follow each other. */
static int extend(struct str *span, const char *at, size_t len)
{
	if (span->at && span->at + span->len != at)
		return HPE_USER;
	if (!span->at)
		span->at = at;
	span->len += len;
	return HPE_OK;
}

static int on_head_name(llhttp_t *p, const char *at, size_t len)
{
	return extend(&((struct head_spans *)p->data)->name, at, len);
}

static int on_head_value(llhttp_t *p, const char *at, size_t len)
{
	return extend(&((struct head_spans *)p->data)->value, at, len);
}

static int on_head_field(llhttp_t *p)
{
	struct head_spans *s = p->data;

	if (s->headers->n >= s->headers_max)
		s->err = E_HEAD_TOO_LARGE;
	else
		s->err = headers_add(s->headers, s->arena, s->name, str_trim(s->value));
	s->name = s->value = STR_NONE;
	return s->err ? HPE_USER : HPE_OK;
}

static int on_head_complete(llhttp_t *p)
{
	(void)p;
	return HPE_PAUSED;
}

static const llhttp_settings_t head_settings = {
	.on_header_field = on_head_name,
	.on_header_value = on_head_value,
	.on_header_value_complete = on_head_field,
	.on_headers_complete = on_head_complete,
};

static enum err parse_head(struct head_spans *s, llhttp_type_t type, struct str text)
{
	llhttp_errno_t e;

	if (!is_clean(text))
		return E_HTTP;
	llhttp_init(&s->llhttp, type, &head_settings);
	s->llhttp.data = s;
	e = llhttp_execute(&s->llhttp, text.at, text.len);
	if (e == HPE_PAUSED)
		return E_OK;
	if (e == HPE_INVALID_METHOD)
		return E_METHOD;
	return s->err ? s->err : E_HTTP;
}

/* "HTTP/1.1" -> 11; 0 when it is another version, -1 when it is none. */
static int version_of(struct str text)
{
	if (str_is(text, "HTTP/1.1"))
		return 11;
	if (str_is(text, "HTTP/1.0"))
		return 10;
	if (text.len == 8 && str_has_prefix(text, STR("HTTP/")) && text.at[6] == '.' &&
		text.at[5] >= '0' && text.at[5] <= '9' && text.at[7] >= '0' && text.at[7] <= '9')
		return 0;
	return -1;
}

static struct str first_line(struct str text)
{
	ptrdiff_t end = str_find(text, '\r');

	ASSERT(end >= 0);
	return str_of(text.at, (size_t)end);
}

struct request_line {
	struct str method, target;
	unsigned version;
};

static enum err refuse(struct h1_message *m, enum err err, unsigned status)
{
	m->status = status;
	return err;
}

static enum err read_request_line(struct str line, struct request_line *l, struct h1_message *m)
{
	struct str rest = str_cut(line, ' ', &l->method), version;
	int number;

	if (!head_is_token(l->method) || !rest.at)
		return refuse(m, E_HTTP, 400);
	version = str_cut(rest, ' ', &l->target);
	if (!l->target.len || !version.at)
		return refuse(m, E_HTTP, 400);
	for (size_t i = 0; i < l->target.len; i++) {
		unsigned char c = (unsigned char)l->target.at[i];

		if (c <= ' ' || c >= 0x7f || c == '#')
			return refuse(m, E_HTTP, 400);
	}
	number = version_of(version);
	if (number <= 0)
		return refuse(m, E_HTTP, number ? 400 : 505);
	l->version = (unsigned)number;
	if (str_is(l->method, "CONNECT"))
		return refuse(m, E_METHOD, 501);
	return E_OK;
}

/* "http://a.example/b" -> "a.example", "/b". */
static enum err read_absolute(struct str target, struct request_head *head)
{
	struct str scheme, rest = str_cut(target, ':', &scheme);
	size_t end = 2;

	if (!rest.at || !str_equal_nocase(scheme, head->scheme) || !str_has_prefix(rest, STR("//")))
		return E_HTTP;
	while (end < rest.len && rest.at[end] != '/' && rest.at[end] != '?')
		end++;
	head->authority = str_of(rest.at + 2, end - 2);
	head->path = str_of(rest.at + end, rest.len - end);
	/* "http://a.example?b" has no path of its own to forward: nobody sends that in good faith. */
	if (!head->path.len)
		head->path = STR("/");
	return head->path.at[0] == '/' && head->authority.len ? E_OK : E_HTTP;
}

static enum err read_target(struct str target, struct request_head *head)
{
	if (target.at[0] == '/') {
		head->path = target;
		return E_OK;
	}
	if (str_is(target, "*")) {
		head->path = target;
		return str_is(head->method, "OPTIONS") ? E_OK : E_HTTP;
	}
	return read_absolute(target, head);
}

static enum err read_host(const struct h1_fields *f, struct arena *a, struct request_head *head)
{
	struct str host = f->first[H1_HOST];
	uint16_t port;

	head->host = STR("");
	if (f->n[H1_HOST] > 1 || (!f->n[H1_HOST] && head->version >= 11))
		return E_HTTP;
	if (f->n[H1_HOST] && head->authority.len && !str_equal_nocase(host, head->authority))
		return E_HTTP;
	if (f->n[H1_HOST])
		head->authority = host;
	else if (!head->authority.len)
		return E_OK;
	return head_parse_authority(head->authority, a, &head->host, &port);
}

static enum err read_request_body(const struct h1_fields *f, struct request_head *head,
	struct h1_message *m)
{
	m->keep_alive = h1_fields_keep_alive(f, head->version);
	m->is_chunked = f->is_chunked;
	head->length = f->length;
	head->body = f->is_chunked ? BODY_STREAM : f->has_length ? BODY_LENGTH : BODY_NONE;
	head->upgrade = STR("");
	/* With a body it would be unclear where the old protocol ends. */
	if (head->body == BODY_NONE && head->version >= 11)
		head->upgrade = h1_fields_upgrade(f);
	if (f->n[H1_EXPECT] && (f->n[H1_EXPECT] > 1 ||
		!str_equal_nocase(f->first[H1_EXPECT], STR("100-continue"))))
		return refuse(m, E_HTTP, 417);
	head->expects_continue = f->n[H1_EXPECT] && head->version >= 11 &&
		(f->is_chunked || f->length);
	return E_OK;
}

enum err h1_parse_request(struct str text, struct arena *a, const struct h1_request_args *args,
	struct request_head *head, struct h1_message *m)
{
	struct head_spans s = { .headers = &head->headers, .arena = a,
		.headers_max = args->limits->headers };
	struct request_line line;
	struct h1_fields fields;
	enum err e;

	*head = (struct request_head){ .scheme = args->is_tls ? STR("https") : STR("http") };
	*m = (struct h1_message){ 0 };
	e = read_request_line(first_line(text), &line, m);
	if (e)
		return e;
	head->method = line.method;
	head->version = line.version;
	head->is_idempotent = head_method_is_idempotent(line.method);
	e = parse_head(&s, HTTP_REQUEST, text);
	if (e)
		return refuse(m, e, e == E_METHOD ? 501 : e == E_HEAD_TOO_LARGE ? 431 : 400);
	if (read_target(line.target, head) || h1_fields_read(&fields, &head->headers, line.version) ||
		read_host(&fields, a, head))
		return refuse(m, E_HTTP, 400);
	e = read_request_body(&fields, head, m);
	if (!e)
		h1_fields_strip(&fields, &head->headers);
	return e;
}

static enum err read_status_line(struct str line, struct response_head *head)
{
	struct str version, status, rest = str_cut(line, ' ', &version);
	int number = version_of(version);
	uint64_t code;

	if (number <= 0 || !rest.at)
		return E_UPSTREAM_PROTOCOL;
	rest = str_cut(rest, ' ', &status);
	if (status.len != 3 || !str_to_u64(status, &code) || code < 100 || code > 599)
		return E_UPSTREAM_PROTOCOL;
	head->version = (unsigned)number;
	head->status = (unsigned)code;
	head->reason = rest;
	return E_OK;
}

/* RFC 9112 6.3, without its permissions to guess. */
static enum err read_response_body(const struct h1_fields *f, const struct h1_response_args *args,
	struct response_head *head, struct h1_message *m)
{
	bool is_bare = head->status < 200 || head->status == 204;

	if (is_bare && (f->is_chunked || f->length))
		return E_UPSTREAM_PROTOCOL;
	m->keep_alive = h1_fields_keep_alive(f, head->version);
	head->body = BODY_NONE;
	if (is_bare)
		return E_OK;
	if (args->is_head || head->status == 304) {
		head->has_announced_length = f->has_length;
		head->length = f->length;
		return E_OK;
	}
	m->is_chunked = f->is_chunked;
	m->is_until_eof = !f->is_chunked && !f->has_length;
	m->keep_alive = m->keep_alive && !m->is_until_eof;
	head->body = f->has_length ? BODY_LENGTH : BODY_STREAM;
	head->length = f->length;
	return E_OK;
}

enum err h1_parse_response(struct str text, struct arena *a, const struct h1_response_args *args,
	struct response_head *head, struct h1_message *m)
{
	struct head_spans s = { .headers = &head->headers, .arena = a,
		.headers_max = args->limits->headers };
	struct h1_fields fields;
	enum err e;

	*head = (struct response_head){ .upgrade = STR("") };
	*m = (struct h1_message){ 0 };
	e = read_status_line(first_line(text), head);
	if (e)
		return e;
	e = parse_head(&s, HTTP_RESPONSE, text);
	if (e)
		return e == E_NOMEM ? e : E_UPSTREAM_PROTOCOL;
	if (h1_fields_read(&fields, &head->headers, head->version))
		return E_UPSTREAM_PROTOCOL;
	if (head->status == 101) {
		head->upgrade = h1_fields_upgrade(&fields);
		if (!args->may_upgrade || !head->upgrade.len)
			return E_UPSTREAM_PROTOCOL;
	}
	e = read_response_body(&fields, args, head, m);
	if (!e)
		h1_fields_strip(&fields, &head->headers);
	return e;
}

struct h1_chunks {
	llhttp_t llhttp;
	const struct http_limits *limits;
	struct arena *arena;
	struct headers *trailers;
	struct str piece;
	bool is_complete, is_moving;
	size_t extension, extensions, framing;
	/* Trailer text, copied because it may arrive in parts: head_bytes from the arena, when needed. */
	char *text;
	size_t used, name_at, value_at;
	unsigned n_trailers;
};

static int on_chunk_body(llhttp_t *p, const char *at, size_t len)
{
	struct h1_chunks *c = p->data;

	if (!len)
		return HPE_OK;
	c->piece = str_of(at, len);
	return HPE_PAUSED;
}

static int on_chunk_header(llhttp_t *p)
{
	struct h1_chunks *c = p->data;

	c->is_moving = true;
	c->extension = 0;
	return HPE_OK;
}

static int on_extension(llhttp_t *p, const char *at, size_t len)
{
	struct h1_chunks *c = p->data;

	c->extension += len;
	c->extensions += len;
	if (c->extension > EXTENSION_MAX || c->extensions > EXTENSIONS_MAX ||
		!header_value_is_valid(str_of(at, len)))
		return HPE_USER;
	return HPE_OK;
}

static int add_trailer_text(struct h1_chunks *c, const char *at, size_t len)
{
	c->is_moving = true;
	if (!c->text)
		c->text = arena_alloc(c->arena, c->limits->head_bytes);
	if (!c->text || len > c->limits->head_bytes - c->used)
		return HPE_USER;
	if (len)
		memcpy(c->text + c->used, at, len);
	c->used += len;
	return HPE_OK;
}

static int on_trailer_text(llhttp_t *p, const char *at, size_t len)
{
	struct h1_chunks *c = p->data;

	/* The fixed head passes through here as well. */
	return c->limits ? add_trailer_text(c, at, len) : HPE_OK;
}

static int on_trailer_name(llhttp_t *p)
{
	struct h1_chunks *c = p->data;

	c->value_at = c->used;
	return HPE_OK;
}

static int on_trailer(llhttp_t *p)
{
	struct h1_chunks *c = p->data;
	struct str name, value;

	if (!c->limits)
		return HPE_OK;
	if (!c->text || ++c->n_trailers > c->limits->headers)
		return HPE_USER;
	name = str_of(c->text + c->name_at, c->value_at - c->name_at);
	value = str_trim(str_of(c->text + c->value_at, c->used - c->value_at));
	c->name_at = c->used;
	if (!header_name_is_valid(name) || !header_value_is_valid(value))
		return HPE_USER;
	if (!h1_is_allowed_trailer(name))
		return HPE_OK;
	return headers_add(c->trailers, c->arena, name, value) ? HPE_USER : HPE_OK;
}

static int on_body_complete(llhttp_t *p)
{
	((struct h1_chunks *)p->data)->is_complete = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t chunk_settings = {
	.on_body = on_chunk_body,
	.on_chunk_header = on_chunk_header,
	.on_chunk_extension_name = on_extension,
	.on_chunk_extension_value = on_extension,
	.on_header_field = on_trailer_text,
	.on_header_field_complete = on_trailer_name,
	.on_header_value = on_trailer_text,
	.on_header_value_complete = on_trailer,
	.on_message_complete = on_body_complete,
};

bool h1_is_allowed_trailer(struct str name)
{
	static const char *const refused[] = {
		"authorization", "cache-control", "content-encoding", "content-location",
		"content-range", "content-type", "cookie", "date", "forwarded", "location",
		"max-forwards", "pragma", "proxy-authenticate", "proxy-authorization", "range",
		"set-cookie", "trailer", "vary", "via", "www-authenticate", "age", "expires",
		"if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range",
		"retry-after", "x-real-ip", "x-request-id",
	};

	if (h1_field_of(name) != H1_OTHER)
		return false;
	if (name.len > 12 && str_equal_nocase(str_of(name.at, 12), STR("x-forwarded-")))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (str_equal_nocase(name, str_from(refused[i])))
			return false;
	return true;
}

static enum err start_chunks(struct h1_body *b, struct arena *a, const struct http_limits *limits)
{
	static const char head[] = "POST / HTTP/1.1\r\nTransfer-Encoding:chunked\r\n\r\n";
	struct h1_chunks *c = arena_alloc(a, sizeof(*c));

	if (!c)
		return E_NOMEM;
	*c = (struct h1_chunks){ .arena = a, .trailers = &b->trailers };
	llhttp_init(&c->llhttp, HTTP_REQUEST, &chunk_settings);
	c->llhttp.data = c;
	if (llhttp_execute(&c->llhttp, head, sizeof(head) - 1) != HPE_OK)
		UNREACHABLE();
	c->limits = limits;
	c->value_at = 0;
	b->chunks = c;
	return E_OK;
}

enum err h1_body_init(struct h1_body *b, enum h1_body_how how, uint64_t length, struct arena *a,
	const struct http_limits *limits)
{
	*b = (struct h1_body){ .how = how, .left = length };
	return how == H1_BODY_CHUNKED ? start_chunks(b, a, limits) : E_OK;
}

static enum h1_body_event next_chunked(struct h1_chunks *c, struct str *input, struct str *piece)
{
	const char *stop;
	llhttp_errno_t e;

	if (!input->len)
		return H1_BODY_MORE;
	c->piece = STR_NONE;
	c->is_moving = false;
	e = llhttp_execute(&c->llhttp, input->at, input->len);
	if (e != HPE_OK && e != HPE_PAUSED)
		return H1_BODY_BAD;
	stop = e == HPE_OK ? input->at + input->len : llhttp_get_error_pos(&c->llhttp);
	/* Endless zeros before a chunk size would otherwise go on for ever. */
	c->framing = c->is_moving || e == HPE_PAUSED ? 0 : c->framing + input->len;
	*input = str_of(stop, (size_t)(input->at + input->len - stop));
	if (c->framing > FRAMING_MAX)
		return H1_BODY_BAD;
	if (e == HPE_OK)
		return H1_BODY_MORE;
	llhttp_resume(&c->llhttp);
	*piece = c->piece;
	if (c->is_complete)
		return H1_BODY_END;
	ASSERT(c->piece.len);
	return H1_BODY_PIECE;
}

static enum h1_body_event next_counted(struct h1_body *b, struct str *input, struct str *piece)
{
	size_t n = input->len;

	if (!b->left)
		return H1_BODY_END;
	if (!n)
		return H1_BODY_MORE;
	if (n > b->left)
		n = (size_t)b->left;
	*piece = str_of(input->at, n);
	*input = str_of(input->at + n, input->len - n);
	b->left -= n;
	return H1_BODY_PIECE;
}

enum h1_body_event h1_body_next(struct h1_body *b, struct str *input, struct str *piece)
{
	*piece = STR_NONE;
	if (b->how == H1_BODY_CHUNKED)
		return next_chunked(b->chunks, input, piece);
	if (b->how == H1_BODY_COUNTED)
		return next_counted(b, input, piece);
	if (!input->len)
		return H1_BODY_MORE;
	*piece = *input;
	*input = str_of(input->at + input->len, 0);
	return H1_BODY_PIECE;
}

#define TEXT_OF(x) #x
#define VERSION_TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *h1_parser_library_version(void)
{
	return VERSION_TEXT(LLHTTP_VERSION_MAJOR, LLHTTP_VERSION_MINOR, LLHTTP_VERSION_PATCH);
}
