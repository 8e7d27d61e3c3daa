/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * issue_once: the ACME client alone against a real CA: one loop, a store, and the smallest responders that
 * answer challenges. Prints a line per name, exits 0 when all were had.
 *
 *   issue_once STORE DIRECTORY-URL TRUST TLS-PORT HTTP-PORT [-p N] [-c types] [-r MS] [-e KID:HMAC] [-k]
 *              [-s] NAME...
 *     -p N: at most N orders in flight      -c tls-alpn-01,http-01: order of preference
 *     -r MS: first backoff step             -e: external account binding
 *     -k: keep running, renew what is due   -s: the same, and sweep the store
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acme/renewal.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/client_hello.h"
#include "net/listener.h"
#include "net/tcp_stream.h"
#include "net/tls_stream.h"

static struct loop *loop;
static struct challenge_table *table;
static struct challenge_set *live;
static struct loop_task published;
static uint64_t published_generation;
static struct tls_context *challenge_context;
static struct issuer *issuer;
static struct renewal *renewal;
static unsigned waiting, failed;
static bool keeps_running;

/* ---- the one "worker" ---- */

static void on_published(struct loop_task *t)
{
	(void)t;
	challenge_published(table, published_generation);
}

static void publish(void *owner, struct challenge_set *set, uint64_t generation)
{
	(void)owner;
	challenge_set_unref(&live);
	live = set;
	published_generation = generation;
	loop_defer(loop, &published);
}

/* ---- responders: a connection each, freed when the peer is done ---- */

struct visitor {
	struct stream *stream;
	struct client_hello hello;
	struct buf head;
	bool is_tls;
	char sni[CLIENT_HELLO_SNI];
};

static void leave(struct visitor *v)
{
	stream_close(&v->stream, STREAM_CLOSE_GRACEFUL);
	client_hello_fini(&v->hello);
	buf_fini(&v->head);
	mem_free(&v);
}

static void on_eof(void *owner)
{
	leave(owner);
}

static void on_drain(void *owner)
{
	(void)owner;
}

static void on_error(void *owner, enum err err)
{
	(void)err;
	leave(owner);
}

static void on_plain_read(void *owner, struct str bytes);
static void on_hello_read(void *owner, struct str bytes);
static void on_nothing_read(void *owner, struct str bytes);
static const struct stream_events plain_events = { on_plain_read, on_eof, on_drain, on_error };
static const struct stream_events hello_events = { on_hello_read, on_eof, on_drain, on_error };
static const struct stream_events tls_events = { on_nothing_read, on_eof, on_drain, on_error };

static void on_nothing_read(void *owner, struct str bytes)
{
	(void)owner;
	(void)bytes;
}

static void on_plain_read(void *owner, struct str bytes)
{
	struct visitor *v = owner;
	char token[200], host[300], head[200];
	buf_add(&v->head, bytes);
	if (!strstr(buf_cstring(&v->head), "\r\n\r\n"))
		return;
	const char *at = strcasestr(v->head.at, "\nhost:");
	if (sscanf(v->head.at, "GET /.well-known/acme-challenge/%199[^ ]", token) == 1 && at
		&& sscanf(at + 6, " %299[^:\r\n]", host) == 1) {
		struct str body = !live ? STR_NONE : challenge_set_http01(live, str_from(host), str_from(token));
		int n = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n"
			"Connection: close\r\n\r\n", body.at ? "200 OK" : "404 Not Found", body.len);
		struct str parts[] = { str_of(head, (size_t)n), body };
		if (body.at)
			challenge_seen(table, CONF_HTTP_01, str_from(host));
		stream_write(v->stream, parts, 2);
	}
	leave(v);
}

static void on_handshake(void *owner, enum err err, const char *detail)
{
	struct visitor *v = owner;
	(void)detail;
	if (!err)
		challenge_seen(table, CONF_TLS_ALPN_01, str_from(v->sni));
	leave(v);
}

