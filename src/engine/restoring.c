/* What an abort that restores asks of the outside (SEMANTICS 5, 7): the list before the first upload, one
 * upload from its verified copy, and the look for one whose answer was lost. The ids are in sluice.db before
 * anything relies on them. Loop thread, but for what is named *_work. */
#include "engine/internal.h"

#include "base/mem.h"
#include "base/point.h"
#include "engine/vault.h"
#include "escrow/escrow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ids {
	char **id;                      /* sorted when it is looked into */
	size_t n, cap;
	bool sorted;
};

struct restoring {
	char **new_id;                  /* of each item; NULL = none */
	int32_t items;
	struct ids taken;               /* all of them, in order */
	struct ids baseline[CYCLE_MAX_LANES];
};

static struct elane *elane_of(struct runner *r, int lane) { return &r->en->lane[r->lane_of[lane]]; }

int restoring_class(const struct plan_item *it) { return it->class_ == REV_R1 || it->class_ == REV_R3 ? (int)it->class_ : REV_R0; }
int64_t restoring_of_lane(const struct plan_lane *l) { return (int64_t)l->by_class[REV_R1] + l->by_class[REV_R3]; }
/* Taken back under its own id; else uploaded. */
static bool undoes(const struct runner *r, int32_t item) { return r->plan->item[item].class_ == REV_R3; }

/* ---- ids ---- */

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void ids_add(struct ids *s, struct slice id)
{
	GROW(s->id, s->cap, s->n + 1);
	s->id[s->n++] = xstrndup(id.p, id.n);
	s->sorted = false;
}

/* Ids hold no NUL: json refuses them. */
static bool ids_have(struct ids *s, struct slice id)
{
	char *key = xstrndup(id.p, id.n);
	if (!s->sorted && s->n)
		qsort(s->id, s->n, sizeof *s->id, by_text);
	s->sorted = true;
	bool found = s->n && bsearch(&key, s->id, s->n, sizeof *s->id, by_text);
	free(key);
	return found;
}

static void ids_done(struct ids *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->id[i]);
	free(s->id);
	*s = (struct ids){ 0 };
}

void restoring_free(struct restoring *x)
{
	if (!x)
		return;
	for (int32_t i = 0; i < x->items; i++)
		free(x->new_id[i]);
	free(x->new_id);
	ids_done(&x->taken);
	for (int i = 0; i < CYCLE_MAX_LANES; i++)
		ids_done(&x->baseline[i]);
	free(x);
}

static struct restoring *of(struct runner *r)
{
	if (!r->restoring) {
		r->restoring = xcalloc(1, sizeof *r->restoring);
		r->restoring->items = r->plan->items;
		r->restoring->new_id = xcalloc((size_t)r->plan->items + 1, sizeof *r->restoring->new_id);
	}
	return r->restoring;
}

void restoring_new_id(struct runner *r, int32_t item, struct slice id)
{
	struct restoring *x = of(r);
	free(x->new_id[item]);
	x->new_id[item] = xstrndup(id.p, id.n);
	ids_add(&x->taken, id);
}

struct slice restoring_id(const struct runner *r, int32_t item)
{
	return slice_of(r->restoring ? r->restoring->new_id[item] : NULL);
}

static enum rc read_new_id(void *ctx, int32_t n, struct slice id)
{
	struct runner *r = ctx;
	if (n >= 0 && n < r->plan->items)
		restoring_new_id(r, n, id);
	return RC_OK;
}

static enum rc read_baseline(void *ctx, int32_t n, struct slice id)
{
	struct runner *r = ctx;
	if (n >= 0 && n < r->c->lanes)
		ids_add(&of(r)->baseline[n], id);
	return RC_OK;
}

enum rc restoring_read(struct runner *r, struct err *e)
{
	enum rc rc = journal_read_restored(r->en->reader, r->c->id, read_new_id, r, e);
	return rc == RC_OK ? journal_read_baseline(r->en->reader, r->c->id, read_baseline, r, e) : rc;
}

/* ---- what may be taken for an upload ---- */

/* A name that a lane may show for an item, and its size; -1 = any. */
struct look {
	struct slice name;
	int64_t bytes;
};

static int by_name(const void *a, const void *b)
{
	return slice_cmp(((const struct look *)a)->name, ((const struct look *)b)->name);
}

/* As it is, and as a form says it. */
static size_t looks_of(const struct plan_item *it, struct arena *texts, struct look two[2])
{
	struct buf told;
	buf_init(&told);
	lane_upload_name(it->name, &told);
	two[0] = (struct look){ it->name, it->bytes };
	two[1] = (struct look){ { arena_strndup(texts, buf_z(&told), told.n), told.n }, it->bytes };
	buf_done(&told);
	return slice_eq(two[0].name, two[1].name) ? 1 : 2;
}

