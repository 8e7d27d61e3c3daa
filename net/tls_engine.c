/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls_engine: owns one WOLFSSL. Its receive callback reads from the slice given by
 * tls_engine_input, its send callback hands records straight to the output function and always
 * takes all, so that wolfSSL never has to be asked to repeat a write.
 */
#include "net/tls_engine.h"

#include <wolfssl/error-ssl.h>
#include <wolfssl/internal.h>
#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

#include "base/check.h"
#include "base/mem.h"
#include "net/addr.h"
#include "net/tls_wolfssl.h"

enum {
	RECORD = 16384,
	RECORD_SMALL = 1369,     /* with its overhead, one packet */
	SMALL_BYTES = 48 * 1024, /* sent in small records first */
	LEVEL_FATAL = 2,
};

struct tls_engine {
	WOLFSSL *ssl;
	tls_output_fn *output;
	void *owner;
	struct str input;
	uint32_t small_left;
	int library_error;
	const char *reason; /* why nothing works any more, or NULL */
	char *label;        /* name without a dot, which we verify ourselves; or NULL */
	bool is_label_verified;
	bool is_client;
	byte binding[TLS_BINDING];
};

static int on_receive(WOLFSSL *ssl, char *dst, int cap, void *owner)
{
	struct tls_engine *e = owner;
	size_t n = e->input.len < (size_t)cap ? e->input.len : (size_t)cap;

	(void)ssl;
	if (n == 0)
		return WOLFSSL_CBIO_ERR_WANT_READ;
	memcpy(dst, e->input.at, n);
	e->input.at += n;
	e->input.len -= n;
	return (int)n;
}

static int on_send(WOLFSSL *ssl, char *at, int len, void *owner)
{
	struct tls_engine *e = owner;

	(void)ssl;
	e->output(e->owner, str_of(at, (size_t)len));
	return len;
}

static struct tls_engine *new_engine(WOLFSSL *ssl, tls_output_fn *output, void *owner)
{
	struct tls_engine *e = mem_try(sizeof(*e));

	if (!e)
		return NULL;
	*e = (struct tls_engine){
		.ssl = ssl, .output = output, .owner = owner, .small_left = SMALL_BYTES};
	wolfSSL_SSLSetIORecv(ssl, on_receive);
	wolfSSL_SSLSetIOSend(ssl, on_send);
	wolfSSL_SetIOReadCtx(ssl, e);
	wolfSSL_SetIOWriteCtx(ssl, e);
	return e;
}

static bool set_alpn(WOLFSSL *ssl, const char *alpn, byte options)
{
	char copy[256];

	return !alpn || (str_copy(copy, sizeof(copy), str_from(alpn)) &&
				wolfSSL_UseALPN(ssl, copy, (unsigned)strlen(copy), options) ==
					WOLFSSL_SUCCESS);
}

enum err tls_engine_accept(const struct tls_accept_args *args, tls_output_fn *output, void *owner,
	struct tls_engine **out)
{
	WOLFSSL *ssl = tls_certificate_session(args->certificate, args->context);
	struct tls_engine *e = ssl ? new_engine(ssl, output, owner) : NULL;

	*out = NULL;
	if (!e) {
		wolfSSL_free(ssl);
		return E_NOMEM;
	}
	if (wc_Sha256Hash((const byte *)(args->binding.len ? args->binding.at : ""),
		    (word32)args->binding.len, e->binding) != 0 ||
		wolfSSL_set_ex_data(ssl, TLS_EX_BINDING, e->binding) != WOLFSSL_SUCCESS ||
		!set_alpn(ssl, args->alpn, WOLFSSL_ALPN_FAILED_ON_MISMATCH)) {
		tls_engine_free(&e);
		return E_NOMEM;
	}
	*out = e;
	return E_OK;
}

