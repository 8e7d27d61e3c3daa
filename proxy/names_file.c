/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * names_file: looks on the work queue, when its directory changed and now and then.
 *
 *   IDLE ── a change, or TICK_MS later ──► LOOKING ─┬─ as it was ────────────────────────► IDLE
 *     ▲                                             ├─ written a moment ago: soon again ─► IDLE
 *     │                                             ├─ good: in force ───────────────────► IDLE
 *     └─────────────────────────────────────────────┴─ bad: told, the old list stays ────► IDLE
 */
#include "proxy/names_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/deadline.h"
#include "net/file_watch.h"

#define NAMES_FILE_STATES(X) \
	X(IDLE, "waiting for a change") \
	X(LOOKING, "looking at the file")

enum names_file_state {
#define X(name, text) name,
	NAMES_FILE_STATES(X)
#undef X
};

enum {
	TICK_MS = 10 * 1000,
	SETTLE_MS = 200, SETTLE_TRIES = 25,  /* who writes slowly in place is waited for, but not for ever */
	FILE_BYTES_MAX = 256 * 1024 * 1024,
};

/* Whether it is the same file with the same bytes, as far as its inode tells. */
struct identity {
	dev_t device;
	ino_t inode;
	off_t size;
	int64_t modified_ns, changed_ns;
};

enum outcome { SAME, SETTLING, GOOD, BAD };

/* One look; lives until the work queue is done with it. */
struct look {
	struct loop_work work;
	struct names_file *file;             /* NULL: gone */
	const char *path;
	char *path_copy;
	struct identity identity;            /* of what is known; then of what was found */
	bool is_patient;
	enum outcome outcome;
	struct roster *roster;
	struct fault fault;
	int64_t took_ms;
};

struct names_file {
	struct names_file_args args;
	char *path;
	enum names_file_state state;
	struct file_watch *watch;
	struct deadline tick;
	struct look *look;
	bool is_wanted_again;                /* it changed while it was looked at */
	unsigned tries;
	struct identity known;
	struct roster *roster;
	int64_t read_at_ms, since_ms;
	struct fault fault;
};

static const struct log area = { "names_file" };

static void on_change(void *owner);
static void on_tick(struct deadline *d);
static void on_looked(struct loop_work *work, bool canceled);

static void enter(struct names_file *f, enum names_file_state state)
{
	static const char *const texts[] = {
#define X(name, text) text,
		NAMES_FILE_STATES(X)
#undef X
	};

	f->state = state;
	log_trace(&area, texts[state], "tries=%u", f->tries);
}

/* ---- looking: pool thread ---- */

static enum outcome bad(struct look *l, const char *what)
{
	fault_set(&l->fault, E_NAMES_FILE, "%.300s: %s", l->path, what);
	return BAD;
}

