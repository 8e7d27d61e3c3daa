/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * script: a CA that says what the test wrote down, in that order, and nothing else. Each line expects a
 * method and a path and gives an answer one turn later. Every answer carries a nonce unless told
 * otherwise.
 */
#ifndef TESTS_UNIT_ACME_SCRIPT_H
#define TESTS_UNIT_ACME_SCRIPT_H

#include "unit.h"

#include "acme/ca.h"
#include "acme/transport.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/loop.h"
#include "net/tls_context.h"

enum script_fate { ANSWERED, LOST, NEVER, NOT_SENT };

struct script_line {
	const char *method, *path;
	unsigned status;
	const char *headers;      /* "name: value\n" lines; NULL: none */
	const char *body;
	enum script_fate fate;
	bool has_no_nonce;
};

struct script_call {
	struct loop_task task;
	struct script *script;
	const struct script_line *line;
	fetch_fn *fn;
	void *owner;
};

struct script {
	struct transport transport;
	struct loop *loop;
	const struct script_line *lines;
	unsigned n, next, nonces;
	char payload[16384];      /* of the last POST, decoded */
	char used_nonce[128], sent_jwk[8];
	unsigned open;
};

static void script_note_post(struct script *s, struct str body)
{
	struct json *jws = NULL, *header = NULL;
	char text[4096];
	size_t len = 0;
	assert_int_equal(json_parse(body, &json_limits_default, &jws, NULL), E_OK);
	assert_int_equal(encode_base64_decode((unsigned char *)s->payload, sizeof s->payload - 1, &len,
		json_get_str(jws, "payload")), E_OK);
	s->payload[len] = '\0';
	assert_int_equal(encode_base64_decode((unsigned char *)text, sizeof text, &len,
		json_get_str(jws, "protected")), E_OK);
	assert_int_equal(json_parse(str_of(text, len), &json_limits_default, &header, NULL), E_OK);
	str_copy(s->used_nonce, sizeof s->used_nonce, json_get_str(header, "nonce"));
	strcpy(s->sent_jwk, json_get(header, "jwk") ? "jwk" : "kid");
	json_free(&header);
	json_free(&jws);
}

static void script_answer(struct loop_task *t)
{
	struct script_call *c = container_of(t, struct script_call, task);
	struct script_call call = *c;
	struct script *s = call.script;
	const struct script_line *line = call.line;
	struct header at[12];
	struct headers headers = { .at = at };
	char nonce[32], text[2048];
	s->open--;
	free(c);
	if (line->fate != ANSWERED) {
		struct fault f = { 0 };
		fault_set(&f, line->fate == LOST ? E_RESET : E_REFUSED, "scripted");
		call.fn(call.owner, f.code, NULL, &f, line->fate == LOST);
		return;
	}
	if (!line->has_no_nonce) {
		snprintf(nonce, sizeof nonce, "nonce-%u", ++s->nonces);
		at[headers.n++] = (struct header){ STR("Replay-Nonce"), str_from(nonce) };
	}
	snprintf(text, sizeof text, "%s", line->headers ? line->headers : "");
	for (char *row = strtok(text, "\n"); row; row = strtok(NULL, "\n")) {
		struct str name, value = str_cut(str_from(row), ':', &name);
		at[headers.n++] = (struct header){ name, str_trim(value) };
	}
	struct fetch_answer answer = { line->status, &headers, str_from(line->body ? line->body : "") };
	call.fn(call.owner, E_OK, &answer, NULL, true);
}

static void *script_start(struct transport *t, const struct fetch_args *args, fetch_fn *fn, void *owner)
{
	struct script *s = container_of(t, struct script, transport);
	if (s->next >= s->n)
		fail_msg("unexpected %s %.*s", args->method, STR_FMT(args->url));
	const struct script_line *line = &s->lines[s->next++];
	char url[256];
	snprintf(url, sizeof url, "https://ca.test%s", line->path);
	assert_string_equal(args->method, line->method);
	assert_true(args->url.len < 200);
	char got[256];
	str_copy(got, sizeof got, args->url);
	assert_string_equal(got, url);
	if (!strcmp(args->method, "POST"))
		script_note_post(s, args->body);
	struct script_call *c = calloc(1, sizeof *c);
	*c = (struct script_call){ .script = s, .line = line, .fn = fn, .owner = owner };
	loop_task_init(&c->task, script_answer);
	if (line->fate != NEVER)
		loop_defer(s->loop, &c->task);
	s->open++;
	return c;
}

static void script_cancel(struct transport *t, void *call)
{
	struct script_call *c = call;
	(void)t;
	c->script->open--;
	loop_task_cancel(&c->task);
	free(c);
}

static void script_free(struct transport *t)
{
	(void)t;
}

static const struct transport_ops script_ops = { script_start, script_cancel, script_free };

#define DIRECTORY_LINE { "GET", "/dir", 200, NULL, "{\"newNonce\":\"https://ca.test/nonce\"," \
	"\"newAccount\":\"https://ca.test/account\",\"newOrder\":\"https://ca.test/order\"," \
	"\"revokeCert\":\"https://ca.test/revoke\",\"keyChange\":\"https://ca.test/change\"}", \
	ANSWERED, true }
#define NONCE_LINE { "HEAD", "/nonce", 204, NULL, NULL, ANSWERED, false }

static const struct conf_ca script_conf = { .name = "test", .directory = "https://ca.test/dir" };

/* A CA at the script; lines begin with what the first request asks for. */
static inline void script_open(struct script *s, struct ca *ca, const struct script_line *lines,
	unsigned n)
{
	memset(s, 0, sizeof *s);
	memset(ca, 0, sizeof *ca);
	s->transport.ops = &script_ops;
	s->loop = loop_new();
	s->lines = lines;
	s->n = n;
	ca->loop = s->loop;
	ca->conf = &script_conf;
	ca->transport = &s->transport;
	ca->worked = -1;
	signer_init(&ca->signer);
	ca->directory = directory_new(s->loop, &s->transport, script_conf.directory);
}

/* Turns the loop until *done, at most for a few seconds. */
static inline void script_run_until(struct script *s, const int *done)
{
	int64_t until = clock_mono_ms() + 10000;
	while (!*done && clock_mono_ms() < until)
		loop_turn(s->loop);
	assert_true(*done);
}

static inline void script_turn(struct script *s, int turns)
{
	while (turns--)
		loop_turn(s->loop);
}

/* Until nothing is under way any more, on the work queue neither. */
static inline void script_settle(struct loop *loop)
{
	int64_t until = clock_mono_ms() + 10000;
	while (loop_turn(loop) && clock_mono_ms() < until)
		nanosleep(&(struct timespec){ 0, 200000 }, NULL);
}

/* Everything that was written happened and nothing is left open. */
static inline void script_close(struct script *s, struct ca *ca)
{
	assert_int_equal(s->open, 0);
	directory_free(&ca->directory);
	signer_fini(&ca->signer);
	script_settle(s->loop);
	loop_free(&s->loop);
}

static int script_waited;
static enum err script_wait_err;

static void script_on_directory(struct waiter *w, enum err err, const struct fault *fault)
{
	(void)w;
	(void)fault;
	script_waited = 1;
	script_wait_err = err;
}

static inline void script_fetch_directory(struct script *s, struct ca *ca)
{
	struct waiter w;
	script_waited = 0;
	waiter_init(&w, script_on_directory);
	directory_wait(ca->directory, &w);
	script_run_until(s, &script_waited);
}

#endif
