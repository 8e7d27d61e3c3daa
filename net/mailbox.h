/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mailbox: messages to a loop from any thread, delivered in order, in one wake-up for many.
 */
#ifndef NET_MAILBOX_H
#define NET_MAILBOX_H

#include "base/list.h"
#include "net/loop.h"

/* Embedded first in a message the sender allocates; deliver runs on the receiving loop and owns
 * it. */
struct message {
	struct list node;
	void (*deliver)(struct message *m, void *receiver);
	/* Frees one that comes too late, on the sender's thread. NULL: mem_release will do. */
	void (*drop)(struct message *m);
};

struct mailbox;
/* receiver is handed to every deliver. Does not keep the loop alive. */
struct mailbox *mailbox_new(struct loop *l, void *receiver);
/* Any thread. The message must not be touched afterwards. Messages posted after close are delivered
 * by nobody and dropped. */
void mailbox_post(struct mailbox *m, struct message *msg);
/* Own thread. Undelivered messages are delivered first. Memory stays until mailbox_free. */
void mailbox_close(struct mailbox *m);
/* After the loop ended and no thread can post any more. */
void mailbox_free(struct mailbox **m);

#endif
