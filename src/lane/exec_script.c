#include "lane/exec_script.h"

#include "base/hash.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 64 << 20 };

struct exec_script {
	const struct cfg_lane *cfg;
	const char **argv;
	const char *env[5];
	char *home, *lane;
	struct hash print;
};

/* Whoever may write the file may delete with the engine's approval in hand. */
static enum rc check_file(const char *path, const struct stat *st, bool first, struct err *e)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return err_set(e, RC_USAGE, "%s belongs to uid %u; it must belong to this account or to root", path, (unsigned)st->st_uid);
	if (st->st_mode & 022)
		return err_set(e, RC_USAGE, "%s can be changed by other accounts; run chmod go-w on it", path);
	if (first && access(path, X_OK) != 0)
		return err_set(e, RC_USAGE, "%s cannot be run: %s", path, strerror(errno));
	if (st->st_size > FILE_MAX_BYTES)
		return err_set(e, RC_USAGE, "%s is larger than a program (%d MiB)", path, FILE_MAX_BYTES >> 20);
	return RC_OK;
}

static enum rc add_bytes(int fd, const char *path, struct hasher *h, struct err *e)
{
	char piece[65536];
	ssize_t n;
	while ((n = read(fd, piece, sizeof piece)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, RC_USAGE, "%s cannot be read: %s", path, strerror(errno));
		hasher_add(h, piece, (size_t)n);
	}
	return RC_OK;
}

/* A word that is the absolute path of a file is part of the program; other words are only words. */
static enum rc add_file(const char *path, bool first, struct hasher *h, struct err *e)
{
	struct stat st;
	int fd = path[0] == '/' ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
	if (fd < 0)
		return first ? err_set(e, RC_USAGE, "%s cannot be opened: %s", path, strerror(errno)) : RC_OK;
	enum rc rc = fstat(fd, &st) == 0 ? RC_OK : err_set(e, RC_USAGE, "%s cannot be examined: %s", path, strerror(errno));
	bool file = rc == RC_OK && S_ISREG(st.st_mode);
	if (rc == RC_OK && first && !file)
		rc = err_set(e, RC_USAGE, "%s is no file that can be run", path);
	if (rc == RC_OK && file)
		rc = check_file(path, &st, first, e);
	if (rc == RC_OK && file)
		rc = add_bytes(fd, path, h, e);
	close(fd);
	return rc;
}

static enum rc print_files(const struct exec_script *s, struct hash *out, struct err *e)
{
	struct hasher *h = hasher_new();
	enum rc rc = RC_OK;
	hasher_begin(h);
	for (size_t i = 0; rc == RC_OK && i < s->cfg->n_command; i++) {
		hasher_add(h, s->argv[i], strlen(s->argv[i]) + 1);
		rc = add_file(s->argv[i], i == 0, h, e);
	}
	hasher_end(h, out);
	hasher_free(h);
	return rc == RC_OK ? RC_OK : err_prefix(e, "lane %s: command", s->cfg->name);
}

static void set_env(struct exec_script *s)
{
	const char *home = getenv("HOME");
	struct buf b = { 0 };
	size_t n = 0;
	s->env[n++] = "PATH=/usr/local/bin:/usr/bin:/bin";
	s->env[n++] = "LANG=C.UTF-8";
	buf_addf(&b, "SLUICE_LANE=%s", s->cfg->name);
	s->env[n++] = s->lane = buf_take(&b);
	if (home && home[0] == '/') {
		buf_addf(&b, "HOME=%s", home);
		s->env[n++] = s->home = buf_take(&b);
	}
	s->env[n] = NULL;
}

enum rc exec_script_new(struct exec_script **out, const struct cfg_lane *cfg, struct err *e)
{
	struct exec_script *s = xcalloc(1, sizeof *s);
	*out = NULL;
	s->cfg = cfg;
	s->argv = xcalloc(cfg->n_command + 1, sizeof *s->argv);
	for (size_t i = 0; i < cfg->n_command; i++)
		s->argv[i] = cfg->command[i];
	set_env(s);
	enum rc rc = cfg->n_command ? print_files(s, &s->print, e) : err_set(e, RC_USAGE, "lane %s has no command", cfg->name);
	if (rc != RC_OK) {
		exec_script_free(s);
		return rc;
	}
	*out = s;
	return RC_OK;
}

void exec_script_free(struct exec_script *s)
{
	if (!s)
		return;
	free(s->argv);
	free(s->home);
	free(s->lane);
	free(s);
}

enum rc exec_script_check(const struct exec_script *s, struct err *e)
{
	struct hash now;
	enum rc rc = print_files(s, &now, e);
	if (rc == RC_OK && !hash_eq(&now, &s->print))
		rc = err_set(e, RC_AUTH, "lane %s: the script has changed since the engine started; start the engine again", s->cfg->name);
	return rc;
}

const char *const *exec_script_argv(const struct exec_script *s)
{
	return s->argv;
}

const char *const *exec_script_env(const struct exec_script *s)
{
	return s->env;
}

void exec_script_identity(const struct exec_script *s, struct buf *out)
{
	char hex[HASH_HEX];
	buf_addf(out, " script=%s command=", hash_hex(hex, &s->print));
	for (size_t i = 0; i < s->cfg->n_command; i++)
		buf_addf(out, "%s%s", i ? " " : "", s->argv[i]);
}
