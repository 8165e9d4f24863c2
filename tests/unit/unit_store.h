/* For the tests of src/store: a state directory that goes away, SQL with no guard in the way, and a
 * loop around a store that waits for conditions, never for time. */
#ifndef SLUICE_TESTS_UNIT_STORE_H
#define SLUICE_TESTS_UNIT_STORE_H

#include "unit.h"

#include <errno.h>
#include <ftw.h>
#include <semaphore.h>
#include <time.h>

#include <sqlite3.h>

#include "store/schema.h"
#include "store/store.h"

struct dir {
	char path[256], db[300], wal[300], anchors[300];
};

static inline int dir_unlink(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

static inline void dir_make(struct dir *d)
{
	unit_mkdir(d->path);
	snprintf(d->db, sizeof d->db, "%s/sluice.db", d->path);
	snprintf(d->wal, sizeof d->wal, "%s/sluice.db-wal", d->path);
	snprintf(d->anchors, sizeof d->anchors, "%s/anchors", d->path);
}

static inline void dir_remove(const struct dir *d)
{
	nftw(d->path, dir_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

static inline int dir_setup(void **state)
{
	struct dir *d = xcalloc(1, sizeof *d);

	dir_make(d);
	*state = d;
	return 0;
}

static inline int dir_teardown(void **state)
{
	dir_remove(*state);
	free(*state);
	return 0;
}

#define ok(call) do { \
	enum rc ok_rc_ = (call); \
	if (ok_rc_ != RC_OK) \
		print_error("%s: %d %s\n", #call, (int)ok_rc_, e.text); \
	assert_int_equal(ok_rc_, RC_OK); \
} while (0)

/* Any SQL, as somebody with the sqlite3 program and bad intentions would run it. */
static inline int raw_sql(const char *path, const char *sql)
{
	sqlite3 *h;

	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	int code = sqlite3_exec(h, sql, NULL, NULL, NULL);
	sqlite3_close(h);
	return code;
}

static inline int64_t raw_number(const char *path, const char *sql)
{
	sqlite3 *h;
	sqlite3_stmt *s;

	assert_int_equal(sqlite3_open_v2(path, &h, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(h, sql, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(h);
	return n;
}

static inline struct audit_actor anna(void)
{
	return (struct audit_actor){ slice_of("anna"), 1000, slice_of("operator"), slice_of("console") };
}

static inline void add_record(struct journal *j, enum audit_kind kind, const char *subject)
{
	struct audit_actor who = anna();

	journal_audit(j, kind, &who, slice_of(subject), 7, slice_of(""), slice_of("{\"lane\":\"kimi\"}"));
}

static inline struct journal *records(enum audit_kind kind, const char *subject, int n)
{
	struct journal *j = journal_new();

	for (int i = 0; i < n; i++)
		add_record(j, kind, subject);
	return j;
}

/* ---- a store and the loop around it ---- */

enum { ANSWERS_MAX = 4096, PATIENCE_S = 30 };

struct loop {
	struct store *s;
	sem_t woken;
	int n;                          /* answers so far */
	int order[ANSWERS_MAX];         /* the number each answered batch was given */
	enum rc rc[ANSWERS_MAX];        /* by that number */
	char text[ANSWERS_MAX][200];
};

struct asked {
	struct loop *l;
	int number;
};

static inline void loop_wake(void *ctx)
{
	sem_post(&((struct loop *)ctx)->woken);
}

static inline void loop_done(void *ctx, enum rc rc, const struct err *e)
{
	struct asked *a = ctx;

	a->l->order[a->l->n++] = a->number;
	a->l->rc[a->number] = rc;
	snprintf(a->l->text[a->number], sizeof a->l->text[0], "%.199s", e->text);
	free(a);
}

static inline enum rc loop_open(struct loop *l, const char *dir, struct err *e)
{
	struct store_opts o = { .dir = dir, .wake = loop_wake, .wake_ctx = l };

	memset(l, 0, sizeof *l);
	sem_init(&l->woken, 0, 0);
	return store_open(&l->s, &o, e);
}

static inline void loop_commit(struct loop *l, int number, struct journal *j)
{
	struct asked *a = xmalloc(sizeof *a);

	*a = (struct asked){ l, number };
	store_commit(l->s, j, loop_done, a);
}

/* One turn: false when nothing happened for PATIENCE_S. */
static inline bool loop_turn(struct loop *l)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	if (sem_timedwait(&l->woken, &until) != 0)
		return false;
	store_drain(l->s);
	return true;
}

static inline void loop_answers(struct loop *l)
{
	while (store_waiting(l->s) > 0)
		assert_true(loop_turn(l));
}

/* Commit one batch and wait for its answer. */
static inline enum rc loop_one(struct loop *l, struct journal *j)
{
	loop_commit(l, 0, j);
	loop_answers(l);
	return l->rc[0];
}

static inline void loop_close(struct loop *l)
{
	store_close(l->s);
	sem_destroy(&l->woken);
}

/* A log of n records of several kinds, closed again. */
static inline void log_of(const struct dir *d, int n)
{
	struct loop *l = xcalloc(1, sizeof *l);
	struct journal *j = journal_new();
	struct err e;

	ok(loop_open(l, d->path, &e));
	for (int i = 0; i < n; i++) {
		char id[32];
		snprintf(id, sizeof id, "file-%d", i + 1);
		add_record(j, i % 2 == 0 ? AUDIT_INTENT : AUDIT_OUTCOME, id);
	}
	assert_int_equal(loop_one(l, j), RC_OK);
	loop_close(l);
	free(l);
}

static inline struct audit_verdict verdict_of(const struct dir *d, bool with_anchors)
{
	struct audit_verdict v;
	struct db *r;
	struct err e;

	ok(db_open(&r, d->db, DB_READER, NULL, &e));
	ok(audit_verify(r, with_anchors ? d->anchors : NULL, &v, NULL, NULL, &e));
	db_close(r);
	return v;
}

#endif
