/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pump: see the header.
 */
#include "proxy/pump.h"

#include "base/check.h"

enum err pump_body(struct pump *p, struct str bytes)
{
	enum err err;

	ASSERT(!p->has_ended);
	p->bytes += bytes.len;
	err = side_send_body(p->to, bytes);
	if (err || p->is_paused || side_queued(p->to) <= p->mark_bytes)
		return err;
	p->is_paused = true;
	side_pause(p->from);
	return E_OK;
}

enum err pump_end(struct pump *p, const struct headers *trailers)
{
	ASSERT(!p->has_ended);
	p->has_ended = true;
	return side_send_end(p->to, trailers);
}

void pump_writable(struct pump *p)
{
	if (!p->is_paused || p->has_ended)
		return;
	p->is_paused = false;
	side_resume(p->from);
}
