/* Dead letters (SEMANTICS 5): listed by harm; redriven as a cycle whose plan can hold nothing but the chosen
 * ones; dismissed with a reason. A letter leaves the list only with a record in the log. */
#include "engine/internal.h"
#include "engine/view.h"

#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHOSEN_MAX = 10000, SHOWN_MAX = 1000 };

/* What was chosen: letters of one policy, by lane and id. */
struct letter {
	int64_t cycle;
	int32_t n;
	char lane[64], belief[16];
	struct slice id;                /* in the arena */
};

struct redrive {
	struct arena *arena;
	struct letter *l;
	size_t n, cap;
	char policy[64];
};

static void refuse(engine_reply *r, void *ctx, enum rc rc, const char *why)
{
	struct err e;
	err_set(&e, rc, "%s", why);
	r(ctx, rc, &e, NULL);
}

static struct redrive *redrive_new(void)
{
	struct redrive *d = xcalloc(1, sizeof *d);
	d->arena = arena_new(4096);
	return d;
}

void redrive_free(struct redrive *d)
{
	if (!d)
		return;
	arena_free(d->arena);
	free(d->l);
	free(d);
}

/* ---- the list ---- */

struct listing_ctx {
	struct engine *en;
	engine_reply *reply;
	void *ctx;
	enum rc rc;
	struct err err;
	struct buf out;
	struct jw w;
	int64_t offset, limit, total;
	char lane[64], belief[16];
};

static bool wanted(const struct listing_ctx *q, const struct journal_dead *d)
{
	return (!q->lane[0] || slice_is(d->lane, q->lane)) && (!q->belief[0] || slice_is(d->belief, q->belief));
}

static enum rc one_letter(void *ctx, const struct journal_dead *d)
{
	static const char *const classes[] = { "R0", "R1", "R2", "R3" };
	struct listing_ctx *q = ctx;
	struct jw *w = &q->w;
	char key[48];
	if (!wanted(q, d))
		return RC_OK;
	int64_t at = q->total++;
	if (at < q->offset || at >= q->offset + q->limit)
		return RC_OK;
	snprintf(key, sizeof key, "%" PRId64 ".%" PRId32, d->cycle, d->n);
	jw_obj(w);
	jw_kz(w, "letter", key);
	jw_ki64(w, "cycle", d->cycle);
	jw_kstr(w, "lane", d->lane);
	jw_kstr(w, "id", d->id);
	jw_kstr(w, "name", d->name);
	jw_kopt(w, "bytes", d->bytes);
	jw_kz(w, "class", d->reversibility >= 0 && d->reversibility < (int)ARRAY_LEN(classes) ? classes[d->reversibility] : "R0");
	jw_kstr(w, "belief", d->belief);
	jw_kstr(w, "phase", d->phase);
	jw_kstr(w, "failed_by", d->class_);
	jw_ki64(w, "at_us", d->at_us);
	jw_end_obj(w);
	return RC_OK;
}

static void list_work(void *ctx)
{
	struct listing_ctx *q = ctx;
	struct db *d;
	q->rc = db_open(&d, q->en->paths->db, DB_READER, NULL, &q->err);
	if (q->rc != RC_OK)
		return;
	jw_obj(&q->w);
	jw_key(&q->w, "letters");
	jw_arr(&q->w);
	q->rc = journal_read_dead(d, 0, one_letter, q, &q->err);
	jw_end_arr(&q->w);
	jw_ki64(&q->w, "total", q->total);
	jw_ki64(&q->w, "offset", q->offset);
	jw_end_obj(&q->w);
	db_close(d);
}

static void list_done(void *ctx)
{
	struct listing_ctx *q = ctx;
	q->reply(q->ctx, q->rc, &q->err, q->rc == RC_OK ? buf_z(&q->out) : NULL);
	buf_done(&q->out);
	free(q);
}

void engine_dead_list(struct engine *en, const struct engine_dead_ask *ask, engine_reply *r, void *ctx)
{
	struct listing_ctx *q = xcalloc(1, sizeof *q);
	*q = (struct listing_ctx){ .en = en, .reply = r, .ctx = ctx, .offset = MAX(ask->offset, 0),
		.limit = ask->limit > 0 ? MIN(ask->limit, SHOWN_MAX) : 100 };
	text_z(q->lane, sizeof q->lane, ask->lane);
	text_z(q->belief, sizeof q->belief, ask->belief);
	jw_init(&q->w, &q->out);
	job_read(en, list_work, list_done, q);
}

