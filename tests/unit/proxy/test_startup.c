/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/startup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/log.h"

/* What startup_tell writes to a file. */
static size_t tell(const struct startup *s, char *text, size_t cap)
{
	FILE *file = tmpfile();
	size_t n;

	assert_non_null(file);
	log_setup(fileno(file), LOG_INFO, LOG_JSON);
	startup_tell(s);
	log_flush();
	log_setup(2, LOG_INFO, LOG_TEXT);
	rewind(file);
	n = fread(text, 1, cap - 1, file);
	fclose(file);
	text[n] = 0;
	return n;
}

static void ready_carries_the_chosen_ports(void **state)
{
	struct conf_addr loopback = { CONF_ADDR_IP, "127.0.0.1:0", "127.0.0.1", 0 };
	struct conf conf = { .listen = { .https = { &loopback, 1 } }, .store = "." };
	struct ports ports;
	struct fault fault = { 0 };
	struct json *root = NULL;
	char text[4096], want[64];
	const char *line;
	size_t n;

	(void)state;
	assert_int_equal(ports_open(&ports, &conf.listen, 2, &fault), E_OK);
	n = tell(&(struct startup){ &conf, &ports, "a \"quoted\" file", 7 }, text, sizeof(text));
	line = strstr(text, "\"ready\"");
	assert_non_null(line);
	while (line > text && line[-1] != '\n')
		line--;
	assert_int_equal(json_parse(str_of(line, n - (size_t)(line - text)), &json_limits_default, &root,
		NULL), E_OK);
	snprintf(want, sizeof(want), "127.0.0.1:%u", addr_port(&ports.https.at[0]));
	assert_true(str_is(json_get_str(root, "https"), want));
	assert_true(str_is(json_get_str(root, "http"), "off"));
	assert_true(str_is(json_get_str(root, "config"), "a \"quoted\" file"));
	assert_int_equal((int)json_number(json_get(root, "workers"), 0), 2);
	json_free(&root);
	ports_close(&ports);
}

static void a_store_in_memory_is_known(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(startup_store_kind("/proc"), STARTUP_STORE_OK);
	assert_int_equal(startup_store_kind("/nonexistent"), STARTUP_STORE_OK);
	if (stat("/dev/shm", &st) == 0)
		assert_int_equal(startup_store_kind("/dev/shm"), STARTUP_STORE_MEMORY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ready_carries_the_chosen_ports),
		cmocka_unit_test(a_store_in_memory_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
