/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dns_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* An answer to TXT _acme-challenge.Example.com: a CNAME by pointers, two strings, an SOA. */
static const unsigned char sample[] =
	"\x12\x34\x84\x00\x00\x01\x00\x02\x00\x01\x00\x00"
	"\x0f_acme-challenge\x07" "Example\x03" "com\x00\x00\x10\x00\x01"
	"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x04\x01" "x\xc0\x1c"
	"\x01" "x\xc0\x1c\x00\x10\x00\x01\x00\x00\x00\x3c\x00\x08\x03" "abc\x03" "def"
	"\xc0\x1c\x00\x06\x00\x01\x00\x00\x0e\x10\x00\x18\xc0\x1c\xc0\x1c"
	"\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5";

static struct str message(void)
{
	return str_of(sample, sizeof(sample) - 1);
}

static void a_query_has_the_bytes_of_the_standard(void **state)
{
	static const unsigned char want[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
		"\x07" "example\x03" "com\x00\x00\x02\x00\x01";
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	assert_int_equal(dns_put_query(&b, 0x1234, "example.com", DNS_NS, DNS_RECURSE), E_OK);
	assert_int_equal(b.len, sizeof(want) - 1);
	assert_memory_equal(b.at, want, b.len);
	buf_fini(&b);
}

static void names_beyond_the_limits_are_refused(void **state)
{
	char label[70], whole[300];
	struct buf b;

	(void)state;
	memset(label, 'a', sizeof(label));
	label[64] = '\0';
	buf_init(&b, 0);
	assert_int_equal(dns_put_name(&b, label), E_NAME);
	assert_int_equal(dns_put_name(&b, "a..b"), E_NAME);
	assert_int_equal(dns_put_name(&b, ".a"), E_NAME);
	memset(whole, 'a', sizeof(whole));
	for (int i = 50; i < 300; i += 50)
		whole[i] = '.';
	whole[254] = '\0';
	assert_int_equal(dns_put_name(&b, whole), E_NAME);
	buf_clear(&b);
	whole[253] = '\0';
	assert_int_equal(dns_put_name(&b, whole), E_OK);
	assert_int_equal(b.len, 255);
	buf_clear(&b);
	assert_int_equal(dns_put_name(&b, ""), E_OK);
	assert_int_equal(dns_put_name(&b, "."), E_OK);
	assert_int_equal(b.len, 2);
	buf_fini(&b);
}

static void records_are_read_through_pointers(void **state)
{
	struct dns_reader r;
	struct dns_record record;
	char name[DNS_NAME];
	struct buf text;

	(void)state;
	buf_init(&text, 100);
	assert_int_equal(dns_read(&r, message()), E_OK);
	assert_string_equal(r.question, "_acme-challenge.example.com");
	assert_int_equal(r.type, DNS_TXT);
	assert_int_equal(dns_next(&r, &record), E_OK);
	assert_int_equal(record.type, DNS_CNAME);
	assert_string_equal(record.name, "_acme-challenge.example.com");
	assert_int_equal(dns_rdata_name(&r, &record, name, NULL), E_OK);
	assert_string_equal(name, "x.example.com");
	assert_int_equal(dns_next(&r, &record), E_OK);
	assert_string_equal(record.name, "x.example.com");
	assert_int_equal(record.ttl, 60);
	assert_int_equal(dns_rdata_text(&record, &text), E_OK);
	assert_true(str_is(buf_str(&text), "abcdef"));
	assert_int_equal(dns_next(&r, &record), E_OK);
	assert_int_equal(record.type, DNS_SOA);
	assert_int_equal(record.section, DNS_AUTHORITY);
	assert_int_equal(dns_next(&r, &record), E_NOT_FOUND);
	assert_int_equal(dns_next(&r, &record), E_NOT_FOUND);
	buf_fini(&text);
}

/* Reads all there is; true when it was whole. */
static bool walk(struct str s)
{
	struct dns_reader r;
	struct dns_record record;
	struct buf text;
	char name[DNS_NAME];
	enum err err = dns_read(&r, s);
	bool fine = true;

	buf_init(&text, 1000);
	while (!err) {
		err = dns_next(&r, &record);
		if (err)
			break;
		if (record.type == DNS_TXT)
			fine &= dns_rdata_text(&record, &text) == E_OK;
		else
			fine &= dns_rdata_name(&r, &record, name, NULL) == E_OK;
	}
	buf_fini(&text);
	return fine && err == E_NOT_FOUND;
}

/* On the heap, so that the sanitizer sees the first byte too many. */
static bool walk_copy(struct str s)
{
	char *copy = malloc(s.len ? s.len : 1);
	bool fine;

	memcpy(copy, s.at, s.len);
	fine = walk(str_of(copy, s.len));
	free(copy);
	return fine;
}

static void an_answer_cut_at_any_byte_is_refused(void **state)
{
	(void)state;
	assert_true(walk_copy(message()));
	for (size_t n = 0; n < message().len; n++)
		assert_false(walk_copy(str_of(sample, n)));
}

static void any_byte_may_be_wrong(void **state)
{
	unsigned char copy[sizeof(sample)];

	(void)state;
	for (size_t i = 0; i < message().len; i++)
		for (unsigned v = 0; v < 256; v++) {
			memcpy(copy, sample, sizeof(sample));
			copy[i] = (unsigned char)v;
			(void)walk_copy(str_of(copy, message().len));
		}
}

static void a_pointer_to_itself_or_forward_ends(void **state)
{
	unsigned char copy[sizeof(sample)];

	(void)state;
	for (unsigned target = 0; target < 200; target++) {
		memcpy(copy, sample, sizeof(sample));
		copy[0x2d] = 0xc0;
		copy[0x2e] = (unsigned char)target;  /* owner of the first answer, at 0x2d */
		assert_true(target < 0x2d || !walk_copy(str_of(copy, message().len)));
	}
}

static void odd_bytes_equal_nothing_of_ours(void **state)
{
	static const char query[] = "\0\1\x80\0\0\1\0\0\0\0\0\0\3a.b\0\0\1\0\1";
	struct dns_reader r;

	(void)state;
	assert_int_equal(dns_read(&r, str_of(query, sizeof(query) - 1)), E_OK);
	assert_string_equal(r.question, "a?b");
}

static void only_an_answer_to_the_question_counts(void **state)
{
	struct buf q;

	(void)state;
	buf_init(&q, 0);
	dns_put_query(&q, 0x1234, "_acme-challenge.example.com", DNS_TXT, 0);
	assert_true(dns_is_answer(message(), buf_str(&q)));
	assert_false(dns_is_answer(buf_str(&q), buf_str(&q)));
	q.at[0]++;
	assert_false(dns_is_answer(message(), buf_str(&q)));
	buf_clear(&q);
	dns_put_query(&q, 0x1234, "_acme-challenge.example.com", DNS_NS, 0);
	assert_false(dns_is_answer(message(), buf_str(&q)));
	buf_clear(&q);
	dns_put_query(&q, 0x1234, "other.example.com", DNS_TXT, 0);
	assert_false(dns_is_answer(message(), buf_str(&q)));
	buf_fini(&q);
}

static void long_texts_become_several_strings(void **state)
{
	char text[600];
	struct dns_record record = { .type = DNS_TXT };
	struct buf b, back;

	(void)state;
	memset(text, 't', sizeof(text));
	buf_init(&b, 0);
	buf_init(&back, 0);
	assert_int_equal(dns_put_text(&b, str_of(text, sizeof(text))), E_OK);
	assert_int_equal(b.len, sizeof(text) + 3);
	record.rdata = buf_str(&b);
	assert_int_equal(dns_rdata_text(&record, &back), E_OK);
	assert_true(str_equal(buf_str(&back), str_of(text, sizeof(text))));
	buf_fini(&b);
	buf_fini(&back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_query_has_the_bytes_of_the_standard),
		cmocka_unit_test(names_beyond_the_limits_are_refused),
		cmocka_unit_test(records_are_read_through_pointers),
		cmocka_unit_test(an_answer_cut_at_any_byte_is_refused),
		cmocka_unit_test(any_byte_may_be_wrong),
		cmocka_unit_test(a_pointer_to_itself_or_forward_ends),
		cmocka_unit_test(odd_bytes_equal_nothing_of_ours),
		cmocka_unit_test(only_an_answer_to_the_question_counts),
		cmocka_unit_test(long_texts_become_several_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
