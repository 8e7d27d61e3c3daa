/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns_rfc2136: dynamic updates at the zone's primary server, over TCP, which cannot be cut or forged from
 * the side. The server itself is asked for the zone: a resolver may see another one of this name.
 */
#include "acme/dns_lookup.h"
#include "acme/dns_update.h"

#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/dns_exchange.h"
#include "net/random.h"
#include "net/resolve.h"

enum { RESOLVE_MS = 5000, UPDATE_MS = 10000, SECRET_MAX = 256 };

static const struct log log_acme = { "acme" };

/* What the key says of the answer; E_OK without one. */
static enum err check_signature(const struct conf_dns *conf, const struct dns_key *key, struct str answer,
	const unsigned char mac[DIGEST_SHA256], struct fault *fault)
{
	struct fault f = { 0 };
	enum err err = key->name ? dns_verify(answer, key, clock_wall_ms(), mac, &f) : E_OK;
	return err ? fault_set(fault, err, "%s: %s", conf->server.text, f.detail) : E_OK;
}

/* A refusal may come unsigned; why it does is told beside it. */
static enum err judge(const struct conf_dns *conf, struct str answer, const struct dns_txt *txt,
	const struct fault *signature, struct fault *fault)
{
	struct dns_reader r;
	char text[16];
	if (dns_read(&r, answer))
		return fault_set(fault, E_DNS, "%s answers nonsense", conf->server.text);
	unsigned rcode = r.header.flags & DNS_RCODE_MASK;
	if (rcode != DNS_NOERROR)
		return fault_set(fault, E_DNS, "%s refuses to update %s in zone %s: %s%s%.200s",
			conf->server.text, txt->name, txt->zone, dns_rcode_text(text, rcode),
			signature->code ? "; " : "", signature->detail);
	if (signature->code && fault)
		*fault = *signature;
	return signature->code;
}

static enum err send_update(const struct conf_dns *conf, const struct dns_key *key, const struct addr *to,
	struct buf *message, const struct dns_txt *txt, const dns_until *until, struct fault *fault)
{
	unsigned char mac[DIGEST_SHA256] = { 0 };
	struct fault signature = { 0 };
	int64_t left_ms = dns_left_ms(until, UPDATE_MS);
	struct buf answer;
	enum err err = left_ms ? E_OK : E_TIMEOUT;
	buf_init(&answer, 0);
	if (!err && key->name)
		err = dns_sign(message, key, clock_wall_ms(), mac);
	if (!err)
		err = dns_exchange(&(struct dns_exchange){ .to = to, .message = buf_str(message),
			.over = DNS_OVER_TCP, .timeout_ms = left_ms }, &answer);
	if (err) {
		fault_set(fault, E_DNS, "no answer from %s: %s", conf->server.text, err_text(err));
	} else {
		check_signature(conf, key, buf_str(&answer), mac, &signature);
		err = judge(conf, buf_str(&answer), txt, &signature, fault);
	}
	buf_fini(&answer);
	return err ? E_DNS : E_OK;
}

static enum err update_at(const struct conf_dns *conf, const struct addr *to, enum dns_change change,
	const struct dns_txt *txt, const dns_until *until, struct fault *fault)
{
	unsigned char secret[SECRET_MAX];
	struct dns_key key = { .name = conf->tsig_name, .secret = { (char *)secret, 0 } };
	struct buf message;
	uint16_t id;
	random_bytes(&id, sizeof id);
	buf_init(&message, DNS_MESSAGE_MAX);
	enum err err = E_OK;
	if (key.name && encode_base64_decode(secret, sizeof secret, &key.secret.len,
		str_from(conf->tsig_secret)))
		err = fault_set(fault, E_DNS, "the key's secret is not base64");
	else if (dns_update_write(&message, id, change, txt, (uint32_t)(conf->ttl_ms / 1000)))
		err = fault_set(fault, E_DNS, "%s is no name for a record", txt->name);
	else
		err = send_update(conf, &key, to, &message, txt, until, fault);
	mem_wipe(secret, sizeof secret);
	buf_fini(&message);
	return err;
}

static enum err choose_zone(const struct conf_dns *conf, const struct addr *server, struct dns_txt *txt,
	const dns_until *until, struct fault *fault)
{
	char zone[DNS_NAME];
	if (conf->zone) {
		struct str s = str_from(conf->zone);
		if (s.len && s.at[s.len - 1] == '.')
			s.len--;
		str_lower(txt->zone, s);
		txt->zone[s.len] = '\0';
	} else if (!dns_find_zone(txt->name, server, zone, until, NULL)) {
		memcpy(txt->zone, zone, sizeof zone);
	} else if (!txt->zone[0]) {
		return fault_set(fault, E_DNS, "%s does not tell the zone of %s; name it in "
			"\"rfc2136.zone\"", conf->server.text, txt->name);
	}
	return E_OK;
}

static enum err update(const struct conf_dns *conf, enum dns_change change, const struct dns_txt *txt,
	const dns_until *until, struct fault *fault)
{
	struct dns_txt mine = *txt;
	struct resolve_result servers = { .n = 0 };
	enum err err = E_DNS;
	ASSERT(conf->server.text);
	if (resolve_blocking(str_from(conf->server.host), conf->server.port,
		dns_left_ms(until, RESOLVE_MS), &servers))
		return fault_set(fault, E_DNS, "%s: name does not resolve", conf->server.text);
	/* Two families, perhaps one that leads nowhere. */
	for (unsigned i = 0; err && i < servers.n && i < DNS_SERVER_ADDRESSES; i++) {
		mine = *txt;
		err = choose_zone(conf, &servers.at[i], &mine, until, fault);
		if (!err)
			err = update_at(conf, &servers.at[i], change, &mine, until, fault);
	}
	log_debug(&log_acme, "dns updated", "action=%s name=%s zone=%s err=%d",
		change == DNS_ADD ? "add" : "delete", mine.name, mine.zone, err_code(err));
	return err;
}

static enum err present(const struct conf_dns *conf, const struct dns_txt *txt, const dns_until *until,
	struct fault *fault)
{
	return update(conf, DNS_ADD, txt, until, fault);
}

static enum err cleanup(const struct conf_dns *conf, const struct dns_txt *txt, const dns_until *until,
	struct fault *fault)
{
	return update(conf, DNS_DELETE, txt, until, fault);
}

const struct dns_provider dns_rfc2136 = { "rfc2136", present, cleanup };
