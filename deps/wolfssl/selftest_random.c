/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The random source of wolfCrypt's self-test; sallyport's own is net/random.c. */
#include <sys/random.h>

int sp_random_block(unsigned char *out, unsigned int n);

int sp_random_block(unsigned char *out, unsigned int n)
{
	while (n > 0) {
		ssize_t got = getrandom(out, n, 0);

		if (got < 0)
			return -1;
		out += got;
		n -= (unsigned int)got;
	}
	return 0;
}
