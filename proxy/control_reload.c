/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * control_reload: another configuration takes the place of the one in force. All that can fail was done by
 * reload on the work queue; nothing here fails.
 */
#include "proxy/control_private.h"

#include "base/check.h"
#include "net/addr.h"
#include "proxy/descriptors.h"
#include "proxy/startup.h"

static void look(void *owner, struct reload_running *out)
{
	struct control *c = owner;

	*out = (struct reload_running){ c->conf, c->snapshot, &c->ports };
}

static struct ca *next_adviser(void *owner, const struct ca *before)
{
	return issuer_successor(((struct control *)owner)->issuer, before);
}

static void move_advisers(void *owner)
{
	struct control *c = owner;

	renewal_move(c->renewal, next_adviser, c);
}

/* True: what failed before may work now. */
static bool change_cas(struct control *c, struct reload_next *next)
{
	if (!next->issuer)
		return false;
	issuer_use(c->issuer, &(struct issuer_use_args){ .plan = &next->issuer,
		.can_tls_alpn = next->ports.https.n > 0, .can_http = next->ports.http.n > 0,
		.moving = move_advisers, .owner = c });
	issuer_forgive_all(c->issuer);
	return true;
}

static bool is_same_list(const struct ports_list *a, const struct ports_list *b)
{
	bool is_same = a->n == b->n;

	for (unsigned i = 0; is_same && i < a->n; i++)
		is_same = addr_equal(&a->at[i], &b->at[i]);
	return is_same;
}

static void change_self_check(struct control *c, const struct ports_list *before)
{
	bool is_other = !is_same_list(before, &c->ports.https);

	if (!c->self_check || is_other || c->self_check_ms != c->conf->acme.self_check_ms) {
		self_check_free(&c->self_check);
		control_begin_self_check(c);
	}
}

static void change_ports(struct control *c, struct ports *next)
{
	struct ports before = c->ports;

	c->ports = *next;
	*next = (struct ports){ 0 };
	control_count_connections(c, descriptors_raise());
	fleet_reload(c->fleet, c->snapshot, &c->ports, c->connections_max);
	change_self_check(c, &before.https);
	ports_close(&before);
}

/* Workers first: they refuse what they do not know, control answers what it knows. */
static void commit(void *owner, struct reload_next *next)
{
	struct control *c = owner;
	struct conf *conf = c->conf;
	struct snapshot *snapshot = c->snapshot;
	struct names_reload_args args = { .conf = next->conf, .router = next->snapshot->router, .diff = next->diff };

	c->conf = next->conf;
	c->snapshot = next->snapshot;
	next->conf = NULL;
	next->snapshot = NULL;
	startup_log_setup(c->conf);
	args.forgives = change_cas(c, next);
	args.asks_again = permits_use(c->permits, c->conf, next->has_other_ask, next->ask_trust);
	change_ports(c, &next->ports);
	names_reload(c->names, &args);
	snapshot_unref(&snapshot);
	conf_unref(&conf);
}

void control_begin_reload(struct control *c)
{
	c->reload = reload_new(&(struct reload_args){
		.loop = c->loop, .sources = c->sources, .tickets = c->tickets, .issuer = c->issuer,
		.look = look, .commit = commit, .owner = c,
	});
}
