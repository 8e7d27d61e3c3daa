/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * worker: a thread with its loop, listeners, certificate cache and upstream pools. All functions below are
 * for the control loop; each posts a message. What a worker says comes back through worker_events,
 * on the control loop.
 *
 *   control ── snapshot, challenges, answers, renewed certificates, drain ──► worker
 *   control ◄── wants a certificate, seeks a challenge, saw one, due for renewal, drained ── worker
 */
#ifndef PROXY_WORKER_H
#define PROXY_WORKER_H

#include "certstore/challenge.h"
#include "net/addr.h"
#include "net/mailbox.h"
#include "proxy/snapshot.h"

struct worker;

/* All on the control loop. */
struct worker_events {
	/* A handshake for this name found nothing in the worker's cache. One question per worker and name at a
	 * time, however many clients wait there. Answer by worker_answer, always. client_ip is the first
	 * waiter's. */
	void (*on_want)(void *owner, struct worker *w, const char *name, const char *client_ip);
	/* All waiters for this name left the worker (answer not needed, but harmless). */
	void (*on_unwant)(void *owner, struct worker *w, const char *name);
	/* A validator asked for a challenge that is not in the worker's set (challenge_key). One question per
	 * worker and key at a time. Answer by worker_sought, always. NULL: none but those in the set exist. */
	void (*on_seek)(void *owner, struct worker *w, const char *key);
	void (*on_challenge_seen)(void *owner, enum conf_challenge kind, const char *identifier);
	/* The worker uses this challenge generation. */
	void (*on_challenges_live)(void *owner, struct worker *w, uint64_t generation);
	/* Served an entry that is past its renew_at_ms, or within its last sixth (once a minute per name). */
	void (*on_due)(void *owner, const char *name);
	/* The snapshot and the ports of this worker_reload are in force. */
	void (*on_settled)(void *owner, struct worker *w, uint64_t generation);
	/* No connection is left after worker_drain. */
	void (*on_drained)(void *owner, struct worker *w);
};

struct worker_args {
	unsigned index, n_workers;
	struct mailbox *control;           /* where events are posted */
	const struct worker_events *events;
	void *owner;
	struct snapshot *snapshot;         /* referenced */
	/* Bound sockets, adopted: one per listen address, in the slots from 0 on. */
	const int *https_fds, *http_fds;
	unsigned n_https, n_http;
	atomic_uint *waiting;              /* handshakes waiting in the process, shared */
	atomic_uint *connections;          /* client connections in the process, shared */
	unsigned connections_max;          /* shed above this */
};

/* Starts the thread; listening begins in it. */
struct worker *worker_start(const struct worker_args *args);

struct worker_answer_args {
	const char *name;                  /* as asked */
	enum err err;                      /* E_OK with entry, else why not */
	struct entry *entry;               /* referenced by the message */
	int64_t until_ms;                  /* refusals: wall clock; remembered that long by the worker */
};
void worker_answer(struct worker *w, const struct worker_answer_args *args);
/* A new or renewed certificate: replaces the cached one of the same name, clears a refusal; keep: also put
 * into a cache that does not hold the name yet (named sites). */
void worker_install(struct worker *w, struct entry *e, bool keep);
/* Drops a cached certificate or refusal. */
void worker_forget(struct worker *w, const char *name);
struct worker_reload_args {
	struct snapshot *snapshot;         /* referenced by the message */
	const int *https, *http;           /* what to do with each slot: ports_change */
	uint16_t https_port;               /* for redirects; 0: no TLS listener */
	unsigned connections_max;
	uint64_t generation;               /* for on_settled */
};
/* Another snapshot and other ports, in one turn. Connections live on; refusals are forgotten. */
void worker_reload(struct worker *w, const struct worker_reload_args *args);
/* Drops all refusals. */
void worker_forget_refusals(struct worker *w);
/* After worker_set_challenges, if anything was found. */
void worker_sought(struct worker *w, const char *key);
void worker_set_challenges(struct worker *w, struct challenge_set *set, uint64_t generation);
/* Stop accepting, close idle connections, let exchanges end; what is left after deadline_ms from now is
 * cut. */
void worker_drain(struct worker *w, int64_t deadline_ms);
/* Cuts everything at once. */
void worker_stop(struct worker *w);
/* Waits for the thread's end and frees. After on_drained or worker_stop. */
void worker_join(struct worker **w);

#endif
