/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * control_private: what control.c and control_reload.c know of struct control. No other file includes it.
 *
 *   PREPARING ──► RUNNING ── SIGTERM, SIGINT ──► DRAINING ──┬─ all workers empty ─────► STOPPED
 *       │                                                   ├─ deadline ──────────────►
 *       └─ any step failed: undone, the fault is the result └─ second signal ─────────►
 */
#ifndef PROXY_CONTROL_PRIVATE_H
#define PROXY_CONTROL_PRIVATE_H

#include "acme/renewal.h"
#include "net/deadline.h"
#include "net/mailbox.h"
#include "proxy/admin/server.h"
#include "proxy/announced.h"
#include "proxy/control.h"
#include "proxy/fleet.h"
#include "proxy/foreign.h"
#include "proxy/names.h"
#include "proxy/permits.h"
#include "proxy/reload.h"
#include "proxy/self_check.h"

#define USER_AGENT "sallyport/" SALLYPORT_VERSION

#define CONTROL_STATES(X) \
	X(PREPARING, "preparing") \
	X(RUNNING, "running") \
	X(DRAINING, "draining") \
	X(STOPPED, "stopped")

enum control_state {
#define X(name, text) name,
	CONTROL_STATES(X)
#undef X
};

struct control {
	enum control_state state;
	struct conf *conf;
	const char *config;
	struct load_args sources;
	unsigned connections_max;
	struct loop *loop;
	struct mailbox *mailbox;
	struct store *store;
	struct ports ports;
	struct tls_tickets *tickets;
	struct snapshot *snapshot;
	struct challenge_table *challenges;
	struct foreign *foreign;
	struct issuer *issuer;
	struct renewal *renewal;
	struct permits *permits;
	struct reload *reload;
	struct names *names;
	struct fleet *fleet;
	struct announced *announced;
	struct admin_server *admin;
	struct audit *audit;
	struct self_check *self_check;   /* NULL: nothing to shake hands with, or not wanted */
	int64_t self_check_ms;           /* of it */
	bool is_healing;
	struct deadline rotation, drain;
	struct loop_task halt;
};

/* How many clients fit into so many descriptors. */
void control_count_connections(struct control *c, unsigned limit);
/* Does nothing where there is nothing to shake hands with, or it is not wanted. */
void control_begin_self_check(struct control *c);
/* Another configuration while RUNNING. */
void control_begin_reload(struct control *c);

#endif
