/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * conf: plain structs, all the operator can say. Built by conf/load, immutable afterwards, shared by
 * reference count. Every string and array lives in the conf's arena. Durations are milliseconds,
 * sizes bytes. Texts are NUL-terminated; NULL means not given.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

/* An address as written and checked: "127.0.0.1:80", "[::1]:80", "web:3000" (host name), ":443" (all
 * addresses, both families), "unix:/run/app.sock". */
enum conf_addr_kind { CONF_ADDR_IP, CONF_ADDR_ANY, CONF_ADDR_NAME, CONF_ADDR_UNIX };
struct conf_addr {
	enum conf_addr_kind kind;
	const char *text;  /* as written */
	const char *host;  /* IP literal without brackets, host name, or socket path */
	uint16_t port;     /* 0 for a socket path */
};

struct conf_addrs {
	struct conf_addr *at;
	unsigned n;
};

struct conf_listen {
	struct conf_addrs https, http;  /* each may be empty ("off") */
	int backlog;
};

struct conf_timeouts {
	int64_t client_hello_ms;   /* accept to complete ClientHello */
	int64_t handshake_ms;      /* the rest of the handshake, without the wait for a certificate */
	int64_t head_ms;           /* first byte of a request to the end of its head */
	int64_t body_ms;           /* longest silence in a body, either side, while we want bytes */
	int64_t idle_ms;           /* keep-alive client connection without a request */
	int64_t write_ms;          /* longest time a client or upstream takes no byte we have for it */
	int64_t connect_ms;        /* upstream: dial incl. DNS and TLS */
	int64_t response_ms;       /* upstream: request sent to response head */
	int64_t upstream_idle_ms;  /* pooled upstream connection unused */
	int64_t tunnel_ms;         /* silence in both directions of an upgraded connection */
	int64_t drain_ms;          /* SIGTERM to exit */
};

struct conf_limits {
	uint64_t head_bytes;           /* request or response head */
	unsigned headers;              /* header fields in one head */
	uint64_t body_bytes;           /* request body; 0 = no limit */
	unsigned connections;          /* client connections in the process; 0 = from the fd limit */
	unsigned upstream_idle;        /* pooled idle connections per upstream server and worker */
	uint64_t buffer_bytes;         /* bytes held per direction of one exchange */
	uint64_t cert_cache_bytes;     /* prepared certificates, all workers together */
	unsigned requests_per_connection; /* then Connection: close; 0 = no limit */
};

/* So many in so long; n 0: no limit. */
struct conf_quota {
	unsigned n;
	int64_t per_ms;
	bool is_given;
};

enum conf_key_type { CONF_KEY_P256, CONF_KEY_P384, CONF_KEY_RSA2048, CONF_KEY_RSA3072,
	CONF_KEY_RSA4096 };
/* The types of a name's keys, enum conf_key_type: one, or two of which one is ECDSA and one RSA; the
 * preferred one first. n 0: not given. */
enum { CONF_KEYS = 2 };
struct conf_keys {
	uint8_t n, at[CONF_KEYS];
};
enum conf_challenge { CONF_TLS_ALPN_01, CONF_HTTP_01, CONF_DNS_01, CONF_DNS_PERSIST_01, CONF_CHALLENGES };

/* What the CA allows us; not given: what is known of it. */
struct conf_ca_limits {
	struct conf_quota orders, registered_domain, same_names, failures;
};

/* Where other CAs have the URL of their directory. */
#define CONF_CA_INTERNAL "internal:"

struct conf_ca {
	const char *name;          /* "letsencrypt", or the directory's host for others */
	const char *directory;     /* https URL, or CONF_CA_INTERNAL */
	const char *trust;         /* PEM file with the roots for the CA's own API; NULL: system store */
	const char *eab_kid;
	const char *eab_hmac;      /* base64url or base64, as written */
	const char *profile;
	bool profile_required;     /* no certificate rather than one of another profile */
	const char *preferred_chain;
	struct conf_ca_limits limits;
	bool is_internal;          /* our own, for names that no public CA can certify */
	int64_t lifetime_ms;       /* of what it signs; 0: its default */
	struct conf_ca *staging;   /* where orders of names that failed are rehearsed; NULL: nowhere */
};

