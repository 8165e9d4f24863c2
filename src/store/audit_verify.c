#include "store/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/schema.h"

enum { PROGRESS_EVERY = 16384 };

struct anchor {
	int64_t seq;
	struct hash hash;
	char when[TIME_TEXT];
};

struct anchors {
	struct anchor *a;
	size_t n, cap;
};

static void PRINTF_LIKE(3, 4) bad(struct audit_verdict *v, int64_t seq, const char *fmt, ...)
{
	va_list ap;

	if (!v->ok)
		return;
	v->ok = false;
	v->first_bad = seq;
	va_start(ap, fmt);
	vsnprintf(v->why, sizeof v->why, fmt, ap);
	va_end(ap);
}

/* ---- anchors ---- */

/* "SEQ HASH TIME" */
static bool parse_anchor(struct slice line, struct anchor *a)
{
	const char *hash = memchr(line.p, ' ', line.n);
	const char *end = line.p + line.n;

	if (hash == NULL || (size_t)(end - hash) < HASH_HEX + 1 || hash[HASH_HEX] != ' ')
		return false;
	struct slice when = { hash + HASH_HEX + 1, (size_t)(end - hash) - HASH_HEX - 1 };
	if (when.n >= sizeof a->when || !utf8_valid(when))
		return false;
	memcpy(a->when, when.p, when.n);
	a->when[when.n] = '\0';
	return parse_i64((struct slice){ line.p, (size_t)(hash - line.p) }, &a->seq) && a->seq > 0 &&
	       hash_parse(&a->hash, (struct slice){ hash + 1, HASH_HEX - 1 });
}

static void add_anchor(struct anchors *all, const struct anchor *a)
{
	GROW(all->a, all->cap, all->n + 1);
	all->a[all->n++] = *a;
}

#define CUT " (cut)"

static bool was_cut(struct slice line)
{
	size_t n = sizeof CUT - 1;

	return line.n == 0 || (line.n >= n && memcmp(line.p + line.n - n, CUT, n) == 0);
}

/* Lines end with a newline; what follows the last one is a write that was cut and counts for nothing. */
static void parse_anchors(struct anchors *all, const char *file, struct slice text, struct audit_verdict *v)
{
	char shown[120];
	const char *p = text.p, *end = text.p + text.n, *nl;

	for (int line = 1; p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL; line++, p = nl + 1) {
		struct slice text_line = { p, (size_t)(nl - p) };
		struct anchor a;
		if (parse_anchor(text_line, &a))
			add_anchor(all, &a);
		else if (!was_cut(text_line))
			bad(v, 0, "%s line %d is no anchor: the file was damaged or changed",
			    text_z(shown, sizeof shown, slice_of(file)), line);
	}
}

static int by_seq(const void *x, const void *y)
{
	const struct anchor *a = x, *b = y;

	return (a->seq > b->seq) - (a->seq < b->seq);
}

static enum rc read_file(const char *file, struct buf *out, struct err *e)
{
	char shown[120], block[65536];
	ssize_t n = 0;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && errno == ENOENT)
		return RC_OK;
	while (fd >= 0 && (n = read(fd, block, sizeof block)) > 0)
		buf_add(out, block, (size_t)n);
	if (fd < 0 || n < 0) {
		enum rc rc = err_set(e, RC_AUDIT, "cannot read the anchors in %s: %s; check its permissions",
				     text_z(shown, sizeof shown, slice_of(file)), strerror(errno));
		if (fd >= 0)
			close(fd);
		return rc;
	}
	close(fd);
	return RC_OK;
}

static enum rc load_anchors(struct anchors *all, const char *file, struct audit_verdict *v, struct err *e)
{
	struct buf text;

	if (file == NULL)
		return RC_OK;
	buf_init(&text);
	enum rc rc = read_file(file, &text, e);
	if (rc == RC_OK)
		parse_anchors(all, file, buf_slice(&text), v);
	buf_done(&text);
	if (all->n != 0)
		qsort(all->a, all->n, sizeof *all->a, by_seq);
	return rc;
}

static enum rc write_anchor(int fd, const struct audit_head *head, int64_t wall_us)
{
	char hex[HASH_HEX], when[TIME_TEXT], line[160], last = '\n';
	struct stat st;

