#include "config/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"

static const char *env(const char *name)
{
	const char *v = getenv(name);
	return v && v[0] ? v : NULL;
}

/* The XDG specification: a relative path is to be ignored. */
static const char *env_absolute(const char *name)
{
	const char *v = env(name);
	return v && v[0] == '/' ? v : NULL;
}

static const char *home(void)
{
	const char *h = env_absolute("HOME");
	if (h)
		return h;
	const struct passwd *pw = getpwuid(geteuid());
	return pw && pw->pw_dir && pw->pw_dir[0] == '/' ? pw->pw_dir : NULL;
}

static char *join(const char *dir, const char *name)
{
	struct buf b;
	buf_init(&b);
	size_t n = strlen(dir);
	while (n > 1 && dir[n - 1] == '/')
		n--;
	buf_add(&b, dir, n);
	buf_addf(&b, "%s%s", n == 1 && dir[0] == '/' ? "" : "/", name);
	return buf_take(&b);
}

/* Absolute, without the file having to exist and without following links. */
static char *absolute(const char *path)
{
	if (path[0] == '/')
		return xstrdup(path);
	char *cwd = getcwd(NULL, 0);
	if (!cwd)
		return xstrdup(path);
	char *whole = join(cwd, path);
	free(cwd);
	return whole;
}

static void strip_slashes(char *z)
{
	size_t n = strlen(z);
	while (n > 1 && z[n - 1] == '/')
		z[--n] = '\0';
}

/* $XDG_…/sluice or ~/fallback/sluice; NULL without a home. */
static char *xdg_dir(const char *variable, const char *fallback)
{
	const char *x = env_absolute(variable), *h = home();
	if (x)
		return join(x, "sluice");
	if (!h)
		return NULL;
	char *base = join(h, fallback), *dir = join(base, "sluice");
	free(base);
	return dir;
}

char *config_default_path(void)
{
	char *dir = xdg_dir("XDG_CONFIG_HOME", ".config");
	if (!dir)
		return NULL;
	char *file = join(dir, "sluice.yaml");
	free(dir);
	return file;
}

static char *choose(const char *option, const char *option_name, const char *variable, const char **from)
{
	const char *v = env(variable);
	*from = option ? option_name : v ? variable : "default";
	return option ? absolute(option) : v ? absolute(v) : NULL;
}

/* First 12 hex digits of the state directory's hash: which engine a far socket belongs to. */
static void short_name(char dst[HASH_HEX], const char *state)
{
	struct hash h;
	hash_bytes(&h, state, strlen(state));
	hash_hex(dst, &h);
	memcpy(dst + 12, ".sock", 6);
}

static bool runtime_usable(const char *dir)
{
	struct stat st;
	return lstat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 077);
}

static char *far_socket(const char *dir, const char *sub, const char *name)
{
	char *folder = join(dir, sub), *path = join(folder, name);
	free(folder);
	if (strlen(path) <= PATHS_SOCKET_MAX)
		return path;
	free(path);
	return NULL;
}

static char *default_socket(const char *state, const char **from)
{
	char name[HASH_HEX], user[48];
	char *near = join(state, "engine.sock");
	if (strlen(near) <= PATHS_SOCKET_MAX)
		return near;
	free(near);
	short_name(name, state);
	const char *x = env_absolute("XDG_RUNTIME_DIR");
	snprintf(user, sizeof(user), "/run/user/%u", geteuid());
	char *s = x && runtime_usable(x) ? far_socket(x, "sluice", name) : NULL;
	if (!s && runtime_usable(user))
		s = far_socket(user, "sluice", name);
	snprintf(user, sizeof(user), "sluice-%u", geteuid());
	*from = "default, the state directory's path is too long for a socket";
	return s ? s : far_socket("/tmp", user, name);
}

static enum rc find_socket(struct paths *p, const struct paths_opts *o, struct err *e)
{
	p->socket = choose(o->socket, "--socket", "SLUICE_SOCKET", &p->socket_from);
	if (!p->socket)
		p->socket = default_socket(p->state_dir, &p->socket_from);
	if (strlen(p->socket) <= PATHS_SOCKET_MAX)
		return RC_OK;
	return err_set(e, RC_USAGE, "the socket path from %s is %zu bytes long and a socket takes %d; choose a shorter one",
		       p->socket_from, strlen(p->socket), PATHS_SOCKET_MAX);
}

enum rc paths_find(struct paths **out, const struct paths_opts *o, struct err *e)
{
	struct paths *p = xcalloc(1, sizeof(*p));
	p->config_file = choose(o->config, "--config", "SLUICE_CONFIG", &p->config_from);
	if (!p->config_file)
		p->config_file = config_default_path();
	p->state_dir = choose(o->state, "--state", "SLUICE_STATE", &p->state_from);
	if (!p->state_dir)
		p->state_dir = xdg_dir("XDG_STATE_HOME", ".local/state");
	if (!p->config_file || !p->state_dir) {
		paths_free(p);
		return err_set(e, RC_USAGE, "there is no home directory; set HOME, or give --config and --state");
	}
	strip_slashes(p->state_dir);
	p->db = join(p->state_dir, "sluice.db");
	p->catalog = join(p->state_dir, "catalog.db");
	p->hold = join(p->state_dir, "HOLD");
	p->log = join(p->state_dir, "engine.log");
	p->lock = join(p->state_dir, "lock");
	p->anchors = join(p->state_dir, "anchors");
	p->audit_key = join(p->state_dir, "audit.key");
	p->audit_pub = join(p->state_dir, "audit.pub");
	enum rc rc = find_socket(p, o, e);
	if (rc != RC_OK) {
		paths_free(p);
		return rc;
	}
	*out = p;
	return RC_OK;
}

