/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_export: each file is written beside its place and moved there, the key first: who reads in between
 * sees a pair that does not fit for an instant at most, never half a file.
 */
#include "proxy/command_export.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "certstore/pem.h"
#include "proxy/admin/offline.h"
#include "proxy/command_look.h"

enum { PATH = 4096 };

/* A bundle taken apart. */
struct pieces {
	struct buf key, leaf, rest, all;
};

static void pieces_fini(struct pieces *p)
{
	mem_wipe(p->key.at, p->key.len);
	buf_fini(&p->key);
	buf_fini(&p->leaf);
	buf_fini(&p->rest);
	buf_fini(&p->all);
}

static enum err add_block(struct pieces *p, const struct pem_block *b)
{
	char label[32];
	enum err err;

	if (!str_copy(label, sizeof(label), b->label))
		return E_PARSE;
	if (!str_is(b->label, "CERTIFICATE"))
		return pem_add(&p->key, label, buf_str(&b->der));
	err = pem_add(p->leaf.len ? &p->rest : &p->leaf, label, buf_str(&b->der));
	return err ? err : pem_add(&p->all, label, buf_str(&b->der));
}

static enum err take_apart(struct pieces *p, struct str bundle, struct fault *fault)
{
	struct pem_block block;
	enum err err;

	while ((err = pem_next(&bundle, &block)) == E_OK) {
		err = add_block(p, &block);
		mem_wipe(block.der.at, block.der.len);
		buf_fini(&block.der);
		if (err)
			break;
	}
	if (err != E_NOT_FOUND || !p->key.len || !p->leaf.len)
		return fault_set(fault, E_STORE_CORRUPT, "the bundle cannot be taken apart");
	return E_OK;
}

/* ---- files ---- */

static enum err failed(struct fault *fault, const char *path)
{
	return fault_set(fault, E_FILE, "%s: %s", path, strerror(errno));
}

static bool write_all(int fd, struct str text)
{
	while (text.len) {
		ssize_t n = write(fd, text.at, text.len);

		if (n <= 0)
			return false;
		text = str_of(text.at + n, text.len - (size_t)n);
	}
	return fsync(fd) == 0;
}

static enum err put_file(int directory, const char *name, mode_t mode, struct str text,
	struct fault *fault)
{
	char beside[64];
	bool is_good;
	int fd;

	snprintf(beside, sizeof(beside), ".%s.%d", name, (int)getpid());
	unlinkat(directory, beside, 0);
	fd = openat(directory, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return failed(fault, name);
	is_good = fchmod(fd, mode) == 0 && write_all(fd, text);
	if (close(fd) != 0 || !is_good || renameat(directory, beside, directory, name) != 0) {
		enum err err = failed(fault, name);

		unlinkat(directory, beside, 0);
		return err;
	}
	return E_OK;
}

static enum err write_files(const struct pieces *p, const char *path, struct fault *fault)
{
	const struct { const char *name; mode_t mode; const struct buf *text; } files[] = {
		{ "privkey.pem", 0600, &p->key }, { "fullchain.pem", 0644, &p->all },
		{ "cert.pem", 0644, &p->leaf }, { "chain.pem", 0644, &p->rest },
	};
	enum err err = E_OK;
	int directory;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return failed(fault, path);
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return failed(fault, path);
	for (size_t i = 0; !err && i < ARRAY_LEN(files); i++)
		err = put_file(directory, files[i].name, files[i].mode, buf_str(files[i].text), fault);
	if (!err && fsync(directory) != 0)
		err = failed(fault, path);
	close(directory);
	return err;
}

/* ---- the hook: a program, never a shell ---- */

static enum err run_hook(const char *hook, const char *name, const char *directory, struct fault *fault)
{
	char *argv[] = { (char *)(uintptr_t)hook, NULL };
	extern char **environ;
	pid_t pid;
	int error, status = 0;

	if (setenv("SALLYPORT_NAME", name, 1) || setenv("SALLYPORT_DIR", directory, 1))
		return fault_set(fault, E_NOMEM, "no memory for the hook");
	error = posix_spawnp(&pid, hook, NULL, NULL, argv, environ);
	if (error)
		return fault_set(fault, E_FILE, "hook %s: %s", hook, strerror(error));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return E_OK;
	return fault_set(fault, E_IO, "hook %s ended with %s %d; the files are written", hook,
		WIFEXITED(status) ? "status" : "signal", WIFEXITED(status) ? WEXITSTATUS(status) :
		WTERMSIG(status));
}

/* ---- the command ---- */

static int tell(const struct command_call *c, const char *name, const char *to)
{
	struct json *root;

	if (!c->line.json) {
		fprintf(c->args->out, "%s: privkey.pem, fullchain.pem, cert.pem, chain.pem in %s\n", name, to);
		return COMMAND_FINE;
	}
	root = json_new_object();
	json_put_bool(root, "ok", true);
	json_put_cstr(root, "name", name);
	json_put_cstr(root, "directory", to);
	command_print_json(c->args->out, &root);
	return COMMAND_FINE;
}

static int print_pieces(const struct command_call *c, const char *name, const struct pieces *p)
{
	struct json *root;

	if (!c->line.json) {
		fprintf(c->args->out, "%.*s%.*s", STR_FMT(buf_str(&p->key)), STR_FMT(buf_str(&p->all)));
		return COMMAND_FINE;
	}
	root = json_new_object();
	json_put_cstr(root, "name", name);
	json_put_str(root, "key", buf_str(&p->key));
	json_put_str(root, "chain", buf_str(&p->all));
	command_print_json(c->args->out, &root);
	return COMMAND_FINE;
}

static enum err get(const struct conf *conf, const char *name, struct pieces *p, struct fault *fault)
{
	struct buf bundle;
	enum err err;

	buf_init(&bundle, 0);
	err = offline_bundle(conf, name, &bundle, fault);
	if (!err)
		err = take_apart(p, buf_str(&bundle), fault);
	mem_wipe(bundle.at, bundle.len);
	buf_fini(&bundle);
	return err;
}

static int export_name(struct command_call *c, const struct conf *conf)
{
	const char *to = c->line.values[VALUE_TO], *hook = c->line.values[VALUE_HOOK];
	struct pieces p = { 0 };
	struct fault fault = { 0 };
	char name[COMMAND_NAME];
	enum err err = command_series(c->line.words[0], name, &fault);
	int code;

	if (!err)
		err = get(conf, name, &p, &fault);
	if (!err && to)
		err = write_files(&p, to, &fault);
	if (!err && hook)
		err = run_hook(hook, name, to, &fault);
	code = err ? command_fail(c, err, &fault) : to ? tell(c, name, to) : print_pieces(c, name, &p);
	pieces_fini(&p);
	return code;
}

int command_export(struct command_call *c)
{
	struct conf *conf;
	int code;

	if (c->line.values[VALUE_HOOK] && !c->line.values[VALUE_TO]) {
		fprintf(c->args->err, "SP-%d --hook needs --to DIRECTORY\n", err_code(E_USAGE));
		return COMMAND_USAGE;
	}
	conf = command_load_admin(c);
	if (!conf)
		return COMMAND_FAILED;
	code = export_name(c, conf);
	conf_unref(&conf);
	return code;
}
