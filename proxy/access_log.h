/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * access_log: one line per exchange. Never a query, a header or a body: they carry secrets.
 */
#ifndef PROXY_ACCESS_LOG_H
#define PROXY_ACCESS_LOG_H

#include "base/err.h"
#include "base/str.h"
#include "proxy/peer.h"

/* Filled as the exchange goes. Texts live as long as the exchange. Times are monotonic microseconds, taken
 * only when is_on; 0: did not happen. */
struct access_record {
	const struct peer *peer;
	struct str id, host, method, path;
	const char *upstream;
	unsigned status;            /* sent to the client; 0: none */
	enum err err;
	uint64_t bytes_in, bytes_out;
	int64_t started_us, connected_us, answered_us;
	bool is_on;
};

/* The clock, when this record wants times. */
int64_t access_log_now_us(const struct access_record *r);
void access_log_write(const struct access_record *r);

#endif
