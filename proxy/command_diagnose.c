/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_diagnose: one look after the other, each a line: good, note, bad. A CA sees the Internet from
 * elsewhere: what is good from here may still be closed to it, and says so.
 */
#include "proxy/command_diagnose.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "certstore/challenge.h"
#include "conf/known_ca.h"
#include "net/dns_exchange.h"
#include "net/dns_message.h"
#include "net/http/fetch.h"
#include "net/local_address.h"
#include "net/loop.h"
#include "net/random.h"
#include "net/tls_context.h"
#include "proxy/admin/client.h"
#include "proxy/command_look.h"

#define FINDINGS(X) \
	X(GOOD, "good") \
	X(NOTE, "note") \
	X(BAD, "bad")

enum finding {
#define X(name, text) name,
	FINDINGS(X)
#undef X
};

enum { ADDRESSES = 16, LOOK_MS = 5000, REACH_MS = 10000, CHAIN = 8, TYPE_A = 1, TYPE_AAAA = 28,
	TYPE_CAA = 257, SKEW_MS = 5 * 60 * 1000 };

struct diagnosis {
	struct command_call *call;
	struct conf *conf;
	char name[COMMAND_NAME];
	uint16_t http_port, https_port;
	struct addr server;             /* of DNS */
	struct addr at[ADDRESSES];
	unsigned n, n_bad;
	struct json *list;
	char token[128], key_authorization[256];
};

