/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * reference: the rows as a manual in Markdown.
 */
#include "conf/reference.h"

#include <stdio.h>

#include "base/check.h"
#include "conf/field.h"
#include "conf/known_ca.h"
#include "conf/unit.h"

static const char start[] =
	"# Configuration reference\n"
	"\n"
	"Generated from the rows in `conf/fields_*.c` by `cmake --build ... --target generate`; do not\n"
	"edit.\n"
	"\n"
	"One JSON file, with `//` and `/* */` comments and trailing commas. `${NAME}` and\n"
	"`${NAME:-default}` in texts are taken from the environment (`$${` is a plain `${`).\n"
	"\n"
	"Every setting can come from the environment: `SALLYPORT_` and the path in upper case, joined by\n"
	"two underscores (`SALLYPORT_ACME__EMAIL`). With `_FILE` behind it the variable names a file that\n"
	"holds the value. Lists are separated by commas; what needs an object may be given as JSON.\n"
	"`SALLYPORT_SITES=\"a.example=web:3000, b.example=web:3001\"`, `SALLYPORT_ASK` is\n"
	"`on_demand.ask`, `SALLYPORT_DATA` is `store`. The command line wins over the environment, the\n"
	"environment over the file.\n"
	"\n"
	"Durations are written `500ms`, `20s`, `5m`, `1h30m`, `7d`; sizes `512B`, `16KiB`, `1MiB`; rates\n"
	"`10/m`; quotas `20/h`, `30/7d`.\n"
	"\n"
	"`sallyport reload` (or SIGHUP) brings changes into force without closing a connection, but for the\n"
	"few options that say \"Needs a restart\": their running values stay, and `reload` and `status` say so.\n";

/* Sections in the order of the manual; NULL is the top level itself. */
static const struct {
	const char *title;
	const struct field *rows;
} sections[] = {
	{ "Top level", fields_top }, { "A site", fields_site }, { "A route", fields_route },
	{ "An upstream", fields_upstream }, { "A server of an upstream", fields_server },
	{ "listen", fields_listen }, { "acme", fields_acme }, { "A CA in acme.ca", fields_ca },
	{ "A CA's staging", fields_staging },
	{ "on_demand", fields_on_demand }, { "tls", fields_tls }, { "timeouts", fields_timeouts },
	{ "limits", fields_limits }, { "log", fields_log },
};

static bool has_section(const struct field *rows)
{
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		if (sections[i].rows == rows)
			return true;
	return false;
}

static void put_choices(struct buf *out, const struct field_choice *choices)
{
	for (const struct field_choice *c = choices; c->text; c++)
		buf_addf(out, "%s`%s`", c == choices ? "" : ", ", c->text);
}

static void put_form(struct buf *out, const struct field *f)
{
	static const char *const forms[] = { [CONF_TEXT] = "text", [CONF_BOOL] = "`true` or `false`",
		[CONF_COUNT] = "number", [CONF_DURATION] = "duration", [CONF_SIZE] = "size",
		[CONF_RATE] = "rate", [CONF_QUOTA] = "quota", [CONF_OBJECT] = "object" };

	if (f->type == CONF_CHOICE)
		put_choices(out, f->choices);
	else
		buf_add(out, str_from(f->type == CONF_SPECIAL ? f->special->form : forms[f->type]));
	if (f->min && f->max)
		buf_addf(out, ", %s to %s", f->min, f->max);
	else if (f->min || f->max)
		buf_addf(out, f->min ? ", at least %s" : ", at most %s", f->min ? f->min : f->max);
}

static void put_rows(struct buf *out, const struct field *rows, const char *prefix, bool needs_restart)
{
	for (const struct field *f = rows; f->key; f++) {
		bool waits = f->reload ? f->reload == RELOAD_RESTART : needs_restart;
		const char *note = waits && f->type != CONF_OBJECT ? " Needs a restart." : "";
		char path[128];

		snprintf(path, sizeof(path), "%s%s", prefix, f->key);
		buf_addf(out, "| `%s` | ", path);
		put_form(out, f);
		if (f->dflt && f->dflt[0])
			buf_addf(out, " | `%s` | %s%s |\n", f->dflt, f->help, note);
		else
			buf_addf(out, " | | %s%s |\n", f->help, note);
		/* Small objects without a section of their own stand where they are used. */
		if (f->type == CONF_OBJECT && !has_section(f->rows)) {
			snprintf(path, sizeof(path), "%s%s.", prefix, f->key);
			put_rows(out, f->rows, path, waits);
		}
	}
}

static void put_quota(struct buf *out, const struct conf_quota *q)
{
	char text[UNIT_TEXT];

	unit_duration_text(text, q->n ? q->per_ms / q->n : 0);
	if (q->n)
		buf_addf(out, "%u, one per %s |", q->n, text);
	else
		buf_add(out, STR("- |"));
}

static void put_lacking(struct buf *out, unsigned lacks)
{
	const char *before = "all but ";

	for (const struct field_choice *c = field_challenges; c->text; c++) {
		if (lacks & 1u << c->value) {
			buf_addf(out, "%s%s", before, c->text);
			before = ", ";
		}
	}
	if (!lacks)
		buf_add(out, STR("?"));
}

static void put_ca(struct buf *out, const struct known_ca *ca)
{
	const char *ip = known_ca_answer_text(ca->ip);

	buf_addf(out, "| `%s` | ", ca->name);
	if (ca->gone) {
		buf_addf(out, "gone: %s | | | | | | | | |\n", ca->gone);
		return;
	}
	buf_addf(out, "%s%s%s | %s | ", ca->directory, ca->rsa_directory ? ", " : "",
		ca->rsa_directory ? ca->rsa_directory : "", ca->eab_from ? "`eab`" : "-");
	put_lacking(out, ca->lacks);
	buf_addf(out, " | %s | %s%s%s | %s | ", known_ca_answer_text(ca->ari), ip, ca->ip_profile ? ", profile " : "",
		ca->ip_profile ? ca->ip_profile : "", ca->staging ? ca->staging : "-");
	put_quota(out, &ca->limits.orders);
	buf_add(out, STR(" "));
	put_quota(out, &ca->limits.registered_domain);
	buf_add(out, STR(" "));
	put_quota(out, &ca->limits.failures);
	buf_add(out, STR("\n"));
}

static const char cas[] =
	"\n## Known CAs\n"
	"\n"
	"What is known of them beyond what their directories say; \"?\": nothing is. Challenges that one does\n"
	"not offer are tried last. Limits can be set otherwise by `limits`.\n"
	"\n"
	"| name | directory | binding | challenges | ARI | IP addresses | staging | orders | certificates of a domain "
	"| failures of a name |\n"
	"|---|---|---|---|---|---|---|---|---|---|\n";

static void put_cas(struct buf *out)
{
	const struct known_ca *ca;

	buf_add(out, str_from(cas));
	for (unsigned i = 0; (ca = known_ca_at(i)); i++)
		if (strcmp(ca->directory, CONF_CA_INTERNAL) != 0)
			put_ca(out, ca);
}

/* Only memory can fail, and the text is small: buf reports it at the end by being short. */
enum err reference_print(struct buf *out)
{
	enum err e = buf_add(out, str_from(start));

	for (size_t i = 0; i < ARRAY_LEN(sections) && !e; i++) {
		e = buf_addf(out, "\n## %s\n\n| key | value | default | meaning |\n|---|---|---|---|\n",
			sections[i].title);
		put_rows(out, sections[i].rows, "", false);
		if (sections[i].rows == fields_ca)
			put_cas(out);
	}
	return e;
}
