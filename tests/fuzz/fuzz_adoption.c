/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Door: files of other ACME clients, as "sallyport import" reads them.
 */
#include <stddef.h>
#include <stdint.h>

#include "proxy/adoption.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct adoption *a = adoption_new();
	unsigned count;

	adoption_add_pem(a, str_of(bytes, n), "fuzz");
	adoption_add_json(a, str_of(bytes, n), "fuzz");
	adoption_accounts_add_conf(adoption_accounts(a), str_of(bytes, n), "fuzz");
	adoption_items(a, &count);
	adoption_accounts_list(adoption_accounts(a), &count);
	adoption_free(&a);
	return 0;
}