/* ---- choosing ---- */

static bool parse_letter(struct slice s, int64_t *cycle, int32_t *n)
{
	const char *dot = memchr(s.p, '.', s.n);
	int64_t k;
	if (!dot || !parse_i64((struct slice){ s.p, (size_t)(dot - s.p) }, cycle) ||
	    !parse_i64((struct slice){ dot + 1, s.n - (size_t)(dot - s.p) - 1 }, &k) || *cycle < 1 || k < 0 || k > INT32_MAX)
		return false;
	*n = (int32_t)k;
	return true;
}

static int by_key(const void *x, const void *y)
{
	const struct letter *a = x, *b = y;
	return a->cycle != b->cycle ? (a->cycle > b->cycle) - (a->cycle < b->cycle) : (a->n > b->n) - (a->n < b->n);
}

static int by_item(const void *x, const void *y)
{
	const struct letter *a = x, *b = y;
	int d = strcmp(a->lane, b->lane);
	return d ? d : slice_cmp(a->id, b->id);
}

static enum rc parse_letters(struct redrive *d, const struct json *letters, struct err *e)
{
	char shown[64];
	struct slice s;
	for (const struct json *j = json_first(letters); j; j = json_next(j)) {
		struct letter l = { 0 };
		if (!json_str(j, &s) || !parse_letter(s, &l.cycle, &l.n))
			return err_set(e, RC_USAGE, "a dead letter is named as dead list does, like 3.17%s%s", json_str(j, &s) ? ", not " : "",
				       json_str(j, &s) ? text_z(shown, sizeof shown, s) : "");
		if (d->n == CHOSEN_MAX)
			return err_set(e, RC_USAGE, "at most %d dead letters at once", (int)CHOSEN_MAX);
		GROW(d->l, d->cap, d->n + 1);
		d->l[d->n++] = l;
	}
	if (!d->n)
		return err_set(e, RC_USAGE, "name at least one dead letter; dead list shows them");
	qsort(d->l, d->n, sizeof *d->l, by_key);
	for (size_t i = 1; i < d->n; i++)
		if (by_key(&d->l[i - 1], &d->l[i]) == 0)
			return err_set(e, RC_USAGE, "dead letter %" PRId64 ".%" PRId32 " is named twice", d->l[i].cycle, d->l[i].n);
	return RC_OK;
}

static enum rc fill_letter(void *ctx, const struct journal_dead *jd)
{
	struct redrive *d = ctx;
	struct letter probe = { .cycle = jd->cycle, .n = jd->n };
	struct letter *l = d->n ? bsearch(&probe, d->l, d->n, sizeof *d->l, by_key) : NULL;
	if (!l)
		return RC_OK;
	snprintf(l->lane, sizeof l->lane, "%.*s", SLICE_FMT(jd->lane));
	snprintf(l->belief, sizeof l->belief, "%.*s", SLICE_FMT(jd->belief));
	l->id = (struct slice){ arena_strndup(d->arena, jd->id.n ? jd->id.p : "", jd->id.n), jd->id.n };
	return RC_OK;
}

/* Those that are there get what they are about. */
static enum rc look_up(struct engine *en, struct redrive *d, struct err *e)
{
	return journal_read_dead(en->reader, 0, fill_letter, d, e);
}

static enum rc all_there(const struct redrive *d, struct err *e)
{
	for (size_t i = 0; i < d->n; i++)
		if (!d->l[i].belief[0])
			return err_set(e, RC_NOT_FOUND, "there is no dead letter %" PRId64 ".%" PRId32 "; dead list shows them", d->l[i].cycle, d->l[i].n);
	return RC_OK;
}

static enum rc choose(struct engine *en, const struct json *letters, struct redrive *d, struct err *e)
{
	enum rc rc = parse_letters(d, letters, e);
	if (rc == RC_OK)
		rc = look_up(en, d, e);
	return rc == RC_OK ? all_there(d, e) : rc;
}

