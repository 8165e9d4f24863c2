/* Files that a configuration names: there, of the right kind, private where they hold a secret.
 * Looks at metadata only; base/secret opens and checks again when the engine starts. */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/report.h"

struct files {
	const struct config *c;
	struct config_report *r;
};

static void bad(struct files *f, const char *key, const char *path, const char *trouble)
{
	report_add(f->r, config_line(f->c, key), key, "%s %s", path, trouble);
}

static void missing(struct files *f, const char *key, const char *path)
{
	report_add(f->r, config_line(f->c, key), key, "%s cannot be read: %s", path, strerror(errno));
}

static const char *private_trouble(const struct stat *st)
{
	if (S_ISLNK(st->st_mode))
		return "is a symbolic link; name the file itself";
	if (!S_ISREG(st->st_mode))
		return "is not a regular file";
	if (st->st_uid != geteuid())
		return "belongs to another account; it must belong to the one the engine runs as";
	if (st->st_mode & 077)
		return "may be read by others; run chmod 600 on it";
	return st->st_size == 0 ? "is empty" : NULL;
}

static void check_private(struct files *f, const char *key, const char *path)
{
	struct stat st;
	if (!path)
		return;
	if (lstat(path, &st) != 0)
		missing(f, key, path);
	else if (private_trouble(&st))
		bad(f, key, path, private_trouble(&st));
}

static void check_readable(struct files *f, const char *key, const char *path)
{
	struct stat st;
	if (!path)
		return;
	if (stat(path, &st) != 0 || access(path, R_OK) != 0)
		missing(f, key, path);
	else if (!S_ISREG(st.st_mode))
		bad(f, key, path, "is not a regular file");
}

static void check_folder(struct files *f, const char *key, const char *path)
{
	struct stat st;
	if (!path)
		return;
	if (lstat(path, &st) != 0)
		missing(f, key, path);
	else if (!S_ISDIR(st.st_mode))
		bad(f, key, path, S_ISLNK(st.st_mode) ? "is a symbolic link, which is not followed; name the directory itself" : "is not a directory");
	else if (access(path, R_OK | X_OK) != 0)
		missing(f, key, path);
}

static const char *program_trouble(const struct stat *st, const char *path)
{
	if (!S_ISREG(st->st_mode))
		return "is not a regular file";
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return "belongs to another account; it must belong to this one or to root";
	if (st->st_mode & 022)
		return "can be changed by other accounts; run chmod go-w on it";
	return access(path, X_OK) != 0 ? "cannot be run; run chmod +x on it" : NULL;
}

static void check_program(struct files *f, const char *key, const char *path)
{
	struct stat st;
	if (stat(path, &st) != 0)
		missing(f, key, path);
	else if (program_trouble(&st, path))
		bad(f, key, path, program_trouble(&st, path));
}

static const char *key_of(char dst[80], const char *list, size_t i, const char *key)
{
	snprintf(dst, 80, "%s[%zu].%s", list, i, key);
	return dst;
}

enum rc config_check_files(const struct config *c, struct config_report *r)
{
	struct files f = { c, r };
	char key[80];
	size_t before = r->n;
	if (!r->file)
		r->file = xstrdup(c->file);
	if (c->engine.group && !getgrnam(c->engine.group))
		bad(&f, "engine.group", c->engine.group, "is not a group of this machine");
	for (size_t i = 0; i < c->n_links; i++) {
		check_private(&f, key_of(key, "links", i, "token_file"), c->links[i].token_file);
		check_readable(&f, key_of(key, "links", i, "ca_file"), c->links[i].ca_file);
	}
	for (size_t i = 0; i < c->n_lanes; i++) {
		check_private(&f, key_of(key, "lanes", i, "key_file"), c->lanes[i].key_file);
		check_readable(&f, key_of(key, "lanes", i, "ca_file"), c->lanes[i].ca_file);
		if (c->lanes[i].n_command)
			check_program(&f, key_of(key, "lanes", i, "command"), c->lanes[i].command[0]);
	}
	for (size_t i = 0; i < c->n_objects; i++)
		check_folder(&f, key_of(key, "objects", i, "path"), c->objects[i].path);
	for (size_t i = 0; i < c->n_records; i++) {
		if (c->records[i].kind == CFG_RECORDS_SQLITE)
			check_readable(&f, key_of(key, "records", i, "path"), c->records[i].path);
		check_private(&f, key_of(key, "records", i, "key_file"), c->records[i].key_file);
		check_private(&f, key_of(key, "records", i, "writer_key_file"), c->records[i].writer_key_file);
		check_readable(&f, key_of(key, "records", i, "ca_file"), c->records[i].ca_file);
	}
	report_sort(r);
	return r->n == before ? RC_OK : RC_USAGE;
}
