/* What the storage thread acknowledged survives a power failure: the store works on a disk that
 * remembers (crash_vfs.h); after every one of its operations the files are made as they might be had
 * the power failed there, opened as an engine would, and verified. STATES: how many, 1,000 unless the
 * variable says otherwise; only different ones count. SEED. */
#include "../unit/unit_store.h"

#include <fcntl.h>
#include <inttypes.h>

#include "base/rng.h"
#include "crash_vfs.h"

enum { SECTOR = 512, ROUNDS = 14, COMMITS = 7 };

struct image {
	unsigned char *p;
	size_t n, cap;
};

/* The disk while the trace is walked: what is safe, and what was not synced yet. */
struct disk {
	struct image safe[DISK_FILES];
	size_t *waiting[DISK_FILES], waiting_n[DISK_FILES], waiting_cap[DISK_FILES];    /* indices into the trace */
	int64_t acked, sent;
};

struct sums {
	int64_t states, lost, broken, torn;
	char why[400];
};

static uint64_t number(const char *name, uint64_t none)
{
	const char *z = getenv(name);
	int64_t n;
	return z && *z && parse_i64(slice_of(z), &n) && n > 0 ? (uint64_t)n : none;
}

/* ---- images ---- */

static void image_size(struct image *f, size_t n)
{
	GROW(f->p, f->cap, n + 1);
	if (n > f->n)
		memset(f->p + f->n, 0, n - f->n);
	f->n = n;
}

static void image_put(struct image *f, size_t at, const unsigned char *p, size_t n)
{
	if (at + n > f->n)
		image_size(f, at + n);
	memcpy(f->p + at, p, n);
}

static void image_copy(struct image *to, const struct image *from)
{
	image_size(to, from->n);
	if (from->n)
		memcpy(to->p, from->p, from->n);
}

static void image_apply(struct image *f, const struct disk_op *o)
{
	if (o->kind == DISK_WRITE)
		image_put(f, (size_t)o->at, o->bytes, o->n);
	else if (o->kind == DISK_TRUNCATE && (size_t)o->at < f->n)
		f->n = (size_t)o->at;
}

static void image_read(struct image *f, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	f->n = 0;
	if (fd < 0)
		return;
	assert_int_equal(fstat(fd, &st), 0);
	image_size(f, (size_t)st.st_size);
	assert_int_equal(read(fd, f->p, f->n), st.st_size);
	close(fd);
}

static void image_write(const struct image *f, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, f->p, f->n), (ssize_t)f->n);
	close(fd);
}

/* ---- one operation that was not synced ---- */

static uint64_t mix(uint64_t h, uint64_t v)
{
	return (h ^ v) * UINT64_C(0x100000001b3);
}

static void tear(struct image *f, const struct disk_op *o, struct rng *r, uint64_t *h)
{
	unsigned char garbage[SECTOR];
	for (size_t at = 0, n; at < o->n; at += n) {
		n = MIN((size_t)SECTOR - ((size_t)o->at + at) % SECTOR, o->n - at);
		uint64_t how = rng_below(r, 5);
		*h = mix(*h, how);
		if (how < 2)
			image_put(f, (size_t)o->at + at, o->bytes + at, n);
		if (how == 2) {
			for (size_t i = 0; i < n; i++)
				garbage[i] = (unsigned char)rng_u64(r);
			image_put(f, (size_t)o->at + at, garbage, n);
		}
	}
}

static void perhaps(struct image *f, const struct disk_op *o, size_t index, uint64_t bias, struct rng *r, struct sums *sum, uint64_t *h)
{
	uint64_t how = rng_below(r, 4);
	how = how < bias ? 0 : how;
	*h = mix(mix(*h, index), how);
	if (how == 3 && o->kind == DISK_WRITE) {
		tear(f, o, r, h);
		sum->torn++;
	} else if (how < 2) {
		image_apply(f, o);
	}
}

/* ---- a state ---- */

