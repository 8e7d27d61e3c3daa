/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mem: allocation. Small fixed allocations die on failure; whatever a peer or the configuration
 * sizes is capped by the caller first and uses mem_try_*.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Zeroed; aborts the process when there is no memory. */
void *mem_new(size_t bytes);
/* Not zeroed; NULL when there is no memory. */
void *mem_try(size_t bytes);
/* Grows or shrinks; NULL (old block intact) when there is no memory. */
void *mem_try_resize(void *p, size_t bytes);
/* Copies; aborts when there is no memory. */
void *mem_copy(const void *p, size_t bytes);
char *mem_strdup(const char *s);
/* Accepts NULL and nulls the caller's pointer: mem_free(&p). */
#define mem_free(pp) (mem_release(*(pp)), *(pp) = NULL)
void mem_release(void *p);
/* Overwrites in a way the compiler keeps, then frees. */
void mem_release_secret(void *p, size_t bytes);
void mem_wipe(void *p, size_t bytes);

/*
 * Arena: many small allocations with one lifetime, freed together. Chunks of ARENA_CHUNK bytes;
 * a larger request gets a chunk of its own. An arena that was never used owns nothing.
 * cap bounds the total (0: no bound): arena_alloc returns NULL beyond it.
 */
enum { ARENA_CHUNK = 4096 };

struct arena {
	/* private */
	struct arena_chunk *head;
	size_t total_bytes, cap_bytes;
};

void arena_init(struct arena *a, size_t cap_bytes);
/* Aligned to 8, not zeroed; NULL when the cap or memory is exhausted. */
void *arena_alloc(struct arena *a, size_t bytes);
/* NUL-terminated copy. */
char *arena_strndup(struct arena *a, const char *s, size_t len);
/* Frees all; the arena is as after arena_init. */
void arena_reset(struct arena *a);
size_t arena_bytes(const struct arena *a);

#endif
