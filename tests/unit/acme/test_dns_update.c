/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/dns_update.h"

#include "base/encode.h"
#include "dns_vectors.h"
#include "unit.h"

/* An independent hand made the same bytes at this time with this key. */
#define AT_MS 1700000000000
#define SECRET "sallyport test key of 32 bytes!!"
static const struct dns_key key = { "key.example.com", { SECRET, sizeof(SECRET) - 1 } };
static const struct dns_txt txt = { .name = "_acme-challenge.www.example.com", .zone = "example.com",
	.value = "gfj9Xq...Rg85nM" };

static struct str unhex(unsigned char *out, size_t cap, const char *hex)
{
	size_t len = 0;
	assert_int_equal(encode_hex_decode(out, cap, &len, str_from(hex)), E_OK);
	return str_of(out, len);
}

static void same(const struct buf *b, const char *hex)
{
	unsigned char want[1024];
	struct str s = unhex(want, sizeof want, hex);
	assert_int_equal(b->len, s.len);
	assert_memory_equal(b->at, s.at, s.len);
}

static void an_update_has_the_bytes_of_others(void **state)
{
	struct buf b;
	(void)state;
	buf_init(&b, 0);
	assert_int_equal(dns_update_write(&b, 0x1234, DNS_ADD, &txt, 60), E_OK);
	same(&b, VECTOR_ADD);
	buf_clear(&b);
	assert_int_equal(dns_update_write(&b, 0x1234, DNS_DELETE, &txt, 60), E_OK);
	same(&b, VECTOR_DELETE);
	buf_fini(&b);
}

static void sign_sample(struct buf *b, unsigned char mac[DIGEST_SHA256])
{
	buf_init(b, 0);
	assert_int_equal(dns_update_write(b, 0x1234, DNS_ADD, &txt, 60), E_OK);
	assert_int_equal(dns_sign(b, &key, AT_MS, mac), E_OK);
}

static void a_signature_has_the_bytes_of_others(void **state)
{
	unsigned char mac[DIGEST_SHA256];
	struct buf b;
	(void)state;
	sign_sample(&b, mac);
	same(&b, VECTOR_SIGNED);
	buf_fini(&b);
}

static enum err verify(struct str answer, int64_t at_ms, struct fault *fault)
{
	unsigned char mac[DIGEST_SHA256];
	struct buf b;
	sign_sample(&b, mac);
	buf_fini(&b);
	fault_clear(fault);
	return dns_verify(answer, &key, at_ms, mac, fault);
}

static void the_answer_of_another_hand_is_verified(void **state)
{
	unsigned char bytes[1024];
	struct str answer = unhex(bytes, sizeof bytes, VECTOR_ANSWER);
	struct fault fault = { 0 };
	(void)state;
	assert_int_equal(verify(answer, AT_MS, &fault), E_OK);
	assert_int_equal(verify(answer, AT_MS + 200000, &fault), E_OK);
	assert_int_equal(verify(answer, AT_MS + 400000, &fault), E_DNS);
	assert_non_null(strstr(fault.detail, "another time"));
}

static void no_changed_bit_passes(void **state)
{
	unsigned char bytes[1024], copy[1024];
	struct str answer = unhex(bytes, sizeof bytes, VECTOR_ANSWER);
	struct fault fault;
	(void)state;
	for (size_t i = 0; i < answer.len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(copy, bytes, answer.len);
			copy[i] ^= (unsigned char)(1u << bit);
			/* The id may change on the way (RFC 8945 5.3.1); a name has no case. */
			bool is_letter = (copy[i] | 32) >= 'a' && (copy[i] | 32) <= 'z' && bit == 5;
			if (i < 2 || is_letter)
				continue;
			assert_int_equal(verify(str_of(copy, answer.len), AT_MS, &fault), E_DNS);
		}
	}
}

static void an_answer_cut_at_any_byte_is_refused(void **state)
{
	unsigned char bytes[1024];
	struct str answer = unhex(bytes, sizeof bytes, VECTOR_ANSWER);
	struct fault fault;
	(void)state;
	for (size_t n = 0; n < answer.len; n++) {
		char *copy = malloc(n ? n : 1);
		memcpy(copy, bytes, n);
		assert_int_equal(verify(str_of(copy, n), AT_MS, &fault), E_DNS);
		free(copy);
	}
}

static void an_unsigned_answer_is_refused(void **state)
{
	struct fault fault;
	struct buf b;
	(void)state;
	buf_init(&b, 0);
	dns_put_query(&b, 0x1234, "example.com", DNS_SOA, DNS_RESPONSE | DNS_UPDATE);
	assert_int_equal(verify(buf_str(&b), AT_MS, &fault), E_DNS);
	assert_non_null(strstr(fault.detail, "not signed"));
	buf_fini(&b);
}

static void the_servers_complaints_are_told(void **state)
{
	static const struct { unsigned char error; const char *says; } rows[] = {
		{ 16, "BADSIG" }, { 17, "BADKEY" }, { 18, "BADTIME" }, { 22, "22" },
	};
	unsigned char bytes[1024];
	struct str answer = unhex(bytes, sizeof bytes, VECTOR_ANSWER);
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fault fault;
		bytes[answer.len - 3] = rows[i].error;  /* error, then no other data */
		assert_int_equal(verify(answer, AT_MS, &fault), E_DNS);
		assert_non_null(strstr(fault.detail, rows[i].says));
	}
}

static void the_secret_is_in_no_message(void **state)
{
	unsigned char mac[DIGEST_SHA256];
	struct buf b;
	(void)state;
	sign_sample(&b, mac);
	assert_null(memmem(b.at, b.len, SECRET, 8));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_update_has_the_bytes_of_others),
		cmocka_unit_test(a_signature_has_the_bytes_of_others),
		cmocka_unit_test(the_answer_of_another_hand_is_verified),
		cmocka_unit_test(no_changed_bit_passes),
		cmocka_unit_test(an_answer_cut_at_any_byte_is_refused),
		cmocka_unit_test(an_unsigned_answer_is_refused),
		cmocka_unit_test(the_servers_complaints_are_told),
		cmocka_unit_test(the_secret_is_in_no_message),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