static bool alike(const struct look *l, const struct lane_item *it)
{
	return slice_eq(l->name, it->name) && (l->bytes < 0 || it->bytes < 0 || l->bytes == it->bytes);
}

/* ---- the list before the first upload ---- */

struct basing {
	struct runner *r;
	int lane;
	struct arena *texts;
	struct look *look;              /* sorted by name */
	size_t n;
	int64_t due, due_bytes;         /* to bring back */
	int64_t there, there_bytes;     /* in the lane */
	struct journal *journal;
	int64_t kept;
	struct ids found;
};

static void based_item(void *ctx, const struct lane_item *it)
{
	struct basing *b = ctx;
	const struct look key = { it->name, -1 };
	size_t lo = 0, hi = b->n;
	b->there++;
	b->there_bytes += MAX(it->bytes, 0);
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (slice_cmp(b->look[mid].name, key.name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < b->n && slice_eq(b->look[lo].name, it->name); lo++)
		if (alike(&b->look[lo], it)) {
			journal_baseline(b->journal, b->r->c->id, b->lane, it->id);
			ids_add(&b->found, it->id);
			b->kept++;
			return;
		}
}

static bool room(const struct basing *b, const struct cfg_lane *cfg, char why[200])
{
	if (cfg->quota_items >= 0 && b->there + b->due > cfg->quota_items)
		snprintf(why, 200, "its quota is %" PRId64 " files and it holds %" PRId64 ": there is no room for %" PRId64 " more", cfg->quota_items,
			 b->there, b->due);
	else if (cfg->quota_bytes >= 0 && b->there_bytes + b->due_bytes > cfg->quota_bytes)
		snprintf(why, 200, "its quota is %" PRId64 " bytes and it holds %" PRId64 ": there is no room for %" PRId64 " more", cfg->quota_bytes,
			 b->there_bytes, b->due_bytes);
	else
		return true;
	return false;
}

static void based(void *ctx, bool complete, const bool *found, size_t n, const char *trouble)
{
	struct basing *b = ctx;
	struct runner *r = b->r;
	struct cycle_event ev = event_of(EV_BASELINE);
	char why[200] = "";
	(void)found;
	(void)n;
	ev.lane = b->lane;
	ev.ok = complete && room(b, elane_of(r, b->lane)->cfg, why);
	ev.number = b->kept;
	ev.text = complete ? why : trouble;
	if (ev.ok) {
		ids_done(&of(r)->baseline[b->lane]);
		of(r)->baseline[b->lane] = b->found;
		b->found = (struct ids){ 0 };
	} else {
		journal_free(b->journal);
		b->journal = NULL;
	}
	r->waiting--;
	runner_event(r, &ev, &actor_engine, b->journal, NULL, NULL);
	ids_done(&b->found);
	arena_free(b->texts);
	free(b->look);
	free(b);
}

void restoring_baseline(struct runner *r, int lane)
{
	struct basing *b = xcalloc(1, sizeof *b);
	const struct cycle_lane *l = &r->c->lane[lane];
	*b = (struct basing){ .r = r, .lane = lane, .texts = arena_new(1 << 14), .journal = journal_new() };
	b->look = xcalloc(2 * (size_t)l->planned + 1, sizeof *b->look);
	for (int32_t i = l->first; i < l->first + l->planned; i++) {
		const struct plan_item *it = &r->plan->item[i];
		if (!restore_due(r->c, &r->c->item[i]) || undoes(r, i))
			continue;
		b->n += looks_of(it, b->texts, b->look + b->n);
		b->due++;
		b->due_bytes += MAX(it->bytes, 0);
	}
	qsort(b->look, b->n, sizeof *b->look, by_name);
	r->waiting++;
	POINT("baseline", "before");
	if (b->due)
		walk_lane(r->en, r->lane_of[lane], based_item, based, b);
	else
		based(b, true, NULL, 0, "");    /* what comes back under its own id needs neither list nor room */
}

/* ---- a delete taken back ---- */

struct undoing {
	struct runner *r;
	int32_t item;
};

/* What a lost answer leaves open is asked again: taking back what is back already is harmless. */
static void undo_trouble(enum lane_trouble t, struct cycle_event *ev)
{
	switch (t) {
	case LANE_PACED:
		ev->number = RESTORE_RETRY;
		ev->answer.class_ = RETRY_RATE_LIMIT;
		break;
	case LANE_NETWORK:
		ev->number = RESTORE_RETRY;
		ev->answer.class_ = RETRY_NETWORK;
		break;
	case LANE_AUTH:
	case LANE_BILLING:
	case LANE_UNSUPPORTED:
	case LANE_NOT_PERMITTED:
		ev->number = RESTORE_LANE;
		ev->answer.class_ = RETRY_AUTH;
		break;
	case LANE_SERVER:
		ev->number = RESTORE_UNCLEAR;
		ev->answer.class_ = RETRY_SERVER_ERROR;
		break;
	case LANE_FINE:
	case LANE_TIMEOUT:
	case LANE_CUT:
	case LANE_REJECTED:
	case LANE_GARBLED:
		ev->number = RESTORE_UNCLEAR;
		ev->answer.class_ = RETRY_TIMEOUT;
		break;
	}
}

static void undone(void *ctx, const struct lane_undone *u)
{
	struct undoing *q = ctx;
	struct runner *r = q->r;
	struct cycle_event ev = event_of(EV_RESTORED);
	char *id = xstrndup(r->plan->item[q->item].id.p, r->plan->item[q->item].id.n);
	POINT("restore", "after");
	ev.item = q->item;
	ev.text = u->detail;
	ev.answer.wait_ms = u->wait_ms;
	switch (u->kind) {
	case LANE_UNDONE:
	case LANE_UNDO_NEEDLESS:
		ev.number = RESTORE_DONE;
		ev.text = id;
		break;
	case LANE_UNDO_IMPOSSIBLE: ev.number = RESTORE_REFUSED; break;
	case LANE_UNDO_UNKNOWN: undo_trouble(u->trouble, &ev); break;
	}
	r->waiting--;
	runner_event(r, &ev, &actor_engine, NULL, NULL, NULL);
	free(id);
	free(q);
}

/* The clocks may differ by so much (SEMANTICS 3); nothing of this cycle was deleted before it began. */
static const int64_t SKEW_US = INT64_C(300000000);

static void undo(struct runner *r, int32_t item)
{
	struct undoing *q = xmalloc(sizeof *q);
	*q = (struct undoing){ r, item };
	r->waiting++;
	POINT("restore", "before");
	lane_undo(elane_of(r, r->c->item[item].lane)->lane, r->plan->item[item].id, r->opened_us - SKEW_US, undone, q);
}

/* ---- one upload ---- */

struct bringing {
	struct runner *r;
	int32_t item;
	struct journal_escrow copy;
	struct arena *texts;
	char *path;
	struct buf headers;
	struct hash sha256;
	int fd;
	enum rc rc;
	struct err err;
};

static void brought(struct bringing *b, struct cycle_event *ev)
{
	struct runner *r = b->r;
	if (b->fd >= 0)
		close(b->fd);
	ev->item = b->item;
	r->waiting--;
	runner_event(r, ev, &actor_engine, NULL, NULL, NULL);
	arena_free(b->texts);
	buf_done(&b->headers);
	free(b->path);
	free(b);
}

static void uploaded(void *ctx, const struct lane_answer *a, struct slice new_id)
{
	static const enum restore_result results[] = {
		[LANE_DELETED] = RESTORE_DONE, [LANE_MISSING] = RESTORE_UNCLEAR, [LANE_UNCLEAR] = RESTORE_UNCLEAR,
		[LANE_ITEM_REFUSED] = RESTORE_REFUSED, [LANE_LANE_REFUSED] = RESTORE_LANE, [LANE_PACE] = RESTORE_RETRY,
		[LANE_NOT_SENT] = RESTORE_RETRY,
	};
	struct bringing *b = ctx;
	struct cycle_event ev = event_of(EV_RESTORED);
	char *id = xstrndup(new_id.n ? new_id.p : "", new_id.n);
	POINT("restore", "after");
	ev.number = results[a->kind];
	if (a->trouble == LANE_NOT_PERMITTED)
		ev.number = RESTORE_LANE;
	if (a->kind == LANE_DELETED && !new_id.n)
		ev.number = RESTORE_UNCLEAR;
	ev.text = ev.number == RESTORE_DONE ? id : a->detail;
	ev.answer = (struct cycle_answer){ .class_ = a->class_, .wait_ms = a->wait_ms, .wait_coarse = a->wait_coarse, .quota = a->quota,
		.status = a->status };
	brought(b, &ev);
	free(id);
}

static void no_copy(struct bringing *b)
{
	struct cycle_event ev = event_of(EV_RESTORED);
	ev.number = RESTORE_REFUSED;
	ev.text = b->err.text;
	ev.answer.wait_ms = -1;
	brought(b, &ev);
}

static void verify_work(void *ctx)
{
	struct bringing *b = ctx;
	if (!hash_parse(&b->sha256, b->copy.sha256))
		b->rc = err_set(&b->err, RC_FORMAT, "its copy has no hash to be verified by");
	else
		b->rc = escrow_open_verified(b->path, b->copy.bytes, &b->sha256, &b->fd, &b->err);
}

static void verified(void *ctx)
{
	struct bringing *b = ctx;
	struct runner *r = b->r;
	struct lane *ln = elane_of(r, r->c->item[b->item].lane)->lane;
	const char *never = lane_upload_never(ln, b->copy.purpose);
	if (b->rc == RC_OK && never)
		b->rc = err_set(&b->err, RC_REFUSED, "%s", never);
	if (b->rc != RC_OK) {
		no_copy(b);
		return;
	}
	POINT("restore", "before");
	escrow_headers(b->copy.meta, &b->headers);
	const struct lane_file f = { .name = r->plan->item[b->item].name, .purpose = b->copy.purpose, .headers = buf_slice(&b->headers), .fd = b->fd,
		.bytes = b->copy.bytes, .sha256 = &b->sha256 };
	lane_upload(ln, &f, uploaded, b);
}

static void fetched(void *ctx, enum rc rc, const struct err *e, int fd)
{
	struct bringing *b = ctx;
	b->fd = fd;
	if (rc == RC_OK || rc == RC_NOT_FOUND || rc == RC_FORMAT || rc == RC_REFUSED) {
		b->rc = rc == RC_OK ? rc : err_set(&b->err, rc, "%s", e->text);
		verified(b);
		return;
	}
	struct cycle_event ev = event_of(EV_RESTORED);  /* the copy may be what it was: nothing is given up */
	ev.number = RESTORE_LANE;
	ev.text = e->text;
	ev.answer.wait_ms = -1;
	brought(b, &ev);
}

/* Out of its bucket, into a file of ours. */
static void fetch(struct bringing *b)
{
	struct vault_copy c = { .path = b->copy.path, .bytes = b->copy.bytes };
	if (!hash_parse(&b->sha256, b->copy.sha256)) {
		b->rc = err_set(&b->err, RC_FORMAT, "its copy has no hash to be verified by");
		no_copy(b);
		return;
	}
	c.sha256 = b->sha256;
	vault_read(b->r->en, &c, true, fetched, b);
}

void restoring_upload(struct runner *r, int32_t item)
{
	if (undoes(r, item)) {
		undo(r, item);
		return;
	}
	struct bringing *b = xcalloc(1, sizeof *b);
	const struct plan_item *pi = &r->plan->item[item];
	*b = (struct bringing){ .r = r, .item = item, .texts = arena_new(1 << 12), .fd = -1 };
	r->waiting++;
	b->rc = escrow_find(r->en->reader, r->plan->lane[pi->lane].name, pi->id, &b->copy, b->texts, &b->err);
	if (b->rc != RC_OK) {
		no_copy(b);
		return;
	}
	b->path = xstrndup(b->copy.path.p, b->copy.path.n);
	if (vault_holds(b->copy.path))
		fetch(b);
	else
		loop_work(r->en->loop, verify_work, verified, b);
}

/* ---- an upload whose answer was lost ---- */

struct seeking {
	struct runner *r;
	int32_t item;
	struct arena *texts;
	struct look look[2];
	size_t n;
	int64_t found;
	char *id;
};

static void sought_item(void *ctx, const struct lane_item *it)
{
	struct seeking *k = ctx;
	struct restoring *x = of(k->r);
	bool fits = false;
	for (size_t i = 0; i < k->n; i++)
		fits |= alike(&k->look[i], it);
	if (!fits || ids_have(&x->baseline[k->r->c->item[k->item].lane], it->id) || ids_have(&x->taken, it->id))
		return;
	k->found++;
	free(k->id);
	k->id = xstrndup(it->id.p, it->id.n);
}

static void sought(void *ctx, bool complete, const bool *found, size_t n, const char *trouble)
{
	struct seeking *k = ctx;
	struct runner *r = k->r;
	struct cycle_event ev = event_of(EV_SOUGHT);
	(void)found;
	(void)n;
	ev.item = k->item;
	ev.number = complete ? k->found : -1;
	ev.text = complete ? k->id : trouble;
	r->waiting--;
	runner_event(r, &ev, &actor_engine, NULL, NULL, NULL);
	arena_free(k->texts);
	free(k->id);
	free(k);
}

static void seek_again(struct runner *r, int32_t item)
{
	struct cycle_event ev = event_of(EV_SOUGHT);
	ev.item = item;
	runner_event(r, &ev, &actor_engine, NULL, NULL, NULL);
}

void restoring_seek(struct runner *r, int32_t item)
{
	if (undoes(r, item)) {
		seek_again(r, item);
		return;
	}
	struct seeking *k = xcalloc(1, sizeof *k);
	*k = (struct seeking){ .r = r, .item = item, .texts = arena_new(1 << 10) };
	k->n = looks_of(&r->plan->item[item], k->texts, k->look);
	r->waiting++;
	walk_lane(r->en, r->lane_of[r->c->item[item].lane], sought_item, sought, k);
}