static bool has_dns_name(const WOLFSSL_BUFFER_INFO *der, struct str name)
{
	DecodedCert cert;
	bool has = false;

	wc_InitDecodedCert(&cert, der->buffer, der->length, NULL);
	if (wc_ParseCert(&cert, CERT_TYPE, NO_VERIFY, NULL) == 0)
		for (const DNS_entry *n = cert.altNames; n && !has; n = n->next)
			has = n->type == ASN_DNS_TYPE &&
			      str_equal_nocase(str_of(n->name, (size_t)n->len), name);
	wc_FreeDecodedCert(&cert);
	return has;
}

/* wolfSSL verifies only names with a dot; in private networks "backend" is a name as well. */
static int on_verify(int is_ok, WOLFSSL_X509_STORE_CTX *store)
{
	struct tls_engine *e = store->userCtx;

	if (!is_ok || store->error_depth != 0)
		return is_ok;
	e->is_label_verified =
		store->totalCerts > 0 && has_dns_name(&store->certs[0], str_from(e->label));
	if (!e->is_label_verified)
		store->error = DOMAIN_NAME_MISMATCH;
	return e->is_label_verified;
}

/* Called for each certificate of the chain, verified or not: the leaf alone decides. */
static int on_pinned(int is_ok, WOLFSSL_X509_STORE_CTX *store)
{
	const struct tls_context *c = store->userCtx;

	(void)is_ok;
	return store->totalCerts > 0 && tls_certificate_has_leaf(c->only,
		str_of(store->certs[0].buffer, store->certs[0].length));
}

static bool verify_name(struct tls_engine *e, const char *name)
{
	size_t len = strlen(name);

	if (strchr(name, '.') || strcmp(name, "localhost") == 0)
		return wolfSSL_check_domain_name(e->ssl, name) == WOLFSSL_SUCCESS;
	if (len == 0 || len > 63)
		return false;
	e->label = mem_strdup(name);
	wolfSSL_SetCertCbCtx(e->ssl, e);
	wolfSSL_set_verify(e->ssl, WOLFSSL_VERIFY_PEER, on_verify);
	return true;
}

/* Which peer we want, in the hello and in its certificate. */
static enum err set_peer(struct tls_engine *e, struct tls_context *context, const char *name)
{
	WOLFSSL *ssl = e->ssl;
	bool is_ip = addr_is_ip_literal(str_from(name));

	if (context->only) {
		wolfSSL_SetCertCbCtx(ssl, context);
		wolfSSL_set_verify(ssl, WOLFSSL_VERIFY_PEER, on_pinned);
		if (is_ip)
			return E_OK;
	} else if (is_ip) {
		return wolfSSL_check_ip_address(ssl, name) == WOLFSSL_SUCCESS ? E_OK : E_NOMEM;
	} else if (!verify_name(e, name)) {
		return E_NAME;
	}
	return wolfSSL_UseSNI(ssl, WOLFSSL_SNI_HOST_NAME, name, (unsigned short)strlen(name)) ==
			       WOLFSSL_SUCCESS
		       ? E_OK
		       : E_NOMEM;
}

enum err tls_engine_connect(const struct tls_connect_args *args, tls_output_fn *output, void *owner,
	struct tls_engine **out)
{
	ASSERT(!args->context->is_server && args->name);
	WOLFSSL *ssl = wolfSSL_new(args->context->library);
	struct tls_engine *e = ssl ? new_engine(ssl, output, owner) : NULL;
	enum err err;

	*out = NULL;
	if (!e) {
		wolfSSL_free(ssl);
		return E_NOMEM;
	}
	e->is_client = true;
	err = set_peer(e, args->context, args->name);
	if (err == E_OK && (wolfSSL_UseKeyShare(ssl, WOLFSSL_ECC_X25519) != WOLFSSL_SUCCESS ||
				   !set_alpn(ssl, args->alpn, WOLFSSL_ALPN_CONTINUE_ON_MISMATCH)))
		err = E_NOMEM;
	if (err != E_OK)
		tls_engine_free(&e);
	*out = e;
	return err;
}

