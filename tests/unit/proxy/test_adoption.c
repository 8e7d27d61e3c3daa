/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/adoption.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/encode.h"
#include "base/mem.h"
#include "tests/support/test_ca.h"

static struct test_ca ca;
static struct test_leaf leaf, other, longer;
static struct buf chain, key, other_chain, other_key;

static void read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "r");
	char text[65536];

	assert_non_null(f);
	buf_init(out, 0);
	assert_int_equal(buf_add(out, str_of(text, fread(text, 1, sizeof(text), f))), E_OK);
	fclose(f);
}

static int begin(void **state)
{
	(void)state;
	test_ca_init(&ca);
	test_ca_leaf(&ca, &leaf, "a", "ec", "DNS:a.example.com,DNS:www.example.com,DNS:*.w.example.com", 30);
	test_ca_leaf(&ca, &other, "b", "rsa", "DNS:a.example.com", 90);
	test_ca_leaf(&ca, &longer, "c", "ec", "DNS:a.example.com", 60);
	read_file(leaf.chain_pem, &chain);
	read_file(leaf.key_pem, &key);
	read_file(other.chain_pem, &other_chain);
	read_file(other.key_pem, &other_key);
	return 0;
}

static int end(void **state)
{
	(void)state;
	buf_fini(&chain);
	buf_fini(&key);
	buf_fini(&other_chain);
	buf_fini(&other_key);
	test_leaf_fini(&leaf);
	test_leaf_fini(&other);
	test_leaf_fini(&longer);
	test_ca_fini(&ca);
	return 0;
}

static void chain_and_key_meet_wherever_they_were_found(void **state)
{
	struct adoption *a = adoption_new();
	const struct adoption_item *items;
	unsigned n;

	(void)state;
	assert_true(adoption_add_pem(a, buf_str(&chain), "chain"));
	adoption_items(a, &n);
	assert_int_equal(n, 0);
	assert_int_equal(adoption_counts(a).without_key, 1);
	assert_true(adoption_add_pem(a, buf_str(&key), "key"));
	items = adoption_items(a, &n);
	assert_int_equal(n, 3);
	assert_string_equal(items[0].name, "*.w.example.com");
	assert_string_equal(items[1].name, "a.example.com");
	assert_string_equal(items[2].name, "www.example.com");
	assert_string_equal(items[1].source, "chain");
	assert_non_null(items[1].key);
	assert_int_equal(adoption_counts(a).without_key, 0);
	adoption_free(&a);
	adoption_free(&a);
}

static void of_two_for_one_name_the_longer_lived_wins(void **state)
{
	struct adoption *a = adoption_new();
	const struct adoption_item *items;
	struct buf text;
	unsigned n;

	(void)state;
	read_file(longer.chain_pem, &text);
	adoption_add_pem(a, buf_str(&text), "long");
	buf_fini(&text);
	adoption_add_pem(a, buf_str(&chain), "short");
	adoption_add_pem(a, buf_str(&key), "k1");
	read_file(longer.key_pem, &text);
	adoption_add_pem(a, buf_str(&text), "k2");
	buf_fini(&text);
	items = adoption_items(a, &n);
	assert_int_equal(n, 3);
	assert_string_equal(items[1].source, "long");
	assert_string_equal(items[2].source, "short");
	adoption_free(&a);
}

static void a_name_may_have_one_of_each_family(void **state)
{
	struct adoption *a = adoption_new();
	const struct adoption_item *items;
	unsigned n;

	(void)state;
	adoption_add_pem(a, buf_str(&other_chain), "rsa");
	adoption_add_pem(a, buf_str(&other_key), "k2");
	adoption_add_pem(a, buf_str(&chain), "ec");
	adoption_add_pem(a, buf_str(&key), "k1");
	items = adoption_items(a, &n);
	assert_int_equal(n, 4);
	assert_string_equal(items[1].name, "a.example.com");
	assert_string_equal(items[1].source, "ec");
	assert_string_equal(items[2].name, "a.example.com");
	assert_string_equal(items[2].source, "rsa");
	assert_true(key_is_rsa(items[2].key));
	adoption_free(&a);
}

static void add_base64(struct buf *out, struct str text)
{
	char *b64 = malloc(ENCODE_B64_SIZE(text.len));

	encode_base64(b64, text);
	assert_int_equal(buf_add(out, str_from(b64)), E_OK);
	free(b64);
}

static void traefik(struct buf *out, const char *before, const char *after)
{
	buf_init(out, 0);
	buf_addf(out, "%s\"Certificates\": [{\"domain\": {\"main\": \"a.example.com\"}, \"certificate\": \"",
		before);
	add_base64(out, buf_str(&chain));
	buf_add(out, STR("\", \"key\": \""));
	add_base64(out, buf_str(&key));
	buf_addf(out, "\"}]%s", after);
}

