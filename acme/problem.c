/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * problem: one row per ACME error type. Everything here is text of a stranger: copied printable and
 * truncated, never trusted for more than choosing a row.
 */
#include "acme/problem.h"

#include <stdio.h>

#include "base/check.h"
#include "base/encode.h"

/* X(type after urn:ietf:params:acme:error:, class, code, about the challenge) */
#define PROBLEM_TYPES(X) \
	X("accountDoesNotExist", PROBLEM_ACCOUNT_GONE, E_ACCOUNT, false) \
	X("alreadyReplaced", PROBLEM_NAME, E_ACME, false) \
	X("alreadyRevoked", PROBLEM_NAME, E_ACME, false) \
	X("badCSR", PROBLEM_PERMANENT, E_ACME, false) \
	X("badNonce", PROBLEM_NONCE, E_ACME, false) \
	X("badPublicKey", PROBLEM_PERMANENT, E_ACCOUNT, false) \
	X("badRevocationReason", PROBLEM_NAME, E_ACME, false) \
	X("badSignatureAlgorithm", PROBLEM_PERMANENT, E_ACCOUNT, false) \
	X("caa", PROBLEM_NAME, E_ISSUE, false) \
	X("compound", PROBLEM_NAME, E_ISSUE, true) \
	X("connection", PROBLEM_NAME, E_ISSUE, true) \
	X("dns", PROBLEM_NAME, E_ISSUE, false) \
	X("externalAccountRequired", PROBLEM_PERMANENT, E_ACCOUNT, false) \
	X("incorrectResponse", PROBLEM_NAME, E_ISSUE, true) \
	X("invalidContact", PROBLEM_PERMANENT, E_ACCOUNT, false) \
	X("invalidProfile", PROBLEM_PERMANENT, E_ACME, false) \
	X("malformed", PROBLEM_NAME, E_ACME, false)  /* also said of names that do not resolve */ \
	X("orderNotReady", PROBLEM_NAME, E_ACME, false) \
	X("rateLimited", PROBLEM_NAME, E_RATE_LIMITED, false) \
	X("rejectedIdentifier", PROBLEM_PERMANENT, E_ACME, false) \
	X("serverInternal", PROBLEM_CA, E_ACME, false) \
	X("tls", PROBLEM_NAME, E_ISSUE, true) \
	X("unauthorized", PROBLEM_NAME, E_ISSUE, true) \
	X("unsupportedContact", PROBLEM_PERMANENT, E_ACCOUNT, false) \
	X("unsupportedIdentifier", PROBLEM_PERMANENT, E_ACME, false) \
	X("userActionRequired", PROBLEM_PERMANENT, E_ACCOUNT, false)

static const struct row {
	const char *type;
	enum problem_class class;
	enum err code;
	bool is_about_challenge;
} rows[] = {
#define X(type, class, code, about_challenge) { type, class, code, about_challenge },
	PROBLEM_TYPES(X)
#undef X
};

static const struct row *row_of(struct str type)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (str_is(type, rows[i].type))
			return &rows[i];
	}
	return NULL;
}

/* Without the urn prefix; types that are somebody else's URL stay as they are. */
static struct str short_type(struct str type)
{
	static const struct str prefix = { "urn:ietf:params:acme:error:", 27 };
	if (str_has_prefix(type, prefix))
		type = str_of(type.at + prefix.len, type.len - prefix.len);
	return str_is(type, "about:blank") ? STR_NONE : type;
}

static enum err code_for(struct str type, unsigned status)
{
	const struct row *row = row_of(type);
	if (row)
		return row->code;
	return status == 429 ? E_RATE_LIMITED : status >= 500 && status != 501 ? E_CA_DOWN : E_ACME;
}

/* The detail of the first subproblem says more than "compound" does. */
static void add_subproblem(const struct json *problem, struct fault *f)
{
	const struct json *sub = json_at(json_get(problem, "subproblems"), 0);
	struct str detail = json_get_str(sub, "detail");
	if (!detail.at)
		return;
	size_t len = strlen(f->detail);
	snprintf(f->detail + len, sizeof f->detail - len, "%s", len ? "; " : "");
	len = strlen(f->detail);
	encode_printable(f->detail + len, sizeof f->detail - len, detail);
	if (str_is(str_from(f->type), "compound"))
		encode_printable(f->type, sizeof f->type, short_type(json_get_str(sub, "type")));
}

enum err problem_from_json(const struct json *problem, struct fault *fault)
{
	struct str type = short_type(json_get_str(problem, "type"));
	struct str detail = json_get_str(problem, "detail");
	double status = json_number(json_get(problem, "status"), 0);
	/* What HTTP said about the message as a whole wins over what the body says about itself. */
	if (!fault->status && status >= 100 && status < 600)
		fault->status = (int)status;
	encode_printable(fault->type, sizeof fault->type, type);
	encode_printable(fault->detail, sizeof fault->detail, detail);
	add_subproblem(problem, fault);
	fault->code = code_for(str_from(fault->type), (unsigned)fault->status);
	return fault->code;
}

enum err problem_read(unsigned status, struct str body, struct fault *fault)
{
	struct json *root = NULL;
	fault_clear(fault);
	fault->status = (int)status;
	fault->code = code_for(STR_NONE, status);
	if (body.len && !json_parse(body, &json_limits_default, &root, NULL)
		&& json_type(root) == JSON_OBJECT)
		problem_from_json(root, fault);
	json_free(&root);
	if (!fault->detail[0])
		snprintf(fault->detail, sizeof fault->detail, "HTTP status %u", status);
	return fault->code;
}

/* Rate limits name their scope in prose only (Let's Encrypt): these are about the whole account. */
static bool is_account_wide(const struct fault *f)
{
	return f->status == 503 || strstr(f->detail, "new orders") || strstr(f->detail, "registrations")
		|| strstr(f->detail, "new accounts") || strstr(f->detail, "too many requests");
}

enum problem_class problem_class(const struct fault *fault)
{
	const struct row *row = row_of(str_from(fault->type));
	if (fault->code == E_RATE_LIMITED)
		return is_account_wide(fault) ? PROBLEM_CA : PROBLEM_NAME;
	if (fault->status == 501)
		return PROBLEM_PERMANENT;  /* this one thing it cannot do; the rest works */
	if (fault->status == 503 || fault->code == E_CA_DOWN)
		return PROBLEM_CA;
	if (row && row->class == PROBLEM_PERMANENT && fault->status >= 500)
		return PROBLEM_CA;
	if ((!row || row->class == PROBLEM_PERMANENT)
		&& (fault->status == 404 || fault->status == 410))
		return PROBLEM_ORDER_GONE;
	if (row)
		return row->class;
	return fault->status >= 500 ? PROBLEM_CA : PROBLEM_NAME;
}

const char *problem_class_text(enum problem_class c)
{
	static const char *const texts[] = {
#define X(name, text) text,
		PROBLEM_CLASSES(X)
#undef X
	};
	ASSERT(c < PROBLEM_CLASS_COUNT);
	return texts[c];
}

bool problem_is_about_challenge(const struct fault *fault)
{
	const struct row *row = row_of(str_from(fault->type));
	return row && row->is_about_challenge;
}
