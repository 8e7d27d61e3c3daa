/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_reload: reload and plan: the running instance reads its configuration again, or says what that
 * would change.
 */
#ifndef PROXY_COMMAND_RELOAD_H
#define PROXY_COMMAND_RELOAD_H

#include "proxy/command_call.h"

int command_reload(struct command_call *c);
int command_plan(struct command_call *c);

#endif
