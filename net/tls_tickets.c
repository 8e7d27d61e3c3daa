/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls_tickets: the keys that seal session tickets, shared by all workers.
 *
 *   slot:  [ n ]  current: seals and opens
 *          [n-1], [n-2]  open only; then their slot is overwritten
 *
 * Readers take no lock. Each slot has a sequence number that is odd while it is written; a reader
 * copies the words and looks again. The rotating thread writes the one slot nobody needs any more.
 */
#include "net/tls_context.h"

#include <string.h>

#include <wolfssl/wolfcrypt/chacha20_poly1305.h>

#include "base/mem.h"
#include "net/random.h"
#include "net/tls_wolfssl.h"

enum { SLOTS = 4, OPENING = 3, NAME = 16, KEY = 32, WORDS = (NAME + KEY) / 8 };

struct key {
	uint64_t words[WORDS]; /* name, then key */
};

struct slot {
	atomic_uint sequence;
	_Atomic uint64_t words[WORDS];
};

struct tls_tickets {
	atomic_uint current; /* number of the current key; its slot is current % SLOTS */
	struct slot slots[SLOTS];
};

static void write_slot(struct slot *s)
{
	struct key k;
	unsigned sequence = atomic_load_explicit(&s->sequence, memory_order_relaxed);

	random_bytes(&k, sizeof(k));
	atomic_store_explicit(&s->sequence, sequence + 1, memory_order_seq_cst);
	for (unsigned i = 0; i < WORDS; i++)
		atomic_store_explicit(&s->words[i], k.words[i], memory_order_release);
	atomic_store_explicit(&s->sequence, sequence + 2, memory_order_release);
	mem_wipe(&k, sizeof(k));
}

static bool read_slot(struct slot *s, struct key *k)
{
	unsigned before = atomic_load_explicit(&s->sequence, memory_order_acquire);

	for (unsigned i = 0; i < WORDS; i++)
		k->words[i] = atomic_load_explicit(&s->words[i], memory_order_acquire);
	unsigned after = atomic_load_explicit(&s->sequence, memory_order_relaxed);
	return before == after && before % 2 == 0 && before > 0;
}

struct tls_tickets *tls_tickets_new(void)
{
	struct tls_tickets *t = mem_new(sizeof(*t));

	write_slot(&t->slots[0]);
	return t;
}

void tls_tickets_rotate(struct tls_tickets *t)
{
	unsigned next = atomic_load_explicit(&t->current, memory_order_relaxed) + 1;

	write_slot(&t->slots[next % SLOTS]);
	atomic_store_explicit(&t->current, next, memory_order_release);
}

void tls_tickets_free(struct tls_tickets **tp)
{
	if (*tp)
		mem_release_secret(*tp, sizeof(**tp));
	*tp = NULL;
}

static const byte *name_of(const struct key *k)
{
	return (const byte *)k->words;
}

static const byte *secret_of(const struct key *k)
{
	return (const byte *)k->words + NAME;
}

/* The current key; copied again when the slot was overwritten meanwhile. */
static void current_key(struct tls_tickets *t, struct key *k)
{
	unsigned n;

	do {
		n = atomic_load_explicit(&t->current, memory_order_acquire);
	} while (!read_slot(&t->slots[n % SLOTS], k));
}

/* The key with this name; *age 0 is the current one. */
static bool find_key(struct tls_tickets *t, const byte *name, struct key *k, unsigned *age)
{
	unsigned n = atomic_load_explicit(&t->current, memory_order_acquire);

	for (*age = 0; *age < OPENING && *age <= n; ++*age)
		if (read_slot(&t->slots[(n - *age) % SLOTS], k) &&
			memcmp(name_of(k), name, NAME) == 0)
			return true;
	return false;
}

/* What a ticket is bound to, authenticated with it: key name, then the connection's binding. */
static bool bound_to(WOLFSSL *ssl, const byte *name, byte aad[NAME + TLS_BINDING])
{
	const byte *binding = wolfSSL_get_ex_data(ssl, TLS_EX_BINDING);

	if (!binding)
		return false;
	memcpy(aad, name, NAME);
	memcpy(aad + NAME, binding, TLS_BINDING);
	return true;
}

static int seal(
	struct tls_tickets *t, WOLFSSL *ssl, byte *name, byte *iv, byte *mac, byte *ticket, int len)
{
	byte aad[NAME + TLS_BINDING];
	struct key k;

	current_key(t, &k);
	memcpy(name, name_of(&k), NAME);
	random_bytes(iv, WOLFSSL_TICKET_IV_SZ);
	memset(mac, 0, WOLFSSL_TICKET_MAC_SZ);
	bool is_sealed = bound_to(ssl, name, aad) &&
			 wc_ChaCha20Poly1305_Encrypt(secret_of(&k), iv, aad, sizeof(aad), ticket,
				 (word32)len, ticket, mac) == 0;
	mem_wipe(&k, sizeof(k));
	return is_sealed ? WOLFSSL_TICKET_RET_OK : WOLFSSL_TICKET_RET_FATAL;
}

static int open_ticket(struct tls_tickets *t, WOLFSSL *ssl, const byte *name, const byte *iv,
	const byte *mac, byte *ticket, int len)
{
	byte aad[NAME + TLS_BINDING];
	struct key k;
	unsigned age;

	if (len <= 0 || !find_key(t, name, &k, &age) || !bound_to(ssl, name, aad))
		return WOLFSSL_TICKET_RET_REJECT;
	int failed = wc_ChaCha20Poly1305_Decrypt(
		secret_of(&k), iv, aad, sizeof(aad), ticket, (word32)len, mac, ticket);
	mem_wipe(&k, sizeof(k));
	if (failed)
		return WOLFSSL_TICKET_RET_REJECT;
	/* TLS 1.3 sends a fresh ticket anyway, and takes "create" for a refusal. */
	bool is_tls13 = wolfSSL_version(ssl) == TLS1_3_VERSION;
	return age == 0 || is_tls13 ? WOLFSSL_TICKET_RET_OK : WOLFSSL_TICKET_RET_CREATE;
}

static int on_ticket(WOLFSSL *ssl, unsigned char name[WOLFSSL_TICKET_NAME_SZ],
	unsigned char iv[WOLFSSL_TICKET_IV_SZ], unsigned char mac[WOLFSSL_TICKET_MAC_SZ], int enc,
	unsigned char *ticket, int len, int *out_len, void *owner)
{
	*out_len = len;
	return enc ? seal(owner, ssl, name, iv, mac, ticket, len)
		   : open_ticket(owner, ssl, name, iv, mac, ticket, len);
}

void tls_tickets_apply(struct tls_tickets *t, WOLFSSL_CTX *ctx)
{
	wolfSSL_CTX_set_TicketEncCb(ctx, on_ticket);
	wolfSSL_CTX_set_TicketEncCtx(ctx, t);
	wolfSSL_CTX_set_TicketHint(ctx, TLS_TICKET_HINT_S);
}

SessionTicketEncCb tls_tickets_callback(void)
{
	return on_ticket;
}
