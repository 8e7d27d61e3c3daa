/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * authority: a root, an intermediate and leaves, made by the openssl command in the scratch
 * directory of shell.h.
 */
#ifndef TESTS_UNIT_CERTSTORE_AUTHORITY_H
#define TESTS_UNIT_CERTSTORE_AUTHORITY_H

#include "shell.h"

/* root.pem, middle.pem with their keys; RSA over EC, to meet both kinds of signature. */
static inline void authority_make(void)
{
	shell_write("ca.cnf",
		STR("[ca]\nbasicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\n"));
	shell_must("openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem "
		   "-subj '/O=Test/CN=Test Root' -days 30 2>&1");
	shell_must(
		"openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout middle.key "
		"-out middle.csr -subj '/CN=Test Intermediate'");
	shell_must("openssl x509 -req -in middle.csr -CA root.pem -CAkey root.key -set_serial 7 "
		   "-extfile ca.cnf -extensions ca -days 20 -out middle.pem -sha384");
}

/* NAME.key and NAME.chain (leaf, intermediate). san: "DNS:a.example,IP:127.0.0.1" */
static inline void authority_issue(const char *name, const char *san, const char *serial)
{
	char text[2048];

	snprintf(text, sizeof(text),
		"[leaf]\nbasicConstraints=CA:FALSE\nsubjectAltName=%s\n"
		"authorityKeyIdentifier=keyid\n",
		san);
	shell_write("leaf.cnf", str_from(text));
	snprintf(text, sizeof(text),
		"openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
		"-keyout %s.key -out leaf.csr -subj /CN=leaf && openssl x509 -req -in leaf.csr "
		"-CA middle.pem -CAkey middle.key -set_serial %s -extfile leaf.cnf -extensions leaf "
		"-days 10 -out leaf.pem && cat leaf.pem middle.pem > %s.chain",
		name, serial, name);
	shell_must(text);
}

#endif
