/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * startup: a person wants to see where data lies, what is listened on and what is served; a program the
 * same as fields.
 */
#include "proxy/startup.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"

enum { SITES_TOLD = 20 };
enum { OVERLAY_MAGIC = 0x794c7630, TMPFS_MAGIC = 0x01021994, RAMFS_MAGIC = 0x858458f6 };

static const struct log area = { "control" };

static const char *const store_texts[] = {
#define X(name, text) text,
	STARTUP_STORES(X)
#undef X
};

void startup_log_setup(const struct conf *conf)
{
	bool is_text = conf->log.format == CONF_LOG_TEXT ||
		(conf->log.format == CONF_LOG_AUTO && isatty(STDERR_FILENO));

	log_setup(STDERR_FILENO, (enum log_level)conf->log.level, is_text ? LOG_TEXT : LOG_JSON);
}

static bool is_in_container(void)
{
	return access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0 ||
		getenv("KUBERNETES_SERVICE_HOST") || getenv("container");
}

enum startup_store startup_store_kind(const char *directory)
{
	struct statfs fs;

	if (statfs(directory, &fs) != 0)
		return STARTUP_STORE_OK;
	switch ((unsigned long)fs.f_type & 0xffffffffUL) {
	case OVERLAY_MAGIC:
		return is_in_container() ? STARTUP_STORE_LAYER : STARTUP_STORE_OK;
	case TMPFS_MAGIC: case RAMFS_MAGIC:
		return STARTUP_STORE_MEMORY;
	default:
		return STARTUP_STORE_OK;
	}
}

static const char *route_text(const struct conf_route *r)
{
	return r->to ? r->to->name : r->redirect ? r->redirect : "";
}

static const char *tls_text(const struct conf_site *s)
{
	switch (s->tls) {
	case CONF_TLS_AUTO: return "";
	case CONF_TLS_ON_DEMAND: return "  (certificates on demand)";
	case CONF_TLS_FILE: return "  (certificate of your own)";
	case CONF_TLS_OFF: return "  (no TLS)";
	}
	UNREACHABLE();
}

static void tell_sites(const struct conf *conf)
{
	for (unsigned i = 0; i < conf->n_sites && i < SITES_TOLD; i++) {
		const struct conf_site *s = &conf->sites[i];
		const struct conf_route *last = s->n_routes ? &s->routes[s->n_routes - 1] : NULL;

		fprintf(stderr, "%s -> %s%s%s\n", s->name, last ? route_text(last) : "nothing",
			s->n_routes > 1 ? " and other routes" : "", tls_text(s));
	}
	if (conf->n_sites > SITES_TOLD)
		fprintf(stderr, "… and %u more sites\n", conf->n_sites - SITES_TOLD);
}

static const char *buf_text(struct buf *b, const struct ports_list *l)
{
	buf_clear(b);
	if (l->n == 0 || ports_text(l, b))
		return "off";
	return buf_cstring(b);
}

static void tell_person(const struct startup *s, enum startup_store kind)
{
	struct buf text;

	buf_init(&text, 0);
	fprintf(stderr, "sallyport %s  data %s%s%s%s  config: %s\n", SALLYPORT_VERSION, s->conf->store,
		kind ? " (" : "", store_texts[kind], kind ? ")" : "", s->config);
	fprintf(stderr, "listening     %s http", buf_text(&text, &s->ports->http));
	fprintf(stderr, "   %s https (http/1.1)\n", buf_text(&text, &s->ports->https));
	tell_sites(s->conf);
	buf_fini(&text);
}

static void tell_program(const struct startup *s, enum startup_store kind)
{
	struct buf http, https;

	buf_init(&http, 0);
	buf_init(&https, 0);
	struct log_field fields[] = {
		{ .key = "version", .text = STR(SALLYPORT_VERSION) },
		{ .key = "config", .text = str_from(s->config) },
		{ .key = "store", .text = str_from(s->conf->store) },
		{ .key = "https", .text = str_from(buf_text(&https, &s->ports->https)) },
		{ .key = "http", .text = str_from(buf_text(&http, &s->ports->http)) },
		{ .key = "sites", .type = LOG_F_INT, .number = s->conf->n_sites },
		{ .key = "workers", .type = LOG_F_INT, .number = s->ports->n_workers },
		{ .key = "connections_max", .type = LOG_F_INT, .number = s->connections_max },
		{ .key = "pid", .type = LOG_F_INT, .number = getpid() },
	};

	if (kind)
		log_warn(&area, "store will not last", "store=%s why=%s", s->conf->store,
			store_texts[kind]);
	log_kv(&area, LOG_INFO, "ready", fields, ARRAY_LEN(fields));
	log_flush();
	buf_fini(&http);
	buf_fini(&https);
}

void startup_tell(const struct startup *s)
{
	enum startup_store kind = startup_store_kind(s->conf->store);

	if (isatty(STDERR_FILENO))
		tell_person(s, kind);
	tell_program(s, kind);
}