static bool verified(const struct dir *d, struct audit_verdict *v, char *why, size_t cap)
{
	struct err e = { .text = "" };
	struct db *w = NULL;
	struct buf mark;
	bool found = false;
	int64_t n = -1;
	buf_init(&mark);
	enum rc rc = db_open(&w, d->db, DB_WRITER, &schema_sluice, &e);
	if (rc == RC_OK)
		rc = audit_verify(w, NULL, v, NULL, NULL, &e);
	if (rc == RC_OK && v->ok)
		rc = journal_read_setting(w, "mark", &mark, &found, &e);
	/* an outcome and its effect are one transaction: the mark is the number of the last record */
	bool whole = rc == RC_OK && v->ok && (v->records == 0 || (found && parse_i64(buf_slice(&mark), &n) && n == v->records));
	snprintf(why, cap, "%.150s %.80s %" PRId64 " records, mark %" PRId64, e.text, rc == RC_OK ? v->why : "", v->records, n);
	db_close(w);
	buf_done(&mark);
	return whole;
}

static void check(const struct dir *d, const struct disk *k, size_t at, struct sums *sum)
{
	struct audit_verdict v = { 0 };
	char why[300];
	bool good = verified(d, &v, why, sizeof why);
	bool lost = good && (v.records < k->acked || v.records > k->sent);
	sum->broken += !good;
	sum->lost += lost;
	if ((!good || lost) && !sum->why[0])
		snprintf(sum->why, sizeof sum->why, "after operation %zu: %s, acknowledged %" PRId64, at, why, k->acked);
}

static void remove_all(const struct dir *d)
{
	char shm[320];
	snprintf(shm, sizeof shm, "%s/sluice.db-shm", d->path);
	unlink(shm);
	unlink(d->wal);
}

/* The power fails now. bias: 0 each write has an even chance, up to 3 nearly all are there. */
static uint64_t power_fails(const struct dir *d, const struct disk *k, const struct disk_op *op, uint64_t bias, struct rng *r, struct sums *sum)
{
	static struct image now[DISK_FILES];
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (int f = 0; f < DISK_FILES; f++) {
		image_copy(&now[f], &k->safe[f]);
		for (size_t i = 0; i < k->waiting_n[f]; i++)
			perhaps(&now[f], &op[k->waiting[f][i]], k->waiting[f][i], bias, r, sum, &h);
	}
	remove_all(d);
	image_write(&now[DISK_DB], d->db);
	if (now[DISK_WAL].n)
		image_write(&now[DISK_WAL], d->wal);
	return h;
}

/* ---- the trace ---- */

