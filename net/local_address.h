/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * local_address: what only this machine's kernel knows of an address.
 */
#ifndef NET_LOCAL_ADDRESS_H
#define NET_LOCAL_ADDRESS_H

#include "net/addr.h"

/* Whether the IP of this address is one of this machine's, all of 127.0.0.0/8 included; its port does not matter.
 * Where net.ipv4.ip_nonlocal_bind is set every address passes for one. Two system calls, no waiting. */
bool local_address_has(const struct addr *a);

#endif
