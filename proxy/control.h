/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * control: the control loop of a running instance: everything is prepared first, then begun, then
 * drained on a signal. Main thread; owns all that is not a worker's.
 */
#ifndef PROXY_CONTROL_H
#define PROXY_CONTROL_H

#include "conf/load.h"

struct control_args {
	struct conf *conf;    /* referenced */
	const char *config;   /* where it came from, for people: "sallyport.json", "command line" */
	struct load_args sources;   /* what it was loaded from, for reloads; outlives the run */
};

/* Runs until SIGTERM or SIGINT; E_OK then. Otherwise nothing was begun and fault tells why. */
enum err control_run(const struct control_args *args, struct fault *fault);

#endif
