/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ports: SO_REUSEPORT lets a second instance of ours bind the same port in silence and take half of the
 * connections. So each address is first bound without it, which only works if nobody listens there.
 */
#include "proxy/ports.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "net/listener.h"

enum { NO_SLOT = PORTS_MAX };

/* One list being opened. */
struct opening {
	struct ports *ports;
	struct ports_list *list;
	const struct ports *running;         /* NULL: at start */
	const struct ports_list *before;     /* the same list of running */
	bool is_kept[PORTS_MAX];             /* of before */
};

static enum err add_address(struct opening *o, const struct conf_addr *at, struct fault *fault);
static enum err bind_any(struct opening *o, uint16_t port, struct fault *fault);
static enum err bind_all(struct opening *o, const struct addr *at, struct fault *fault);

/* New ones take what those that stay leave. */
static void give_slots(struct ports_list *l)
{
	bool is_used[PORTS_MAX] = { false };
	unsigned next = 0;

	for (unsigned i = 0; i < l->n; i++)
		if (l->slot[i] != NO_SLOT)
			is_used[l->slot[i]] = true;
	for (unsigned i = 0; i < l->n; i++) {
		if (l->slot[i] != NO_SLOT)
			continue;
		while (is_used[next])
			next++;
		l->slot[i] = next++;
	}
}

static enum err open_list(struct opening *o, const struct conf_addrs *addrs, struct fault *fault)
{
	struct ports *p = o->ports;
	struct ports_list *l = o->list;
	enum err err = E_OK;

	l->fds = mem_new(sizeof(*l->fds) * PORTS_MAX * p->n_workers);
	for (unsigned i = 0; i < PORTS_MAX * p->n_workers; i++)
		l->fds[i] = -1;
	for (unsigned i = 0; !err && i < addrs->n; i++)
		err = add_address(o, &addrs->at[i], fault);
	give_slots(l);
	return err;
}

static enum err open_both(struct ports *p, const struct ports *running, const struct conf_listen *listen,
	struct fault *fault)
{
	struct opening https = { .ports = p, .list = &p->https, .running = running,
		.before = running ? &running->https : NULL };
	struct opening http = { .ports = p, .list = &p->http, .running = running,
		.before = running ? &running->http : NULL };
	enum err err = open_list(&https, &listen->https, fault);

	if (!err)
		err = open_list(&http, &listen->http, fault);
	if (err)
		ports_close(p);
	return err;
}

enum err ports_reopen(struct ports *next, const struct ports *running, const struct conf_listen *listen,
	struct fault *fault)
{
	*next = (struct ports){ .n_workers = running->n_workers };
	return open_both(next, running, listen, fault);
}

void ports_change(struct ports_list *next, unsigned worker, int change[PORTS_MAX])
{
	for (unsigned i = 0; i < PORTS_MAX; i++)
		change[i] = PORT_ENDS;
	for (unsigned i = 0; i < next->n; i++) {
		int *fd = &next->fds[worker * PORTS_MAX + i];

		change[next->slot[i]] = *fd >= 0 ? *fd : PORT_STAYS;
		*fd = -1;
	}
}

enum err ports_open(struct ports *p, const struct conf_listen *listen, unsigned n_workers,
	struct fault *fault)
{
	ASSERT(n_workers > 0);
	*p = (struct ports){ .n_workers = n_workers };
	return open_both(p, NULL, listen, fault);
}

static enum err add_address(struct opening *o, const struct conf_addr *at, struct fault *fault)
{
	struct addr a;

	if (at->kind == CONF_ADDR_ANY)
		return bind_any(o, at->port, fault);
	if (at->kind != CONF_ADDR_IP || addr_parse_ip(&a, str_from(at->host), at->port))
		return fault_set(fault, E_BIND, "%s: listening needs an IP address and a port", at->text);
	return bind_all(o, &a, fault);
}

/* Both families, on one port. A machine may lack one of them. */
static enum err bind_any(struct opening *o, uint16_t port, struct fault *fault)
{
	struct addr v4, v6;
	struct fault v6_fault = { 0 };
	enum err err;

	ASSERT(addr_parse_ip(&v4, STR("0.0.0.0"), port) == E_OK);
	err = bind_all(o, &v4, fault);
	if (!err && port == 0)
		port = addr_port(&o->list->at[o->list->n - 1]);
	ASSERT(addr_parse_ip(&v6, STR("::"), port) == E_OK);
	if (bind_all(o, &v6, &v6_fault) == E_OK)
		return E_OK;
	return err;
}

