/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * adoption_scan: the walk through files. Links to files are followed (certbot's live/ is made of them), links to
 * directories are not; nothing that is no regular file is opened to read.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/adoption.h"

enum { DEPTH_MAX = 8, PATH_BYTES = 4096, FILES_MAX = 500 * 1000, CONF_MAX = 64 * 1024 };

static enum err unreadable(struct fault *fault, const char *path)
{
	return fault_set(fault, E_FILE, "%s: %s", path, strerror(errno));
}

static enum err read_all(int fd, size_t size, const char *path, struct buf *out, struct fault *fault)
{
	while (out->len < size) {
		ssize_t n;

		if (buf_reserve(out, size - out->len))
			return fault_set(fault, E_NOMEM, "%s: no memory", path);
		n = read(fd, out->at + out->len, size - out->len);
		if (n < 0)
			return unreadable(fault, path);
		if (n == 0)
			break;
		out->len += (size_t)n;
	}
	return E_OK;
}

static void take(struct adoption *a, struct str text, const char *path)
{
	struct str rest = text;

	while (rest.len && strchr(" \t\r\n", rest.at[0]))
		rest = str_of(rest.at + 1, rest.len - 1);
	if (rest.len && rest.at[0] == '{')
		adoption_add_json(a, text, path);
	else if (!adoption_add_pem(a, text, path) && text.len <= CONF_MAX)
		adoption_accounts_add_conf(adoption_accounts(a), text, path);
}

/* Never waits for a FIFO. */
static enum err scan_file(struct adoption *a, const char *path, struct fault *fault)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	struct buf text;
	enum err err = E_OK;

	if (fd < 0)
		return unreadable(fault, path);
	buf_init(&text, ADOPTION_JSON_MAX);
	adoption_note_file(a);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		err = fault_set(fault, E_FILE, "%s: not a regular file", path);
	else if (st.st_size > ADOPTION_JSON_MAX)
		err = fault_set(fault, E_LIMIT, "%s: larger than what we read", path);
	else
		err = read_all(fd, (size_t)st.st_size, path, &text, fault);
	if (!err && text.len)
		take(a, buf_str(&text), path);
	mem_wipe(text.at, text.len);
	buf_fini(&text);
	close(fd);
	return err;
}

static enum err scan(struct adoption *a, const char *path, int depth, struct fault *fault);

/* What cannot be read below the top is passed over: other users' files, sockets, dead links. */
static enum err scan_directory(struct adoption *a, const char *path, int depth, struct fault *fault)
{
	DIR *d = opendir(path);
	struct dirent *file;
	enum err err = E_OK;

	if (!d)
		return unreadable(fault, path);
	while (!err && (file = readdir(d)) != NULL) {
		char below[PATH_BYTES];
		struct fault ignored = { 0 };

		if (strcmp(file->d_name, ".") == 0 || strcmp(file->d_name, "..") == 0)
			continue;
		if ((size_t)snprintf(below, sizeof(below), "%s/%s", path, file->d_name) >= sizeof(below))
			continue;
		if (adoption_counts(a).files >= FILES_MAX)
			err = fault_set(fault, E_LIMIT, "%s: more than %d files", path, FILES_MAX);
		else
			scan(a, below, depth + 1, &ignored);
	}
	closedir(d);
	return err;
}

static enum err scan(struct adoption *a, const char *path, int depth, struct fault *fault)
{
	struct stat st;

	if ((depth ? lstat(path, &st) : stat(path, &st)) != 0)
		return unreadable(fault, path);
	if (S_ISDIR(st.st_mode))
		return depth < DEPTH_MAX ? scan_directory(a, path, depth, fault) : E_OK;
	return scan_file(a, path, fault);
}

enum err adoption_scan(struct adoption *a, const char *path, struct fault *fault)
{
	return scan(a, path, 0, fault);
}
