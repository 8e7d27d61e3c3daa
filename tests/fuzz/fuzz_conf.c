/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_conf: any bytes as a file, and as variables when they hold lines after a NUL, are either
 * refused with a printable reason or become a configuration whose printed form loads again.
 */
#include "base/check.h"
#include "base/mem.h"
#include "conf/load.h"

enum { VARIABLES = 8 };

static void loads_again(const struct conf *c)
{
	static struct conf_problems problems;
	struct conf *again;
	struct buf text;

	buf_init(&text, 0);
	ASSERT(load_print(c, true, &text) == E_OK);
	buf_clear(&text);
	ASSERT(load_print(c, false, &text) == E_OK);
	/* Secrets are not printed, and "${" would be expanded: such a text may fail, but not crash. */
	load_text(buf_str(&text), "printed", NULL, &again, &problems);
	conf_unref(&again);
	buf_fini(&text);
}

/* "SALLYPORT_" before each line; the block owns the texts. */
static void split_variables(char *block, char *environment[VARIABLES + 1])
{
	unsigned n = 0;

	for (char *line = block; line && *line && n < VARIABLES; n++) {
		char *end = strchr(line, '\n');
		struct buf b;

		if (end)
			*end = 0;
		buf_init(&b, 0);
		buf_addf(&b, "SALLYPORT_%s", line);
		environment[n] = mem_strdup(buf_cstring(&b));
		buf_fini(&b);
		line = end ? end + 1 : NULL;
	}
	environment[n] = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct conf_problems problems;
	const uint8_t *nul = size ? memchr(bytes, 0, size) : NULL;
	size_t file_len = nul ? (size_t)(nul - bytes) : size;
	char *environment[VARIABLES + 1] = { NULL }, *block = NULL;
	struct load_args args = { .environment = environment };
	struct conf *c;

	if (nul) {
		block = mem_new(size - file_len);
		memcpy(block, nul + 1, size - file_len - 1);
		/* No reading of arbitrary files. */
		if (!strstr(block, "_FILE") && !strstr(block, "_file"))
			split_variables(block, environment);
	}
	if (load_text(str_of(bytes, file_len), "fuzz", &args, &c, &problems))
		ASSERT(problems.n && str_is_utf8(str_from(problems.at[0].text)));
	else
		loads_again(c);
	conf_unref(&c);
	for (unsigned i = 0; environment[i]; i++)
		mem_free(&environment[i]);
	mem_free(&block);
	return 0;
}
