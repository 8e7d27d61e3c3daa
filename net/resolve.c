/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve: owns one lookup. What runs on the pool thread is a struct of its own, because a lookup
 * cannot be interrupted: who cancels or times out leaves it behind, and it frees itself when done.
 *
 *   LOOKING --> answered (callback, freed)
 *       \_____--> canceled, timed out; the job ends by itself
 */
#include "net/resolve.h"

#include <ares.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <strings.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "net/deadline.h"

enum { HOST_MAX = 253 };

struct job {
	struct loop_work work;
	struct resolve *owner; /* NULL when nobody waits any more; the loop's thread only */
	char host[HOST_MAX + 1];
	uint16_t port;
	int64_t timeout_ms;
	enum err err;
	struct resolve_result result;
};

struct resolve {
	struct loop *loop;
	struct job *job;       /* NULL for a literal */
	struct loop_task task; /* answers a literal */
	struct deadline deadline;
	struct resolve_result literal;
	resolve_fn *fn;
	void *owner;
};

/* Written before the loops run, then only read. */
static char server[ADDR_TEXT];

static void on_pool_thread(struct loop_work *w);
static void on_work_done(struct loop_work *w, bool canceled);
static void on_literal(struct loop_task *t);
static void on_deadline(struct deadline *d);

/* "1.2.3.4:53" or "[::1]:53"; the port may be missing. */
static enum err check_server(const char *address)
{
	struct str s = str_from(address), ip = s;
	const char *colon = memrchr(s.at, ':', s.len);
	uint64_t port;
	struct addr a;

	if (colon && (s.at[0] == '[' ? colon[-1] == ']' : memchr(s.at, ':', s.len) == colon)) {
		ip = str_of(s.at, (size_t)(colon - s.at));
		if (!str_to_u64(str_of(colon + 1, s.len - ip.len - 1), &port) || port == 0 ||
			port > 65535)
			return E_PARSE;
	}
	return addr_parse_ip(&a, ip, 53);
}

enum err resolve_set_server(const char *address)
{
	server[0] = '\0';
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		return E_NOMEM;
	if (!address)
		return E_OK;
	if (address[0] == '\0' || check_server(address) != E_OK ||
		!str_copy(server, sizeof(server), str_from(address))) {
		server[0] = '\0';
		return E_PARSE;
	}
	return E_OK;
}

static void finish(struct resolve *r, enum err err, const struct resolve_result *result)
{
	resolve_fn *fn = r->fn;
	void *owner = r->owner;

	resolve_cancel(&r);
	fn(owner, err, err == E_OK ? result : NULL);
}

struct resolve *resolve_start(struct loop *l, struct str host, uint16_t port, int64_t timeout_ms,
	resolve_fn *fn, void *owner)
{
	struct resolve *r = mem_new(sizeof(*r));

	*r = (struct resolve){.loop = l, .fn = fn, .owner = owner};
	loop_task_init(&r->task, on_literal);
	deadline_init(&r->deadline, l, on_deadline);
	bool is_literal = addr_parse_ip(&r->literal.at[0], host, port) == E_OK;
	if (is_literal || host.len == 0 || host.len > HOST_MAX || memchr(host.at, 0, host.len)) {
		r->literal.n = is_literal;
		loop_defer(l, &r->task);
		return r;
	}
	r->job = mem_new(sizeof(*r->job));
	r->job->owner = r;
	r->job->port = port;
	r->job->timeout_ms = timeout_ms;
	r->job->work.fn = on_pool_thread;
	r->job->work.done = on_work_done;
	str_copy(r->job->host, sizeof(r->job->host), host);
	deadline_arm(&r->deadline, timeout_ms);
	loop_work_start(l, &r->job->work);
	return r;
}

static void on_literal(struct loop_task *t)
{
	struct resolve *r = container_of(t, struct resolve, task);
	struct resolve_result result = r->literal;

	finish(r, result.n ? E_OK : E_RESOLVE, &result);
}

static void add(struct job *j, const struct sockaddr *at, size_t len)
{
	if (j->result.n == RESOLVE_MAX || (at->sa_family != AF_INET && at->sa_family != AF_INET6))
		return;
	struct addr *a = &j->result.at[j->result.n++];
	memcpy(a, at, len < sizeof(*a) ? len : sizeof(*a));
	if (at->sa_family == AF_INET)
		a->in.sin_port = htons(j->port);
	else
		a->in6.sin6_port = htons(j->port);
}

static void ask_system(struct job *j)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	struct addrinfo *list = NULL;
	int failed = getaddrinfo(j->host, NULL, &hints, &list);

	/* A machine with nothing but loopback configures no family; it still has names for
	 * itself. */
	if (failed == EAI_NONAME || failed == EAI_ADDRFAMILY) {
		hints.ai_flags = 0;
		failed = getaddrinfo(j->host, NULL, &hints, &list);
	}
	for (const struct addrinfo *a = failed ? NULL : list; a; a = a->ai_next)
		add(j, a->ai_addr, a->ai_addrlen);
	if (!failed)
		freeaddrinfo(list);
}

static void on_addresses(void *owner, int status, int timeouts, struct ares_addrinfo *list)
{
	(void)timeouts;
	for (const struct ares_addrinfo_node *a = status == ARES_SUCCESS ? list->nodes : NULL; a;
		a = a->ai_next)
		add(owner, a->ai_addr, a->ai_addrlen);
	if (list)
		ares_freeaddrinfo(list);
}

