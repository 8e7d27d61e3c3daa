/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * err: the error table and struct fault. The rows are in err_rows.h.
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/printable.h"

static const struct err_row {
	int code;
	const char *text, *advice;
} rows[ERR_COUNT] = {
	[E_OK] = { 0, "ok", "" },
#define X(name, code, text, advice) [name] = { code, text, advice },
	ERR_ROWS(X)
#undef X
};

static const struct err_row *row(enum err e)
{
	ASSERT((unsigned)e < ERR_COUNT);
	return &rows[e];
}

const char *err_text(enum err e)
{
	return row(e)->text;
}

int err_code(enum err e)
{
	return row(e)->code;
}

const char *err_advice(enum err e)
{
	return row(e)->advice;
}

enum err err_by_code(int code)
{
	for (unsigned i = 1; i < ERR_COUNT; i++)
		if (rows[i].code == code)
			return (enum err)i;
	return E_OK;
}

static const struct {
	int number;
	enum err e;
} errnos[] = {
	{ ECONNREFUSED, E_REFUSED }, { ECONNRESET, E_RESET }, { EPIPE, E_RESET },
	{ ECONNABORTED, E_RESET }, { ETIMEDOUT, E_TIMEOUT }, { ENETUNREACH, E_UNREACHABLE },
	{ EHOSTUNREACH, E_UNREACHABLE }, { ENETDOWN, E_UNREACHABLE }, { EHOSTDOWN, E_UNREACHABLE },
	{ EADDRINUSE, E_BIND }, { EADDRNOTAVAIL, E_BIND }, { ENOENT, E_NOT_FOUND },
	{ EMFILE, E_FDS }, { ENFILE, E_FDS }, { ENOMEM, E_NOMEM }, { ENOBUFS, E_NOMEM },
	{ ECANCELED, E_CANCELED }, { EAGAIN, E_AGAIN },
	/* libuv's own, which are no errno: UV_EOF and UV_EAI_* (all within -3000..-3014). */
	{ 4095, E_EOF },
};

enum err err_from_errno(int negative_errno)
{
	enum { EAI_FIRST = 3000, EAI_MEMORY_ = 3006, EAI_CANCELED_ = 3003, EAI_LAST = 3014 };
	int number = -negative_errno;

	ASSERT(negative_errno <= 0);
	if (number == 0)
		return E_OK;
	for (size_t i = 0; i < ARRAY_LEN(errnos); i++)
		if (errnos[i].number == number)
			return errnos[i].e;
	if (number == EAI_CANCELED_)
		return E_CANCELED;
	if (number == EAI_MEMORY_)
		return E_NOMEM;
	return number >= EAI_FIRST && number <= EAI_LAST ? E_RESOLVE : E_IO;
}

enum err fault_set(struct fault *f, enum err code, const char *fmt, ...)
{
	char text[FAULT_TEXT * 2];
	va_list args;

	ASSERT((unsigned)code < ERR_COUNT);
	if (!f)
		return code;
	f->code = code;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	printable_text(f->detail, sizeof(f->detail), str_from(text));
	return code;
}

void fault_during(struct fault *f, const char *fmt, ...)
{
	char text[FAULT_ACTIVITY * 2];
	va_list args;

	if (!f || f->activity[0])
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	printable_text(f->activity, sizeof(f->activity), str_from(text));
}

void fault_clear(struct fault *f)
{
	if (f)
		*f = (struct fault){ .code = E_OK };
}
