#include "engine/health.h"

#include "base/mem.h"
#include "base/text.h"
#include "engine/degrade.h"
#include "engine/lease.h"
#include "engine/delivery.h"
#include "engine/internal.h"
#include "engine/otlp.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <unistd.h>

enum {
	DISK_WARN_MB = 512,             /* below: soon too little */
	LAG_WARN_MS = 100, LAG_FAIL_MS = 1000,
	FDS_FREE = 64,
};

static const char *const names[] = {
#define X(e, w) [HEALTH_##e] = w,
	HEALTHS(X)
#undef X
};

const char *health_name(enum health h) { return names[h]; }

struct list {
	struct engine *en;
	struct health_check *c;
	size_t n, cap;
	int64_t now_us;
};

static struct health_check *add(struct list *l, const char *kind, const char *name)
{
	GROW(l->c, l->cap, l->n + 1);
	l->c[l->n] = (struct health_check){ .kind = kind, .name = name, .todo = "", .at_us = l->now_us };
	return &l->c[l->n++];
}

PRINTF_LIKE(4, 5) static void found(struct health_check *c, enum health h, const char *todo, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(c->said, sizeof c->said, fmt, ap);
	va_end(ap);
	c->health = h;
	c->todo = todo;
}

/* ---- the engine itself ---- */

static void check_log(struct list *l)
{
	struct health_check *c = add(l, "audit-log", "");
	if (store_writable(l->en->store))
		found(c, HEALTH_PASS, "", "records are durable when they are answered");
	else
		found(c, HEALTH_FAIL, "free space in the state directory; it goes on by itself when a record can be written",
		      "the audit log cannot be written: nothing is sent");
}

static void check_chain(struct list *l)
{
	struct engine *en = l->en;
	struct health_check *c = add(l, "audit-chain", "");
	const char *trouble = anchoring_trouble(en);
	c->at_us = en->verified_us ? en->verified_us : -1;
	if (!en->verified_once)
		found(c, HEALTH_UNKNOWN, "sluice audit verify", "not verified since the start");
	else if (!en->verified.ok)
		found(c, HEALTH_FAIL, "keep the files as they are, and compare with the anchors: sluice audit verify",
		      "the chain is broken: %s", en->verified.why);
	else if (trouble)
		found(c, HEALTH_WARN, "see to that place; it is tried again by itself", "a checkpoint is not anchored everywhere: %s", trouble);
	else if (!en->verified_us)
		found(c, HEALTH_PASS, "", "verified from #%lld on; the whole is being read", (long long)en->verified.first);
	else
		found(c, HEALTH_PASS, "", "verified to #%lld", (long long)en->verified_seq);
}

static void check_disk(struct list *l)
{
	struct health_check *c = add(l, "disk", "");
	int64_t mb = degrade_free_mb(l->en->paths->state_dir);
	if (mb < 0) {
		found(c, HEALTH_FAIL, "look at the state directory: sluice paths", "%s: %m", l->en->paths->state_dir);
		return;
	}
	found(c, mb < DEGRADE_DISK_MB ? HEALTH_FAIL : mb < DISK_WARN_MB ? HEALTH_WARN : HEALTH_PASS,
	      mb < DISK_WARN_MB ? "free space: without it no cycle is started, and without any nothing is sent" : "",
	      "%lld MB free in %s", (long long)mb, l->en->paths->state_dir);
}

/* Where copies are made, and whether the last ones that were looked at are what they were. */
static void check_escrow(struct list *l)
{
	const struct escrow_test *t = &l->en->escrow_test;
	bool used = t->at_us;
	for (size_t i = 0; i < l->en->cfg->n_lanes; i++)
		used = used || l->en->cfg->lanes[i].escrow != CFG_ESCROW_OFF;
	for (size_t i = 0; i < l->en->cfg->n_policies; i++)
		used = used || l->en->cfg->policies[i].escrow == CFG_ESCROW_TRY || l->en->cfg->policies[i].escrow == CFG_ESCROW_REQUIRED;
	if (!used)
		return;
	struct health_check *c = add(l, "escrow", "");
	c->at_us = t->at_us ? t->at_us : -1;
	if (!t->at_us)
		found(c, HEALTH_UNKNOWN, "", "no copy was read again since the engine started");
	else if (t->damaged)
		found(c, HEALTH_FAIL, "sluice escrow verify names them; what they were made of can be copied again while it is there",
		      "%lld of %lld copies are not what they were: %.180s", (long long)t->damaged, (long long)t->checked, t->first);
	else
		found(c, HEALTH_PASS, "", "%lld copies read again, all as they were made", (long long)t->checked);
}

