/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_line: "--option VALUE" and "--option=VALUE" alike; "--" ends options.
 */
#include "proxy/command_line.h"

#include "base/check.h"
#include "base/str.h"

enum target { TO_CONFIG, TO_OVERRIDE, TO_PATH, TO_JSON, TO_ORIGIN, TO_HELP, TO_VALUE };

static const struct option {
	const char *name;
	const char *value;    /* what to call it in help; NULL: takes none */
	unsigned target;      /* enum target, or TO_VALUE + enum command_value */
	const char *path;     /* TO_PATH: of the configuration */
	const char *fixed;    /* TO_PATH: the value, for options without one */
	unsigned options;     /* the sets it belongs to; 0: all */
	const char *help;
} rows[] = {
	{ "-c", "FILE", TO_CONFIG, NULL, NULL, OPTIONS_CONF, "read this configuration" },
	{ "--set", "PATH=VALUE", TO_OVERRIDE, NULL, NULL, OPTIONS_CONF,
		"set one value, as in --set timeouts.idle=2m" },
	{ "--email", "ADDRESS", TO_PATH, "email", NULL, OPTIONS_PROXY, "whom the CA may write to" },
	{ "--ca", "CA", TO_PATH, "acme.ca", NULL, OPTIONS_PROXY, "name or directory URL of the CA" },
	{ "--staging", NULL, TO_PATH, "acme.ca", "letsencrypt-staging", OPTIONS_PROXY,
		"use Let's Encrypt's staging CA: untrusted certificates, generous limits" },
	{ "--store", "DIRECTORY", TO_PATH, "store", NULL, OPTIONS_PROXY | OPTIONS_ADMIN, "where certificates are kept" },
	{ "--https", "ADDRESS", TO_PATH, "listen.https", NULL, OPTIONS_PROXY, "instead of :443" },
	{ "--http", "ADDRESS", TO_PATH, "listen.http", NULL, OPTIONS_PROXY, "instead of :80, or off" },
	{ "--ask", "URL", TO_PATH, "on_demand.ask", NULL, OPTIONS_PROXY,
		"who allows names on demand (host \"*\")" },
	{ "--origin", NULL, TO_ORIGIN, NULL, NULL, OPTIONS_ORIGIN, "tell where each value comes from" },
	{ "--quiet", NULL, TO_VALUE + VALUE_QUIET, NULL, NULL, OPTIONS_QUIET, "print nothing, the exit code tells" },
	{ "--max", "N", TO_VALUE + VALUE_MAX, NULL, NULL, OPTIONS_PAGE, "so many at most" },
	{ "--after", "CURSOR", TO_VALUE + VALUE_AFTER, NULL, NULL, OPTIONS_PAGE, "go on where an earlier page ended" },
	{ "--sort", "expiry", TO_VALUE + VALUE_SORT, NULL, NULL, OPTIONS_PAGE, "those that end first come first (reads the whole store)" },
	{ "--no-wait", NULL, TO_VALUE + VALUE_NO_WAIT, NULL, NULL, OPTIONS_WAIT, "begin, and do not wait for the end" },
	{ "--reason", "REASON", TO_VALUE + VALUE_REASON, NULL, NULL, OPTIONS_REVOKE,
		"unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation" },
	{ "--to", "DIRECTORY", TO_VALUE + VALUE_TO, NULL, NULL, OPTIONS_EXPORT, "write fullchain.pem, cert.pem, chain.pem and privkey.pem there" },
	{ "--hook", "PROGRAM", TO_VALUE + VALUE_HOOK, NULL, NULL, OPTIONS_EXPORT, "run this afterwards, with SALLYPORT_NAME and SALLYPORT_DIR set" },
	{ "--dry-run", NULL, TO_VALUE + VALUE_DRY_RUN, NULL, NULL, OPTIONS_IMPORT, "only tell what would be done (the default)" },
	{ "--dry-run", NULL, TO_VALUE + VALUE_DRY_RUN, NULL, NULL, OPTIONS_RELOAD, "only tell what would change, as plan does" },
	{ "--verify", NULL, TO_VALUE + VALUE_VERIFY, NULL, NULL, OPTIONS_AUDIT, "check the chain (the default)" },
	{ "--yes", NULL, TO_VALUE + VALUE_YES, NULL, NULL, OPTIONS_IMPORT | OPTIONS_ACCOUNT, "do it" },
	{ "--key", "FILE", TO_VALUE + VALUE_KEY, NULL, NULL, OPTIONS_ACCOUNT, "change to this key (PEM); otherwise one is made" },
	{ "--replace", NULL, TO_VALUE + VALUE_REPLACE, NULL, NULL, OPTIONS_IMPORT, "put imported accounts in the place of ours" },
	{ "--online", NULL, TO_VALUE + VALUE_ONLINE, NULL, NULL, OPTIONS_ONLINE, "also ask the ask endpoints about a name that cannot exist" },
	{ "--file", "FILE", TO_VALUE + VALUE_FILE, NULL, NULL, OPTIONS_LIST, "also the names in this file, one per line" },
	{ "--tenant", "NAME", TO_VALUE + VALUE_TENANT, NULL, NULL, OPTIONS_TENANT, "on whose behalf they are ordered" },
	{ "--ports", "HTTP:HTTPS", TO_VALUE + VALUE_PORTS, NULL, NULL, OPTIONS_DIAGNOSE, "where the CA comes to, if it is not 80:443" },
	{ "--json", NULL, TO_JSON, NULL, NULL, OPTIONS_JSON, "print JSON" },
	{ "--help", NULL, TO_HELP, NULL, NULL, 0, "tell about this command" },
};

