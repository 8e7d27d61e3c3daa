/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * permits: who is asked first, and what a reply's promise is worth.
 */
#include "proxy/permits.h"

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/placement.h"

struct permits {
	struct permits_args args;
	struct conf *conf;               /* in force */
	struct conf *ask_conf;           /* ask reads it; the one in force or an equal one */
	struct ask *ask;
	struct lists *lists;
	struct promises *promises;
};

static const struct log area = { "permits" };

static void tell_misplaced(const char *name, const struct promise *promise, const struct fault *fault)
{
	struct log_field fields[] = {
		{ .key = "name", .text = str_from(name) },
		{ .key = "to", .text = str_from(promise->to) },
		{ .key = "code", .type = LOG_F_INT, .number = err_code(E_PLACEMENT) },
		{ .key = "why", .text = str_from(fault->detail) },
	};

	log_kv(&area, LOG_ERROR, "ask reply leads where it may not", fields, ARRAY_LEN(fields));
}

/* Served by another upstream than the reply says, a name would show one tenant's pages as another's: rather none
 * at all. Where no reply is heeded there is nothing to mistake. */
static enum err on_promise(void *owner, const char *name, const struct promise *promise, struct fault *fault)
{
	struct permits *p = owner;
	struct promise kept = *promise;
	struct placement at;
	enum err err;

	if (!placement_is_on(p->conf))
		kept.to[0] = 0;
	err = kept.to[0] ? placement_read(p->conf, str_from(kept.to), &at, fault) : E_OK;
	if (err) {
		tell_misplaced(name, promise, fault);
		return err;
	}
	if (kept.to[0] && !at.upstream)
		str_copy(kept.to, sizeof(kept.to), str_from(at.text));
	promises_note(p->promises, name, &kept);
	return E_OK;
}

static struct ask_args ask_args(struct permits *p, struct tls_context *trust)
{
	return (struct ask_args){ .loop = p->args.loop, .conf = &p->conf->on_demand,
		.user_agent = p->args.user_agent, .on_promise = on_promise, .owner = p, .tls = trust };
}

enum err permits_open(const struct permits_args *args, struct permits **out, struct fault *fault)
{
	struct permits *p = mem_new(sizeof(*p));
	struct ask_args ask;
	enum err err;

	p->args = *args;
	p->conf = conf_ref(args->conf);
	p->ask_conf = conf_ref(args->conf);
	ask = ask_args(p, NULL);
	err = p->conf->on_demand.n_ask ? ask_new(&ask, &p->ask, fault) : E_OK;
	if (err) {
		permits_free(&p);
	} else {
		p->promises = promises_new(args->loop, args->store, p->conf->store);
		p->lists = lists_new(&(struct lists_args){ args->loop, args->store, p->conf, args->on_change,
			args->owner });
	}
	*out = p;
	return err;
}

void permits_free(struct permits **p)
{
	if (!*p)
		return;
	ask_free(&(*p)->ask);
	lists_free(&(*p)->lists);
	promises_free(&(*p)->promises);
	conf_unref(&(*p)->ask_conf);
	conf_unref(&(*p)->conf);
	mem_free(p);
}

static void change_ask(struct permits *p, struct tls_context *trust)
{
	struct ask *before = p->ask;
	struct conf *conf = p->ask_conf;
	struct ask_args args = ask_args(p, trust);
	struct fault none = { 0 };

	p->ask = NULL;
	p->ask_conf = conf_ref(p->conf);
	/* With its trust at hand nothing is left that could fail. */
	ASSERT(!p->conf->on_demand.n_ask || ask_new(&args, &p->ask, &none) == E_OK);
	if (p->ask && before)
		ask_inherit(p->ask, before);
	ask_free(&before);
	conf_unref(&conf);
}

bool permits_use(struct permits *p, struct conf *conf, bool has_other_ask, struct tls_context *trust)
{
	struct conf *before = p->conf;

	p->conf = conf_ref(conf);
	conf_unref(&before);
	lists_use(p->lists, p->conf);
	if (has_other_ask)
		change_ask(p, trust);
	else if (p->ask)
		ask_forget_denials(p->ask);
	return has_other_ask;
}

/* ---- what they say ---- */

bool permits_may(const struct permits *p, const char *name)
{
	switch (lists_find(p->lists, name, NULL)) {
	case LISTED_ALLOWED: case LISTED_UNKNOWN:
		return true;
	case LISTED_DENIED:
		return false;
	case LISTED_NOT:
		return p->ask && ask_recall(p->ask, name) != ASK_DENY;
	}
	UNREACHABLE();
}

const char *permits_tenant(const struct permits *p, const char *name)
{
	static char tenant[ROSTER_TENANT];

	if (lists_find(p->lists, name, tenant) == LISTED_ALLOWED)
		return tenant;
	return p->ask ? ask_tenant(p->ask, name) : "";
}

const char *permits_profile(const struct permits *p, const char *name)
{
	static struct promise promise;

	promises_get(p->promises, name, &promise);
	return promise.profile;
}

struct ask *permits_ask(const struct permits *p)
{
	return p->ask;
}

struct lists *permits_lists(const struct permits *p)
{
	return p->lists;
}

struct promises *permits_promises(const struct permits *p)
{
	return p->promises;
}