void tls_engine_free(struct tls_engine **ep)
{
	struct tls_engine *e = *ep;

	if (!e)
		return;
	*ep = NULL;
	wolfSSL_free(e->ssl);
	mem_free(&e->label);
	mem_release(e);
}

void tls_engine_input(struct tls_engine *e, struct str ciphertext)
{
	ASSERT(e->input.len == 0);
	e->input = ciphertext;
}

struct str tls_engine_unread(struct tls_engine *e)
{
	struct str left = e->input;

	e->input = STR_NONE;
	return left;
}

static bool is_distrust(int code)
{
	switch (code) {
	case ASN_NO_SIGNER_E:
	case ASN_SELF_SIGNED_E:
	case ASN_BEFORE_DATE_E:
	case ASN_AFTER_DATE_E:
	case ASN_SIG_CONFIRM_E:
	case ASN_PATHLEN_INV_E:
	case ASN_PATHLEN_SIZE_E:
	case ASN_NAME_INVALID_E:
	case ASN_PARSE_E:
	case DOMAIN_NAME_MISMATCH:
	case IPADDR_MISMATCH:
	case VERIFY_CERT_ERROR:
	case NO_PEER_CERT:
	case ASN_CRIT_EXT_E:
	case MAX_CHAIN_ERROR:
	case NOT_CA_ERROR:
	case EXTKEYUSAGE_E:
	case KEYUSAGE_E:
		return true;
	default:
		return false;
	}
}

/* Translates what the last call left behind. */
static enum err failure(struct tls_engine *e, int result)
{
	int code = wolfSSL_get_error(e->ssl, result);

	if (code == WOLFSSL_ERROR_WANT_READ)
		return E_AGAIN;
	if (code == WOLFSSL_ERROR_ZERO_RETURN)
		return E_EOF;
	e->library_error = code;
	e->reason = wolfSSL_ERR_reason_error_string((unsigned long)code);
	if (code == MEMORY_E || code == MEMORY_ERROR)
		return E_NOMEM;
	return e->is_client && is_distrust(code) ? E_TRUST : E_TLS;
}

/* A ticket's nonce has to be unique within its connection. wolfSSL 5.9.2 counts on through a chain of
 * resumptions and fails the handshake after the 255th: once the ticket the client offered has been used,
 * its nonce is of no more interest. */
static void restart_nonces(WOLFSSL *ssl)
{
	ssl->session->ticketNonce.len = 0;
}

enum err tls_engine_handshake(struct tls_engine *e)
{
	if (e->reason)
		return E_TLS;
	int got = e->is_client ? wolfSSL_connect(e->ssl) : wolfSSL_accept(e->ssl);
	if (got != WOLFSSL_SUCCESS) {
		enum err err = failure(e, got);

		if (err == E_AGAIN && !e->is_client)
			restart_nonces(e->ssl);
		return err;
	}
	if (e->label && !e->is_label_verified) {
		e->reason = "peer's name was not verified";
		return E_TRUST;
	}
	return E_OK;
}

/* In TLS 1.3 the client is ready before us; all that follows is a ticket. */
bool tls_engine_output_may_wait(const struct tls_engine *e)
{
	return !e->is_client && wolfSSL_version(e->ssl) == TLS1_3_VERSION;
}

enum err tls_engine_read(struct tls_engine *e, char *dst, size_t cap, size_t *n)
{
	*n = 0;
	if (e->reason)
		return E_TLS;
	/* wolfSSL holds back nothing whole: it takes a record's bytes when it wants that record. */
	if (e->input.len == 0 && wolfSSL_pending(e->ssl) == 0)
		return E_AGAIN;
	int got = wolfSSL_read(e->ssl, dst, (int)cap);
	if (got <= 0)
		return failure(e, got);
	*n = (size_t)got;
	return E_OK;
}

/* Where a write stands in its parts. */
struct cursor {
	const struct str *parts;
	unsigned n, i;
	size_t offset;
};

