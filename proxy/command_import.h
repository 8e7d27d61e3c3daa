/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_import: certificates of other programs into our store: told first, done with --yes.
 */
#ifndef PROXY_COMMAND_IMPORT_H
#define PROXY_COMMAND_IMPORT_H

#include "proxy/command_call.h"

int command_import(struct command_call *c);

#endif
