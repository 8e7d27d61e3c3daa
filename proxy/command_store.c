/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_store: reads the files, whether or not an instance runs.
 */
#include "proxy/command_store.h"

#include "proxy/command_look.h"
#include "proxy/stored_root.h"

int command_root(struct command_call *c)
{
	struct conf *conf = command_load_admin(c);
	struct fault fault = { 0 };
	struct buf pem;
	enum err err;

	if (!conf)
		return COMMAND_FAILED;
	buf_init(&pem, 0);
	err = stored_root_read(conf->store, &pem, &fault);
	if (err)
		command_fail(c, err, &fault);
	else
		fprintf(c->args->out, "%s", buf_cstring(&pem));
	buf_fini(&pem);
	conf_unref(&conf);
	return err ? COMMAND_FAILED : COMMAND_FINE;
}
