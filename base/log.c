/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * log: lines in a buffer of the thread that wrote them.
 *
 * A thread that calls log_flush is taken at its word and writes only then, or when the buffer is
 * full. A thread that never does (the work queue) writes each line at once, and so does everyone's
 * error, for the process may be about to end.
 */
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"

enum { BUFFER = 16 * 1024, LINE = 4096, TAIL = 8, WRITE_WAIT_MS = 50 };

struct buffer {
	size_t len;
	bool flushes;
	char text[BUFFER];
};

/* One line being built. What does not fit is cut, but the line is always closed. */
struct line {
	size_t len;
	bool json;
	char text[LINE];
};

static atomic_int out_fd = STDERR_FILENO;
static atomic_int max_level = LOG_INFO;
static atomic_int out_format = LOG_TEXT;
static _Thread_local struct buffer *mine;
static pthread_key_t exit_key;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t write_lock = PTHREAD_MUTEX_INITIALIZER;

static const char *const level_names[] = { "error", "warn", "info", "debug", "trace" };

bool log_enabled(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&max_level, memory_order_relaxed);
}

/* The lock keeps lines whole when several threads share a pipe. A reader that does not read for
 * WRITE_WAIT_MS costs lines, not service. */
static void write_all(const char *p, size_t n)
{
	int fd = atomic_load(&out_fd);
	bool waited = false;

	pthread_mutex_lock(&write_lock);
	while (n) {
		ssize_t done = write(fd, p, n);

		if (done >= 0) {
			p += done;
			n -= (size_t)done;
			waited = false;
		} else if (errno == EAGAIN && !waited) {
			struct pollfd wait = { .fd = fd, .events = POLLOUT };

			waited = true;
			poll(&wait, 1, WRITE_WAIT_MS);
		} else if (errno != EINTR) {
			break;
		}
	}
	pthread_mutex_unlock(&write_lock);
}

static void flush(struct buffer *b)
{
	if (b && b->len) {
		write_all(b->text, b->len);
		b->len = 0;
	}
}

void log_setup(int fd, enum log_level level, enum log_format format)
{
	ASSERT((unsigned)level <= LOG_TRACE);
	/* Not log_flush: the caller has not promised to flush from now on. */
	flush(mine);
	atomic_store(&out_fd, fd);
	atomic_store(&max_level, (int)level);
	atomic_store(&out_format, (int)format);
}

static void on_thread_exit(void *buffer)
{
	struct buffer *b = buffer;

	flush(b);
	mine = NULL;
	mem_free(&b);
}

/* The main thread leaves by exit(), which runs no thread destructors. */
static void on_exit_flush(void)
{
	flush(mine);
}

/* The last lines tell most about a bug; unless it is one of writing them. */
static void on_bug(void)
{
	if (pthread_mutex_trylock(&write_lock) != 0)
		return;
	pthread_mutex_unlock(&write_lock);
	flush(mine);
}

static void make_exit_key(void)
{
	ASSERT(pthread_key_create(&exit_key, on_thread_exit) == 0);
	atexit(on_exit_flush);
	check_before_abort(on_bug);
}

static struct buffer *own_buffer(void)
{
	if (!mine) {
		pthread_once(&exit_once, make_exit_key);
		mine = mem_new(sizeof(*mine));
		pthread_setspecific(exit_key, mine);
	}
	return mine;
}

void log_flush(void)
{
	struct buffer *b = own_buffer();

	b->flushes = true;
	flush(b);
}

static void emit(const struct line *l, enum log_level level)
{
	struct buffer *b = own_buffer();

	if (l->len > sizeof(b->text) - b->len)
		flush(b);
	memcpy(b->text + b->len, l->text, l->len);
	b->len += l->len;
	if (!b->flushes || level == LOG_ERROR)
		flush(b);
}

/* Whole or not at all, so that no escape or character is cut in two. */
static bool add(struct line *l, struct str s)
{
	if (s.len > sizeof(l->text) - TAIL - l->len)
		return false;
	if (s.len)
		memcpy(l->text + l->len, s.at, s.len);
	l->len += s.len;
	return true;
}

static void addf(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void addf(struct line *l, const char *fmt, ...)
{
	char text[256];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n > 0)
		add(l, str_of(text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1));
}

/* Both forms escape like JSON; bytes that are no UTF-8 become U+FFFD in JSON, \xNN in text. */
static bool add_escaped_char(struct line *l, struct str s, size_t *n)
{
	char escaped[8];
	unsigned char c = (unsigned char)s.at[0];

	*n = str_utf8_length(s.at, s.len);
	if (!*n) {
		*n = 1;
		if (l->json)
			return add(l, STR("\xef\xbf\xbd"));
		snprintf(escaped, sizeof(escaped), "\\x%02x", c);
		return add(l, str_from(escaped));
	}
	if (*n == 2 && c == 0xc2 && (unsigned char)s.at[1] < 0xa0) {
		snprintf(escaped, sizeof(escaped), "\\u00%02x", (unsigned char)s.at[1]);
		return add(l, str_from(escaped));
	}
	if (c == '"' || c == '\\') {
		snprintf(escaped, sizeof(escaped), "\\%c", c);
		return add(l, str_from(escaped));
	}
	if (c < 0x20 || c == 0x7f) {
		snprintf(escaped, sizeof(escaped), "\\u%04x", c);
		return add(l, str_from(escaped));
	}
	return add(l, str_of(s.at, *n));
}

