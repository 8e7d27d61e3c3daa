/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * log: one line per event, a fixed phrase to search for, then key=value. key=value text on a
 * terminal, JSON objects otherwise; to stderr (or a file descriptor). Values are escaped; secrets
 * are the caller's duty never to pass. Thread-safe; one write per line. Lines are buffered per
 * thread and written when the thread says so (log_flush, called once per loop iteration) or when
 * 16 KiB wait, so that an access log does not cost a system call per request.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };
enum log_format { LOG_TEXT, LOG_JSON };

/* area is a literal such as "acme"; embedded in objects that log. */
struct log {
	const char *area;
};

void log_setup(int fd, enum log_level level, enum log_format format);
bool log_enabled(enum log_level level);

/* phrase is a literal; fmt gives key=value pairs separated by one space, whose values contain no space
 * (numbers, addresses, host names already checked). Text a peer or a file chose goes through log_kv.
 * In JSON form each pair becomes a member. */
void log_line(const struct log *l, enum log_level level, const char *phrase, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
#define log_error(l, phrase, ...) log_line(l, LOG_ERROR, phrase, __VA_ARGS__)
#define log_warn(l, phrase, ...) log_line(l, LOG_WARN, phrase, __VA_ARGS__)
#define log_info(l, phrase, ...) log_line(l, LOG_INFO, phrase, __VA_ARGS__)
#define log_debug(l, phrase, ...) \
	(log_enabled(LOG_DEBUG) ? log_line(l, LOG_DEBUG, phrase, __VA_ARGS__) : (void)0)
#define log_trace(l, phrase, ...) \
	(log_enabled(LOG_TRACE) ? log_line(l, LOG_TRACE, phrase, __VA_ARGS__) : (void)0)

/* Typed fields; text values are quoted and escaped as the format needs. */
enum log_field_type { LOG_F_STR, LOG_F_INT, LOG_F_MS };
struct log_field {
	const char *key;
	enum log_field_type type;
	struct str text;   /* LOG_F_STR; left out when text.at is NULL */
	int64_t number;    /* LOG_F_INT; LOG_F_MS prints microseconds as milliseconds with decimals */
};
void log_kv(const struct log *l, enum log_level level, const char *phrase,
	const struct log_field *fields, unsigned n);
/* Writes this thread's waiting lines. Called by loops once per iteration and at exit. */
void log_flush(void);

#endif
