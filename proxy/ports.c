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

static enum err add_address(struct ports *p, struct ports_list *l, const struct conf_addr *at,
	struct fault *fault);
static enum err bind_any(struct ports *p, struct ports_list *l, uint16_t port, struct fault *fault);
static enum err bind_all(struct ports *p, struct ports_list *l, const struct addr *at,
	struct fault *fault);

static enum err open_list(struct ports *p, struct ports_list *l, const struct conf_addrs *addrs,
	struct fault *fault)
{
	enum err err = E_OK;

	l->fds = mem_new(sizeof(*l->fds) * PORTS_MAX * p->n_workers);
	for (unsigned i = 0; i < PORTS_MAX * p->n_workers; i++)
		l->fds[i] = -1;
	for (unsigned i = 0; !err && i < addrs->n; i++)
		err = add_address(p, l, &addrs->at[i], fault);
	return err;
}

enum err ports_open(struct ports *p, const struct conf_listen *listen, unsigned n_workers,
	struct fault *fault)
{
	enum err err;

	ASSERT(n_workers > 0);
	*p = (struct ports){ .n_workers = n_workers };
	err = open_list(p, &p->https, &listen->https, fault);
	if (!err)
		err = open_list(p, &p->http, &listen->http, fault);
	if (err)
		ports_close(p);
	return err;
}

static enum err add_address(struct ports *p, struct ports_list *l, const struct conf_addr *at,
	struct fault *fault)
{
	struct addr a;

	if (at->kind == CONF_ADDR_ANY)
		return bind_any(p, l, at->port, fault);
	if (at->kind != CONF_ADDR_IP || addr_parse_ip(&a, str_from(at->host), at->port))
		return fault_set(fault, E_BIND, "%s: listening needs an IP address and a port", at->text);
	return bind_all(p, l, &a, fault);
}

/* Both families, on one port. A machine may lack one of them. */
static enum err bind_any(struct ports *p, struct ports_list *l, uint16_t port, struct fault *fault)
{
	struct addr v4, v6;
	struct fault v6_fault = { 0 };
	enum err err;

	ASSERT(addr_parse_ip(&v4, STR("0.0.0.0"), port) == E_OK);
	err = bind_all(p, l, &v4, fault);
	if (!err && port == 0)
		port = addr_port(&l->at[l->n - 1]);
	ASSERT(addr_parse_ip(&v6, STR("::"), port) == E_OK);
	if (bind_all(p, l, &v6, &v6_fault) == E_OK)
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

/* The first worker's socket learns the port; the others join it. */
static enum err bind_all(struct ports *p, struct ports_list *l, const struct addr *at,
	struct fault *fault)
{
	struct addr a = *at;
	char text[ADDR_TEXT];

	addr_text(text, at);
	if (l->n == PORTS_MAX)
		return fault_set(fault, E_BIND, "%s: more than %d listen addresses", text, PORTS_MAX);
	if (is_taken(at))
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
