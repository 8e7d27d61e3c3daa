/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * access_log: the fields and their order.
 */
#include "proxy/access_log.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

static const struct log area = { "access" };

int64_t access_log_now_us(const struct access_record *r)
{
	return r->is_on ? clock_mono_us() : 0;
}

static struct log_field text(const char *key, struct str value)
{
	return (struct log_field){ .key = key, .type = LOG_F_STR, .text = value };
}

static struct log_field number(const char *key, uint64_t value)
{
	return (struct log_field){ .key = key, .type = LOG_F_INT, .number = (int64_t)value };
}

static struct log_field time_between(const char *key, int64_t from_us, int64_t to_us)
{
	return (struct log_field){ .key = key, .type = LOG_F_MS, .number = to_us - from_us };
}

static unsigned put_times(struct log_field *f, const struct access_record *r)
{
	unsigned n = 0;

	f[n++] = time_between("total_ms", r->started_us, clock_mono_us());
	if (r->connected_us)
		f[n++] = time_between("connect_ms", r->started_us, r->connected_us);
	if (r->answered_us)
		f[n++] = time_between("first_byte_ms", r->started_us, r->answered_us);
	return n;
}

static unsigned put_tls(struct log_field *f, const struct peer *peer)
{
	if (!peer->is_tls)
		return 0;
	f[0] = text("tls", str_from(peer->tls_version));
	f[1] = text("group", str_from(peer->tls_group));
	f[2] = text("resumed", peer->is_resumed ? STR("yes") : STR_NONE);
	return 3;
}

void access_log_write(const struct access_record *r)
{
	struct log_field f[20];
	char ip[ADDR_IP_TEXT], code[16];
	struct str path;
	unsigned n = 0;

	if (!r->is_on)
		return;
	addr_small_text(ip, &r->peer->addr);
	snprintf(code, sizeof(code), "SP-%d", err_code(r->err));
	str_cut(r->path, '?', &path);
	f[n++] = text("id", r->id);
	f[n++] = text("client", str_from(ip));
	f[n++] = text("host", r->host);
	f[n++] = text("method", r->method);
	f[n++] = text("path", path);
	f[n++] = number("status", r->status);
	f[n++] = number("in", r->bytes_in);
	f[n++] = number("out", r->bytes_out);
	n += put_times(f + n, r);
	n += put_tls(f + n, r->peer);
	f[n++] = text("upstream", str_from(r->upstream));
	f[n++] = text("err", r->err ? str_from(code) : STR_NONE);
	log_kv(&area, LOG_INFO, "request", f, n);
}
