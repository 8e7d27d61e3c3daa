/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check: what must be true, checked in release builds as well.
 *
 * ASSERT is for our own bugs only. What a peer, the disk or the operator can cause is an
 * enum err, never an assertion.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include <stddef.h>

/* Prints "file:line: expression" to stderr and aborts. */
_Noreturn void check_failed(const char *file, int line, const char *expression);
/* One function to call before that, in the thread that found the bug: the log's. */
void check_before_abort(void (*last_words)(void));

#define ASSERT(e) ((e) ? (void)0 : check_failed(__FILE__, __LINE__, #e))
#define UNREACHABLE() check_failed(__FILE__, __LINE__, "unreachable")

#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr) - offsetof(type, member)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
