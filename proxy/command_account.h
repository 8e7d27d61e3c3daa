/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_account: sallyport account show|rollover|contact|agree|deactivate|register: our accounts at the CAs.
 */
#ifndef PROXY_COMMAND_ACCOUNT_H
#define PROXY_COMMAND_ACCOUNT_H

#include "proxy/command_call.h"

int command_account(struct command_call *c);

#endif
