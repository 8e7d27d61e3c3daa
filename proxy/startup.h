/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * startup: what the program says of itself when it is ready: a few lines for a person at a terminal, log
 * lines otherwise. The log line "ready" carries the addresses, with the ports the kernel chose.
 */
#ifndef PROXY_STARTUP_H
#define PROXY_STARTUP_H

#include "conf/conf.h"
#include "proxy/ports.h"

struct startup {
	const struct conf *conf;
	const struct ports *ports;
	const char *config;         /* "sallyport.json", "command line" */
	unsigned connections_max;
};

/* The level and format conf asks for; on a terminal "auto" is text. */
void startup_log_setup(const struct conf *conf);
void startup_tell(const struct startup *s);

#define STARTUP_STORES(X) \
	X(STARTUP_STORE_OK, "") \
	X(STARTUP_STORE_MEMORY, "in memory: certificates are lost with a reboot") \
	X(STARTUP_STORE_LAYER, "in the container's own layer: certificates are lost with the container; mount a volume")

enum startup_store {
#define X(name, text) name,
	STARTUP_STORES(X)
#undef X
};
/* What kind of file system holds the directory. */
enum startup_store startup_store_kind(const char *directory);

#endif
