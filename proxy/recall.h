/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recall: names with a time each, never more than a fixed number: the one noted longest ago leaves first.
 * For decisions about names that clients choose. One thread.
 */
#ifndef PROXY_RECALL_H
#define PROXY_RECALL_H

#include "base/str.h"

struct recall;
struct recall *recall_new(unsigned max);
void recall_free(struct recall **r);
/* Notes or renews. */
void recall_note(struct recall *r, struct str name, int64_t at_ms);
/* The time noted, or INT64_MIN. */
int64_t recall_at(const struct recall *r, struct str name);
/* A short text beside it, NULL or "": none; kept until it is noted again. */
void recall_note_with(struct recall *r, struct str name, int64_t at_ms, const char *text);
/* Borrowed until the recall changes; never NULL. */
const char *recall_text(const struct recall *r, struct str name);
void recall_forget(struct recall *r, struct str name);
unsigned recall_count(const struct recall *r);

#endif
