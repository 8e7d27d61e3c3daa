/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * counter: the metrics table. One row per counter; relaxed atomics, one set per process. Add a row
 * and a line that uses it.
 */
#ifndef BASE_COUNTER_H
#define BASE_COUNTER_H

#include <stdint.h>

/* X(enumerator, "name as exposed", "help") */
#define COUNTER_ROWS(X) \
	X(COUNTER_CONNECTIONS, "connections_total", "Client connections accepted") \
	X(COUNTER_CONNECTIONS_OPEN, "connections_open", "Client connections open now") \
	X(COUNTER_CONNECTIONS_SHED, "connections_shed_total", "Client connections refused for lack of descriptors or memory") \
	X(COUNTER_HANDSHAKES, "tls_handshakes_total", "TLS handshakes completed with clients") \
	X(COUNTER_HANDSHAKES_RESUMED, "tls_resumed_total", "TLS handshakes resumed by ticket") \
	X(COUNTER_HANDSHAKES_FAILED, "tls_failed_total", "TLS handshakes that failed") \
	X(COUNTER_HANDSHAKES_WAITING, "tls_waiting", "Handshakes waiting for a certificate now") \
	X(COUNTER_NAMES_REFUSED, "names_refused_total", "Handshakes refused with unrecognized_name") \
	X(COUNTER_NOT_TLS, "not_tls_total", "Connections to the TLS port that did not speak TLS") \
	X(COUNTER_CHALLENGES_ANSWERED, "acme_challenges_answered_total", "ACME challenge validations answered") \
	X(COUNTER_CHALLENGES_SOUGHT, "acme_challenges_sought_total", "Looks into the store for a challenge of another process") \
	X(COUNTER_CHALLENGES_NOT_SOUGHT, "acme_challenges_not_sought_total", "Those that were not made because there were too many") \
	X(COUNTER_REQUESTS, "requests_total", "Requests received") \
	X(COUNTER_REQUESTS_BAD, "requests_bad_total", "Requests refused as malformed") \
	X(COUNTER_UPSTREAM_CONNECTS, "upstream_connects_total", "Connections opened to upstreams") \
	X(COUNTER_UPSTREAM_REUSED, "upstream_reused_total", "Requests sent on a pooled upstream connection") \
	X(COUNTER_UPSTREAM_RETRIED, "upstream_retried_total", "Requests repeated after a stale pooled connection") \
	X(COUNTER_UPSTREAM_FAILED, "upstream_failed_total", "Requests answered with 502 or 504") \
	X(COUNTER_CERT_CACHE_HITS, "cert_cache_hits_total", "Certificates found in memory") \
	X(COUNTER_CERT_CACHE_MISSES, "cert_cache_misses_total", "Certificates looked for in the store") \
	X(COUNTER_CERT_NEGATIVE_HITS, "cert_negative_hits_total", "Names refused from the negative cache") \
	X(COUNTER_STORE_QUARANTINED, "store_quarantined_total", "Damaged files moved aside") \
	X(COUNTER_STORE_ERRORS, "store_errors_total", "Store operations that failed") \
	X(COUNTER_ASKED, "ask_requests_total", "Questions to the ask endpoint") \
	X(COUNTER_ASK_FAILED, "ask_failed_total", "Questions to which an ask endpoint gave no verdict") \
	X(COUNTER_ORDERS, "acme_orders_total", "Orders placed") \
	X(COUNTER_ORDERS_FAILED, "acme_orders_failed_total", "Orders that failed") \
	X(COUNTER_ISSUED, "acme_issued_total", "Certificates obtained") \
	X(COUNTER_SELF_CHECKS, "self_checks_total", "Handshakes with ourselves to see which certificate is served") \
	X(COUNTER_SELF_CHECKS_WRONG, "self_checks_wrong_total", "Those that met another certificate than they should, or none") \
	X(COUNTER_ACME_REQUESTS, "acme_requests_total", "Requests sent to CAs")

enum counter {
#define X(name, text, help) name,
	COUNTER_ROWS(X)
#undef X
	COUNTER_COUNT
};

void counter_add(enum counter c, int64_t n);
int64_t counter_get(enum counter c);
const char *counter_name(enum counter c);
const char *counter_help(enum counter c);

#endif
