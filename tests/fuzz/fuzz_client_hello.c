/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_client_hello: any bytes in any segmentation. The first byte chooses the size of the pieces;
 * the outcome must not depend on it.
 */
#include "base/check.h"
#include "net/client_hello.h"

static enum client_hello_state feed(struct client_hello *h, struct str s, size_t step, int *alert)
{
	enum client_hello_state state = CLIENT_HELLO_MORE;

	client_hello_init(h);
	for (size_t i = 0; i < s.len && state == CLIENT_HELLO_MORE; i += step)
		state = client_hello_feed(
			h, str_of(s.at + i, s.len - i < step ? s.len - i : step), alert);
	return state;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct client_hello whole, pieces;
	struct str record, rest;
	int alert = 0;

	if (len < 2)
		return 0;
	struct str s = str_of(at + 1, len - 1);
	enum client_hello_state a = feed(&whole, s, s.len, &alert);
	enum client_hello_state b = feed(&pieces, s, (size_t)at[0] + 1, &alert);
	ASSERT(a == b);
	if (a == CLIENT_HELLO_DONE) {
		ASSERT(client_hello_record(&whole, &record, &rest) == E_OK);
		ASSERT(record.len <= 5 + 16384 && rest.len < s.len);
		ASSERT(whole.has_tls12 || whole.has_tls13);
		struct client_signatures x = client_hello_signatures(&whole);
		struct client_signatures y = client_hello_signatures(&pieces);
		ASSERT(x.p256 == y.p256 && x.p384 == y.p384 && x.rsa == y.rsa);
		ASSERT(strcmp(whole.sni, pieces.sni) == 0 && whole.n_alpn == pieces.n_alpn);
		ASSERT(!whole.sni_is_valid || strlen(whole.sni) > 0);
	}
	client_hello_fini(&whole);
	client_hello_fini(&pieces);
	return 0;
}