void paths_free(struct paths *p)
{
	if (!p)
		return;
	free(p->config_file);
	free(p->state_dir);
	free(p->db);
	free(p->catalog);
	free(p->hold);
	free(p->log);
	free(p->lock);
	free(p->anchors);
	free(p->audit_key);
	free(p->audit_pub);
	free(p->socket);
	free(p);
}

/* A parent that anybody may write to lets anybody swap what is below it. */
static enum rc check_parent(int fd, const char *path, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return err_set(e, RC_USAGE, "%s cannot be examined: %s", path, strerror(errno));
	if ((st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX))
		return err_set(e, RC_USAGE, "%s may be written by everyone, so what is below it cannot be trusted; run chmod o-w on it", path);
	return RC_OK;
}

static enum rc check_own(int fd, const char *path, mode_t allowed, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return err_set(e, RC_USAGE, "%s cannot be examined: %s", path, strerror(errno));
	if (st.st_uid != geteuid())
		return err_set(e, RC_USAGE, "%s belongs to uid %u and not to uid %u, which runs this; choose another directory",
			       path, st.st_uid, geteuid());
	if (st.st_mode & 07777 & ~allowed)
		return err_set(e, RC_USAGE, "%s may be used by others (mode %03o); run chmod %03o on it", path, st.st_mode & 07777, allowed);
	return RC_OK;
}

static enum rc cannot_open(const char *path, struct err *e)
{
	struct stat st;
	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		return err_set(e, RC_USAGE, "%s is a symbolic link; name the directory itself", path);
	if (errno == ENOTDIR || (lstat(path, &st) == 0 && !S_ISDIR(st.st_mode)))
		return err_set(e, RC_USAGE, "%s is not a directory; choose another one", path);
	return err_set(e, RC_USAGE, "%s cannot be opened: %s", path, strerror(errno));
}

/* Makes and checks every part of `dir` but the last. Links on the way are followed: /var/run is one. */
static enum rc make_parents(const char *dir, struct err *e)
{
	char *path = xstrdup(dir);
	enum rc rc = RC_OK;
	for (char *slash = strchr(path + 1, '/'); slash && rc == RC_OK; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			rc = err_set(e, RC_USAGE, "%s cannot be created: %s", path, strerror(errno));
		int fd = rc == RC_OK ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
		if (rc == RC_OK && fd < 0)
			rc = cannot_open(path, e);
		if (fd >= 0) {
			rc = check_parent(fd, path, e);
			close(fd);
		}
		*slash = '/';
	}
	free(path);
	return rc;
}

/* The directory itself, never through a link; *out is open. */
static enum rc make_dir(int *out, const char *dir, mode_t mode, struct err *e)
{
	enum rc rc = make_parents(dir, e);
	if (rc != RC_OK)
		return rc;
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return err_set(e, RC_USAGE, "%s cannot be created: %s", dir, strerror(errno));
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return cannot_open(dir, e);
	rc = check_own(fd, dir, mode, e);
	if (rc != RC_OK)
		close(fd);
	else
		*out = fd;
	return rc;
}

static enum rc give_to_group(int fd, const char *dir, const char *group, struct err *e)
{
	const struct group *g = getgrnam(group);
	if (!g)
		return err_set(e, RC_USAGE, "engine.group: %s is not a group of this machine", group);
	if (fchown(fd, (uid_t)-1, g->gr_gid) != 0 || fchmod(fd, 0750) != 0)
		return err_set(e, RC_USAGE, "%s cannot be given to group %s: %s", dir, group, strerror(errno));
	return RC_OK;
}

static enum rc make_socket_dir(const struct paths *p, const char *group, struct err *e)
{
	const char *slash = strrchr(p->socket, '/');
	char *dir = slash == p->socket ? xstrdup("/") : xstrndup(p->socket, (size_t)(slash - p->socket));
	enum rc rc = RC_OK;
	int fd = -1;
	if (strcmp(dir, p->state_dir) != 0)
		rc = make_dir(&fd, dir, group ? 0750 : 0700, e);
	else if (group)
		rc = err_set(e, RC_USAGE, "engine.group is set, but the socket lies in the state directory, which is private; set SLUICE_SOCKET to a path in a directory of its own");
	if (rc == RC_OK && group)
		rc = give_to_group(fd, dir, group, e);
	if (fd >= 0)
		close(fd);
	free(dir);
	return rc;
}

enum rc paths_make(const struct paths *p, const char *group, struct err *e)
{
	int fd;
	enum rc rc = make_dir(&fd, p->state_dir, 0700, e);
	if (rc != RC_OK)
		return err_prefix(e, "state directory (%s)", p->state_from);
	close(fd);
	rc = make_socket_dir(p, group, e);
	return rc == RC_OK ? RC_OK : err_prefix(e, "socket (%s)", p->socket_from);
}

bool paths_hold(const struct paths *p)
{
	struct stat st;
	return lstat(p->hold, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}