static void find(struct diagnosis *d, enum finding f, const char *what, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void find(struct diagnosis *d, enum finding f, const char *what, const char *format, ...)
{
	static const char *const texts[] = {
#define X(name, text) text,
		FINDINGS(X)
#undef X
	};
	struct fault text = { 0 };      /* its detail is escaped: much of it comes from strangers */
	char line[900];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fault_set(&text, E_OK, "%s", line);
	d->n_bad += f == BAD;
	if (d->list) {
		struct json *o = json_new_object();

		json_put_cstr(o, "finding", texts[f]);
		json_put_cstr(o, "about", what);
		json_put_cstr(o, "text", text.detail);
		json_append(d->list, o);
	} else {
		fprintf(d->call->args->out, "%-5s %-10s %s\n", texts[f], what, text.detail);
	}
}

/* ---- DNS ---- */

static bool find_server(struct diagnosis *d)
{
	char line[256], text[128];
	struct str host, port;
	uint64_t number = 53;
	FILE *f;

	if (d->conf->resolver) {
		host = str_from(d->conf->resolver);
		port = host;
		for (size_t i = 0; i < host.len; i++)
			if (host.at[i] == ':')
				port = str_of(host.at + i + 1, host.len - i - 1);
		host.len = port.at == host.at ? host.len : (size_t)(port.at - host.at) - 1;
		str_to_u64(port, &number);
		return addr_parse_ip(&d->server, host, (uint16_t)number) == E_OK;
	}
	f = fopen("/etc/resolv.conf", "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "nameserver %127s", text) == 1
			&& addr_parse_ip(&d->server, str_from(text), 53) == E_OK) {
			fclose(f);
			return true;
		}
	if (f)
		fclose(f);
	return false;
}

/* The answer is the caller's. */
static enum err query(struct diagnosis *d, const char *name, unsigned type, struct buf *answer)
{
	struct buf q;
	enum err err;

	buf_init(&q, 0);
	buf_init(answer, DNS_MESSAGE_MAX);
	err = dns_put_query(&q, (uint16_t)random_below(65536), name, type, DNS_RECURSE);
	if (!err)
		err = dns_exchange(&(struct dns_exchange){ .to = &d->server, .message = buf_str(&q),
			.timeout_ms = LOOK_MS }, answer);
	buf_fini(&q);
	return err;
}

static void add_address(struct diagnosis *d, const struct dns_record *r)
{
	struct addr *a = &d->at[d->n];

	if (d->n == ADDRESSES)
		return;
	memset(a, 0, sizeof(*a));
	if (r->type == TYPE_A && r->rdata.len == 4) {
		a->in.sin_family = AF_INET;
		memcpy(&a->in.sin_addr, r->rdata.at, 4);
		d->n++;
	} else if (r->type == TYPE_AAAA && r->rdata.len == 16) {
		a->in6.sin6_family = AF_INET6;
		memcpy(&a->in6.sin6_addr, r->rdata.at, 16);
		d->n++;
	}
}

static void look_at_addresses(struct diagnosis *d, unsigned type, const char *kind)
{
	struct dns_reader r;
	struct dns_record record;
	struct buf answer;
	char code[16], target[DNS_NAME];
	unsigned before = d->n, rcode = 0;
	enum err err = query(d, d->name, type, &answer);

	if (!err)
		err = dns_read(&r, buf_str(&answer));
	if (!err)
		rcode = r.header.flags & DNS_RCODE_MASK;
	while (!err && dns_next(&r, &record) == E_OK) {
		if (record.section != DNS_ANSWERS)
			continue;
		if (record.type == DNS_CNAME && type == TYPE_A && !dns_rdata_name(&r, &record, target, NULL))
			find(d, NOTE, "CNAME", "%s is an alias of %s", record.name, target);
		add_address(d, &record);
	}
	if (err)
		find(d, BAD, kind, "the resolver gives no answer: %s", err_text(err));
	else if (rcode != DNS_NOERROR)
		find(d, BAD, kind, "the resolver says %s", dns_rcode_text(code, rcode));
	for (unsigned i = before; i < d->n; i++) {
		char ip[ADDR_IP_TEXT];

		addr_ip_text(ip, &d->at[i]);
		find(d, GOOD, kind, "%s", ip);
	}
	buf_fini(&answer);
}

/* The nearest name upwards that has any decides (RFC 8659). True: it does. */
static bool look_at_caa(struct diagnosis *d, const char *name)
{
	struct dns_reader r;
	struct dns_record record;
	struct buf answer;
	bool is_any = false;
	enum err err = query(d, name, TYPE_CAA, &answer);

	if (!err)
		err = dns_read(&r, buf_str(&answer));
	if (err || (r.header.flags & DNS_RCODE_MASK) == 2) {
		find(d, BAD, "CAA", "%s: no answer, and a CA must not issue then", name);
		buf_fini(&answer);
		return true;
	}
	while (dns_next(&r, &record) == E_OK) {
		size_t tag = record.rdata.len > 2 ? (unsigned char)record.rdata.at[1] : 0;

		if (record.section != DNS_ANSWERS || record.type != TYPE_CAA || !tag
			|| record.rdata.len < 2 + tag)
			continue;
		is_any = true;
		find(d, NOTE, "CAA", "%s: %.*s \"%.*s\": only this CA may issue if it says so", name, (int)tag,
			record.rdata.at + 2, (int)(record.rdata.len - 2 - tag), record.rdata.at + 2 + tag);
	}
	buf_fini(&answer);
	return is_any;
}

static void look_at_dns(struct diagnosis *d)
{
	const char *name = d->name[0] == '*' ? d->name + 2 : d->name;

	if (addr_is_ip_literal(str_from(d->name))) {
		d->n += addr_parse_ip(&d->at[0], str_from(d->name), 0) == E_OK;
		find(d, GOOD, "DNS", "an address needs none");
		return;
	}
	if (!find_server(d)) {
		find(d, BAD, "DNS", "no resolver is configured");
		return;
	}
	look_at_addresses(d, TYPE_A, "A");
	look_at_addresses(d, TYPE_AAAA, "AAAA");
	if (!d->n)
		find(d, BAD, "DNS", "%s has no address: no CA can come to it", d->name);
	for (int i = 0; i < CHAIN && name && strchr(name, '.'); i++) {
		if (look_at_caa(d, name))
			return;
		name = strchr(name, '.') + 1;
	}
	find(d, GOOD, "CAA", "no record keeps any CA from issuing");
}

/* ---- our own addresses ---- */

static void look_at_ours(struct diagnosis *d)
{
	for (unsigned i = 0; i < d->n; i++) {
		char ip[ADDR_IP_TEXT];

		addr_ip_text(ip, &d->at[i]);
		if (local_address_has(&d->at[i]))
			find(d, GOOD, "address", "%s is this machine", ip);
		else
			find(d, NOTE, "address", "%s is no address of this machine: a NAT, a load balancer or CDN, "
				"or another machine%s", ip, addr_is_ip_literal(str_from(d->name)) ? "; behind a NAT its "
				"site wants \"default\": true to be what clients get that send no name" : "");
	}
}

/* ---- reaching an address as a CA does ---- */

struct reach {
	struct loop *loop;
	struct fetcher *fetcher;
	struct dial *dial;
	struct loop_task end;
	enum err err;
	struct fault fault;
	unsigned status;
	struct buf body;
	char server[64], location[256], date[64];
	bool is_cdn;
};

static void on_end(struct loop_task *t)
{
	struct reach *r = container_of(t, struct reach, end);

	fetcher_free(&r->fetcher);
	loop_stop(r->loop);
}

static void note_headers(struct reach *r, const struct headers *h)
{
	static const char *const signs[] = { "cf-ray", "x-amz-cf-id", "x-served-by", "x-cache", "x-akamai-request-id",
		"x-sucuri-id", "x-vercel-id" };

	str_copy(r->server, sizeof(r->server), headers_get(h, "server"));
	str_copy(r->location, sizeof(r->location), headers_get(h, "location"));
	str_copy(r->date, sizeof(r->date), headers_get(h, "date"));
	for (size_t i = 0; i < ARRAY_LEN(signs); i++)
		r->is_cdn |= headers_get(h, signs[i]).at != NULL;
}

static void on_fetched(void *owner, enum err err, const struct fetch_answer *answer,
	const struct fault *fault, bool was_sent)
{
	struct reach *r = owner;

	(void)was_sent;
	r->err = err;
	if (fault)
		r->fault = *fault;
	if (!err) {
		r->status = answer->status;
		note_headers(r, answer->headers);
		buf_add(&r->body, answer->body);
	}
	loop_defer(r->loop, &r->end);
}

static void begin_reach(struct reach *r)
{
	*r = (struct reach){ .loop = loop_new() };
	buf_init(&r->body, 64 * 1024);
	loop_task_init(&r->end, on_end);
}

static void end_reach(struct reach *r)
{
	loop_run(r->loop);
	loop_free(&r->loop);
}

/* address NULL: by the URL's own name. */
static void fetch(struct reach *r, const char *url, const struct addr *address, struct tls_context *tls)
{
	begin_reach(r);
	r->fetcher = fetcher_new(&(struct fetcher_args){ .loop = r->loop, .tls = tls, .body_max = 64 * 1024,
		.user_agent = "sallyport-diagnose", .connect_ms = REACH_MS, .response_ms = REACH_MS,
		.total_ms = REACH_MS, .address = address });
	fetch_start(r->fetcher, &(struct fetch_args){ .method = "GET", .url = str_from(url) }, on_fetched, r);
	end_reach(r);
}

static void on_dialled(void *owner, enum err err, struct stream *s, const struct fault *fault)
{
	struct reach *r = owner;

	r->dial = NULL;
	r->err = err;
	if (fault)
		r->fault = *fault;
	/* Gently: our last flight must arrive before the end does. */
	stream_close(&s, STREAM_CLOSE_GRACEFUL);
	loop_stop(r->loop);
}

static struct addr with_port(const struct addr *a, uint16_t port)
{
	struct addr out = *a;

	if (out.any.sa_family == AF_INET)
		out.in.sin_port = htons(port);
	else
		out.in6.sin6_port = htons(port);
	return out;
}

/* ---- the two challenges ---- */

static bool plant(struct diagnosis *d)
{
	struct admin_reply reply;
	struct fault fault = { 0 };
	char path[400];
	enum err err;
	bool is_planted;

	snprintf(path, sizeof(path), "/v1/names/%s/probe", d->name);
	err = admin_client_ask(d->conf, "POST", path, &reply, &fault);
	is_planted = !err && reply.status == 200
		&& str_copy(d->token, sizeof(d->token), json_get_str(reply.json, "token"))
		&& str_copy(d->key_authorization, sizeof(d->key_authorization),
			json_get_str(reply.json, "key_authorization"));
	if (err == E_NOT_FOUND)
		find(d, NOTE, "instance", "nothing runs, so that the way to it cannot be tried");
	else if (!is_planted)
		find(d, NOTE, "instance", "no challenge could be planted: %s", err ? fault.detail :
			json_get_str(json_get(reply.json, "cause"), "detail").len ?
			json_get_str(json_get(reply.json, "cause"), "detail").at : "it is busy");
	admin_reply_fini(&reply);
	return is_planted;
}

static double seen(struct diagnosis *d, const char *which)
{
	struct admin_reply reply;
	struct fault fault = { 0 };
	char path[400];
	double n = 0;

	snprintf(path, sizeof(path), "/v1/names/%s/probe", d->name);
	if (admin_client_ask(d->conf, "GET", path, &reply, &fault) == E_OK)
		n = json_number(json_get(reply.json, which), 0);
	admin_reply_fini(&reply);
	return n;
}

static void try_http(struct diagnosis *d, const struct addr *address)
{
	struct addr a = with_port(address, d->http_port);
	char url[700], where[ADDR_TEXT];
	struct reach r;

	addr_text(where, &a);
	snprintf(url, sizeof(url), strchr(d->name, ':') ? "http://[%s]/.well-known/acme-challenge/%s" :
		"http://%s/.well-known/acme-challenge/%s", d->name, d->token);
	fetch(&r, url, &a, NULL);
	if (r.err)
		find(d, BAD, "http-01", "%s: %s", where, r.fault.detail[0] ? r.fault.detail : err_text(r.err));
	else if (r.status == 200 && str_is(buf_str(&r.body), d->key_authorization))
		find(d, GOOD, "http-01", "%s: the token arrives", where);
	else if (r.status >= 300 && r.status < 400)
		find(d, BAD, "http-01", "%s: something in front redirects to %s", where, r.location);
	else
		find(d, BAD, "http-01", "%s: status %u from \"%s\", not from this instance", where, r.status,
			r.server);
	if (!r.err && r.is_cdn)
		find(d, NOTE, "CDN", "%s: a CDN stands in front (server \"%s\"); tls-alpn-01 cannot work behind one",
			where, r.server);
	buf_fini(&r.body);
}

/* Our own instance tells whether it was asked for its challenge certificate: no CA would accept another. */
static void try_alpn(struct diagnosis *d, const struct addr *address, struct tls_context *tls)
{
	struct addr a = with_port(address, d->https_port);
	double before = seen(d, "alpn_seen");
	bool has_arrived;
	char where[ADDR_TEXT], sni[CHALLENGE_HOST];
	struct reach r;

	addr_text(where, &a);
	challenge_host(sni, CONF_TLS_ALPN_01, d->name);
	begin_reach(&r);
	r.dial = dial_start(r.loop, &(struct dial_args){ .host = sni, .address = &a, .tls = tls,
		.alpn = "acme-tls/1", .timeout_ms = REACH_MS }, on_dialled, &r);
	end_reach(&r);
	has_arrived = seen(d, "alpn_seen") > before;
	if (has_arrived)
		find(d, GOOD, "tls-alpn-01", "%s: the handshake arrives", where);
	else
		find(d, BAD, "tls-alpn-01", "%s: it does not arrive at this instance: %s", where,
			r.fault.detail[0] ? r.fault.detail : err_text(r.err));
	buf_fini(&r.body);
}

static void look_at_ways(struct diagnosis *d)
{
	/* A challenge certificate signs itself. */
	struct tls_client_args args = { .trusts_anyone = true };
	struct tls_context *tls = NULL;
	struct fault fault = { 0 };

	if (!d->n || d->name[0] == '*' || !plant(d))
		return;
	for (unsigned i = 0; i < d->n; i++)
		try_http(d, &d->at[i]);
	if (tls_context_client(&args, &tls, &fault)) {
		find(d, NOTE, "tls-alpn-01", "cannot be tried: %s", fault.detail);
		return;
	}
	for (unsigned i = 0; i < d->n; i++)
		try_alpn(d, &d->at[i], tls);
	tls_context_unref(&tls);
}

/* ---- our side ---- */

static void look_at_ca(struct diagnosis *d, const struct conf_ca *ca)
{
	struct tls_client_args args = { .trust_file = ca->trust };
	struct tls_context *tls = NULL;
	struct reach r = { 0 };
	const char *objection = known_ca_objection(ca, d->name);
	int64_t theirs, skew = 0;
	char text[48];

	if (!ca->directory || !str_has_prefix(str_from(ca->directory), STR("https:")))
		return;
	if (objection) {
		find(d, NOTE, "CA", "%s is passed over: it %s", ca->name, objection);
		return;
	}
	if (tls_context_client(&args, &tls, &r.fault)) {
		find(d, BAD, "CA", "%s: %s", ca->name, r.fault.detail);
		return;
	}
	fetch(&r, ca->directory, NULL, tls);
	tls_context_unref(&tls);
	theirs = r.date[0] ? clock_parse_http_date(r.date, strlen(r.date)) : -1;
	if (theirs != -1)
		skew = clock_wall_ms() - theirs;
	if (r.err || r.status != 200)
		find(d, BAD, "CA", "%s: %s (status %u)", ca->name, r.err ? r.fault.detail : "no directory", r.status);
	else
		find(d, GOOD, "CA", "%s answers", ca->name);
	clock_duration_text(text, sizeof(text), skew < 0 ? -skew : skew);
	if (skew > SKEW_MS || skew < -SKEW_MS)
		find(d, BAD, "clock", "ours is %s %s %s's", text, skew > 0 ? "ahead of" : "behind", ca->name);
	else if (theirs != -1)
		find(d, GOOD, "clock", "agrees with %s's", ca->name);
	buf_fini(&r.body);
}

static void look_at_store(struct diagnosis *d)
{
	struct json *report = NULL;
	struct fault fault = { 0 };
	enum err err = command_report(d->conf, d->name, &report, &fault);

	if (err)
		find(d, BAD, "store", "%s", fault.detail);
	else
		find(d, NOTE, "state", "%s; sallyport why %s tells more", json_get_str(report, "state").at, d->name);
	json_free(&report);
	if (access(d->conf->store, W_OK) != 0)
		find(d, BAD, "store", "%s cannot be written", d->conf->store);
	else
		find(d, GOOD, "store", "%s can be written", d->conf->store);
}

/* ---- the command ---- */

static bool read_ports(struct diagnosis *d, const char *text)
{
	unsigned http = 80, https = 443;
	char rest;

	if (text && (sscanf(text, "%5u:%5u%c", &http, &https, &rest) != 2 || !http || http > 65535 || !https
		|| https > 65535))
		return false;
	d->http_port = (uint16_t)http;
	d->https_port = (uint16_t)https;
	return true;
}

static int tell(struct diagnosis *d)
{
	struct json *root;

	if (!d->list) {
		fprintf(d->call->args->out, d->n_bad ? "%u bad: repair these first\n" :
			"nothing bad%.0u; a CA looks from elsewhere, and a firewall may treat it differently\n", d->n_bad);
	} else {
		root = json_new_object();
		json_put_cstr(root, "name", d->name);
		json_put_number(root, "bad", d->n_bad);
		json_put(root, "findings", d->list);
		d->list = NULL;
		command_print_json(d->call->args->out, &root);
	}
	return d->n_bad ? COMMAND_DEGRADED : COMMAND_FINE;
}

static int diagnose(struct diagnosis *d)
{
	struct fault fault = { 0 };
	enum err err = command_name(d->call->line.words[0], d->name, &fault);

	if (!err && tls_setup())
		err = fault_set(&fault, E_TLS, "the TLS library does not start");
	if (err)
		return command_fail(d->call, err, &fault);
	look_at_dns(d);
	look_at_ours(d);
	look_at_ways(d);
	look_at_store(d);
	for (unsigned i = 0; i < d->conf->acme.n_ca; i++)
		look_at_ca(d, &d->conf->acme.ca[i]);
	return tell(d);
}

int command_diagnose(struct command_call *c)
{
	struct diagnosis d = { .call = c };
	int code;

	if (!read_ports(&d, c->line.values[VALUE_PORTS])) {
		fprintf(c->args->err, "SP-%d --ports wants HTTP:HTTPS, as in 80:443\n", err_code(E_USAGE));
		return COMMAND_USAGE;
	}
	d.conf = command_load_admin(c);
	if (!d.conf)
		return COMMAND_FAILED;
	d.list = c->line.json ? json_new_array() : NULL;
	code = diagnose(&d);
	json_free(&d.list);
	conf_unref(&d.conf);
	return code;
}
