/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fill_store: a store with many names, written by the store's own code: fill_store DIRECTORY COUNT SUFFIX
 * makes n0.SUFFIX, n1.SUFFIX … Each has a key and a self-signed certificate of its own.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "certstore/entry.h"
#include "certstore/pem.h"
#include "certstore/store.h"
#include "certstore/x509.h"
#include "net/tls_context.h"

enum { IN_FLIGHT = 64 };

static struct {
	struct loop *loop;
	struct store *store;
	const char *suffix;
	unsigned count, begun, done;
} fill;

static void next(void);

static void on_saved(void *owner, enum err err, const struct fault *fault)
{
	(void)owner;
	if (err) {
		fprintf(stderr, "fill_store: %s\n", fault ? fault->detail : err_text(err));
		exit(1);
	}
	if (++fill.done == fill.count)
		loop_stop(fill.loop);
	else if (fill.begun < fill.count)
		next();
}

static void make_chain(const struct key *key, const char *name, struct buf *pem)
{
	struct buf der;

	buf_init(&der, 0);
	ASSERT(x509_make_challenge(key, str_from(name), STR("bench"), &der) == E_OK);
	ASSERT(pem_add(pem, "CERTIFICATE", buf_str(&der)) == E_OK);
	buf_fini(&der);
}

static void next(void)
{
	char name[256];
	struct key *key = NULL;
	struct buf pem, text;
	struct fault fault = {0};

	snprintf(name, sizeof(name), "n%u.%s", fill.begun++, fill.suffix);
	buf_init(&pem, 0);
	buf_init(&text, 0);
	ASSERT(key_generate(CONF_KEY_P256, &key) == E_OK);
	make_chain(key, name, &pem);
	struct entry_args args = { .name = name, .key = key, .chain_pem = buf_str(&pem),
		.ca = "https://ca.example/dir", .account = "https://ca.example/acct/1",
		.challenge = "tls-alpn-01", .issued_at_ms = clock_wall_ms() };
	if (entry_write(&args, &text, &fault)) {
		fprintf(stderr, "fill_store: %s: %s\n", name, fault.detail);
		exit(1);
	}
	store_save(fill.store, STORE_CERTS, name, buf_str(&text), on_saved, NULL);
	key_unref(&key);
	buf_fini(&pem);
	buf_fini(&text);
}

int main(int argc, char **argv)
{
	struct fault fault = {0};

	if (argc != 4) {
		fprintf(stderr, "usage: fill_store DIRECTORY COUNT SUFFIX\n");
		return 2;
	}
	fill.count = (unsigned)atoi(argv[2]);
	fill.suffix = argv[3];
	loop_set_pool_size(16);
	if (tls_setup())
		return 1;
	fill.loop = loop_new();
	if (store_disk_open(fill.loop, argv[1], &fill.store, &fault)) {
		fprintf(stderr, "fill_store: %s\n", fault.detail);
		return 1;
	}
	while (fill.begun < fill.count && fill.begun < IN_FLIGHT)
		next();
	if (fill.count)
		loop_run(fill.loop);
	fill.store->ops->free(fill.store);
	loop_free(&fill.loop);
	return 0;
}
