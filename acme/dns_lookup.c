/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns_lookup: one question after the other. Recursive ones go to the configured resolver or the system's,
 * the others straight to a server.
 */
#include "acme/dns_lookup.h"

#include <stdio.h>

#include "acme/dns_persist.h"
#include "base/check.h"
#include "base/clock.h"
#include "net/dns_exchange.h"
#include "net/random.h"
#include "net/resolve.h"

enum { RESOLVERS = 4, ANSWER_MS = 3000, DNS_PORT = 53, RECORDS_MAX = 256 };

struct question {
	const char *name;
	unsigned type;
	const struct addr *server;      /* NULL: the resolvers, recursively */
};

/* ---- asking ---- */

/* An answer that says something: records, or that there are none. */
static enum err check_rcode(struct str answer, const struct question *q, struct fault *fault)
{
	struct dns_reader r;
	char text[16];
	if (dns_read(&r, answer))
		return fault_set(fault, E_DNS, "%s %s: malformed answer", q->name, dns_type_text(q->type));
	unsigned rcode = r.header.flags & DNS_RCODE_MASK;
	if (rcode == DNS_NOERROR || rcode == DNS_NXDOMAIN)
		return E_OK;
	return fault_set(fault, E_DNS, "%s %s: the name server answers %s", q->name,
		dns_type_text(q->type), dns_rcode_text(text, rcode));
}

static enum err ask_one(const struct question *q, const struct addr *to, const dns_until *until,
	struct buf *answer, struct fault *fault)
{
	int64_t left_ms = dns_left_ms(until, ANSWER_MS);
	struct buf query;
	uint16_t id;
	char where[ADDR_TEXT];
	random_bytes(&id, sizeof id);
	addr_text(where, to);
	if (!left_ms)
		return fault_set(fault, E_DNS, "%s %s: out of time", q->name, dns_type_text(q->type));
	buf_init(&query, DNS_MESSAGE_MAX);
	enum err err = dns_put_query(&query, id, q->name, q->type, q->server ? 0 : DNS_RECURSE);
	if (!err)
		err = dns_exchange(&(struct dns_exchange){ .to = to, .message = buf_str(&query),
			.over = DNS_OVER_UDP, .timeout_ms = left_ms }, answer);
	buf_fini(&query);
	if (err)
		return fault_set(fault, E_DNS, "%s %s: no answer from %s: %s", q->name,
			dns_type_text(q->type), where, err_text(err));
	return check_rcode(buf_str(answer), q, fault);
}

static enum err ask(const struct question *q, const dns_until *until, struct buf *answer,
	struct fault *fault)
{
	struct addr resolvers[RESOLVERS];
	if (q->server)
		return ask_one(q, q->server, until, answer, fault);
	unsigned n = resolve_servers(resolvers, RESOLVERS);
	enum err err = n ? E_OK : fault_set(fault, E_DNS, "no resolver is known");
	for (unsigned i = 0; i < n; i++) {
		err = ask_one(q, &resolvers[i], until, answer, fault);
		if (!err)
			break;
	}
	return err;
}

/* Calls take for every record of the answer until it says false. */
static void each_record(struct str answer, bool (*take)(void *owner, const struct dns_reader *r,
	const struct dns_record *record), void *owner)
{
	struct dns_reader r;
	struct dns_record record;
	if (dns_read(&r, answer))
		return;
	for (int n = 0; n < RECORDS_MAX && !dns_next(&r, &record); n++) {
		if (record.class == DNS_IN && !take(owner, &r, &record))
			return;
	}
}

/* ---- CNAMEs ---- */

struct hop {
	const char *from;
	char *to;
	bool is_found;
};

static bool take_cname(void *owner, const struct dns_reader *r, const struct dns_record *record)
{
	struct hop *h = owner;
	if (record->section != DNS_ANSWERS || record->type != DNS_CNAME
		|| strcmp(record->name, h->from) != 0)
		return true;
	h->is_found = !dns_rdata_name(r, record, h->to, NULL) && h->to[0];
	return false;
}

