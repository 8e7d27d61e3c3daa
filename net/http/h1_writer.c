/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * h1_writer: one outgoing HTTP/1.1 message. Fields the codec owns (framing, Connection, Host …) are
 * written from the head's facts only; should they be among the fields as well, they are left out.
 */
#include "net/http/h1_writer.h"

#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "net/http/h1_fields.h"

enum { HELD_FIRST = 768, HELD_MAX = 512 * 1024, SHORT_BODY = 16 * 1024 };

void h1_writer_init(struct h1_writer *w, struct stream *s)
{
	*w = (struct h1_writer){ .stream = s };
	buf_init(&w->held, HELD_MAX);
}

void h1_writer_fini(struct h1_writer *w)
{
	buf_fini(&w->held);
}

/* Room was made before. */
static void append(struct buf *b, struct str s)
{
	if (s.len)
		memcpy(b->at + b->len, s.at, s.len);
	b->len += s.len;
}

static enum err put(struct h1_writer *w, const struct str *parts, unsigned n)
{
	size_t total = 0;
	enum err e;

	for (unsigned i = 0; i < n; i++)
		total += parts[i].len;
	e = buf_reserve(&w->held, total);
	for (unsigned i = 0; i < n && !e; i++)
		append(&w->held, parts[i]);
	return e;
}

#define PUT(w, ...) \
	put(w, (const struct str[]){ __VA_ARGS__ }, \
		sizeof((const struct str[]){ __VA_ARGS__ }) / sizeof(struct str))

static enum err put_number(struct h1_writer *w, struct str name, uint64_t n)
{
	char text[STR_U64];

	return PUT(w, name, STR(": "), str_print_u64(text, n), STR("\r\n"));
}

static void append_field(struct buf *b, const struct header *h)
{
	append(b, h->name);
	append(b, STR(": "));
	append(b, h->value);
	append(b, STR("\r\n"));
}

/* What a parser of ours took from a peer was looked at there; what was added since is looked at here. */
static bool is_checked(const struct headers *h, unsigned i)
{
	return i < h->n_checked && h1_field_of(h->at[i].name) == H1_OTHER;
}

static enum err put_fields(struct h1_writer *w, const struct headers *h)
{
	size_t total = 0;
	enum err e;

	for (unsigned i = 0; i < h->n; i++)
		total += h->at[i].name.len + h->at[i].value.len + 4;
	e = buf_reserve(&w->held, total);
	for (unsigned i = 0; i < h->n && !e; i++) {
		if (!is_checked(h, i)) {
			if (h1_field_of(h->at[i].name) != H1_OTHER)
				continue;
			if (!header_name_is_valid(h->at[i].name) ||
				!header_value_is_valid(h->at[i].value))
				return E_HTTP;
		}
		append_field(&w->held, &h->at[i]);
	}
	return e;
}

static bool is_path(struct str path)
{
	for (size_t i = 0; i < path.len; i++)
		if ((unsigned char)path.at[i] <= ' ' || (unsigned char)path.at[i] >= 0x7f)
			return false;
	return path.len;
}

/* Methods whose requests say so when they have no body (RFC 9110 8.6). */
static bool expects_body(struct str method)
{
	return method.at[0] == 'P' && (str_is(method, "POST") || str_is(method, "PUT") ||
		str_is(method, "PATCH"));
}

static enum err put_request_framing(struct h1_writer *w, const struct request_head *head)
{
	if (head->body == BODY_STREAM)
		return PUT(w, STR("Transfer-Encoding: chunked\r\n"));
	if (head->body == BODY_LENGTH || expects_body(head->method))
		return put_number(w, STR("Content-Length"),
			head->body == BODY_LENGTH ? head->length : 0);
	return E_OK;
}

static enum err put_request_connection(struct h1_writer *w, const struct request_head *head)
{
	bool has_te = headers_count(&head->headers, "te");
	enum err e = E_OK;

	if (has_te)
		e = PUT(w, STR("TE: trailers\r\n"));
	if (!e && head->upgrade.len)
		return PUT(w, STR("Connection: "), has_te ? STR("TE, Upgrade") : STR("Upgrade"),
			STR("\r\nUpgrade: "), head->upgrade, STR("\r\n"));
	return e || !has_te ? e : PUT(w, STR("Connection: TE\r\n"));
}

