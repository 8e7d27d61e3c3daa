/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report: what is known of one name, as JSON: from the store, and from a running instance if there is one.
 *
 *   UNKNOWN ─► QUEUED ─► ORDERING ─► VALIDATING ─┬─► HELD ─► RENEWING ─┬─► HELD
 *      │          ▲           ▲                    │                     │
 *      │          └───────────┴────── FAILING ◄────┴─────────────────────┤  its own fault; the next has a time
 *      │                              PARKED  ◄──────────────────────────┘  the CA's, the store's, DNS's
 *      └─► DENIED  no site, or ask said no            QUARANTINED  what the store had is damaged
 */
#ifndef PROXY_ADMIN_REPORT_H
#define PROXY_ADMIN_REPORT_H

#include "acme/failure.h"
#include "acme/issuer.h"
#include "base/json.h"
#include "certstore/entry.h"
#include "certstore/store.h"

#define REPORT_STATES(X) \
	X(REPORT_UNKNOWN, "unknown") \
	X(REPORT_DENIED, "denied") \
	X(REPORT_QUEUED, "queued") \
	X(REPORT_ORDERING, "ordering") \
	X(REPORT_VALIDATING, "validating") \
	X(REPORT_HELD, "held") \
	X(REPORT_RENEWING, "renewing") \
	X(REPORT_PARKED, "parked") \
	X(REPORT_FAILING, "failing") \
	X(REPORT_QUARANTINED, "quarantined")

enum report_state {
#define X(name, text) name,
	REPORT_STATES(X)
#undef X
};

/* What a running instance adds. */
struct report_live {
	bool is_running;
	const struct conf *conf;       /* of this moment; NULL: everything is going down */
	enum report_state state;       /* REPORT_UNKNOWN: the store decides */
	bool is_under_way;             /* state is one of work being done now */
	const char *activity;          /* static text, or NULL */
	const char *rehearsal;         /* the staging where that is done, or NULL */
	int64_t since_ms;              /* wall clock; 0: not known */
	/* "configured", "on demand", "announced", "listed", "own certificate", "no site" */
	const char *wanted;
	const char *scope;             /* parked: "ca", "store", "ask", "list", "limits", "dns" */
	struct fault cause;            /* of a refusal; E_OK: none */
	int64_t until_ms;              /* of the refusal */
	const struct failure *failure; /* newer than the store's; NULL */
	const struct issuer *issuer;   /* who knows what is left of the limits; NULL: the store does */
	const char *tenant;            /* of the name, or NULL */
};

struct report;
/* Asked when the store has answered, so that both are of the same moment. NULL: nothing runs. */
typedef void report_look_fn(void *owner, const char *name, struct report_live *out);
/* json is the callee's. */
typedef void report_fn(void *owner, struct json *json);

struct report_args {
	struct store *store;
	const struct conf *conf;       /* outlives report_start, and without look the report */
	const char *name;
	report_look_fn *look;
	report_fn *fn;
	void *owner;
};
/* Never calls back before it returns. The callback always comes. */
void report_start(const struct report_args *args);

#endif
