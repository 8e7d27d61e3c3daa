/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * idn: the only door to libidn2. IDNA 2008, names normalised first as browsers do.
 */
#include "conf/idn.h"

#include <idn2.h>

enum { NAME_CAP = 1024 };

enum err idn_to_ascii(char *dst, size_t cap, struct str name, const char **why)
{
	char text[NAME_CAP], *ascii = NULL;
	int r;

	*why = "too long";
	if (!str_is_utf8(name) || !str_copy(text, sizeof(text), name))
		return E_NAME;
	r = idn2_lookup_u8((const uint8_t *)text, (uint8_t **)&ascii,
		IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (r != IDN2_OK) {
		*why = r == IDN2_MALLOC ? "out of memory" : idn2_strerror(r);
		return E_NAME;
	}
	r = str_copy(dst, cap, str_from(ascii)) ? IDN2_OK : IDN2_TOO_BIG_DOMAIN;
	idn2_free(ascii);
	return r == IDN2_OK ? E_OK : E_NAME;
}
