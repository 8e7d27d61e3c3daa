/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * main: hands the command line to its command, and tells jemalloc, where it is linked, how to be.
 */
#include <unistd.h>

#include "proxy/command.h"

/* Handshakes come in waves and need three times what stays: a thread gives the pages back soon after, also
 * when nothing happens any more. */
extern const char *malloc_conf;
const char *malloc_conf =
	"background_thread:true,max_background_threads:1,dirty_decay_ms:1000,muzzy_decay_ms:0";

int main(int argc, char **argv)
{
	struct command_args args = {
		.arguments = argc > 0 ? argv + 1 : argv,
		.environment = environ,
		.out = stdout,
		.err = stderr,
	};

	return command_run(&args);
}
