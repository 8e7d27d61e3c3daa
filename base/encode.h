/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * encode: base64url (RFC 4648 section 5, no padding), base64, hex, percent, PEM-safe text.
 */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include "base/buf.h"
#include "base/printable.h"

/* Output sizes including NUL. */
#define ENCODE_B64_SIZE(n) (((n) + 2) / 3 * 4 + 1)
#define ENCODE_HEX_SIZE(n) ((n) * 2 + 1)

/* dst must hold ENCODE_B64_SIZE(s.len); NUL-terminated; returns the length without NUL. */
size_t encode_base64url(char *dst, struct str s);
size_t encode_base64(char *dst, struct str s);
/* Accepts both alphabets, padded or not; strict otherwise. *len is set to the decoded length.
 * E_PARSE, or E_LIMIT when cap is too small. */
enum err encode_base64_decode(unsigned char *dst, size_t cap, size_t *len, struct str s);
size_t encode_hex(char *dst, struct str s);
enum err encode_hex_decode(unsigned char *dst, size_t cap, size_t *len, struct str s);
/* Percent-encodes all but unreserved (RFC 3986 section 2.3). */
enum err encode_percent(struct buf *out, struct str s);
/* printable_text by its older name. */
static inline void encode_printable(char *dst, size_t cap, struct str s)
{
	printable_text(dst, cap, s);
}

#endif
