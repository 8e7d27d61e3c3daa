/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_listed: the names that are allowed or denied without asking. The running instance keeps them.
 */
#ifndef PROXY_COMMAND_LISTED_H
#define PROXY_COMMAND_LISTED_H

#include "proxy/command_call.h"

int command_allow(struct command_call *c);
int command_deny(struct command_call *c);
int command_listed(struct command_call *c);

#endif
