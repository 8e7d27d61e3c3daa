/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * series: a name may have two certificates, one with an ECDSA and one with an RSA key; each has generations,
 * failures, orders and times of its own. The first is called as the name, so that a store with one
 * certificate per name knows nothing of this; the second has its family behind a sign that is in no name:
 *
 *   app.example.com   app.example.com+rsa   *.example.com+ecdsa
 */
#ifndef CERTSTORE_SERIES_H
#define CERTSTORE_SERIES_H

#include "base/str.h"
#include "conf/conf.h"

/* Longer names have no second one: what it is called must fit where names do. */
enum { SERIES_NAME = 256, SERIES_HOST_MAX = 240 };

/* Without what is behind the sign. Borrowed. */
struct str series_host(const char *series);
/* The same as a text of its own, for whoever wants one. */
const char *series_host_text(char dst[SERIES_NAME], const char *series);
bool series_is_second(const char *series);
/* What the other of the two is called: of a first one the second, of a second one the first. False: these
 * keys are not two, or the name is too long. */
bool series_other(char dst[SERIES_NAME], const char *series, const struct conf_keys *keys);
/* What the certificate with this one of the keys (0: the first) is called. False: there is none. */
bool series_of(char dst[SERIES_NAME], struct str host, const struct conf_keys *keys, unsigned which);
/* The type of key it is to have; false: these keys have no such certificate. */
bool series_key(const char *series, const struct conf_keys *keys, enum conf_key_type *type);
/* What somebody wrote ("App.Example.com+rsa") in its one form. E_NAME with a static text in *why. */
enum err series_normalise(char dst[SERIES_NAME], struct str text, const char **why);
/* Whether the text behind the sign is one ("rsa", "ecdsa"). */
bool series_is_suffix(struct str text);

#endif