	if (fstat(fd, &st) != 0 || (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) != 1))
		return RC_AUDIT;
	int n = snprintf(line, sizeof line, "%s%" PRId64 " %s %s\n", last == '\n' ? "" : CUT "\n", head->seq,
			 hash_hex(hex, &head->hash), time_rfc3339(when, wall_us, false));
	if (write(fd, line, (size_t)n) != n || fsync(fd) != 0)
		return RC_AUDIT;
	return RC_OK;
}

static enum rc sync_directory(const char *file)
{
	const char *slash = strrchr(file, '/');
	char *dir = slash != NULL ? xstrndup(file, (size_t)(slash - file) + 1) : xstrdup(".");
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum rc rc = fd >= 0 && fsync(fd) == 0 ? RC_OK : RC_AUDIT;

	if (fd >= 0)
		close(fd);
	free(dir);
	return rc;
}

enum rc audit_anchor(const char *anchor_file, const struct audit_head *head, int64_t wall_us, struct err *e)
{
	char shown[120];
	enum rc rc = RC_AUDIT;
	bool fresh = access(anchor_file, F_OK) != 0;

	if (head->seq == 0)
		return RC_OK;
	int fd = open(anchor_file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		rc = write_anchor(fd, head, wall_us);
	if (rc == RC_OK && fresh)
		rc = sync_directory(anchor_file);
	if (rc != RC_OK)
		rc = err_set(e, RC_AUDIT, "cannot write the anchor of record %" PRId64 " to %s: %s; check the disk and the "
			     "file's permissions", head->seq, text_z(shown, sizeof shown, slice_of(anchor_file)), strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}

/* ---- the schema ---- */

#define OBJECTS "SELECT name, type || ' ' || coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"

static const char *column(sqlite3_stmt *s, int i)
{
	const unsigned char *z = sqlite3_column_text(s, i);

	return z != NULL ? (const char *)z : "";
}

/* Both lists are sorted by name: the first difference is named. */
static void compare_schemas(sqlite3_stmt *want, sqlite3_stmt *have, struct audit_verdict *v)
{
	char shown[60];
	bool w = sqlite3_step(want) == SQLITE_ROW, h = sqlite3_step(have) == SQLITE_ROW;

	while (v->ok && (w || h)) {
		int order = !w ? 1 : !h ? -1 : strcmp(column(want, 0), column(have, 0));
		if (order < 0)
			bad(v, 0, "%s is missing from the schema: somebody removed it", column(want, 0));
		else if (order > 0)
			bad(v, 0, "%s in the schema is not ours: somebody added it",
			    text_z(shown, sizeof shown, slice_of(column(have, 0))));
		else if (strcmp(column(want, 1), column(have, 1)) != 0)
			bad(v, 0, "%s in the schema is not as we made it: somebody changed it", column(want, 0));
		w = sqlite3_step(want) == SQLITE_ROW;
		h = sqlite3_step(have) == SQLITE_ROW;
	}
}

static void check_schema(struct db *reader, struct audit_verdict *v)
{
	sqlite3 *model = NULL;
	sqlite3_stmt *want = NULL, *have = NULL;

	if (sqlite3_open(":memory:", &model) != SQLITE_OK)
		die("out of memory in SQLite");
	for (const struct db_migration *m = schema_sluice.steps; m->version != 0; m++)
		if (sqlite3_exec(model, m->sql, NULL, NULL, NULL) != SQLITE_OK)
			die("schema version %d: %s", m->version, sqlite3_errmsg(model));
	if (sqlite3_prepare_v2(model, OBJECTS, -1, &want, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db_sqlite(reader), OBJECTS, -1, &have, NULL) == SQLITE_OK)
		compare_schemas(want, have, v);
	else
		bad(v, 0, "the schema cannot be read");
	sqlite3_finalize(want);
	sqlite3_finalize(have);
	sqlite3_close(model);
}

/* ---- the chain ---- */

static void check_record(struct hasher *h, const struct audit_record *rec, struct audit_verdict *v)
{
	int64_t want = v->head.seq + 1;
	struct hash hash;

	if (rec->seq < want) {
		bad(v, want, "record %" PRId64 " is one too many: records count from 1", rec->seq);
		return;
	}
	if (rec->seq > want) {
		bad(v, want, "record %" PRId64 " is missing", want);
		return;
	}
	if (memcmp(rec->prev.b, v->head.hash.b, HASH_BYTES) != 0) {
		bad(v, rec->seq, "record %" PRId64 ": it does not follow the record before it", rec->seq);
		return;
	}
	audit_hash(h, rec, &hash);
	if (memcmp(hash.b, rec->hash.b, HASH_BYTES) != 0)
		bad(v, rec->seq, "record %" PRId64 ": its hash does not match its values", rec->seq);
}

static void check_anchors(const struct anchors *all, size_t *next, struct audit_verdict *v)
{
	for (; *next < all->n && all->a[*next].seq == v->head.seq; ++*next)
		if (v->ok && memcmp(all->a[*next].hash.b, v->head.hash.b, HASH_BYTES) != 0)
			bad(v, v->head.seq, "record %" PRId64 " is not the one anchored at %s: the log was rewritten",
			    v->head.seq, all->a[*next].when);
}

static void beyond(const struct anchors *all, struct audit_verdict *v)
{
	const struct anchor *last = all->n != 0 ? &all->a[all->n - 1] : NULL;

	if (last != NULL && last->seq > v->head.seq)
		bad(v, v->head.seq + 1, "the log ends at record %" PRId64 ", but record %" PRId64 " was anchored at %s: its end "
		    "was cut off or the file replaced", v->head.seq, last->seq, last->when);
}

/* For the progress only; damage is found by the walk. */
static int64_t count(struct db *reader)
{
	struct db_stmt *s;
	struct err e;
	int64_t n = 0;

	if (db_prepare(reader, &s, "SELECT coalesce(max(seq), 0) FROM audit", &e) == RC_OK && db_step(s, &e) == DB_ROW) {
		n = db_i64(s, 0);
		db_reset(s);
	}
	return n;
}

struct walk {
	const struct anchors *anchors;
	size_t next_anchor;
	void (*progress)(void *ctx, int64_t done, int64_t of);
	void *ctx;
	int64_t of;
};

static void walk_row(struct walk *k, struct hasher *h, struct db_stmt *s, struct audit_verdict *v)
{
	struct audit_record rec;
	const char *why = audit_from_row(s, &rec);

	if (why != NULL) {
		bad(v, v->head.seq + 1, "record %" PRId64 ": %s", rec.seq, why);
		return;
	}
	check_record(h, &rec, v);
	if (!v->ok)
		return;
	v->head = (struct audit_head){ rec.seq, rec.hash };
	v->records++;
	check_anchors(k->anchors, &k->next_anchor, v);
	if (k->progress != NULL && v->records % PROGRESS_EVERY == 0)
		k->progress(k->ctx, v->records, k->of);
}

static enum rc walk(struct walk *k, struct db *reader, struct audit_verdict *v, struct err *e)
{
	struct hasher *h = db_hasher(reader);
	struct db_stmt *s;
	enum db_step step = DB_ROW;
	enum rc rc = db_prepare(reader, &s, "SELECT " AUDIT_COLUMNS " FROM audit ORDER BY seq", e);

	if (rc != RC_OK)
		return rc;
	while (v->ok && (step = db_step(s, e)) == DB_ROW)
		walk_row(k, h, s, v);
	if (step == DB_ERROR)
		bad(v, v->head.seq + 1, "record %" PRId64 " cannot be read: %s", v->head.seq + 1,
		    sqlite3_errmsg(db_sqlite(reader)));
	db_reset(s);
	if (v->ok && k->progress != NULL)
		k->progress(k->ctx, v->records, k->of);
	return RC_OK;
}

enum rc audit_verify(struct db *reader, const char *anchor_file, struct audit_verdict *out,
		     void (*progress)(void *ctx, int64_t done, int64_t of), void *ctx, struct err *e)
{
	struct audit_verdict anchors_verdict = { .ok = true };
	struct anchors anchors = { 0 };
	struct walk k = { .anchors = &anchors, .progress = progress, .ctx = ctx };
	/* The anchors first: the log may grow past them while we read, never the other way round. */
	enum rc rc = load_anchors(&anchors, anchor_file, &anchors_verdict, e);

	*out = (struct audit_verdict){ .ok = true };
	k.of = progress != NULL ? count(reader) : 0;
	if (rc == RC_OK)
		rc = walk(&k, reader, out, e);
	if (rc == RC_OK)
		beyond(&anchors, out);
	if (rc == RC_OK && out->ok)
		check_schema(reader, out);
	if (rc == RC_OK && out->ok && !anchors_verdict.ok) {
		struct audit_head head = out->head;
		int64_t records = out->records;
		*out = anchors_verdict;
		out->head = head;
		out->records = records;
	}
	free(anchors.a);
	return rc;
}