static void check_escrow_room(struct list *l)
{
	char said[280];
	enum health h = degrade_escrow_room(l->en, said);
	if (h != HEALTH_UNKNOWN)
		found(add(l, "escrow-room", ""), h, h == HEALTH_PASS ? "" : "make room, or give copies another place: escrow.dir", "%s", said);
}

static int fds_open(void)
{
	int n = 0;
	DIR *d = opendir("/proc/self/fd");
	for (; d && readdir(d); n++)
		;
	if (d)
		closedir(d);
	return d ? n - 3 : -1;          /* . and .. and this one */
}

static void check_fds(struct list *l)
{
	struct health_check *c = add(l, "descriptors", "");
	struct rlimit r;
	int used = fds_open();
	if (used < 0 || getrlimit(RLIMIT_NOFILE, &r)) {
		found(c, HEALTH_UNKNOWN, "", "/proc does not say how many are open");
		return;
	}
	bool few = r.rlim_cur != RLIM_INFINITY && r.rlim_cur < (rlim_t)used + FDS_FREE;
	found(c, few ? HEALTH_WARN : HEALTH_PASS, few ? "raise the limit of open files (ulimit -n) and restart the engine" : "",
	      "%d open of %llu", used, (unsigned long long)r.rlim_cur);
}

static void check_clock(struct list *l)
{
	const struct cycle *held = runner_open(l->en) && l->en->run->c->held ? l->en->run->c : NULL;
	struct health_check *c = add(l, "clock", "");
	struct timex t = { 0 };
	int rc = adjtimex(&t);
	if (held && !strcmp(held->held_why, CLOCK_JUMPED))
		found(c, HEALTH_FAIL, "put the clock right, then resume, cancel or abort the cycle", "it jumped against the running time: the cycle is held");
	else if (rc < 0)
		found(c, HEALTH_UNKNOWN, "", "the kernel does not say whether its clock is synchronised");
	else if (rc == TIME_ERROR || (t.status & STA_UNSYNC))
		found(c, HEALTH_WARN, "synchronise it (chrony, systemd-timesyncd): ages and lapses are counted by it",
		      "the kernel says that its clock is not synchronised");
	else
		found(c, HEALTH_PASS, "", "synchronised, within %ld ms", t.maxerror / 1000);
}

static void check_loop(struct list *l)
{
	struct health_check *c = add(l, "loop", "");
	int64_t ms = l->en->lag_us / 1000;
	found(c, ms >= LAG_FAIL_MS ? HEALTH_FAIL : ms >= LAG_WARN_MS ? HEALTH_WARN : HEALTH_PASS,
	      ms >= LAG_WARN_MS ? "the machine is overloaded: keepalives and timeouts may be missed on this side" : "",
	      "timers were at most %lld ms late in the last second", (long long)ms);
}

static void check_otlp(struct list *l)
{
	const char *trouble;
	const struct otlp_counts *counts = otlp_look(l->en, &trouble);
	if (!counts)
		return;
	struct health_check *c = add(l, "otlp", "");
	if (trouble[0])
		found(c, HEALTH_WARN, "nothing that is deleted depends on it; see to the collector, or to engine.otlp", "%s", trouble);
	else if (!counts->accepted)
		found(c, HEALTH_UNKNOWN, "", "nothing was pushed yet");
	else
		found(c, HEALTH_PASS, "", "the collector took the last push");
}

/* ---- what the configuration names ---- */

static void check_credential(struct list *l, const char *kind, const char *of, const char *name, const char *path)
{
	char what[120];
	struct err e;
	int fd = -1;
	if (!path)
		return;
	struct health_check *c = add(l, kind, name);
	snprintf(what, sizeof what, "credential of %s %s", of, name);
	if (secret_open(&fd, path, what, &e) == RC_OK) {
		close(fd);
		found(c, HEALTH_PASS, "", "present, and nobody else can read it");
	} else {
		found(c, HEALTH_FAIL, "put it back, owned by the engine's user and with mode 0600; it is read when the engine starts", "%s", e.text);
	}
}

