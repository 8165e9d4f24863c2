#include "engine/degrade.h"

#include "base/mem.h"
#include "engine/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const struct degrade_row rows[] = {
	{ "audit log", "audit-log", HEALTH_FAIL,
	  "a record cannot be written",
	  "links, lists and every screen; hold",
	  "nothing is sent, and nothing but hold is decided",
	  "by itself, when a record can be written" },
	{ "audit chain", "audit-chain", HEALTH_FAIL,
	  "the log does not verify",
	  "looking and planning in mode observe; hold",
	  "the engine cannot be armed, and no checkpoint is signed",
	  "when the file is put back as it was and the engine starts" },
	{ "anchors", "audit-chain", HEALTH_WARN,
	  "a place outside does not take a checkpoint",
	  "everything",
	  "what is written since the last anchor is proved by the log alone",
	  "by itself: the place is tried again" },
	{ "disk", "disk", HEALTH_FAIL,
	  "less than 64 MB are free in the state directory",
	  "what is open goes on while its records can be written; every screen",
	  "no new cycle is started",
	  "by itself, when there is room" },
	{ "escrow, required", "escrow-room", HEALTH_FAIL,
	  "its directory has no room, or cannot be written",
	  "the cycle goes on; copies that are there can be restored",
	  "no copy is made: what has none falls out of the plan",
	  "with the next plan, when there is room" },
	{ "escrow, tried", "escrow-room", HEALTH_WARN,
	  "its directory has no room, or cannot be written",
	  "the cycle goes on; copies that are there can be restored",
	  "no copy is made: what has none is planned as irreversible",
	  "with the next plan, when there is room" },
	{ "a copy", "escrow", HEALTH_FAIL,
	  "it is not what it was",
	  "cycles go on with the others",
	  "a plan that counted it restorable does not pass its gate",
	  "with a new plan" },
	{ "a lane", "lane", HEALTH_FAIL,
	  "its store does not answer, refuses, or lists half",
	  "the other lanes, once it is excluded or halted",
	  "nothing is planned from it or sent to it",
	  "with the next list: cancel, and start a new cycle" },
	{ "a lane's key", "lane-key", HEALTH_FAIL,
	  "its file is missing or readable by others",
	  "everything: the key was read at the start",
	  "the engine would not start again",
	  "by itself, when the file is right" },
	{ "a link", "link", HEALTH_FAIL,
	  "it is down, jammed or given up",
	  "the other links; cleaning on lanes that do not depend on it",
	  "a cycle that cleans a lane which depends on it is held",
	  "the link by itself; the cycle when an operator resumes" },
	{ "a link's token", "link-token", HEALTH_FAIL,
	  "its file is missing or readable by others",
	  "everything: the token was read at the start",
	  "the engine would not start again",
	  "by itself, when the file is right" },
	{ "records", "records", HEALTH_FAIL,
	  "the database does not answer completely",
	  "links, lists and what lanes hold; hold",
	  "no plan is made of a policy that needs them",
	  "with the next reading: cancel, and start a new cycle" },
	{ "objects", "objects", HEALTH_FAIL,
	  "the application's own copies are not listed completely",
	  "links, lists and records; items whose rows name no object; hold",
	  "an item that hangs on an object is not eligible, and is not sent in a batch",
	  "with the next discovery: cancel, and start a new cycle" },
	{ "clock", "clock", HEALTH_FAIL,
	  "it jumped against the running time",
	  "looking; links; hold",
	  "the cycle is held; plans and grants not yet begun are void",
	  "when an operator resumes, or starts anew" },
	{ "clock, unsynchronised", "clock", HEALTH_WARN,
	  "the kernel says that nothing keeps it right",
	  "everything",
	  "ages and lapses are as wrong as the clock is",
	  "by itself, when it is synchronised" },
	{ "the machine", "loop", HEALTH_FAIL,
	  "the loop is a second late",
	  "everything, late",
	  "keepalives may end links that are well",
	  "by itself, when the machine has time" },
	{ "descriptors", "descriptors", HEALTH_WARN,
	  "fewer than 64 are left",
	  "what is open",
	  "new connections may fail",
	  "by itself, when some are closed; or a restart with a higher limit" },
	{ "collector", "otlp", HEALTH_WARN,
	  "it does not take what is pushed",
	  "everything; /metrics can be read",
	  "what it refuses is dropped, and counted",
	  "by itself: it is tried again" },
	{ "lease row", "lease", HEALTH_FAIL,
	  "another engine has it, or it cannot be renewed in time",
	  "looking and planning; hold",
	  "nothing is deleted by these records: a cycle that cleans is held",
	  "the row by itself, when the other lets it run out; the cycle when an operator resumes" },
	{ "lease", "", HEALTH_FAIL,
	  "a second engine is started on the state directory",
	  "the engine that has it",
	  "the second one does not start, even where the lock file was removed",
	  "when the first one stops" },
};

