/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_export: a certificate with its key, for programs that do not read our store: mail servers and the
 * like.
 */
#ifndef PROXY_COMMAND_EXPORT_H
#define PROXY_COMMAND_EXPORT_H

#include "proxy/command_call.h"

int command_export(struct command_call *c);

#endif