static void traefiks_file_is_read_in_its_versions(void **state)
{
	static const char *const shapes[][2] = { { "{\"le\": {\"Account\": {},", "}}" }, { "{", "}" } };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct adoption *a = adoption_new();
		struct buf text;
		unsigned n;

		traefik(&text, shapes[i][0], shapes[i][1]);
		assert_true(adoption_add_json(a, buf_str(&text), "acme.json"));
		adoption_items(a, &n);
		assert_int_equal(n, 3);
		buf_fini(&text);
		adoption_free(&a);
	}
}

/* Every prefix of a file, and every file with one byte changed: refused or read, never worse. */
static void half_files_and_changed_ones_are_harmless(void **state)
{
	struct buf text;

	(void)state;
	traefik(&text, "{\"le\": {", "}}");
	for (size_t len = 0; len < text.len; len += 37) {
		struct adoption *a = adoption_new();
		unsigned n;

		adoption_add_json(a, str_of(text.at, len), "cut");
		adoption_add_pem(a, str_of(chain.at, len < chain.len ? len : chain.len), "cut");
		adoption_add_pem(a, str_of(key.at, len < key.len ? len : key.len), "cut");
		text.at[len] = (char)(text.at[len] ^ 0x80);
		adoption_add_json(a, buf_str(&text), "changed");
		text.at[len] = (char)(text.at[len] ^ 0x80);
		adoption_items(a, &n);
		assert_true(n == 0 || n == 3);
		adoption_free(&a);
	}
	buf_fini(&text);
}

static void what_is_too_large_or_nonsense_is_passed_over(void **state)
{
	struct adoption *a = adoption_new();
	struct buf large;
	unsigned n;

	(void)state;
	buf_init(&large, 0);
	while (large.len <= ADOPTION_FILE_MAX)
		assert_int_equal(buf_add(&large, buf_str(&chain)), E_OK);
	assert_false(adoption_add_pem(a, buf_str(&large), "large"));
	assert_false(adoption_add_pem(a, STR("\xff\xfe\x00\x01"), "binary"));
	assert_false(adoption_add_pem(a, STR_NONE, "nothing"));
	assert_false(adoption_add_pem(a, STR("-----BEGIN CERTIFICATE-----\n\xff\xff\n"), "bytes"));
	assert_false(adoption_add_pem(a, STR("-----BEGIN EC PRIVATE KEY-----\nAAAA\n"
		"-----END EC PRIVATE KEY-----\n"), "bad key"));
	assert_false(adoption_add_json(a, STR("[1, 2]"), "list"));
	assert_false(adoption_add_json(a, STR("{\"a\": {\"Certificates\": 7}}"), "number"));
	assert_true(adoption_add_json(a, STR("{\"a\": {\"Certificates\": [7, {}, null, "
		"{\"certificate\": 1, \"key\": []}, {\"certificate\": \"!!\", \"key\": \"AAAA\"}]}}"), "odd"));
	assert_int_equal(adoption_counts(a).strange, 7);
	adoption_items(a, &n);
	assert_int_equal(n, 0);
	buf_fini(&large);
	adoption_free(&a);
}

static void a_tree_is_walked_without_following_its_traps(void **state)
{
	char directory[] = "/tmp/sallyport-test-XXXXXX", path[256], command[400];
	struct adoption *a = adoption_new();
	struct fault fault = { 0 };
	unsigned n;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/live", directory);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/live/fullchain.pem", directory);
	assert_int_equal(symlink(leaf.chain_pem, path), 0);
	snprintf(path, sizeof(path), "%s/live/privkey.pem", directory);
	assert_int_equal(symlink(leaf.key_pem, path), 0);
	snprintf(path, sizeof(path), "%s/live/loop", directory);
	assert_int_equal(symlink(directory, path), 0);
	snprintf(path, sizeof(path), "%s/live/dead", directory);
	assert_int_equal(symlink("/nonexistent", path), 0);
	snprintf(path, sizeof(path), "%s/live/fifo", directory);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(adoption_scan(a, directory, &fault), E_OK);
	adoption_items(a, &n);
	assert_int_equal(n, 3);
	adoption_free(&a);
	a = adoption_new();
	assert_int_equal(adoption_scan(a, "/nonexistent", &fault), E_FILE);
	adoption_free(&a);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chain_and_key_meet_wherever_they_were_found),
		cmocka_unit_test(of_two_for_one_name_the_longer_lived_wins),
		cmocka_unit_test(a_name_may_have_one_of_each_family),
		cmocka_unit_test(traefiks_file_is_read_in_its_versions),
		cmocka_unit_test(half_files_and_changed_ones_are_harmless),
		cmocka_unit_test(what_is_too_large_or_nonsense_is_passed_over),
		cmocka_unit_test(a_tree_is_walked_without_following_its_traps),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
