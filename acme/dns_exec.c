/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns_exec: the operator's own program. It gets arguments and environment, never a shell; its output is
 * kept, up to a cap, for the message when it fails. It leads a process group of its own, so that what it
 * started dies with it at the deadline.
 */
#include "acme/dns.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum { OUTPUT_MAX = 400, TICK_MS = 50, VARIABLES = 6, TERM_GRACE_MS = 500, READS_PER_TICK = 64 };

struct run {
	const struct conf_dns *conf;
	const char *action;
	char **argv, **environment;
	char *variables[VARIABLES];
	pid_t pid;
	int output;                /* our end of the pipe */
	struct buf said;
	int status;
	bool is_over, was_killed;
};

static const struct log log_acme = { "acme" };

extern char **environ;

/* ---- what it is told ---- */

static char *variable(const char *name, const char *value)
{
	size_t n = strlen(name) + strlen(value) + 2;
	char *text = mem_new(n);
	snprintf(text, n, "%s=%s", name, value);
	return text;
}

static void tell(struct run *r, const struct dns_txt *txt)
{
	char ttl[24];
	unsigned n = 0, at = 0;
	snprintf(ttl, sizeof ttl, "%lld", (long long)(r->conf->ttl_ms / 1000));
	r->variables[n++] = variable("SALLYPORT_DNS_ACTION", r->action);
	r->variables[n++] = variable("SALLYPORT_DNS_NAME", txt->name);
	r->variables[n++] = variable("SALLYPORT_DNS_VALUE", txt->value);
	r->variables[n++] = variable("SALLYPORT_DNS_ZONE", txt->zone);
	r->variables[n++] = variable("SALLYPORT_DNS_DOMAIN", txt->domain);
	r->variables[n++] = variable("SALLYPORT_DNS_TTL", ttl);
	ASSERT(n == VARIABLES);
	while (environ[at])
		at++;
	r->environment = mem_new((at + n + 1) * sizeof *r->environment);
	at = 0;
	for (char **e = environ; *e; e++) {
		if (strncmp(*e, "SALLYPORT_DNS_", strlen("SALLYPORT_DNS_")) != 0)
			r->environment[at++] = *e;
	}
	memcpy(r->environment + at, r->variables, sizeof r->variables);
	r->argv = mem_new((r->conf->n_exec + 4) * sizeof *r->argv);
	memcpy(r->argv, r->conf->exec, r->conf->n_exec * sizeof *r->argv);
	r->argv[r->conf->n_exec] = (char *)r->action;
	r->argv[r->conf->n_exec + 1] = (char *)txt->name;
	r->argv[r->conf->n_exec + 2] = (char *)txt->value;
}

static void fini(struct run *r)
{
	for (unsigned i = 0; i < VARIABLES; i++)
		mem_free(&r->variables[i]);
	mem_free(&r->environment);
	mem_free(&r->argv);
	buf_fini(&r->said);
}

/* ---- running it ---- */

/* Signals as a new program expects them: none blocked, none ignored. */
static void set_attributes(posix_spawnattr_t *a)
{
	sigset_t none, usual;
	sigemptyset(&none);
	sigemptyset(&usual);
	sigaddset(&usual, SIGPIPE);
	sigaddset(&usual, SIGTERM);
	sigaddset(&usual, SIGINT);
	sigaddset(&usual, SIGHUP);
	posix_spawnattr_setsigmask(a, &none);
	posix_spawnattr_setsigdefault(a, &usual);
	posix_spawnattr_setpgroup(a, 0);
	posix_spawnattr_setflags(a, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK
		| POSIX_SPAWN_SETSIGDEF);
}

static int spawn(struct run *r, int output)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	set_attributes(&attributes);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, output, 1);
	posix_spawn_file_actions_adddup2(&files, output, 2);
	int failed = posix_spawnp(&r->pid, r->argv[0], &files, &attributes, r->argv, r->environment);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return failed;
}

