#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

/* One call site (its format) with one object may write this many lines per period. */
enum { SITE_LINES = 20, SITE_PERIOD_S = 10, SITES = 128, LINE_COLUMNS = 2000 };

struct site {
	const char *fmt;
	uint64_t object;       /* hash of its name */
	enum log_level level;
	char module[16];
	int64_t since_us;
	int lines, dropped;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = STDERR_FILENO;
static _Atomic int log_max = LOG_WARN;
static struct site sites[SITES];
static char log_path[4096];     /* "" = stderr */
static bool json_lines;

static struct {
	const char *name;
	int level;              /* -1 = the common one */
} modules[] = {
	{ "anchor", -1 }, { "api", -1 }, { "audit", -1 }, { "delivery", -1 }, { "engine", -1 }, { "escrow", -1 }, { "lane", -1 }, { "link", -1 },
	{ "net", -1 }, { "otlp", -1 }, { "records", -1 }, { "store", -1 },
};

static int level_for(const char *module)
{
	for (size_t i = 0; i < ARRAY_LEN(modules); i++)
		if (modules[i].level >= 0 && strcmp(modules[i].name, module) == 0)
			return modules[i].level;
	return log_max;
}

static const char *level_name(enum log_level l)
{
	switch (l) {
	case LOG_ERROR: return "error";
	case LOG_WARN: return "warn";
	case LOG_INFO: return "info";
	case LOG_DEBUG: return "debug";
	}
	return "error";
}

static void text_line(struct buf *out, int64_t wall_us, enum log_level l, const char *module, const char *object, const char *text)
{
	char t[TIME_TEXT];
	buf_addf(out, "%s %s %s", time_rfc3339(t, wall_us, true), level_name(l), module);
	if (object) {
		buf_addc(out, ' ');
		text_show(out, slice_of(object), 200, false);
	}
	buf_adds(out, ": ");
	text_show(out, slice_of(text), LINE_COLUMNS, false);
}

static void shown_member(struct jw *w, const char *key, const char *z, int columns)
{
	struct buf b = { 0 };
	text_show(&b, slice_of(z), columns, false);
	jw_kstr(w, key, buf_slice(&b));
	buf_done(&b);
}

static void json_line(struct buf *out, int64_t wall_us, enum log_level l, const char *module, const char *object, const char *text)
{
	char t[TIME_TEXT];
	struct jw w;
	jw_init(&w, out);
	jw_obj(&w);
	jw_kz(&w, "time", time_rfc3339(t, wall_us, true));
	jw_kz(&w, "level", level_name(l));
	jw_kz(&w, "module", module);
	if (object)
		shown_member(&w, "object", object, 200);
	shown_member(&w, "text", text, LINE_COLUMNS);
	jw_end_obj(&w);
}

static void write_line(int64_t wall_us, enum log_level l, const char *module, const char *object, const char *text)
{
	struct buf line = { 0 };
	(json_lines ? json_line : text_line)(&line, wall_us, l, module, object, text);
	buf_addc(&line, '\n');
	/* one write, so that lines of several processes do not mix; a full disk loses log lines, never work */
	ssize_t n;
	do
		n = write(log_fd, line.p, line.n);
	while (n < 0 && errno == EINTR);
	buf_done(&line);
}

static void tell_dropped(struct site *s, int64_t wall_us)
{
	if (s->dropped == 0)
		return;
	char text[80];
	snprintf(text, sizeof(text), "%d more lines like the last ones were left out", s->dropped);
	write_line(wall_us, s->level, s->module, NULL, text);
	s->dropped = 0;
}

static uint64_t name_hash(const char *z)
{
	uint64_t h = 0xCBF29CE484222325u;
	for (; z && *z; z++)
		h = (h ^ (unsigned char)*z) * 0x100000001B3u;
	return h;
}

/* The entry of this site; a new one takes a free place or that of the longest silent. */
static struct site *site_of(enum log_level l, const char *module, uint64_t object, const char *fmt, struct now now)
{
	struct site *old = &sites[0];
	for (size_t i = 0; i < SITES; i++) {
		if (sites[i].fmt == fmt && sites[i].object == object)
			return &sites[i];
		if (old->fmt && (!sites[i].fmt || sites[i].since_us < old->since_us))
			old = &sites[i];
	}
	tell_dropped(old, now.wall_us);
	*old = (struct site){ .fmt = fmt, .object = object, .level = l, .since_us = now.boot_us };
	snprintf(old->module, sizeof(old->module), "%s", module);
	return old;
}

static bool site_allows(struct site *s, struct now now)
{
	if (now.boot_us - s->since_us > (int64_t)SITE_PERIOD_S * 1000000) {
		tell_dropped(s, now.wall_us);
		s->since_us = now.boot_us;
		s->lines = 0;
	}
	if (s->lines < SITE_LINES) {
		s->lines++;
		return true;
	}
	s->dropped++;
	return false;
}

void log_at(enum log_level l, const char *module, const char *object, const char *fmt, ...)
{
	if ((int)l > level_for(module))
		return;
	char text[4096];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		text[0] = '\0';
	struct now now = now_read();
	pthread_mutex_lock(&lock);
	if (l == LOG_DEBUG || site_allows(site_of(l, module, name_hash(object), fmt, now), now))
		write_line(now.wall_us, l, module, object, text);
	pthread_mutex_unlock(&lock);
}

static enum rc open_file(const char *path, int *fd, struct err *e)
{
	char shown[200];
	*fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
	if (*fd >= 0)
		return RC_OK;
	return err_set(e, RC_USAGE, "log file %s cannot be opened: %s", text_z(shown, sizeof(shown), slice_of(path)), strerror(errno));
}

enum rc log_open(const char *path, enum log_level max, struct err *e)
{
	int fd = STDERR_FILENO;
	enum rc rc = path ? open_file(path, &fd, e) : RC_OK;
	if (rc != RC_OK)
		return rc;
	log_close();
	pthread_mutex_lock(&lock);
	log_fd = fd;
	log_max = (int)max;
	snprintf(log_path, sizeof log_path, "%s", path ? path : "");
	pthread_mutex_unlock(&lock);
	return RC_OK;
}

enum rc log_reopen(struct err *e)
{
	int fd;
	if (!log_path[0])
		return RC_OK;
	enum rc rc = open_file(log_path, &fd, e);
	if (rc != RC_OK)
		return rc;
	pthread_mutex_lock(&lock);
	if (log_fd != STDERR_FILENO)
		close(log_fd);
	log_fd = fd;
	pthread_mutex_unlock(&lock);
	return RC_OK;
}

void log_as_json(bool on) { json_lines = on; }

static bool parse_level(const char *word, size_t *module, int *level)
{
	const char *eq = strchr(word, '=');
	for (size_t i = 0; eq && i < ARRAY_LEN(modules); i++) {
		bool hit = strlen(modules[i].name) == (size_t)(eq - word) && strncmp(modules[i].name, word, (size_t)(eq - word)) == 0;
		for (int l = LOG_ERROR; hit && l <= LOG_DEBUG; l++)
			if (strcmp(eq + 1, level_name((enum log_level)l)) == 0) {
				*module = i;
				*level = l;
				return true;
			}
	}
	return false;
}

bool log_is_module_level(const char *word)
{
	size_t module;
	int level;
	return parse_level(word, &module, &level);
}

bool log_module_level(const char *word)
{
	size_t module;
	int level;
	if (!parse_level(word, &module, &level))
		return false;
	modules[module].level = level;
	return true;
}

void log_close(void)
{
	pthread_mutex_lock(&lock);
	int64_t wall_us = now_read().wall_us;
	for (size_t i = 0; i < SITES; i++)
		tell_dropped(&sites[i], wall_us);
	memset(sites, 0, sizeof(sites));
	if (log_fd != STDERR_FILENO)
		close(log_fd);
	log_fd = STDERR_FILENO;
	log_max = LOG_WARN;
	log_path[0] = '\0';
	json_lines = false;
	for (size_t i = 0; i < ARRAY_LEN(modules); i++)
		modules[i].level = -1;
	pthread_mutex_unlock(&lock);
}
