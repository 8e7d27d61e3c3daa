/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * loading: a configuration from text, and the claim that a text is refused for a reason.
 */
#ifndef TESTS_UNIT_CONF_LOADING_H
#define TESTS_UNIT_CONF_LOADING_H

#include <stdio.h>

#include "conf/load.h"

static struct conf_problems problems;

/* NULL after printing the problems. */
static inline struct conf *loaded_with(const char *text, char *const *environment)
{
	struct load_args args = { .environment = environment };
	struct conf *c;

	if (load_text(str_from(text), "t.json", &args, &c, &problems))
		for (unsigned i = 0; i < problems.n; i++)
			print_error("%s\n", problems.at[i].text);
	assert_non_null(c);
	return c;
}

static inline struct conf *loaded(const char *text)
{
	return loaded_with(text, NULL);
}

/* The text is refused and its first problem contains says. */
static inline void refused_with(const char *text, char *const *environment, const char *says)
{
	struct load_args args = { .environment = environment };
	struct conf *c;

	assert_int_equal(load_text(str_from(text), "t.json", &args, &c, &problems), E_CONFIG);
	assert_null(c);
	assert_true(problems.n > 0);
	if (!strstr(problems.at[0].text, says))
		assert_string_equal(problems.at[0].text, says);
}

static inline void refused(const char *text, const char *says)
{
	refused_with(text, NULL, says);
}

/* The same for what is inside "sites". */
static inline void site_refused(const char *site, const char *says)
{
	char text[1024];

	snprintf(text, sizeof(text), "{\"sites\": {%s}}", site);
	refused(text, says);
}

#endif
