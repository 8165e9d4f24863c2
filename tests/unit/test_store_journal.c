#include "unit_store.h"

#include "base/rng.h"

#define DAY_US (INT64_C(24) * 3600 * 1000000)

struct fixture {
	struct dir d;
	struct db *db;
	struct audit_head head;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof *f);
	struct err e;

	dir_make(&f->d);
	ok(db_open(&f->db, f->d.db, DB_WRITER, &schema_sluice, &e));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	db_close(f->db);
	dir_remove(&f->d);
	free(f);
	return 0;
}

static void apply(struct fixture *f, struct journal *j)
{
	struct err e;

	ok(journal_apply(f->db, &f->head, j, &e));
	journal_free(j);
}

/* What a visitor saw, as one text. */
struct heard {
	int n;
	char text[4000];
};

static void PRINTF_LIKE(2, 3) hear(struct heard *h, const char *fmt, ...)
{
	size_t used = strlen(h->text);
	va_list ap;

	h->n++;
	va_start(ap, fmt);
	vsnprintf(h->text + used, sizeof h->text - used, fmt, ap);
	va_end(ap);
}

/* ---- cycles and plans ---- */

static enum rc hear_cycle(void *ctx, const struct journal_cycle *c)
{
	hear(ctx, "%lld %.*s %.*s %.*s/%.*s plan=%.*s %.*s %lld %lld;", (long long)c->id, SLICE_FMT(c->name), SLICE_FMT(c->policy),
	     SLICE_FMT(c->stage), SLICE_FMT(c->state), SLICE_FMT(c->plan), SLICE_FMT(c->body), (long long)c->opened_us,
	     (long long)c->closed_us);
	return RC_OK;
}

static struct journal_cycle a_cycle(int64_t id)
{
	return (struct journal_cycle){
		.id = id, .name = slice_of("2026-11-22.3"), .policy = slice_of("stale"), .stage = slice_of("CLEANING"),
		.state = slice_of("held"), .plan = slice_of(""), .body = slice_of("{\"x\":1}"), .opened_us = 5, .closed_us = -1
	};
}

static void a_cycle_is_inserted_replaced_and_read(void **state)
{
	struct fixture *f = *state;
	struct journal *j = journal_new();
	struct journal_cycle c = a_cycle(1);
	struct heard h = { 0 }, open = { 0 }, recent = { 0 };
	int64_t last = -1;
	struct err e;

	ok(journal_last_cycle(f->db, &last, &e));
	assert_int_equal(last, 0);
	journal_cycle(j, &c);
	c = a_cycle(2);
	journal_cycle(j, &c);
	c.id = 1;
	c.state = slice_of("COMPLETED");
	c.closed_us = 9;
	journal_cycle(j, &c);
	apply(f, j);
	ok(journal_last_cycle(f->db, &last, &e));
	assert_int_equal(last, 2);
	ok(journal_read_cycle(f->db, 1, hear_cycle, &h, &e));
	assert_string_equal(h.text, "1 2026-11-22.3 stale CLEANING/COMPLETED plan= {\"x\":1} 5 9;");
	ok(journal_open_cycles(f->db, hear_cycle, &open, &e));
	assert_string_equal(open.text, "2 2026-11-22.3 stale CLEANING/held plan= {\"x\":1} 5 -1;");
	ok(journal_recent_cycles(f->db, 1, hear_cycle, &recent, &e));
	assert_int_equal(recent.n, 1);
	assert_int_equal(recent.text[0], '2');
	assert_int_equal(journal_read_cycle(f->db, 3, hear_cycle, &h, &e), RC_NOT_FOUND);
	assert_non_null(strstr(e.text, "no cycle 3"));
}

static enum rc hear_plan(void *ctx, const struct journal_plan *p)
{
	hear(ctx, "%.*s %lld %zu %.*s %lld %lld;", SLICE_FMT(p->id), (long long)p->cycle, p->header.n, SLICE_FMT(p->summary),
	     (long long)p->made_us, (long long)p->expires_us);
	return RC_OK;
}