static void on_hello_read(void *owner, struct str bytes)
{
	struct visitor *v = owner;
	int alert = 0;
	enum client_hello_state state = client_hello_feed(&v->hello, bytes, &alert);
	if (state == CLIENT_HELLO_MORE)
		return;
	struct tls_certificate *certificate = live && state == CLIENT_HELLO_DONE
		? challenge_set_tlsalpn01(live, str_from(v->hello.sni)) : NULL;
	struct str parts[2];
	if (!certificate || client_hello_record(&v->hello, &parts[0], &parts[1])) {
		leave(v);
		return;
	}
	str_copy(v->sni, sizeof v->sni, str_from(v->hello.sni));
	struct tls_accept_args args = { .context = challenge_context, .certificate = certificate,
		.alpn = "acme-tls/1", .binding = str_from(v->sni), .sni = v->sni };
	struct stream *inner = v->stream;
	stream_read_stop(inner);
	v->stream = NULL;
	if (tls_stream_accept(loop, &inner, &args, parts, 2, on_handshake, &v->stream)) {
		leave(v);
		return;
	}
	stream_own(v->stream, &tls_events, v);
}

static void on_visit(void *owner, int fd, const struct addr *peer)
{
	struct stream *s = tcp_stream_adopt(loop, fd, peer);
	if (!s)
		return;
	struct visitor *v = mem_new(sizeof *v);
	v->is_tls = owner != NULL;
	v->stream = s;
	client_hello_init(&v->hello);
	buf_init(&v->head, 16 * 1024);
	stream_own(s, v->is_tls ? &hello_events : &plain_events, v);
	stream_read_start(s);
}

static struct listener *answer_on(int port, void *is_tls)
{
	struct addr at;
	struct fault fault = { 0 };
	int fd;
	addr_parse_ip(&at, STR("127.0.0.1"), (uint16_t)port);
	if (listener_bind(&at, &fd, &fault)) {
		fprintf(stderr, "%s\n", fault.detail);
		exit(2);
	}
	return listener_start(loop, fd, 64, on_visit, is_tls);
}

/* ---- the names ---- */

struct wish {
	const char *name;
	int64_t since_ms;
};

static void on_issued(void *owner, enum err err, struct entry *e, const struct fault *fault,
	int64_t retry_at_ms)
{
	struct wish *w = owner;
	int64_t ms = clock_mono_ms() - w->since_ms;
	if (err)
		printf("%s failed ms=%d err=%s type=%s retry_in_ms=%d while=\"%s\" detail=\"%s\"\n", w->name,
			(int)ms, err_text(err), fault->type, (int)(retry_at_ms - clock_wall_ms()),
			fault->activity, fault->detail);
	else
		printf("%s ok ms=%d challenge=%s serial=%s\n", w->name, (int)ms, e->challenge, e->serial);
	fflush(stdout);
	failed += err != E_OK;
	if (!err && keeps_running)
		renewal_watch(renewal, e);
	if (!--waiting && !keeps_running)
		loop_stop(loop);
}

static void on_renewed(void *owner, struct entry *e)
{
	(void)owner;
	printf("%s renewed serial=%s\n", e->name, e->serial);
	fflush(stdout);
}

static bool is_wanted(void *owner, const char *name)
{
	(void)owner;
	(void)name;
	return true;
}

static bool is_busy(void *owner, const char *name)
{
	(void)owner;
	(void)name;
	return false;
}

static void on_signal(void *owner, int signum)
{
	(void)owner;
	(void)signum;
	loop_stop(loop);
}

static void choose(struct conf_acme *acme, const char *types)
{
	bool http_first = !strncmp(types, "http", 4);
	acme->n_challenges = strchr(types, ',') ? 2 : 1;
	acme->challenges[0] = http_first ? CONF_HTTP_01 : CONF_TLS_ALPN_01;
	acme->challenges[1] = http_first ? CONF_TLS_ALPN_01 : CONF_HTTP_01;
}