static const struct option *find(struct str name, unsigned options)
{
	if (str_is(name, "--config"))
		name = STR("-c");
	if (str_is(name, "-h"))
		name = STR("--help");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_is(name, rows[i].name) && (rows[i].options == 0 || rows[i].options & options))
			return &rows[i];
	return NULL;
}

static bool add_override(struct command_line *l, const char *path, const char *value)
{
	size_t size = strlen(path) + strlen(value) + 2;
	char *text = arena_alloc(&l->arena, size);

	if (!text || l->n_overrides == COMMAND_LINE_OVERRIDES)
		return false;
	snprintf(text, size, "%s=%s", path, value);
	l->overrides[l->n_overrides++] = text;
	return true;
}

static bool complain(char complaint[256], const char *what, const char *about)
{
	snprintf(complaint, 256, "%s: %.180s", what, about);
	return false;
}

static bool take(struct command_line *l, const struct option *o, const char *value, char complaint[256])
{
	bool fits = true;
	const char **at;

	switch (o->target) {
	case TO_CONFIG:
		if (l->config)
			return complain(complaint, "more than one configuration file", value);
		l->config = value;
		break;
	case TO_OVERRIDE:
		if (!strchr(value, '=') || value[0] == '=')
			return complain(complaint, "--set wants PATH=VALUE, not", value);
		fits = l->n_overrides < COMMAND_LINE_OVERRIDES;
		if (fits)
			l->overrides[l->n_overrides++] = value;
		break;
	case TO_PATH:
		fits = add_override(l, o->path, o->fixed ? o->fixed : value);
		break;
	case TO_JSON: l->json = true; break;
	case TO_ORIGIN: l->origin = true; break;
	case TO_HELP: l->help = true; break;
	default:
		at = &l->values[o->target - TO_VALUE];
		if (*at)
			return complain(complaint, "given twice", o->name);
		*at = value ? value : "";
	}
	return fits || complain(complaint, "too many options, the first above the limit", o->name);
}

/* *arguments is at the option; moved to its value if that is a word of its own. */
static bool take_option(struct command_line *l, char *const **arguments, unsigned options,
	char complaint[256])
{
	const char *text = **arguments, *equals = strchr(text, '=');
	struct str name = equals ? str_of(text, (size_t)(equals - text)) : str_from(text);
	const struct option *o = find(name, options);
	const char *value = equals ? equals + 1 : NULL;

	if (!o)
		return complain(complaint, "unknown option", text);
	if (!o->value && equals)
		return complain(complaint, "this option takes no value", text);
	if (o->value && !value) {
		value = (*arguments)[1];
		if (!value)
			return complain(complaint, "this option wants a value", text);
		++*arguments;
	}
	return take(l, o, value, complaint);
}

bool command_line_parse(struct command_line *l, char *const *arguments, unsigned options,
	char complaint[256])
{
	bool words_only = false;

	*l = (struct command_line){ 0 };
	arena_init(&l->arena, 0);
	for (; *arguments; arguments++) {
		const char *text = *arguments;

		if (!words_only && strcmp(text, "--") == 0) {
			words_only = true;
		} else if (!words_only && text[0] == '-' && text[1]) {
			if (!take_option(l, &arguments, options, complaint))
				return false;
		} else if (l->n_words == COMMAND_LINE_WORDS) {
			return complain(complaint, "too many words, the first above the limit", text);
		} else {
			l->words[l->n_words++] = text;
		}
	}
	return true;
}

void command_line_fini(struct command_line *l)
{
	arena_reset(&l->arena);
}

void command_line_print_options(FILE *out, unsigned options)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[64];

		if (rows[i].options && !(rows[i].options & options))
			continue;
		snprintf(text, sizeof(text), "%s%s%s", rows[i].name, rows[i].value ? " " : "",
			rows[i].value ? rows[i].value : "");
		fprintf(out, "  %-18s %s\n", text, rows[i].help);
	}
}
