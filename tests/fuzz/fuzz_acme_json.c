/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_acme_json: all that a CA, or who poses as one, can say in a body, and the records that could be
 * damaged on disk. The first byte chooses the reader.
 */
#include <stddef.h>
#include <stdint.h>

#include "acme/account.h"
#include "acme/directory.h"
#include "acme/failure.h"
#include "acme/journal.h"
#include "acme/order.h"
#include "acme/problem.h"
#include "base/check.h"
#include "base/mem.h"

static void read_directory(struct str s, struct fault *f)
{
	struct directory_body *body = mem_new(sizeof *body);
	if (!directory_parse(s, body, f))
		ASSERT(body->new_nonce[0] && body->new_order[0]);
	mem_free(&body);
}

static void read_order(struct str s, struct fault *f)
{
	struct order_body *body = mem_new(sizeof *body);
	if (!order_parse(s, body, f))
		ASSERT(body->n_authz <= ORDER_AUTHZ);
	mem_free(&body);
}

static void read_authz(struct str s, struct fault *f)
{
	struct authz_body *body = mem_new(sizeof *body);
	if (!authz_parse(s, body, f)) {
		for (int i = 0; i < CONF_CHALLENGES; i++)
			ASSERT(!body->challenges[i].is_offered
				|| (i == CONF_DNS_PERSIST_01 ? body->challenges[i].issuer[0] != 0
				: challenge_token_is_fine(str_from(body->challenges[i].token))));
	}
	mem_free(&body);
}

static void read_problem(struct str s, struct fault *f)
{
	ASSERT(problem_read(400, s, f) != E_OK);
	ASSERT(problem_class(f) < PROBLEM_CLASS_COUNT);
	for (const char *c = f->detail; *c; c++)
		ASSERT(*c != '\n' && *c != '\r' && *c != '\x1b');
}

static void read_failure(struct str s, struct fault *f)
{
	struct failure failure;
	if (!failure_parse(s, &failure, f))
		ASSERT(failure.count > 0 && failure.fault.code);
}

static void read_journal(struct str s, struct fault *f)
{
	struct journal journal;
	journal_parse(s, &journal, f);
	journal_fini(&journal);
}

static void read_account(struct str s, struct fault *f)
{
	struct account_record *record = NULL;
	account_record_parse(s, &record, f);
	account_record_free(&record);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static void (*const readers[])(struct str, struct fault *) = { read_directory, read_order,
		read_authz, read_problem, read_failure, read_journal, read_account };
	struct fault fault = { 0 };
	if (n)
		readers[bytes[0] % ARRAY_LEN(readers)](str_of(bytes + 1, n - 1), &fault);
	return 0;
}
