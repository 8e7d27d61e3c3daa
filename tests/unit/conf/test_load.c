/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/load.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/conf/loading.h"


static const char example[] =
	"{\n"
	"  \"email\": \"ops@example.com\",\n"
	"  \"acme\": { \"ca\": [\"letsencrypt\", \"https://ca.example/dir\"], \"challenges\": [\"tls-alpn-01\", \"http-01\"],"
	" \"key\": \"p256\" },\n"
	"  \"on_demand\": {\n"
	"    \"ask\": \"http://127.0.0.1:5555/check\",      // GET\n"
	"    \"remember\": { \"allow\": \"1h\", \"deny\": \"10m\", \"if_ask_is_down\": \"7d\" },\n"
	"    \"wait\": \"30s\", \"max_waiting\": 1024, \"max_labels\": 5\n"
	"  },\n"
	"  \"upstreams\": {\n"
	"    \"api\": { \"servers\": [\"10.0.0.11:8080\", { \"at\": \"10.0.0.12:8080\", \"weight\": 2 }],\n"
	"             \"balance\": \"least_requests\", \"health\": { \"path\": \"/healthz\", \"every\": \"5s\" } }\n"
	"  },\n"
	"  \"sites\": {\n"
	"    \"app.example.com\": \"127.0.0.1:3000\",                       // short form\n"
	"    \"www.example.com\": { \"redirect\": \"https://example.com\" },\n"
	"    \"example.com\": { \"routes\": { \"/api/*\": \"api\", \"/*\": \"127.0.0.1:3000\" } },\n"
	"    \"*\": { \"tls\": \"on_demand\", \"to\": \"127.0.0.1:4000\" },\n"
	"  },\n"
	"  \"listen\": { \"https\": \":443\", \"http\": \":80\" },\n"
	"  \"store\": \"/var/lib/sallyport\"\n"
	"}\n";

static enum err load(const char *text, struct conf **c)
{
	return load_text(str_from(text), "t.json", NULL, c, &problems);
}

static void the_example_of_the_design_loads(void **state)
{
	struct conf *c;
	const struct conf_site *s;

	(void)state;
	assert_int_equal(load(example, &c), E_OK);
	assert_string_equal(c->acme.email, "ops@example.com");
	assert_int_equal(c->acme.n_ca, 2);
	assert_string_equal(c->acme.ca[1].directory, "https://ca.example/dir");
	assert_int_equal(c->on_demand.max_labels, 5);
	assert_true(c->on_demand.enabled);
	assert_int_equal(c->n_sites, 4);
	assert_int_equal(c->sites[0].tls, CONF_TLS_AUTO);
	assert_string_equal(c->sites[0].routes[0].to->servers[0].addr.host, "127.0.0.1");
	assert_string_equal(c->sites[1].routes[0].redirect, "https://example.com");
	assert_int_equal(c->sites[1].routes[0].redirect_status, 308);
	s = &c->sites[2];
	assert_int_equal(s->n_routes, 2);
	assert_string_equal(s->routes[0].path, "/api/*");
	assert_int_equal(s->routes[0].to->n_servers, 2);
	assert_int_equal(s->routes[0].to->servers[1].weight, 2);
	/* written alike, so one upstream and one pool */
	assert_ptr_equal(s->routes[1].to, c->sites[0].routes[0].to);
	assert_int_equal(s->routes[0].to->timeouts.connect_ms, 5000);
	conf_unref(&c);
}

static void the_smallest_configuration_of_a_test_loads(void **state)
{
	struct conf *c;

	(void)state;
	assert_int_equal(load("{\"store\": \"d\", \"listen\": {\"https\": \"127.0.0.1:8443\", \"http\": "
		"\"127.0.0.1:8080\"}, \"acme\": {\"ca\": [{\"directory\": \"https://localhost:14000/dir\", "
		"\"trust\": \"ca.pem\"}]}, \"on_demand\": {\"ask\": \"http://127.0.0.1:9100/ok\"}, \"sites\": "
		"{\"*\": {\"tls\": \"on_demand\", \"to\": \"127.0.0.1:9000\"}}}", &c), E_OK);
	assert_string_equal(c->store, "d");
	assert_string_equal(c->acme.ca[0].name, "localhost:14000");
	assert_string_equal(c->acme.ca[0].trust, "ca.pem");
	conf_unref(&c);
}

static void own_certificates_load(void **state)
{
	struct conf *c;

	(void)state;
	assert_int_equal(load("{\"workers\": 1, \"sites\": {\"192.0.2.1\": {\"cert\": \"chain.pem\", "
		"\"key\": \"key.pem\", \"to\": \"9000\", \"default\": true}, \"*\": {\"cert\": \"a\", "
		"\"key\": \"b\", \"to\": \"9000\"}}}", &c), E_OK);
	assert_int_equal(c->sites[0].tls, CONF_TLS_FILE);
	assert_true(c->sites[0].is_ip);
	assert_true(c->sites[0].is_default);
	assert_int_equal(c->workers, 1);
	conf_unref(&c);
}