/* How records for challenges get into the DNS: exec, or server (rfc2136), or neither. */
struct conf_dns {
	const char **exec;         /* program and arguments */
	unsigned n_exec;
	int64_t exec_ms;
	struct conf_addr server;   /* text NULL: none */
	const char *zone;          /* NULL: found by SOA */
	const char *tsig_name, *tsig_secret;
	int tsig_algorithm;
	int64_t ttl_ms, propagation_ms, every_ms;
	const char **nameservers;  /* "address:port" */
	unsigned n_nameservers;
};

struct conf_acme {
	struct conf_ca *ca;
	unsigned n_ca;
	enum conf_challenge challenges[CONF_CHALLENGES];  /* order of preference */
	unsigned n_challenges;
	struct conf_dns dns;
	struct conf_keys keys;
	const char *email;
	const char *trust;         /* for those of the CAs that have none of their own */
	int64_t retry_min_ms, retry_max_ms;  /* backoff of a failing name: first step and cap */
	unsigned max_orders;                 /* in flight */
	int64_t self_check_ms;               /* 0: never */
	bool rehearse;                       /* at the CAs' stagings */
	bool ari;                            /* renewal advice of the CAs is followed */
};

/* What an ask endpoint that allows a name which cannot exist means. */
enum conf_canary { CONF_CANARY_WARN, CONF_CANARY_REFUSE, CONF_CANARY_OFF };

enum { CONF_ASK_MAX = 4 };

struct conf_on_demand {
	bool enabled;              /* some site says "tls": "on_demand" */
	const char *ask[CONF_ASK_MAX];  /* http(s) URLs, the next one when the one before gives no verdict */
	unsigned n_ask;            /* 0: nobody is asked */
	const char *names_file;    /* lists names that are allowed; NULL: none */
	/* Where the "to" of a reply may lead; both empty: it is not heeded. */
	struct conf_cidr *to_networks;
	unsigned n_to_networks;
	const char **to_upstreams; /* names of upstreams */
	unsigned n_to_upstreams;
	bool listed_only;          /* no URL and no file is fine: names are told over the control socket */
	enum conf_canary canary;
	int64_t ask_timeout_ms;
	int64_t allow_ms, deny_ms, if_ask_is_down_ms;
	int64_t wait_ms;
	unsigned max_waiting;      /* handshakes, process-wide */
	unsigned max_waiting_per_name;
	unsigned max_labels;
	unsigned negative_names;   /* entries of the negative cache */
	struct conf_quota per_tenant, per_registered_domain; /* new names */
	int64_t forget_after_ms;   /* from the end of the certificate of a name nobody wants; 0: never */
	unsigned new_names_per_minute; /* token bucket; burst the same; 0: no limit */
};

enum conf_balance { CONF_BALANCE_RANDOM_TWO, CONF_BALANCE_ROUND_ROBIN, CONF_BALANCE_LEAST_REQUESTS,
	CONF_BALANCE_FIRST };

struct conf_server {
	struct conf_addr addr;
	unsigned weight;           /* 1..1000 */
	bool backup;
};

struct conf_health {
	const char *path;          /* NULL: no active checks */
	int64_t every_ms, timeout_ms;
	unsigned down_after, up_after;
};

/* How one server fails out of rotation by its answers to real requests. */
struct conf_eject {
	unsigned after;            /* consecutive connect failures; 0: never */
	int64_t for_ms;
};

struct conf_upstream {
	const char *name;          /* key in "upstreams", or the address as written in a site */
	struct conf_server *servers;
	unsigned n_servers;
	enum conf_balance balance;
	struct conf_health health;
	struct conf_eject eject;
	bool tls;                  /* https:// */
	const char *tls_name;      /* SNI and name to verify; NULL: the host as written */
	const char *tls_trust;     /* PEM file; NULL: system store */
	int64_t resolve_every_ms;  /* host names are looked up again after this long */
	const char *host;          /* Host to send; NULL: the client's */
	struct conf_timeouts timeouts;  /* the global ones with this upstream's overrides */
};

