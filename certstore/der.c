/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * der: reading is strict, since what we accept here we also hand to TLS; writing inserts lengths
 * when an element is closed, so that nobody counts bytes beforehand.
 */
#include "certstore/der.h"

#include <stdio.h>
#include <time.h>

#include "base/check.h"

enum { LENGTH_MAX = 16 * 1024 * 1024, LONG_FORM = 0x80, TAG_NUMBER_LONG = 0x1f };

/* The length at *in; false when malformed or beyond the input. */
static bool take_length(struct str *in, size_t *len)
{
	const unsigned char *p = (const unsigned char *)in->at;
	size_t n = 0, value = 0;

	if (in->len < 1)
		return false;
	if (p[0] < LONG_FORM) {
		value = p[0];
	} else {
		n = p[0] & 0x7f;
		if (n == 0 || n > 4 || in->len < 1 + n || p[1] == 0)
			return false;
		for (size_t i = 1; i <= n; i++)
			value = value << 8 | p[i];
		if (value < LONG_FORM || value > LENGTH_MAX)
			return false;
	}
	*in = str_of(in->at + 1 + n, in->len - 1 - n);
	*len = value;
	return value <= in->len;
}

bool der_next(struct str *in, struct der_item *out)
{
	struct str rest = *in;
	size_t len;

	if (rest.len < 2)
		return false;
	out->tag = (unsigned char)rest.at[0];
	if ((out->tag & TAG_NUMBER_LONG) == TAG_NUMBER_LONG)
		return false;
	rest = str_of(rest.at + 1, rest.len - 1);
	if (!take_length(&rest, &len))
		return false;
	out->content = str_of(rest.at, len);
	out->whole = str_of(in->at, (size_t)(rest.at - in->at) + len);
	*in = str_of(rest.at + len, rest.len - len);
	return true;
}

bool der_take(struct str *in, unsigned tag, struct str *content)
{
	struct str rest = *in;
	struct der_item item;

	if (!der_next(&rest, &item) || item.tag != tag)
		return false;
	*in = rest;
	*content = item.content;
	return true;
}

bool der_take_optional(struct str *in, unsigned tag, struct str *content)
{
	*content = STR_NONE;
	if (in->len == 0 || (unsigned char)in->at[0] != tag)
		return true;
	return der_take(in, tag, content);
}

static bool two_digits(const char **at, int *out)
{
	const char *p = *at;

	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return false;
	*out = (p[0] - '0') * 10 + (p[1] - '0');
	*at += 2;
	return true;
}

bool der_take_time(struct str *in, int64_t *wall_ms)
{
	struct der_item item;
	struct tm tm = {0};
	const char *p;
	int century = 0, year;

	if (!der_next(in, &item) || item.content.len == 0)
		return false;
	p = item.content.at;
	if (item.tag == DER_GENERALIZED_TIME && item.content.len == 15) {
		if (!two_digits(&p, &century) || !two_digits(&p, &year))
			return false;
	} else if (item.tag == DER_UTC_TIME && item.content.len == 13) {
		if (!two_digits(&p, &year))
			return false;
		century = year < 50 ? 20 : 19;
	} else {
		return false;
	}
	if (!two_digits(&p, &tm.tm_mon) || !two_digits(&p, &tm.tm_mday) ||
		!two_digits(&p, &tm.tm_hour) || !two_digits(&p, &tm.tm_min) ||
		!two_digits(&p, &tm.tm_sec) || *p != 'Z')
		return false;
	if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
		tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 59)
		return false;
	tm.tm_year = century * 100 + year - 1900;
	tm.tm_mon -= 1;
	*wall_ms = (int64_t)timegm(&tm) * 1000;
	return true;
}

void der_add_raw(struct der_writer *w, struct str encoded)
{
	if (!w->err)
		w->err = buf_add(w->out, encoded);
}

static void add_byte(struct der_writer *w, unsigned value)
{
	char byte = (char)(unsigned char)value;

	der_add_raw(w, str_of(&byte, 1));
}

size_t der_open(struct der_writer *w, unsigned tag)
{
	add_byte(w, tag);
	return w->out->len;
}

void der_close(struct der_writer *w, size_t mark)
{
	unsigned char head[4];
	size_t len, n = 0;

	if (w->err)
		return;
	ASSERT(mark <= w->out->len);
	len = w->out->len - mark;
	ASSERT(len < LENGTH_MAX);
	if (len >= LONG_FORM) {
		size_t bytes = len > 0xffff ? 3 : len > 0xff ? 2 : 1;

		head[n++] = (unsigned char)(LONG_FORM | bytes);
		for (size_t i = bytes; i > 0; i--)
			head[n++] = (unsigned char)(len >> (8 * (i - 1)));
	} else {
		head[n++] = (unsigned char)len;
	}
	der_add_raw(w, str_of(head, n));
	if (w->err)
		return;
	memmove(w->out->at + mark + n, w->out->at + mark, len);
	memcpy(w->out->at + mark, head, n);
}

void der_add(struct der_writer *w, unsigned tag, struct str content)
{
	size_t mark = der_open(w, tag);

	der_add_raw(w, content);
	der_close(w, mark);
}

void der_add_bits(struct der_writer *w, struct str bytes)
{
	size_t mark = der_open(w, DER_BIT_STRING);

	add_byte(w, 0);
	der_add_raw(w, bytes);
	der_close(w, mark);
}

void der_add_time(struct der_writer *w, int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char text[32];

	ASSERT(gmtime_r(&seconds, &tm) != NULL);
	ASSERT(tm.tm_year >= 50 && tm.tm_year <= 9999 - 1900);
	/* RFC 5280 4.1.2.5: UTCTime through 2049 */
	if (tm.tm_year < 150) {
		strftime(text, sizeof(text), "%y%m%d%H%M%SZ", &tm);
		der_add(w, DER_UTC_TIME, str_from(text));
	} else {
		strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm);
		der_add(w, DER_GENERALIZED_TIME, str_from(text));
	}
}
