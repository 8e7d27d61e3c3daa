/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contact: one update at a time; a failure of it stops nothing.
 */
#include "acme/contact.h"

#include "base/log.h"

static const struct log log_acme = { "acme" };

bool contact_is_due(const struct account_record *r, const char *email)
{
	bool is_told = r->has_contact ? !strcmp(email, r->contact) : !email[0];
	return !is_told && (!email[0] || strcmp(email, r->refused_contact) != 0);
}

void contact_registered(struct account_record *r, unsigned status, struct str body, const char *email,
	bool is_refused)
{
	struct registration_view view;
	if (is_refused) {
		str_copy(r->refused_contact, sizeof r->refused_contact, str_from(email));
		email = "";
	}
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

void contact_init(struct contact *c, struct ca *ca, struct account_record *record,
	void (*on_told)(struct contact *c))
{
	*c = (struct contact){ .ca = ca, .record = record, .on_told = on_told };
}

void contact_fini(struct contact *c)
{
	account_update_cancel(&c->update);
}

static void on_updated(void *owner, enum err err, const struct account_answer *answer,
	const struct fault *fault)
{
	struct contact *c = owner;
	c->update = NULL;
	if (err) {
		log_warn(&log_acme, "contact not updated", "ca=%s detail=%s", c->ca->conf->name, fault->detail);
		return;
	}
	contact_updated(c->record, c->ca->conf->name, c->email, answer);
	c->on_told(c);
}

void contact_tell(struct contact *c, const char *email)
{
	if (c->was_tried || !contact_is_due(c->record, email)
		|| !str_copy(c->email, sizeof c->email, str_from(email)))
		return;
	c->was_tried = true;
	c->update = account_update_start(&(struct account_update_args){ .ca = c->ca, .kid = c->record->kid,
		.kind = ACCOUNT_UPDATE_CONTACT, .email = c->email }, on_updated, c);
}
