/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contact: pure but for the log.
 */
#include "acme/contact.h"

#include "base/log.h"

static const struct log log_acme = { "acme" };

bool contact_is_due(const struct account_record *r, const char *email)
{
	bool is_told = r->has_contact ? !strcmp(email, r->contact) : !email[0];
	return !is_told && (!email[0] || strcmp(email, r->refused_contact) != 0);
}

void contact_registered(struct account_record *r, unsigned status, struct str body, const char *email)
{
	struct registration_view view;
	registration_read(body, &view);
	r->has_contact = status == 201
		|| (!strncmp(view.contact, "mailto:", 7) && !strcmp(view.contact + 7, email));
	str_copy(r->contact, sizeof r->contact, str_from(r->has_contact ? email : ""));
}

void contact_updated(struct account_record *r, const char *ca, const char *email,
	const struct account_answer *answer)
{
	str_copy(r->refused_contact, sizeof r->refused_contact,
		str_from(answer->is_contact_refused ? email : ""));
	if (answer->is_contact_refused)
		log_warn(&log_acme, "CA refuses the contact", "ca=%s contact=%s", ca, email);
	if (answer->is_contact_kept)
		return;
	r->has_contact = true;
	str_copy(r->contact, sizeof r->contact, str_from(answer->is_contact_refused ? "" : email));
}
