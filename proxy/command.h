/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command: what "sallyport COMMAND" does, one row per command. Main thread.
 * Exit codes: 0 fine, 1 failed, 2 wrong usage, 3 degraded.
 */
#ifndef PROXY_COMMAND_H
#define PROXY_COMMAND_H

#include <stdio.h>

enum command_exit { COMMAND_FINE, COMMAND_FAILED, COMMAND_USAGE, COMMAND_DEGRADED };

struct command_args {
	char *const *arguments;    /* NULL-terminated, after the program's name */
	char *const *environment;  /* NULL-terminated */
	FILE *out, *err;
};

int command_run(const struct command_args *args);

#endif
