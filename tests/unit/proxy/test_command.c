/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/json.h"

/* What a command printed, and its exit code. */
struct done {
	int code;
	char *out, *err;
	size_t out_len, err_len;
};

static void run(struct done *d, char *const *environment, char *const *arguments)
{
	struct command_args args = { .arguments = arguments, .environment = environment };

	args.out = open_memstream(&d->out, &d->out_len);
	args.err = open_memstream(&d->err, &d->err_len);
	d->code = command_run(&args);
	fclose(args.out);
	fclose(args.err);
}

static void forget(struct done *d)
{
	free(d->out);
	free(d->err);
}

#define RUN(d, ...) run(d, (char *const[]){ NULL }, (char *const[]){ __VA_ARGS__, NULL })

static void wrong_usage_is_exit_code_2(void **state)
{
	static char *const wrong[][4] = { { NULL }, { "frobnicate" }, { "proxy" }, { "proxy", "only.one" },
		{ "run", "--no-such" }, { "check", "a", "b" }, { "help", "SP-999" }, { "schema", "x" } };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct done d;

		run(&d, NULL, wrong[i]);
		assert_int_equal(d.code, COMMAND_USAGE);
		assert_int_equal(d.out_len, 0);
		assert_non_null(strstr(d.err, "usage: sallyport"));
		forget(&d);
	}
}

static void account_refuses_what_it_cannot_mean(void **state)
{
	static char *const wrong[][5] = { { "account", "sing" }, { "account", "deactivate", "my-ca" },
		{ "account", "deactivate", "--yes" }, { "account", "show", "--key", "k.pem" } };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct done d;

		run(&d, (char *const[]){ NULL }, wrong[i]);
		assert_int_equal(d.code, COMMAND_USAGE);
		assert_non_null(strstr(d.err, "SP-101"));
		forget(&d);
	}
}

static void help_explains_codes_and_commands(void **state)
{
	struct done d;

	(void)state;
	RUN(&d, "help", "SP-204");
	assert_int_equal(d.code, COMMAND_FINE);
	assert_non_null(strstr(d.out, "SP-204 certificate not issued"));
	assert_non_null(strstr(d.out, "fix"));
	forget(&d);
	RUN(&d, "help", "proxy");
	assert_non_null(strstr(d.out, "HOST UPSTREAM"));
	assert_non_null(strstr(d.out, "--staging"));
	forget(&d);
	RUN(&d, "run", "--help");
	assert_int_equal(d.code, COMMAND_FINE);
	assert_non_null(strstr(d.out, "--set PATH=VALUE"));
	forget(&d);
	RUN(&d, "help");
	assert_non_null(strstr(d.out, "check"));
	forget(&d);
}

static void versions_name_the_libraries(void **state)
{
	struct json *root = NULL;
	struct done d;

	(void)state;
	RUN(&d, "version");
	assert_memory_equal(d.out, "sallyport ", 10);
	assert_non_null(strstr(d.out, "wolfSSL 5."));
	assert_non_null(strstr(d.out, "libuv 1."));
	assert_non_null(strstr(d.out, "llhttp 9."));
	forget(&d);
	RUN(&d, "version", "--json");
	assert_int_equal(json_parse(str_of(d.out, d.out_len), &json_limits_default, &root, NULL), E_OK);
	assert_true(json_get_str(root, "version").len > 0);
	json_free(&root);
	forget(&d);
}

static void the_schema_is_json(void **state)
{
	struct json *root = NULL;
	struct done d;

	(void)state;
	RUN(&d, "schema");
	assert_int_equal(d.code, COMMAND_FINE);
	assert_int_equal(json_parse(str_of(d.out, d.out_len), &json_limits_config, &root, NULL), E_OK);
	assert_non_null(json_get(json_get(root, "properties"), "sites"));
	json_free(&root);
	forget(&d);
}

static void problems_have_a_place(void **state)
{
	char path[] = "/tmp/sallyport-test-XXXXXX";
	static const char text[] = "{\n \"sitess\": {}\n}\n";
	struct done d;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	RUN(&d, "check", "-c", path);
	assert_int_equal(d.code, COMMAND_FAILED);
	assert_non_null(strstr(d.err, ":2:"));
	assert_non_null(strstr(d.err, "sites"));
	assert_non_null(strstr(d.err, "SP-102"));
	forget(&d);
	RUN(&d, "check", "--json", "-c", path);
	assert_int_equal(d.code, COMMAND_FAILED);
	assert_non_null(strstr(d.out, "\"problems\""));
	assert_int_equal(d.err_len, 0);
	forget(&d);
	unlink(path);
}

static void a_missing_file_is_named(void **state)
{
	struct done d;

	(void)state;
	RUN(&d, "run", "-c", "/nonexistent/none.json");
	assert_int_equal(d.code, COMMAND_FAILED);
	assert_non_null(strstr(d.err, "none.json"));
	assert_non_null(strstr(d.err, "SP-103"));
	forget(&d);
}

static void config_tells_origins(void **state)
{
	char *const environment[] = { "SALLYPORT_SITES=app.example.com=127.0.0.1:3000", NULL };
	char *const arguments[] = { "config", "--set", "timeouts.idle=7s", NULL };
	struct done d;

	(void)state;
	run(&d, environment, arguments);
	assert_int_equal(d.code, COMMAND_FINE);
	assert_non_null(strstr(d.out, "app.example.com"));
	assert_non_null(strstr(d.out, "SALLYPORT_SITES"));
	assert_non_null(strstr(d.out, "command line"));
	assert_non_null(strstr(d.out, "default"));
	forget(&d);
}

static void a_certificate_that_cannot_be_read_is_found_by_check(void **state)
{
	char *const environment[] = { NULL };
	char *const arguments[] = { "check", "--set",
		"sites={\"a.example.com\": {\"cert\": \"/nonexistent/c.pem\", \"key\": \"/nonexistent/k.pem\", "
		"\"to\": \"127.0.0.1:1\"}}", NULL };
	struct done d;

	(void)state;
	run(&d, environment, arguments);
	assert_int_equal(d.code, COMMAND_FAILED);
	assert_non_null(strstr(d.err, "c.pem"));
	forget(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_usage_is_exit_code_2),
		cmocka_unit_test(account_refuses_what_it_cannot_mean),
		cmocka_unit_test(help_explains_codes_and_commands),
		cmocka_unit_test(versions_name_the_libraries),
		cmocka_unit_test(the_schema_is_json),
		cmocka_unit_test(problems_have_a_place),
		cmocka_unit_test(a_missing_file_is_named),
		cmocka_unit_test(config_tells_origins),
		cmocka_unit_test(a_certificate_that_cannot_be_read_is_found_by_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
