/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_call: one call of the program, and what its commands share.
 */
#ifndef PROXY_COMMAND_CALL_H
#define PROXY_COMMAND_CALL_H

#include "base/json.h"
#include "conf/load.h"
#include "proxy/command.h"
#include "proxy/command_line.h"

struct command_call {
	const struct command_args *args;
	struct command_line line;
};

/* Indented; frees. */
void command_print_json(FILE *out, struct json **root);
/* "SP-204 certificate not issued while …: why" and what to do. */
void command_print_fault(FILE *out, const struct fault *fault);
void command_problems_json(FILE *out, enum err err, const struct conf_problems *problems);

/* -c, or the default place, or NULL. */
const char *command_config_file(const struct command_call *c, bool otherwise_default);
/* NULL: the problems are printed. */
struct conf *command_load(const struct command_call *c, struct load_args *args);
/* For commands that are about an instance: as "run" reads it. */
struct conf *command_load_admin(const struct command_call *c);

/* Where the instance is, whatever else is wrong with the configuration. Only for asking it. */
struct conf *command_find_instance(const struct command_call *c);

#endif
