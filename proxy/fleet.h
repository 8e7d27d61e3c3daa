/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fleet: all workers as one: started, told, drained and joined together. Control loop only.
 */
#ifndef PROXY_FLEET_H
#define PROXY_FLEET_H

#include "proxy/ports.h"
#include "proxy/worker.h"

struct fleet;
struct fleet_args {
	struct mailbox *control;
	const struct worker_events *events;
	void *owner;                       /* of the events */
	struct snapshot *snapshot;         /* referenced by the workers */
	struct ports *ports;               /* their sockets are given away */
	unsigned connections_max;
};

/* Starts every thread. */
struct fleet *fleet_start(const struct fleet_args *args);
void fleet_install(struct fleet *f, struct entry *e, bool keep);
/* Out of every cache: certificate or refusal. */
void fleet_forget(struct fleet *f, const char *name);
/* Names that were refused are asked about again. */
void fleet_forget_refusals(struct fleet *f);
/* Hands a set of challenges to every worker. */
void fleet_publish(struct fleet *f, struct challenge_set *set, uint64_t generation);
/* A worker uses this generation. Returns the newest one that all use. */
uint64_t fleet_note_live(struct fleet *f, const struct worker *w, uint64_t generation);
/* Hands a snapshot and the changes of ports to every worker; next's sockets are given away. Returns the
 * generation. */
uint64_t fleet_reload(struct fleet *f, struct snapshot *s, struct ports *next, unsigned connections_max);
/* A worker settled with this generation. True once all have, with the newest. */
bool fleet_note_settled(struct fleet *f, const struct worker *w, uint64_t generation);
void fleet_drain(struct fleet *f, int64_t deadline_ms);
/* A worker is empty. True once all are. */
bool fleet_note_drained(struct fleet *f, const struct worker *w);
/* Cuts what is left; fleet_join may follow at once. */
void fleet_stop(struct fleet *f);
/* Waits for the threads. After fleet_stop, or when all are drained. */
void fleet_join(struct fleet **f);
unsigned fleet_connections(const struct fleet *f);

#endif
