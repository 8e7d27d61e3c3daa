/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mark: an entry of the schedule on disk: that this certificate is to be looked at in this hour (UTC). They are
 * listed in the order of time. A mark too many costs a look; that none is missing is why it is put before the
 * certificate is saved.
 *
 *   2026-12-04T06/app.example.com
 */
#ifndef CERTSTORE_MARK_H
#define CERTSTORE_MARK_H

#include "certstore/store.h"

enum { MARK_HOUR_MS = 3600 * 1000, MARK_HOUR_TEXT = 13, MARK_MAX = MARK_HOUR_TEXT + 1 + 256 };

/* The beginning of its hour, wall clock; what is before 1970 or after the year 9999 counts as the first or last
 * hour that can be written. */
int64_t mark_hour(int64_t at_ms);
/* False: the name is too long. */
bool mark_write(char dst[MARK_MAX], const char *name, int64_t at_ms);
/* name: borrowed from the mark. False: it is none of ours. */
bool mark_read(const char *mark, int64_t *hour_ms, const char **name);

/* Saves the certificate's bundle (copied) once its renewal is marked. That it cannot be marked (an older store
 * on a full disk) keeps it from nothing: who sweeps the store sees to it. */
void mark_save_bundle(struct store *s, const char *name, struct str bundle, int64_t renew_at_ms,
	store_done_fn *fn, void *owner);
/* Puts the mark at to_ms, and then takes away the one at from_ms unless that is the same hour; from_ms < 0: none.
 * Nobody is told. */
void mark_move(struct store *s, const char *name, int64_t from_ms, int64_t to_ms);
/* Nobody is told. */
void mark_remove(struct store *s, const char *name, int64_t at_ms);

#endif
