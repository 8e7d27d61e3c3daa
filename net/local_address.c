/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * local_address: a socket can be bound to our own addresses alone. A list of the interfaces would leave out
 * what is routed to us without being on one.
 */
#include "net/local_address.h"

#include <unistd.h>

bool local_address_has(const struct addr *a)
{
	struct addr at = *a;
	bool has;
	int fd;

	if (at.any.sa_family == AF_INET)
		at.in.sin_port = 0;
	else if (at.any.sa_family == AF_INET6)
		at.in6.sin6_port = 0;
	else
		return false;
	fd = socket(at.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	has = bind(fd, &at.any, addr_len(&at)) == 0;
	close(fd);
	return has;
}
