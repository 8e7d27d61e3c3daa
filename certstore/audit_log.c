/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * audit_log: the files of the audit log, blocking. A line is complete when its newline is there; what
 * a crash left behind the last newline is cut off by the next append. All under one kernel lock.
 */
#include "certstore/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "certstore/digest.h"
#include "certstore/files.h"

enum { HASH = ENCODE_HEX_SIZE(DIGEST_SHA256), FILE_NAME = 32, READ_MAX = 4 * AUDIT_FILE_BYTES };

#define LOG_NAME "audit.log"
#define LOCK_NAME "audit.lock"

static const struct log area = {"audit"};

/* Where the chain stands. */
struct end {
	char hash[HASH];            /* of the last line */
	unsigned long long number;  /* its own */
	size_t bytes;               /* of complete lines in the newest file */
};

static void hash_line(char hash[HASH], struct str line)
{
	unsigned char digest[DIGEST_SHA256];

	digest_sha256(digest, line);
	encode_hex(hash, str_of(digest, sizeof(digest)));
}

static void begin_chain(struct end *end)
{
	*end = (struct end){0};
	memset(end->hash, '0', HASH - 1);
}

static void file_name(char name[FILE_NAME], unsigned age)
{
	snprintf(name, FILE_NAME, age ? LOG_NAME ".%u" : LOG_NAME, age);
}

static unsigned long long number_of(struct str line)
{
	struct json *root = NULL;
	unsigned long long n = 0;

	if (json_parse(line, &json_limits_default, &root, NULL) == E_OK)
		n = (unsigned long long)json_number(json_get(root, "n"), 0);
	json_free(&root);
	return n;
}

/* The last complete line, and how much of the text is complete. */
static struct str last_line(struct str text, size_t *complete)
{
	size_t end = text.len, start;

	while (end > 0 && text.at[end - 1] != '\n')
		end--;
	*complete = end;
	if (end == 0)
		return STR_NONE;
	start = end - 1;
	while (start > 0 && text.at[start - 1] != '\n')
		start--;
	return str_of(text.at + start, end - 1 - start);
}

/* False when the file is missing or has no complete line. */
static bool read_end(int directory, unsigned age, struct end *end, int *rc)
{
	char name[FILE_NAME];
	struct buf text;
	struct str line;

	file_name(name, age);
	buf_init(&text, READ_MAX);
	*rc = files_read(directory, name, READ_MAX, FILES_NO_SYMLINK, &text);
	line = *rc ? STR_NONE : last_line(buf_str(&text), &end->bytes);
	if (line.at) {
		hash_line(end->hash, line);
		end->number = number_of(line);
		if (age == 0 && end->bytes < text.len)
			log_warn(&area, "incomplete last line cut off", "bytes=%zu", text.len - end->bytes);
	}
	buf_fini(&text);
	if (*rc == -ENOENT)
		*rc = 0;
	return line.at != NULL;
}

static int find_end(int directory, struct end *end)
{
	int rc;

	begin_chain(end);
	if (read_end(directory, 0, end, &rc) || rc)
		return rc;
	/* Rotated a moment ago, or cut off in its first line. */
	read_end(directory, 1, end, &rc);
	end->bytes = 0;
	return rc;
}

static int rotate(int directory, struct end *end)
{
	char from[FILE_NAME], to[FILE_NAME];
	int rc;

	file_name(to, AUDIT_FILES - 1);
	rc = files_remove(directory, to);
	for (unsigned age = AUDIT_FILES - 1; age > 0 && (!rc || rc == -ENOENT); age--) {
		file_name(to, age);
		file_name(from, age - 1);
		rc = files_rename(directory, from, directory, to);
	}
	if (!rc)
		rc = files_sync(directory);
	end->bytes = 0;
	return rc;
}

/* Each body becomes a line that knows the one before. */
static enum err write_lines(struct str bodies, struct end *end, struct buf *out)
{
	char time[CLOCK_RFC3339];
	enum err err = E_OK;

	clock_rfc3339(time, clock_wall_ms());
	while (!err && bodies.len > 0) {
		size_t from = out->len;
		struct str body;

		bodies = str_cut(bodies, '\n', &body);
		err = buf_addf(out, "{\"n\":%llu,\"time\":\"%s\",%.*s,\"prev\":\"%s\"}", ++end->number,
			time, STR_FMT(body), end->hash);
		if (!err) {
			hash_line(end->hash, str_of(out->at + from, out->len - from));
			err = buf_add(out, STR("\n"));
		}
	}
	return err;
}

