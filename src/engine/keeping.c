/* What is in escrow: are the copies still what they were? Asked at the gate into cleaning for all that the
 * approval counted restorable, of one by chance when a cycle ends, and by operators. And how long they stay. */
#include "engine/internal.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/vault.h"
#include "escrow/escrow.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAMED = 100, LISTED = 1000, FAR_AT_ONCE = 4 };

/* One copy that is looked at; bytes -1 and no hash: whatever the index says. */
struct want {
	struct slice lane, id;
	int64_t bytes;
	struct hash sha;
};

struct survey {
	struct engine *en;
	const char *why;                /* gate, cycle's end, asked */
	int64_t cycle;
	struct arena *texts;
	struct want *want;
	size_t n, cap;
	struct far_copy {
		struct survey *s;
		struct journal_escrow x;
	} *far;                         /* those in a bucket: read after the worker's, some at a time */
	size_t n_far, cap_far, far_next, far_running;
	struct slice lane, id, state;   /* of whom, where nothing is wanted by name; empty = all */
	int64_t checked, bytes, damaged;
	char first[300];
	struct buf list;                /* of the damaged, JSON */
	struct jw w;
	enum rc rc;
	struct err err;
	void (*done)(struct survey *s);
	engine_reply *reply;
	void *ctx;
	struct engine_who who;          /* at the gate: who asked for what */
	enum cycle_event_kind command;
};

static struct survey *survey_new(struct engine *en, const char *why, int64_t cycle)
{
	struct survey *s = xcalloc(1, sizeof *s);
	*s = (struct survey){ .en = en, .why = why, .cycle = cycle, .texts = arena_new(4096) };
	jw_init(&s->w, &s->list);
	jw_arr(&s->w);
	return s;
}

static void survey_free(struct survey *s)
{
	arena_free(s->texts);
	buf_done(&s->list);
	free(s->want);
	free(s->far);
	free(s);
}

static struct slice keep(struct survey *s, struct slice t) { return (struct slice){ arena_strndup(s->texts, t.n ? t.p : "", t.n), t.n }; }

/* ---- on a worker ---- */

static void damaged(struct survey *s, const struct journal_escrow *x, const char *why)
{
	char id[80];
	if (s->damaged++ == 0)
		snprintf(s->first, sizeof s->first, "%s: %.200s", text_z(id, sizeof id, x->id), why);
	if (s->damaged > NAMED)
		return;
	jw_obj(&s->w);
	jw_kstr(&s->w, "lane", x->lane);
	jw_kstr(&s->w, "id", x->id);
	jw_kstr(&s->w, "path", x->path);
	jw_kz(&s->w, "why", why);
	jw_end_obj(&s->w);
}

static void keep_far(struct survey *s, const struct journal_escrow *x)
{
	GROW(s->far, s->cap_far, s->n_far + 1);
	s->far[s->n_far++] = (struct far_copy){ .x = { .lane = keep(s, x->lane), .id = keep(s, x->id), .path = keep(s, x->path),
		.sha256 = keep(s, x->sha256), .bytes = x->bytes } };
}

static void look_at(struct survey *s, const struct journal_escrow *x, const struct want *want)
{
	struct hash sha;
	struct err e = { 0 };
	char *path = xstrndup(x->path.p, x->path.n);
	int fd;
	s->checked++;
	if (!hash_parse(&sha, x->sha256) || x->bytes < 0 || (want && (want->bytes != x->bytes || !hash_eq(&want->sha, &sha))))
		damaged(s, x, "the index has another copy than the one that the plan counts on");
	else if (vault_holds(x->path))
		keep_far(s, x);
	else if (escrow_open_verified(path, x->bytes, &sha, &fd, &e) != RC_OK)
		damaged(s, x, e.text);
	else {
		s->bytes += x->bytes;
		close(fd);
	}
	free(path);
}

static bool stopped(struct survey *s)
{
	if (!atomic_load(&s->en->no_proofs))
		return false;
	s->rc = err_set(&s->err, RC_REFUSED, "the engine is stopping");
	return true;
}

static enum rc each(void *ctx, const struct journal_escrow *x)
{
	struct survey *s = ctx;
	if (stopped(s))
		return s->rc;
	if (!s->id.n || slice_eq(s->id, x->id))
		look_at(s, x, NULL);
	return RC_OK;
}

static void look_for(struct survey *s, struct db *d, const struct want *w)
{
	struct journal_escrow x;
	struct arena *a = arena_new(1024);
	if (escrow_find(d, w->lane, w->id, &x, a, &s->err) == RC_OK) {
		look_at(s, &x, w);
	} else {
		x = (struct journal_escrow){ .lane = w->lane, .id = w->id };
		s->checked++;
		damaged(s, &x, s->err.text);
	}
	arena_free(a);
}

static void survey_work(void *ctx)
{
	struct survey *s = ctx;
	const struct escrow_filter f = { .lane = s->lane, .state = SLICE_LIT("ok") };
	struct db *d;
	s->rc = db_open(&d, s->en->paths->db, DB_READER, NULL, &s->err);
	if (s->rc != RC_OK)
		return;
	for (size_t i = 0; i < s->n && !stopped(s); i++)
		look_for(s, d, &s->want[i]);
	if (!s->n)
		s->rc = escrow_each(d, &f, each, s, &s->err);
	db_close(d);
}

