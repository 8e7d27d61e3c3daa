/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/environment.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/conf/loading.h"

static void every_setting_has_a_variable(void **state)
{
	char *environment[] = { "SALLYPORT_ACME__EMAIL=a@b", "SALLYPORT_TIMEOUTS__IDLE=9s",
		"SALLYPORT_ON_DEMAND__REMEMBER__ALLOW=2h", "SALLYPORT_LISTEN__HTTPS=127.0.0.1:1, [::1]:2",
		"SALLYPORT_ACME__CHALLENGES=http-01", "SALLYPORT_LOG__ACCESS=false", "SALLYPORT_WORKERS=2",
		"SALLYPORT_ACME__CA=letsencrypt-staging,https://x/d", "SALLYPORT_TRUSTED_PROXIES=private",
		"SALLYPORT_UPSTREAMS__API__SERVERS=a:1,b:2", "SALLYPORT_UPSTREAMS__API__HEALTH__PATH=/h",
		"SALLYPORT_TLS__MIN=1.3", "PATH=/bin", "SALLYPORTX=1", "NOEQUALS", NULL };
	struct conf *c = loaded_with("{}", environment);

	(void)state;
	assert_string_equal(c->acme.email, "a@b");
	assert_int_equal(c->timeouts.idle_ms, 9000);
	assert_int_equal(c->on_demand.allow_ms, 7200000);
	assert_int_equal(c->listen.https.n, 2);
	assert_int_equal(c->acme.n_challenges, 1);
	assert_false(c->log.access);
	assert_int_equal(c->acme.n_ca, 2);
	assert_int_equal(c->upstreams[0].n_servers, 2);
	assert_string_equal(c->upstreams[0].health.path, "/h");
	assert_string_equal(c->tls_min, "1.3");
	conf_unref(&c);
}

static void the_sidecar_needs_no_file(void **state)
{
	char *environment[] = { "SALLYPORT_SITES=a.example=web:3000, b.example=web:3001,",
		"SALLYPORT_EMAIL=a@b", "SALLYPORT_ASK=http://web/ask", "SALLYPORT_DATA=/data", NULL };
	struct load_args args = { .environment = environment };
	struct conf *c;

	(void)state;
	assert_int_equal(load_conf(&args, &c, &problems), E_OK);
	assert_int_equal(c->n_sites, 2);
	assert_string_equal(c->sites[1].name, "b.example");
	assert_int_equal(c->sites[1].routes[0].to->servers[0].addr.port, 3001);
	assert_string_equal(c->on_demand.ask[0], "http://web/ask");
	assert_string_equal(c->store, "/data");
	conf_unref(&c);
}

static void objects_are_given_as_json(void **state)
{
	char *environment[] = { "SALLYPORT_SITES={\"*\": {\"tls\": \"on_demand\", \"to\": \"web:1\"},}",
		"SALLYPORT_ON_DEMAND={\"ask\": \"http://a\", /* c */ \"wait\": \"1s\"}",
		"SALLYPORT_ACME__CA=[{\"directory\": \"https://x/d\", \"trust\": \"t\"}]", NULL };
	struct conf *c = loaded_with("{\"sites\": {\"*\": \"web:2\"}}", environment);

	(void)state;
	assert_int_equal(c->n_sites, 1);
	assert_int_equal(c->sites[0].tls, CONF_TLS_ON_DEMAND);
	assert_int_equal(c->on_demand.wait_ms, 1000);
	assert_string_equal(c->acme.ca[0].trust, "t");
	conf_unref(&c);
}

