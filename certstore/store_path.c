/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_path: letters, digits, hyphens and inner dots stand for themselves, "*" is "_wildcard_",
 * all else is %XX. The shard is a hash, so that a tenant's thousand names spread like any others.
 */
#include "certstore/store_path.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/encode.h"
#include "certstore/digest.h"

#define WILDCARD "_wildcard_"

static bool is_plain(char c, size_t at)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || (c == '.' && at > 0);
}

enum err store_path_make(struct store_path *out, const char *name)
{
	unsigned char digest[DIGEST_SHA256];
	size_t len = 0;

	for (size_t i = 0; name[i]; i++) {
		char piece[16] = {name[i]};

		if (name[i] == '*')
			strcpy(piece, WILDCARD);
		else if (!is_plain(name[i], i))
			snprintf(piece, sizeof(piece), "%%%02X", (unsigned char)name[i]);
		if (len + strlen(piece) >= sizeof(out->name))
			return E_NAME;
		strcpy(out->name + len, piece);
		len += strlen(piece);
	}
	if (len == 0)
		return E_NAME;
	digest_sha256(digest, str_from(name));
	snprintf(out->shard, sizeof(out->shard), "%02x", digest[0]);
	memcpy(out->both, out->shard, 2);
	out->both[2] = '/';
	memcpy(out->both + 3, out->name, len + 1);
	return E_OK;
}

bool store_path_decode(char dst[STORE_PATH_NAME], const char *file)
{
	size_t len = 0;

	while (*file) {
		size_t one;

		if (len + 1 >= STORE_PATH_NAME)
			return false;
		if (strncmp(file, WILDCARD, sizeof(WILDCARD) - 1) == 0) {
			dst[len++] = '*';
			file += sizeof(WILDCARD) - 1;
		} else if (*file == '%') {
			if (strlen(file) < 3 ||
				encode_hex_decode(
					(unsigned char *)dst + len, 1, &one, str_of(file + 1, 2)) ||
				dst[len] == '\0')
				return false;
			len++;
			file += 3;
		} else if (is_plain(*file, len)) {
			dst[len++] = *file++;
		} else {
			return false;
		}
	}
	dst[len] = '\0';
	return len > 0;
}
