/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * socket: a socket address holds 107 bytes; "/proc/self/fd/7/control.sock" always fits.
 */
#include "proxy/admin/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/check.h"

bool admin_socket_path(const struct conf *conf, char path[ADMIN_SOCKET_PATH])
{
	const char *socket = conf->admin.socket;

	if (socket && strcmp(socket, "off") == 0)
		return false;
	if (socket)
		snprintf(path, ADMIN_SOCKET_PATH, "%s", socket);
	else
		snprintf(path, ADMIN_SOCKET_PATH, "%s/control.sock", conf->store);
	return true;
}

static enum err open_directory(struct admin_socket *s, const char *slash, struct fault *fault)
{
	char directory[ADMIN_SOCKET_PATH];

	if (!str_copy(directory, sizeof(directory), str_of(s->path, (size_t)(slash - s->path))))
		UNREACHABLE();
	s->directory = open(directory[0] ? directory : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->directory >= 0)
		return E_OK;
	return fault_set(fault, errno == ENOENT ? E_NOT_FOUND : E_FILE, "%s: %s", directory,
		strerror(errno));
}

enum err admin_socket_locate(struct admin_socket *s, const char *path, struct fault *fault)
{
	const char *slash;
	char text[128];
	enum err err;

	s->directory = -1;
	if (!str_copy(s->path, sizeof(s->path), str_from(path)))
		return fault_set(fault, E_LIMIT, "the path of the control socket is too long");
	if (addr_unix(&s->addr, str_from(path)) == E_OK)
		return E_OK;
	slash = strrchr(s->path, '/');
	if (!slash || strlen(slash + 1) > 64)
		return fault_set(fault, E_LIMIT, "%s: too long a name for a socket", path);
	err = open_directory(s, slash, fault);
	if (err)
		return err;
	snprintf(text, sizeof(text), "/proc/self/fd/%d/%s", s->directory, slash + 1);
	return addr_unix(&s->addr, str_from(text));
}

void admin_socket_close(struct admin_socket *s)
{
	if (s->directory >= 0)
		close(s->directory);
	s->directory = -1;
}
