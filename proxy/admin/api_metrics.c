/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * api_metrics: the counter table in Prometheus' text format.
 */
#include "base/counter.h"
#include "proxy/admin/api.h"

static enum err add(struct buf *out, enum counter c)
{
	const char *name = counter_name(c);
	bool is_counter = str_has_suffix(str_from(name), STR("_total"));

	return buf_addf(out, "# HELP sallyport_%s %s\n# TYPE sallyport_%s %s\nsallyport_%s %lld\n", name,
		counter_help(c), name, is_counter ? "counter" : "gauge", name,
		(long long)counter_get(c));
}

static enum err add_own(struct buf *out, const struct api_env *env)
{
	struct renewal_load renewals = renewal_load(env->renewal);
	struct issuer_load orders = issuer_load(env->issuer);

	return buf_addf(out, "# HELP sallyport_info Version\n# TYPE sallyport_info gauge\n"
		"sallyport_info{version=\"%s\"} 1\n"
		"# HELP sallyport_start_time_seconds When it started\n"
		"# TYPE sallyport_start_time_seconds gauge\nsallyport_start_time_seconds %lld\n"
		"# HELP sallyport_certificates_due_soon Certificates to be renewed this hour or the next, or late\n"
		"# TYPE sallyport_certificates_due_soon gauge\nsallyport_certificates_due_soon %u\n"
		"# HELP sallyport_jobs Orders and renewals under way\n"
		"# TYPE sallyport_jobs gauge\nsallyport_jobs %u\n"
		"# HELP sallyport_names_without_certificate Wanted names that have none\n"
		"# TYPE sallyport_names_without_certificate gauge\nsallyport_names_without_certificate %u\n",
		SALLYPORT_VERSION, (long long)(env->started_at_ms / 1000), renewals.due_soon, orders.jobs,
		names_resting(env->names, 0, NULL, NULL));
}

void api_metrics(struct api_call *c)
{
	struct buf text;
	enum err err;

	buf_init(&text, 0);
	err = add_own(&text, c->env);
	for (int i = 0; !err && i < COUNTER_COUNT; i++)
		err = add(&text, (enum counter)i);
	api_answer_text(c, "text/plain; version=0.0.4; charset=utf-8", buf_str(&text));
	buf_fini(&text);
}
