/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check: the end of a process that found a bug in itself.
 */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *file, int line, const char *expression)
{
	fprintf(stderr, "sallyport: bug at %s:%d: %s\n", file, line, expression);
	fflush(stderr);
	abort();
}
