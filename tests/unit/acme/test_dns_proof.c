/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A program that notes what it was called for, and a name server that has the record when the test says so.
 */
#include "acme/dns_proof.h"

#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "conf/load.h"
#include "net/resolve.h"
#include "tests/support/dns_server.h"
#include "unit.h"

#define NAME "_acme-challenge.a.example.com"

static struct dns_server server;
static atomic_bool has_record, is_deaf, is_lost;
static atomic_uint looks;
static char notes[64];
static struct loop *loop;
static struct conf *conf;
static struct dns_line *line;
static int told;
static enum err told_err;
static struct fault told_fault;

static enum dns_server_fate serve(struct dns_server *s, const struct dns_reader *r, struct str query,
	bool is_tcp, struct buf *answer)
{
	bool is_txt = r->type == DNS_TXT, has = is_txt && atomic_load(&has_record);
	(void)s;
	(void)query;
	(void)is_tcp;
	atomic_fetch_add(&looks, is_txt);
	if (atomic_load(&is_lost) || (is_txt && atomic_load(&is_deaf)))
		return DNS_SERVER_SILENCE;
	dns_server_head(r, 0, has, !is_txt, answer);
	if (has)
		dns_server_add(answer, r->question, DNS_TXT, "ca.example; accounturi=https://ca.example/1");
	else if (!is_txt)
		dns_server_add(answer, "example.com", DNS_SOA, "ns1.example.com");
	return DNS_SERVER_ANSWER;
}

static void open_line(const char *script, const char *more)
{
	struct conf_problems problems;
	char text[1000];
	atomic_store(&has_record, false);
	atomic_store(&is_deaf, false);
	atomic_store(&is_lost, false);
	atomic_store(&looks, 0);
	told = 0;
	server = (struct dns_server){ .fn = serve };
	assert_true(dns_server_start(&server));
	assert_int_equal(resolve_set_server(server.text), E_OK);
	snprintf(notes, sizeof notes, "/tmp/sp-dns-proof-%d", (int)getpid());
	unlink(notes);
	snprintf(text, sizeof text, "{\"acme\": {\"dns\": {%s%s%s \"nameservers\": \"%s\", "
		"\"propagation_every\": \"100ms\"%s}}}", script ? "\"exec\": [\"/bin/sh\", \"-c\", \"" : "",
		script ? script : "", script ? "\", \"hook\"]," : "", server.text, more);
	struct load_args args = { .file = NULL };
	if (load_text(str_from(text), "t", &args, &conf, &problems))
		fail_msg("%s", problems.at[0].text);
	loop = loop_new();
	line = dns_line_new(loop, conf);
}

static void close_line(void)
{
	dns_line_free(&line);
	conf_unref(&conf);
	for (int i = 0; i < 400; i++) {
		struct timespec ms = { 0, 1000000 };
		loop_turn(loop);
		nanosleep(&ms, NULL);
	}
	loop_free(&loop);
	dns_server_stop(&server);
	unlink(notes);
}

static void on_told(void *owner, enum err err, const struct fault *fault)
{
	assert_ptr_equal(owner, &told);
	told++;
	told_err = err;
	told_fault = fault ? *fault : (struct fault){ 0 };
}

static struct dns_proof *start(enum dns_stay stay)
{
	return dns_proof_start(&(struct dns_proof_args){ .line = line, .stay = stay,
		.domain = "a.example.com", .name = NAME,
		.value = "ca.example; accounturi=https://ca.example/1" }, on_told, &told);
}

static bool turn_until(bool (*is_so)(void), int64_t ms)
{
	int64_t end = clock_mono_ms() + ms;
	while (!is_so() && clock_mono_ms() < end) {
		struct timespec tick = { 0, 1000000 };
		loop_turn(loop);
		nanosleep(&tick, NULL);
	}
	return is_so();
}

static bool is_told(void)
{
	return told > 0;
}

static bool has_looked_twice(void)
{
	return atomic_load(&looks) >= 2;
}

static const char *noted(void)
{
	static char text[200];
	FILE *f = fopen(notes, "r");
	size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
	text[n] = '\0';
	if (f)
		fclose(f);
	return text;
}

static bool is_removed(void)
{
	return strstr(noted(), "cleanup");
}

#define NOTE "echo $1 $2 >> /tmp/sp-dns-proof-$PPID"

static void the_record_is_set_awaited_and_removed(void **state)
{
	(void)state;
	open_line(NOTE, "");
	struct dns_proof *p = start(DNS_FOR_NOW);
	assert_true(turn_until(has_looked_twice, 8000));
	assert_int_equal(told, 0);
	assert_string_equal(noted(), "present " NAME "\n");
	atomic_store(&has_record, true);
	assert_true(turn_until(is_told, 8000));
	assert_int_equal(told_err, E_OK);
	dns_proof_end(&p);
	assert_true(turn_until(is_removed, 8000));
	assert_string_equal(noted(), "present " NAME "\ncleanup " NAME "\n");
	close_line();
}

static void one_that_never_appears_is_told_and_removed(void **state)
{
	(void)state;
	open_line(NOTE, ", \"propagation_timeout\": \"400ms\"");
	struct dns_proof *p = start(DNS_FOR_NOW);
	assert_true(turn_until(is_told, 8000));
	assert_int_equal(told_err, E_DNS);
	assert_non_null(strstr(told_fault.detail, "does not have the record " NAME));
	dns_proof_end(&p);
	assert_true(turn_until(is_removed, 8000));
	close_line();
}

