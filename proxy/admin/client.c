/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * client: one fetch over the socket, and the loop turned until it is over.
 */
#include "proxy/admin/client.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "net/http/fetch.h"
#include "net/loop.h"
#include "proxy/admin/socket.h"

enum { ANSWER_MAX = 16 * 1024 * 1024, BODY_MAX = 60 * 1024, CONNECT_MS = 5000, TOTAL_MS = 150 * 1000 };

struct question {
	struct loop *loop;
	struct fetcher *fetcher;
	struct loop_task end;
	struct admin_reply *reply;
	struct fault *fault;
	enum err err;
};

static void on_answer(void *owner, enum err err, const struct fetch_answer *answer,
	const struct fault *fault, bool was_sent)
{
	struct question *q = owner;

	(void)was_sent;
	q->err = err;
	if (err && fault)
		*q->fault = *fault;
	if (!err) {
		q->reply->status = answer->status;
		q->err = buf_add(&q->reply->text, answer->body);
	}
	loop_defer(q->loop, &q->end);
}

/* Its idle connection would keep the loop waiting. */
static void on_end(struct loop_task *t)
{
	struct question *q = container_of(t, struct question, end);

	fetcher_free(&q->fetcher);
	loop_stop(q->loop);
}

static enum err ask(struct question *q, const struct admin_socket *s, const char *method, const char *path,
	struct str body)
{
	char url[1024];

	if ((size_t)snprintf(url, sizeof(url), "http://sallyport%s", path) >= sizeof(url))
		return fault_set(q->fault, E_LIMIT, "too long a question");
	q->loop = loop_new();
	loop_task_init(&q->end, on_end);
	q->fetcher = fetcher_new(&(struct fetcher_args){ .loop = q->loop, .body_max = ANSWER_MAX,
		.connect_ms = CONNECT_MS, .response_ms = TOTAL_MS, .total_ms = TOTAL_MS,
		.address = &s->addr });
	fetch_start(q->fetcher, &(struct fetch_args){ .method = method, .url = str_from(url),
		.body = body }, on_answer, q);
	loop_run(q->loop);
	loop_free(&q->loop);
	return q->err;
}

/* Nobody listens: a socket that is missing, or was left behind. */
static enum err explain(enum err err, const struct admin_socket *s, struct fault *fault)
{
	if (err == E_REFUSED || access(s->path, F_OK) != 0)
		return fault_set(fault, E_NOT_FOUND, "nothing runs that answers at %s", s->path);
	if (access(s->path, R_OK | W_OK) != 0)
		return fault_set(fault, E_FILE, "%s: %s; only the user who runs sallyport may ask it", s->path,
			strerror(errno));
	fault_during(fault, "asking at %s", s->path);
	return err;
}

static enum err talk(const struct conf *conf, const char *method, const char *path, struct str body,
	struct admin_reply *reply, struct fault *fault)
{
	struct question q = { .reply = reply, .fault = fault, .err = E_OK };
	struct admin_socket s = { .directory = -1 };
	char where[ADMIN_SOCKET_PATH];
	enum err err;

	*reply = (struct admin_reply){ 0 };
	buf_init(&reply->text, ANSWER_MAX);
	if (!admin_socket_path(conf, where))
		return fault_set(fault, E_NOT_FOUND, "the control socket is off");
	err = admin_socket_locate(&s, where, fault);
	if (!err && access(s.path, F_OK) != 0)
		err = fault_set(fault, E_NOT_FOUND, "nothing runs that answers at %s", s.path);
	if (!err) {
		err = ask(&q, &s, method, path, body);
		if (err)
			err = explain(err, &s, fault);
	}
	if (!err && json_parse(buf_str(&reply->text), &json_limits_config, &reply->json, NULL))
		reply->json = NULL;
	admin_socket_close(&s);
	return err;
}

enum err admin_client_ask(const struct conf *conf, const char *method, const char *path,
	struct admin_reply *reply, struct fault *fault)
{
	return talk(conf, method, path, STR_NONE, reply, fault);
}

enum err admin_client_send(const struct conf *conf, const char *path, const struct json *body,
	struct admin_reply *reply, struct fault *fault)
{
	struct buf text;
	enum err err;

	buf_init(&text, BODY_MAX);
	err = json_print(body, &text, false);
	if (err) {
		*reply = (struct admin_reply){ 0 };
		fault_set(fault, err, "too long a question");
	} else {
		err = talk(conf, "POST", path, buf_str(&text), reply, fault);
	}
	mem_wipe(text.at, text.len);
	buf_fini(&text);
	return err;
}

void admin_reply_fini(struct admin_reply *reply)
{
	buf_fini(&reply->text);
	json_free(&reply->json);
}
