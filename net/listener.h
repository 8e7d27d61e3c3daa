/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * listener: listening sockets. A bound socket is made once per address and worker (SO_REUSEPORT) so
 * that bind errors show at start; each worker then listens on its own.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "net/addr.h"
#include "net/loop.h"

/* Bound, not yet listening, close-on-exec. *fault says what to do. Port 0 is allowed (tests): read
 * the chosen one by listener_port and bind the other workers to it. */
enum err listener_bind(const struct addr *at, int *fd, struct fault *fault);
uint16_t listener_port(int fd);
/* For protocols in which the client speaks first: a connection is handed out with its first bytes, or
 * without any after about a second. Before listener_start; no effect on Unix sockets. */
void listener_await_data(int fd);

struct listener;
/* fd belongs to the callee, which adopts or closes it. Accepts in batches. */
typedef void listener_fn(void *owner, int fd, const struct addr *peer);
struct listener *listener_start(struct loop *l, int fd, int backlog, listener_fn *fn, void *owner);
/* Another length of the kernel's queue; those in it stay. */
void listener_set_backlog(struct listener *li, int backlog);
/* Stops accepting for a while when the process is out of descriptors (EMFILE): done by itself, one
 * spare descriptor is used to refuse waiting clients. A cap of our own is the owner's matter. */
void listener_close(struct listener **li);

#endif
