/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * server: connections with their codec, and one call per request.
 *
 *   GATHERING (body) ─► CALLED (its endpoint works) ─► answered, freed
 *        └─ client gone ─► freed      └─ client gone: ORPHANED ─► freed when the endpoint answers
 */
#include "proxy/admin/server.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "conf/hostname.h"
#include "net/deadline.h"
#include "net/http/h1_server.h"
#include "net/listener.h"
#include "net/tcp_stream.h"
#include "proxy/admin/probe.h"
#include "proxy/admin/socket.h"

#define CALL_STATES(X) \
	X(GATHERING, "reading a request") \
	X(CALLED, "answering a request") \
	X(ORPHANED, "nobody waits for the answer")

enum call_state {
#define X(name, text) name,
	CALL_STATES(X)
#undef X
};

enum { CONNECTIONS_MAX = 32, BODY_BYTES = 64 * 1024, BACKLOG = 16, IDLE_MS = 30 * 1000,
	PART_MS = 10 * 1000, REBIND_MS = 5000 };

struct admin_server {
	struct api_env env;
	struct admin_socket socket;
	struct listener *listener;
	struct deadline rebind;         /* another instance has the socket: look again */
	struct list conns, calls;
	unsigned n_conns;
	bool is_told;                   /* that the socket is taken */
};

struct conn {
	struct list node;
	struct admin_server *all;
	struct h1_server *http;
};

struct call {
	struct api_call api;            /* first: endpoints know nothing else */
	struct api_env env;             /* a copy: the endpoint may outlive the server */
	struct list node;
	enum call_state state;
	struct side *side;              /* NULL: gone */
	struct request_head *head;
	struct buf body;
	struct json *json;
};

static const struct log area = { "admin" };
static const struct http_limits limits = { .head_bytes = 16 * 1024, .headers = 64 };

static void on_accept(void *owner, int fd, const struct addr *peer);
static void on_request(void *owner, struct side *s, struct request_head *head);
static void on_body(void *owner, struct str bytes);
static void on_end(void *owner, const struct headers *trailers);
static void on_fail(void *owner, enum err err);
static void on_refused(void *owner, enum err err, unsigned status);
static void on_closed(void *owner);

static void enter(struct call *c, enum call_state state)
{
	static const char *const texts[] = {
#define X(name, text) text,
		CALL_STATES(X)
#undef X
	};

	c->state = state;
	log_trace(&area, texts[state], "name=%s", c->api.name);
}

/* ---- the socket ---- */

static enum err bind_socket(struct admin_server *s, struct fault *fault)
{
	int fd;
	mode_t before = umask(0177);
	enum err err = listener_bind(&s->socket.addr, &fd, fault);

	umask(before);
	if (err)
		return err;
	s->listener = listener_start(s->env.loop, fd, BACKLOG, on_accept, s);
	return s->listener ? E_OK : fault_set(fault, E_BIND, "%s: cannot listen", s->socket.path);
}

static void try_bind(struct admin_server *s)
{
	struct fault fault = { 0 };

	if (bind_socket(s, &fault) == E_OK) {
		log_info(&area, "control socket open", "path=%s", s->socket.path);
		return;
	}
	if (!s->is_told)
		log_warn(&area, "no control socket for now", "path=%s why=%s", s->socket.path, fault.detail);
	s->is_told = true;
	deadline_arm(&s->rebind, REBIND_MS);
}

static void on_rebind(struct deadline *d)
{
	try_bind(container_of(d, struct admin_server, rebind));
}

struct admin_server *admin_server_start(const struct api_env *env)
{
	struct admin_server *s = mem_new(sizeof(*s));
	char path[ADMIN_SOCKET_PATH];
	struct fault fault = { 0 };

	if (!admin_socket_path(*env->conf, path)) {
		mem_free(&s);
		return NULL;
	}
	s->env = *env;
	list_init(&s->conns);
	list_init(&s->calls);
	deadline_init(&s->rebind, env->loop, on_rebind);
	if (admin_socket_locate(&s->socket, path, &fault) == E_OK) {
		s->env.probes = probes_new(env->loop, env->challenges);
		try_bind(s);
		return s;
	}
	log_warn(&area, "no control socket", "path=%s why=%s", path, fault.detail);
	mem_free(&s);
	return NULL;
}

