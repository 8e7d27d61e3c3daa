/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * promises: a catalog whose texts are "to=10.0.0.5:80 profile=shortlived", either part may be missing.
 */
#include "proxy/promises.h"

#include <stdio.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"

struct promises {
	struct catalog *catalog;
};

static const struct log area = { "promises" };

bool promise_is_profile(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!((text.at[i] >= 'a' && text.at[i] <= 'z') || (text.at[i] >= '0' && text.at[i] <= '9') ||
			text.at[i] == '-'))
			return false;
	return text.len > 0 && text.len < PROMISE_PROFILE;
}

struct promises *promises_new(struct loop *l, struct store *s, const char *directory)
{
	struct promises *g = mem_new(sizeof(*g));

	g->catalog = catalog_new(l, STORE_PROMISES);
	catalog_read(g->catalog, directory);
	catalog_keep_in(g->catalog, s);
	return g;
}

void promises_free(struct promises **g)
{
	if (!*g)
		return;
	catalog_free(&(*g)->catalog);
	mem_free(g);
}

static bool is_same(const struct promise *a, const struct promise *b)
{
	return strcmp(a->to, b->to) == 0 && strcmp(a->profile, b->profile) == 0;
}

bool promises_note(struct promises *g, const char *name, const struct promise *promise)
{
	char text[PROMISE_TO + PROMISE_PROFILE + 16];
	struct fault fault = { 0 };
	struct promise before;

	promises_get(g, name, &before);
	if (is_same(&before, promise))
		return false;
	if (!promise->to[0] && !promise->profile[0]) {
		promises_forget(g, name);
		return true;
	}
	snprintf(text, sizeof(text), "%s%s%s%s%s", promise->to[0] ? "to=" : "", promise->to,
		promise->to[0] && promise->profile[0] ? " " : "", promise->profile[0] ? "profile=" : "",
		promise->profile);
	if (catalog_put(g->catalog, str_from(name), str_from(text), &fault))
		log_error(&area, "reply about a name not kept", "name=%s code=SP-%d", name, err_code(fault.code));
	return true;
}

void promises_forget(struct promises *g, const char *name)
{
	catalog_remove(g->catalog, str_from(name));
}

static void read_word(struct str word, struct promise *out)
{
	static const struct str to = { "to=", 3 }, profile = { "profile=", 8 };

	if (str_has_prefix(word, to))
		str_copy(out->to, sizeof(out->to), str_of(word.at + to.len, word.len - to.len));
	else if (str_has_prefix(word, profile))
		str_copy(out->profile, sizeof(out->profile), str_of(word.at + profile.len, word.len - profile.len));
}

void promises_get(const struct promises *g, const char *name, struct promise *out)
{
	struct str rest = catalog_get(g->catalog, str_from(name)), word;

	*out = (struct promise){ 0 };
	while (rest.len) {
		rest = str_cut(rest, ' ', &word);
		read_word(word, out);
	}
}
