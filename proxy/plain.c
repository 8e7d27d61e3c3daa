/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plain: a connection here speaks HTTP from its first byte.
 */
#include "proxy/plain.h"

#include "net/tcp_stream.h"
#include "proxy/client.h"

static void on_cut(struct client *c)
{
	client_fini(c);
	mem_free(&c);
}

static void on_closed(struct client *c)
{
	mem_free(&c);
}

void plain_accept(void *owner, int fd, const struct addr *peer)
{
	struct context *x = owner;
	struct stream *s;
	struct client *c;

	if (!client_admit(x, fd))
		return;
	c = mem_new(sizeof(*c));
	c->cut = on_cut;
	c->on_closed = on_closed;
	client_init(c, x, peer);
	s = tcp_stream_adopt(x->loop, fd, peer);
	if (s)
		client_serve_h1(c, &s);
	else
		on_cut(c);
}
