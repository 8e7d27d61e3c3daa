/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * random: a buffer per thread, filled by getrandom(2), wiped from the front as it is handed out. A
 * fork bumps the generation, so that a child never hands out what its parent does.
 */
#include "net/random.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"
#include "base/mem.h"

enum { BUFFERED = 512, LARGE = 256 };

static _Thread_local struct {
	unsigned char bytes[BUFFERED];
	size_t left;         /* unused bytes, at the end */
	unsigned generation; /* 0 never filled */
} pool;

static atomic_uint generation = 1;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void on_fork(void)
{
	atomic_fetch_add(&generation, 1);
}

static void watch_forks(void)
{
	ASSERT(pthread_atfork(NULL, NULL, on_fork) == 0);
}

static void fill(unsigned char *at, size_t n)
{
	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);

		if (got < 0) {
			ASSERT(errno == EINTR);
			continue;
		}
		at += got;
		n -= (size_t)got;
	}
}

static void refill(unsigned now)
{
	pthread_once(&once, watch_forks);
	fill(pool.bytes, BUFFERED);
	pool.left = BUFFERED;
	pool.generation = now;
}

void random_bytes(void *dst, size_t n)
{
	unsigned char *at = dst;

	if (n >= LARGE) {
		fill(at, n);
		return;
	}
	unsigned now = atomic_load_explicit(&generation, memory_order_relaxed);
	if (pool.left < n || pool.generation != now)
		refill(now);
	unsigned char *from = pool.bytes + BUFFERED - pool.left;
	memcpy(at, from, n);
	mem_wipe(from, n);
	pool.left -= n;
}

uint64_t random_below(uint64_t bound)
{
	ASSERT(bound > 0);
	/* Values above the last whole multiple of bound would favour small results. */
	uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
	uint64_t value;

	do {
		random_bytes(&value, sizeof(value));
	} while (value >= limit);
	return value % bound;
}

int sp_random_block(unsigned char *out, unsigned int n)
{
	random_bytes(out, n);
	return 0;
}
