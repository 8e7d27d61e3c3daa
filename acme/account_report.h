/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account_report: an account's record as JSON, for programs and for commands; no key is in it.
 */
#ifndef ACME_ACCOUNT_REPORT_H
#define ACME_ACCOUNT_REPORT_H

#include "acme/account_record.h"
#include "base/json.h"

/* r: NULL, or without a key: there is none. ca: its name, for the words. Members are left out when there is
 * nothing to tell. */
void account_report(const struct account_record *r, const char *ca, struct json *out);
/* What somebody should look at, in a sentence; false: nothing. A URL that changed is told for a week. */
bool account_report_trouble(const struct account_record *r, const char *ca, char *text, size_t cap);

#endif
