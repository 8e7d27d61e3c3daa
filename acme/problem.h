/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * problem: what a CA says when it says no (RFC 7807, RFC 8555 6.7), as a fault; and what that means
 * for the next attempt.
 */
#ifndef ACME_PROBLEM_H
#define ACME_PROBLEM_H

#include "base/err.h"
#include "base/json.h"

/* What a failure means for scheduling (X: enumerator, text). */
#define PROBLEM_CLASSES(X) \
	X(PROBLEM_NAME, "this name backs off") \
	X(PROBLEM_CA, "the whole CA backs off") \
	X(PROBLEM_PERMANENT, "nothing helps but another configuration") \
	X(PROBLEM_NONCE, "sign again with another nonce") \
	X(PROBLEM_ACCOUNT_GONE, "register the same key again") \
	X(PROBLEM_ORDER_GONE, "the order is no more: a new one")

enum problem_class {
#define X(name, text) name,
	PROBLEM_CLASSES(X)
#undef X
	PROBLEM_CLASS_COUNT
};

/* Fills fault from an answer that is no success: the HTTP status counts, the body may be anything.
 * Returns fault->code, never E_OK. */
enum err problem_read(unsigned status, struct str body, struct fault *fault);
/* The same from a problem object inside another document (challenge or order "error"). */
enum err problem_from_json(const struct json *problem, struct fault *fault);

enum problem_class problem_class(const struct fault *fault);
const char *problem_class_text(enum problem_class c);
/* Whether another challenge type may succeed where this failed. */
bool problem_is_about_challenge(const struct fault *fault);

#endif
