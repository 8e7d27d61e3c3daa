/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls_version: which wolfSSL is inside.
 */
#include "net/tls_context.h"

#include <wolfssl/ssl.h>

const char *tls_library_version(void)
{
	return wolfSSL_lib_version();
}