static void the_newest_plan_of_a_cycle_is_read_and_a_plan_never_changes(void **state)
{
	struct fixture *f = *state;
	struct journal_plan p = {
		.id = slice_of("zzz"), .cycle = 4, .header = { "a\0b", 3 }, .summary = slice_of("{}"), .made_us = 1, .expires_us = 2
	};
	struct journal *j = journal_new();
	struct heard h = { 0 };
	struct err e;

	journal_plan(j, &p);
	p.id = slice_of("aaa");
	journal_plan(j, &p);
	apply(f, j);
	ok(journal_read_plan(f->db, 4, hear_plan, &h, &e));
	assert_string_equal(h.text, "aaa 4 3 {} 1 2;");
	assert_int_equal(journal_read_plan(f->db, 5, hear_plan, &h, &e), RC_NOT_FOUND);
	j = journal_new();
	journal_plan(j, &p);
	assert_int_equal(journal_apply(f->db, &f->head, j, &e), RC_FORMAT);
	journal_free(j);
}

/* ---- items ---- */

static enum rc hear_item(void *ctx, const struct journal_item *it)
{
	hear(ctx, "%lld.%d %.*s/%.*s %lld %lld row=%.*s %.*s l%d r%d: %d %d %d %d %lld;", (long long)it->cycle, (int)it->n,
	     SLICE_FMT(it->id), SLICE_FMT(it->name), (long long)it->bytes, (long long)it->created_us, SLICE_FMT(it->row),
	     SLICE_FMT(it->evidence), (int)it->lane, (int)it->rank, (int)it->state, (int)it->row_state, (int)it->attempts,
	     (int)it->last_class, (long long)it->sent_us);
	return RC_OK;
}

static struct journal_item an_item(int64_t cycle, int32_t n)
{
	return (struct journal_item){
		.cycle = cycle, .n = n, .lane = 1, .rank = n + 1, .id = slice_of("id"), .name = slice_of("name"), .bytes = -1,
		.created_us = 0, .row = slice_of(""), .evidence = slice_of("{}"), .sent_us = -1
	};
}

static void items_keep_what_was_planned_and_what_became_of_them(void **state)
{
	struct fixture *f = *state;
	struct journal *j = journal_new();
	struct heard h = { 0 };
	struct err e;

	for (int64_t cycle = 1; cycle <= 3; cycle++)
		for (int32_t n = 0; n < 4; n++) {
			struct journal_item it = an_item(cycle, n);
			journal_item(j, &it);
		}
	journal_item_state(j, 2, 1, 5, 6, 7, 8, 99);
	apply(f, j);
	ok(journal_read_items(f->db, 2, 1, 2, hear_item, &h, &e));
	assert_string_equal(h.text, "2.1 id/name -1 0 row= {} l1 r2: 5 6 7 8 99;2.2 id/name -1 0 row= {} l1 r3: 0 0 0 0 -1;");
	memset(&h, 0, sizeof h);
	ok(journal_read_items(f->db, 2, 0, 0, hear_item, &h, &e));
	assert_int_equal(h.n, 4);
	assert_int_equal(raw_number(f->d.db, "SELECT count(*) FROM item_list WHERE cycle = 2 AND n = 1 AND state = 5"), 1);
}

static void a_state_of_an_item_that_is_not_there_is_refused(void **state)
{
	struct fixture *f = *state;
	struct journal *j = journal_new();
	struct audit_head before = f->head;
	struct err e;

	add_record(j, AUDIT_OUTCOME, "x");
	journal_item_state(j, 1, 0, 1, 1, 1, 1, 1);
	assert_int_equal(journal_apply(f->db, &f->head, j, &e), RC_INTERNAL);
	assert_memory_equal(&f->head, &before, sizeof before);
	assert_int_equal(raw_number(f->d.db, "SELECT count(*) FROM audit"), 0);
	journal_free(j);
}

/* Runs of neighbours are written at once; whatever the order was, the last word on an item stands. */
static void states_of_neighbours_are_what_each_of_them_would_have_been(void **state)
{
	enum { ITEMS = 60, CHANGES = 400 };
	struct fixture *f = *state;
	struct journal *j = journal_new();
	struct rng rng;
	int64_t want[2][ITEMS];

	for (int64_t cycle = 1; cycle <= 2; cycle++)
		for (int32_t n = 0; n < ITEMS; n++) {
			struct journal_item it = an_item(cycle, n);
			journal_item(j, &it);
			want[cycle - 1][n] = 0;
		}
	apply(f, j);
	rng_seed(&rng, 7);
	for (int round = 0; round < 10; round++) {
		int32_t at[3] = { 0 };
		j = journal_new();
		for (int k = 0; k < CHANGES; k++) {
			int which = (int)rng_below(&rng, ARRAY_LEN(at)), cycle = which == 2 ? 2 : 1, st = (int)rng_below(&rng, 20) ? 10 + which : 3;
			at[which] = rng_below(&rng, 8) ? (at[which] + 1) % ITEMS : (int32_t)rng_below(&rng, ITEMS);
			want[cycle - 1][at[which]] = st * 1000 + round;
			journal_item_state(j, cycle, at[which], st, 1, 1, 0, round);
		}
		apply(f, j);
		for (int64_t c = 1; c <= 2; c++)
			for (int32_t n = 0; n < ITEMS; n++) {
				char sql[160];
				snprintf(sql, sizeof sql, "SELECT state * 1000 + ifnull(sent_us, 0) FROM item_list WHERE cycle = %d AND n = %d", (int)c, (int)n);
				assert_int_equal(raw_number(f->d.db, sql), want[c - 1][n]);
			}
	}
}

