/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * printable: what others say, made fit for a terminal and a log line.
 */
#include "base/printable.h"

#include "base/check.h"

static const char hex_digits[] = "0123456789abcdef";

/* Bytes at p that may stand as they are; 0 when the first must be escaped. C1 controls and the
 * Unicode line and paragraph separators break lines as well as LF does. */
static size_t plain_length(const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t len = str_utf8_length(p, n);

	if (len == 1 && (u[0] < 0x20 || u[0] == 0x7f))
		return 0;
	if (len == 2 && u[0] == 0xc2 && u[1] < 0xa0)
		return 0;
	if (len == 3 && u[0] == 0xe2 && u[1] == 0x80 && (u[2] == 0xa8 || u[2] == 0xa9))
		return 0;
	return len;
}

void printable_text(char *dst, size_t cap, struct str s)
{
	size_t o = 0, n;

	ASSERT(cap > 0);
	for (size_t i = 0; i < s.len; i += n ? n : 1) {
		n = plain_length(s.at + i, s.len - i);
		if (o + (n ? n : 4) >= cap)
			break;
		if (n) {
			memcpy(dst + o, s.at + i, n);
			o += n;
			continue;
		}
		dst[o++] = '\\';
		dst[o++] = 'x';
		dst[o++] = hex_digits[(unsigned char)s.at[i] >> 4];
		dst[o++] = hex_digits[(unsigned char)s.at[i] & 15];
	}
	dst[o] = 0;
}
