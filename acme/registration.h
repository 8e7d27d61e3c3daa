/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registration: what is said to a CA about an account: payloads of newAccount and of the account's own URL
 * (RFC 8555 7.3), and what is read of the answers. Pure.
 */
#ifndef ACME_REGISTRATION_H
#define ACME_REGISTRATION_H

#include "acme/ca.h"

/* newAccount: the terms are agreed to, with the external binding where the configuration has one. email: NULL
 * for none. E_PARSE: the binding's secret is unreadable. */
enum err registration_new(const struct ca *ca, const struct key *key, const char *email, struct buf *payload);
/* Only asks whether there is one for this key (7.3.1). */
enum err registration_ask(struct buf *payload);
/* email "": none any more. */
enum err registration_contact(const char *email, struct buf *payload);
enum err registration_agree(struct buf *payload);
enum err registration_deactivate(struct buf *payload);

/* The account as the CA sees it. */
struct registration_view {
	char status[32];           /* "valid", "deactivated", …; "": not told */
	char contact[512];         /* "mailto:a@b, mailto:c@d" */
};
/* Any body: what is not understood is left "". */
void registration_read(struct str body, struct registration_view *out);

#endif
