/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Door: what a name server, or somebody in its place, sends.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "acme/dns_persist.h"
#include "acme/dns_update.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void try_name(const char *name)
{
	struct buf b;

	ASSERT(strlen(name) < DNS_NAME);
	for (const char *c = name; *c; c++)
		ASSERT((unsigned char)*c > ' ' && (unsigned char)*c < 127 && !(*c >= 'A' && *c <= 'Z'));
	buf_init(&b, 0);
	ASSERT(dns_put_name(&b, name) == E_OK && b.len <= 255);
	buf_fini(&b);
}

static void try_record(const struct dns_reader *r, const struct dns_record *record)
{
	char name[DNS_NAME];
	size_t len;
	struct buf text;

	try_name(record->name);
	if (dns_rdata_name(r, record, name, &len) == E_OK) {
		try_name(name);
		ASSERT(len > 0 && len <= record->rdata.len);
	}
	buf_init(&text, DNS_MESSAGE_MAX);
	if (dns_rdata_text(record, &text) == E_OK)
		(void)dns_persist_permits(buf_str(&text), "ca.example; accounturi=x", 1);
	buf_fini(&text);
}

static void walk(struct str message)
{
	struct dns_reader r;
	struct dns_record record;
	enum err err = dns_read(&r, message);
	size_t end = 0;

	if (err)
		return;
	try_name(r.question);
	for (;;) {
		err = dns_next(&r, &record);
		if (err)
			break;
		ASSERT(record.begins_at >= end && record.rdata.at + record.rdata.len <= message.at + message.len);
		end = record.begins_at + 1;
		try_record(&r, &record);
	}
	ASSERT(err == E_NOT_FOUND || err == E_PARSE);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const struct dns_key key = { "key.example.com", { "0123456789abcdef", 16 } };
	static const unsigned char mac[DIGEST_SHA256];
	static const char query[] = "\x12\x34\0\0\0\1\0\0\0\0\0\0\1a\0\0\x10\0\1";
	struct fault fault = { 0 };

	walk(str_of(bytes, n));
	(void)dns_is_answer(str_of(bytes, n), str_of(query, sizeof(query) - 1));
	ASSERT(dns_verify(str_of(bytes, n), &key, 1700000000000, mac, &fault) == E_DNS);
	return 0;
}
