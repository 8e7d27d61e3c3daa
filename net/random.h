/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * random: the process's randomness: a per-thread buffer over getrandom(2), wiped as it is used and
 * dropped in a forked child. wolfCrypt takes its own from sp_random_block. Any thread.
 */
#ifndef NET_RANDOM_H
#define NET_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *dst, size_t n);
/* Uniform in [0, bound); bound > 0. */
uint64_t random_below(uint64_t bound);
/* wolfCrypt's CUSTOM_RAND_GENERATE_BLOCK: 0. */
int sp_random_block(unsigned char *out, unsigned int n);

#endif
