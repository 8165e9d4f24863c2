#include "sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "store/audit.h"

enum {
	LANES = 3, CONTROL = 3, RING = 48, LINE = 200, THINGS = LANES * 300, UPLOADS = 4 * THINGS,
	MAX_EVENTS = 60000,
	SECOND = 1000000, MINUTE = 60 * SECOND
};
#define HOUR ((int64_t)60 * MINUTE)
#define WALL0 INT64_C(1800000000000000)

/* One file, its row, and what is true of them. */
struct thing {
	int lane;
	int64_t bytes;
	bool candidate, exists, ours, others, locked, guarded;
	bool lied;                      /* the store said deleted, and it was not */
	bool denied;                    /* it said 404, and it is there: only a complete list can tell */
	bool seen;                      /* the last re-read of a canary showed that it is there */
	int64_t gone_at;                /* for lists and reads that lag */
	bool row, live, claimed, referenced, changed, committed;
	bool copy;                      /* there is an escrow copy of it */
	bool remapped, several;         /* several: a look found more than one file that may be it */
	int row_id;                     /* which file its row names: 0 the old one */
	/* what the coordinator was told last, for the promise that nothing else is sent */
	int checked;                    /* enum check_result, -1 never */
	int64_t checked_at;
	bool answered_deleted;
	int result;                     /* of the request under way: 0 nothing, 1 deleted, 2 missing */
	int requests;                   /* of this plan that left */
	int64_t sent_at;
	bool doubt;                     /* the last one may have done it, and nobody has looked since */
};

enum fate { FATE_OK, FATE_PACE, FATE_500_BEFORE, FATE_500_AFTER, FATE_CUT_BEFORE, FATE_CUT_AFTER, FATE_TIMEOUT, FATE_LATE,
	    FATE_GARBLED, FATE_LIE, FATE_WRONG, FATE_DENIED, FATE_REFUSED, FATE_AUTH, FATE_NETWORK, FATE_REHEARSED, FATE_COUNT };

enum op_kind { OP_ACT, OP_ANSWER, OP_PROBE, OP_REREAD, OP_LIST, OP_LIST_RECORDS, OP_VALIDATE, OP_RECHECK, OP_CLAIM, OP_RELIST,
	       OP_COMMIT_ROWS, OP_LOOK_ROWS, OP_RELEASE, OP_COUNT_CLAIMS, OP_BASELINE, OP_UPLOAD, OP_RESTORED, OP_SEEK, OP_REMAP_ROWS,
	       OP_FIRST_OF_THE_WORLD,
	       OP_COMMIT = OP_FIRST_OF_THE_WORLD, OP_OPERATOR, OP_OTHERS, OP_REFERENCE, OP_CHANGE, OP_GUARD, OP_LOG_DOWN, OP_LOG_BACK,
	       OP_CRASH, OP_RESTART };

struct op {
	int64_t at, seq;
	enum op_kind kind;
	int lane;
	int32_t item, from, to;         /* of the plan */
	int64_t number;
	enum fate fate;
	int64_t ready, left;            /* an answer: when its intent was durable and its request left */
};

/* An event's effects on their way to the disk. */
struct row_write { int32_t n; struct cycle_stored st; };
struct deed {
	struct effects fx;
	struct row_write *rows;
	size_t n_rows, cap_rows;
	char *body;                     /* NULL = unchanged */
	bool new_plan, late;
	struct deed *next;
};

struct window { int64_t from, to; };

/* A file that an upload of ours, or somebody else's, made: its number is its id. */
struct upload { int lane; int32_t of; bool foreign; bool early; };    /* early: before the baseline */

struct sim {
	struct rng rng;
	uint64_t seed;
	unsigned troubles;
	bool verbose, rehearsal, unclaimed;
	bool rude;                      /* other writers do not respect claims */
	struct sim_report *r;
	struct now now;
	int64_t seq;
	struct op *op;
	size_t n_op, cap_op;
	struct cycle *c;                /* NULL while crashed */
	bool auto_gates[STAGE_COUNT];
	struct cycle_lane_opts o[LANES];
	int lanes;
	/* the world */
	struct thing *t;
	int32_t things;
	int32_t *plan;                  /* item → thing */
	struct upload up[UPLOADS];
	int ups;
	int new_id[THINGS];             /* item → upload + 1, as it is on disk */
	bool based[LANES];
	bool letters[THINGS];           /* items with a dead letter */
	int32_t items;
	int32_t control[LANES][CONTROL];
	int control_n[LANES];
	bool granted[LANES];
	int64_t grant_n[LANES], grant_bytes[LANES];
	struct window outage, auth, db_down, log_down;
	int64_t heals_at;               /* from here on nothing new goes wrong */
	int percent;                    /* of answers that are faulty */
	/* what is on disk */
	char *disk_body;
	struct cycle_stored *disk;
	int32_t disk_items;
	int64_t spent_items, spent_bytes;
	struct deed *queue, **tail;
	struct outgoing outgoing[LANES];
	bool going_out;
	int64_t disk_us;                /* a commit takes up to this */
	bool commit_set, log_failing;
	bool new_plan;                  /* the event being handed over brings it */
	int batch[LANES];               /* the last one that was seen, and its size */
	int64_t batch_size[LANES];
	bool open[LANES];               /* its breaker was not closed after the last event */
	/* the operator */
	int64_t patience;
	int ticks_in_place;
	char ring[RING][LINE];
	int64_t lines;
};

/* ---- saying what happens ---- */

static void say(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct sim *s, const char *fmt, ...)
{
	char *line = s->ring[s->lines++ % RING];
	va_list ap;
	int n = snprintf(line, LINE, "%10.3f s  ", (double)s->now.boot_us / SECOND);
	va_start(ap, fmt);
	vsnprintf(line + n, (size_t)(LINE - n), fmt, ap);
	va_end(ap);
	if (s->verbose)
		puts(line);
}

