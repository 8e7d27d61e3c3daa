/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls_certificate: chain and key as DER, and a WOLFSSL_CTX that presents them, made at the first
 * handshake: building it costs less than putting the certificate into one session, and sessions
 * then borrow instead of copying. A certificate used with a second context gives that one copies.
 */
#include "net/tls_context.h"

#include "base/check.h"
#include "base/mem.h"
#include "net/tls_wolfssl.h"

/* What wolfSSL keeps for such a context, beside its copies of chain and key. */
enum { READY_BYTES = 2400 };

struct ready {
	struct tls_context *context;
	WOLFSSL_CTX *library;
};

struct tls_certificate {
	atomic_uint refs;
	_Atomic(struct ready *) ready;
	size_t chain_len, key_len;
	byte der[]; /* chain, then key */
};

static const byte *key_of(const struct tls_certificate *c)
{
	return c->der + c->chain_len;
}

static enum err install(const struct tls_certificate *c, WOLFSSL_CTX *ctx)
{
	if (wolfSSL_CTX_use_certificate_chain_buffer_format(
		    ctx, c->der, (long)c->chain_len, WOLFSSL_FILETYPE_ASN1) != WOLFSSL_SUCCESS)
		return E_CHAIN;
	if (wolfSSL_CTX_use_PrivateKey_buffer(
		    ctx, key_of(c), (long)c->key_len, WOLFSSL_FILETYPE_ASN1) != WOLFSSL_SUCCESS)
		return E_KEY;
	return E_OK;
}

static enum err check(const struct tls_certificate *c)
{
	WOLFSSL_CTX *ctx = wolfSSL_CTX_new(wolfSSLv23_server_method());

	if (!ctx)
		return E_NOMEM;
	enum err err = install(c, ctx);
	if (err == E_OK && wolfSSL_CTX_check_private_key(ctx) != WOLFSSL_SUCCESS)
		err = E_KEY;
	wolfSSL_CTX_free(ctx);
	return err;
}

/* DER tells its own length: a certificate that is the beginning of the chain is the leaf. */
bool tls_certificate_has_leaf(const struct tls_certificate *c, struct str leaf_der)
{
	return leaf_der.len > 0 && leaf_der.len <= c->chain_len &&
	       memcmp(c->der, leaf_der.at, leaf_der.len) == 0;
}

enum err tls_certificate_new(struct str chain_der, struct str key_der, struct tls_certificate **out)
{
	enum { MOST = 256 * 1024 };
	*out = NULL;
	if (chain_der.len == 0 || chain_der.len > MOST)
		return E_CHAIN;
	if (key_der.len == 0 || key_der.len > MOST)
		return E_KEY;
	struct tls_certificate *c = mem_try(sizeof(*c) + chain_der.len + key_der.len);
	if (!c)
		return E_NOMEM;
	atomic_init(&c->refs, 1);
	atomic_init(&c->ready, NULL);
	c->chain_len = chain_der.len;
	c->key_len = key_der.len;
	memcpy(c->der, chain_der.at, chain_der.len);
	memcpy(c->der + chain_der.len, key_der.at, key_der.len);
	enum err err = check(c);
	if (err != E_OK)
		tls_certificate_unref(&c);
	*out = c;
	return err;
}

struct tls_certificate *tls_certificate_ref(struct tls_certificate *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

static void free_ready(struct ready *r)
{
	if (!r)
		return;
	wolfSSL_CTX_free(r->library);
	tls_context_unref(&r->context);
	mem_release(r);
}

void tls_certificate_unref(struct tls_certificate **cp)
{
	struct tls_certificate *c = *cp;

	*cp = NULL;
	if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) > 1)
		return;
	free_ready(atomic_load_explicit(&c->ready, memory_order_acquire));
	mem_release_secret(c, sizeof(*c) + c->chain_len + c->key_len);
}

bool tls_certificate_is_same(const struct tls_certificate *a, const struct tls_certificate *b)
{
	return a->chain_len == b->chain_len && a->key_len == b->key_len &&
	       memcmp(a->der, b->der, a->chain_len + a->key_len) == 0;
}

size_t tls_certificate_bytes(const struct tls_certificate *c)
{
	return sizeof(*c) + READY_BYTES + 2 * (c->chain_len + c->key_len);
}

static struct ready *make_ready(struct tls_certificate *c, struct tls_context *context)
{
	WOLFSSL_CTX *library = tls_context_make(context);

	if (!library)
		return NULL;
	if (install(c, library) != E_OK) {
		wolfSSL_CTX_free(library);
		return NULL;
	}
	struct ready *r = mem_new(sizeof(*r));
	*r = (struct ready){tls_context_ref(context), library};
	return r;
}

/* The ready context, of whichever worker was first to make it. */
static struct ready *ready_for(struct tls_certificate *c, struct tls_context *context)
{
	struct ready *r = atomic_load_explicit(&c->ready, memory_order_acquire);

	if (r)
		return r;
	struct ready *mine = make_ready(c, context);
	if (!mine || atomic_compare_exchange_strong_explicit(
			     &c->ready, &r, mine, memory_order_acq_rel, memory_order_acquire))
		return mine;
	free_ready(mine);
	return r;
}

WOLFSSL *tls_certificate_session(struct tls_certificate *c, struct tls_context *context)
{
	struct ready *r = ready_for(c, context);

	if (!r)
		return NULL;
	if (r->context == context)
		return wolfSSL_new(r->library);
	WOLFSSL *ssl = wolfSSL_new(context->library);
	if (ssl && (wolfSSL_use_certificate_chain_buffer_format(ssl, c->der, (long)c->chain_len,
			    WOLFSSL_FILETYPE_ASN1) != WOLFSSL_SUCCESS ||
			   wolfSSL_use_PrivateKey_buffer(ssl, key_of(c), (long)c->key_len,
				   WOLFSSL_FILETYPE_ASN1) != WOLFSSL_SUCCESS)) {
		wolfSSL_free(ssl);
		ssl = NULL;
	}
	return ssl;
}
