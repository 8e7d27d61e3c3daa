/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * series: what a certificate is called, and back.
 */
#include "certstore/series.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "conf/hostname.h"

#define SIGN '+'

static const char *suffix_of(enum conf_key_type type)
{
	return conf_key_is_rsa(type) ? "rsa" : "ecdsa";
}

struct str series_host(const char *series)
{
	struct str host;

	str_cut(str_from(series), SIGN, &host);
	return host;
}

const char *series_host_text(char dst[SERIES_NAME], const char *series)
{
	ASSERT(str_copy(dst, SERIES_NAME, series_host(series)));
	return dst;
}

bool series_is_second(const char *series)
{
	return strchr(series, SIGN);
}

bool series_is_suffix(struct str text)
{
	return str_is(text, "rsa") || str_is(text, "ecdsa");
}

enum err series_normalise(char dst[SERIES_NAME], struct str text, const char **why)
{
	struct str host, suffix = str_cut(text, SIGN, &host);
	enum hostname_kind kind;
	size_t len;

	*why = "is no name";
	if (hostname_normalise(dst, host, &kind, why) || kind == HOSTNAME_ANY)
		return E_NAME;
	if (!suffix.at)
		return E_OK;
	*why = "is no name of a certificate: behind the name stands nothing, or \"+rsa\" or \"+ecdsa\" for "
	       "the second one";
	len = strlen(dst);
	if (!series_is_suffix(suffix) || len > SERIES_HOST_MAX)
		return E_NAME;
	snprintf(dst + len, SERIES_NAME - len, "%c%.*s", SIGN, STR_FMT(suffix));
	return E_OK;
}

bool series_of(char dst[SERIES_NAME], struct str host, const struct conf_keys *keys, unsigned which)
{
	if (which >= keys->n || host.len == 0)
		return false;
	if (which == 0)
		return str_copy(dst, SERIES_NAME, host);
	if (host.len > SERIES_HOST_MAX)
		return false;
	snprintf(dst, SERIES_NAME, "%.*s%c%s", STR_FMT(host), SIGN,
		suffix_of((enum conf_key_type)keys->at[which]));
	return true;
}

bool series_other(char dst[SERIES_NAME], const char *series, const struct conf_keys *keys)
{
	return keys->n == 2 && series_of(dst, series_host(series), keys, !series_is_second(series));
}

bool series_key(const char *series, const struct conf_keys *keys, enum conf_key_type *type)
{
	char name[SERIES_NAME];
	unsigned which = series_is_second(series);

	if (!series_of(name, series_host(series), keys, which) || strcmp(name, series) != 0)
		return false;
	*type = (enum conf_key_type)keys->at[which];
	return true;
}