enum err dns_follow(const char *name, char out[DNS_NAME], const dns_until *until, struct fault *fault)
{
	char next[DNS_NAME];
	struct buf answer;
	enum err err = E_OK;
	if (!str_copy(out, DNS_NAME, str_from(name)))
		return fault_set(fault, E_DNS, "%s is too long", name);
	buf_init(&answer, 0);
	for (int hops = 0; !err; hops++) {
		struct hop h = { .from = out, .to = next };
		err = ask(&(struct question){ .name = out, .type = DNS_CNAME }, until, &answer, fault);
		if (err)
			break;
		each_record(buf_str(&answer), take_cname, &h);
		if (!h.is_found)
			break;
		if (hops == DNS_HOPS)
			err = fault_set(fault, E_DNS, "%s leads through more than %d CNAMEs", name, DNS_HOPS);
		memcpy(out, next, sizeof next);
	}
	buf_fini(&answer);
	return err;
}

/* ---- the zone ---- */

struct soa {
	const char *name;
	char *zone;
	bool is_found;
};

/* Also of itself. */
static bool is_below(const char *name, const char *zone)
{
	size_t n = strlen(name), z = strlen(zone);
	return n == z ? !strcmp(name, zone) : n > z && name[n - z - 1] == '.' && !strcmp(name + n - z, zone);
}

/* In an answer it is the zone's top itself; beside "there is none" it tells whose word that is. */
static bool take_soa(void *owner, const struct dns_reader *r, const struct dns_record *record)
{
	struct soa *s = owner;
	(void)r;
	if (record->type != DNS_SOA || record->section > DNS_AUTHORITY || !record->name[0]
		|| !is_below(s->name, record->name))
		return true;
	str_copy(s->zone, DNS_NAME, str_from(record->name));
	s->is_found = true;
	return false;
}

enum err dns_find_zone(const char *name, const struct addr *server, char out[DNS_NAME],
	const dns_until *until, struct fault *fault)
{
	struct buf answer;
	struct fault last = { 0 };
	out[0] = '\0';
	buf_init(&answer, 0);
	for (const char *at = name; at && !out[0]; at = strchr(at, '.')) {
		at += *at == '.';
		struct soa s = { .name = at, .zone = out };
		if (ask(&(struct question){ at, DNS_SOA, server }, until, &answer, &last) == E_OK)
			each_record(buf_str(&answer), take_soa, &s);
		if (!dns_left_ms(until, 1))
			break;
	}
	buf_fini(&answer);
	if (out[0])
		return E_OK;
	return fault_set(fault, E_DNS, "the zone of %s is not found%s%s", name, last.code ? ": " : "",
		last.detail);
}

/* ---- its servers ---- */

static bool take_ns(void *owner, const struct dns_reader *r, const struct dns_record *record)
{
	struct dns_servers *s = owner;
	if (record->section != DNS_ANSWERS || record->type != DNS_NS || s->n == DNS_SERVERS)
		return true;
	if (!dns_rdata_name(r, record, s->of[s->n].name, NULL) && s->of[s->n].name[0])
		s->n++;
	return true;
}

static void find_addresses(struct dns_servers *s, const dns_until *until)
{
	struct resolve_result result;
	for (unsigned i = 0; i < s->n; i++) {
		int64_t left_ms = dns_left_ms(until, ANSWER_MS);
		if (!left_ms || resolve_blocking(str_from(s->of[i].name), DNS_PORT, left_ms, &result))
			continue;
		for (unsigned a = 0; a < result.n && s->of[i].n < DNS_SERVER_ADDRESSES; a++)
			s->of[i].at[s->of[i].n++] = result.at[a];
	}
}