static void name_letters(struct jw *w, const struct redrive *d)
{
	char key[48];
	jw_key(w, "letters");
	jw_arr(w);
	for (size_t i = 0; i < d->n; i++) {
		snprintf(key, sizeof key, "%" PRId64 ".%" PRId32, d->l[i].cycle, d->l[i].n);
		jw_z(w, key);
	}
	jw_end_arr(w);
}

/* The letter leaves the list, and the log says why. */
static void take_out(struct journal *j, const struct audit_actor *who, const struct letter *l, int64_t cycle, const char *how, struct slice reason)
{
	struct buf b;
	struct jw w;
	char key[48];
	buf_init(&b);
	snprintf(key, sizeof key, "%" PRId64 ".%" PRId32, l->cycle, l->n);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "out", how);
	jw_kz(&w, "letter", key);
	jw_kz(&w, "lane", l->lane);
	jw_kz(&w, "belief", l->belief);
	if (reason.n)
		jw_kstr(&w, "reason", reason);
	jw_end_obj(&w);
	journal_audit(j, AUDIT_DEAD_LETTER, who, l->id, cycle, SLICE_LIT(""), buf_slice(&b));
	journal_dead_remove(j, l->cycle, l->n);
	buf_done(&b);
}

/* ---- dismissing ---- */

struct dismissal {
	struct engine *en;
	size_t n;
	engine_reply *reply;
	void *ctx;
};

static void dismissed(void *ctx, enum rc rc, const struct err *e)
{
	struct dismissal *q = ctx;
	char result[48];
	snprintf(result, sizeof result, "{\"dismissed\":%zu}", q->n);
	engine_changed(q->en, ENGINE_OVERVIEW);
	q->reply(q->ctx, rc, e, rc == RC_OK ? result : NULL);
	free(q);
}

void engine_dead_dismiss(struct engine *en, const struct engine_who *who, const struct json *letters, struct slice reason,
			 engine_reply *r, void *ctx)
{
	struct audit_actor a = actor_of(who);
	struct redrive *d;
	struct err e = { 0 };
	if (!command_may_write(en, who, r, ctx) || !command_may_record(en, r, ctx))
		return;
	if (!reason.n) {
		refuse(r, ctx, RC_USAGE, "dismissing a dead letter needs a reason");
		return;
	}
	if (runner_open(en) && en->run->redrive) {
		refuse(r, ctx, RC_REFUSED, "dead letters are being redriven; finish or cancel that cycle first");
		return;
	}
	d = redrive_new();
	enum rc rc = choose(en, letters, d, &e);
	if (rc != RC_OK) {
		r(ctx, rc, &e, NULL);
	} else {
		struct dismissal *q = xmalloc(sizeof *q);
		struct journal *j = journal_new();
		*q = (struct dismissal){ en, d->n, r, ctx };
		for (size_t i = 0; i < d->n; i++)
			take_out(j, &a, &d->l[i], d->l[i].cycle, "dismissed", reason);
		store_commit(en->store, j, dismissed, q);
	}
	redrive_free(d);
}

/* ---- redriving ---- */

static enum rc policy_of(void *ctx, const struct journal_cycle *c)
{
	snprintf(ctx, 64, "%.*s", SLICE_FMT(c->policy));
	return RC_OK;
}

/* One plan has one policy; and what is gone cannot be deleted again. */
static enum rc one_policy(struct engine *en, struct redrive *d, struct err *e)
{
	char policy[64];
	int64_t of = 0;
	for (size_t i = 0; i < d->n; i++) {
		const struct letter *l = &d->l[i];
		if (!strcmp(l->belief, "row_conflict"))
			return err_set(e, RC_REFUSED, "dead letter %" PRId64 ".%" PRId32 " is a row conflict: its file is gone and somebody refers to it; "
				       "repair the row, then dismiss it", l->cycle, l->n);
		if (!strcmp(l->belief, "not_restored") || !strcmp(l->belief, "maybe_restored_twice"))
			return err_set(e, RC_REFUSED, "dead letter %" PRId64 ".%" PRId32 " is about a file that is deleted; restore its copy by hand, "
				       "or see which of its copies stays, then dismiss it", l->cycle, l->n);
		if (l->cycle == of)
			continue;
		of = l->cycle;
		enum rc rc = journal_read_cycle(en->reader, of, policy_of, policy, e);
		if (rc != RC_OK)
			return rc;
		if (d->policy[0] && strcmp(d->policy, policy))
			return err_set(e, RC_REFUSED, "the letters come from policies %s and %s; redrive those of one at a time", d->policy, policy);
		snprintf(d->policy, sizeof d->policy, "%s", policy);
	}
	return RC_OK;
}

