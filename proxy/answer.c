/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * answer: pages are written for the person who sees them; the code is for the person who runs the server.
 */
#include "proxy/answer.h"

#include <stdio.h>

#include "base/check.h"

struct page {
	enum err err;
	unsigned status;
	const char *words;
};

static const struct page pages[] = {
	{ E_HTTP, 400, "This request could not be understood." },
	{ E_DENIED, 404, "Nothing is served here under this name." },
	{ E_NO_ROUTE, 404, "Nothing is served here under this name and path." },
	{ E_TIMEOUT, 408, "The request did not arrive in time." },
	{ E_BODY_TOO_LARGE, 413, "The request is larger than this server accepts." },
	{ E_MISDIRECTED, 421, "This connection was opened for another site." },
	{ E_PLACEMENT, 502, "The server behind this proxy is not known any more." },
	{ E_UPSTREAM_CONNECT, 502, "The server behind this proxy cannot be reached." },
	{ E_UPSTREAM_TLS, 502, "The server behind this proxy cannot be reached securely." },
	{ E_UPSTREAM_PROTOCOL, 502, "The server behind this proxy gave an answer that makes no sense." },
	{ E_UPSTREAM_CLOSED, 502, "The server behind this proxy broke off." },
	{ E_UPSTREAM_TIMEOUT, 504, "The server behind this proxy did not answer in time." },
	{ E_DRAINING, 503, "This server is shutting down." },
	{ E_LIMIT, 503, "This server is too busy at the moment." },
};
static const struct page unknown_page = { E_INTERNAL, 500, "Something went wrong in this proxy." };

static const struct page *page_of(enum err err)
{
	for (unsigned i = 0; i < ARRAY_LEN(pages); i++)
		if (pages[i].err == err)
			return &pages[i];
	return &unknown_page;
}

unsigned answer_status(enum err err)
{
	return page_of(err)->status;
}

static enum err send_whole(struct side *client, const struct request_head *head,
	struct response_head *out, struct str body)
{
	bool is_head = str_is(head->method, "HEAD");
	enum err err;

	out->version = 11;
	out->reason = str_from(head_reason(out->status));
	out->body = is_head ? BODY_NONE : BODY_LENGTH;
	out->length = body.len;
	out->has_announced_length = is_head;
	err = side_send_response(client, out);
	if (!err && !is_head && body.len)
		err = side_send_body(client, body);
	return err ? err : side_send_end(client, NULL);
}

static struct str print_page(struct arena *a, const struct page *page, enum err err, struct str id,
	bool is_html)
{
	enum { PAGE_MAX = 768 };
	const char *html = "<!doctype html>\n<meta charset=\"utf-8\"><title>%u %s</title>\n"
		"<style>body{font:1.1em/1.5 system-ui,sans-serif;margin:4em auto;max-width:34em;padding:0 1em}"
		"small{color:#777}</style>\n<h1>%u %s</h1>\n<p>%s</p>\n<p><small>SP-%d %.*s</small></p>\n";
	const char *reason = head_reason(page->status);
	char *text = arena_alloc(a, PAGE_MAX);
	int n;

	if (!text)
		return STR_NONE;
	if (is_html)
		n = snprintf(text, PAGE_MAX, html, page->status, reason, page->status, reason,
			page->words, err_code(err), STR_FMT(id));
	else
		n = snprintf(text, PAGE_MAX, "%u %s\n%s\nSP-%d %.*s\n", page->status, reason,
			page->words, err_code(err), STR_FMT(id));
	ASSERT(n > 0 && n < PAGE_MAX);
	return str_of(text, (size_t)n);
}

/* A client's own id is not echoed: it would have to be escaped for the page. */
static bool is_plain(struct str id)
{
	for (size_t i = 0; i < id.len; i++)
		if (!strchr("0123456789abcdef", id.at[i]))
			return false;
	return id.len <= 64;
}

static bool wants_html(const struct request_head *head, struct arena *a)
{
	struct str accept = headers_join(&head->headers, a, "accept");

	return accept.len && memmem(accept.at, accept.len, "text/html", 9);
}

enum err answer_error(struct side *client, const struct request_head *head, enum err err, struct str id)
{
	const struct page *page = page_of(err);
	struct arena *a = client->arena;
	bool is_html = wants_html(head, a);
	struct response_head out = { .status = page->status };
	struct str body = print_page(a, page, err, is_plain(id) ? id : STR_NONE, is_html);

	if (!body.at || headers_add(&out.headers, a, STR("Content-Type"),
		is_html ? STR("text/html; charset=utf-8") : STR("text/plain; charset=utf-8"))
		|| headers_add(&out.headers, a, STR("Cache-Control"), STR("no-store")))
		return E_NOMEM;
	return send_whole(client, head, &out, body);
}

enum err answer_redirect(struct side *client, const struct request_head *head, unsigned status,
	struct str location)
{
	struct response_head out = { .status = status };

	if (headers_add(&out.headers, client->arena, STR("Location"), location))
		return E_NOMEM;
	return send_whole(client, head, &out, STR(""));
}

enum err answer_text(struct side *client, const struct request_head *head, struct str text)
{
	struct response_head out = { .status = 200 };

	if (headers_add(&out.headers, client->arena, STR("Content-Type"), STR("application/octet-stream")))
		return E_NOMEM;
	return send_whole(client, head, &out, text);
}

struct str answer_not_tls(void)
{
	return STR("HTTP/1.1 400 Bad Request\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Length: 76\r\n"
		"Connection: close\r\n\r\n"
		"400 Bad Request\nThis port speaks HTTPS: use https:// in the address.\nSP-402\n");
}