/* ---- what came out ---- */

static void note(struct survey *s)
{
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "why", s->why);
	jw_ki64(&w, "checked", s->checked);
	jw_ki64(&w, "damaged", s->damaged);
	if (s->damaged)
		jw_kz(&w, "first", s->first);
	jw_end_obj(&w);
	engine_note(s->en, AUDIT_ESCROW_TEST, &actor_engine, "escrow", s->cycle, buf_z(&b));
	buf_done(&b);
	struct escrow_test *t = &s->en->escrow_test;
	t->at_us = now_read().wall_us;
	t->checked = s->checked;
	t->damaged = s->damaged;
	snprintf(t->first, sizeof t->first, "%s", s->first);
}

static void surveyed(struct survey *s)
{
	jw_end_arr(&s->w);
	if (s->rc == RC_OK && s->checked && !s->en->closing)
		note(s);
	if (s->rc != RC_OK && !s->done)
		log_warn("escrow", NULL, "no copy could be tested: %s", s->err.text);
	if (s->done)
		s->done(s);
	survey_free(s);
}

/* ---- those in a bucket ---- */

static void far_go(struct survey *s);

static void far_read(void *ctx, enum rc rc, const struct err *e, int fd)
{
	struct far_copy *f = ctx;
	struct survey *s = f->s;
	(void)fd;
	s->far_running--;
	if (rc == RC_CANCELLED)
		s->rc = err_set(&s->err, RC_REFUSED, "the engine is stopping");
	else if (rc == RC_INCOMPLETE || rc == RC_IO)    /* that is not known of this one, nor of the others */
		s->rc = err_set(&s->err, rc, "%s", e->text);
	else if (rc != RC_OK)
		damaged(s, &f->x, e->text);
	else
		s->bytes += f->x.bytes;
	far_go(s);
}

static void far_go(struct survey *s)
{
	while (s->rc == RC_OK && s->far_next < s->n_far && s->far_running < FAR_AT_ONCE && !stopped(s)) {
		struct far_copy *f = &s->far[s->far_next++];
		struct vault_copy c = { .path = f->x.path, .bytes = f->x.bytes };
		f->s = s;
		if (!hash_parse(&c.sha256, f->x.sha256))
			memset(&c.sha256, 0, sizeof c.sha256);  /* matches nothing */
		s->far_running++;
		vault_read(s->en, &c, false, far_read, f);
	}
	if (!s->far_running)
		surveyed(s);
}

static void worked(void *ctx) { far_go(ctx); }

/* ---- of a plan ---- */

/* What its evidence says was copied: the plan's hash covers it. */
static bool evidence_of(const struct plan_item *it, struct want *w)
{
	struct json_doc *d;
	bool known = false;
	if (json_parse(&d, it->evidence, NULL, NULL) != RC_OK)
		return false;
	for (const struct json *j = json_first(json_root(d)); j; j = json_next(j))
		if (slice_is(json_get_str(j, "rule"), "escrow") && hash_parse(&w->sha, json_get_str(j, "sha256"))) {
			w->bytes = json_get_i64(j, "bytes", -1);
			known = true;
		}
	json_doc_free(d);
	return known;
}

static void want_item(struct survey *s, const struct plan *p, const struct plan_item *it)
{
	struct want w = { .lane = keep(s, p->lane[it->lane].name), .id = keep(s, it->id), .bytes = -1 };
	if (!evidence_of(it, &w))
		memset(&w.sha, 0, sizeof w.sha);        /* matches nothing */
	GROW(s->want, s->cap, s->n + 1);
	s->want[s->n++] = w;
}

static void want_granted(struct survey *s, const struct runner *r)
{
	for (int32_t i = 0; i < r->plan->items; i++) {
		const struct plan_item *it = &r->plan->item[i];
		const struct cycle_lane *l = &r->c->lane[it->lane];
		if (it->class_ == REV_R1 && l->granted && !l->excluded && it->rank <= l->n && !item_deleted((enum item_state)r->c->item[i].state))
			want_item(s, r->plan, it);
	}
}

static void gate_done(struct survey *s)
{
	char why[400];
	struct runner *run = s->en->run;
	if (s->rc != RC_OK) {
		s->reply(s->ctx, s->rc, &s->err, NULL);
	} else if (s->damaged) {
		snprintf(why, sizeof why, "%lld of %lld copies that count as restorable are not what they were: %.220s; %s", (long long)s->damaged,
			 (long long)s->checked, s->first,
			 run && run->c->first_intent ? "abort the cycle" : "cancel the cycle and plan again");
		command_refuse(s->reply, s->ctx, RC_STALE, why);
	} else {
		bool same = run && run->c->id == s->cycle;
		if (same)
			run->copies_proved = run->copies_just_proved = true;
		run_command(s->en, &s->who, s->command, s->reply, s->ctx);
		if (same)
			run->copies_just_proved = false;
	}
}