static int append(int directory, struct str bodies, size_t bytes_max)
{
	struct end end;
	struct buf lines;
	int rc = find_end(directory, &end);

	if (!rc && end.bytes >= bytes_max)
		rc = rotate(directory, &end);
	if (rc)
		return rc;
	buf_init(&lines, 0);
	rc = write_lines(bodies, &end, &lines) ? -ENOMEM
		: files_append(directory, LOG_NAME, end.bytes, buf_str(&lines));
	buf_fini(&lines);
	return rc;
}

enum err audit_append(const char *directory, struct str bodies, size_t bytes_max, struct fault *fault)
{
	int fd = files_open_directory(AT_FDCWD, directory), lock, rc;

	if (fd < 0)
		return fault_set(fault, E_STORE, "audit log: %s", strerror(-fd));
	lock = files_lock(fd, LOCK_NAME);
	rc = lock < 0 ? lock : append(fd, bodies, bytes_max);
	if (lock >= 0)
		close(lock);
	close(fd);
	if (rc == -EWOULDBLOCK)
		return fault_set(fault, E_LOCKED, "another process writes the audit log");
	return rc ? fault_set(fault, E_STORE, "audit log: %s", strerror(-rc)) : E_OK;
}

/* ---- looking at it ---- */

struct walk {
	struct audit_verdict *out;
	char expected[HASH];
	unsigned long long at;      /* line in the file */
};

static const char *check_line(struct walk *w, struct str line)
{
	struct json *root = NULL;
	const char *why = NULL;
	unsigned long long n;

	if (json_parse(line, &json_limits_default, &root, NULL) || json_type(root) != JSON_OBJECT) {
		json_free(&root);
		return "is no JSON object";
	}
	n = (unsigned long long)json_number(json_get(root, "n"), 0);
	if (w->out->lines && n != w->out->last + 1)
		why = "does not have the number that follows";
	else if ((w->out->lines || n == 1) && !str_is(json_get_str(root, "prev"), w->expected))
		why = "does not carry the hash of the line before";
	else if (n == 0)
		why = "has no number";
	json_free(&root);
	if (!w->out->lines)
		w->out->first = n;
	w->out->last = n;
	w->out->lines++;
	hash_line(w->expected, line);
	return why;
}

static void check_file(struct walk *w, const char *name, struct str text)
{
	size_t complete;

	last_line(text, &complete);
	w->out->is_torn = complete < text.len;
	text.len = complete;
	w->at = 0;
	while (text.len > 0 && !w->out->why) {
		struct str line;

		text = str_cut(text, '\n', &line);
		w->at++;
		w->out->why = check_line(w, line);
	}
	if (w->out->why) {
		w->out->broken_line = w->at;
		snprintf(w->out->file, sizeof(w->out->file), "%s", name);
	}
}

static int check_files(int directory, struct walk *w)
{
	int rc = 0;

	for (unsigned age = AUDIT_FILES; age-- > 0 && !rc && !w->out->why;) {
		char name[FILE_NAME];
		struct buf text;

		file_name(name, age);
		buf_init(&text, READ_MAX);
		rc = files_read(directory, name, READ_MAX, FILES_NO_SYMLINK, &text);
		if (!rc)
			check_file(w, name, buf_str(&text));
		else if (rc == -ENOENT)
			rc = 0;
		buf_fini(&text);
	}
	return rc;
}

enum err audit_verify(const char *directory, struct audit_verdict *out, struct fault *fault)
{
	struct walk w = {.out = out};
	struct end nothing;
	int fd = files_open_directory(AT_FDCWD, directory), rc;

	*out = (struct audit_verdict){0};
	begin_chain(&nothing);
	memcpy(w.expected, nothing.hash, HASH);
	if (fd == -ENOENT)
		return fault_set(fault, E_NOT_FOUND, "there is no store %s", directory);
	if (fd < 0)
		return fault_set(fault, E_STORE, "%s: %s", directory, strerror(-fd));
	rc = check_files(fd, &w);
	close(fd);
	if (rc)
		return fault_set(fault, E_STORE, "audit log: %s", strerror(-rc));
	return out->lines || out->why ? E_OK
		: fault_set(fault, E_NOT_FOUND, "nothing was issued in %s yet", directory);
}