static void walk_op(struct disk *k, const struct disk_op *op, size_t i)
{
	const struct disk_op *o = &op[i];
	enum disk_file f = o->file;
	switch (o->kind) {
	case DISK_ACK:
		k->acked = o->at;
		return;
	case DISK_WRITE:
	case DISK_TRUNCATE:
		GROW(k->waiting[f], k->waiting_cap[f], k->waiting_n[f] + 1);
		k->waiting[f][k->waiting_n[f]++] = i;
		return;
	case DISK_SYNC:
		for (size_t n = 0; n < k->waiting_n[f]; n++)
			image_apply(&k->safe[f], &op[k->waiting[f][n]]);
		k->waiting_n[f] = 0;
		return;
	}
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

struct hashes {
	uint64_t *h;
	size_t n, cap;
};

/* Those of several walks, without what came twice. */
static int64_t different(struct hashes *s)
{
	size_t d = 0;
	qsort(s->h, s->n, sizeof *s->h, by_value);
	for (size_t i = 0; i < s->n; i++)
		if (i == 0 || s->h[i] != s->h[d - 1])
			s->h[d++] = s->h[i];
	s->n = d;
	return (int64_t)d;
}

/* States after each operation, more where more is not synced; their hashes go to *seen. */
static void walk(const struct dir *d, struct disk *k, uint64_t want, struct rng *r, struct sums *sum, struct hashes *seen)
{
	size_t n;
	const struct disk_op *op = crash_vfs_trace(&n);
	uint64_t each = want / n + 1;
	size_t stride = MAX(n / (want + 1), 1);         /* fewer states than operations: not after every one */
	for (size_t i = 0; i < n; i++) {
		size_t waits;
		walk_op(k, op, i);
		if (i % stride)
			continue;
		waits = k->waiting_n[DISK_DB] + k->waiting_n[DISK_WAL];
		uint64_t states = waits == 0 ? 1 : waits < 4 ? MIN(each, 1 + 4 * waits) : each + each / 2;
		for (uint64_t v = 0; v < states; v++) {
			uint64_t h = power_fails(d, k, op, v % 4, r, sum);
			GROW(seen->h, seen->cap, seen->n + 1);
			seen->h[seen->n++] = mix(h, waits ? (uint64_t)k->acked : i);
			check(d, k, i, sum);
		}
	}
}

static void disk_done(struct disk *k)
{
	for (int f = 0; f < DISK_FILES; f++) {
		free(k->safe[f].p);
		free(k->waiting[f]);
	}
}

/* ---- the workload ---- */

/* Records and what they explain: the mark is the number of the last record of its batch. */
static struct journal *batch(int64_t *seq, int n)
{
	struct journal *j = journal_new();
	char mark[32], id[32];
	for (int i = 0; i < n; i++) {
		snprintf(id, sizeof id, "file-%" PRId64, ++*seq);
		add_record(j, *seq % 2 ? AUDIT_INTENT : AUDIT_OUTCOME, id);
	}
	snprintf(mark, sizeof mark, "%" PRId64, *seq);
	journal_setting(j, "mark", slice_of(mark));
	return j;
}

static void work(struct loop *l, int64_t *seq, struct rng *r)
{
	for (int i = 0; i < COMMITS; i++) {
		int n = (int)rng_below(r, 9) + 1;
		assert_int_equal(loop_one(l, batch(seq, n)), RC_OK);
		l->n = 0;
		crash_vfs_ack(*seq);
	}
}

/* Commits, idle checkpoints, and stores that are closed and opened again. */
static int64_t record(const struct dir *d, bool lying, uint64_t seed, struct image *start)
{
	struct loop *l = xcalloc(1, sizeof *l);
	struct err e;
	struct rng r;
	int64_t seq = 0;
	rng_seed(&r, seed);
	ok(loop_open(l, d->path, &e));
	loop_close(l);
	image_read(start, d->db);
	crash_vfs_forget();
	crash_vfs_record(true, lying);
	for (int round = 0; round < ROUNDS; round++) {
		ok(loop_open(l, d->path, &e));
		work(l, &seq, &r);
		if (round % 2)
			while (store_wal_bytes(l->s) > 0)
				usleep(1000);
		if (round % 4 == 1)
			work(l, &seq, &r);
		loop_close(l);
	}
	crash_vfs_record(false, false);
	free(l);
	return seq;
}

static struct sums all(const struct dir *d, bool lying, uint64_t want)
{
	struct image start = { 0 };
	struct hashes seen = { 0 };
	struct sums sum = { 0 };
	struct rng r;
	size_t n;
	rng_seed(&r, number("SEED", 1));
	int64_t records = record(d, lying, number("SEED", 1), &start);
	crash_vfs_trace(&n);
	for (int walks = 0; walks < 10 && sum.states < (int64_t)want; walks++) {
		struct disk k = { .sent = records };
		image_copy(&k.safe[DISK_DB], &start);
		walk(d, &k, want - (uint64_t)sum.states, &r, &sum, &seen);
		sum.states = different(&seen);
		disk_done(&k);
	}
	printf("# %s disk: %" PRId64 " records, %zu operations, %" PRId64 " states, %" PRId64 " torn writes, %" PRId64 " logs that do not open "
	       "or verify, %" PRId64 " with acknowledged records lost\n", lying ? "a lying" : "an honest", records, n, sum.states, sum.torn, sum.broken,
	       sum.lost);
	free(seen.h);
	free(start.p);
	crash_vfs_forget();
	return sum;
}

static void what_was_acknowledged_survives_a_power_failure(void **state)
{
	uint64_t want = number("STATES", 1000);
	struct sums s = all(*state, false, want);
	assert_string_equal(s.why, "");
	assert_int_equal(s.lost + s.broken, 0);
	assert_true(s.states >= (int64_t)want);
}

/* The proof can fail: with a disk that skips syncs it does. */
static void a_disk_that_lies_about_syncs_is_found_out(void **state)
{
	struct sums s = all(*state, true, 250);
	assert_true(s.lost + s.broken > 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, dir_setup, dir_teardown)
	const struct CMUnitTest tests[] = {
		T(what_was_acknowledged_survives_a_power_failure),
		T(a_disk_that_lies_about_syncs_is_found_out),
	};

	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 1);
	crash_vfs_register();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("powerloss", tests, NULL, NULL);
}