static void add_quoted(struct line *l, struct str s)
{
	/* Keeps two bytes back for the closing quote. */
	add(l, STR("\""));
	for (size_t i = 0, n; i < s.len; i += n)
		if (l->len + 16 > sizeof(l->text) - TAIL ||
		    !add_escaped_char(l, str_of(s.at + i, s.len - i), &n))
			break;
	add(l, STR("\""));
}

static bool is_bare(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] > '~' || strchr("\"\\=", s.at[i]))
			return false;
	return s.len > 0;
}

/* What JSON can hold as a number without loss. */
static bool is_integer(struct str s)
{
	if (s.len > 1 && s.at[0] == '-')
		s = str_of(s.at + 1, s.len - 1);
	if (!s.len || s.len > 15 || (s.len > 1 && s.at[0] == '0'))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
	return true;
}

static bool has_room(const struct line *l, struct str key)
{
	return l->len + key.len + 48 <= sizeof(l->text) - TAIL;
}

static void add_key(struct line *l, struct str key)
{
	if (l->json) {
		add(l, STR(","));
		add_quoted(l, key);
		add(l, STR(":"));
	} else {
		addf(l, " %.*s=", STR_FMT(key));
	}
}

static void add_text_field(struct line *l, struct str key, struct str value)
{
	if (!has_room(l, key))
		return;
	add_key(l, key);
	if (l->json ? is_integer(value) : is_bare(value) && value.len < LINE / 4)
		add(l, value);
	else
		add_quoted(l, value);
}

static void start_line(struct line *l, const struct log *log, enum log_level level,
	const char *phrase)
{
	int64_t now_ms = clock_wall_ms();
	char at[CLOCK_RFC3339];

	ASSERT((unsigned)level <= LOG_TRACE);
	l->len = 0;
	l->json = atomic_load_explicit(&out_format, memory_order_relaxed) == LOG_JSON;
	clock_rfc3339(at, now_ms);
	at[19] = 0;  /* the milliseconds go before the Z */
	if (l->json)
		addf(l, "{\"time\":\"%s.%03dZ\",\"level\":\"%s\",\"area\":\"%s\",\"event\":\"%s\"", at,
			(int)(now_ms % 1000), level_names[level], log ? log->area : "", phrase);
	else
		addf(l, "%s.%03dZ %-5s %s: %s", at, (int)(now_ms % 1000), level_names[level],
			log ? log->area : "", phrase);
}

static void end_line(struct line *l, enum log_level level)
{
	/* TAIL was kept free for this. */
	if (l->json)
		l->text[l->len++] = '}';
	l->text[l->len++] = '\n';
	emit(l, level);
}

/* Length of "key=" at the start of s, without the sign; 0 when there is none. */
static size_t key_length(struct str s)
{
	size_t i = 0;

	while (i < s.len && ((s.at[i] >= 'a' && s.at[i] <= 'z') || s.at[i] == '_' ||
	       (i && s.at[i] >= '0' && s.at[i] <= '9')))
		i++;
	return i < s.len && s.at[i] == '=' ? i : 0;
}

/* A value ends where " key=" begins, so that "err=timed out" is one pair. */
static size_t value_length(struct str s)
{
	size_t i = 0;

	while (i < s.len && !(s.at[i] == ' ' && key_length(str_of(s.at + i + 1, s.len - i - 1))))
		i++;
	return i;
}

static void add_pairs(struct line *l, struct str s)
{
	while (s.len) {
		size_t key = key_length(s), skip = key ? key + 1 : 0, value;

		value = value_length(str_of(s.at + skip, s.len - skip));
		add_text_field(l, key ? str_of(s.at, key) : STR("detail"),
			str_of(s.at + skip, value));
		skip += value;
		if (skip < s.len)
			skip++;  /* the space */
		s = str_of(s.at + skip, s.len - skip);
	}
}

void log_line(const struct log *l, enum log_level level, const char *phrase, const char *fmt, ...)
{
	char pairs[LINE - 256];
	struct line line;
	va_list args;
	int n;

	if (!log_enabled(level))
		return;
	start_line(&line, l, level, phrase);
	va_start(args, fmt);
	n = vsnprintf(pairs, sizeof(pairs), fmt, args);
	va_end(args);
	ASSERT(n >= 0);
	add_pairs(&line, str_of(pairs, (size_t)n < sizeof(pairs) ? (size_t)n : sizeof(pairs) - 1));
	end_line(&line, level);
}

static void add_field(struct line *l, const struct log_field *f)
{
	struct str key = str_from(f->key);

	if (f->type == LOG_F_STR) {
		if (f->text.at) {
			if (!has_room(l, key))
				return;
			add_key(l, key);
			if (!l->json && is_bare(f->text) && f->text.len < LINE / 4)
				add(l, f->text);
			else
				add_quoted(l, f->text);
		}
		return;
	}
	if (!has_room(l, key))
		return;
	add_key(l, key);
	if (f->type == LOG_F_INT)
		addf(l, "%lld", (long long)f->number);
	else
		addf(l, "%s%lld.%03d", f->number < 0 ? "-" : "",
			(long long)(f->number < 0 ? -(f->number / 1000) : f->number / 1000),
			(int)(f->number < 0 ? -(f->number % 1000) : f->number % 1000));
}

void log_kv(const struct log *l, enum log_level level, const char *phrase,
	const struct log_field *fields, unsigned n)
{
	struct line line;

	if (!log_enabled(level))
		return;
	start_line(&line, l, level, phrase);
	for (unsigned i = 0; i < n; i++)
		add_field(&line, &fields[i]);
	end_line(&line, level);
}