/* ---- connections ---- */

static bool is_trusted(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return false;
	if (peer.uid == geteuid() || peer.uid == 0)
		return true;
	log_warn(&area, "another user at the control socket", "uid=%u pid=%d", (unsigned)peer.uid,
		(int)peer.pid);
	return false;
}

static void conn_free(struct conn *c)
{
	list_remove(&c->node);
	c->all->n_conns--;
	mem_free(&c);
}

/* The one that was silent longest makes room: who holds places must not lock the operator out. */
static void make_room(struct admin_server *s)
{
	list_each(&s->conns, node, tmp) {
		struct conn *c = list_entry(node, struct conn, node);

		if (s->n_conns < CONNECTIONS_MAX)
			return;
		if (h1_server_is_idle(c->http)) {
			h1_server_close(&c->http);
			conn_free(c);
		}
	}
}

static void on_accept(void *owner, int fd, const struct addr *peer)
{
	static const struct h1_server_events events = { .on_request = on_request,
		.on_refused = on_refused, .on_closed = on_closed };
	struct admin_server *s = owner;
	struct stream *stream;
	struct conn *c;

	if (!is_trusted(fd)) {
		close(fd);
		return;
	}
	make_room(s);
	if (s->n_conns >= CONNECTIONS_MAX) {
		close(fd);
		return;
	}
	stream = tcp_stream_adopt(s->env.loop, fd, peer);
	if (!stream)
		return;
	c = mem_new(sizeof(*c));
	c->all = s;
	list_append(&s->conns, &c->node);
	s->n_conns++;
	c->http = h1_server_new(&stream, &(struct h1_server_args){
		.loop = s->env.loop, .limits = &limits, .events = &events, .owner = c,
		.idle_ms = IDLE_MS, .head_ms = PART_MS, .body_ms = PART_MS, .write_ms = PART_MS });
}

static void on_refused(void *owner, enum err err, unsigned status)
{
	(void)owner;
	log_debug(&area, "malformed request", "err=%s status=%u", err_text(err), status);
}

static void on_closed(void *owner)
{
	conn_free(owner);
}

/* ---- a call ---- */

static void call_free(struct call *c)
{
	ASSERT(!c->side);
	list_remove(&c->node);
	mem_wipe(c->body.at, c->body.len);  /* perhaps with a key in it */
	buf_fini(&c->body);
	json_free(&c->json);
	mem_release(c->api.scratch);
	mem_free(&c);
}

static void send_whole(struct call *c, unsigned status, struct str type, struct str text)
{
	struct arena *a = c->side->arena;
	struct response_head out = { .status = status, .version = 11,
		.reason = str_from(head_reason(status)), .body = BODY_LENGTH, .length = text.len };
	bool fits = headers_add(&out.headers, a, STR("Content-Type"), type) == E_OK
		&& headers_add(&out.headers, a, STR("Cache-Control"), STR("no-store")) == E_OK;

	/* What fails here ends the connection, which is all the client needs to know. */
	if (fits && side_send_response(c->side, &out) == E_OK
		&& (!text.len || side_send_body(c->side, text) == E_OK))
		side_send_end(c->side, NULL);
	side_release(&c->side);
}

static void answer(struct call *c, unsigned status, const char *type, struct str text)
{
	ASSERT(c->state == CALLED || c->state == ORPHANED);
	if (c->side)
		send_whole(c, status, str_from(type), text);
	call_free(c);
}

void api_answer(struct api_call *api, unsigned status, struct json **json)
{
	struct buf text;

	buf_init(&text, 0);
	if (json_print(*json, &text, false) || buf_add(&text, STR("\n"))) {
		buf_clear(&text);
		status = 500;
	}
	json_free(json);
	answer(container_of(api, struct call, api), status, "application/json", buf_str(&text));
	buf_fini(&text);
}

void api_answer_text(struct api_call *api, const char *type, struct str text)
{
	answer(container_of(api, struct call, api), 200, type, text);
}

bool api_is_orphan(const struct api_call *api)
{
	return container_of(api, struct call, api)->state == ORPHANED;
}

