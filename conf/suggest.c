/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * suggest: "did you mean", by edit distance.
 */
#include "conf/suggest.h"

#include <stdio.h>

#include "base/printable.h"

enum { LONGEST = 63, FAR = 1000 };

void suggest_init(struct suggest *s, struct str wrong)
{
	*s = (struct suggest){ .wrong = wrong, .distance = FAR };
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned suggest_distance(struct str a, struct str b)
{
	unsigned rows[3][LONGEST + 1], *before = rows[0], *last = rows[1], *now = rows[2];
	char x[LONGEST], y[LONGEST];

	if (a.len > LONGEST || b.len > LONGEST)
		return FAR;
	str_lower(x, a);
	str_lower(y, b);
	for (unsigned j = 0; j <= b.len; j++)
		last[j] = j;
	for (unsigned i = 1; i <= a.len; i++) {
		unsigned *free_row = before;

		now[0] = i;
		for (unsigned j = 1; j <= b.len; j++) {
			now[j] = least(least(last[j], now[j - 1]) + 1,
				last[j - 1] + (x[i - 1] != y[j - 1]));
			if (i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = free_row;
	}
	return last[b.len];
}

void suggest_add(struct suggest *s, const char *right)
{
	unsigned d = suggest_distance(s->wrong, str_from(right));
	size_t len = strlen(s->all);

	if (d < s->distance) {
		s->distance = d;
		s->nearest = right;
	}
	if (len + strlen(right) + 8 < sizeof(s->all))
		snprintf(s->all + len, sizeof(s->all) - len, "%s%s", s->n ? ", " : "", right);
	else if (len && s->all[len - 1] != '.')
		snprintf(s->all + len, sizeof(s->all) - len, ", ...");
	s->n++;
}

void suggest_text(const struct suggest *s, char dst[SUGGEST_TEXT])
{
	if (!s->nearest)
		dst[0] = 0;
	/* A third of the letters wrong is a slip of the finger; more is another word. */
	else if (s->distance <= 1 + s->wrong.len / 3 && s->distance < strlen(s->nearest))
		snprintf(dst, SUGGEST_TEXT, "did you mean \"%.200s\"?", s->nearest);
	else
		snprintf(dst, SUGGEST_TEXT, "known are %.240s", s->all);
}
