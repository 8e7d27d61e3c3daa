/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mem: allocation and the arena.
 */
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, cap;
	_Alignas(8) char bytes[];
};

static _Noreturn void die(size_t bytes)
{
	fprintf(stderr, "sallyport: out of memory (%zu bytes)\n", bytes);
	abort();
}

void *mem_new(size_t bytes)
{
	enum { SMALL = 1024 };
	void *p;

	/* glibc's calloc passes its thread cache by; what is larger may come zeroed from the kernel. */
	if (bytes && bytes <= SMALL) {
		p = malloc(bytes);
		if (p)
			return memset(p, 0, bytes);
	} else {
		p = calloc(1, bytes ? bytes : 1);
	}
	if (!p)
		die(bytes);
	return p;
}

void *mem_try(size_t bytes)
{
	return malloc(bytes ? bytes : 1);
}

void *mem_try_resize(void *p, size_t bytes)
{
	/* realloc(p, 0) frees on some systems: never ask for nothing. */
	return realloc(p, bytes ? bytes : 1);
}

void *mem_copy(const void *p, size_t bytes)
{
	void *copy = malloc(bytes ? bytes : 1);

	if (!copy)
		die(bytes);
	if (bytes)
		memcpy(copy, p, bytes);
	return copy;
}

char *mem_strdup(const char *s)
{
	ASSERT(s);
	return mem_copy(s, strlen(s) + 1);
}

void mem_release(void *p)
{
	free(p);
}

void mem_wipe(void *p, size_t bytes)
{
	if (!bytes)
		return;
	memset(p, 0, bytes);
	/* The compiler must assume that the asm reads the memory. */
	__asm__ volatile("" : : "r"(p) : "memory");
}

void mem_release_secret(void *p, size_t bytes)
{
	if (!p)
		return;
	mem_wipe(p, bytes);
	free(p);
}

/*
 * Chunks of the usual size between two uses: taking one costs a few instructions, where malloc would
 * cut and join its larger blocks. Not under sanitizers, which would miss a use after the reset.
 */
#if defined(__SANITIZE_ADDRESS__)
enum { SPARE_MAX = 0 };
#else
enum { SPARE_MAX = 64 };
#endif

static _Thread_local struct {
	struct arena_chunk *first;
	int n;
} spare;

static struct arena_chunk *new_chunk(size_t cap)
{
	struct arena_chunk *c = spare.first;

	if (cap != ARENA_CHUNK - sizeof(*c) || !c)
		return malloc(sizeof(*c) + cap);
	spare.first = c->next;
	spare.n--;
	return c;
}

static void free_chunk(struct arena_chunk *c)
{
	if (c->cap != ARENA_CHUNK - sizeof(*c) || spare.n >= SPARE_MAX) {
		free(c);
		return;
	}
	c->next = spare.first;
	spare.first = c;
	spare.n++;
}

void arena_init(struct arena *a, size_t cap_bytes)
{
	*a = (struct arena){ .cap_bytes = cap_bytes };
}

static struct arena_chunk *add_chunk(struct arena *a, size_t bytes)
{
	size_t cap = ARENA_CHUNK - sizeof(struct arena_chunk);
	struct arena_chunk *c;

	if (bytes > cap)
		cap = bytes;
	c = new_chunk(cap);
	if (!c)
		return NULL;
	c->used = 0;
	c->cap = cap;
	/* A chunk of its own goes behind the head, which may have room left for small ones. */
	if (a->head && bytes == cap) {
		c->next = a->head->next;
		a->head->next = c;
	} else {
		c->next = a->head;
		a->head = c;
	}
	return c;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
	struct arena_chunk *c = a->head;
	void *p;

	if (bytes > SIZE_MAX / 2)
		return NULL;
	bytes = (bytes + 7) & ~(size_t)7;
	if (!bytes)
		bytes = 8;
	if (a->cap_bytes && (bytes > a->cap_bytes || a->total_bytes > a->cap_bytes - bytes))
		return NULL;
	if (!c || c->cap - c->used < bytes)
		c = add_chunk(a, bytes);
	if (!c)
		return NULL;
	p = c->bytes + c->used;
	c->used += bytes;
	a->total_bytes += bytes;
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy = len < SIZE_MAX ? arena_alloc(a, len + 1) : NULL;

	if (!copy)
		return NULL;
	if (len)
		memcpy(copy, s, len);
	copy[len] = 0;
	return copy;
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *next;

	for (struct arena_chunk *c = a->head; c; c = next) {
		next = c->next;
		free_chunk(c);
	}
	a->head = NULL;
	a->total_bytes = 0;
}

size_t arena_bytes(const struct arena *a)
{
	return a->total_bytes;
}
