/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stand: see the header.
 */
#include "tests/support/stand.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "net/listener.h"
#include "proxy/ports.h"

static void on_want(void *owner, struct worker *w, const char *name, const char *client_ip)
{
	struct stand *s = owner;

	ASSERT(w == s->worker);
	str_copy(s->wanted[s->n_wants++ % STAND_NAMES], sizeof(s->wanted[0]), str_from(name));
	str_copy(s->wanted_by, sizeof(s->wanted_by), str_from(client_ip));
}

static void on_unwant(void *owner, struct worker *w, const char *name)
{
	(void)w;
	(void)name;
	((struct stand *)owner)->n_unwants++;
}

static void on_seek(void *owner, struct worker *w, const char *key)
{
	struct stand *s = owner;

	ASSERT(w == s->worker);
	str_copy(s->sought, sizeof(s->sought), str_from(key));
	s->n_seeks++;
}

static void on_seen(void *owner, enum conf_challenge kind, const char *identifier)
{
	struct stand *s = owner;

	(void)kind;
	str_copy(s->seen, sizeof(s->seen), str_from(identifier));
	s->n_seen++;
}

static void on_live(void *owner, struct worker *w, uint64_t generation)
{
	(void)w;
	((struct stand *)owner)->live_generation = generation;
}

static void on_due(void *owner, const char *name)
{
	(void)name;
	((struct stand *)owner)->n_due++;
}

static void on_drained(void *owner, struct worker *w)
{
	(void)w;
	((struct stand *)owner)->is_drained = true;
}

static void on_settled(void *owner, struct worker *w, uint64_t generation)
{
	struct stand *s = owner;

	(void)w;
	s->settled_generation = generation;
	s->n_settled++;
}

static const struct worker_events events = {
	.on_want = on_want, .on_unwant = on_unwant, .on_challenge_seen = on_seen, .on_challenges_live = on_live,
	.on_due = on_due, .on_settled = on_settled, .on_drained = on_drained,
}, seeking_events = {
	.on_want = on_want, .on_unwant = on_unwant, .on_seek = on_seek, .on_challenge_seen = on_seen,
	.on_challenges_live = on_live, .on_due = on_due, .on_settled = on_settled, .on_drained = on_drained,
};

struct snapshot *stand_snapshot(struct stand *s, const char *config)
{
	static struct conf_problems problems;
	struct load_args args = { 0 };
	struct snapshot *snapshot = NULL;
	struct conf *conf = NULL;
	struct fault fault = { 0 };

	if (load_text(str_from(config), "test", &args, &conf, &problems)) {
		fprintf(stderr, "%s\n", problems.n ? problems.at[0].text : "no reason given");
		abort();
	}
	if (snapshot_new(conf, s->tickets, &snapshot, &fault)) {
		fprintf(stderr, "%s: %s\n", fault.activity, fault.detail);
		abort();
	}
	conf_unref(&conf);
	return snapshot;
}

static int bind_port(uint16_t *port)
{
	struct addr at;
	struct fault fault;
	int fd;

	ASSERT(!addr_parse_ip(&at, STR("127.0.0.1"), *port));
	ASSERT(!listener_bind(&at, &fd, &fault));
	*port = listener_port(fd);
	return fd;
}

void stand_start(struct stand *s, const char *config, unsigned connections_max)
{
	struct worker_args args = {
		.n_workers = 1, .events = &events, .owner = s, .n_https = 1, .n_http = 1,
		.waiting = &s->waiting, .connections = &s->connections,
		.connections_max = connections_max ? connections_max : 1000,
	};
	uint16_t https = s->https_port, http = s->http_port;
	bool seeks = s->seeks;
	int https_fd = bind_port(&https), http_fd = bind_port(&http);

	memset(s, 0, sizeof(*s));
	s->https_port = https;
	s->http_port = http;
	s->seeks = seeks;
	ASSERT(!tls_setup());
	s->loop = loop_new();
	s->mailbox = mailbox_new(s->loop, s);
	s->tickets = tls_tickets_new();
	s->snapshot = stand_snapshot(s, config);
	if (seeks)
		args.events = &seeking_events;
	args.control = s->mailbox;
	args.snapshot = s->snapshot;
	args.https_fds = &https_fd;
	args.http_fds = &http_fd;
	s->worker = worker_start(&args);
}

void stand_turn(struct stand *s)
{
	struct timespec pause = { 0, 500000 };

	loop_turn(s->loop);
	nanosleep(&pause, NULL);
}

void stand_reload(struct stand *s, struct snapshot *next)
{
	unsigned n = s->n_settled + 1;
	int same[PORTS_MAX];

	for (unsigned i = 0; i < PORTS_MAX; i++)
		same[i] = i ? PORT_ENDS : PORT_STAYS;
	worker_reload(s->worker, &(struct worker_reload_args){ .snapshot = next, .https = same, .http = same,
		.https_port = s->https_port, .connections_max = 1000, .generation = n });
	ASSERT(stand_wait(s, &s->n_settled, n));
}

bool stand_wait(struct stand *s, const unsigned *what, unsigned n)
{
	int64_t end = clock_mono_ms() + 5000;

	while (*what < n && clock_mono_ms() < end)
		stand_turn(s);
	return *what >= n;
}

void stand_stop(struct stand *s)
{
	if (s->worker && !s->is_drained)
		worker_stop(s->worker);
	worker_join(&s->worker);
	while (loop_turn(s->loop))
		;
	mailbox_close(s->mailbox);
	loop_turn(s->loop);
	snapshot_unref(&s->snapshot);
	tls_tickets_free(&s->tickets);
	loop_free(&s->loop);
	mailbox_free(&s->mailbox);
}