/* Leaves optind at the first name; true to sweep. */
static bool read_options(int argc, char **argv, struct conf *conf, struct conf_ca *ca)
{
	static char hmac[256], kid[256];
	bool sweeps = false;
	int option;

	optind = 6;
	while ((option = getopt(argc, argv, "+p:c:r:e:ks")) != -1) {
		if (option == 'p')
			conf->acme.max_orders = (unsigned)atoi(optarg);
		else if (option == 'c')
			choose(&conf->acme, optarg);
		else if (option == 'r')
			conf->acme.retry_min_ms = atoi(optarg);
		else if (option == 'e' && sscanf(optarg, "%255[^:]:%255s", kid, hmac) == 2)
			ca->eab_kid = kid, ca->eab_hmac = hmac;
		else if (option == 'k')
			keeps_running = true;
		else if (option == 's')
			sweeps = keeps_running = true;
	}
	return sweeps;
}

int main(int argc, char **argv)
{
	struct conf *conf = mem_new(sizeof *conf);
	struct conf_ca ca = { .name = "test" };
	struct fault fault = { 0 };
	struct store *store;
	bool sweeps;

	if (argc < 7)
		return 2;
	atomic_init(&conf->refs, 1);
	conf->acme = (struct conf_acme){ .ca = &ca, .n_ca = 1, .key = CONF_KEY_P256,
		.retry_min_ms = 60000, .retry_max_ms = 86400000, .max_orders = 16 };
	choose(&conf->acme, "tls-alpn-01,http-01");
	ca.directory = argv[2];
	ca.trust = argv[3];
	sweeps = read_options(argc, argv, conf, &ca);
	log_setup(2, getenv("TRACE") ? LOG_TRACE : LOG_INFO, LOG_TEXT);
	tls_setup();
	loop = loop_new();
	loop_task_init(&published, on_published);
	table = challenge_table_new(loop, publish, NULL);
	if (store_disk_open(loop, argv[1], &store, &fault)
		|| tls_context_server(&(struct tls_server_args){ .is_challenge = true },
			&challenge_context)
		|| issuer_new(&(struct issuer_args){ .loop = loop, .conf = conf, .store = store,
			.challenges = table, .can_tls_alpn = true, .can_http = true,
			.user_agent = "sallyport/test" }, &issuer, &fault)) {
		fprintf(stderr, "%s: %s\n", fault.activity, fault.detail);
		return 2;
	}
	struct listener *tls = answer_on(atoi(argv[4]), loop), *plain = answer_on(atoi(argv[5]), NULL);
	renewal = renewal_new(&(struct renewal_args){ .loop = loop, .issuer = issuer, .store = store,
		.on_renewed = on_renewed, .is_wanted = is_wanted, .is_busy = is_busy });
	struct wish *wishes = mem_new((size_t)(argc - optind + 1) * sizeof *wishes);
	for (int i = optind; i < argc; i++) {
		struct wish *w = &wishes[waiting++];
		*w = (struct wish){ argv[i], clock_mono_ms() };
		issuer_obtain(issuer, argv[i], ISSUER_ON_DEMAND, on_issued, w);
	}
	if (sweeps)
		renewal_start_sweep(renewal);
	loop_on_signal(loop, 15, on_signal, NULL);
	if (waiting || keeps_running)
		loop_run(loop);
	renewal_free(&renewal);
	issuer_free(&issuer);
	listener_close(&tls);
	listener_close(&plain);
	challenge_table_free(&table);
	challenge_set_unref(&live);
	tls_context_unref(&challenge_context);
	for (int i = 0; i < 300; i++) {
		loop_turn(loop);
		usleep(1000);
	}
	store->ops->free(store);
	loop_free(&loop);
	mem_free(&wishes);
	mem_free(&conf);
	return failed ? 1 : 0;
}
