/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mailbox: a lock-free stack that senders push to and the receiver takes whole and turns round.
 * Only the message that finds it empty rings the bell (an eventfd).
 *
 *   OPEN --> CLOSED --> freed
 */
#include "net/mailbox.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/watch.h"

struct mailbox {
	struct loop *loop;
	void *receiver;
	_Atomic(struct list *) top; /* linked by next, newest first; &closed when closed */
	struct list closed;
	struct watch watch;
	int bell_fd;
};

static void on_bell(struct watch *w, unsigned events);
static void deliver(struct mailbox *m, struct list *newest);

struct mailbox *mailbox_new(struct loop *l, void *receiver)
{
	struct mailbox *m = mem_new(sizeof(*m));

	m->loop = l;
	m->receiver = receiver;
	m->watch.fn = on_bell;
	m->bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT(m->bell_fd >= 0);
	ASSERT(watch_open(l, &m->watch, m->bell_fd, WATCH_BACKGROUND) == E_OK);
	return m;
}

void mailbox_post(struct mailbox *m, struct message *msg)
{
	struct list *top = atomic_load_explicit(&m->top, memory_order_acquire);

	ASSERT(msg->deliver);
	do {
		if (top == &m->closed) {
			if (msg->drop)
				msg->drop(msg);
			else
				mem_release(msg);
			return;
		}
		msg->node.next = top;
	} while (!atomic_compare_exchange_weak_explicit(
		&m->top, &top, &msg->node, memory_order_acq_rel, memory_order_acquire));
	if (!top) {
		uint64_t one = 1;

		ASSERT(write(m->bell_fd, &one, sizeof(one)) == sizeof(one) || errno == EAGAIN);
	}
}

static void on_bell(struct watch *w, unsigned events)
{
	struct mailbox *m = container_of(w, struct mailbox, watch);
	uint64_t rings;

	(void)events;
	/* Silenced before the messages are taken: one posted in between rings again. */
	if (read(m->bell_fd, &rings, sizeof(rings)) < 0)
		ASSERT(errno == EAGAIN);
	deliver(m, atomic_exchange_explicit(&m->top, NULL, memory_order_acq_rel));
}

static void deliver(struct mailbox *m, struct list *newest)
{
	struct list *oldest = NULL;

	while (newest) {
		struct list *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	while (oldest) {
		struct message *msg = container_of(oldest, struct message, node);

		oldest = oldest->next;
		list_init(&msg->node);
		msg->deliver(msg, m->receiver);
	}
}

void mailbox_close(struct mailbox *m)
{
	if (m->watch.fd < 0)
		return;
	struct list *left = atomic_exchange_explicit(&m->top, &m->closed, memory_order_acq_rel);

	watch_close(m->loop, &m->watch);
	deliver(m, left);
}

void mailbox_free(struct mailbox **mp)
{
	struct mailbox *m = *mp;

	if (!m)
		return;
	*mp = NULL;
	ASSERT(atomic_load(&m->top) == &m->closed);
	close(m->bell_fd);
	mem_release(m);
}
