/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nonce: a small stack. Servers let nonces expire or bind them to one of their machines; the newest
 * is the likeliest to be good.
 */
#include "acme/nonce.h"

#include "base/check.h"

static bool is_nonce(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];
		bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
			|| c == '-' || c == '_';
		if (!fine)
			return false;
	}
	return s.len > 0 && s.len < NONCE_LEN;
}

void nonce_put(struct nonce_pool *p, struct str nonce, int64_t now_ms)
{
	ASSERT(p->n <= NONCE_POOL);
	if (!is_nonce(nonce))
		return;
	if (p->n == NONCE_POOL)
		memmove(&p->at[0], &p->at[1], --p->n * sizeof p->at[0]);
	p->at[p->n].at_ms = now_ms;
	str_copy(p->at[p->n++].text, NONCE_LEN, nonce);
}

bool nonce_take(struct nonce_pool *p, char dst[NONCE_LEN], int64_t now_ms)
{
	if (!p->n)
		return false;
	if (now_ms - p->at[p->n - 1].at_ms > NONCE_AGE_MS) {
		nonce_drop_all(p);  /* those below are older still */
		return false;
	}
	memcpy(dst, p->at[--p->n].text, NONCE_LEN);
	return true;
}

void nonce_drop_all(struct nonce_pool *p)
{
	p->n = 0;
}