static enum err put_request(struct h1_writer *w, const struct request_head *head)
{
	enum err e = buf_reserve(&w->held, HELD_FIRST);

	if (!e)
		e = PUT(w, head->method, STR(" "), head->path, STR(" HTTP/1.1\r\nHost: "),
			head->authority, STR("\r\n"));
	if (!e)
		e = put_fields(w, &head->headers);
	if (!e)
		e = put_request_connection(w, head);
	if (!e && head->expects_continue)
		e = PUT(w, STR("Expect: 100-continue\r\n"));
	if (!e)
		e = put_request_framing(w, head);
	return e ? e : PUT(w, STR("\r\n"));
}

enum err h1_writer_request(struct h1_writer *w, const struct request_head *head)
{
	enum err e;

	ASSERT(w->how == H1_WRITE_HEAD && !w->held.len);
	if (!head_is_token(head->method) || !is_path(head->path) ||
		!header_value_is_valid(head->authority) || !header_value_is_valid(head->upgrade))
		return E_HTTP;
	e = put_request(w, head);
	if (e) {
		buf_clear(&w->held);
		return e;
	}
	w->how = head->body == BODY_STREAM ? H1_WRITE_CHUNKED : H1_WRITE_COUNTED;
	w->left = head->body == BODY_LENGTH ? head->length : 0;
	return E_OK;
}

static bool is_bodiless(const struct response_head *head, const struct h1_answer_args *args)
{
	return args->is_head || head->status == 204 || head->status == 304;
}

static enum err put_response_framing(struct h1_writer *w, const struct response_head *head,
	const struct h1_answer_args *args)
{
	if (is_bodiless(head, args)) {
		if (head->status != 204 &&
			(head->has_announced_length || head->body == BODY_LENGTH))
			return put_number(w, STR("Content-Length"), head->length);
		return E_OK;
	}
	if (head->body != BODY_STREAM)
		return put_number(w, STR("Content-Length"),
			head->body == BODY_LENGTH ? head->length : 0);
	return args->is_http10 ? E_OK : PUT(w, STR("Transfer-Encoding: chunked\r\n"));
}

static enum err put_response_connection(struct h1_writer *w, const struct response_head *head,
	const struct h1_answer_args *args)
{
	if (head->status == 101)
		return PUT(w, STR("Connection: Upgrade\r\nUpgrade: "), head->upgrade, STR("\r\n"));
	if (head->status < 200)
		return E_OK;
	if (!args->keep_alive)
		return PUT(w, STR("Connection: close\r\n"));
	return args->is_http10 ? PUT(w, STR("Connection: keep-alive\r\n")) : E_OK;
}

static enum err put_response(struct h1_writer *w, const struct response_head *head,
	const struct h1_answer_args *args)
{
	struct str reason = head->reason.len ? head->reason : str_from(head_reason(head->status));
	char status[] = { (char)('0' + head->status / 100), (char)('0' + head->status / 10 % 10),
		(char)('0' + head->status % 10) };
	enum err e = buf_reserve(&w->held, HELD_FIRST);

	if (!e)
		e = PUT(w, STR("HTTP/1.1 "), str_of(status, 3), STR(" "), reason, STR("\r\n"));
	if (!e)
		e = put_fields(w, &head->headers);
	if (!e && head->status >= 200 && args->date.len && !headers_count(&head->headers, "date"))
		e = PUT(w, STR("Date: "), args->date, STR("\r\n"));
	if (!e && head->status >= 200)
		e = put_response_framing(w, head, args);
	if (!e)
		e = put_response_connection(w, head, args);
	return e ? e : PUT(w, STR("\r\n"));
}

static enum h1_write_how how_to_write(const struct response_head *head,
	const struct h1_answer_args *args)
{
	if (head->status == 101)
		return H1_WRITE_RAW;
	if (head->status < 200)
		return H1_WRITE_HEAD;
	if (is_bodiless(head, args))
		return H1_WRITE_DISCARD;
	if (head->body != BODY_STREAM)
		return H1_WRITE_COUNTED;
	return args->is_http10 ? H1_WRITE_UNTIL_CLOSE : H1_WRITE_CHUNKED;
}

