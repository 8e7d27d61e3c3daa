/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_look: commands that only look: status, certs, why. A running instance is asked; when there is none
 * the store tells what it knows.
 */
#ifndef PROXY_COMMAND_LOOK_H
#define PROXY_COMMAND_LOOK_H

#include "proxy/command_call.h"

int command_status(struct command_call *c);
int command_certs(struct command_call *c);
int command_why(struct command_call *c);

/* For other commands about one name. The name as the API wants it; E_NAME with fault. */
enum { COMMAND_NAME = 256 };
enum err command_name(const char *word, char dst[COMMAND_NAME], struct fault *fault);
/* The same, or one of two certificates of a name: "app.example.com+rsa". */
enum err command_series(const char *word, char dst[COMMAND_NAME], struct fault *fault);
/* The report of a name, as api_name answers; the caller's. */
enum err command_report(const struct conf *conf, const char *name, struct json **report,
	struct fault *fault);
/* Prints it for a person or a program (frees it then), and says how well the name is. */
int command_tell_report(const struct command_call *c, struct json **report);
/* Prints a fault in the way asked for. COMMAND_FAILED. */
int command_fail(const struct command_call *c, enum err err, struct fault *fault);

#endif
