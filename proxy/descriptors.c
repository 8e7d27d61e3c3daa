/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * descriptors: the arithmetic of what each thread holds open.
 */
#include "proxy/descriptors.h"

#include <limits.h>
#include <sys/resource.h>

enum {
	ENOUGH = 4 * 1024 * 1024,  /* what "unlimited" means to us */
	PROCESS = 24,              /* standard streams, control loop, store, ACME, ask */
	PER_WORKER = 8,            /* its loop, spare descriptors */
};

unsigned descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 1024;
	if (limit.rlim_cur != limit.rlim_max) {
		struct rlimit raised = { limit.rlim_max, limit.rlim_max };

		if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
			limit = raised;
	}
	if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > ENOUGH)
		return ENOUGH;
	return (unsigned)limit.rlim_cur;
}

unsigned descriptors_clients(unsigned limit, unsigned n_workers, unsigned n_listeners)
{
	unsigned long held = PROCESS + (unsigned long)n_workers * (PER_WORKER + n_listeners);

	if (limit < held + 2 * DESCRIPTORS_LEAST)
		return DESCRIPTORS_LEAST;
	return (unsigned)((limit - held) / 2);
}