struct conf_route {
	const char *path;          /* exact path, or prefix ending in an asterisk */
	const struct conf_upstream *to;   /* or NULL with redirect */
	const char *redirect;      /* URL; the request's path and query are appended unless it has a path */
	int redirect_status;       /* 301, 302, 307, 308 */
};

enum conf_site_tls { CONF_TLS_AUTO, CONF_TLS_ON_DEMAND, CONF_TLS_FILE, CONF_TLS_OFF };
enum conf_site_http { CONF_HTTP_REDIRECT, CONF_HTTP_SERVE, CONF_HTTP_REFUSE };

struct conf_site {
	const char *name;          /* "app.example.com" (lower-case A-label), "*.example.com", "*", or an IP */
	bool is_ip;
	struct conf_keys keys;     /* of its certificates; n 0: acme's */
	enum conf_site_tls tls;
	const char *cert, *key;    /* PEM files, with CONF_TLS_FILE */
	enum conf_site_http http;  /* what the plain listener does for this host */
	bool is_default;           /* serves clients without SNI */
	struct conf_route *routes; /* longest path first, exact before prefix */
	unsigned n_routes;
};

struct conf_cidr {
	uint8_t addr[16];          /* IPv4 as ::ffff:a.b.c.d */
	uint8_t bits;              /* of 128 */
};

enum conf_log_format { CONF_LOG_AUTO, CONF_LOG_TEXT, CONF_LOG_JSON };

struct conf_log {
	int level;                 /* enum log_level */
	enum conf_log_format format;
	bool access;
};

struct conf_admin {
	const char *socket;        /* path, or "off"; NULL: control.sock in the store */
};

/* Where an effective value came from, for "sallyport config". */
struct conf_origin {
	const char *path;          /* JSON path, "acme.email" */
	const char *origin;        /* "default", "file:line", "environment NAME", "command line" */
};

struct conf {
	struct arena arena;
	atomic_uint refs;

	struct conf_listen listen;
	struct conf_timeouts timeouts;
	struct conf_limits limits;
	struct conf_acme acme;
	struct conf_on_demand on_demand;
	struct conf_log log;
	struct conf_admin admin;
	const char *email;         /* for the accounts; acme.email wins over it */
	const char *store;         /* directory */
	const char *resolver;      /* "address:port" of a DNS server; NULL: the system's */
	unsigned workers;          /* 0: one per core */
	const char *tls_min;       /* "1.2" or "1.3" */
	struct conf_cidr *trusted_proxies;
	unsigned n_trusted_proxies;
	struct conf_upstream *upstreams;
	unsigned n_upstreams;
	struct conf_site *sites;
	unsigned n_sites;
	bool has_site_keys;        /* some site has key types of its own */
	struct conf_origin *origins;
	unsigned n_origins;
};

static inline bool conf_key_is_rsa(enum conf_key_type type)
{
	return type >= CONF_KEY_RSA2048;
}

/* Of the certificates that are obtained for a site; NULL: for a name without one. Borrowed. */
static inline const struct conf_keys *conf_keys_of(const struct conf *c, const struct conf_site *site)
{
	return site && site->keys.n ? &site->keys : &c->acme.keys;
}

/* Whether records can be set at all. */
static inline bool conf_dns_is_set(const struct conf_dns *d)
{
	return d->n_exec || d->server.text;
}

/* One problem, ready to print: "FILE:LINE:COLUMN: PATH: what is wrong; what would be right". */
struct conf_problem {
	char text[640];
};

enum { CONF_PROBLEMS = 16 };

struct conf_problems {
	struct conf_problem at[CONF_PROBLEMS];
	unsigned n;
};

struct conf *conf_ref(struct conf *c);
/* Frees at the last reference; nulls the caller's pointer. Any thread. */
void conf_unref(struct conf **c);

#endif
