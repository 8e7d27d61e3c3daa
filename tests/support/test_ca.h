/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_ca: a certificate authority and leaves, made by the openssl program in a folder of their
 * own.
 */
#ifndef TESTS_SUPPORT_TEST_CA_H
#define TESTS_SUPPORT_TEST_CA_H

#include "base/buf.h"

struct test_ca {
	char dir[64];
	char ca_pem[96]; /* path of the root's PEM file */
};

struct test_leaf {
	char chain_pem[128], key_pem[128]; /* paths */
	struct buf chain_der, key_der;     /* leaf alone; SEC1 or PKCS#1 */
};

void test_ca_init(struct test_ca *ca);
/* Removes the folder. */
void test_ca_fini(struct test_ca *ca);
/* key: "ec" or "rsa"; san: "DNS:a.test,IP:127.0.0.1"; days may be negative: expired. */
void test_ca_leaf(struct test_ca *ca, struct test_leaf *leaf, const char *name, const char *key,
	const char *san, int days);
void test_leaf_fini(struct test_leaf *leaf);

#endif
