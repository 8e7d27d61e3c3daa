/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_diagnose: what a CA would meet when it validates a name: DNS, the way to port 80 and 443, what stands
 * in between; and our own side: store, clock, CA. Advice: nothing is changed and nothing is kept from running.
 */
#ifndef PROXY_COMMAND_DIAGNOSE_H
#define PROXY_COMMAND_DIAGNOSE_H

#include "proxy/command_call.h"

int command_diagnose(struct command_call *c);

#endif