static bool link_ever_ended(const struct link_view *v)
{
	for (int c = 0; c < LINK_CAUSES; c++)
		if (v->failures[c])
			return true;
	return false;
}

/* One that tries again is down, not half well: only its first attempt is waited for. */
static void check_link(struct list *l, size_t i)
{
	const struct link_view *v = pool_look(l->en->link[i]);
	struct health_check *c = add(l, "link", l->en->cfg->links[i].name);
	static const enum health health[] = { [LINK_IDLE] = HEALTH_UNKNOWN, [LINK_CONNECTING] = HEALTH_WARN, [LINK_HELLO] = HEALTH_WARN,
		[LINK_UP] = HEALTH_PASS, [LINK_CLOSING] = HEALTH_FAIL, [LINK_WAITING] = HEALTH_FAIL, [LINK_JAMMED] = HEALTH_FAIL,
		[LINK_GIVEN_UP] = HEALTH_FAIL };
	_Static_assert(ARRAY_LEN(health) == LINK_STATE_COUNT, "every state has a health");
	enum health h = health[v->state] == HEALTH_WARN && link_ever_ended(v) ? HEALTH_FAIL : health[v->state];
	char why[240];
	struct delivery_view d;
	delivery_look(l->en, i, &d);
	text_z(why, sizeof why, slice_of(v->sentence));
	if (v->state == LINK_UP && d.probe_trouble[0]) {
		found(c, HEALTH_FAIL, "look at the daemon: it is there, and does no work", "up, but %s", d.probe_trouble);
		return;
	}
	if (v->state == LINK_UP && d.file_trouble[0]) {
		found(c, HEALTH_WARN, "look at the daemon, or at health_file", "up, but %s", d.file_trouble);
		return;
	}
	found(c, h, h == HEALTH_FAIL ? "sluice links, or screen 2: the ladder names the rung that failed" : "",
	      "%s%s%s", link_state_name(v->state), why[0] ? ": " : "", why);
}

static const struct cycle_lane *in_cycle(const struct engine *en, const struct elane *el)
{
	for (int i = 0; en->run && i < en->run->c->lanes; i++)
		if (&en->lane[en->run->lane_of[i]] == el)
			return &en->run->c->lane[i];
	return NULL;
}

static void check_lane(struct list *l, size_t i)
{
	const struct elane *el = &l->en->lane[i];
	const struct cycle_lane *cl = in_cycle(l->en, el);
	struct health_check *c = add(l, "lane", el->cfg->name);
	char text[240];
	c->at_us = el->listed ? el->listed_us : -1;
	if (cl && cl->halted)
		found(c, HEALTH_FAIL, "nothing is sent to it in this cycle; put it right, or exclude the lane",
		      "halted: %s", text_z(text, sizeof text, slice_of(cl->halt_why)));
	else if (el->trouble[0])
		found(c, HEALTH_FAIL, "put it right and start a cycle: it lists again", "%s", text_z(text, sizeof text, slice_of(el->trouble)));
	else if (cl && cl->breaker.state != BREAKER_CLOSED && cl->breaker.state != BREAKER_DISABLED)
		found(c, HEALTH_FAIL, "it finds its way by itself when the store recovers", "breaker %s", breaker_state_name(cl->breaker.state));
	else if (!el->listed)
		found(c, HEALTH_UNKNOWN, "", "not listed since the engine started");
	else if (!el->complete)
		found(c, HEALTH_WARN, "", "a list is under way or was not complete");
	else
		found(c, HEALTH_PASS, "", "%lld items, listed completely", (long long)el->items);
}

static void check_records(struct list *l, size_t i)
{
	const struct erecords *r = &l->en->records[i];
	struct health_check *c = add(l, "records", r->cfg->name);
	char text[240];
	c->at_us = r->listed ? r->listed_us : -1;
	if (!r->listed)
		found(c, HEALTH_UNKNOWN, "", "not read since the engine started");
	else if (r->list.rc != RC_OK)
		found(c, HEALTH_FAIL, "candidates can be looked at, but no plan is made without complete records",
		      "%s", text_z(text, sizeof text, slice_of(r->list.err.text)));
	else
		found(c, HEALTH_PASS, "", "%lld rows, read completely", (long long)r->list.rows);
}

