/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_ca: runs openssl. Slow (tens of milliseconds each): make leaves once per test program.
 */
#include "tests/support/test_ca.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

__attribute__((format(printf, 1, 2))) static void run(const char *fmt, ...)
{
	char command[2048];
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	ASSERT(n > 0 && (size_t)n < sizeof(command));
	ASSERT(system(command) == 0);
}

static void slurp(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");

	ASSERT(f);
	buf_init(out, 0);
	ASSERT(buf_reserve(out, 65536) == E_OK);
	out->len = fread(out->at, 1, 65536, f);
	ASSERT(out->len > 0);
	fclose(f);
}

void test_ca_init(struct test_ca *ca)
{
	snprintf(ca->dir, sizeof(ca->dir), "/tmp/sallyport-ca-XXXXXX");
	ASSERT(mkdtemp(ca->dir));
	snprintf(ca->ca_pem, sizeof(ca->ca_pem), "%s/ca.pem", ca->dir);
	run("cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key"
	    " -out ca.pem -days 100 -subj '/CN=sallyport test CA' 2>/dev/null",
		ca->dir);
}

void test_ca_fini(struct test_ca *ca)
{
	run("rm -rf %s", ca->dir);
}

void test_ca_leaf(struct test_ca *ca, struct test_leaf *leaf, const char *name, const char *key,
	const char *san, int days)
{
	char path[128];
	bool is_rsa = strcmp(key, "rsa") == 0;

	run("cd %s && openssl req -new -newkey %s -nodes -keyout %s.key -out %s.csr -subj '/CN=%s'"
	    " 2>/dev/null && printf 'subjectAltName=%s\\nextendedKeyUsage=serverAuth\\n' > %s.ext",
		ca->dir, is_rsa ? "rsa:2048" : "ec -pkeyopt ec_paramgen_curve:P-256", name, name,
		name, san, name);
	run("cd %s && touch index && printf '%%s' $(od -An -N8 -tx1 /dev/urandom | tr -d ' ') > serial &&"
	    " printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index\\nserial=serial\\nnew_certs_dir=.\\n"
	    "default_md=sha256\\npolicy=p\\nunique_subject=no\\n[p]\\ncommonName=supplied\\n' > ca.conf &&"
	    " openssl ca -batch -config ca.conf -cert ca.pem -keyfile ca.key -in %s.csr -out %s.pem"
	    " -notext -extfile %s.ext -startdate %s -enddate %s 2>/dev/null",
		ca->dir, name, name, name, "20200101000000Z",
		days < 0 ? "20200201000000Z" : "20491231000000Z");
	run("cd %s && openssl x509 -in %s.pem -outform DER -out %s.der && openssl %s -in %s.key"
	    " -outform DER -out %s.key.der 2>/dev/null",
		ca->dir, name, name, is_rsa ? "rsa -traditional" : "ec", name, name);
	snprintf(leaf->chain_pem, sizeof(leaf->chain_pem), "%s/%s.pem", ca->dir, name);
	snprintf(leaf->key_pem, sizeof(leaf->key_pem), "%s/%s.key", ca->dir, name);
	snprintf(path, sizeof(path), "%s/%s.der", ca->dir, name);
	slurp(path, &leaf->chain_der);
	snprintf(path, sizeof(path), "%s/%s.key.der", ca->dir, name);
	slurp(path, &leaf->key_der);
}

void test_leaf_fini(struct test_leaf *leaf)
{
	buf_fini(&leaf->chain_der);
	buf_fini(&leaf->key_der);
}
