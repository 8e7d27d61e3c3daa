/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/chains.h"

#include "unit.h"

#include "base/buf.h"
#include "tests/support/test_ca.h"

static void only_fine_urls_are_kept_and_few_of_them(void **state)
{
	struct header at[20] = { { STR("Link"), STR("<http://ca.test/c/1>;rel=\"alternate\"") },
		{ STR("other"), STR("<https://ca.test/c/2>;rel=\"alternate\"") } };
	struct headers headers = { .at = at, .n = 20 };
	unsigned n = 0;
	(void)state;
	for (unsigned i = 2; i < 20; i++)
		at[i] = (struct header){ STR("link"), STR("<https://ca.test/c/3>;rel=\"alternate\"") };
	struct chains *c = chains_new(STR("PEM"), &headers);
	for (const char *url; (url = chains_next_url(c)); n++)
		assert_string_equal(url, "https://ca.test/c/3");
	assert_int_equal(n, CHAINS_MAX);
	assert_true(str_is(chains_default(c), "PEM"));
	chains_free(&c);
	chains_free(&c);
}

static void a_chain_is_known_by_the_name_at_its_top(void **state)
{
	struct test_ca ca;
	struct test_leaf leaf;
	char pem[8192];
	(void)state;
	test_ca_init(&ca);
	test_ca_leaf(&ca, &leaf, "leaf", "ec", "DNS:a.test", 10);
	FILE *f = fopen(leaf.chain_pem, "r");
	assert_non_null(f);
	size_t len = fread(pem, 1, sizeof pem, f);
	fclose(f);
	assert_true(chains_leads_to(str_of(pem, len), "sallyport test CA"));
	assert_false(chains_leads_to(str_of(pem, len), "sallyport test"));
	assert_false(chains_leads_to(str_of(pem, len / 2), "sallyport test CA"));
	assert_false(chains_leads_to(STR("CHAIN"), "CHAIN"));
	assert_false(chains_leads_to(STR_NONE, ""));
	test_leaf_fini(&leaf);
	test_ca_fini(&ca);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_fine_urls_are_kept_and_few_of_them),
		cmocka_unit_test(a_chain_is_known_by_the_name_at_its_top),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
