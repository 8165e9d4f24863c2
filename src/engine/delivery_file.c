/* The health file of an exai daemon on this machine. It is rewritten every 10 s, not in one step: one that
 * is not whole is read again. */
#include "engine/delivery_impl.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 65536, TORN_MAX = 3 };
static const int64_t EVERY_US = 10 * 1000000, SOON_US = 2 * 1000000, FRESH_US = 20 * 1000000;
static const enum link_fact ITS[] = { FACT_SESSIONS_ACTIVE, FACT_CAPACITY, FACT_IN_FLIGHT, FACT_TOOLS };

struct reading {
	struct dlink *l;
	struct link_facts f;
	int64_t at_us;
	int error;                      /* errno; 0 = it was read */
	bool whole;
};

static int read_file(const char *path, char text[FILE_MAX], size_t *n)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), error = 0;
	if (fd < 0)
		return errno;
	ssize_t got = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, text, FILE_MAX) : (errno = EINVAL, -1);
	if (got < 0)
		error = errno;
	else
		*n = (size_t)got;
	close(fd);
	return error;
}

static void work(void *ctx)
{
	struct reading *r = ctx;
	char *text = xmalloc(FILE_MAX);
	size_t n = 0;
	link_facts_init(&r->f);
	r->error = read_file(r->l->cfg->health_file, text, &n);
	r->whole = !r->error && link_facts_file(&r->f, (struct slice){ text, n }, &r->at_us);
	free(text);
}

static void say(struct dlink *l, const char *trouble)
{
	if (strcmp(l->file.trouble, trouble) != 0)
		engine_changed(l->en, ENGINE_OVERVIEW);
	snprintf(l->file.trouble, sizeof l->file.trouble, "%s", trouble);
	if (trouble[0])
		l->file.due_us = now_read().boot_us + SOON_US;
}

/* What an old file said is not what is. */
static void take_facts(struct dlink *l, const struct link_facts *f)
{
	for (size_t i = 0; i < ARRAY_LEN(ITS); i++)
		l->facts.v[ITS[i]] = f ? f->v[ITS[i]] : -1;
	if (f)
		l->facts_us = wall_us();
}

static void done(void *ctx)
{
	struct reading *r = ctx;
	struct dlink *l = r->l;
	char why[160], age[TIME_TEXT];
	bool torn = !r->error && !r->whole;
	l->file.busy = false;
	l->file.torn = torn ? l->file.torn + 1 : 0;
	if (torn && l->file.torn < TORN_MAX) {
		l->file.due_us = 0;
	} else if (r->error || torn) {
		snprintf(why, sizeof why, "its health file cannot be read: %s", r->error ? strerror(r->error) : "it is not the daemon's JSON");
		take_facts(l, NULL);
		say(l, why);
	} else if (wall_us() - r->at_us >= FRESH_US) {
		snprintf(why, sizeof why, "its health file was written %s ago: the daemon hangs or is gone", time_age(age, wall_us() - r->at_us));
		take_facts(l, NULL);
		say(l, why);
	} else {
		take_facts(l, &r->f);
		say(l, "");
	}
	free(r);
}

void delivery_file(struct dlink *l)
{
	int64_t now = now_read().boot_us;
	if (!l->cfg->health_file || l->file.busy || now < l->file.due_us)
		return;
	struct reading *r = xcalloc(1, sizeof *r);
	r->l = l;
	l->file.busy = true;
	l->file.due_us = now + EVERY_US;
	job_read(l->en, work, done, r);
}
