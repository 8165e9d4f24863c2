/* States of items, one statement for a run of neighbours that come to the same: a bulk delete's items are sent, and answered,
 * one after the other, and a statement costs five times what its row does. */
#include "store/journal.h"

#include "store/journal_op.h"

static int64_t key_of(const struct op_states *x)
{
	return x->cycle * (INT64_C(1) << 32) + x->n;
}

static bool same(const struct op_states *a, const struct op_states *b)
{
	return a->cycle == b->cycle && a->state == b->state && a->row_state == b->row_state && a->attempts == b->attempts &&
	       a->last_class == b->last_class && a->sent_us == b->sent_us;
}

static bool holds(const struct op_states *run, const struct op_states *x)
{
	return run->cycle == x->cycle && x->n >= run->n && x->n < run->n + run->count;
}

/* A run that x may be part of: nothing after it in the journal is about that item. */
static struct op_states *run_for(struct journal *j, const struct op_states *x)
{
	for (size_t back = 1; back <= JOURNAL_RUNS; back++) {
		struct op_states *run = j->run[(j->runs - back) % JOURNAL_RUNS];
		if (run == NULL || holds(run, x))
			return NULL;
		if (x->n == run->n + run->count && same(run, x))
			return run;
	}
	return NULL;
}

void journal_item_state(struct journal *j, int64_t cycle, int32_t n, int32_t state, int32_t row_state,
			int32_t attempts, int32_t last_class, int64_t sent_us)
{
	struct op_states x = { .cycle = cycle, .n = n, .count = 1, .state = state, .row_state = row_state, .attempts = attempts,
			       .last_class = last_class, .sent_us = sent_us };
	struct op_states *run = run_for(j, &x);

	if (run != NULL) {
		run->count++;
		return;
	}
	run = &journal_op_add(j, OP_ITEM_STATE)->states;
	*run = x;
	j->run[j->runs++ % JOURNAL_RUNS] = run;
}

void journal_states_over(struct journal *j)
{
	for (size_t i = 0; i < JOURNAL_RUNS; i++)
		j->run[i] = NULL;
}

#define SET "UPDATE item_states SET state = ?2, row_state = ?3, attempts = ?4, last_class = ?5, sent_us = ?6 WHERE key "

enum rc journal_put_states(struct db *d, const struct op_states *x, struct err *e)
{
	struct db_stmt *s;
	int64_t changed = 0;
	enum rc rc = db_prepare(d, &s, x->count == 1 ? SET "= ?1" : SET "BETWEEN ?1 AND ?7", e);

	if (rc != RC_OK)
		return rc;
	db_bind_i64(s, 1, key_of(x));
	db_bind_i64(s, 2, x->state);
	db_bind_i64(s, 3, x->row_state);
	db_bind_i64(s, 4, x->attempts);
	db_bind_i64(s, 5, x->last_class);
	db_bind_opt(s, 6, x->sent_us);
	if (x->count > 1)
		db_bind_i64(s, 7, key_of(x) + x->count - 1);
	rc = db_run(s, &changed, e);
	if (rc == RC_OK && changed != x->count)
		rc = err_set(e, RC_INTERNAL, "cycle %lld has no item %d in the journal, or not the %d that follow it", (long long)x->cycle,
			     (int)x->n, (int)x->count - 1);
	return rc;
}