const struct degrade_row *degrade_rows(size_t *n)
{
	*n = ARRAY_LEN(rows);
	return rows;
}

const struct degrade_row *degrade_of(const char *kind, enum health at)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].at == at && rows[i].kind[0] && !strcmp(rows[i].kind, kind))
			return &rows[i];
	return NULL;
}

int64_t degrade_free_mb(const char *dir)
{
	struct statvfs s;
	return statvfs(dir, &s) ? -1 : (int64_t)((uint64_t)s.f_bavail * s.f_frsize / 1000000);
}

bool degrade_forbids_start(const struct engine *en, char why[DEGRADE_WHY])
{
	int64_t mb = degrade_free_mb(en->paths->state_dir);
	if (mb < 0 || mb >= DEGRADE_DISK_MB)
		return false;           /* one that cannot be asked is told by the log, when it cannot be written */
	snprintf(why, DEGRADE_WHY, "only %lld MB are free in %.200s: no new cycle is started below %d MB; free space, then start again",
		 (long long)mb, en->paths->state_dir, DEGRADE_DISK_MB);
	return true;
}

/* The strictest that any lane of any policy wants. */
static enum cfg_escrow_word escrow_wanted(const struct config *cfg)
{
	enum cfg_escrow_word most = CFG_ESCROW_OFF;
	for (size_t i = 0; i < cfg->n_policies; i++)
		for (size_t k = 0; k < cfg->policies[i].n_lanes; k++) {
			enum cfg_escrow_word w = cfg_escrow_of(&cfg->policies[i], &cfg->lanes[cfg->policies[i].lanes[k]]);
			most = w == CFG_ESCROW_REQUIRED || most == CFG_ESCROW_OFF ? w : most;
		}
	return most;
}

enum health degrade_escrow_room(const struct engine *en, char said[280])
{
	const struct cfg_escrow *x = &en->cfg->escrow;
	enum cfg_escrow_word w = escrow_wanted(en->cfg);
	enum health bad = w == CFG_ESCROW_REQUIRED ? HEALTH_FAIL : HEALTH_WARN;
	char dir[512];
	if (w == CFG_ESCROW_OFF)
		return HEALTH_UNKNOWN;
	snprintf(dir, sizeof dir, "%s%s", x->dir ? x->dir : en->paths->state_dir, x->dir ? "" : "/escrow");
	if (access(dir, F_OK) && errno == ENOENT && strrchr(dir, '/') > dir)
		*strrchr(dir, '/') = '\0';      /* it is made with the first copy */
	said[0] = '\0';
	int64_t mb = degrade_free_mb(dir), reserve = x->reserve / 1000000;
	if (mb < 0 || access(dir, W_OK | X_OK))
		snprintf(said, 280, "nothing can be copied into %.200s: %s", dir, strerror(errno));
	else if (mb <= reserve)
		snprintf(said, 280, "nothing more is copied: %lld MB free in %.160s, %lld MB stay reserved", (long long)mb, dir, (long long)reserve);
	if (said[0])
		return bad;
	snprintf(said, 280, "%lld MB free in %.200s", (long long)mb, dir);
	return HEALTH_PASS;
}
