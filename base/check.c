/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check: the end of a process that found a bug in itself.
 */
#include "base/check.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static _Atomic(void (*)(void)) before_abort;

void check_before_abort(void (*last_words)(void))
{
	atomic_store(&before_abort, last_words);
}

_Noreturn void check_failed(const char *file, int line, const char *expression)
{
	/* Taken away first: a bug in the last words must not call them again. */
	void (*last_words)(void) = atomic_exchange(&before_abort, NULL);

	if (last_words)
		last_words();
	fprintf(stderr, "sallyport: bug at %s:%d: %s\n", file, line, expression);
	fflush(stderr);
	abort();
}
