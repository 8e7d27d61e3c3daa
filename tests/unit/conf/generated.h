/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * generated: compares a committed file with what the rows give now, or writes it when
 * SALLYPORT_GENERATE is set (the build target "generate").
 */
#ifndef TESTS_UNIT_CONF_GENERATED_H
#define TESTS_UNIT_CONF_GENERATED_H

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"

static inline void generated_is_fresh(const char *path, struct buf *now)
{
	static char committed[1024 * 1024];
	const char *generate = getenv("SALLYPORT_GENERATE");
	FILE *f = fopen(path, generate ? "w" : "r");
	size_t n;

	if (!f)
		fail_msg("%s cannot be opened (tests run in the top folder)", path);
	if (generate) {
		assert_int_equal(fwrite(now->at, 1, now->len, f), now->len);
	} else {
		n = fread(committed, 1, sizeof(committed) - 1, f);
		committed[n] = 0;
		if (!str_equal(str_of(committed, n), buf_str(now)))
			fail_msg("%s is stale: run `cmake --build BUILD --target generate`", path);
	}
	fclose(f);
}

#endif
