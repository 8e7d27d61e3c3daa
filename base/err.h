/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * err: the one currency of failure, and struct fault for where a human will ask why.
 *
 * Codes are rows of ERR_ROWS: enumerator, public code (SP-nnn, stable for ever), short text for
 * logs, and what an operator should do ("sallyport help SP-nnn"). 0 is good.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err_rows.h"

enum err {
	E_OK = 0,
#define X(name, code, text, advice) name,
	ERR_ROWS(X)
#undef X
	ERR_COUNT
};

/* Short text ("timed out"); never NULL. */
const char *err_text(enum err e);
/* Public number: 204 for SP-204; 0 for E_OK. */
int err_code(enum err e);
/* What to do about it, one or more sentences; never NULL. */
const char *err_advice(enum err e);
/* The row with this public number, or E_OK when there is none. */
enum err err_by_code(int code);
/* Translates a negative errno (libuv's UV_E* are these on Unix). */
enum err err_from_errno(int negative_errno);

enum { FAULT_TEXT = 512, FAULT_ACTIVITY = 96 };

/*
 * Why something failed, for a human and for the retry logic. Filled by the step that failed,
 * read by log, status and persisted state. Plain data: copy by assignment.
 */
struct fault {
	enum err code;
	char activity[FAULT_ACTIVITY];  /* "waiting for the order" */
	char detail[FAULT_TEXT];        /* printable UTF-8, control characters escaped */
	char type[64];                  /* ACME problem type without its urn prefix, or "" */
	int status;                     /* HTTP status, 0 when none */
	int64_t retry_at_ms;            /* wall clock ms the peer asked us to wait for; 0 none */
};

/* Sets code and a formatted detail (escaped, truncated). fault may be NULL. Returns code, so that
 * "return fault_set(f, E_X, …)" reads well. */
enum err fault_set(struct fault *f, enum err code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Names what was being done; a later call wins only if none was set. f may be NULL. */
void fault_during(struct fault *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void fault_clear(struct fault *f);

#endif
