/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whatever a client sends: if the parser takes it for a request, then what our writer makes of it is read
 * back as the same request, and ends where it ends.
 */
#include <stdlib.h>

#include "base/check.h"
#include "net/http/h1_parser.h"
#include "net/http/h1_writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const struct http_limits limits = { .head_bytes = 16384, .headers = 100 };

struct sink {
	struct stream stream;
	struct buf got;
};

static enum err sink_write(struct stream *s, const struct str *parts, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		ASSERT(!buf_add(&container_of(s, struct sink, stream)->got, parts[i]));
	return E_OK;
}

static const struct stream_ops sink_ops = { .write = sink_write };

static enum err parse(struct str *input, struct arena *a, struct request_head *head,
	struct h1_message *m)
{
	const struct h1_request_args args = { &limits, true };
	struct h1_scan scan = { 0 };
	size_t len;
	enum err e = h1_scan_head(&scan, *input, &limits, &len);
	char *copy;

	if (e)
		return e;
	copy = arena_alloc(a, len);
	ASSERT(copy);
	memcpy(copy, input->at, len);
	*input = str_of(input->at + len, input->len - len);
	return h1_parse_request(str_of(copy, len), a, &args, head, m);
}

/* The body to out, in pieces of step bytes; E_AGAIN when it does not end. */
static enum err read_body(struct str *input, struct arena *a, const struct request_head *head,
	const struct h1_message *m, struct h1_body *b, struct buf *out, size_t step)
{
	enum h1_body_event event = H1_BODY_MORE;

	ASSERT(!h1_body_init(b, m->is_chunked ? H1_BODY_CHUNKED : H1_BODY_COUNTED, head->length, a,
		&limits));
	do {
		size_t len = input->len < step ? input->len : step;
		struct str part = str_of(input->at, len), piece;

		while ((event = h1_body_next(b, &part, &piece)) == H1_BODY_PIECE)
			ASSERT(!buf_add(out, piece));
		*input = str_of(part.at, (size_t)(input->at + input->len - part.at));
	} while (event == H1_BODY_MORE && input->len);
	if (event == H1_BODY_END)
		return E_OK;
	return event == H1_BODY_MORE ? E_AGAIN : E_HTTP;
}

static void read_back(struct sink *k, const struct request_head *head, struct str body)
{
	struct request_head again;
	struct h1_message m;
	struct h1_body b;
	struct arena a;
	struct str input = buf_str(&k->got);
	struct buf out;

	arena_init(&a, 0);
	buf_init(&out, 0);
	ASSERT(!parse(&input, &a, &again, &m));
	ASSERT(str_equal(again.method, head->method) && str_equal(again.path, head->path));
	ASSERT(str_equal(again.host, head->host) && again.headers.n == head->headers.n);
	ASSERT(!read_body(&input, &a, &again, &m, &b, &out, 7));
	ASSERT(str_equal(buf_str(&out), body));
	ASSERT(!input.len);
	buf_fini(&out);
	arena_reset(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct str input = str_of(bytes, n);
	struct sink k = { .stream.ops = &sink_ops };
	struct request_head head;
	struct h1_message m;
	struct h1_writer w;
	struct h1_body b;
	struct arena a;
	struct buf body;

	arena_init(&a, 0);
	buf_init(&body, 0);
	buf_init(&k.got, 0);
	h1_writer_init(&w, &k.stream);
	/* Without a Host (HTTP/1.0) there is nothing to send on. */
	if (!parse(&input, &a, &head, &m) && head.host.len &&
		!read_body(&input, &a, &head, &m, &b, &body, n % 13 + 1)) {
		ASSERT(!h1_writer_request(&w, &head));
		ASSERT(!h1_writer_body(&w, buf_str(&body)));
		ASSERT(!h1_writer_end(&w, &b.trailers));
		read_back(&k, &head, buf_str(&body));
	}
	h1_writer_fini(&w);
	buf_fini(&k.got);
	buf_fini(&body);
	arena_reset(&a);
	return 0;
}