static int64_t ns_of(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static struct identity identity_of(const struct stat *st)
{
	return (struct identity){ st->st_dev, st->st_ino, st->st_size, ns_of(&st->st_mtim), ns_of(&st->st_ctim) };
}

static bool is_same(const struct identity *a, const struct identity *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
		a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

static bool is_fresh(const struct identity *i)
{
	int64_t age_ms = clock_wall_ms() - i->changed_ns / 1000000;

	return age_ms >= 0 && age_ms < SETTLE_MS;
}

/* All of it; false: an error, or it became shorter meanwhile. */
static bool read_all(int fd, char *to, size_t len)
{
	size_t n = 0;

	while (n < len) {
		ssize_t got = read(fd, to + n, len - n);

		if (got <= 0 && !(got < 0 && errno == EINTR))
			return false;
		n += got > 0 ? (size_t)got : 0;
	}
	return true;
}

static enum outcome parse(struct look *l, const char *bytes, size_t len)
{
	struct fault fault = { 0 };

	if (!roster_parse(str_of(bytes, len), &l->roster, &fault))
		return GOOD;
	fault_set(&l->fault, E_NAMES_FILE, "%.300s:%s", l->path, fault.detail);
	return BAD;
}

static enum outcome read_file(struct look *l, int fd, const struct stat *st)
{
	struct stat after;
	struct identity found = identity_of(st), then;
	enum outcome outcome;
	char *bytes;

	if (!S_ISREG(st->st_mode))
		return bad(l, "is no regular file");
	if (st->st_size > FILE_BYTES_MAX)
		return bad(l, "is larger than 256 MiB");
	if (is_same(&found, &l->identity))
		return SAME;
	if (l->is_patient && is_fresh(&found))
		return SETTLING;
	bytes = mem_try((size_t)st->st_size + 1);
	if (!bytes)
		return bad(l, "no memory to read it");
	if (!read_all(fd, bytes, (size_t)st->st_size) || fstat(fd, &after)) {
		outcome = l->is_patient ? SETTLING : bad(l, "became shorter while it was read");
	} else {
		then = identity_of(&after);
		outcome = l->is_patient && !is_same(&found, &then) ? SETTLING :
			parse(l, bytes, (size_t)st->st_size);
		l->identity = found;
	}
	mem_release(bytes);
	return outcome;
}

static void look(struct look *l)
{
	int64_t begun_ms = clock_mono_ms();
	int fd = open(l->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		l->outcome = bad(l, strerror(errno));
		l->identity = (struct identity){ 0 };
	} else {
		l->outcome = read_file(l, fd, &st);
	}
	if (fd >= 0)
		close(fd);
	l->took_ms = clock_mono_ms() - begun_ms;
}

static void on_pool(struct loop_work *work)
{
	look(container_of(work, struct look, work));
}

/* ---- what came of it ---- */

static void tell(const struct fault *fault)
{
	struct log_field fields[] = {
		{ .key = "code", .type = LOG_F_INT, .number = err_code(fault->code) },
		{ .key = "why", .text = str_from(fault->detail) },
		{ .key = "fix", .text = str_from(err_advice(fault->code)) },
	};

	log_kv(&area, LOG_ERROR, "list of names not used", fields, ARRAY_LEN(fields));
}

static void take_fault(struct names_file *f, const struct look *l)
{
	bool is_news = strcmp(f->fault.detail, l->fault.detail) != 0;

	f->known = l->identity;
	if (!f->fault.code)
		f->since_ms = clock_wall_ms();
	f->fault = l->fault;
	if (is_news)
		tell(&f->fault);
}

static void take_roster(struct names_file *f, struct look *l)
{
	roster_free(&f->roster);
	f->roster = l->roster;
	l->roster = NULL;
	f->known = l->identity;
	f->fault = (struct fault){ 0 };
	f->read_at_ms = clock_wall_ms();
	log_info(&area, "list of names read", "names=%zu bytes=%zu ms=%lld", roster_count(f->roster),
		roster_bytes(f->roster), (long long)l->took_ms);
}

/* True: another list is in force. */
static bool take(struct names_file *f, struct look *l)
{
	switch (l->outcome) {
	case SAME: case SETTLING:
		return false;
	case BAD:
		take_fault(f, l);
		return false;
	case GOOD:
		take_roster(f, l);
		return true;
	}
	UNREACHABLE();
}

static void look_free(struct look **l)
{
	roster_free(&(*l)->roster);
	mem_release((*l)->path_copy);
	mem_free(l);
}

static void begin_look(struct names_file *f)
{
	struct look *l;

	if (f->state == LOOKING) {
		f->is_wanted_again = true;
		return;
	}
	l = mem_new(sizeof(*l));
	l->file = f;
	l->path = l->path_copy = mem_strdup(f->path);
	l->identity = f->known;
	l->is_patient = f->tries < SETTLE_TRIES;
	l->work.fn = on_pool;
	l->work.done = on_looked;
	f->look = l;
	f->is_wanted_again = false;
	enter(f, LOOKING);
	loop_work_start(f->args.loop, &l->work);
}

static void on_looked(struct loop_work *work, bool canceled)
{
	struct look *l = container_of(work, struct look, work);
	struct names_file *f = l->file;
	bool is_news, is_soon;

	if (!f || canceled) {
		if (f)
			f->look = NULL;
		look_free(&l);
		return;
	}
	f->look = NULL;
	enter(f, IDLE);
	is_news = take(f, l);
	is_soon = l->outcome == SETTLING || f->is_wanted_again;
	f->tries = l->outcome == SETTLING ? f->tries + 1 : 0;
	look_free(&l);
	deadline_arm(&f->tick, is_soon ? SETTLE_MS : TICK_MS);
	if (is_news)
		f->args.on_change(f->args.owner);
}

static void on_change(void *owner)
{
	begin_look(owner);
}

static void on_tick(struct deadline *d)
{
	begin_look(container_of(d, struct names_file, tick));
}

/* ---- begin and end ---- */

struct names_file *names_file_new(const struct names_file_args *args)
{
	struct names_file *f = mem_new(sizeof(*f));
	struct look first = { .path = args->path };

	ASSERT(args->on_change);
	f->args = *args;
	f->path = mem_strdup(args->path);
	deadline_init(&f->tick, args->loop, on_tick);
	/* before it is read, so that nothing is missed */
	f->watch = file_watch_new(args->loop, args->path, on_change, f);
	if (args->reads_later) {
		begin_look(f);
		return f;
	}
	look(&first);
	take(f, &first);
	deadline_arm(&f->tick, TICK_MS);
	return f;
}

void names_file_free(struct names_file **f)
{
	struct names_file *dying = *f;

	*f = NULL;
	if (!dying)
		return;
	file_watch_free(&dying->watch);
	deadline_disarm(&dying->tick);
	if (dying->look) {
		dying->look->file = NULL;
		loop_work_cancel(&dying->look->work);
	}
	roster_free(&dying->roster);
	mem_release(dying->path);
	mem_release(dying);
}

void names_file_follow(struct names_file *f, const char *path)
{
	if (strcmp(f->path, path) == 0)
		return;
	file_watch_free(&f->watch);
	mem_free(&f->path);
	f->path = mem_strdup(path);
	f->known = (struct identity){ 0 };
	/* what is being read is of the file before */
	if (f->look) {
		f->look->file = NULL;
		f->look = NULL;
		enter(f, IDLE);
	}
	f->watch = file_watch_new(f->args.loop, path, on_change, f);
	begin_look(f);
}

const struct roster *names_file_roster(const struct names_file *f)
{
	return f->roster;
}

void names_file_look(const struct names_file *f, struct names_file_look *out)
{
	*out = (struct names_file_look){ .path = f->path, .read_at_ms = f->read_at_ms, .fault = f->fault,
		.since_ms = f->since_ms };
	if (!f->roster)
		return;
	out->names = roster_count(f->roster);
	out->bytes = roster_bytes(f->roster);
}

enum err names_file_check(const char *path, size_t *names, struct fault *fault)
{
	struct look l = { .path = path };

	look(&l);
	*names = l.outcome == GOOD ? roster_count(l.roster) : 0;
	if (l.outcome != GOOD)
		*fault = l.fault;
	roster_free(&l.roster);
	return l.outcome == GOOD ? E_OK : E_NAMES_FILE;
}
