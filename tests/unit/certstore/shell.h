/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * shell: a scratch directory and the openssl command, for tests that ask a second implementation.
 * The working directory becomes the scratch directory.
 */
#ifndef TESTS_UNIT_CERTSTORE_SHELL_H
#define TESTS_UNIT_CERTSTORE_SHELL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buf.h"

static inline int shell_enter(void **state)
{
	char dir[] = "/tmp/sallyport-unit-XXXXXX";

	(void)state;
	if (!mkdtemp(dir) || chdir(dir))
		return -1;
	*state = strdup(dir);
	return 0;
}

static inline int shell_leave(void **state)
{
	char command[128];
	int rc = chdir("/");

	snprintf(command, sizeof(command), "chmod -R u+rwx %s; rm -rf %s", (char *)*state,
		(char *)*state);
	rc |= system(command);
	free(*state);
	return rc;
}

static inline void shell_write(const char *file, struct str bytes)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes.at, 1, bytes.len, f), bytes.len);
	fclose(f);
}

/* Adds what the file holds. */
static inline void shell_read(const char *file, struct buf *out)
{
	FILE *f = fopen(file, "r");
	char chunk[4096];
	size_t n;

	assert_non_null(f);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		assert_int_equal(buf_add(out, str_of(chunk, n)), E_OK);
	fclose(f);
}

/* Exit status; what it prints goes to the file "out". */
static inline int shell_run(const char *command)
{
	char line[4096];

	snprintf(line, sizeof(line), "( %s ) > out 2>&1", command);
	return system(line);
}

static inline void shell_must(const char *command)
{
	if (shell_run(command) != 0) {
		shell_run("cat out >&2");
		fail_msg("failed: %s", command);
	}
}

/* Whether the last command printed this. */
static inline bool shell_printed(const char *text)
{
	struct buf out;
	bool found;

	buf_init(&out, 0);
	shell_read("out", &out);
	found = strstr(buf_cstring(&out), text) != NULL;
	buf_fini(&out);
	return found;
}

#endif
