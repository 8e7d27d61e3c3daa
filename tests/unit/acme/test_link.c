/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/link.h"

#include "unit.h"

static void alternates_are_found_in_any_link(void **state)
{
	static const struct { const char *value, *urls[3]; } rows[] = {
		{ "<https://ca.test/c/1>;rel=\"alternate\"", { "https://ca.test/c/1" } },
		{ "<https://ca.test/c/1>; rel=alternate", { "https://ca.test/c/1" } },
		{ "<https://ca.test/up>; rel=\"up\", <https://ca.test/c/1> ; title=\"a, b; c\" ; REL=\"x Alternate\"",
			{ "https://ca.test/c/1" } },
		{ "<https://ca.test/c/1>;rel=\"alternate\", <https://ca.test/c/2>;rel=\"alternate\"",
			{ "https://ca.test/c/1", "https://ca.test/c/2" } },
		{ "<https://ca.test/c/1>", { 0 } },
		{ "", { 0 } }, { "<", { 0 } }, { "<>;;;,,,", { 0 } }, { "x", { 0 } },
		{ "<https://ca.test/c/1", { 0 } }, { "<https://ca.test/c/1>;rel=\"alternate", { 0 } },
		{ "<https://ca.test/c/1>;rel", { 0 } },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct str value = str_from(rows[i].value), url;
		unsigned n = 0;
		while (link_next(&value, "alternate", &url)) {
			if (!url.at)
				continue;
			assert_non_null(rows[i].urls[n]);
			assert_true(str_is(url, rows[i].urls[n]));
			n++;
		}
		assert_null(rows[i].urls[n]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alternates_are_found_in_any_link),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
