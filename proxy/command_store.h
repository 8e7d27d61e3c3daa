/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_store: commands about what the store keeps beside certificates.
 */
#ifndef PROXY_COMMAND_STORE_H
#define PROXY_COMMAND_STORE_H

#include "proxy/command_call.h"

int command_root(struct command_call *c);
/* Checks the audit log's chain. */
int command_audit(struct command_call *c);

#endif