enum err h1_writer_response(struct h1_writer *w, const struct response_head *head,
	const struct h1_answer_args *args)
{
	size_t before = w->held.len;
	enum err e;

	ASSERT(w->how == H1_WRITE_HEAD);
	ASSERT(head->status >= 100 && head->status <= 599);
	if (!header_value_is_valid(head->reason) || !header_value_is_valid(head->upgrade))
		return E_HTTP;
	e = put_response(w, head, args);
	if (e) {
		w->held.len = before;
		return e;
	}
	w->how = how_to_write(head, args);
	w->left = head->body == BODY_LENGTH ? head->length : 0;
	return E_OK;
}

/* What is held goes first, in the same write. */
static enum err write_parts(struct h1_writer *w, struct str *parts, unsigned n)
{
	size_t total = 0;
	enum err e;

	parts[0] = buf_str(&w->held);
	for (unsigned i = 0; i < n; i++)
		total += parts[i].len;
	if (!total)
		return E_OK;
	if (!parts[0].len) {
		parts++;
		n--;
	}
	e = stream_write(w->stream, parts, n);
	buf_clear(&w->held);
	if (!e)
		w->total_bytes += total;
	return e;
}

enum err h1_writer_flush(struct h1_writer *w)
{
	struct str parts[1];

	return write_parts(w, parts, 1);
}

bool h1_writer_awaits_body(const struct h1_writer *w)
{
	return w->held.len && w->how == H1_WRITE_COUNTED && w->left && w->left <= SHORT_BODY;
}

static enum err write_chunk(struct h1_writer *w, struct str bytes)
{
	char size[20];
	int len = snprintf(size, sizeof(size), "%zx\r\n", bytes.len);
	struct str parts[] = { STR_NONE, str_of(size, (size_t)len), bytes, STR("\r\n") };

	return write_parts(w, parts, 4);
}

enum err h1_writer_body(struct h1_writer *w, struct str bytes)
{
	struct str parts[] = { STR_NONE, bytes };

	ASSERT(w->how != H1_WRITE_HEAD);
	/* An empty chunk would end the body. */
	if (!bytes.len || w->how == H1_WRITE_DISCARD)
		return E_OK;
	if (w->how == H1_WRITE_ENDED)
		return E_LIMIT;
	if (w->how == H1_WRITE_CHUNKED)
		return write_chunk(w, bytes);
	if (w->how == H1_WRITE_COUNTED) {
		if (bytes.len > w->left)
			return E_LIMIT;
		w->left -= bytes.len;
	}
	return write_parts(w, parts, 2);
}

static enum err put_last_chunk(struct h1_writer *w, const struct headers *trailers)
{
	enum err e = PUT(w, STR("0\r\n"));

	if (!e && trailers)
		e = put_fields(w, trailers);
	return e ? e : PUT(w, STR("\r\n"));
}

enum err h1_writer_end(struct h1_writer *w, const struct headers *trailers)
{
	enum err e = E_OK;

	ASSERT(w->how != H1_WRITE_HEAD);
	if (w->how == H1_WRITE_COUNTED && w->left)
		return E_HTTP;
	if (w->how == H1_WRITE_CHUNKED)
		e = put_last_chunk(w, trailers);
	w->how = H1_WRITE_ENDED;
	return e ? e : h1_writer_flush(w);
}

struct str h1_writer_date(void)
{
	static _Thread_local int64_t second = -1;
	static _Thread_local char text[CLOCK_HTTP_DATE];
	int64_t now_ms = clock_wall_ms();

	if (now_ms / 1000 != second) {
		second = now_ms / 1000;
		clock_http_date(text, now_ms);
	}
	return str_from(text);
}

struct str h1_writer_last_answer(char text[H1_LAST_ANSWER], unsigned status)
{
	const char *reason = head_reason(status);
	int n = snprintf(text, H1_LAST_ANSWER, "HTTP/1.1 %u %s\r\nDate: %s\r\nContent-Type: text/plain\r\n"
		"Content-Length: %zu\r\nConnection: close\r\n\r\n%u %s\n", status, reason, h1_writer_date().at,
		strlen(reason) + 5, status, reason);

	return str_of(text, (size_t)n);
}