/* The next record's bytes: in place when one part has them all, else packed. */
static struct str next_bytes(struct cursor *c, size_t limit, char *packed)
{
	size_t n = 0;

	while (c->i < c->n && c->offset == c->parts[c->i].len) {
		c->i++;
		c->offset = 0;
	}
	if (c->i < c->n && (c->parts[c->i].len - c->offset >= limit || c->i + 1 == c->n)) {
		size_t left = c->parts[c->i].len - c->offset;
		struct str s = str_of(c->parts[c->i].at + c->offset, left < limit ? left : limit);

		c->offset += s.len;
		return s;
	}
	while (c->i < c->n && n < limit) {
		size_t left = c->parts[c->i].len - c->offset;
		size_t take = left < limit - n ? left : limit - n;

		if (take > 0)
			memcpy(packed + n, c->parts[c->i].at + c->offset, take);
		n += take;
		c->offset += take;
		if (c->offset == c->parts[c->i].len) {
			c->i++;
			c->offset = 0;
		}
	}
	return str_of(packed, n);
}

enum err tls_engine_write(struct tls_engine *e, const struct str *parts, unsigned n)
{
	struct cursor c = {.parts = parts, .n = n};
	char packed[RECORD];

	for (;;) {
		struct str s = next_bytes(&c, e->small_left ? RECORD_SMALL : RECORD, packed);

		if (s.len == 0)
			return E_OK;
		if (e->reason)
			return E_TLS;
		int got = wolfSSL_write(e->ssl, s.at, (int)s.len);
		if (got != (int)s.len) {
			enum err err = failure(e, got);

			return err == E_AGAIN || err == E_EOF ? E_TLS : err;
		}
		e->small_left -= s.len < e->small_left ? (uint32_t)s.len : e->small_left;
	}
}

void tls_engine_after_idle(struct tls_engine *e)
{
	e->small_left = SMALL_BYTES;
}

void tls_engine_shutdown(struct tls_engine *e)
{
	if (!e->reason)
		wolfSSL_shutdown(e->ssl);
}

void tls_engine_alert(struct tls_engine *e, int description)
{
	SendAlert(e->ssl, LEVEL_FATAL, description);
	if (!e->reason)
		e->reason = "alert sent";
}

static const char *iana_cipher(WOLFSSL *ssl)
{
	int suite = wolfSSL_get_current_cipher_suite(ssl);
	const char *name = wolfSSL_get_cipher_name_iana_from_suite((byte)(suite >> 8), (byte)suite);

	return name ? name : "";
}

static const char *alpn_of(WOLFSSL *ssl)
{
	static const char *const known[] = {"http/1.1", "h2", "acme-tls/1"};
	char *name = NULL;
	unsigned short len = 0;

	if (wolfSSL_ALPN_GetProtocol(ssl, &name, &len) == WOLFSSL_SUCCESS)
		for (unsigned i = 0; i < ARRAY_LEN(known); i++)
			if (str_is(str_of(name, len), known[i]))
				return known[i];
	return "";
}

/* wolfSSL's own names for two of the groups are not the registered ones. */
static const char *group_of(WOLFSSL *ssl)
{
	const char *name = wolfSSL_get_curve_name(ssl);

	if (!name)
		return "";
	if (strcmp(name, "SECP256R1") == 0)
		return "secp256r1";
	return strcmp(name, "SECP384R1") == 0 ? "secp384r1" : name;
}

void tls_engine_facts(const struct tls_engine *e, struct tls_facts *out)
{
	*out = (struct tls_facts){.version = wolfSSL_get_version(e->ssl),
		.cipher = iana_cipher(e->ssl),
		.group = group_of(e->ssl),
		.alpn = alpn_of(e->ssl),
		.is_resumed = wolfSSL_session_reused(e->ssl)};
}

const char *tls_engine_error(const struct tls_engine *e)
{
	return e->reason ? e->reason : "";
}
