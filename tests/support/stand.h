/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stand: one worker with a configuration and no control behind it, for tests of the data path: the test is
 * the control loop, and sees what the worker says. Ports are chosen by the kernel.
 */
#ifndef TESTS_SUPPORT_STAND_H
#define TESTS_SUPPORT_STAND_H

#include "conf/load.h"
#include "net/loop.h"
#include "proxy/worker.h"

enum { STAND_NAMES = 16 };

struct stand {
	struct loop *loop;              /* the control loop, turned by the test */
	struct mailbox *mailbox;
	struct worker *worker;
	struct snapshot *snapshot;
	struct tls_tickets *tickets;
	atomic_uint waiting, connections;
	uint16_t https_port, http_port;
	bool seeks;                     /* set before the start: the worker asks for challenges */
	/* what the worker said */
	unsigned n_wants, n_unwants, n_seen, n_due, n_seeks;
	char wanted[STAND_NAMES][256], wanted_by[64], seen[256], sought[512];
	uint64_t live_generation;
	bool is_drained;
	unsigned n_settled;
	uint64_t settled_generation;
};

/* config: JSON. connections_max 0: 1000. Dies when anything fails. */
void stand_start(struct stand *s, const char *config, unsigned connections_max);
/* Stops the worker if it still runs, frees all. */
void stand_stop(struct stand *s);
/* Reads a configuration into a snapshot; dies when it cannot. */
struct snapshot *stand_snapshot(struct stand *s, const char *config);
/* Turns the loop until *what is at least n, for 5 s at most; whether it came. */
bool stand_wait(struct stand *s, const unsigned *what, unsigned n);
void stand_turn(struct stand *s);
/* A reload with the same ports; returns when the worker has settled. */
void stand_reload(struct stand *s, struct snapshot *next);

#endif