static enum err start(struct run *r, struct fault *fault)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC))
		return fault_set(fault, E_DNS, "no pipe: %s", strerror(errno));
	int failed = spawn(r, ends[1]);
	close(ends[1]);
	r->output = ends[0];
	fcntl(r->output, F_SETFL, O_NONBLOCK);
	if (!failed)
		return E_OK;
	close(ends[0]);
	return fault_set(fault, E_DNS, "%s cannot be run: %s", r->argv[0], strerror(failed));
}

/* Reads on beyond the cap, so that nobody blocks on a full pipe; but not for ever. */
static void listen_to(struct run *r, int wait_ms)
{
	struct pollfd p = { .fd = r->output, .events = POLLIN };
	char bytes[4096];
	if (poll(&p, 1, wait_ms) <= 0)
		return;
	for (int i = 0; i < READS_PER_TICK; i++) {
		ssize_t n = read(r->output, bytes, sizeof bytes);
		if (n <= 0) {
			/* Its end is closed while it still runs: wait by the clock. */
			if (n == 0 && wait_ms)
				poll(NULL, 0, wait_ms);
			return;
		}
		size_t room = OUTPUT_MAX - r->said.len;
		buf_add(&r->said, str_of(bytes, (size_t)n < room ? (size_t)n : room));
	}
}

static void look(struct run *r)
{
	if (!r->is_over && waitpid(r->pid, &r->status, WNOHANG) == r->pid)
		r->is_over = true;
}

static void wait_until(struct run *r, const dns_until *until)
{
	while (!r->is_over && dns_left_ms(until, TICK_MS) > 0) {
		listen_to(r, (int)dns_left_ms(until, TICK_MS));
		look(r);
	}
}

/* Asked to end first: it may have a lock or a session to give back. */
static void kill_group(struct run *r)
{
	dns_until soon = clock_mono_ms() + TERM_GRACE_MS;
	r->was_killed = true;
	kill(-r->pid, SIGTERM);
	wait_until(r, &soon);
	kill(-r->pid, SIGKILL);
	if (!r->is_over && waitpid(r->pid, &r->status, 0) == r->pid)
		r->is_over = true;
}

/* ---- how it ended ---- */

static enum err judge(struct run *r, struct fault *fault)
{
	char ending[64];
	if (!r->was_killed && WIFEXITED(r->status) && WEXITSTATUS(r->status) == 0)
		return E_OK;
	if (r->was_killed)
		snprintf(ending, sizeof ending, "took too long");
	else if (WIFEXITED(r->status))
		snprintf(ending, sizeof ending, "ended with status %d", WEXITSTATUS(r->status));
	else
		snprintf(ending, sizeof ending, "was killed by signal %d", WTERMSIG(r->status));
	while (r->said.len && r->said.at[r->said.len - 1] == '\n')
		r->said.len--;
	return fault_set(fault, E_DNS, "%s %s %s%s%.*s", r->argv[0], r->action, ending,
		r->said.len ? ": " : "", STR_FMT(buf_str(&r->said)));
}

static enum err run(const struct conf_dns *conf, const struct dns_txt *txt, const char *action,
	const dns_until *until, struct fault *fault)
{
	struct run r = { .conf = conf, .action = action };
	int64_t started_at_ms = clock_mono_ms();
	ASSERT(conf->n_exec);
	buf_init(&r.said, OUTPUT_MAX);
	tell(&r, txt);
	enum err err = start(&r, fault);
	if (!err) {
		wait_until(&r, until);
		if (!r.is_over)
			kill_group(&r);
		listen_to(&r, 0);
		close(r.output);
		err = judge(&r, fault);
		log_debug(&log_acme, "dns program ended", "action=%s name=%s ms=%lld err=%d", action,
			txt->name, (long long)(clock_mono_ms() - started_at_ms), err_code(err));
	}
	fini(&r);
	return err;
}

static enum err present(const struct conf_dns *conf, const struct dns_txt *txt, const dns_until *until,
	struct fault *fault)
{
	return run(conf, txt, "present", until, fault);
}

static enum err cleanup(const struct conf_dns *conf, const struct dns_txt *txt, const dns_until *until,
	struct fault *fault)
{
	return run(conf, txt, "cleanup", until, fault);
}

const struct dns_provider dns_exec = { "exec", present, cleanup };
