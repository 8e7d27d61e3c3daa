/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_json: any bytes are either refused or become a tree that prints and reads back.
 */
#include "base/check.h"
#include "base/json.h"
#include "base/mem.h"

static void read_back(const struct json *root)
{
	struct json *again;
	struct buf text;

	buf_init(&text, 0);
	ASSERT(json_print(root, &text, true) == E_OK);
	ASSERT(json_parse(buf_str(&text), &json_limits_config, &again, NULL) == E_OK);
	ASSERT(json_count(again) == json_count(root));
	json_free(&again);
	buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *copy = mem_copy(bytes, size);
	struct json *root;
	size_t at;

	if (json_parse(str_of(copy, size), &json_limits_default, &root, &at) == E_OK)
		read_back(root);
	else
		ASSERT(at <= size);
	json_free(&root);
	if (json_parse_relaxed(copy, size, &json_limits_default, &root, &at) == E_OK) {
		read_back(root);
		for (const struct json *n = json_first(root); n; n = json_next(n))
			ASSERT(json_offset(root, n) < size);
	}
	json_free(&root);
	mem_free(&copy);
	return 0;
}
