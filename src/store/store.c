#include "store/store.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <sqlite3.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/point.h"
#include "base/text.h"
#include "store/schema.h"

enum {
	FRAME_BYTES = 4096 + 24,        /* a page in the write-ahead log */
	IDLE_MS = 200,                  /* without work for this long: checkpoint */
	BEHIND_MS = 5000,               /* the same while a reader holds the log */
	RETRY_MS = 500,                 /* between attempts to write again */
	FRAMES_MAX = 12 * 1024          /* checkpoint even when busy: 48 MiB */
};

struct request {
	struct request *next;
	struct journal *j;              /* until it was applied */
	store_done *done;
	void *ctx;
	enum rc rc;
	struct err err;
	struct audit_head head;         /* after the transaction it was in */
};

struct queue {
	struct request *first, **last;
};

/* Which file a path led to. */
struct file_id {
	dev_t dev;
	ino_t ino;
};

struct store {
	/* constant once open */
	char *path, *wal_path;
	void (*wake)(void *ctx);
	void *wake_ctx;
	pthread_t thread;

	/* loop thread */
	int waiting;
	struct audit_head answered;
	struct request *draining;               /* taken from out, not told yet */

	/* shared */
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct queue in, out;           /* under lock */
	bool closing;                   /* under lock */
	atomic_bool writable;
	atomic_llong wal_bytes;

	/* storage thread */
	struct db *db;                  /* NULL while it could not be reopened */
	struct file_id db_id, wal_id;
	struct audit_head head;
	int64_t commits;                /* the counter in the file as of the last commit */
	int frames;                     /* in the write-ahead log, 0 = all of it is in the main file */
	int frames_max;                 /* checkpoint even when busy */
	bool behind;                    /* the last checkpoint could not finish: a reader holds the log */
	int64_t retry_at_us;            /* boot time; while not writable */
	struct err trouble;             /* why it is not writable */
};

/* ---- queues ---- */

static void queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void queue_add(struct queue *q, struct request *r)
{
	*q->last = r;
	q->last = &r->next;
}

static struct request *queue_take(struct queue *q)
{
	struct request *all = q->first;

	queue_init(q);
	return all;
}

/* ---- the file ---- */

static bool file_id(const char *path, struct file_id *out)
{
	struct stat st;

	if (lstat(path, &st) != 0 || st.st_nlink == 0)
		return false;
	*out = (struct file_id){ st.st_dev, st.st_ino };
	return true;
}

static bool same_file(const char *path, const struct file_id *id)
{
	struct file_id now;

	return file_id(path, &now) && now.dev == id->dev && now.ino == id->ino;
}

/* A file that was unlinked or replaced takes every write and keeps none of it. */
static enum rc check_in_place(const struct store *s, struct err *e)
{
	const char *moved = !same_file(s->path, &s->db_id) ? s->path :
			    !same_file(s->wal_path, &s->wal_id) ? s->wal_path : NULL;
	char shown[200];

	if (moved == NULL)
		return RC_OK;
	return err_set(e, RC_AUDIT, "%s was removed or replaced while the engine runs: nothing can be recorded; stop the engine, "
		       "put the file back and verify the log", text_z(shown, sizeof shown, slice_of(moved)));
}

static int frames_hook(void *ctx, sqlite3 *h, const char *name, int frames)
{
	struct store *s = ctx;
	(void)h;
	(void)name;

	s->frames = frames;
	atomic_store(&s->wal_bytes, (long long)frames * FRAME_BYTES);
	return SQLITE_OK;
}

/* true if everything is in the main file now. */
static bool checkpoint(struct store *s)
{
	int in_log = -1, done = -1;
	int code = sqlite3_wal_checkpoint_v2(db_sqlite(s->db), NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log, &done);

	s->behind = code != SQLITE_OK || in_log != done;
	s->frames_max = s->behind ? s->frames + FRAMES_MAX / 4 : FRAMES_MAX;
	if (!s->behind) {
		s->frames = 0;
		atomic_store(&s->wal_bytes, 0);
	}
	return !s->behind;
}

