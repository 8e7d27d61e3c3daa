/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * api: what the control socket can be asked, one row per endpoint (api.c), and what an endpoint works
 * with. Control loop only.
 */
#ifndef PROXY_ADMIN_API_H
#define PROXY_ADMIN_API_H

#include "acme/renewal.h"
#include "base/json.h"
#include "proxy/announced.h"
#include "proxy/fleet.h"
#include "proxy/names.h"
#include "proxy/permits.h"
#include "proxy/reload.h"

/* All of a running instance; outlives the server. */
struct api_env {
	struct loop *loop;
	struct conf *const *conf;      /* the one in force: a reload changes it */
	const char *config;            /* where it came from */
	struct store *store;
	const struct ports *ports;
	struct names *names;
	struct issuer *issuer;
	struct renewal *renewal;
	struct announced *announced;
	struct permits *permits;
	struct challenge_table *challenges;
	struct probes *probes;         /* the server's own */
	struct reload *reload;
	struct fleet *const *fleet;    /* started after the socket is open */
	int64_t started_at_ms;         /* wall clock */
	const unsigned *connections_max;
};

/* One request and its answer, now or later. */
struct api_call {
	const struct api_env *env;
	char name[ENTRY_NAME];         /* the path's "*", or ""; a series: "+rsa" behind it means that one alone */
	struct str query;              /* after "?" */
	const struct json *body;       /* an object, or NULL */
	/* For the endpoint's use until it answers; freed with the call (mem_release). */
	void *scratch;
};

struct api_row {
	const char *method, *path;     /* one "*" stands for a name */
	void (*fn)(struct api_call *c);
};
extern const struct api_row api_rows[];
extern const unsigned api_n_rows;

/* Exactly one of them, once. json becomes the callee's, nulled. text is borrowed. */
void api_answer(struct api_call *c, unsigned status, struct json **json);
void api_answer_text(struct api_call *c, const char *type, struct str text);
/* Status by the code: 404, 409, 429, 503 … */
void api_refuse(struct api_call *c, const struct fault *fault);

/* Nobody waits any more: what env points to may be gone; answer anything at once. */
bool api_is_orphan(const struct api_call *c);

/* A query parameter, undecoded; STR_NONE: absent. */
struct str api_query(const struct api_call *c, const char *name);
/* {"code": "SP-204", "text": …, "detail": …}: a fault for programs. */
struct json *api_fault(const struct fault *fault);
/* RFC 3339, or null for 0 and for ever. */
void api_put_time(struct json *object, const char *key, int64_t wall_ms);

/* The endpoints. */
void api_status(struct api_call *c);
void api_metrics(struct api_call *c);
void api_certs(struct api_call *c);
void api_accounts(struct api_call *c);
void api_account_wish(struct api_call *c);
void api_listed(struct api_call *c);
void api_list(struct api_call *c);
void api_name(struct api_call *c);
void api_issue(struct api_call *c);
void api_renew(struct api_call *c);
void api_add(struct api_call *c);
void api_forget(struct api_call *c);
void api_revoke(struct api_call *c);
void api_configure(struct api_call *c);
void api_plan(struct api_call *c);
void api_reload(struct api_call *c);
void api_plant(struct api_call *c);
void api_probe(struct api_call *c);

#endif
