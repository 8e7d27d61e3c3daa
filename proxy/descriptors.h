/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * descriptors: how many files the process may have open, and how many clients that allows. Main thread.
 */
#ifndef PROXY_DESCRIPTORS_H
#define PROXY_DESCRIPTORS_H

/* Raises the soft limit to the hard one; returns what holds now. */
unsigned descriptors_raise(void);
/* Client connections for this many descriptors: half of what loops and listeners leave, for each may need
 * an upstream connection. Never less than DESCRIPTORS_LEAST. */
enum { DESCRIPTORS_LEAST = 4 };
unsigned descriptors_clients(unsigned limit, unsigned n_workers, unsigned n_listeners);

#endif