static void a_run_of_items_that_are_not_all_there_is_refused(void **state)
{
	struct fixture *f = *state;
	struct journal *j = journal_new();
	struct err e;

	for (int32_t n = 0; n < 3; n++) {
		struct journal_item it = an_item(1, n);
		journal_item(j, &it);
	}
	apply(f, j);
	j = journal_new();
	for (int32_t n = 0; n < 4; n++)
		journal_item_state(j, 1, n, 5, 1, 1, 1, 1);
	assert_int_equal(journal_apply(f->db, &f->head, j, &e), RC_INTERNAL);
	assert_int_equal(raw_number(f->d.db, "SELECT count(*) FROM item_states WHERE state = 5"), 0);
	journal_free(j);
}

/* ---- grants, dead letters, settings ---- */

static enum rc hear_grant(void *ctx, const struct journal_grant *g)
{
	hear(ctx, "%.*s %lld %.*s %.*s %lld/%lld/%lld %.*s %.*s %.*s %lld %lld %lld %.*s;", SLICE_FMT(g->id), (long long)g->cycle,
	     SLICE_FMT(g->plan), SLICE_FMT(g->lane), (long long)g->items, (long long)g->bytes, (long long)g->share_bp,
	     SLICE_FMT(g->on_abort), SLICE_FMT(g->state), SLICE_FMT(g->body), (long long)g->made_us, (long long)g->made_boot_us,
	     (long long)g->expires_us, SLICE_FMT(g->boot));
	return RC_OK;
}

static void a_grant_is_replaced_by_its_id(void **state)
{
	struct fixture *f = *state;
	struct journal_grant g = {
		.id = slice_of("n1"), .cycle = 4, .plan = slice_of("p"), .lane = slice_of("kimi"), .items = 412, .bytes = 9,
		.share_bp = 500, .on_abort = slice_of("ask"), .state = slice_of("active"), .body = slice_of("{}"), .made_us = 1,
		.made_boot_us = 2, .expires_us = 3, .boot = slice_of("b")
	};
	struct journal *j = journal_new();
	struct heard h = { 0 };
	struct err e;

	journal_grant(j, &g);
	g.id = slice_of("n0");
	journal_grant(j, &g);
	g.id = slice_of("n1");
	g.state = slice_of("spent");
	journal_grant(j, &g);
	apply(f, j);
	ok(journal_read_grants(f->db, 4, hear_grant, &h, &e));
	assert_string_equal(h.text, "n1 4 p kimi 412/9/500 ask spent {} 1 2 3 b;n0 4 p kimi 412/9/500 ask active {} 1 2 3 b;");
	memset(&h, 0, sizeof h);
	ok(journal_read_grants(f->db, 5, hear_grant, &h, &e));
	assert_int_equal(h.n, 0);
}

static enum rc hear_dead(void *ctx, const struct journal_dead *x)
{
	hear(ctx, "%lld.%d %.*s %.*s %.*s %.*s %.*s %.*s %lld;", (long long)x->cycle, (int)x->n, SLICE_FMT(x->lane), SLICE_FMT(x->id),
	     SLICE_FMT(x->phase), SLICE_FMT(x->class_), SLICE_FMT(x->belief), SLICE_FMT(x->body), (long long)x->at_us);
	return RC_OK;
}

static void dead_letters_come_by_harm_then_newest(void **state)
{
	static const char *const beliefs[] = { "exists", "maybe_deleted", "row_conflict", "maybe_deleted" };
	struct fixture *f = *state;
	struct journal *j = journal_new();
	struct heard h = { 0 };
	struct err e;

	for (int i = 0; i < 4; i++)
		journal_dead(j, &(struct journal_dead){
			.cycle = 1, .n = i, .lane = slice_of("kimi"), .id = slice_of("f"), .phase = slice_of("delete"),
			.class_ = slice_of("timeout"), .belief = slice_of(beliefs[i]), .body = slice_of("{}"), .at_us = 10 + i });
	apply(f, j);
	ok(journal_read_dead(f->db, 3, hear_dead, &h, &e));
	assert_string_equal(h.text, "1.2 kimi f delete timeout row_conflict {} 12;1.3 kimi f delete timeout maybe_deleted {} 13;"
			    "1.1 kimi f delete timeout maybe_deleted {} 11;");
}

