/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/dns.h"

#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "unit.h"

static const struct dns_txt txt = { .domain = "a.example", .name = "_acme-challenge.a.example",
	.zone = "example", .value = "val ue$(echo injected)" };

static enum err run(const char *script, int64_t ms, struct fault *fault)
{
	const char *argv[] = { "/bin/sh", "-c", script, "hook" };
	struct conf_dns conf = { .exec = argv, .n_exec = 4, .ttl_ms = 60000 };
	dns_until until = clock_mono_ms() + ms;
	memset(fault, 0, sizeof *fault);
	return dns_provider_of(&conf)->present(&conf, &txt, &until, fault);
}

static void a_program_gets_arguments_and_environment(void **state)
{
	struct fault f;
	(void)state;
	assert_int_equal(run("[ \"$1 $2 $3\" = 'present _acme-challenge.a.example val ue$(echo injected)' ]",
		5000, &f), E_OK);
	assert_int_equal(run("[ $SALLYPORT_DNS_ACTION/$SALLYPORT_DNS_ZONE/$SALLYPORT_DNS_DOMAIN = "
		"present/example/a.example ]", 5000, &f), E_OK);
	assert_int_equal(run("[ $SALLYPORT_DNS_NAME/$SALLYPORT_DNS_TTL = _acme-challenge.a.example/60 ]",
		5000, &f), E_OK);
	assert_int_equal(run("[ \"$SALLYPORT_DNS_VALUE\" = 'val ue$(echo injected)' ]", 5000, &f), E_OK);
	assert_int_equal(run("[ -n \"$PATH\" ]", 5000, &f), E_OK);
}

static void the_removal_is_told_apart(void **state)
{
	const char *argv[] = { "/bin/sh", "-c", "[ $1 = cleanup ]", "hook" };
	struct conf_dns conf = { .exec = argv, .n_exec = 4 };
	dns_until until = clock_mono_ms() + 5000;
	struct fault f = { 0 };
	(void)state;
	assert_int_equal(dns_exec.cleanup(&conf, &txt, &until, &f), E_OK);
	assert_int_equal(dns_exec.present(&conf, &txt, &until, &f), E_DNS);
}

static void a_failure_says_what_the_program_said(void **state)
{
	struct fault f;
	(void)state;
	assert_int_equal(run("echo no such zone >&2; exit 3", 5000, &f), E_DNS);
	assert_non_null(strstr(f.detail, "status 3: no such zone"));
	assert_int_equal(run("kill -9 $$", 5000, &f), E_DNS);
	assert_non_null(strstr(f.detail, "signal 9"));
}

static void endless_garbage_is_capped(void **state)
{
	struct fault f;
	(void)state;
	assert_int_equal(run("head -c 3000000 /dev/urandom; exit 1", 20000, &f), E_DNS);
	assert_non_null(strstr(f.detail, "status 1"));
	for (const char *c = f.detail; *c; c++)
		assert_true((unsigned char)*c >= ' ');
}

static void one_that_hangs_is_killed_with_its_children(void **state)
{
	char path[64], script[300], text[32] = "";
	int64_t start = clock_mono_ms();
	struct fault f;
	(void)state;
	snprintf(path, sizeof path, "/tmp/sp-dns-exec-%d", (int)getpid());
	snprintf(script, sizeof script, "trap '' TERM; sleep 100 & echo $! > %s; wait; sleep 100", path);
	assert_int_equal(run(script, 600, &f), E_DNS);
	assert_non_null(strstr(f.detail, "took too long"));
	assert_true(clock_mono_ms() - start < 5000);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof text, file));
	fclose(file);
	unlink(path);
	/* Dead, or waiting for init to notice. */
	for (int i = 0; i < 100 && kill(atoi(text), 0) == 0; i++) {
		char stat[64], line[256] = "";
		snprintf(stat, sizeof stat, "/proc/%d/stat", atoi(text));
		file = fopen(stat, "r");
		if (file && fgets(line, sizeof line, file) && strstr(line, ") Z ")) {
			fclose(file);
			return;
		}
		if (file)
			fclose(file);
		usleep(20000);
	}
	assert_int_equal(kill(atoi(text), 0), -1);
}

static void one_that_leaves_a_child_behind_is_done(void **state)
{
	int64_t start = clock_mono_ms();
	struct fault f;
	(void)state;
	assert_int_equal(run("sleep 3 & exit 0", 10000, &f), E_OK);
	assert_true(clock_mono_ms() - start < 2000);
}

static void a_program_that_is_not_there_is_told(void **state)
{
	const char *argv[] = { "/nowhere/hook" };
	struct conf_dns conf = { .exec = argv, .n_exec = 1 };
	dns_until until = clock_mono_ms() + 5000;
	struct fault f = { 0 };
	(void)state;
	assert_int_equal(dns_exec.present(&conf, &txt, &until, &f), E_DNS);
	assert_non_null(strstr(f.detail, "/nowhere/hook"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_gets_arguments_and_environment),
		cmocka_unit_test(the_removal_is_told_apart),
		cmocka_unit_test(a_failure_says_what_the_program_said),
		cmocka_unit_test(endless_garbage_is_capped),
		cmocka_unit_test(one_that_hangs_is_killed_with_its_children),
		cmocka_unit_test(one_that_leaves_a_child_behind_is_done),
		cmocka_unit_test(a_program_that_is_not_there_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
