/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * list: intrusive doubly linked list; a node is in at most one list. All inline.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>

#include "base/check.h"

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}
static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}
static inline void list_append(struct list *l, struct list *node)
{
	node->prev = l->prev; node->next = l; l->prev->next = node; l->prev = node;
}
static inline void list_prepend(struct list *l, struct list *node)
{
	node->next = l->next; node->prev = l; l->next->prev = node; l->next = node;
}
/* Safe on a node that is in no list but was initialised. */
static inline void list_remove(struct list *node)
{
	node->prev->next = node->next; node->next->prev = node->prev; list_init(node);
}
#define list_entry(node, type, member) container_of(node, type, member)
#define list_first(l, type, member) \
	(list_is_empty(l) ? NULL : container_of((l)->next, type, member))
#define list_last(l, type, member) \
	(list_is_empty(l) ? NULL : container_of((l)->prev, type, member))
/* The body may remove the current node. */
#define list_each(l, node, tmp) \
	for (struct list *node = (l)->next, *tmp = node->next; node != (l); \
	     node = tmp, tmp = node->next)

#endif