/* Somebody moved the main file. Bring everything into it, wherever it is now, and empty the log, so
 * that it is not taken for the log of a file that was put in its place. */
static void save_moved_file(struct store *s)
{
	sqlite3 *h = db_sqlite(s->db);

	sqlite3_busy_timeout(h, 0);
	if (sqlite3_wal_checkpoint_v2(h, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) != SQLITE_OK)
		log_warn("store", s->path, "was moved, and its -wal file is still needed: %s", sqlite3_errmsg(h));
	sqlite3_busy_timeout(h, 5000);
}

static enum rc read_commits(struct store *s, int64_t *n, struct err *e)
{
	struct db_stmt *q;
	enum rc rc = db_prepare(s->db, &q, "SELECT n FROM commits", e);

	if (rc != RC_OK)
		return rc;
	*n = db_step(q, e) == DB_ROW ? db_i64(q, 0) : 0;
	db_reset(q);
	return db_step_rc(q);
}

static enum rc load(struct store *s, struct err *e)
{
	enum rc rc = audit_read_head(s->db, &s->head, e);

	if (rc == RC_OK)
		rc = read_commits(s, &s->commits, e);
	if (rc == RC_OK && !(file_id(s->path, &s->db_id) && file_id(s->wal_path, &s->wal_id)))
		rc = err_set(e, RC_AUDIT, "%s vanished while it was opened", s->path);
	if (rc == RC_OK)
		sqlite3_wal_hook(db_sqlite(s->db), frames_hook, s);
	s->frames = 1;          /* what a crash left in the log */
	s->frames_max = FRAMES_MAX;
	return rc;
}

