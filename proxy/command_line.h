/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_line: words and options of a command, one row per option. Options that set a value of the
 * configuration become overrides ("path=value"), so that they are parsed and explained like any other.
 */
#ifndef PROXY_COMMAND_LINE_H
#define PROXY_COMMAND_LINE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/mem.h"

enum { COMMAND_LINE_WORDS = 4, COMMAND_LINE_OVERRIDES = 64 };

/* Sets of options; a command names those it takes. */
enum {
	OPTIONS_CONF = 1,    /* -c, --set */
	OPTIONS_PROXY = 2,   /* shorthands for --set */
	OPTIONS_JSON = 4,    /* --json */
	OPTIONS_ORIGIN = 8,  /* --origin */
	OPTIONS_ADMIN = 16,  /* --store: which instance is meant */
	OPTIONS_QUIET = 32,
	OPTIONS_PAGE = 64,   /* --max, --after, --sort */
	OPTIONS_WAIT = 128,  /* --no-wait */
	OPTIONS_REVOKE = 256,
	OPTIONS_EXPORT = 512,
	OPTIONS_IMPORT = 1024,
	OPTIONS_DIAGNOSE = 2048,
	OPTIONS_AUDIT = 4096,
	OPTIONS_ACCOUNT = 8192,
	OPTIONS_RELOAD = 16384,
	OPTIONS_LIST = 32768,    /* --file */
	OPTIONS_TENANT = 65536,
	OPTIONS_ONLINE = 131072,
};

/* Options that are the command's own. */
enum command_value { VALUE_QUIET, VALUE_MAX, VALUE_AFTER, VALUE_SORT, VALUE_NO_WAIT, VALUE_REASON, VALUE_TO,
	VALUE_HOOK, VALUE_DRY_RUN, VALUE_YES, VALUE_PORTS, VALUE_VERIFY, VALUE_KEY, VALUE_REPLACE, VALUE_FILE,
	VALUE_TENANT, VALUE_ONLINE, VALUE_COUNT };

struct command_line {
	const char *words[COMMAND_LINE_WORDS];
	unsigned n_words;
	const char *config;   /* -c, or NULL */
	bool json, origin, help;
	const char *values[VALUE_COUNT];  /* "" for those without; NULL: not given */
	const char *overrides[COMMAND_LINE_OVERRIDES + 1];  /* NULL-terminated */
	unsigned n_overrides;
	struct arena arena;
};

/* arguments after the command's name. On failure a sentence is in complaint. */
bool command_line_parse(struct command_line *l, char *const *arguments, unsigned options,
	char complaint[256]);
void command_line_fini(struct command_line *l);
/* The rows of these sets, for help. */
void command_line_print_options(FILE *out, unsigned options);

#endif
