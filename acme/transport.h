/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transport: how requests reach a CA. Real life: net/http/fetch; tests: a script.
 */
#ifndef ACME_TRANSPORT_H
#define ACME_TRANSPORT_H

#include "conf/conf.h"
#include "net/http/fetch.h"

struct transport;

struct transport_ops {
	/* As fetch_start and fetch_cancel. */
	void *(*start)(struct transport *t, const struct fetch_args *args, fetch_fn *fn, void *owner);
	void (*cancel)(struct transport *t, void *call);
	/* Cancels all. */
	void (*free)(struct transport *t);
};

struct transport {
	const struct transport_ops *ops;
};

/* tls: whom it trusts; referenced. */
struct transport *transport_fetch_new(struct loop *l, struct tls_context *tls, const char *user_agent);

/* A URL a CA named, or the operator: https only, bounded. */
enum { ACME_URL = 1024 };
bool transport_url_is_fine(struct str url);

#endif