static void silent_servers_stop_nobody(void **state)
{
	(void)state;
	open_line(NOTE, ", \"propagation_timeout\": \"300ms\"");
	atomic_store(&is_deaf, true);
	struct dns_proof *p = start(DNS_FOR_NOW);
	assert_true(turn_until(is_told, 15000));
	assert_int_equal(told_err, E_OK);
	dns_proof_end(&p);
	close_line();
}

static void without_waiting_nobody_is_asked(void **state)
{
	(void)state;
	open_line(NOTE, ", \"propagation_timeout\": \"0s\"");
	struct dns_proof *p = start(DNS_FOR_NOW);
	assert_true(turn_until(is_told, 8000));
	assert_int_equal(told_err, E_OK);
	assert_int_equal(atomic_load(&looks), 0);
	dns_proof_end(&p);
	close_line();
}

static void a_failing_program_is_told(void **state)
{
	(void)state;
	open_line("echo broken; exit 1", "");
	struct dns_proof *p = start(DNS_FOR_NOW);
	assert_true(turn_until(is_told, 8000));
	assert_int_equal(told_err, E_DNS);
	assert_non_null(strstr(told_fault.detail, "broken"));
	dns_proof_end(&p);
	close_line();
}

static void an_end_while_it_is_being_set_still_removes_it(void **state)
{
	(void)state;
	open_line(NOTE "; sleep 0.3", "");
	struct dns_proof *p = start(DNS_FOR_NOW);
	int64_t end = clock_mono_ms() + 8000;
	while (!noted()[0] && clock_mono_ms() < end)
		loop_turn(loop);
	dns_proof_end(&p);
	assert_true(turn_until(is_removed, 8000));
	assert_int_equal(told, 0);
	close_line();
}

static void an_end_before_anything_was_set_removes_nothing(void **state)
{
	(void)state;
	open_line(NOTE, "");
	struct dns_proof *p = start(DNS_FOR_NOW);
	dns_proof_end(&p);
	close_line();
	assert_string_equal(noted(), "");
}

static void many_take_turns_and_a_stop_hurries_them(void **state)
{
	struct dns_proof *p[12];
	int64_t at;
	(void)state;
	open_line("sleep 30", ", \"exec_timeout\": \"60s\"");
	for (int i = 0; i < 12; i++)
		p[i] = start(DNS_FOR_NOW);
	at = clock_mono_ms() + 1000;
	while (clock_mono_ms() < at)
		loop_turn(loop);
	for (int i = 0; i < 12; i++)
		dns_proof_end(&p[i]);
	dns_line_free(&line);
	at = clock_mono_ms();
	while (loop_turn(loop) && clock_mono_ms() - at < 20000)
		usleep(1000);
	assert_true(clock_mono_ms() - at < 7000);
	assert_int_equal(told, 0);
	close_line();
}

static void a_lasting_record_that_is_there_is_left_alone(void **state)
{
	(void)state;
	open_line(NOTE, "");
	atomic_store(&has_record, true);
	struct dns_proof *p = start(DNS_FOR_GOOD);
	assert_true(turn_until(is_told, 8000));
	assert_int_equal(told_err, E_OK);
	dns_proof_end(&p);
	close_line();
	assert_string_equal(noted(), "");
}

static void a_lasting_record_is_asked_for_in_words(void **state)
{
	(void)state;
	open_line(NULL, "");
	struct dns_proof *p = start(DNS_FOR_GOOD);
	assert_true(turn_until(is_told, 8000));
	assert_int_equal(told_err, E_DNS);
	assert_non_null(strstr(told_fault.detail,
		NAME " TXT \"ca.example; accounturi=https://ca.example/1\""));
	dns_proof_end(&p);
	close_line();
}

static void a_lasting_record_is_set_by_who_can_and_stays(void **state)
{
	(void)state;
	open_line(NOTE, "");
	struct dns_proof *p = start(DNS_FOR_GOOD);
	assert_true(turn_until(has_looked_twice, 8000));
	atomic_store(&has_record, true);
	assert_true(turn_until(is_told, 8000));
	assert_int_equal(told_err, E_OK);
	dns_proof_end(&p);
	for (int i = 0; i < 300; i++) {
		loop_turn(loop);
		usleep(1000);
	}
	assert_string_equal(noted(), "present " NAME "\n");
	close_line();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_record_is_set_awaited_and_removed),
		cmocka_unit_test(one_that_never_appears_is_told_and_removed),
		cmocka_unit_test(silent_servers_stop_nobody),
		cmocka_unit_test(without_waiting_nobody_is_asked),
		cmocka_unit_test(a_failing_program_is_told),
		cmocka_unit_test(an_end_while_it_is_being_set_still_removes_it),
		cmocka_unit_test(an_end_before_anything_was_set_removes_nothing),
		cmocka_unit_test(many_take_turns_and_a_stop_hurries_them),
		cmocka_unit_test(a_lasting_record_that_is_there_is_left_alone),
		cmocka_unit_test(a_lasting_record_is_asked_for_in_words),
		cmocka_unit_test(a_lasting_record_is_set_by_who_can_and_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