static void write_file(char *path, const char *bytes, size_t n)
{
	int fd;

	strcpy(path, "/tmp/conf-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
	close(fd);
}

static void values_come_from_files(void **state)
{
	char path[32], variable[128];
	char *environment[] = { variable, NULL };
	struct conf *c;

	(void)state;
	write_file(path, "a@b\n", 4);
	snprintf(variable, sizeof(variable), "SALLYPORT_ACME__EMAIL_FILE=%s", path);
	c = loaded_with("{}", environment);
	assert_string_equal(c->acme.email, "a@b");
	conf_unref(&c);
	snprintf(variable, sizeof(variable), "SALLYPORT_DATA_FILE=%s", path);
	c = loaded_with("{}", environment);
	assert_string_equal(c->store, "a@b");
	conf_unref(&c);
	unlink(path);
	refused_with("{}", environment, "cannot be read");
}

static void hostile_files_are_refused(void **state)
{
	static char big[70000];
	char path[32], variable[128];
	char *environment[] = { variable, NULL };

	(void)state;
	memset(big, 'x', sizeof(big));
	write_file(path, big, sizeof(big));
	snprintf(variable, sizeof(variable), "SALLYPORT_STORE_FILE=%s", path);
	refused_with("{}", environment, "larger than 64 KiB");
	unlink(path);
	write_file(path, "a\xff", 2);
	snprintf(variable, sizeof(variable), "SALLYPORT_STORE_FILE=%s", path);
	refused_with("{}", environment, "not UTF-8");
	unlink(path);
	write_file(path, "a\0b", 3);
	snprintf(variable, sizeof(variable), "SALLYPORT_STORE_FILE=%s", path);
	refused_with("{}", environment, "not UTF-8");
	unlink(path);
}

static void wrong_variables_are_named(void **state)
{
	static const char *const cases[][2] = {
		{ "SALLYPORT_EMIAL=a@b", "environment SALLYPORT_EMIAL: no setting has this name; did you mean "
			"\"SALLYPORT_EMAIL\"?" },
		{ "SALLYPORT_TIMEOUTS__IDEL=1s", "SALLYPORT_TIMEOUTS__IDLE" },
		{ "SALLYPORT_=x", "no setting" }, { "SALLYPORT___=x", "no setting" },
		{ "SALLYPORT_STORE__X=x", "no setting" }, { "SALLYPORT_ACME=x", "wants an object" },
		{ "SALLYPORT_ACME={", "is no valid JSON at byte" },
		{ "SALLYPORT_ON_DEMAND={\"wait\": \"x\"}", "environment SALLYPORT_ON_DEMAND:1:10: on_demand.wait" },
		{ "SALLYPORT_TIMEOUTS__IDLE=x", "environment SALLYPORT_TIMEOUTS__IDLE: timeouts.idle: \"x\"" },
		{ "SALLYPORT_EMAIL=\xff", "not UTF-8" }, { "SALLYPORT_EMAIL=", "wants some text" },
		{ "SALLYPORT_SITES=a.example", "host=upstream" }, { "SALLYPORT_SITES=*=web:1", "on_demand" },
		{ "SALLYPORT_UPSTREAMS__API=x", "no setting" }, { "SALLYPORT_UPSTREAMS____X=x", "no setting" },
		{ "SALLYPORT_UPSTREAMS__A__B=x", "no setting" }, { "SALLYPORT_FILE=x", "no setting" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *environment[] = { (char *)(uintptr_t)cases[i][0], NULL };

		refused_with("{}", environment, cases[i][1]);
	}
}

static void random_variables_do_no_harm(void **state)
{
	char text[64];
	char *environment[] = { text, NULL };
	struct load_args args = { .environment = environment };
	struct conf *c;

	(void)state;
	srand(8);
	for (int i = 0; i < 5000; i++) {
		static const char *const names[] = { "SITES", "ACME__CA", "LISTEN__HTTPS", "UPSTREAMS__A__SERVERS",
			"TRUSTED_PROXIES", "ACME__CHALLENGES", "LIMITS" };
		int n = snprintf(text, sizeof(text), "SALLYPORT_%s=", names[rand() % 7]);

		for (; n < 63 && rand() % 30; n++)
			text[n] = rand() % 4 ? "a.=:,{}[]\"1*-/"[rand() % 15] : (char)(rand() % 255 + 1);
		text[n] = 0;
		load_text(STR("{}"), "t", &args, &c, &problems);
		conf_unref(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_setting_has_a_variable),
		cmocka_unit_test(the_sidecar_needs_no_file),
		cmocka_unit_test(objects_are_given_as_json),
		cmocka_unit_test(values_come_from_files),
		cmocka_unit_test(hostile_files_are_refused),
		cmocka_unit_test(wrong_variables_are_named),
		cmocka_unit_test(random_variables_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