/* Without the checkpoint that closing makes: what is in the log may be in doubt. */
static void drop_connection(struct store *s)
{
	if (s->db == NULL)
		return;
	sqlite3_db_config(db_sqlite(s->db), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	db_close(s->db);
	s->db = NULL;
}

/* The log was unlinked but we still hold it: save what it has into the main file before letting go.
 * A log that somebody put in its place is never opened. */
static enum rc save_lost_log(struct store *s, struct err *e)
{
	struct stat st;

	if (s->db == NULL || same_file(s->wal_path, &s->wal_id))
		return RC_OK;
	if (lstat(s->wal_path, &st) == 0 || errno != ENOENT || !checkpoint(s))
		return check_in_place(s, e);
	return RC_OK;
}

/* Opens the same file again and reads its tail. */
static enum rc reopen(struct store *s, struct err *e)
{
	struct audit_head was = s->head;
	struct file_id id = s->db_id;

	if (!same_file(s->path, &id))
		return check_in_place(s, e);
	enum rc rc = save_lost_log(s, e);
	if (rc != RC_OK)
		return rc;
	drop_connection(s);
	rc = db_open(&s->db, s->path, DB_WRITER, &schema_sluice, e);
	if (rc == RC_OK)
		rc = load(s, e);
	if (rc == RC_OK && s->head.seq < was.seq)
		rc = err_set(e, RC_AUDIT, "%s ends at record %lld, but record %lld was committed; stop the engine and verify the log",
			     s->path, (long long)s->head.seq, (long long)was.seq);
	if (rc != RC_OK) {
		drop_connection(s);
		s->head = was;
		s->db_id = id;
	}
	return rc;
}

/* ---- transactions ---- */

static enum rc count_commit(struct store *s, struct err *e)
{
	return db_do(s->db, "UPDATE commits SET n = n + 1", e);
}

static void pass_points(uint64_t kinds, const char *suffix)
{
	(void)suffix;
	for (int k = 0; kinds != 0; k++, kinds >>= 1)
		if ((kinds & 1) != 0)
			POINT(audit_kind_point((enum audit_kind)k), suffix);
}

static void set_writable(struct store *s, bool writable, const struct err *why)
{
	bool was = atomic_exchange(&s->writable, writable);

	if (was && !writable && s->db != NULL && !same_file(s->path, &s->db_id))
		save_moved_file(s);
	if (!writable) {
		s->trouble = *why;
		s->retry_at_us = now_read().boot_us + RETRY_MS * 1000;
	}
	if (was == writable)
		return;
	if (writable)
		log_info("store", s->path, "can be written again");
	else
		log_error("store", s->path, "cannot be written: %s", why->text);
	s->wake(s->wake_ctx);
}

/* A small commit that reaches the disk. */
static enum rc probe(struct store *s, struct err *e)
{
	enum rc rc = db_do(s->db, "BEGIN IMMEDIATE", e);

	if (rc == RC_OK)
		rc = count_commit(s, e);
	if (rc == RC_OK)
		rc = db_do(s->db, "COMMIT", e);
	if (rc == RC_OK)
		rc = check_in_place(s, e);
	if (rc == RC_OK)
		s->commits++;
	return rc;
}

static void recover(struct store *s)
{
	struct err e = { 0 };
	enum rc rc = reopen(s, &e);

	if (rc == RC_OK)
		rc = probe(s, &e);
	set_writable(s, rc == RC_OK, &e);
}

static void fail_request(struct request *r, const struct err *why)
{
	if (r->rc != RC_OK)
		return;
	r->rc = RC_AUDIT;
	r->err = *why;
	r->err.rc = RC_AUDIT;
}

static void fail_all(struct request *list, const struct err *why)
{
	for (struct request *r = list; r != NULL; r = r->next)
		fail_request(r, why);
}

/* COMMIT failed, which means unknown. What the file holds after it was reopened decides; it counts
 * only when it could be copied into the main file and synced, because after a failed fsync the
 * kernel may have forgotten the pages of the log. */
static void settle(struct store *s, struct request *list, const struct err *why)
{
	int64_t expected = s->commits + 1;
	struct err e = { 0 };
	enum rc rc = reopen(s, &e);
	bool there = rc == RC_OK && s->commits == expected && checkpoint(s);

	if (rc == RC_OK)
		rc = probe(s, &e);
	if (!there)
		fail_all(list, why);
	set_writable(s, rc == RC_OK, rc == RC_OK ? why : &e);
}

/* Applies each batch behind a savepoint; false if the transaction is gone as a whole. */
static bool apply_all(struct store *s, struct request *list, struct audit_head *head, uint64_t *kinds, struct err *why)
{
	for (struct request *r = list; r != NULL; r = r->next) {
		r->rc = journal_apply(s->db, head, r->j, &r->err);
		if (r->rc == RC_OK)
			*kinds |= journal_kinds(r->j);
		if (sqlite3_get_autocommit(db_sqlite(s->db)) != 0) {
			*why = r->err;
			return false;
		}
	}
	return true;
}

/* Batches seldom fail: all of them at once, without a savepoint each. false: nothing of the group is kept. */
static bool apply_plain(struct store *s, struct request *list, struct audit_head *head, uint64_t *kinds)
{
	for (struct request *r = list; r != NULL; r = r->next) {
		r->rc = journal_write(s->db, head, r->j, &r->err);
		if (r->rc != RC_OK)
			return false;
		*kinds |= journal_kinds(r->j);
	}
	return true;
}

static bool any_good(const struct request *list)
{
	for (; list != NULL; list = list->next)
		if (list->rc == RC_OK)
			return true;
	return false;
}

static void end_transaction(struct store *s)
{
	struct err e;

	if (s->db != NULL && sqlite3_get_autocommit(db_sqlite(s->db)) == 0 && db_do(s->db, "ROLLBACK", &e) != RC_OK)
		log_warn("store", s->path, "rollback: %s", e.text);
}

/* true: a transaction is open, and the newest record in it is ours. Else, with RC_OK, nothing may be written into this file. */
static bool begun(struct store *s, struct request *list, enum rc *rc, struct err *e)
{
	bool unmoved = false;

	*rc = db_do(s->db, "BEGIN IMMEDIATE", e);
	if (*rc == RC_OK)
		*rc = audit_unmoved(s->db, &s->head, &unmoved, e);
	if (*rc == RC_OK && !unmoved)
		fail_all(list, e);
	return unmoved;
}

/* One transaction is open with all of the group that could be written. */
static enum rc write_group(struct store *s, struct request *list, struct audit_head *head, uint64_t *kinds, struct err *e)
{
	enum rc rc;

	if (!begun(s, list, &rc, e) || apply_plain(s, list, head, kinds))
		return rc;
	end_transaction(s);
	*head = s->head;
	*kinds = 0;
	return begun(s, list, &rc, e) && !apply_all(s, list, head, kinds, e) ? RC_AUDIT : rc;
}

/* Everything that waits, in one transaction. */
static void commit_group(struct store *s, struct request *list)
{
	struct audit_head head = s->head;
	uint64_t kinds = 0;
	struct err e = { 0 };
	enum rc rc = check_in_place(s, &e);

	if (rc == RC_OK)
		rc = write_group(s, list, &head, &kinds, &e);
	if (rc == RC_OK && any_good(list))
		rc = count_commit(s, &e);
	if (rc != RC_OK || !any_good(list)) {
		end_transaction(s);
		if (rc != RC_OK) {
			fail_all(list, &e);
			set_writable(s, false, &e);
		}
		return;
	}
	pass_points(kinds, "before");
	rc = db_do(s->db, "COMMIT", &e);
	if (rc == RC_OK)
		rc = check_in_place(s, &e);
	if (rc != RC_OK) {
		end_transaction(s);
		settle(s, list, &e);
		return;
	}
	pass_points(kinds, "after");
	s->head = head;
	s->commits++;
}

static void commit_or_refuse(struct store *s, struct request *list)
{
	if (!atomic_load(&s->writable) && now_read().boot_us >= s->retry_at_us)
		recover(s);
	if (atomic_load(&s->writable))
		commit_group(s, list);
	else
		fail_all(list, &s->trouble);
}

/* ---- the thread ---- */

static void answer(struct store *s, struct request *list)
{
	for (struct request *r = list; r != NULL; r = r->next) {
		journal_free(r->j);
		r->j = NULL;
		r->head = s->head;
	}
	pthread_mutex_lock(&s->lock);
	while (list != NULL) {
		struct request *r = list;
		list = r->next;
		r->next = NULL;
		queue_add(&s->out, r);
	}
	pthread_mutex_unlock(&s->lock);
	s->wake(s->wake_ctx);
}

/* How long to sleep without work: until the next attempt to write, the next checkpoint, or for ever (-1). */
static int64_t nap_ms(const struct store *s)
{
	if (!atomic_load(&s->writable))
		return RETRY_MS;
	return s->frames == 0 ? -1 : s->behind ? BEHIND_MS : IDLE_MS;
}

static void wait_for_work(struct store *s, int64_t ms)
{
	struct timespec until;

	if (ms < 0) {
		pthread_cond_wait(&s->more, &s->lock);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	int64_t ns = until.tv_nsec + ms * 1000000;
	until.tv_sec += (time_t)(ns / 1000000000);
	until.tv_nsec = (long)(ns % 1000000000);
	pthread_cond_timedwait(&s->more, &s->lock, &until);
}

/* Work that waits, or NULL when the nap ended; *closing when there will be no more. */
static struct request *next_work(struct store *s, bool *closing)
{
	pthread_mutex_lock(&s->lock);
	if (s->in.first == NULL && !s->closing)
		wait_for_work(s, nap_ms(s));
	struct request *list = queue_take(&s->in);
	*closing = s->closing && list == NULL;
	pthread_mutex_unlock(&s->lock);
	return list;
}

static void idle(struct store *s)
{
	if (!atomic_load(&s->writable)) {
		if (now_read().boot_us >= s->retry_at_us)
			recover(s);
	} else if (s->frames > 0) {
		checkpoint(s);
	}
}

static void *run(void *arg)
{
	struct store *s = arg;
	bool closing = false;

	while (!closing) {
		struct request *list = next_work(s, &closing);
		if (list != NULL) {
			commit_or_refuse(s, list);
			answer(s, list);
			if (s->frames > s->frames_max && s->db != NULL)
				checkpoint(s);
		} else if (!closing) {
			idle(s);
		}
	}
	if (s->db != NULL && atomic_load(&s->writable))
		checkpoint(s);
	return NULL;
}

static enum rc start_thread(struct store *s, struct err *e)
{
	pthread_condattr_t attr;
	sigset_t all, before;

	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->more, &attr);
	pthread_condattr_destroy(&attr);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int code = pthread_create(&s->thread, NULL, run, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (code == 0)
		return RC_OK;
	pthread_cond_destroy(&s->more);
	pthread_mutex_destroy(&s->lock);
	return err_set(e, RC_INTERNAL, "cannot start the storage thread: %s", strerror(code));
}

/* ---- the loop's side ---- */

static char *join(const char *dir, const char *name)
{
	struct buf b;

	buf_init(&b);
	buf_addf(&b, "%s/%s", dir, name);
	return buf_take(&b);
}

static void free_store(struct store *s)
{
	db_close(s->db);
	free(s->path);
	free(s->wal_path);
	free(s);
}

enum rc store_open(struct store **out, const struct store_opts *o, struct err *e)
{
	struct store *s = xcalloc(1, sizeof *s);

	*out = NULL;
	s->path = join(o->dir, "sluice.db");
	s->wal_path = join(o->dir, "sluice.db-wal");
	s->wake = o->wake;
	s->wake_ctx = o->wake_ctx;
	queue_init(&s->in);
	queue_init(&s->out);
	atomic_init(&s->writable, true);
	atomic_init(&s->wal_bytes, 0);
	enum rc rc = db_open(&s->db, s->path, DB_WRITER, &schema_sluice, e);
	if (rc == RC_OK)
		rc = load(s, e);
	s->answered = s->head;
	if (rc == RC_OK)
		rc = start_thread(s, e);
	if (rc != RC_OK) {
		free_store(s);
		return rc;
	}
	*out = s;
	return RC_OK;
}

void store_commit(struct store *s, struct journal *j, store_done *done, void *ctx)
{
	struct request *r = xcalloc(1, sizeof *r);

	*r = (struct request){ .j = j, .done = done, .ctx = ctx };
	s->waiting++;
	pthread_mutex_lock(&s->lock);
	queue_add(&s->in, r);
	pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->lock);
}

static bool take_answers(struct store *s)
{
	if (s->draining == NULL) {
		pthread_mutex_lock(&s->lock);
		s->draining = queue_take(&s->out);
		pthread_mutex_unlock(&s->lock);
	}
	return s->draining != NULL;
}

bool store_drain_some(struct store *s, int64_t slice_us)
{
	const int64_t until = now_read().boot_us + slice_us;

	while (take_answers(s)) {
		struct request *r = s->draining;
		s->draining = r->next;
		s->waiting--;
		s->answered = r->head;
		if (r->done != NULL)
			r->done(r->ctx, r->rc, &r->err);
		free(r);
		if (now_read().boot_us >= until)
			return true;
	}
	return false;
}

void store_drain(struct store *s)
{
	while (store_drain_some(s, INT64_C(1000000)))
		;
}

void store_close(struct store *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->closing = true;
	pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	store_drain(s);
	pthread_cond_destroy(&s->more);
	pthread_mutex_destroy(&s->lock);
	free_store(s);
}

int store_waiting(const struct store *s)
{
	return s->waiting;
}

struct audit_head store_head(const struct store *s)
{
	return s->answered;
}

bool store_writable(const struct store *s)
{
	return atomic_load(&s->writable);
}

const char *store_path(const struct store *s)
{
	return s->path;
}

int64_t store_wal_bytes(const struct store *s)
{
	return atomic_load(&s->wal_bytes);
}