static void on_request(void *owner, struct side *s, struct request_head *head)
{
	static const struct side_events events = { .on_body = on_body, .on_end = on_end,
		.on_fail = on_fail };
	struct conn *conn = owner;
	struct call *c = mem_new(sizeof(*c));

	c->env = conn->all->env;
	c->api.env = &c->env;
	c->side = s;
	c->head = head;
	buf_init(&c->body, BODY_BYTES);
	list_append(&conn->all->calls, &c->node);
	enter(c, GATHERING);
	side_own(s, &events, c);
	side_resume(s);
}

static void on_body(void *owner, struct str bytes)
{
	struct call *c = owner;

	if (c->state != GATHERING || buf_add(&c->body, bytes) == E_OK)
		return;
	side_release(&c->side);
	call_free(c);
}

static void on_fail(void *owner, enum err err)
{
	struct call *c = owner;

	(void)err;
	side_release(&c->side);
	if (c->state == CALLED)
		enter(c, ORPHANED);
	else
		call_free(c);
}

/* The "*" of a row's path. */
static bool matches(const char *row, struct str path, struct str *star)
{
	const char *at = strchr(row, '*');
	struct str head = str_of(row, at ? (size_t)(at - row) : strlen(row));
	struct str tail = at ? str_from(at + 1) : STR("");

	*star = STR_NONE;
	if (!at)
		return str_equal(path, head);
	if (path.len <= head.len + tail.len || !str_has_prefix(path, head) || !str_has_suffix(path, tail))
		return false;
	*star = str_of(path.at + head.len, path.len - head.len - tail.len);
	return str_find(*star, '/') < 0;
}

static enum err take_name(struct call *c, struct str star, struct fault *fault)
{
	const char *why;

	if (!star.at || series_normalise(c->api.name, star, &why) == E_OK)
		return E_OK;
	return fault_set(fault, E_NAME, "\"%.*s\" %s", STR_FMT(star), why);
}

static enum err take_body(struct call *c, struct fault *fault)
{
	if (!c->body.len)
		return E_OK;
	if (json_parse(buf_str(&c->body), &json_limits_default, &c->json, NULL))
		return fault_set(fault, E_PARSE, "the request's body is no JSON");
	c->api.body = c->json;
	return E_OK;
}

static void call_row(struct call *c)
{
	struct str path, star, query = str_cut(c->head->path, '?', &path);
	struct fault fault = { 0 };
	bool is_known = false;

	c->api.query = query;
	for (unsigned i = 0; i < api_n_rows; i++) {
		if (!matches(api_rows[i].path, path, &star))
			continue;
		is_known = true;
		if (!str_is(c->head->method, api_rows[i].method))
			continue;
		if (take_name(c, star, &fault) || take_body(c, &fault))
			api_refuse(&c->api, &fault);
		else
			api_rows[i].fn(&c->api);
		return;
	}
	fault_set(&fault, E_NOT_FOUND, is_known ? "this is not how %.*s is asked" : "there is no %.*s",
		STR_FMT(path));
	api_refuse(&c->api, &fault);
}

static void on_end(void *owner, const struct headers *trailers)
{
	struct call *c = owner;

	(void)trailers;
	enter(c, CALLED);
	call_row(c);
}

/* ---- the end ---- */

void admin_server_stop(struct admin_server **server)
{
	struct admin_server *s = *server;

	if (!s)
		return;
	*server = NULL;
	deadline_disarm(&s->rebind);
	if (s->listener)
		unlink(s->socket.path);
	listener_close(&s->listener);
	list_each(&s->calls, node, tmp) {
		struct call *c = list_entry(node, struct call, node);

		side_release(&c->side);
		list_remove(&c->node);
		if (c->state == GATHERING)
			call_free(c);
		else
			enter(c, ORPHANED);
	}
	/* After the calls are orphans: each of its own is answered, to nobody. */
	probes_free(&s->env.probes);
	list_each(&s->conns, node, tmp) {
		struct conn *c = list_entry(node, struct conn, node);

		h1_server_close(&c->http);
		conn_free(c);
	}
	admin_socket_close(&s->socket);
	mem_free(&s);
}
