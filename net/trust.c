/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trust: loads CA certificates. The system's bundle is one file read in a tenth of the time the
 * directory of single certificates takes.
 */
#include "net/trust.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <wolfssl/ssl.h>

#include "base/check.h"
#include "base/mem.h"

static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",                /* Debian, Alpine, Arch */
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora, RHEL */
	"/etc/ssl/ca-bundle.pem",                            /* SUSE */
	"/etc/ssl/cert.pem",
};

static enum err load_system(WOLFSSL_CTX *ctx, struct fault *fault)
{
	for (unsigned i = 0; i < ARRAY_LEN(bundles); i++) {
		/* One root that is expired or of an unknown kind must not cost us all the
		 * others. */
		if (access(bundles[i], R_OK) == 0 &&
			wolfSSL_CTX_load_verify_locations_ex(ctx, bundles[i], NULL,
				WOLFSSL_LOAD_FLAG_IGNORE_ERR) == WOLFSSL_SUCCESS)
			return E_OK;
	}
	if (wolfSSL_CTX_load_system_CA_certs(ctx) == WOLFSSL_SUCCESS)
		return E_OK;
	return fault_set(fault, E_TRUST,
		"no CA certificates found on this system; "
		"install the package ca-certificates");
}

enum err trust_load(WOLFSSL_CTX *ctx, const char *file, struct fault *fault)
{
	fault_during(fault, "loading trusted CA certificates");
	if (!file)
		return load_system(ctx, fault);
	if (access(file, R_OK) != 0)
		return fault_set(fault, E_FILE, "%s: %s", file, strerror(errno));
	/* Whoever named it trusts it, whatever our clock says: with a wrong one we would not even start,
	 * and serve nothing of what is stored. The peer's own certificate is still held to its dates. */
	int got = wolfSSL_CTX_load_verify_locations_ex(ctx, file, NULL, WOLFSSL_LOAD_FLAG_DATE_ERR_OKAY);
	if (got != WOLFSSL_SUCCESS)
		return fault_set(fault, E_TRUST, "%s: no PEM file of CA certificates (%s)", file,
			wolfSSL_ERR_reason_error_string((unsigned long)got));
	return E_OK;
}

static const char *system_bundle(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(bundles); i++)
		if (access(bundles[i], R_OK) == 0)
			return bundles[i];
	return "/etc/ssl/certs";
}

void trust_stamp_init(struct trust_stamp *s, const char *file)
{
	struct stat st;

	*s = (struct trust_stamp){.file = file ? mem_strdup(file) : NULL};
	if (stat(file ? file : system_bundle(), &st) != 0)
		return;
	s->inode = st.st_ino;
	s->size = (uint64_t)st.st_size;
	s->changed_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

void trust_stamp_fini(struct trust_stamp *s)
{
	mem_free(&s->file);
}

bool trust_stamp_is_same(const struct trust_stamp *a, const struct trust_stamp *b)
{
	return (a->file && b->file ? strcmp(a->file, b->file) == 0 : a->file == b->file) &&
	       a->inode == b->inode && a->size == b->size && a->changed_ns == b->changed_ns;
}