/* Waits for the channel's sockets until it has answered or time is up. */
static void run_channel(ares_channel channel, int64_t timeout_ms)
{
	int64_t end_ms = clock_mono_ms() + timeout_ms;

	for (;;) {
		ares_socket_t socks[ARES_GETSOCK_MAXNUM];
		struct pollfd fds[ARES_GETSOCK_MAXNUM];
		unsigned wanted = (unsigned)ares_getsock(channel, socks, ARES_GETSOCK_MAXNUM);
		nfds_t n = 0;

		/* Bit i: reading, bit i + 16: writing (the library's macros shift into the
		 * sign). */
		for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
			short events = (short)((wanted >> i & 1 ? POLLIN : 0) |
					       (wanted >> (i + 16) & 1 ? POLLOUT : 0));

			if (events)
				fds[n++] = (struct pollfd){.fd = socks[i], .events = events};
		}
		if (n == 0 || clock_mono_ms() >= end_ms)
			return;
		if (poll(fds, n, 50) <= 0) {
			ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
			continue;
		}
		for (nfds_t i = 0; i < n; i++)
			ares_process_fd(channel,
				fds[i].revents & (POLLIN | POLLERR | POLLHUP) ? fds[i].fd
									      : ARES_SOCKET_BAD,
				fds[i].revents & POLLOUT ? fds[i].fd : ARES_SOCKET_BAD);
	}
}

/* A channel per lookup: they are not made for several threads. */
static void ask_server(struct job *j)
{
	struct ares_options options = {.timeout = 1000, .tries = 3, .flags = ARES_FLAG_NOSEARCH};
	struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_flags = ARES_AI_NOSORT};
	ares_channel channel;

	if (ares_init_options(&channel, &options,
		    ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_FLAGS) != ARES_SUCCESS)
		return;
	if (ares_set_servers_ports_csv(channel, server) == ARES_SUCCESS) {
		ares_getaddrinfo(channel, j->host, NULL, &hints, on_addresses, j);
		run_channel(channel, j->timeout_ms);
	}
	ares_destroy(channel);
}

/* "localhost" and all below it. */
static bool is_localhost(const char *host)
{
	size_t len = strlen(host), ours = strlen("localhost");

	if (len > 0 && host[len - 1] == '.')
		len--;
	return len >= ours && !strncasecmp(host + len - ours, "localhost", ours) &&
	       (len == ours || host[len - ours - 1] == '.');
}

static void add_loopback(struct job *j)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};

	add(j, (const struct sockaddr *)&in, sizeof(in));
	add(j, (const struct sockaddr *)&in6, sizeof(in6));
}

static void ask(struct job *j)
{
	if (server[0])
		ask_server(j);
	else
		ask_system(j);
	/* RFC 6761 6.3: always loopback, also where no file says so, as in small containers. */
	if (j->result.n == 0 && is_localhost(j->host))
		add_loopback(j);
	j->err = j->result.n > 0 ? E_OK : E_RESOLVE;
}

static void on_pool_thread(struct loop_work *w)
{
	ask(container_of(w, struct job, work));
}

enum err resolve_blocking(struct str host, uint16_t port, int64_t timeout_ms,
	struct resolve_result *out)
{
	struct job j = {.port = port, .timeout_ms = timeout_ms};

	if (addr_parse_ip(&out->at[0], host, port) == E_OK) {
		out->n = 1;
		return E_OK;
	}
	if (host.len == 0 || memchr(host.at, 0, host.len) || !str_copy(j.host, sizeof(j.host), host))
		return E_RESOLVE;
	ask(&j);
	*out = j.result;
	return j.err;
}

static bool take_server(const struct ares_addr_port_node *node, struct addr *out)
{
	uint16_t port = node->udp_port > 0 ? (uint16_t)node->udp_port : 53;

	*out = (struct addr){0};
	if (node->family == AF_INET)
		out->in = (struct sockaddr_in){.sin_family = AF_INET,
			.sin_port = htons(port),
			.sin_addr = node->addr.addr4};
	else if (node->family == AF_INET6) {
		out->in6 = (struct sockaddr_in6){
			.sin6_family = AF_INET6, .sin6_port = htons(port)};
		memcpy(&out->in6.sin6_addr, &node->addr.addr6, sizeof(out->in6.sin6_addr));
	}
	return node->family == AF_INET || node->family == AF_INET6;
}

/* The library knows where each system keeps them, and reads our own the same way. */
unsigned resolve_servers(struct addr *out, unsigned max)
{
	struct ares_addr_port_node *list = NULL;
	ares_channel channel;
	unsigned n = 0;

	if (ares_init(&channel) == ARES_SUCCESS) {
		if ((!server[0] || ares_set_servers_ports_csv(channel, server) == ARES_SUCCESS) &&
			ares_get_servers_ports(channel, &list) == ARES_SUCCESS) {
			for (const struct ares_addr_port_node *s = list; s && n < max; s = s->next)
				n += take_server(s, &out[n]);
			ares_free_data(list);
		}
		ares_destroy(channel);
	}
	return n;
}

static void on_work_done(struct loop_work *w, bool canceled)
{
	struct job *j = container_of(w, struct job, work);
	struct resolve *r = j->owner;

	if (r) {
		j->owner = NULL;
		r->job = NULL;
		finish(r, canceled ? E_CANCELED : j->err, &j->result);
	}
	mem_release(j);
}

static void on_deadline(struct deadline *d)
{
	finish(container_of(d, struct resolve, deadline), E_TIMEOUT, NULL);
}

void resolve_cancel(struct resolve **rp)
{
	struct resolve *r = *rp;

	if (!r)
		return;
	*rp = NULL;
	loop_task_cancel(&r->task);
	deadline_disarm(&r->deadline);
	if (r->job) {
		r->job->owner = NULL;
		loop_work_cancel(&r->job->work);
	}
	mem_release(r);
}
