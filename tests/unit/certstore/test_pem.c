/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "certstore/pem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static enum err first(const char *text, struct pem_block *out)
{
	struct str rest = str_from(text);

	return pem_next(&rest, out);
}

static void assert_refused(const char *text)
{
	struct pem_block block;

	assert_int_equal(first(text, &block), E_PARSE);
	assert_null(block.der.at);
}

static void what_is_written_reads_back_at_every_length(void **state)
{
	unsigned char bytes[200];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 7);
	for (size_t n = 1; n <= sizeof(bytes); n++) {
		struct pem_block block;
		struct buf text;
		struct str rest;

		buf_init(&text, 0);
		assert_int_equal(pem_add(&text, "CERTIFICATE", str_of(bytes, n)), E_OK);
		rest = buf_str(&text);
		assert_int_equal(pem_next(&rest, &block), E_OK);
		assert_true(str_is(block.label, "CERTIFICATE"));
		assert_true(str_equal(buf_str(&block.der), str_of(bytes, n)));
		assert_int_equal(rest.len, 0);
		buf_fini(&block.der);
		assert_int_equal(pem_next(&rest, &block), E_NOT_FOUND);
		buf_fini(&text);
	}
}

static void text_and_crlf_between_blocks_are_skipped(void **state)
{
	struct str rest =
		STR("notes: -----not a block\r\n"
		    "-----BEGIN ONE-----\r\nAQID\r\nBA==\r\n-----END ONE-----\r\n"
		    "subject=CN = x\n\n-----BEGIN TWO WORDS-----\n BQY= \n-----END TWO WORDS-----");
	struct pem_block block;

	(void)state;
	assert_int_equal(pem_next(&rest, &block), E_OK);
	assert_true(str_is(block.label, "ONE"));
	assert_true(str_equal(buf_str(&block.der), STR("\1\2\3\4")));
	buf_fini(&block.der);
	assert_int_equal(pem_next(&rest, &block), E_OK);
	assert_true(str_is(block.label, "TWO WORDS"));
	assert_true(str_equal(buf_str(&block.der), STR("\5\6")));
	buf_fini(&block.der);
	assert_int_equal(pem_next(&rest, &block), E_NOT_FOUND);
}

static void malformed_blocks_are_refused(void **state)
{
	(void)state;
	assert_refused("-----BEGIN A-----\n");
	assert_refused("-----BEGIN A-----\nAQID\n");
	assert_refused("-----BEGIN A-----\nAQID\n-----END B-----\n");
	assert_refused("-----BEGIN A-----\n-----END A-----\n");
	assert_refused("-----BEGIN A-----\nAQ*D\n-----END A-----\n");
	assert_refused("-----BEGIN A-----\nAQID\nProc-Type: 4,ENCRYPTED\n-----END A-----\n");
	assert_refused("-----BEGIN A-----\nA\n-----END A-----\n");
	assert_refused("-----BEGIN A-----\n-----BEGIN B-----\nAQID\n-----END B-----\n");
}

static void nothing_is_found_in_nothing(void **state)
{
	struct pem_block block;

	(void)state;
	assert_int_equal(first("", &block), E_NOT_FOUND);
	assert_int_equal(first("-----BEGIN", &block), E_NOT_FOUND);
	assert_int_equal(first("----------", &block), E_NOT_FOUND);
	assert_int_equal(first("\n\n\n", &block), E_NOT_FOUND);
}

static void more_than_a_mebibyte_is_refused(void **state)
{
	size_t n = 1024 * 1024 + 1;
	char *text = calloc(1, n);
	struct pem_block block;
	struct str rest = str_of(text, n);

	(void)state;
	assert_int_equal(pem_next(&rest, &block), E_LIMIT);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_reads_back_at_every_length),
		cmocka_unit_test(text_and_crlf_between_blocks_are_skipped),
		cmocka_unit_test(malformed_blocks_are_refused),
		cmocka_unit_test(nothing_is_found_in_nothing),
		cmocka_unit_test(more_than_a_mebibyte_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