void engine_dead_redrive(struct engine *en, const struct engine_who *who, const struct json *letters, engine_reply *r, void *ctx)
{
	struct redrive *d;
	struct err e = { 0 };
	if (!command_may_write(en, who, r, ctx) || !command_may_record(en, r, ctx))
		return;
	d = redrive_new();
	enum rc rc = choose(en, letters, d, &e);
	if (rc == RC_OK)
		rc = one_policy(en, d, &e);
	if (rc != RC_OK) {
		r(ctx, rc, &e, NULL);
		redrive_free(d);
		return;
	}
	qsort(d->l, d->n, sizeof *d->l, by_item);
	command_start(en, who, slice_of(d->policy), d, NULL, r, ctx);
}

/* Of the cycle that is being opened: after a restart it is still for these only. */
void redrive_open(struct journal *j, const struct redrive *d, const struct audit_actor *who, int64_t cycle)
{
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_ki64(&w, "cycle", cycle);
	name_letters(&w, d);
	jw_end_obj(&w);
	journal_setting(j, "redrive", buf_slice(&b));
	buf_clear(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "out", "redrive begun");
	name_letters(&w, d);
	jw_end_obj(&w);
	journal_audit(j, AUDIT_DEAD_LETTER, who, slice_of(d->policy), cycle, SLICE_LIT(""), buf_slice(&b));
	buf_done(&b);
}

/* Letters that were dismissed meanwhile cannot be: it is refused. What is gone all the same is passed over. */
enum rc redrive_restore(struct engine *en, int64_t cycle, struct redrive **out, struct err *e)
{
	struct redrive *d = NULL;
	struct json_doc *doc = NULL;
	struct buf b;
	bool found;
	*out = NULL;
	buf_init(&b);
	enum rc rc = journal_read_setting(en->reader, "redrive", &b, &found, e);
	if (rc == RC_OK && found && json_parse(&doc, buf_slice(&b), NULL, e) == RC_OK && json_get_i64(json_root(doc), "cycle", 0) == cycle) {
		d = redrive_new();
		rc = parse_letters(d, json_get(json_root(doc), "letters"), e);
		if (rc == RC_OK)
			rc = look_up(en, d, e);
		if (rc == RC_OK)
			qsort(d->l, d->n, sizeof *d->l, by_item);
	}
	json_doc_free(doc);
	buf_done(&b);
	if (rc == RC_OK)
		*out = d;
	else
		redrive_free(d);
	return rc;
}

bool redrive_has(const struct redrive *d, const char *lane, struct slice id)
{
	struct letter probe = { .id = id };
	snprintf(probe.lane, sizeof probe.lane, "%s", lane);
	return bsearch(&probe, d->l, d->n, sizeof *d->l, by_item) != NULL;
}

/* The cycle ended: what it settled is no letter of an earlier cycle any more; what failed again has a new one. */
void redrive_settle(struct runner *r, struct journal *j)
{
	struct audit_actor who = actor_engine;
	for (int32_t i = 0; r->plan && i < r->plan->items; i++) {
		const struct cycle_item *it = &r->c->item[i];
		struct letter probe = { .id = r->plan->item[i].id };
		bool done = it->dead || it->state == ITEM_DELETED || it->state == ITEM_GONE || it->state == ITEM_GONE_OTHER ||
			it->state == ITEM_RESTORED;
		snprintf(probe.lane, sizeof probe.lane, "%s", r->c->lane[it->lane].o.name);
		/* several letters may be about one item */
		for (size_t k = 0; done && k < r->redrive->n; k++)
			if (by_item(&probe, &r->redrive->l[k]) == 0)
				take_out(j, &who, &r->redrive->l[k], r->c->id, "redriven", SLICE_LIT(""));
	}
}
