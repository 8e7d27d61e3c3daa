/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls_context: policy. Owns one WOLFSSL_CTX without a certificate; tls_certificate makes more of
 * the same kind that have one.
 */
#include "net/tls_context.h"

#include <wolfssl/internal.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/hash.h>

#include "base/check.h"
#include "base/mem.h"
#include "net/tls_wolfssl.h"
#include "net/trust.h"

/* AES-256 costs a SHA-384 transcript, 30 us more per handshake. ECDHE only. */
static const char suites[] =
	"TLS13-AES128-GCM-SHA256:TLS13-CHACHA20-POLY1305-SHA256:TLS13-AES256-GCM-SHA384:"
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";

static const int server_groups[] = {
	WOLFSSL_X25519MLKEM768, WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP256R1, WOLFSSL_ECC_SECP384R1};
/* A hybrid share would make the hello larger than a packet. */
static const int client_groups[] = {
	WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP256R1, WOLFSSL_ECC_SECP384R1};

/* wolfCrypt looks up the CPU's features at the first use of each algorithm, without a lock. */
static bool first_uses(void)
{
	static const byte zeros[64];
	byte out[64];
	Aes aes;

	bool is_ok = wc_Sha256Hash(zeros, sizeof(zeros), out) == 0 &&
		     wc_Sha384Hash(zeros, sizeof(zeros), out) == 0 &&
		     wc_Sha512Hash(zeros, sizeof(zeros), out) == 0 &&
		     wc_AesInit(&aes, NULL, INVALID_DEVID) == 0 &&
		     wc_AesGcmSetKey(&aes, zeros, 16) == 0;
	wc_AesFree(&aes);
	return is_ok;
}

enum err tls_setup(void)
{
	if (wolfSSL_Init() != WOLFSSL_SUCCESS || !first_uses())
		return E_INTERNAL;
	return E_OK;
}

static bool apply_common(WOLFSSL_CTX *ctx, const int *groups, int n_groups)
{
	int copy[8];

	memcpy(copy, groups, sizeof(*groups) * (size_t)n_groups);
	/* The list also forces ctx->suites, which the first session would otherwise make
	 * unlocked. */
	if (wolfSSL_CTX_set_cipher_list(ctx, suites) != WOLFSSL_SUCCESS ||
		wolfSSL_CTX_SetMinVersion(ctx, WOLFSSL_TLSV1_2) != WOLFSSL_SUCCESS ||
		wolfSSL_CTX_set_groups(ctx, copy, n_groups) != WOLFSSL_SUCCESS ||
		wolfSSL_CTX_set_group_messages(ctx) != WOLFSSL_SUCCESS)
		return false;
	wolfSSL_CTX_set_session_cache_mode(ctx, WOLFSSL_SESS_CACHE_OFF);
	return true;
}

/* wolfSSL makes no server session without a certificate unless somebody may bring one. */
static int on_certificate(WOLFSSL *ssl, void *owner)
{
	(void)ssl;
	(void)owner;
	return 1;
}

WOLFSSL_CTX *tls_context_make(const struct tls_context *c)
{
	ASSERT(c->is_server);
	WOLFSSL_CTX *ctx = wolfSSL_CTX_new(
		c->tls13_only ? wolfTLSv1_3_server_method() : wolfSSLv23_server_method());

	if (!ctx)
		return NULL;
	if (!apply_common(ctx, server_groups, ARRAY_LEN(server_groups))) {
		wolfSSL_CTX_free(ctx);
		return NULL;
	}
	wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_NONE, NULL);
	wolfSSL_CTX_set_cert_cb(ctx, on_certificate, NULL);
	if (c->tickets) {
		tls_tickets_apply(c->tickets, ctx);
	} else {
		wolfSSL_CTX_no_ticket_TLSv13(ctx);
		wolfSSL_CTX_NoTicketTLSv12(ctx);
	}
	return ctx;
}

static struct tls_context *new_context(bool is_server)
{
	struct tls_context *c = mem_new(sizeof(*c));

	atomic_init(&c->refs, 1);
	c->is_server = is_server;
	return c;
}

enum err tls_context_server(const struct tls_server_args *args, struct tls_context **out)
{
	struct tls_context *c = new_context(true);

	*out = NULL;
	c->tls13_only = args->tls13_only;
	c->tickets = args->is_challenge ? NULL : args->tickets;
	c->library = tls_context_make(c);
	if (!c->library) {
		tls_context_unref(&c);
		return E_NOMEM;
	}
	*out = c;
	return E_OK;
}

/* Signature algorithms as on the wire: ECDSA is (SHA-2, 3) and nothing else that we offer. wolfSSL has a
 * setter for the list only in its OpenSSL layer. */
static void keep_signer(WOLFSSL_CTX *ctx, enum tls_signer signer)
{
	Suites *s = ctx->suites;
	word16 kept = 0;

	ASSERT(s && s->hashSigAlgoSz % 2 == 0);
	for (word16 i = 0; i < s->hashSigAlgoSz && signer != TLS_SIGNER_ANY; i += 2) {
		byte a = s->hashSigAlgo[i], b = s->hashSigAlgo[i + 1];
		bool is_ecdsa = a >= 4 && a <= 6 && b == 3;
		bool is_rsa = (a >= 4 && a <= 6 && b == 1) || (a == 8 && b >= 4 && b <= 6);

		if (signer == TLS_SIGNER_ECDSA ? !is_ecdsa : !is_rsa)
			continue;
		s->hashSigAlgo[kept++] = a;
		s->hashSigAlgo[kept++] = b;
	}
	if (signer != TLS_SIGNER_ANY)
		s->hashSigAlgoSz = kept;
}

enum err tls_context_client(
	const struct tls_client_args *args, struct tls_context **out, struct fault *fault)
{
	struct tls_context *c = new_context(false);

	*out = NULL;
	c->library = wolfSSL_CTX_new(wolfSSLv23_client_method());
	if (!c->library || !apply_common(c->library, client_groups, ARRAY_LEN(client_groups))) {
		tls_context_unref(&c);
		return fault_set(fault, E_NOMEM, "no memory for a TLS context");
	}
	keep_signer(c->library, args->signer);
	wolfSSL_CTX_set_verify(c->library,
		args->trusts_anyone ? WOLFSSL_VERIFY_NONE : WOLFSSL_VERIFY_PEER, NULL);
	if (args->trusts_anyone) {
		*out = c;
		return E_OK;
	}
	if (args->only) {
		c->only = tls_certificate_ref(args->only);
		*out = c;
		return E_OK;
	}
	/* Before the reading: who writes meanwhile is noticed the next time. */
	trust_stamp_init(&c->trust, args->trust_file);
	enum err err = trust_load(c->library, args->trust_file, fault);
	if (err != E_OK) {
		tls_context_unref(&c);
		return err;
	}
	*out = c;
	return E_OK;
}

bool tls_context_is_current(const struct tls_context *c, const char *trust_file)
{
	struct trust_stamp now;

	ASSERT(!c->is_server);
	trust_stamp_init(&now, trust_file);
	bool is_current = trust_stamp_is_same(&c->trust, &now);
	trust_stamp_fini(&now);
	return is_current;
}

struct tls_context *tls_context_ref(struct tls_context *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void tls_context_unref(struct tls_context **cp)
{
	struct tls_context *c = *cp;

	*cp = NULL;
	if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) > 1)
		return;
	if (c->library)
		wolfSSL_CTX_free(c->library);
	if (c->only)
		tls_certificate_unref(&c->only);
	trust_stamp_fini(&c->trust);
	mem_release(c);
}
