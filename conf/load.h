/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * load: file, environment and command line -> a checked, reference-counted conf. Blocking (reads
 * files); main thread before the loops run, or the work queue.
 */
#ifndef CONF_LOAD_H
#define CONF_LOAD_H

#include "base/buf.h"
#include "base/str.h"
#include "conf/conf.h"

struct load_args {
	const char *file;               /* NULL: none (environment and overrides only) */
	char *const *environment;       /* NULL-terminated "NAME=value"; NULL: none. SALLYPORT_* is read */
	const char *const *overrides;   /* NULL-terminated "json.path=text" from the command line, or NULL */
	/* "proxy HOST UPSTREAM": a site of its own, or NULL */
	const char *proxy_host, *proxy_to;
};

/* E_CONFIG with at least one problem, E_FILE when the file cannot be read, or E_OK. */
enum err load_conf(const struct load_args *args, struct conf **out, struct conf_problems *problems);
/* The same from text in memory; name is used in messages. For tests, fuzzing and the admin API. */
enum err load_text(struct str text, const char *name, const struct load_args *args, struct conf **out,
	struct conf_problems *problems);
/* Enough to find the instance that runs by these sources: "store" and "admin.socket", also where the rest is
 * wrong or no JSON at all; nothing else in it means anything. Never NULL. */
struct conf *load_where(const struct load_args *args);
/* Where "sallyport run" looks without -c: "sallyport.json" here, then the system's directory. NULL
 * when neither exists. */
const char *load_default_file(void);

/* Effective configuration as JSON text, each value with its origin when with_origin. Secrets are
 * replaced by "(set)". */
enum err load_print(const struct conf *c, bool with_origin, struct buf *out);

#endif