static void broken(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void broken(struct sim *s, const char *fmt, ...)
{
	va_list ap;
	if (!s->r->ok)
		return;
	s->r->ok = false;
	va_start(ap, fmt);
	vsnprintf(s->r->why, sizeof s->r->why, fmt, ap);
	va_end(ap);
}

#define PROMISE(s, cond, ...) do { if (!(cond)) broken(s, __VA_ARGS__); } while (0)

/* ---- chance and time ---- */

static int64_t below(struct sim *s, int64_t n) { return n > 0 ? (int64_t)rng_below(&s->rng, (uint64_t)n) : 0; }
static int64_t between(struct sim *s, int64_t a, int64_t b) { return a + below(s, b - a + 1); }
static bool chance(struct sim *s, int percent) { return below(s, 100) < percent; }
static bool inside(const struct sim *s, struct window w) { return s->now.boot_us >= w.from && s->now.boot_us < w.to; }
static bool has(const struct sim *s, enum sim_trouble k) { return (s->troubles & k) != 0; }
static bool healed(const struct sim *s) { return s->now.boot_us >= s->heals_at; }

static bool before(const struct op *a, const struct op *b) { return a->at != b->at ? a->at < b->at : a->seq < b->seq; }

static struct op *op_add(struct sim *s, int64_t in_us, enum op_kind kind)
{
	GROW(s->op, s->cap_op, s->n_op + 1);
	struct op *o = &s->op[s->n_op++];
	*o = (struct op){ .at = s->now.boot_us + in_us, .seq = s->seq++, .kind = kind, .lane = -1, .item = -1 };
	return o;
}

static const struct op *op_first(const struct sim *s)
{
	const struct op *f = NULL;
	for (size_t i = 0; i < s->n_op; i++)
		if (!f || before(&s->op[i], f))
			f = &s->op[i];
	return f;
}

static struct op op_take(struct sim *s, const struct op *o)
{
	struct op got = *o;
	s->op[o - s->op] = s->op[--s->n_op];
	return got;
}

/* ---- what is durable ---- */

static void deed_free(struct deed *d)
{
	effects_done(&d->fx);
	free(d->rows);
	free(d->body);
	free(d);
}

static void note_row(struct sim *s, struct deed *d, int32_t n)
{
	const struct cycle_item *it = &s->c->item[n];
	GROW(d->rows, d->cap_rows, d->n_rows + 1);
	d->rows[d->n_rows++] = (struct row_write){ n, { it->state, it->row, it->attempts, it->class_, it->sent_wall_us } };
}

static struct deed *deed_new(struct sim *s, struct effects *fx)
{
	struct deed *d = xcalloc(1, sizeof *d);
	bool body = !s->disk_body;
	int32_t last = -1;
	d->fx = *fx;
	*fx = (struct effects){ 0 };
	for (size_t i = 0; i < d->fx.n; i++) {
		const struct effect *e = &d->fx.e[i];
		if (e->kind == EFF_ITEM && e->item != last)
			note_row(s, d, last = e->item);
		body |= e->kind == EFF_CYCLE || e->kind == EFF_ENDED;
	}
	if (body) {
		struct buf b;
		buf_init(&b);
		cycle_body(s->c, &b);
		d->body = buf_take(&b);
	}
	return d;
}

static void disk_write(struct sim *s, struct deed *d)
{
	if (d->new_plan) {
		s->disk = xreallocarray(s->disk, (size_t)MAX(s->items, 1), sizeof *s->disk);
		s->disk_items = s->items;
		for (int32_t i = 0; i < s->items; i++)
			s->disk[i] = (struct cycle_stored){ .sent_wall_us = -1 };
	}
	for (size_t i = 0; i < d->n_rows; i++)
		s->disk[d->rows[i].n] = d->rows[i].st;
	for (size_t i = 0; i < d->fx.n; i++)
		if (d->fx.e[i].kind == EFF_SPENT) {
			s->spent_items += d->fx.e[i].number;
			s->spent_bytes += d->fx.e[i].bytes;
		} else if (d->fx.e[i].kind == EFF_DEAD) {
			s->letters[d->fx.e[i].item] = true;
		} else if (d->fx.e[i].kind == EFF_NEW_ID) {
			s->new_id[d->fx.e[i].item] = atoi(d->fx.e[i].text);
		}
	if (d->body) {
		free(s->disk_body);
		s->disk_body = d->body;
		d->body = NULL;
	}
}

static void queue_deed(struct sim *s, struct deed *d)
{
	d->late = s->log_failing;
	*s->tail = d;
	s->tail = &d->next;
	if (!s->commit_set && !s->log_failing) {
		s->commit_set = true;
		op_add(s, between(s, 100, s->disk_us), OP_COMMIT);
	}
}

/* ---- handing events over ---- */

static struct thing *thing_of(struct sim *s, int32_t item) { return &s->t[s->plan[item]]; }

/* SEMANTICS 4: it returns only on a proved non-deletion. */
static bool holds_unit(enum item_state st)
{
	return st == ITEM_SENT || st == ITEM_PROBING || st == ITEM_SETTLING || st == ITEM_DELETED || st == ITEM_GONE || st == ITEM_UNKNOWN ||
	       st == ITEM_RESTORING || st == ITEM_SEEKING || st == ITEM_RESTORED || st == ITEM_UNRESTORED;
}

static void check_counts(struct sim *s)
{
	const struct cycle *c = s->c;
	int64_t by[LANES][ITEM_STATE_COUNT] = { 0 }, units[LANES] = { 0 }, bytes[LANES] = { 0 };
	PROMISE(s, cycle_marks_hold(c), "work would be overlooked: an item's marks are not what it says");
	for (int32_t i = 0; i < c->items; i++) {
		const struct cycle_item *it = &c->item[i];
		by[it->lane][it->state]++;
		PROMISE(s, !s->rehearsal || it->state < ITEM_DELETED || it->state == ITEM_REHEARSED || it->state > ITEM_REFUSED,
			"a rehearsal says that item %d is %s", i, item_state_name((enum item_state)it->state));
		if (holds_unit((enum item_state)it->state)) {
			units[it->lane]++;
			bytes[it->lane] += it->bytes < 0 ? c->lane[it->lane].o.max_item_bytes : it->bytes;
		}
	}
	for (int i = 0; i < c->lanes; i++) {
		const struct cycle_lane *l = &c->lane[i];
		for (int k = 0; k < ITEM_STATE_COUNT; k++)
			PROMISE(s, by[i][k] == l->c.by_state[k], "lane %d counts %" PRId64 " %s, there are %" PRId64, i, l->c.by_state[k],
				item_state_name((enum item_state)k), by[i][k]);
		int64_t sum = 0;
		for (int k = 0; k < ITEM_STATE_COUNT; k++)
			sum += by[i][k];
		PROMISE(s, sum == l->planned && sum == l->c.planned, "lane %d: %" PRId64 " items in all states, %" PRId32 " planned", i, sum, l->planned);
		PROMISE(s, units[i] == l->items_charged && bytes[i] == l->bytes_charged, "lane %d holds %" PRId64 " units, says %" PRId64,
			i, units[i], l->items_charged);
		PROMISE(s, units[i] <= (s->granted[i] ? s->grant_n[i] : 0) && bytes[i] <= (s->granted[i] ? s->grant_bytes[i] : 0),
			"lane %d holds more units or bytes than its grant", i);
		PROMISE(s, by[i][ITEM_SENT] == l->in_flight, "lane %d has %" PRId64 " in flight, says %" PRId64, i, by[i][ITEM_SENT], l->in_flight);
	}
}

static int64_t cap_of(const struct cycle_lane *l)
{
	int64_t t, f;
	cycle_tf(l, &t, &f);
	return MIN(l->o.in_flight + OUTGOING_AHEAD, matrix_in_flight(l->n, f));
}

/* A batch is no larger than the contract and the policy let it be, whatever happened since the one that was seen before; of
 * some in between nothing was sent. */
static void check_batch(struct sim *s, int lane)
{
	const struct cycle_lane *l = &s->c->lane[lane];
	const struct cycle_lane_opts *o = &s->o[lane];
	int64_t size = l->batch_to - l->batch_from, first = MIN(MAX(l->n / 10, 1), o->canary > 0 ? o->canary : 10), most = s->batch_size[lane];
	if (l->batch <= s->batch[lane])
		return;
	for (int k = s->batch[lane]; k < (int)l->batch; k++)
		most = MAX(first, (o->ramp > 0 ? o->ramp : 3) * most);
	PROMISE(s, size <= (l->canary_done ? most : first), "batch %d of lane %d has %" PRId64 " items after one of %" PRId64, (int)l->batch, lane, size,
		s->batch_size[lane]);
	s->batch[lane] = (int)l->batch;
	s->batch_size[lane] = size;
}

/* Before a request leaves. */
static void check_send(struct sim *s, const struct effects *fx, size_t at, bool may)
{
	const struct effect *e = &fx->e[at];
	const struct cycle_lane *l = &s->c->lane[e->lane];
	const struct thing *t = thing_of(s, e->item);
	bool intent = false, row = false;
	s->r->sends++;
	check_batch(s, e->lane);
	for (size_t i = 0; i < at; i++) {
		intent |= fx->e[i].kind == EFF_AUDIT && fx->e[i].audit == AUDIT_INTENT && fx->e[i].item == e->item;
		row |= fx->e[i].kind == EFF_ITEM && fx->e[i].item == e->item;
	}
	PROMISE(s, intent && row, "item %d is sent without its intent", e->item);
	PROMISE(s, may, "item %d is sent while held, aborting or without a log", e->item);
	PROMISE(s, s->granted[e->lane] && e->item - l->first < s->grant_n[e->lane], "item %d of lane %d is beyond its grant", e->item, e->lane);
	PROMISE(s, !t->doubt, "item %d is sent again and nobody looked whether the last request did it", e->item);
	PROMISE(s, t->checked == CHECK_SAME, "item %d is sent though its re-validation said %d", e->item, t->checked);
	PROMISE(s, s->now.boot_us - t->checked_at <= l->o.list_max_age_us, "item %d is sent on facts %" PRId64 " s old", e->item,
		(s->now.boot_us - t->checked_at) / SECOND);
	PROMISE(s, s->unclaimed || s->rude || s->rehearsal || !t->row || !t->referenced || !t->claimed, "item %d is referenced and claimed", e->item);
	PROMISE(s, s->unclaimed || s->rehearsal || !t->row || t->claimed, "item %d is sent without its claim", e->item);
}

/* Before an upload leaves. */
static void check_upload(struct sim *s, const struct effects *fx, size_t at)
{
	const struct effect *e = &fx->e[at];
	const struct cycle *c = s->c;
	bool intent = false;
	for (size_t i = 0; i < at; i++)
		intent |= fx->e[i].kind == EFF_AUDIT && fx->e[i].audit == AUDIT_COMPENSATION_INTENT && fx->e[i].item == e->item;
	PROMISE(s, intent, "item %d is uploaded without its intent", e->item);
	PROMISE(s, !c->held && !c->store_failed && c->stage == STAGE_COMMITTING, "item %d is uploaded while held or in %s", e->item,
		cycle_stage_name(c->stage));
	PROMISE(s, s->based[e->lane], "item %d is uploaded before the baseline", e->item);
	for (int32_t i = 0; i < c->items; i++) {
		const struct cycle_item *it = &c->item[i];
		bool not_deleted = it->state < ITEM_DELETED || (it->state > ITEM_GONE_OTHER && it->state < ITEM_RESTORING);
		PROMISE(s, !not_deleted || (it->row != ROW_CLAIMED && it->row != ROW_RELEASING), "item %d is uploaded before the claim of item %d is given back",
			e->item, i);
	}
}

static void check_effects(struct sim *s, const struct effects *fx, bool may, const int64_t cap[LANES])
{
	bool sends[LANES] = { false };
	for (size_t i = 0; i < fx->n; i++) {
		const struct effect *e = &fx->e[i];
		if (e->kind == EFF_SEND) {
			check_send(s, fx, i, may);
			sends[e->lane] = true;
		}
		if (e->kind == EFF_RESTORE)
			check_upload(s, fx, i);
		PROMISE(s, may || (e->kind != EFF_CLAIM && e->kind != EFF_COMMIT_ROWS) || s->c->aborting, "%s while held",
			e->kind == EFF_CLAIM ? "rows are claimed" : "rows are committed");
	}
	for (int i = 0; i < s->lanes; i++)
		PROMISE(s, !sends[i] || s->c->lane[i].in_flight <= MAX(cap[i], cap_of(&s->c->lane[i])), "lane %d has %" PRId64 " in flight", i,
			s->c->lane[i].in_flight);
}

/* An open breaker closes again when the store recovers, from whatever state it is in: on a copy, time passes and every call
 * that it lets through is good. */
static bool breaker_heals(const struct breaker *of, int64_t now)
{
	struct breaker b = *of;
	struct breaker_ticket t;
	int64_t end = now + 21 * (int64_t)MINUTE;
	for (; b.state != BREAKER_CLOSED && now < end; now += SECOND)
		if (breaker_allow(&b, BREAKER_DELETE, now, &t) || breaker_allow(&b, BREAKER_READ, now, &t))
			(void)breaker_result(&b, t, BREAKER_GOOD, now);
	return b.state == BREAKER_CLOSED;
}

/* And the lane that waits for it wakes up by itself. */
static void check_breakers(struct sim *s)
{
	const struct cycle *c = s->c;
	for (int i = 0; i < s->lanes; i++) {
		const struct cycle_lane *l = &c->lane[i];
		const struct breaker *b = &l->breaker;
		bool open = b->state != BREAKER_CLOSED;
		s->r->closed += s->open[i] && !open;
		s->open[i] = open;
		if (!open)
			continue;
		PROMISE(s, breaker_heals(b, s->now.boot_us), "the breaker of lane %d is %s for ever", i, breaker_state_name(b->state));
		bool free_ = c->stage == STAGE_CLEANING && !c->held && !c->store_failed && !c->aborting && !l->halted && !c->cleaned;
		int64_t doubt = l->c.by_state[ITEM_PROBING] + l->c.by_state[ITEM_SETTLING];
		bool waits = free_ && l->phase == PHASE_SENDING && !l->in_flight && !doubt && !l->breaker_read &&
			l->c.by_state[ITEM_READY] + l->c.by_state[ITEM_HELD];
		PROMISE(s, !waits || b->state != BREAKER_OPEN || cycle_due_us(c) <= MAX(b->until_us, s->now.boot_us + pace_wait_us(&l->pace, s->now.boot_us)),
			"nobody wakes lane %d when its breaker may be asked again", i);
	}
}

/* Hold is never refused, nothing undoes it but an operator, and what is in flight only settles. */
static void check_hold(struct sim *s, const struct cycle_event *ev, bool was_held, int64_t in_flight)
{
	const struct cycle *c = s->c;
	bool by_hand = ev->kind == EV_STEP || ev->kind == EV_RESUME;
	int64_t flying = 0;
	for (int i = 0; i < s->lanes; i++)
		flying += c->lane[i].in_flight;
	PROMISE(s, !cycle_why_not(c, CMD_HOLD), "it cannot be held: %s", cycle_why_not(c, CMD_HOLD));
	PROMISE(s, ev->kind != EV_HOLD || c->held || c->stage == STAGE_ENDED, "a hold did not hold");
	PROMISE(s, !was_held || c->held || by_hand || c->aborting || c->stage == STAGE_ENDED, "a hold was undone by itself");
	PROMISE(s, !c->held || by_hand || flying <= in_flight, "%" PRId64 " in flight after %" PRId64 " while held", flying, in_flight);
}

static const char *event_word(const struct cycle_event *ev)
{
	static const char *const words[] = {
		[EV_START] = "start", [EV_LISTED] = "listed", [EV_RECORDS] = "records", [EV_VALIDATED] = "validated", [EV_GRANT] = "grant",
		[EV_REVOKE] = "revoke", [EV_EXCLUDE] = "exclude", [EV_BREAKER] = "breaker", [EV_STEP] = "step", [EV_RESUME] = "resume",
		[EV_HOLD] = "hold", [EV_CANCEL] = "cancel", [EV_ACK] = "ack", [EV_ABORT] = "abort", [EV_RECHECKED] = "rechecked",
		[EV_CLAIMED] = "claimed", [EV_ANSWER] = "answer", [EV_PROBED] = "probed", [EV_REREAD] = "reread", [EV_RELISTED] = "relisted",
		[EV_ROWS] = "rows", [EV_RELEASED] = "released", [EV_CLAIMS] = "claims", [EV_BASELINE] = "baseline", [EV_RESTORED] = "restored",
		[EV_SOUGHT] = "sought", [EV_TICK] = "tick", [EV_STORE_FAILED] = "log failed", [EV_STORE_BACK] = "log back",
		[EV_LAPSE_CHECK] = "lapse check",
	};
	return words[ev->kind];
}

static void tell(struct sim *s, const struct cycle_event *ev, enum rc rc, const char *why, size_t effects)
{
	static const char *const kinds[] = { "deleted", "missing", "unclear", "item refused", "lane refused", "pace", "not sent",
		"rehearsed", "withdrawn" };
	const struct cycle *c = s->c;
	char more[80] = "";
	if (ev->kind == EV_ANSWER)
		snprintf(more, sizeof more, " item %d: %s", ev->item, kinds[ev->answer.kind]);
	else if (ev->kind == EV_PROBED || ev->kind == EV_REREAD)
		snprintf(more, sizeof more, " item %d: %s", ev->item, ev->presence == PRESENT ? "present" : ev->presence == ABSENT ? "absent" : "no answer");
	else if (ev->kind == EV_GRANT)
		snprintf(more, sizeof more, " lane %d: %" PRId64 " items", ev->lane, ev->number);
	say(s, "%s%s%s%s → %s %s%zu effects; %s%s", event_word(ev), more, rc ? " REFUSED: " : "", rc ? why : "", cycle_stage_name(c->stage),
	    c->held ? "held " : "", effects, c->lane[0].planned ? lane_phase_name(c->lane[0].phase) : "", c->lane[0].halted ? " halted" : "");
}

static struct cycle_event event(const struct sim *s, enum cycle_event_kind k)
{
	return (struct cycle_event){ .kind = k, .now = s->now, .item = -1 };
}

static void go_out(struct sim *s);

static bool marking(const struct cycle *c)
{
	for (int i = 0; i < c->lanes; i++)
		if (c->lane[i].check_at)
			return true;
	return false;
}

static enum rc hand(struct sim *s, const struct cycle_event *ev)
{
	struct effects fx = { 0 };
	struct err e = { .text = "" };
	struct cycle *c = s->c;
	bool command = ev->kind == EV_STEP || ev->kind == EV_RESUME;
	bool may = command || !(c->held || c->store_failed || c->aborting);
	bool was_held = c->held;
	int64_t cap[LANES] = { 0 }, in_flight = 0;
	for (int i = 0; i < s->lanes; i++) {
		cap[i] = cap_of(&c->lane[i]);
		in_flight += c->lane[i].in_flight;
	}
	s->r->events++;
	enum rc rc = cycle_handle(c, ev, &fx, &e);
	tell(s, ev, rc, e.text, fx.n);
	PROMISE(s, ev->kind != EV_HOLD || rc == RC_OK, "hold was refused: %s", e.text);
	PROMISE(s, rc == RC_OK || !fx.n, "a refused command left effects");
	check_counts(s);
	check_breakers(s);
	check_hold(s, ev, was_held, in_flight);
	check_effects(s, &fx, may && !c->store_failed, cap);
	if (rc != RC_OK) {
		effects_done(&fx);
		return rc;
	}
	bool idle_tick = ev->kind == EV_TICK && !fx.n && !marking(c);
	if (fx.n || s->new_plan) {
		struct deed *d = deed_new(s, &fx);
		d->new_plan = s->new_plan;
		queue_deed(s, d);
	}
	go_out(s);
	s->ticks_in_place = idle_tick ? s->ticks_in_place + 1 : 0;
	PROMISE(s, s->ticks_in_place < 5 || cycle_due_us(c) > s->now.boot_us, "ticks lead nowhere");
	return RC_OK;
}

/* ---- the store ---- */

static int64_t lag(struct sim *s) { return has(s, SIM_STORE) && chance(s, 10) ? between(s, 1, 12) * SECOND : between(s, 2000, 400000); }

static enum fate draw_fault(struct sim *s)
{
	static const enum fate common[] = { FATE_PACE, FATE_500_BEFORE, FATE_500_AFTER, FATE_CUT_BEFORE, FATE_CUT_AFTER, FATE_TIMEOUT,
		FATE_LATE, FATE_GARBLED, FATE_NETWORK, FATE_PACE, FATE_500_BEFORE };
	return common[below(s, (int64_t)ARRAY_LEN(common))];
}

static enum fate draw_fate(struct sim *s, const struct thing *t)
{
	if (s->rehearsal)
		return FATE_REHEARSED;
	if (inside(s, s->outage))
		return chance(s, 50) ? FATE_NETWORK : FATE_TIMEOUT;
	if (inside(s, s->auth))
		return FATE_AUTH;
	if (t->locked && !healed(s))
		return FATE_REFUSED;
	if (has(s, SIM_LIES) && !healed(s) && chance(s, 3))
		return chance(s, 60) ? FATE_LIE : chance(s, 50) ? FATE_WRONG : FATE_DENIED;
	if (has(s, SIM_STORE) && !healed(s) && chance(s, s->percent))
		return draw_fault(s);
	return FATE_OK;
}

static bool acts(enum fate f)
{
	return f == FATE_OK || f == FATE_500_AFTER || f == FATE_CUT_AFTER || f == FATE_LATE || f == FATE_GARBLED || f == FATE_WRONG;
}

static void do_send(struct sim *s, const struct outgoing_one *e, int lane)
{
	struct thing *t = thing_of(s, e->item);
	enum fate f = draw_fate(s, t);
	int64_t took = lag(s), waited = s->now.boot_us - e->ready_us;
	const struct outgoing *out = &s->outgoing[lane];
	s->r->waited += waited > 0;
	PROMISE(s, out->out <= s->o[lane].in_flight, "%" PRId64 " requests are out", out->out);
	PROMISE(s, waited <= OUTGOING_MAX_US, "item %d waited %" PRId64 " us for its turn", e->item, waited);
	PROMISE(s, !waited || !(s->c->held || s->c->aborting || s->c->store_failed || s->c->lane[lane].halted), "item %d leaves while held", e->item);
	t->result = 0;
	t->requests++;
	t->sent_at = s->now.boot_us;
	PROMISE(s, e->item < s->disk_items && t->requests <= s->disk[e->item].attempts && s->disk[e->item].state == ITEM_SENT,
		"item %d: %d requests, %d durable intents", e->item, t->requests, e->item < s->disk_items ? s->disk[e->item].attempts : 0);
	if (f == FATE_TIMEOUT || f == FATE_LATE)
		took = 5 * SECOND;
	if (acts(f))    /* a late one acts after its answer, but within the settling time */
		op_add(s, f == FATE_LATE ? took + between(s, 1, 8) * SECOND : below(s, took), OP_ACT)->item = e->item;
	if (acts(f))
		s->op[s->n_op - 1].fate = f;
	struct op *o = op_add(s, took, OP_ANSWER);
	o->item = e->item;
	o->fate = f;
	o->ready = e->ready_us;
	o->left = s->now.boot_us;
}

static void erase(struct sim *s, struct thing *t, bool ours)
{
	t->exists = false;
	t->gone_at = s->now.boot_us;
	t->ours |= ours;
	t->others |= !ours;
}

static void on_act(struct sim *s, const struct op *o)
{
	struct thing *t = thing_of(s, o->item);
	if (o->fate == FATE_WRONG && s->control_n[t->lane]) {
		struct thing *other = &s->t[s->control[t->lane][below(s, s->control_n[t->lane])]];
		if (other->exists)
			erase(s, other, false);
		t->lied = true;
		t->result = 1;
		return;
	}
	PROMISE(s, !s->rehearsal, "a rehearsal deleted item %d", o->item);
	const struct cycle_lane *l = s->c ? &s->c->lane[t->lane] : NULL;
	PROMISE(s, t->candidate, "item %d was no candidate", o->item);
	PROMISE(s, s->granted[t->lane] && (!l || o->item - l->first < s->grant_n[t->lane]), "item %d was deleted beyond its grant", o->item);
	t->result = t->exists ? 1 : 2;
	if (t->exists)
		erase(s, t, true);
}

static void on_answer(struct sim *s, const struct op *o)
{
	static const struct { enum answer_kind kind; enum retry_class class_; int status; } means[FATE_COUNT] = {
		[FATE_PACE] = { ANSWER_PACE, RETRY_RATE_LIMIT, 429 }, [FATE_500_BEFORE] = { ANSWER_UNCLEAR, RETRY_SERVER_ERROR, 500 },
		[FATE_500_AFTER] = { ANSWER_UNCLEAR, RETRY_SERVER_ERROR, 500 }, [FATE_CUT_BEFORE] = { ANSWER_UNCLEAR, RETRY_TIMEOUT, 0 },
		[FATE_CUT_AFTER] = { ANSWER_UNCLEAR, RETRY_TIMEOUT, 0 }, [FATE_TIMEOUT] = { ANSWER_UNCLEAR, RETRY_TIMEOUT, 0 },
		[FATE_LATE] = { ANSWER_UNCLEAR, RETRY_TIMEOUT, 0 }, [FATE_GARBLED] = { ANSWER_UNCLEAR, RETRY_CONFLICTING, 200 },
		[FATE_LIE] = { ANSWER_DELETED, RETRY_NONE_CLASS, 200 }, [FATE_WRONG] = { ANSWER_DELETED, RETRY_NONE_CLASS, 200 },
		[FATE_DENIED] = { ANSWER_MISSING, RETRY_NONE_CLASS, 404 },
		[FATE_REFUSED] = { ANSWER_ITEM_REFUSED, RETRY_REJECTED, 409 }, [FATE_AUTH] = { ANSWER_LANE_REFUSED, RETRY_AUTH, 401 },
		[FATE_NETWORK] = { ANSWER_NOT_SENT, RETRY_NETWORK, 0 }, [FATE_REHEARSED] = { ANSWER_REHEARSED, RETRY_NONE_CLASS, 0 },
	};
	struct thing *t = thing_of(s, o->item);
	struct cycle_event ev = event(s, EV_ANSWER);
	ev.item = o->item;
	ev.answer = (struct cycle_answer){ .kind = means[o->fate].kind, .class_ = means[o->fate].class_, .status = means[o->fate].status,
		.left = true, .wait_ms = -1, .detail = "as the simulation said" };
	if (o->fate == FATE_OK)
		ev.answer.kind = t->result == 1 ? ANSWER_DELETED : ANSWER_MISSING;
	if (o->fate == FATE_PACE && chance(s, 60))
		ev.answer.wait_ms = chance(s, 2) ? INT64_C(1000000000000) : between(s, 100, 20000);
	t->lied |= o->fate == FATE_LIE;
	t->denied |= o->fate == FATE_DENIED;
	t->answered_deleted |= ev.answer.kind == ANSWER_DELETED;
	t->doubt = ev.answer.kind == ANSWER_UNCLEAR;
	ev.answer.ready_us = o->ready;
	ev.answer.sent_us = o->left;
	hand(s, &ev);
	outgoing_answered(&s->outgoing[t->lane], s->c, t->lane, s->now);
	go_out(s);
}

static enum presence look(struct sim *s, const struct thing *t)
{
	if (inside(s, s->outage) || inside(s, s->auth) || (has(s, SIM_STORE) && !healed(s) && chance(s, 8)))
		return NO_ANSWER;
	return t->exists ? PRESENT : ABSENT;
}

static struct thing *shown(struct sim *s, const struct op *o)
{
	return o->item >= 0 ? thing_of(s, o->item) : &s->t[s->control[o->lane][-1 - o->item]];
}

static void on_read(struct sim *s, const struct op *o)
{
	struct cycle_event ev = event(s, o->kind == OP_PROBE ? EV_PROBED : EV_REREAD);
	struct thing *t = shown(s, o);
	ev.lane = o->lane;
	ev.item = o->item;
	ev.number = o->number;
	ev.presence = look(s, t);
	/* a deleted file that can be seen a little longer; never longer than the settling time */
	if (ev.presence == ABSENT && o->number == REREAD_CANARY && has(s, SIM_STORE) && s->now.boot_us - t->gone_at < 2 * SECOND)
		ev.presence = PRESENT;
	/* settled since its intent, which was a commit earlier */
	if (o->kind == OP_PROBE && ev.presence == PRESENT && s->now.boot_us - t->sent_at >= s->o[o->lane].settle_us - 10000)
		t->doubt = false;
	if (o->kind == OP_REREAD && o->number == REREAD_CANARY && s->c->lane[o->lane].phase == PHASE_CANARY_CHECK)
		t->seen = t->exists && ev.presence == PRESENT;
	hand(s, &ev);
}

/* ---- discovery and validation ---- */

static void on_list(struct sim *s, const struct op *o)
{
	struct cycle_event ev = event(s, EV_LISTED);
	ev.lane = o->lane;
	ev.ok = !inside(s, s->outage) && !inside(s, s->auth);
	ev.text = ev.ok ? "" : "listing failed on page 1: no answer";
	ev.number = s->things;
	hand(s, &ev);
}

static void on_list_records(struct sim *s)
{
	struct cycle_event ev = event(s, EV_RECORDS);
	ev.ok = !inside(s, s->db_down);
	ev.text = ev.ok ? "" : "database is locked";
	hand(s, &ev);
}

static int64_t charge_of(const struct sim *s, int lane, int64_t n)
{
	int64_t sum = 0;
	const struct cycle_lane *l = &s->c->lane[lane];
	for (int64_t i = 0; i < n; i++) {
		int64_t b = s->c->item[l->first + i].bytes;
		sum += b < 0 ? l->o.max_item_bytes : b;
	}
	return sum;
}

static void make_plan(struct sim *s)
{
	struct cycle_plan_item *p = xcalloc((size_t)s->things + 1, sizeof *p);
	int control_n[CYCLE_MAX_LANES] = { 0 };
	s->items = 0;
	for (int lane = 0; lane < s->lanes; lane++) {
		s->granted[lane] = false;
		s->control_n[lane] = 0;
		for (int32_t i = 0; i < s->things; i++) {
			struct thing *t = &s->t[i];
			if (t->lane != lane || !t->exists || s->c->lane[lane].excluded)
				continue;
			if (t->candidate && !t->referenced && !t->guarded && !t->changed) {
				p[s->items] = (struct cycle_plan_item){ lane, t->bytes, t->row, t->copy };
				s->plan[s->items++] = i;
				t->checked = -1;
				t->requests = 0;
				t->doubt = false;
			} else if (!t->candidate && s->control_n[lane] < CONTROL) {
				s->control[lane][s->control_n[lane]++] = i;
			}
		}
		control_n[lane] = s->control_n[lane];
	}
	int64_t plan_for = chance(s, 5) ? 2 * (int64_t)MINUTE : HOUR;
	cycle_take_plan(s->c, p, s->items, control_n, s->now.wall_us + plan_for, s->now.boot_us + plan_for);
	free(p);
}

static void on_validate(struct sim *s)
{
	struct cycle_event ev = event(s, EV_VALIDATED);
	ev.ok = !chance(s, 2) || healed(s);
	ev.text = "the catalogue could not be written";
	if (ev.ok)
		make_plan(s);
	s->new_plan = ev.ok;
	hand(s, &ev);
	s->new_plan = false;
}

/* ---- the records ---- */

static bool db_fails(struct sim *s) { return inside(s, s->db_down); }

static enum check_result recheck_one(struct sim *s, struct thing *t, bool fresh)
{
	enum presence p = fresh ? look(s, t) : PRESENT;
	if (p != PRESENT)
		return p == ABSENT ? CHECK_ABSENT : CHECK_NO_ANSWER;
	if (db_fails(s))
		return CHECK_NO_ANSWER;
	if (t->referenced)
		return CHECK_REFERENCED;
	if (t->row && (t->changed || !t->live))
		return CHECK_DRIFTED;
	return t->guarded ? CHECK_PROTECTED : CHECK_SAME;
}

struct answers { int32_t *items; uint8_t *results; size_t n; };

static struct answers answers_new(const struct op *o)
{
	size_t n = (size_t)(o->to - o->from) + 1;
	return (struct answers){ xcalloc(n, sizeof(int32_t)), xcalloc(n, 1), 0 };
}

static void answers_add(struct answers *a, int32_t item, int result)
{
	a->items[a->n] = item;
	a->results[a->n++] = (uint8_t)result;
}

static void answers_hand(struct sim *s, struct answers *a, struct cycle_event *ev)
{
	ev->items = a->items;
	ev->results = a->results;
	ev->n = a->n;
	hand(s, ev);
	free(a->items);
	free(a->results);
}

static void meddle(struct sim *s);

/* As large batches are answered: in parts, and anything may happen between two of them. */
static void answers_hand_parts(struct sim *s, struct answers *a, struct cycle_event *ev)
{
	size_t at = 0;
	do {
		size_t left = a->n - at;
		ev->items = a->items + at;
		ev->results = a->results + at;
		ev->n = left && chance(s, 30) ? (size_t)between(s, 1, (int64_t)left) : left;
		ev->more = ev->n < left;
		at += ev->n;
		hand(s, ev);
		if (ev->more && has(s, SIM_HANDS) && !healed(s) && chance(s, 20))
			meddle(s);
	} while (ev->more);
	free(a->items);
	free(a->results);
}

static void on_recheck(struct sim *s, const struct op *o)
{
	struct cycle_event ev = event(s, EV_RECHECKED);
	struct answers a = answers_new(o);
	ev.lane = o->lane;
	ev.text = "no answer";
	for (int32_t i = o->from; i < o->to; i++) {
		struct thing *t = thing_of(s, i);
		if (s->c->item[i].state != ITEM_CHECKING)
			continue;
		t->checked = (int)recheck_one(s, t, o->number != 0);
		t->checked_at = o->number ? s->now.boot_us : s->c->lane[o->lane].list_at_us;
		answers_add(&a, i, t->checked);
	}
	answers_hand_parts(s, &a, &ev);
}

static enum claim_result claim_one(struct sim *s, struct thing *t)
{
	if (!t->row)
		return CLAIM_NO_ROW;
	if (t->referenced)
		return CLAIM_REFERENCED;
	if (t->changed || !t->live)
		return CLAIM_CHANGED;
	if (s->rehearsal)
		return CLAIM_REHEARSED;
	if (s->unclaimed)
		return CLAIM_UNCLAIMED;
	t->claimed = true;
	return CLAIM_DONE;
}

/* A COMMIT that failed may have happened. */
static bool fails_after(struct sim *s) { return chance(s, 30); }

static void on_claim(struct sim *s, const struct op *o)
{
	struct cycle_event ev = event(s, EV_CLAIMED);
	struct answers a = answers_new(o);
	bool down = db_fails(s), after = down && fails_after(s);
	ev.lane = o->lane;
	ev.text = "database is locked";
	for (int32_t i = o->from; i < o->to; i++) {
		if (s->c && s->c->item[i].state != ITEM_CLAIMING)
			continue;
		enum claim_result r = !down || after ? claim_one(s, thing_of(s, i)) : CLAIM_FAILED;
		answers_add(&a, i, down ? CLAIM_FAILED : (int)r);
	}
	answers_hand_parts(s, &a, &ev);
}

static enum claim_result commit_one(struct sim *s, int32_t item)
{
	struct thing *t = thing_of(s, item);
	if (!t->row)
		return CLAIM_NO_ROW;
	if (t->committed)
		return CLAIM_DONE;
	if (t->referenced)
		return CLAIM_REFERENCED;
	if (t->changed || !t->live)
		return CLAIM_CHANGED;
	enum item_state st = (enum item_state)s->c->item[item].state;
	PROMISE(s, !t->exists || t->lied || (t->denied && (st == ITEM_GONE || st == ITEM_UNRESTORED)), "the row of item %d (%s) is committed and its file is there", item, item_state_name(st));
	PROMISE(s, item_deleted(st) || st == ITEM_GONE_OTHER, "the row of item %d is committed: it is %s", item, item_state_name(st));
	PROMISE(s, !s->rehearsal, "a rehearsal committed the row of item %d", item);
	t->committed = true;
	t->live = t->claimed = false;
	return CLAIM_DONE;
}

static void on_commit_rows(struct sim *s, const struct op *o)
{
	struct cycle_event ev = event(s, EV_ROWS);
	struct answers a = answers_new(o);
	bool down = db_fails(s), after = down && fails_after(s);
	ev.text = "database is locked";
	for (int32_t i = o->from; i < o->to; i++) {
		if (s->c->item[i].row != ROW_INTENT)
			continue;
		enum claim_result r = !down || after ? commit_one(s, i) : CLAIM_FAILED;
		answers_add(&a, i, down ? CLAIM_FAILED : (int)r);
	}
	answers_hand(s, &a, &ev);
}

static void on_look_rows(struct sim *s, const struct op *o)
{
	struct cycle_event ev = event(s, EV_ROWS);
	struct answers a = answers_new(o);
	bool down = db_fails(s);
	ev.text = "database is locked";
	for (int32_t i = o->from; i < o->to; i++)
		if (item_look_due(&s->c->item[i]))
			answers_add(&a, i, down ? CLAIM_FAILED : thing_of(s, i)->row && thing_of(s, i)->live ? CLAIM_REFERENCED : CLAIM_NO_ROW);
	answers_hand(s, &a, &ev);
}

static void on_release(struct sim *s, const struct op *o)
{
	struct cycle_event ev = event(s, EV_RELEASED);
	struct answers a = answers_new(o);
	bool down = db_fails(s);
	ev.text = "database is locked";
	for (int32_t i = o->from; i < o->to; i++) {
		if (s->c->item[i].row != ROW_RELEASING && !s->c->item[i].unclaim)
			continue;
		if (!down)
			thing_of(s, i)->claimed = false;
		answers_add(&a, i, down ? CLAIM_FAILED : CLAIM_DONE);
	}
	answers_hand(s, &a, &ev);
}

static void on_relist(struct sim *s, const struct op *o)
{
	struct cycle_event ev = event(s, EV_RELISTED);
	const struct cycle_lane *l = &s->c->lane[o->lane];
	struct answers a = { xcalloc((size_t)l->planned + 1, sizeof(int32_t)), xcalloc((size_t)l->planned + 1, 1), 0 };
	ev.lane = o->lane;
	ev.ok = !inside(s, s->outage) && !inside(s, s->auth);
	for (int32_t i = l->first; i < l->first + l->planned; i++)
		if (s->c->item[i].state == ITEM_GONE_OTHER)
			answers_add(&a, i, thing_of(s, i)->exists ? PRESENT : ABSENT);
	answers_hand(s, &a, &ev);
}

static int64_t claims_left(const struct sim *s)
{
	int64_t n = 0;
	for (int32_t i = 0; i < s->things; i++)
		n += s->t[i].claimed;
	return n;
}

static void on_count_claims(struct sim *s)
{
	struct cycle_event ev = event(s, EV_CLAIMS);
	ev.number = db_fails(s) ? -1 : claims_left(s);
	hand(s, &ev);
}

/* ---- bringing back ---- */

static void do_upload(struct sim *s, const struct effect *e)
{
	static const enum fate faults[] = { FATE_PACE, FATE_PACE, FATE_500_BEFORE, FATE_500_AFTER, FATE_CUT_BEFORE, FATE_CUT_AFTER, FATE_TIMEOUT,
		FATE_LATE, FATE_GARBLED, FATE_NETWORK, FATE_REFUSED };
	struct thing *t = thing_of(s, e->item);
	enum fate f = FATE_OK;
	int64_t took = lag(s);
	if (inside(s, s->outage))
		f = chance(s, 50) ? FATE_NETWORK : FATE_TIMEOUT;
	else if (inside(s, s->auth))
		f = FATE_AUTH;
	else if (has(s, SIM_STORE) && !healed(s) && chance(s, s->percent))
		f = faults[below(s, (int64_t)ARRAY_LEN(faults))];
	PROMISE(s, s->disk[e->item].state == ITEM_RESTORING, "item %d is uploaded, and on disk it is %s", e->item,
		item_state_name((enum item_state)s->disk[e->item].state));
	PROMISE(s, t->copy && (!t->exists || t->lied || t->denied), "item %d is uploaded and was not deleted", e->item);
	PROMISE(s, !s->rehearsal, "a rehearsal uploaded item %d", e->item);
	if (has(s, SIM_CRASH) && chance(s, 3))
		op_add(s, below(s, 600000), OP_CRASH);
	if (f == FATE_TIMEOUT || f == FATE_LATE)
		took = 5 * SECOND;
	if (acts(f)) {
		struct op *o = op_add(s, f == FATE_LATE ? took + between(s, 1, 8) * SECOND : below(s, took), OP_UPLOAD);
		o->item = e->item;
		o->lane = e->lane;
	}
	struct op *o = op_add(s, took, OP_RESTORED);
	o->item = e->item;
	o->lane = e->lane;
	o->fate = f;
}

static void make_file(struct sim *s, int lane, int32_t thing, bool foreign)
{
	if (s->ups < UPLOADS)
		s->up[s->ups++] = (struct upload){ .lane = lane, .of = thing, .foreign = foreign, .early = !s->based[lane] };
}

static void on_upload(struct sim *s, const struct op *o)
{
	make_file(s, o->lane, s->plan[o->item], false);
	/* somebody puts a file of the same name and size there, once in a while */
	if (has(s, SIM_OTHERS) && chance(s, 10))
		make_file(s, o->lane, s->plan[o->item], true);
}

static int last_upload(const struct sim *s, int32_t thing)
{
	for (int k = s->ups; k > 0; k--)
		if (s->up[k - 1].of == thing && !s->up[k - 1].foreign)
			return k;
	return 0;
}

static void on_restored(struct sim *s, const struct op *o)
{
	static const struct { enum restore_result result; enum retry_class class_; } means[FATE_COUNT] = {
		[FATE_OK] = { RESTORE_DONE, RETRY_NONE_CLASS }, [FATE_PACE] = { RESTORE_RETRY, RETRY_RATE_LIMIT },
		[FATE_500_BEFORE] = { RESTORE_UNCLEAR, RETRY_SERVER_ERROR }, [FATE_500_AFTER] = { RESTORE_UNCLEAR, RETRY_SERVER_ERROR },
		[FATE_CUT_BEFORE] = { RESTORE_UNCLEAR, RETRY_TIMEOUT }, [FATE_CUT_AFTER] = { RESTORE_UNCLEAR, RETRY_TIMEOUT },
		[FATE_TIMEOUT] = { RESTORE_UNCLEAR, RETRY_TIMEOUT }, [FATE_LATE] = { RESTORE_UNCLEAR, RETRY_TIMEOUT },
		[FATE_GARBLED] = { RESTORE_UNCLEAR, RETRY_CONFLICTING }, [FATE_NETWORK] = { RESTORE_RETRY, RETRY_NETWORK },
		[FATE_REFUSED] = { RESTORE_REFUSED, RETRY_REJECTED }, [FATE_AUTH] = { RESTORE_LANE, RETRY_AUTH },
	};
	struct cycle_event ev = event(s, EV_RESTORED);
	char id[24];
	snprintf(id, sizeof id, "%d", last_upload(s, s->plan[o->item]));
	ev.item = o->item;
	ev.number = means[o->fate].result;
	ev.text = ev.number == RESTORE_DONE ? id : "as the simulation said";
	ev.answer = (struct cycle_answer){ .class_ = means[o->fate].class_, .wait_ms = o->fate == FATE_PACE && chance(s, 60) ? between(s, 100, 20000) : -1 };
	hand(s, &ev);
}

static bool reads_fail(struct sim *s)
{
	return inside(s, s->outage) || inside(s, s->auth) || (has(s, SIM_STORE) && !healed(s) && chance(s, 8));
}

static void on_baseline(struct sim *s, const struct op *o)
{
	struct cycle_event ev = event(s, EV_BASELINE);
	ev.lane = o->lane;
	ev.ok = !reads_fail(s);
	ev.text = ev.ok ? "" : "no answer";
	if (ev.ok && has(s, SIM_OTHERS) && chance(s, 30) && s->items)
		make_file(s, o->lane, s->plan[below(s, s->items)], true);
	s->based[o->lane] = ev.ok;
	hand(s, &ev);
}

static bool named_by_another(const struct sim *s, int32_t item, int id)
{
	for (int32_t i = 0; i < s->items; i++)
		if (i != item && s->new_id[i] == id)
			return true;
	return false;
}

static void on_seek(struct sim *s, const struct op *o)
{
	struct cycle_event ev = event(s, EV_SOUGHT);
	char id[24] = "";
	ev.item = o->item;
	ev.number = reads_fail(s) ? -1 : 0;
	for (int k = 0; ev.number >= 0 && k < s->ups; k++)
		if (s->up[k].of == s->plan[o->item] && !s->up[k].early && !named_by_another(s, o->item, k + 1)) {
			ev.number++;
			snprintf(id, sizeof id, "%d", k + 1);
		}
	ev.text = id;
	thing_of(s, o->item)->several |= ev.number > 1;
	hand(s, &ev);
}

static enum claim_result remap_one(struct sim *s, int32_t item)
{
	struct thing *t = thing_of(s, item);
	PROMISE(s, s->disk[item].state == ITEM_RESTORED && s->new_id[item], "the row of item %d is remapped before its new id is durable", item);
	if (!t->row)
		return CLAIM_NO_ROW;
	if (t->remapped && t->row_id == s->new_id[item])
		return CLAIM_DONE;
	if (t->changed || !t->live)
		return CLAIM_CHANGED;
	t->remapped = true;
	t->row_id = s->new_id[item];
	t->claimed = false;
	return CLAIM_DONE;
}

static void on_remap_rows(struct sim *s, const struct op *o)
{
	struct cycle_event ev = event(s, EV_ROWS);
	struct answers a = answers_new(o);
	bool down = db_fails(s), after = down && fails_after(s);
	ev.text = "database is locked";
	for (int32_t i = o->from; i < o->to; i++) {
		if (s->c->item[i].row != ROW_INTENT)
			continue;
		enum claim_result r = !down || after ? remap_one(s, i) : CLAIM_FAILED;
		answers_add(&a, i, down ? CLAIM_FAILED : (int)r);
	}
	answers_hand(s, &a, &ev);
}

/* ---- acts ---- */

static void act(struct sim *s, const struct effect *e)
{
	static const int of[] = { [EFF_DISCOVER] = OP_LIST, [EFF_LIST_RECORDS] = OP_LIST_RECORDS, [EFF_VALIDATE] = OP_VALIDATE,
		[EFF_RECHECK] = OP_RECHECK, [EFF_CLAIM] = OP_CLAIM, [EFF_PROBE] = OP_PROBE, [EFF_REREAD] = OP_REREAD,
		[EFF_RELIST] = OP_RELIST, [EFF_COMMIT_ROWS] = OP_COMMIT_ROWS, [EFF_LOOK_ROWS] = OP_LOOK_ROWS,
		[EFF_RELEASE] = OP_RELEASE, [EFF_BASELINE] = OP_BASELINE, [EFF_SEEK] = OP_SEEK, [EFF_REMAP_ROWS] = OP_REMAP_ROWS,
		[EFF_COUNT_CLAIMS] = OP_COUNT_CLAIMS };
	if (e->kind < EFF_DISCOVER || e->kind == EFF_ENDED)
		return;
	if (e->kind == EFF_SEND) {
		outgoing_add(&s->outgoing[e->lane], e->item, s->now.boot_us);
		return;
	}
	if (e->kind == EFF_RESTORE) {
		do_upload(s, e);
		return;
	}
	bool records = e->kind == EFF_CLAIM || e->kind == EFF_COMMIT_ROWS || e->kind == EFF_LOOK_ROWS || e->kind == EFF_RELEASE ||
		e->kind == EFF_REMAP_ROWS;
	/* one call at a time, in order, as the records' worker does */
	struct op *o = op_add(s, records ? 20000 : lag(s), (enum op_kind)of[e->kind]);
	o->lane = e->lane;
	o->item = e->item;
	o->from = e->from;
	o->to = e->to;
	o->number = e->number;
}

/* ---- the log ---- */

static void take_back(struct sim *s, int32_t item, bool upload)
{
	struct cycle_event ev = event(s, EV_ANSWER);
	ev.item = item;
	ev.answer = (struct cycle_answer){ .kind = ANSWER_WITHDRAWN, .wait_ms = -1 };
	if (upload) {
		ev.kind = EV_RESTORED;
		ev.number = RESTORE_WITHDRAWN;
	}
	hand(s, &ev);
}

static void carry_out(struct sim *s)
{
	struct deed *d = s->queue;
	s->queue = d->next;
	if (!s->queue)
		s->tail = &s->queue;
	disk_write(s, d);
	for (size_t i = 0; i < d->fx.n; i++)
		if (d->late && (d->fx.e[i].kind == EFF_SEND || d->fx.e[i].kind == EFF_RESTORE))
			take_back(s, d->fx.e[i].item, d->fx.e[i].kind == EFF_RESTORE);
		else
			act(s, &d->fx.e[i]);
	deed_free(d);
	go_out(s);
}

static void lane_out(struct sim *s, int lane)
{
	struct outgoing_one one;
	const char *why;
	for (;;)
		switch (outgoing_next(&s->outgoing[lane], s->c, lane, s->now, &one, &why)) {
		case OUTGOING_NONE: return;
		case OUTGOING_SEND: do_send(s, &one, lane); break;
		case OUTGOING_TAKE_BACK:
			s->r->taken_back++;
			take_back(s, one.item, false);
			break;
		}
}

/* What one that is taken back leads to is gone through by the call that is under way. */
static void go_out(struct sim *s)
{
	if (s->going_out)
		return;
	s->going_out = true;
	for (int i = 0; i < s->lanes; i++)
		lane_out(s, i);
	s->going_out = false;
}

static void on_commit(struct sim *s)
{
	s->commit_set = false;
	if (!inside(s, s->log_down)) {
		struct deed *last = NULL;
		for (struct deed *d = s->queue; d; d = d->next)
			last = d;
		bool more = last != NULL;
		while (more) {
			more = s->queue != last;
			carry_out(s);
		}
		return;
	}
	s->log_failing = true;
	for (struct deed *d = s->queue; d; d = d->next)
		d->late = true;
	struct cycle_event ev = event(s, EV_STORE_FAILED);
	ev.text = "disk is full";
	hand(s, &ev);
	op_add(s, s->log_down.to - s->now.boot_us + 1, OP_LOG_BACK);
}

static void on_log_back(struct sim *s)
{
	if (!s->log_failing)
		return;
	while (s->queue)
		carry_out(s);
	s->log_failing = false;
	struct cycle_event ev = event(s, EV_STORE_BACK);
	hand(s, &ev);
}

/* ---- crash and restart ---- */

static void drop_queue(struct sim *s)
{
	while (s->queue) {
		struct deed *d = s->queue;
		s->queue = d->next;
		deed_free(d);
	}
	s->tail = &s->queue;
	s->commit_set = s->log_failing = false;
}

/* Requests that had left are processed or not; calls to the records are finished or not; answers are lost. */
static void on_crash(struct sim *s)
{
	if (!s->disk_body || s->c->stage == STAGE_ENDED)
		return;
	s->r->crashes++;
	say(s, "CRASH in %s", cycle_stage_name(s->c->stage));
	for (size_t i = 0; i < s->n_op;) {
		struct op *o = &s->op[i];
		bool world = o->kind >= OP_FIRST_OF_THE_WORLD && o->kind != OP_COMMIT && o->kind != OP_LOG_BACK;
		if (o->kind == OP_CLAIM && chance(s, 50))
			for (int32_t k = o->from; k < o->to; k++)
				if (s->c->item[k].state == ITEM_CLAIMING && !db_fails(s))
					(void)claim_one(s, thing_of(s, k));
		if (o->kind == OP_COMMIT_ROWS && chance(s, 50))
			for (int32_t k = o->from; k < o->to; k++)
				if (s->c->item[k].row == ROW_INTENT && !db_fails(s))
					(void)commit_one(s, k);
		if (o->kind == OP_REMAP_ROWS && chance(s, 50))
			for (int32_t k = o->from; k < o->to; k++)
				if (s->c->item[k].row == ROW_INTENT && !db_fails(s))
					(void)remap_one(s, k);
		if (world || ((o->kind == OP_ACT || o->kind == OP_UPLOAD) && chance(s, 50)))
			i++;
		else
			(void)op_take(s, o);
	}
	for (int32_t i = 0; i < s->disk_items && s->c->plan_frozen && !s->rehearsal; i++)
		thing_of(s, i)->doubt |= s->disk[i].state == ITEM_SENT || s->disk[i].state == ITEM_PROBING || s->disk[i].state == ITEM_SETTLING;
	drop_queue(s);
	for (int i = 0; i < s->lanes; i++)
		outgoing_done(&s->outgoing[i]);
	cycle_free(s->c);
	s->c = NULL;
	op_add(s, between(s, 100000, chance(s, 20) ? 20 * (int64_t)MINUTE : 5 * SECOND), OP_RESTART);
}

static void restart(struct sim *s)
{
	struct err e = { .text = "" };
	struct effects fx = { 0 };
	enum rc rc;
	s->c = cycle_new(1, rng_u64(&s->rng), s->o, s->lanes, true, false, s->auto_gates);
	rc = cycle_body_read(s->c, slice_of(s->disk_body), s->now, &e);
	for (int i = 0; i < s->lanes; i++)
		pace_init(&s->c->lane[i].pace, s->o[i].rate_mhz, s->o[i].burst, 0, s->now.boot_us);
	for (int32_t i = 0; rc == RC_OK && s->c->stage >= STAGE_CLEANING && i < s->disk_items; i++) {
		const struct thing *t = thing_of(s, i);
		struct cycle_plan_item p = { t->lane, t->bytes, t->row, t->copy };
		rc = cycle_item_restore(s->c, i, &p, &s->disk[i], &e);
	}
	if (s->c->stage < STAGE_CLEANING)
		memset(s->granted, 0, sizeof s->granted);
	if (rc == RC_OK)
		rc = cycle_recover(s->c, s->now, &fx, &e);
	PROMISE(s, rc == RC_OK, "the cycle cannot be recovered: %s", e.text);
	for (int32_t i = 0; i < s->things; i++)
		s->t[i].seen = false;
	say(s, "RESTART in %s, %zu effects", cycle_stage_name(s->c->stage), fx.n);
	for (size_t i = 0; i < fx.n; i++)
		PROMISE(s, fx.e[i].kind != EFF_SEND && fx.e[i].kind != EFF_CLAIM, "a restart sent or claimed by itself");
	PROMISE(s, s->c->stage != STAGE_CLEANING || s->c->held || s->c->aborting || s->c->cleaned, "deletes do not wait after a restart");
	check_counts(s);
	check_breakers(s);
	queue_deed(s, deed_new(s, &fx));
}

/* ---- the operator ---- */

static enum rc order(struct sim *s, enum cycle_event_kind k)
{
	struct cycle_event ev = event(s, k);
	ev.text = "the simulation";
	return hand(s, &ev);
}

static void grants(struct sim *s)
{
	for (int i = 0; i < s->lanes && s->c->stage == STAGE_VALIDATING; i++) {
		const struct cycle_lane *l = &s->c->lane[i];
		if (l->granted || l->excluded || !l->planned)
			continue;
		struct cycle_event ev = event(s, EV_GRANT);
		ev.lane = i;
		ev.number = chance(s, 60) ? l->planned : between(s, 1, l->planned);
		ev.bytes = charge_of(s, i, ev.number) - (chance(s, 3) ? 1 : 0);
		ev.on_abort = chance(s, 40) ? ON_ABORT_KEEP : chance(s, 50) ? ON_ABORT_RESTORE : ON_ABORT_ASK;
		ev.until_us = s->now.wall_us + (chance(s, 5) ? 3 * (int64_t)MINUTE : 8 * HOUR);
		if (ev.bytes < 0 || hand(s, &ev) != RC_OK)
			continue;
		s->granted[i] = true;
		s->grant_n[i] = ev.number;
		s->grant_bytes[i] = ev.bytes;
	}
}

static bool restoring(const struct sim *s)
{
	for (int32_t i = 0; i < s->c->items; i++)
		if (s->c->stage == STAGE_COMMITTING && restore_due(s->c, &s->c->item[i]))
			return true;
	return false;
}

static void abort_it(struct sim *s)
{
	struct cycle_event ev = event(s, EV_ABORT);
	ev.text = "enough";
	ev.restore = chance(s, 60) && !restoring(s);
	if (hand(s, &ev) == RC_OK || s->c->stage == STAGE_ENDED)
		return;
	ev.restore = false;
	(void)hand(s, &ev);
}

static void leave_out(struct sim *s, int lane)
{
	struct cycle_event ev = event(s, EV_EXCLUDE);
	ev.lane = lane;
	(void)hand(s, &ev);
}

static void acknowledge(struct sim *s, int64_t off)
{
	struct cycle_event ev = event(s, EV_ACK);
	ev.number = cycle_ack_needed(s->c) + off;
	enum rc rc = hand(s, &ev);
	PROMISE(s, !off || rc != RC_OK, "a wrong count was taken for an acknowledgement");
}

/* Nothing else leads on. */
static void give_up(struct sim *s)
{
	struct cycle *c = s->c;
	if (c->stage == STAGE_DISCOVERING) {
		for (int i = 0; i < s->lanes; i++)
			if (!c->lane[i].complete && chance(s, 50))
				leave_out(s, i);
		if (chance(s, 20))
			(void)order(s, EV_CANCEL);
	} else if (!cycle_why_not(c, CMD_CANCEL) && chance(s, 30)) {
		(void)order(s, EV_CANCEL);
	} else if (!cycle_why_not(c, CMD_ABORT)) {
		abort_it(s);
	}
}

static bool idle(const struct cycle *c)
{
	return !c->listing && !c->validating && (c->waiting_for[0] || c->held);
}

static void meddle(struct sim *s)
{
	switch (below(s, 12)) {
	case 0: case 1: case 2: s->r->holds++; (void)order(s, EV_HOLD); break;
	case 3: acknowledge(s, between(s, 1, 3)); break;
	case 4: if (chance(s, 10)) leave_out(s, (int)below(s, s->lanes)); break;
	case 5: if (chance(s, 10)) abort_it(s); break;
	case 6: if (chance(s, 10)) (void)order(s, EV_CANCEL); break;
	case 7: {
		struct cycle_event ev = event(s, EV_LAPSE_CHECK);
		ev.ok = chance(s, 5);
		(void)hand(s, &ev);
		break;
	}
	default: (void)order(s, chance(s, 50) ? EV_STEP : EV_RESUME); break;
	}
}

static void attend(struct sim *s)
{
	struct cycle *c = s->c;
	if (c->stage == STAGE_VALIDATING && c->plan_frozen && !c->held)
		grants(s);
	if (c->stage == STAGE_ENDED)
		return;
	if (cycle_ack_needed(c) && chance(s, 70))
		acknowledge(s, 0);
	else if (!cycle_why_not(c, CMD_RESUME) && (c->stage > STAGE_CLEANING || --s->patience > 0)) {
		if (order(s, chance(s, 30) ? EV_STEP : EV_RESUME) != RC_OK)
			give_up(s);
	} else if (idle(c) && (!healed(s) || !cycle_ack_needed(c)))
		give_up(s);
}

static void on_operator(struct sim *s)
{
	op_add(s, between(s, 1, healed(s) ? 60 : 20) * SECOND, OP_OPERATOR);
	if (!s->c || s->c->stage == STAGE_ENDED)
		return;
	if (has(s, SIM_HANDS) && !healed(s) && chance(s, 30))
		meddle(s);
	else if (!healed(s) && chance(s, 4)) {
		s->r->holds++;
		(void)order(s, EV_HOLD);
	}
	else
		attend(s);
}

/* ---- the rest of the world ---- */

static struct thing *any_thing(struct sim *s) { return &s->t[below(s, s->things)]; }

static void on_world(struct sim *s, const struct op *o)
{
	struct thing *t = any_thing(s);
	if (healed(s))
		return;
	op_add(s, between(s, 1, 90) * SECOND, o->kind);
	if (o->kind == OP_OTHERS && t->exists && t->candidate)
		erase(s, t, false);
	/* who respects claims does not touch a claimed row; of committed rows nobody makes new use */
	bool may = t->row && t->live && (s->unclaimed || s->rude || !t->claimed);
	if (o->kind == OP_REFERENCE && may)
		t->referenced = true;
	if (o->kind == OP_CHANGE && may)
		t->changed = true;
	if (o->kind == OP_GUARD && chance(s, 20))
		t->guarded = true;
}

static void do_op(struct sim *s, const struct op *o)
{
	switch (o->kind) {
	case OP_ACT: on_act(s, o); break;
	case OP_ANSWER: on_answer(s, o); break;
	case OP_PROBE:
	case OP_REREAD: on_read(s, o); break;
	case OP_LIST: on_list(s, o); break;
	case OP_LIST_RECORDS: on_list_records(s); break;
	case OP_VALIDATE: on_validate(s); break;
	case OP_RECHECK: on_recheck(s, o); break;
	case OP_CLAIM: on_claim(s, o); break;
	case OP_RELIST: on_relist(s, o); break;
	case OP_COMMIT_ROWS: on_commit_rows(s, o); break;
	case OP_LOOK_ROWS: on_look_rows(s, o); break;
	case OP_RELEASE: on_release(s, o); break;
	case OP_COUNT_CLAIMS: on_count_claims(s); break;
	case OP_BASELINE: on_baseline(s, o); break;
	case OP_UPLOAD: on_upload(s, o); break;
	case OP_RESTORED: on_restored(s, o); break;
	case OP_SEEK: on_seek(s, o); break;
	case OP_REMAP_ROWS: on_remap_rows(s, o); break;
	case OP_COMMIT: on_commit(s); break;
	case OP_OPERATOR: on_operator(s); break;
	case OP_OTHERS:
	case OP_REFERENCE:
	case OP_CHANGE:
	case OP_GUARD: on_world(s, o); break;
	case OP_LOG_DOWN: break;
	case OP_LOG_BACK: on_log_back(s); break;
	case OP_CRASH: if (s->c) on_crash(s); break;
	case OP_RESTART: restart(s); break;
	}
}

/* ---- a run ---- */

static struct window some_window(struct sim *s, bool on, int64_t longest)
{
	int64_t from = between(s, 1, 900) * SECOND;
	return on ? (struct window){ from, from + between(s, 1, longest / SECOND) * SECOND } : (struct window){ 0, 0 };
}

static void make_lane(struct sim *s, int lane)
{
	struct cycle_lane_opts *o = &s->o[lane];
	*o = (struct cycle_lane_opts){ .in_flight = between(s, 1, 16), .rate_mhz = between(s, 500, 50000), .burst = between(s, 1, 20),
		.settle_us = 20 * SECOND, .slice = chance(s, 50) ? (int32_t)between(s, 3, 40) : 0, .max_item_bytes = 1000000, .list_max_age_us = chance(s, 30) ? between(s, 5, 60) * SECOND : 5 * (int64_t)MINUTE };
	snprintf(o->name, sizeof o->name, "lane%d", lane);
	if (s->seed % 4 == 0) {         /* not drawn: other seeds play as they did */
		o->canary = (int64_t)(s->seed / 4 % 11);
		o->ramp = (int64_t)(s->seed / 44 % 4);
	}
	retry_policy_default(&o->retry);
	int32_t n = (int32_t)(chance(s, 20) ? between(s, 1, 12) : chance(s, 10) ? between(s, 100, 300) : between(s, 8, 60));
	int copies = (int)(chance(s, 30) ? 100 : between(s, 0, 100));
	for (int32_t i = 0; i < n; i++) {
		bool row = chance(s, 70);
		s->t[s->things++] = (struct thing){ .lane = lane, .bytes = chance(s, 5) ? -1 : between(s, 0, 100000), .exists = true,
			.candidate = chance(s, 85), .row = row, .live = row, .checked = -1, .copy = chance(s, copies),
			.locked = has(s, SIM_STORE) && chance(s, 3) };
	}
}

static void make_world(struct sim *s)
{
	s->disk_us = s->seed % 3 ? 4000 : 400000;
	s->lanes = chance(s, 60) ? 1 : (int)between(s, 2, LANES);
	s->t = xcalloc(THINGS, sizeof *s->t);
	for (int i = 0; i < s->lanes; i++)
		make_lane(s, i);
	s->plan = xcalloc((size_t)s->things, sizeof *s->plan);
	s->percent = (int)(chance(s, 30) ? between(s, 30, 90) : between(s, 1, 25));
	s->rehearsal = chance(s, 4);
	s->unclaimed = chance(s, 15);
	s->rude = chance(s, 20);
	s->heals_at = 2 * HOUR;
	s->patience = 400;
	s->outage = some_window(s, has(s, SIM_OUTAGE), 20 * (int64_t)MINUTE);
	s->auth = some_window(s, has(s, SIM_AUTH), 20 * (int64_t)MINUTE);
	s->db_down = some_window(s, has(s, SIM_RECORDS), 20 * (int64_t)MINUTE);
	s->log_down = some_window(s, has(s, SIM_LOG), 10 * (int64_t)MINUTE);
	for (int g = STAGE_VALIDATING; g < STAGE_ENDED; g++)
		s->auto_gates[g] = chance(s, 50);
	if (has(s, SIM_OTHERS))
		op_add(s, between(s, 1, 60) * SECOND, OP_OTHERS);
	if (has(s, SIM_RECORDS)) {
		op_add(s, between(s, 1, 60) * SECOND, OP_REFERENCE);
		op_add(s, between(s, 1, 60) * SECOND, OP_CHANGE);
		op_add(s, between(s, 1, 60) * SECOND, OP_GUARD);
	}
	for (int64_t k = has(s, SIM_CRASH) ? between(s, 1, 4) : 0; k > 0; k--)
		op_add(s, chance(s, 50) ? between(s, 1, 30 * SECOND) : between(s, 1, 600) * SECOND + between(s, 0, SECOND), OP_CRASH);
	op_add(s, SECOND, OP_OPERATOR);
}

static void check_item_end(struct sim *s, int32_t i)
{
	const struct thing *t = thing_of(s, i);
	enum item_state st = (enum item_state)s->c->item[i].state;
	bool ok = true;
	switch (st) {
	case ITEM_DELETED: ok = !t->exists || (t->lied && !t->seen); break;
	case ITEM_GONE: ok = !t->exists || t->denied; break;
	case ITEM_UNKNOWN: break;
	case ITEM_REHEARSED: ok = s->rehearsal && !t->ours; break;
	case ITEM_RESTORED:
	case ITEM_UNRESTORED: ok = (!t->exists || t->lied || t->denied) && t->copy; break;
	case ITEM_RESTORING: case ITEM_SEEKING: ok = false; break;
	case ITEM_PLANNED: case ITEM_GONE_OTHER: case ITEM_FAILED: case ITEM_REFUSED: case ITEM_DRIFTED: case ITEM_PROTECTED:
	case ITEM_BLOCKED: case ITEM_HELD: ok = !t->ours; break;
	case ITEM_CHECKING: case ITEM_CLAIMING: case ITEM_READY: case ITEM_SENT: case ITEM_BACKOFF: case ITEM_PROBING:
	case ITEM_SETTLING: case ITEM_STATE_COUNT: ok = false; break;
	}
	PROMISE(s, ok, "item %d ended as %s, and it %s, deleted by %s", i, item_state_name(st), t->exists ? "is there" : "is gone",
		t->ours ? "us" : t->others ? "others" : "nobody");
	PROMISE(s, !t->ours || t->answered_deleted || st == ITEM_GONE || st == ITEM_UNKNOWN || st == ITEM_DELETED ||
		st == ITEM_RESTORED || st == ITEM_UNRESTORED, "item %d is ours and %s", i,
		item_state_name(st));
}

/* What was adopted may be somebody else's file of the same name and size: nobody could tell. */
static bool foreign_named(const struct sim *s, int32_t i)
{
	int id = s->new_id[i];
	return id > 0 && s->up[id - 1].of == s->plan[i] && s->up[id - 1].foreign;
}

/* One new id and no other copy, unless there is a dead letter; its row names it; nothing else was uploaded. */
static void check_restored(struct sim *s, int32_t i)
{
	const struct thing *t = thing_of(s, i);
	const struct cycle_item *it = &s->c->item[i];
	int made = 0;
	bool named = false;
	for (int k = 0; k < s->ups; k++)
		if (s->up[k].of == s->plan[i] && !s->up[k].foreign) {
			made++;
			named |= s->new_id[i] == k + 1;
		}
	s->r->restored += it->state == ITEM_RESTORED;
	PROMISE(s, made <= 1 || it->dead || s->letters[i], "item %d was restored %d times, and there is no dead letter", i, made);
	PROMISE(s, it->state == ITEM_RESTORED || !named, "item %d is %s and has a new id", i, item_state_name((enum item_state)it->state));
	PROMISE(s, it->state == ITEM_RESTORED || !made || it->state == ITEM_UNRESTORED, "item %d is %s and was uploaded", i,
		item_state_name((enum item_state)it->state));
	if (it->state != ITEM_RESTORED)
		return;
	PROMISE(s, !t->several, "several files might be item %d, and one of them was taken", i);
	PROMISE(s, named || foreign_named(s, i), "item %d is restored and has no new id that is its own", i);
	PROMISE(s, it->row != ROW_REMAPPED || t->row_id == s->new_id[i], "the row of item %d names file %d, it is file %d", i, t->row_id, s->new_id[i]);
	PROMISE(s, !it->has_row || it->row == ROW_REMAPPED || it->row == ROW_CONFLICT || it->row == ROW_NONE, "item %d is restored and its row %s", i,
		row_state_name((enum row_state)it->row));
	PROMISE(s, !t->committed, "item %d is restored and its row was committed", i);
}

static void check_end(struct sim *s)
{
	struct buf eq;
	struct cycle *c = s->c;
	int64_t units = 0;
	buf_init(&eq);
	PROMISE(s, cycle_equation(c, &eq), "the equation does not hold: %s", buf_z(&eq));
	buf_done(&eq);
	PROMISE(s, !claims_left(s), "%" PRId64 " claims are left", claims_left(s));
	for (int32_t i = 0; i < c->items; i++) {
		check_item_end(s, i);
		check_restored(s, i);
		units += holds_unit((enum item_state)c->item[i].state);
	}
	for (int32_t i = 0; i < s->things; i++)
		PROMISE(s, !s->t[i].ours || s->t[i].candidate, "thing %d was deleted and is no candidate", i);
	PROMISE(s, s->spent_items == units, "%" PRId64 " units are on the account of 24 h, %" PRId64 " are held", s->spent_items, units);
	s->r->end = c->end;
}

static bool ended(const struct sim *s) { return s->c && s->c->stage == STAGE_ENDED && !s->queue; }

/* While it works something must come of it, without an operator: the longest waits are those of an
 * open breaker and of a server that asks for patience. */
static void check_moves(struct sim *s, int64_t due)
{
	const struct cycle *c = s->c;
	int64_t next = due;
	if (!c || c->stage == STAGE_ENDED || c->held || c->waiting_for[0] || c->stage == STAGE_VALIDATING)
		return;
	for (size_t i = 0; i < s->n_op; i++)
		if (s->op[i].kind < OP_FIRST_OF_THE_WORLD || s->op[i].kind == OP_COMMIT || s->op[i].kind == OP_LOG_BACK)
			next = MIN(next, s->op[i].at);
	PROMISE(s, next - s->now.boot_us < 20 * (int64_t)MINUTE || s->log_failing, "nothing moves in %s, lane 0 %s, and it waits for nobody",
		cycle_stage_name(c->stage), lane_phase_name(c->lane[0].phase));
}

static void step_world(struct sim *s)
{
	const struct op *o = op_first(s);
	int64_t due = s->c ? cycle_due_us(s->c) : INT64_MAX;
	int64_t at = MAX(MIN(o->at, due), s->now.boot_us);
	check_moves(s, due);
	s->now = (struct now){ .boot_us = at, .wall_us = WALL0 + at };
	if (due < o->at) {
		struct cycle_event ev = event(s, EV_TICK);
		hand(s, &ev);
		return;
	}
	struct op got = op_take(s, o);
	do_op(s, &got);
}

static void print_ring(const struct sim *s)
{
	for (int64_t i = MAX(s->lines - RING, 0); i < s->lines; i++)
		printf("# %s\n", s->ring[i % RING]);
}

static void begin(struct sim *s)
{
	struct cycle_event ev;
	s->c = cycle_new(1, rng_u64(&s->rng), s->o, s->lanes, true, s->rehearsal, s->auto_gates);
	for (int i = 0; i < s->lanes; i++) {
		pace_init(&s->c->lane[i].pace, s->o[i].rate_mhz, s->o[i].burst, 0, s->now.boot_us);
		breaker_init(&s->c->lane[i].breaker, NULL, rng_u64(&s->rng), s->now.boot_us);
	}
	ev = event(s, EV_START);
	hand(s, &ev);
}

static void finish(struct sim *s)
{
	for (int i = 0; s->c && i < s->lanes; i++)
		s->r->breakers += s->c->lane[i].breaker.generation > 0;
	if (!s->r->ok && !s->verbose)
		print_ring(s);
	drop_queue(s);
	for (int i = 0; i < s->lanes; i++)
		outgoing_done(&s->outgoing[i]);
	cycle_free(s->c);
	free(s->t);
	free(s->plan);
	free(s->op);
	free(s->disk);
	free(s->disk_body);
	free(s);
}

void sim_run(uint64_t seed, unsigned troubles, bool verbose, struct sim_report *r)
{
	struct sim *s = xcalloc(1, sizeof *s);
	*r = (struct sim_report){ .ok = true };
	s->r = r;
	s->verbose = verbose;
	s->troubles = troubles;
	s->tail = &s->queue;
	s->now = (struct now){ .wall_us = WALL0, .boot_us = 0 };
	s->seed = seed;
	rng_seed(&s->rng, seed);
	make_world(s);
	begin(s);
	while (r->ok && !ended(s) && r->events < MAX_EVENTS && s->now.boot_us < 96 * HOUR)
		step_world(s);
	if (r->ok && !ended(s))
		broken(s, "no end after %" PRId64 " events, %" PRId64 " h: %s, %s", r->events, s->now.boot_us / HOUR,
		       s->c ? cycle_stage_name(s->c->stage) : "crashed", s->c ? s->c->waiting_for : "");
	if (r->ok)
		check_end(s);
	finish(s);
}
