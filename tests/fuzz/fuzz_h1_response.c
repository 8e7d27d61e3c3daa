/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whatever a server sends: heads and bodies are read without harm, and no head that was taken holds what
 * could break the line it is written on.
 */
#include "base/check.h"
#include "net/http/h1_parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const struct http_limits limits = { .head_bytes = 16384, .headers = 100 };

static void check_head(const struct response_head *head)
{
	ASSERT(head->status >= 100 && head->status <= 599);
	ASSERT(header_value_is_valid(head->reason) && header_value_is_valid(head->upgrade));
	for (unsigned i = 0; i < head->headers.n; i++) {
		ASSERT(header_name_is_valid(head->headers.at[i].name));
		ASSERT(header_value_is_valid(head->headers.at[i].value));
	}
}

static void read_body(struct str input, struct arena *a, const struct response_head *head,
	const struct h1_message *m, size_t step)
{
	enum h1_body_how how = m->is_chunked ? H1_BODY_CHUNKED :
		m->is_until_eof ? H1_BODY_UNTIL_EOF : H1_BODY_COUNTED;
	enum h1_body_event event = H1_BODY_MORE;
	struct h1_body b;

	ASSERT(!h1_body_init(&b, how, head->body == BODY_LENGTH ? head->length : 0, a, &limits));
	while (event == H1_BODY_MORE && input.len) {
		struct str part = str_of(input.at, input.len < step ? input.len : step), piece;

		while ((event = h1_body_next(&b, &part, &piece)) == H1_BODY_PIECE)
			ASSERT(piece.len && piece.at >= input.at);
		input = str_of(part.at, (size_t)(input.at + input.len - part.at));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const struct h1_response_args args = { &limits, n % 5 == 1, n % 5 == 2 };
	struct h1_scan scan = { 0 };
	struct str input = str_of(bytes, n);
	struct response_head head;
	struct h1_message m;
	struct arena a;
	size_t len;

	arena_init(&a, 0);
	if (!h1_scan_head(&scan, input, &limits, &len)) {
		char *copy = arena_alloc(&a, len);

		ASSERT(copy);
		memcpy(copy, bytes, len);
		if (!h1_parse_response(str_of(copy, len), &a, &args, &head, &m)) {
			check_head(&head);
			input = str_of(input.at + len, input.len - len);
			read_body(input, &a, &head, &m, n % 13 + 1);
		}
	}
	arena_reset(&a);
	return 0;
}
