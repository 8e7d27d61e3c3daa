/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ports: the sockets of all workers, bound before anything else is begun, so that an address that cannot
 * be had is known at once. "All addresses" is one socket per family. Main thread.
 */
#ifndef PROXY_PORTS_H
#define PROXY_PORTS_H

#include "base/buf.h"
#include "conf/conf.h"
#include "net/addr.h"

enum { PORTS_MAX = 16 };

/* One list of listen addresses, as bound: each once per worker. */
struct ports_list {
	unsigned n;
	struct addr at[PORTS_MAX];  /* with the ports the kernel chose for 0 */
	struct addr asked[PORTS_MAX];
	unsigned slot[PORTS_MAX];   /* a number below PORTS_MAX that it keeps as long as it is open */
	int *fds;                   /* worker after worker, PORTS_MAX each; -1 where given away */
};

struct ports {
	unsigned n_workers;
	struct ports_list https, http;
};

/* E_BIND: nothing stays bound. */
enum err ports_open(struct ports *p, const struct conf_listen *listen, unsigned n_workers,
	struct fault *fault);
/* The next list, while running is listened on: what both have stays as it is, the rest is bound now. E_BIND:
 * nothing stays bound, and nothing happened to running. Any thread that running does not change on. */
enum err ports_reopen(struct ports *next, const struct ports *running, const struct conf_listen *listen,
	struct fault *fault);
/* What one worker is to do with each slot: PORT_STAYS, PORT_ENDS, or a descriptor, its own from now on. */
enum { PORT_STAYS = -1, PORT_ENDS = -2 };
void ports_change(struct ports_list *next, unsigned worker, int change[PORTS_MAX]);
/* The n descriptors of one worker; the caller's from now on. */
const int *ports_give(struct ports_list *l, unsigned worker);
/* Closes what was not given away. Harmless on zeroed ones, and twice. */
void ports_close(struct ports *p);
/* "127.0.0.1:443,[::1]:443". */
enum err ports_text(const struct ports_list *l, struct buf *out);

#endif
