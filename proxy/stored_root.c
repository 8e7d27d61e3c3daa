/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stored_root: a loop of its own for the time of one question to the store.
 */
#include "proxy/stored_root.h"

#include "acme/internal_ca.h"
#include "base/mem.h"
#include "certstore/store.h"

struct question {
	struct loop *loop;
	enum err err;
	struct fault fault;
	struct buf *answer;
};

/* Pool thread. */
static enum err parse_root(struct str bytes, const char *name, void **object, struct fault *fault)
{
	struct buf *pem = mem_new(sizeof(*pem));
	enum err err;

	(void)name;
	buf_init(pem, 0);
	err = internal_ca_root_pem(bytes, pem);
	if (err) {
		buf_fini(pem);
		mem_free(&pem);
		return fault_set(fault, err, "no internal CA in it");
	}
	*object = pem;
	return E_OK;
}

static void on_root(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct question *q = owner;
	struct buf *pem = object;

	q->err = err;
	if (fault)
		q->fault = *fault;
	if (!err) {
		q->err = buf_add(q->answer, buf_str(pem));
		buf_fini(pem);
		mem_free(&pem);
	}
	loop_stop(q->loop);
}

enum err stored_root_read(const char *store_directory, struct buf *pem, struct fault *fault)
{
	struct question q = { .answer = pem };
	struct store *store = NULL;
	enum err err;

	q.loop = loop_new();
	err = store_disk_open_to_read(q.loop, store_directory, &store, fault);
	if (!err) {
		store_load(store, STORE_ACCOUNTS, INTERNAL_CA_NAME, parse_root, on_root, &q);
		loop_run(q.loop);
		store->ops->free(store);
		err = q.err;
		*fault = q.fault;
	}
	loop_free(&q.loop);
	if (err == E_NOT_FOUND)
		fault_set(fault, err, "the internal CA of %s has not been used yet", store_directory);
	return err;
}