static enum err take_configured(const struct conf_dns *conf, struct dns_servers *out,
	struct fault *fault)
{
	for (unsigned i = 0; i < conf->n_nameservers && out->n < DNS_SERVERS; i++) {
		const char *text = conf->nameservers[i], *colon = strrchr(text, ':');
		uint64_t port = DNS_PORT;
		ASSERT(colon);
		str_to_u64(str_from(colon + 1), &port);
		str_copy(out->of[out->n].name, DNS_NAME, str_from(text));
		if (addr_parse_ip(&out->of[out->n].at[0], str_of(text, (size_t)(colon - text)),
			(uint16_t)port))
			return fault_set(fault, E_DNS, "%s is no address", text);
		out->of[out->n++].n = 1;
	}
	return E_OK;
}

enum err dns_find_servers(const struct conf_dns *conf, const char *zone, struct dns_servers *out,
	const dns_until *until, struct fault *fault)
{
	struct buf answer;
	memset(out, 0, sizeof *out);
	if (conf->n_nameservers)
		return take_configured(conf, out, fault);
	buf_init(&answer, 0);
	enum err err = ask(&(struct question){ .name = zone, .type = DNS_NS }, until, &answer, fault);
	if (!err)
		each_record(buf_str(&answer), take_ns, out);
	buf_fini(&answer);
	if (!err && !out->n)
		err = fault_set(fault, E_DNS, "the zone %s names no name servers", zone);
	if (!err)
		find_addresses(out, until);
	return err;
}

/* ---- the record ---- */

struct search {
	const struct dns_txt *txt;
	struct buf text;
	unsigned records;
	bool is_found;
};

static bool is_match(const struct dns_txt *txt, struct str text)
{
	if (txt->match == DNS_PERSIST)
		return dns_persist_permits(text, txt->value, clock_wall_ms());
	return str_is(text, txt->value);
}

static bool take_txt(void *owner, const struct dns_reader *r, const struct dns_record *record)
{
	struct search *s = owner;
	(void)r;
	if (record->section != DNS_ANSWERS || record->type != DNS_TXT
		|| strcmp(record->name, s->txt->name) != 0)
		return true;
	s->records++;
	buf_clear(&s->text);
	s->is_found = !dns_rdata_text(record, &s->text) && is_match(s->txt, buf_str(&s->text));
	return !s->is_found;
}

enum answer { HAS, HAS_NOT, SILENT };

static enum answer ask_server(const struct dns_servers *servers, unsigned i, const struct dns_txt *txt,
	const dns_until *until, struct fault *fault)
{
	struct search s = { .txt = txt };
	struct buf answer;
	enum err err = E_DNS;
	if (!servers->of[i].n)
		fault_set(fault, E_DNS, "%s has no address", servers->of[i].name);
	buf_init(&answer, 0);
	buf_init(&s.text, DNS_MESSAGE_MAX);
	/* One that does not answer has another address, perhaps of the family we can reach. */
	for (unsigned a = 0; err && a < servers->of[i].n; a++)
		err = ask(&(struct question){ txt->name, DNS_TXT, &servers->of[i].at[a] }, until, &answer,
			fault);
	if (!err)
		each_record(buf_str(&answer), take_txt, &s);
	if (!err && !s.is_found)
		fault_set(fault, E_DNS, "%s does not have the record %s (it has %u others of this name)",
			servers->of[i].name, txt->name, s.records);
	buf_fini(&answer);
	buf_fini(&s.text);
	return err ? SILENT : s.is_found ? HAS : HAS_NOT;
}

struct dns_look dns_look(const struct dns_servers *servers, const struct dns_txt *txt,
	const dns_until *until, struct fault *fault)
{
	struct dns_look look = { 0 };
	struct fault missing = { 0 }, silent = { 0 };
	for (unsigned i = 0; i < servers->n; i++) {
		struct fault f = { 0 };
		enum answer answer = ask_server(servers, i, txt, until, &f);
		look.has += answer == HAS;
		look.has_not += answer == HAS_NOT;
		look.silent += answer == SILENT;
		if (answer == HAS_NOT && !missing.code)
			missing = f;
		if (answer == SILENT && !silent.code)
			silent = f;
	}
	if (missing.code || silent.code)
		*fault = missing.code ? missing : silent;
	return look;
}