static void check_lease(struct list *l, size_t i)
{
	const struct erecords *r = &l->en->records[i];
	char why[200];
	if (!r->cfg->lease)
		return;
	struct health_check *c = add(l, "lease", r->cfg->name);
	if (lease_held(l->en, r, why))
		found(c, HEALTH_PASS, "", "the lease row is ours, token %lld", (long long)r->lease.token);
	else if (l->en->mode != MODE_ARMED || (!r->lease.trouble[0] && !r->lease.holder[0]))
		found(c, HEALTH_UNKNOWN, "", "%s", why);
	else
		found(c, HEALTH_FAIL, "hold or stop the other engine; the row is taken by itself when it ran out", "%s", why);
}

static void check_objects(struct list *l, size_t i)
{
	const struct eobjects *o = &l->en->records[i].objects;
	char text[240];
	if (l->en->cfg->records[i].objects < 0)
		return;
	struct health_check *c = add(l, "objects", l->en->cfg->objects[l->en->cfg->records[i].objects].name);
	c->at_us = o->listed_us ? o->listed_us : -1;
	if (!o->listed_us)
		found(c, HEALTH_UNKNOWN, "", "not listed since the engine started");
	else if (!o->complete)
		found(c, HEALTH_FAIL, "see that it is there and mounted, and that the engine's account may read all of it",
		      "%s", text_z(text, sizeof text, slice_of(o->trouble)));
	else
		found(c, HEALTH_PASS, "", "%lld objects, listed completely", (long long)o->count);
}

struct health_check *engine_health(struct engine *en, size_t *n)
{
	struct list l = { .en = en, .now_us = now_read().wall_us };
	check_log(&l);
	check_chain(&l);
	check_disk(&l);
	check_escrow(&l);
	check_escrow_room(&l);
	check_fds(&l);
	check_clock(&l);
	check_loop(&l);
	check_otlp(&l);
	for (size_t i = 0; i < en->cfg->n_lanes; i++)
		check_credential(&l, "lane-key", "lane", en->cfg->lanes[i].name, en->cfg->lanes[i].key_file);
	for (size_t i = 0; i < en->cfg->n_links; i++)
		check_credential(&l, "link-token", "link", en->cfg->links[i].name, en->cfg->links[i].token_file);
	for (size_t i = 0; i < en->cfg->n_links; i++)
		check_link(&l, i);
	for (size_t i = 0; i < en->cfg->n_lanes; i++)
		check_lane(&l, i);
	for (size_t i = 0; i < en->cfg->n_records; i++) {
		check_records(&l, i);
		check_lease(&l, i);
		check_objects(&l, i);
	}
	*n = l.n;
	return l.c;
}

enum health health_worst(const struct health_check *c, size_t n)
{
	enum health worst = HEALTH_PASS;
	for (size_t i = 0; i < n; i++)
		if (c[i].health != HEALTH_UNKNOWN && c[i].health > worst)
			worst = c[i].health;
	return worst;
}

static void lost_part(struct jw *w, const struct degrade_row *row)
{
	jw_key(w, "works");
	jw_z(w, row ? row->works : NULL);
	jw_key(w, "stops");
	jw_z(w, row ? row->stops : NULL);
	jw_key(w, "back");
	jw_z(w, row ? row->back : NULL);
}

void engine_checks_json(struct engine *en, struct buf *out)
{
	size_t n;
	struct health_check *c = engine_health(en, &n);
	struct jw w;
	jw_init(&w, out);
	jw_obj(&w);
	jw_kz(&w, "status", health_name(health_worst(c, n)));
	jw_key(&w, "checks");
	jw_arr(&w);
	for (size_t i = 0; i < n; i++) {
		jw_obj(&w);
		jw_kz(&w, "kind", c[i].kind);
		jw_kz(&w, "name", c[i].name);
		jw_kz(&w, "state", health_name(c[i].health));
		jw_kz(&w, "said", c[i].said);
		jw_kz(&w, "todo", c[i].todo);
		jw_kopt(&w, "at_us", c[i].at_us);
		lost_part(&w, degrade_of(c[i].kind, c[i].health));
		jw_end_obj(&w);
	}
	jw_end_arr(&w);
	jw_end_obj(&w);
	free(c);
}
