/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * issuer_plan: what a configuration's CAs need of files, read before it takes effect.
 */
#include "acme/issuer_plan.h"

#include "acme/budget.h"
#include "base/mem.h"
#include "net/tls_context.h"

void issuer_plan_free_trusts(struct tls_context ***trusts, unsigned n)
{
	for (unsigned i = 0; *trusts && i < n; i++)
		if ((*trusts)[i])
			tls_context_unref(&(*trusts)[i]);
	mem_free(trusts);
}

void issuer_plan_free(struct issuer_plan **plan)
{
	struct issuer_plan *p = *plan;
	if (!p)
		return;
	*plan = NULL;
	issuer_plan_free_trusts(&p->trusts, p->n);
	conf_unref(&p->conf);
	mem_free(&p);
}

static enum err read_trust(const struct conf_ca *ca, struct tls_context **out, struct fault *fault)
{
	struct tls_client_args args = { .trust_file = ca->trust };
	if (ca->is_internal)
		return E_OK;
	fault_clear(fault);
	enum err err = tls_context_client(&args, out, fault);
	if (err)
		fault_during(fault, "preparing the CA %s", ca->name);
	return err;
}

enum err issuer_prepare(struct conf *conf, struct issuer_plan **out, struct fault *fault)
{
	const struct conf_acme *acme = &conf->acme;
	enum err err = E_OK;
	*out = NULL;
	if (!acme->n_ca)
		return fault_set(fault, E_CONFIG, "acme.ca names no CA");
	struct issuer_plan *p = mem_new(sizeof *p);
	p->conf = conf_ref(conf);
	const struct conf_ca **cas = mem_new(2 * acme->n_ca * sizeof *cas);
	p->n = budget_cas(acme, cas);
	p->trusts = mem_new(p->n * sizeof(struct tls_context *));
	for (unsigned n = 0; n < p->n && !err; n++)
		err = read_trust(cas[n], &p->trusts[n], fault);
	mem_free(&cas);
	if (err)
		issuer_plan_free(&p);
	*out = p;
	return err;
}