static void a_setting_is_absent_until_it_is_set_and_empty_is_not_absent(void **state)
{
	struct fixture *f = *state;
	struct journal *j = journal_new();
	struct buf b;
	bool found = true;
	struct err e;

	buf_init(&b);
	ok(journal_read_setting(f->db, "mode", &b, &found, &e));
	assert_false(found);
	journal_setting(j, "mode", slice_of("observe"));
	journal_setting(j, "mode", slice_of("armed"));
	journal_setting(j, "empty", slice_of(""));
	apply(f, j);
	ok(journal_read_setting(f->db, "mode", &b, &found, &e));
	assert_true(found);
	assert_string_equal(buf_z(&b), "armed");
	buf_clear(&b);
	ok(journal_read_setting(f->db, "empty", &b, &found, &e));
	assert_true(found);
	assert_int_equal(b.n, 0);
	buf_done(&b);
}

/* ---- lanes ---- */

static struct journal_lane lane_at(struct fixture *f, int64_t now_us)
{
	struct journal_lane l;
	struct err e;

	ok(journal_read_lane(f->db, slice_of("kimi"), now_us, &l, &e));
	return l;
}

static void a_lane_remembers_its_last_list_and_our_deletions_since(void **state)
{
	struct fixture *f = *state;
	struct journal *j = journal_new();

	struct journal_lane l = lane_at(f, 0);
	assert_int_equal(l.listed_items, -1);
	assert_int_equal(l.listed_us, -1);
	assert_int_equal(l.deleted_since, 0);
	journal_lane_deleted(j, slice_of("kimi"), 3);
	apply(f, j);
	l = lane_at(f, 0);
	assert_int_equal(l.listed_items, -1);
	assert_int_equal(l.deleted_since, 3);
	j = journal_new();
	journal_lane_listed(j, slice_of("kimi"), 1000, 77);
	journal_lane_deleted(j, slice_of("kimi"), 5);
	journal_lane_deleted(j, slice_of("kimi"), 6);
	journal_lane_deleted(j, slice_of("glm"), 9);
	apply(f, j);
	l = lane_at(f, 0);
	assert_int_equal(l.listed_items, 1000);
	assert_int_equal(l.listed_us, 77);
	assert_int_equal(l.deleted_since, 11);
}

static void a_spend_counts_for_24_hours_to_the_microsecond(void **state)
{
	const int64_t at = 100 * DAY_US;
	struct fixture *f = *state;
	struct journal *j = journal_new();

	journal_lane_spent(j, slice_of("kimi"), 10, 1000, at);
	journal_lane_spent(j, slice_of("glm"), 500, 1, at);
	apply(f, j);
	assert_int_equal(lane_at(f, at).spent_items, 10);
	assert_int_equal(lane_at(f, at + DAY_US - 1).spent_items, 10);
	assert_int_equal(lane_at(f, at + DAY_US - 1).spent_bytes, 1000);
	assert_int_equal(lane_at(f, at + DAY_US).spent_items, 0);
	assert_int_equal(lane_at(f, at + DAY_US + 1).spent_items, 0);
	/* a clock set back must not give the budget away */
	assert_int_equal(lane_at(f, at - 5 * DAY_US).spent_items, 10);
}

static void spends_add_up_and_a_returned_unit_never_pays_for_another_moment(void **state)
{
	const int64_t at = 100 * DAY_US;
	struct fixture *f = *state;
	struct journal *j = journal_new();

	for (int i = 0; i < 5; i++)
		journal_lane_spent(j, slice_of("kimi"), 10, 1000, at + i);
	journal_lane_spent(j, slice_of("kimi"), -4, -400, at);
	apply(f, j);
	assert_int_equal(lane_at(f, at + 5).spent_items, 46);
	assert_int_equal(lane_at(f, at + 5).spent_bytes, 4600);
	j = journal_new();
	journal_lane_spent(j, slice_of("kimi"), -1000, -1000000, at + 9);
	apply(f, j);
	assert_int_equal(lane_at(f, at + 10).spent_items, 46);
}

