/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/tls_context.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include <cmocka.h>
#include <wolfssl/ssl.h>

#include "base/check.h"
#include "net/tls_wolfssl.h"

/*
 * Drives the callback wolfSSL would call, as workers do while the keys are rotated under them.
 */
static int seal_and_open(WOLFSSL *ssl, SessionTicketEncCb fn, struct tls_tickets *t)
{
	unsigned char name[16], iv[16], mac[32], ticket[200];
	int len = 0;

	memset(ticket, 7, sizeof(ticket));
	if (fn(ssl, name, iv, mac, 1, ticket, 150, &len, t) != WOLFSSL_TICKET_RET_OK || len != 150)
		return -1;
	int got = fn(ssl, name, iv, mac, 0, ticket, 150, &len, t);
	if (got == WOLFSSL_TICKET_RET_OK || got == WOLFSSL_TICKET_RET_CREATE)
		for (int i = 0; i < 150; i++)
			if (ticket[i] != 7)
				return -1;
	return got;
}

struct worker {
	struct tls_context *context;
	struct tls_tickets *tickets;
	atomic_bool *stop;
	pthread_t thread;
	long sealed, opened, broken;
};

static const unsigned char binding[TLS_BINDING] = "a host";

static WOLFSSL *new_session(struct tls_context *context)
{
	WOLFSSL *ssl = wolfSSL_new(context->library);

	ASSERT(ssl);
	wolfSSL_set_ex_data(ssl, TLS_EX_BINDING, (void *)(uintptr_t)binding);
	return ssl;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	WOLFSSL *ssl = new_session(w->context);

	while (!atomic_load(w->stop)) {
		int got = seal_and_open(ssl, tls_tickets_callback(), w->tickets);

		w->sealed++;
		if (got < 0)
			w->broken++;
		else
			w->opened += got != WOLFSSL_TICKET_RET_REJECT;
	}
	wolfSSL_free(ssl);
	return NULL;
}

static void workers_seal_and_open_while_keys_rotate(void **state)
{
	struct tls_tickets *t = tls_tickets_new();
	struct tls_server_args args = {.tickets = t};
	struct worker workers[3];
	struct tls_context *context;
	atomic_bool stop = false;

	(void)state;
	assert_int_equal(tls_context_server(&args, &context), E_OK);
	for (int i = 0; i < 3; i++) {
		workers[i] = (struct worker){.context = context, .tickets = t, .stop = &stop};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < 20000; i++)
		tls_tickets_rotate(t);
	atomic_store(&stop, true);
	for (int i = 0; i < 3; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].broken, 0);
	}
	tls_context_unref(&context);
	tls_tickets_free(&t);
	assert_null(t);
}

static void a_ticket_opens_only_as_it_was_sealed(void **state)
{
	struct tls_tickets *t = tls_tickets_new();
	struct tls_server_args args = {.tickets = t};
	struct tls_context *context;
	unsigned char other[TLS_BINDING] = "another host";
	unsigned char name[16], iv[16], mac[32], ticket[64] = {1}, copy[64];
	SessionTicketEncCb fn = tls_tickets_callback();
	int len;

	(void)state;
	assert_int_equal(tls_context_server(&args, &context), E_OK);
	WOLFSSL *ssl = new_session(context);
	assert_int_equal(fn(ssl, name, iv, mac, 1, ticket, 64, &len, t), WOLFSSL_TICKET_RET_OK);
	for (int i = 0; i < 5; i++) {
		unsigned char *changed = i == 0 ? name : i == 1 ? iv : i == 2 ? mac : ticket;

		memcpy(copy, ticket, sizeof(copy));
		if (i < 4)
			(changed == ticket ? copy : changed)[3] ^= 1;
		else
			wolfSSL_set_ex_data(ssl, TLS_EX_BINDING, other);
		assert_int_equal(
			fn(ssl, name, iv, mac, 0, copy, 64, &len, t), WOLFSSL_TICKET_RET_REJECT);
		if (i < 3)
			changed[3] ^= 1;
	}
	wolfSSL_set_ex_data(ssl, TLS_EX_BINDING, (void *)(uintptr_t)binding);
	assert_int_equal(fn(ssl, name, iv, mac, 0, ticket, 64, &len, t), WOLFSSL_TICKET_RET_OK);
	wolfSSL_free(ssl);
	tls_context_unref(&context);
	tls_tickets_free(&t);
}

static int set_up(void **state)
{
	(void)state;
	return tls_setup() != E_OK;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_seal_and_open_while_keys_rotate),
		cmocka_unit_test(a_ticket_opens_only_as_it_was_sealed),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