static void nothing_given_is_all_defaults(void **state)
{
	struct conf *c;

	(void)state;
	assert_int_equal(load("{}", &c), E_OK);
	assert_int_equal(c->listen.https.n, 1);
	assert_int_equal(c->listen.https.at[0].port, 443);
	assert_int_equal(c->timeouts.idle_ms, 75000);
	assert_int_equal(c->timeouts.tunnel_ms, 3600000);
	assert_int_equal(c->limits.head_bytes, 32768);
	assert_int_equal(c->limits.cert_cache_bytes, 64 << 20);
	assert_int_equal(c->on_demand.if_ask_is_down_ms, 7 * 86400000);
	assert_int_equal(c->acme.n_challenges, 2);
	assert_int_equal(c->acme.challenges[0], CONF_TLS_ALPN_01);
	assert_int_equal(c->acme.max_orders, 16);
	assert_string_equal(c->acme.ca[0].name, "letsencrypt");
	assert_string_equal(c->tls_min, "1.2");
	assert_string_equal(c->store, "/var/lib/sallyport");
	conf_unref(&c);
}

static void syntax_errors_are_explained(void **state)
{
	(void)state;
	refused("", "t.json:1:1: the text ends too early");
	refused("{\n\"a\": 1,\n\"a\": 2}", "t.json:3:1: duplicate key \"a\"");
	refused("{\"a\": 1 \"b\": 2}", "t.json:1:9: a comma is missing");
	refused("{'a': 1}", "double quotes");
	refused("{\"a\": /* x", "not closed");
	refused("{\"a\": \"x\ny\"}", "the line ends inside a text");
	refused("{\"a\": \"\xff\"}", "not UTF-8");
	refused("{\"a\": \"\\x\"}", "backslash");
	refused("{\"a\": tru}", "unexpected");
	refused("{\"a\": 1", "ends too early");
	refused("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "too deeply nested");
}

static void command_line_beats_environment_beats_file(void **state)
{
	char *environment[] = { "SALLYPORT_STORE=from-env", "SALLYPORT_EMAIL=env@x", NULL };
	const char *const overrides[] = { "store=from-line", NULL };
	struct load_args args = { .environment = environment, .overrides = overrides };
	struct conf *c;

	(void)state;
	assert_int_equal(load_text(STR("{\"store\": \"from-file\", \"email\": \"file@x\", \"workers\": 3}"),
		"t", &args, &c, &problems), E_OK);
	assert_string_equal(c->store, "from-line");
	assert_string_equal(c->email, "env@x");
	assert_int_equal(c->workers, 3);
	conf_unref(&c);
}

static void one_site_needs_no_file(void **state)
{
	struct load_args args = { .proxy_host = "App.Example.com", .proxy_to = "3000" };
	struct conf *c;

	(void)state;
	assert_int_equal(load_conf(&args, &c, &problems), E_OK);
	assert_string_equal(c->sites[0].name, "app.example.com");
	assert_string_equal(c->sites[0].routes[0].to->servers[0].addr.host, "127.0.0.1");
	conf_unref(&c);
	args.proxy_to = NULL;
	assert_int_equal(load_conf(&args, &c, &problems), E_CONFIG);
}

static void files_that_cannot_be_read_are_named(void **state)
{
	struct load_args args = { .file = "/nonexistent/x.json" };
	struct conf *c;

	(void)state;
	assert_int_equal(load_conf(&args, &c, &problems), E_FILE);
	assert_non_null(strstr(problems.at[0].text, "/nonexistent/x.json"));
	args.file = "/";
	assert_int_equal(load_conf(&args, &c, &problems), E_FILE);
	assert_int_equal(problems.n, 1);
}

static void a_file_is_read(void **state)
{
	char path[] = "/tmp/conf-XXXXXX";
	struct load_args args = { .file = path };
	struct conf *c;
	int fd = mkstemp(path);

	(void)state;
	assert_true(write(fd, "{}", 2) == 2);
	assert_int_equal(load_conf(&args, &c, &problems), E_OK);
	conf_unref(&c);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(load_conf(&args, &c, &problems), E_CONFIG);
	close(fd);
	unlink(path);
}

/* What "sallyport config" prints is a configuration that means the same. */
static void the_effective_configuration_loads_again(void **state)
{
	struct conf *c, *again;
	struct buf first, second;

	(void)state;
	buf_init(&first, 0);
	buf_init(&second, 0);
	assert_int_equal(load(example, &c), E_OK);
	for (int with_origin = 0; with_origin < 2; with_origin++) {
		assert_int_equal(load_print(c, with_origin, &first), E_OK);
		if (load_text(buf_str(&first), "printed", NULL, &again, &problems))
			assert_string_equal(problems.at[0].text, "");
		buf_clear(&first);
		load_print(c, false, &first);
		load_print(again, false, &second);
		assert_string_equal(buf_cstring(&first), buf_cstring(&second));
		conf_unref(&again);
		buf_clear(&first);
		buf_clear(&second);
	}
	buf_fini(&first);
	buf_fini(&second);
	conf_unref(&c);
}

static void truncated_configurations_are_refused(void **state)
{
	struct conf *c;

	(void)state;
	for (size_t n = 0; n < sizeof(example) - 3; n++) {
		char *copy = mem_copy(example, n);

		assert_int_equal(load_text(str_of(copy, n), "t", NULL, &c, &problems), E_CONFIG);
		assert_int_equal(problems.n, 1);
		mem_free(&copy);
	}
}

static void damaged_configurations_do_no_harm(void **state)
{
	char *environment[] = { "A=1", NULL };
	struct load_args args = { .environment = environment };
	static char copy[sizeof(example)];
	struct conf *c;

	(void)state;
	srand(7);
	for (int i = 0; i < 5000; i++) {
		memcpy(copy, example, sizeof(example));
		for (int j = rand() % 3; j >= 0; j--)
			copy[(size_t)rand() % (sizeof(example) - 1)] =
				rand() % 2 ? "{}[],:\"\\/*$0-\n"[rand() % 14] : (char)rand();
		if (load_text(str_of(copy, sizeof(copy) - 1), "t", &args, &c, &problems))
			assert_true(problems.n > 0 && str_is_utf8(str_from(problems.at[0].text)));
		conf_unref(&c);
	}
}

static void many_sites_load_in_linear_time(void **state)
{
	struct conf *c;
	struct buf text;

	(void)state;
	buf_init(&text, 0);
	buf_addf(&text, "{\"sites\": {");
	for (int i = 0; i < 20000; i++)
		buf_addf(&text, "\"h%d.example\":\n \"127.0.0.1:%d\",", i, i % 100 + 1);
	buf_addf(&text, "}}");
	assert_int_equal(load_text(buf_str(&text), "t", NULL, &c, &problems), E_OK);
	assert_int_equal(c->n_sites, 20000);
	assert_int_equal(c->n_upstreams, 100);
	conf_unref(&c);
	buf_fini(&text);
}

static void check_where(const char *text, const char *store, const char *socket)
{
	char path[] = "/tmp/sallyport-where-XXXXXX";
	int fd = mkstemp(path);
	struct conf *c;

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	c = load_where(&(struct load_args){ .file = path });
	unlink(path);
	assert_string_equal(c->store, store);
	if (socket)
		assert_string_equal(c->admin.socket, socket);
	else
		assert_null(c->admin.socket);
	conf_unref(&c);
}

static void an_instance_is_found_by_a_broken_file(void **state)
{
	static char *environment[] = { "SALLYPORT_STORE=/e", NULL };
	struct conf *c;

	(void)state;
	check_where("{\"store\": \"/a\", \"timeoutz\": 1}", "/a", NULL);
	check_where("{\"x\": {\"store\": \"/no\"}, // \"store\": \"/no\"\n \"store\": \"/a\" \"sites\": {}}",
		"/a", NULL);
	check_where("{\"admin\": {\"socket\": \"/s\"}, \"store\": \"/a\", \"sites\": {", "/a", "/s");
	check_where("{\"list\": [\"store\", \"x\"], \"store\" : \"/a\",,}", "/a", NULL);
	c = load_where(&(struct load_args){ .file = "/nonexistent", .environment = environment });
	assert_string_equal(c->store, "/e");
	conf_unref(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_the_design_loads),
		cmocka_unit_test(the_smallest_configuration_of_a_test_loads),
		cmocka_unit_test(own_certificates_load),
		cmocka_unit_test(nothing_given_is_all_defaults),
		cmocka_unit_test(syntax_errors_are_explained),
		cmocka_unit_test(command_line_beats_environment_beats_file),
		cmocka_unit_test(one_site_needs_no_file),
		cmocka_unit_test(files_that_cannot_be_read_are_named),
		cmocka_unit_test(a_file_is_read),
		cmocka_unit_test(the_effective_configuration_loads_again),
		cmocka_unit_test(truncated_configurations_are_refused),
		cmocka_unit_test(damaged_configurations_do_no_harm),
		cmocka_unit_test(many_sites_load_in_linear_time),
		cmocka_unit_test(an_instance_is_found_by_a_broken_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
