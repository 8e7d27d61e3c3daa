/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * url: absolute http and https URLs, cut into slices of the text.
 */
#ifndef NET_HTTP_URL_H
#define NET_HTTP_URL_H

#include "base/err.h"
#include "base/str.h"

struct url {
	struct str scheme, host, path;  /* path with query, "/" when empty; host without brackets */
	uint16_t port;                  /* default filled in */
	bool is_ipv6;
};
/* http and https only; userinfo, control characters, spaces and fragments refused: E_PARSE. */
enum err url_parse(struct str text, struct url *out);

#endif
