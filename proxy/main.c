/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * main: hands the command line to its command.
 */
#include <unistd.h>

#include "proxy/command.h"

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