/* Into cleaning each time that somebody wants to; within it once after a start. */
static bool proved(const struct runner *r)
{
	return r->copies_just_proved || (r->copies_proved && r->c->stage >= STAGE_CLEANING);
}

bool keeping_gate(struct runner *r, const struct engine_who *who, enum cycle_event_kind k, engine_reply *reply, void *ctx)
{
	bool next = r->plan && r->c->plan_frozen && !r->c->rehearsal && (r->c->stage == STAGE_VALIDATING || r->c->stage == STAGE_CLEANING);
	if (!next || proved(r))
		return true;
	struct survey *s = survey_new(r->en, "gate", r->c->id);
	want_granted(s, r);
	if (!s->n) {
		survey_free(s);
		return true;
	}
	s->who = *who;
	s->command = k;
	s->reply = reply;
	s->ctx = ctx;
	s->done = gate_done;
	job_read(r->en, survey_work, worked, s);
	return false;
}

void keeping_test_one(struct runner *r)
{
	struct rng rng;
	uint64_t seed;
	int64_t of = 0, pick, n = 0;
	for (int i = 0; r->plan && i < r->plan->lanes; i++)
		of += r->plan->lane[i].by_class[REV_R1];
	if (!of || r->c->rehearsal || !r->c->plan_frozen)
		return;
	rng_os(&seed, sizeof seed);
	rng_seed(&rng, seed);
	pick = (int64_t)rng_below(&rng, (uint64_t)of);
	struct survey *s = survey_new(r->en, "one by chance at the end of the cycle", r->c->id);
	for (int32_t i = 0; i < r->plan->items; i++)
		if (r->plan->item[i].class_ == REV_R1 && n++ == pick)
			want_item(s, r->plan, &r->plan->item[i]);
	job_read(r->en, survey_work, worked, s);
}

/* ---- asked by operators ---- */

static void verified(struct survey *s)
{
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	if (s->rc == RC_OK && s->id.n && !s->checked)
		s->rc = err_set(&s->err, RC_NOT_FOUND, "there is no copy of this item in escrow");
	if (s->rc == RC_OK) {
		jw_obj(&w);
		jw_ki64(&w, "checked", s->checked);
		jw_ki64(&w, "bytes", s->bytes);
		jw_ki64(&w, "bad", s->damaged);
		jw_key(&w, "damaged");
		jw_raw(&w, buf_slice(&s->list));
		jw_end_obj(&w);
	}
	s->reply(s->ctx, s->rc, &s->err, s->rc == RC_OK ? buf_z(&b) : NULL);
	buf_done(&b);
}

void engine_escrow_verify(struct engine *en, struct slice lane, struct slice id, engine_reply *r, void *ctx)
{
	struct survey *s = survey_new(en, "asked", 0);
	s->lane = keep(s, lane);
	s->id = keep(s, id);
	s->reply = r;
	s->ctx = ctx;
	s->done = verified;
	job_read(en, survey_work, worked, s);
}

static enum rc one_copy(void *ctx, const struct journal_escrow *x)
{
	struct jw *w = ctx;
	jw_obj(w);
	jw_kstr(w, "lane", x->lane);
	jw_kstr(w, "id", x->id);
	jw_kstr(w, "name", x->name);
	jw_kstr(w, "purpose", x->purpose);
	jw_kopt(w, "bytes", x->bytes);
	jw_kstr(w, "sha256", x->sha256);
	jw_kopt(w, "created_us", x->created_us);
	jw_kstr(w, "path", x->path);
	jw_kstr(w, "state", x->state);
	jw_ki64(w, "cycle", x->cycle);
	jw_ki64(w, "at_us", x->at_us);
	jw_end_obj(w);
	return RC_OK;
}

static void list_work(void *ctx)
{
	struct survey *s = ctx;
	const struct escrow_filter f = { .lane = s->lane, .id = s->id, .state = s->state, .limit = (int)s->cycle };
	struct db *d;
	s->rc = db_open(&d, s->en->paths->db, DB_READER, NULL, &s->err);
	if (s->rc != RC_OK)
		return;
	s->rc = escrow_each(d, &f, one_copy, &s->w, &s->err);
	jw_end_arr(&s->w);
	db_close(d);
}

static void listed(void *ctx)
{
	struct survey *s = ctx;
	struct buf b;
	buf_init(&b);
	buf_addf(&b, "{\"copies\":%s}", s->rc == RC_OK ? buf_z(&s->list) : "[]");
	s->reply(s->ctx, s->rc, &s->err, s->rc == RC_OK ? buf_z(&b) : NULL);
	buf_done(&b);
	survey_free(s);
}

void engine_escrow_list(struct engine *en, struct slice lane, struct slice id, struct slice state, int64_t limit, engine_reply *r, void *ctx)
{
	struct survey *s = survey_new(en, "list", limit > 0 && limit < LISTED ? limit : LISTED);
	s->lane = keep(s, lane);
	s->id = keep(s, id);
	s->state = keep(s, state);
	s->reply = r;
	s->ctx = ctx;
	job_read(en, list_work, listed, s);
}