static void old_spends_are_dropped_and_recent_ones_kept(void **state)
{
	const int64_t at = 100 * DAY_US;
	struct fixture *f = *state;
	struct journal *j = journal_new();

	journal_lane_spent(j, slice_of("kimi"), 1, 1, at);
	journal_lane_spent(j, slice_of("kimi"), 1, 1, at + 7 * DAY_US);
	apply(f, j);
	assert_int_equal(raw_number(f->d.db, "SELECT count(*) FROM lane_spent"), 2);
	j = journal_new();
	journal_lane_spent(j, slice_of("kimi"), 1, 1, at + 9 * DAY_US);
	apply(f, j);
	assert_int_equal(raw_number(f->d.db, "SELECT count(*) FROM lane_spent"), 2);
}

/* ---- the batch ---- */

static void a_journal_copies_everything_it_is_given(void **state)
{
	struct fixture *f = *state;
	struct journal *j = journal_new();
	char text[16] = "before";
	struct audit_actor who = { slice_of(text), 5, slice_of(text), slice_of(text) };

	journal_audit(j, AUDIT_MODE, &who, slice_of(text), 0, slice_of(text), slice_of(""));
	journal_setting(j, text, slice_of(text));
	assert_int_equal(journal_count(j), 1);
	assert_int_equal(journal_kinds(j), UINT64_C(1) << AUDIT_MODE);
	memset(text, 'x', sizeof text);
	apply(f, j);
	assert_int_equal(raw_number(f->d.db, "SELECT count(*) FROM audit WHERE actor = 'before' AND role = 'before' AND via = 'before'"
				    " AND subject = 'before' AND plan = 'before' AND payload = '{}'"), 1);
	assert_int_equal(raw_number(f->d.db, "SELECT count(*) FROM settings WHERE key = 'before' AND value = 'before'"), 1);
	assert_int_equal(raw_number(f->d.db, "SELECT uid FROM audit"), 5);
}

static void foreign_bytes_are_stored_as_they_are(void **state)
{
	struct fixture *f = *state;
	struct journal *j = journal_new();
	struct audit_actor who = anna();
	struct slice hostile = { "a\0\xff\x1b[2J", 7 };
	struct audit_verdict v;
	struct err e;

	journal_audit(j, AUDIT_INTENT, &who, hostile, 0, slice_of(""), slice_of("{}"));
	apply(f, j);
	assert_int_equal(raw_number(f->d.db, "SELECT count(*) FROM audit WHERE CAST(subject AS BLOB) = x'6100ff1b5b324a'"), 1);
	ok(audit_verify(f->db, NULL, &v, NULL, NULL, &e));
	assert_true(v.ok);
}

static enum rc stop(void *ctx, const struct journal_item *it)
{
	(void)it;
	return ++*(int *)ctx == 2 ? RC_CANCELLED : RC_OK;
}

static void a_visitor_that_stops_ends_the_reading_with_its_answer(void **state)
{
	struct fixture *f = *state;
	struct journal *j = journal_new();
	int seen = 0;
	struct err e;

	for (int32_t n = 0; n < 5; n++) {
		struct journal_item it = an_item(1, n);
		journal_item(j, &it);
	}
	apply(f, j);
	assert_int_equal(journal_read_items(f->db, 1, 0, 0, stop, &seen, &e), RC_CANCELLED);
	assert_int_equal(seen, 2);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_cycle_is_inserted_replaced_and_read),
		T(the_newest_plan_of_a_cycle_is_read_and_a_plan_never_changes),
		T(items_keep_what_was_planned_and_what_became_of_them),
		T(a_state_of_an_item_that_is_not_there_is_refused),
		T(states_of_neighbours_are_what_each_of_them_would_have_been),
		T(a_run_of_items_that_are_not_all_there_is_refused),
		T(a_grant_is_replaced_by_its_id),
		T(dead_letters_come_by_harm_then_newest),
		T(a_setting_is_absent_until_it_is_set_and_empty_is_not_absent),
		T(a_lane_remembers_its_last_list_and_our_deletions_since),
		T(a_spend_counts_for_24_hours_to_the_microsecond),
		T(spends_add_up_and_a_returned_unit_never_pays_for_another_moment),
		T(old_spends_are_dropped_and_recent_ones_kept),
		T(a_journal_copies_everything_it_is_given),
		T(foreign_bytes_are_stored_as_they_are),
		T(a_visitor_that_stops_ends_the_reading_with_its_answer),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("store_journal", tests, NULL, NULL);
}
