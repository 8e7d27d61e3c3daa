/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * chains: no I/O; order does the asking.
 */
#include "acme/chains.h"

#include "acme/link.h"
#include "base/buf.h"
#include "base/mem.h"
#include "certstore/x509.h"

enum { CHAIN_MAX = 512 * 1024 };

struct chains {
	struct buf pem;
	unsigned n, next;
	char urls[CHAINS_MAX][ACME_URL];
};

struct chains *chains_new(struct str pem, const struct headers *headers)
{
	struct chains *c = mem_new(sizeof *c);
	buf_init(&c->pem, CHAIN_MAX);
	buf_add(&c->pem, pem);  /* what does not fit is refused as incomplete by who checks it */
	for (unsigned i = 0; i < headers->n; i++) {
		struct str value = headers->at[i].value, url;
		if (!str_equal_nocase(headers->at[i].name, STR("link")))
			continue;
		while (link_next(&value, "alternate", &url)) {
			if (url.at && c->n < CHAINS_MAX && transport_url_is_fine(url))
				str_copy(c->urls[c->n++], ACME_URL, url);
		}
	}
	return c;
}

void chains_free(struct chains **c)
{
	if (!*c)
		return;
	buf_fini(&(*c)->pem);
	mem_free(c);
}

struct str chains_default(const struct chains *c)
{
	return buf_str(&c->pem);
}

const char *chains_next_url(struct chains *c)
{
	return c->next < c->n ? c->urls[c->next++] : NULL;
}

static bool is_issued_by(struct str certificate, const char *common_name)
{
	struct x509_facts facts;
	bool is = !x509_parse(certificate, &facts, NULL) && str_is(str_from(facts.issuer), common_name);
	x509_facts_fini(&facts);
	return is;
}

bool chains_leads_to(struct str pem, const char *common_name)
{
	struct buf der;
	bool leads = false;
	buf_init(&der, CHAIN_MAX);
	if (!x509_chain_from_pem(pem, &der, NULL)) {
		struct str rest = buf_str(&der), leaf = x509_chain_next(&rest), top = leaf, next;
		while ((next = x509_chain_next(&rest)).at)
			top = next;
		leads = is_issued_by(leaf, common_name) || is_issued_by(top, common_name);
	}
	buf_fini(&der);
	return leads;
}
