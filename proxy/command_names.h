/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_names: what the operator wants done with a name, by the running instance.
 */
#ifndef PROXY_COMMAND_NAMES_H
#define PROXY_COMMAND_NAMES_H

#include "proxy/command_call.h"

int command_issue(struct command_call *c);
int command_renew(struct command_call *c);
int command_add(struct command_call *c);
int command_forget(struct command_call *c);
int command_revoke(struct command_call *c);

#endif