/* Whether anyone listens there already, ourselves in another process included. */
static bool is_taken(const struct addr *at)
{
	int fd = socket(at->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;
	bool is_taken;

	if (fd < 0 || addr_port(at) == 0) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (at->any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	is_taken = bind(fd, &at->any, addr_len(at)) != 0 && errno == EADDRINUSE;
	close(fd);
	return is_taken;
}

static void set_port(struct addr *a, uint16_t port)
{
	if (a->any.sa_family == AF_INET6)
		a->in6.sin6_port = htons(port);
	else
		a->in.sin_port = htons(port);
}

static bool is_equal(const struct addr *a, const struct addr *b)
{
	return a->any.sa_family == b->any.sa_family && addr_len(a) == addr_len(b) &&
		memcmp(a, b, addr_len(a)) == 0;
}

/* An address that was asked for in the same words before stays, with the port the kernel chose then. */
static bool keep(struct opening *o, const struct addr *at)
{
	const struct ports_list *before = o->before;
	struct ports_list *l = o->list;

	for (unsigned i = 0; before && i < before->n; i++) {
		if (o->is_kept[i] || !is_equal(&before->asked[i], at))
			continue;
		o->is_kept[i] = true;
		l->asked[l->n] = *at;
		l->at[l->n] = before->at[i];
		l->slot[l->n++] = before->slot[i];
		return true;
	}
	return false;
}

/* Our own workers listen on such a port: no other program is in the way, and SO_REUSEPORT lets us in. */
static bool is_ours(const struct opening *o, uint16_t port)
{
	const struct ports *r = o->running;

	for (unsigned i = 0; r && i < r->https.n; i++)
		if (addr_port(&r->https.at[i]) == port)
			return true;
	for (unsigned i = 0; r && i < r->http.n; i++)
		if (addr_port(&r->http.at[i]) == port)
			return true;
	return false;
}

/* The first worker's socket learns the port; the others join it. */
static enum err bind_all(struct opening *o, const struct addr *at, struct fault *fault)
{
	struct ports *p = o->ports;
	struct ports_list *l = o->list;
	struct addr a = *at;
	char text[ADDR_TEXT];

	addr_text(text, at);
	if (l->n == PORTS_MAX)
		return fault_set(fault, E_BIND, "%s: more than %d listen addresses", text, PORTS_MAX);
	if (keep(o, at))
		return E_OK;
	if (!is_ours(o, addr_port(at)) && is_taken(at))
		return fault_set(fault, E_BIND, "%s: in use by another program", text);
	for (unsigned w = 0; w < p->n_workers; w++) {
		int *fd = &l->fds[w * PORTS_MAX + l->n];
		enum err err = listener_bind(&a, fd, fault);

		if (err)
			return err;
		listener_await_data(*fd);
		if (addr_port(&a) == 0)
			set_port(&a, listener_port(*fd));
	}
	l->asked[l->n] = *at;
	l->slot[l->n] = NO_SLOT;
	l->at[l->n++] = a;
	return E_OK;
}

const int *ports_give(struct ports_list *l, unsigned worker)
{
	static int given[PORTS_MAX];

	for (unsigned i = 0; i < l->n; i++) {
		given[i] = l->fds[worker * PORTS_MAX + i];
		ASSERT(given[i] >= 0);
		l->fds[worker * PORTS_MAX + i] = -1;
	}
	return given;
}

static void close_list(struct ports_list *l, unsigned n_workers)
{
	for (unsigned i = 0; l->fds && i < n_workers * PORTS_MAX; i++)
		if (l->fds[i] >= 0)
			close(l->fds[i]);
	mem_free(&l->fds);
	l->n = 0;
}

void ports_close(struct ports *p)
{
	close_list(&p->https, p->n_workers);
	close_list(&p->http, p->n_workers);
}

enum err ports_text(const struct ports_list *l, struct buf *out)
{
	char text[ADDR_TEXT];
	enum err err = E_OK;

	for (unsigned i = 0; !err && i < l->n; i++) {
		addr_text(text, &l->at[i]);
		err = buf_addf(out, "%s%s", i ? "," : "", text);
	}
	return err;
}
