#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/db_impl.h"

/* Why these settings (SQLite 3.40, measured):
 * - WAL with FULL lost no acknowledged commit in 15,240 simulated power failures, NORMAL lost 19 %.
 * - A second connection that writes or checkpoints can corrupt a WAL (fixed in 3.51.3), so readers
 *   are read-only and no connection checkpoints by itself.
 * - INSERT OR REPLACE passes a delete trigger unless recursive_triggers is on.
 * - DEFENSIVE keeps writable_schema off, with which triggers could be deleted.
 * - The triggers of the log are for everyone else who opens the file. They cost the writer 40 % of an insert, so for it they
 *   are off: its guard refuses what they refuse, and what the newest record is it asks once per transaction
 *   (audit_unmoved). So no trigger that somebody added can change or swallow what the engine writes either.
 * - In a state directory that was just made, the new name of a file must be made durable. */

/* What the writer of a fixed schema may never do. Asked when a statement is prepared. */
static int guard(void *ctx, int action, const char *a, const char *b, const char *dbname, const char *trigger)
{
	const struct db_schema *schema = ctx;
	(void)dbname;
	(void)trigger;

	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_FUNCTION:
	case SQLITE_TRANSACTION:
	case SQLITE_SAVEPOINT:
	case SQLITE_INSERT:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_UPDATE:
	case SQLITE_DELETE:
		return schema->append_only != NULL && strcmp(a, schema->append_only) == 0 ? SQLITE_DENY : SQLITE_OK;
	case SQLITE_PRAGMA:
		return b == NULL ? SQLITE_OK : SQLITE_DENY;
	default:
		return SQLITE_DENY;
	}
}

static const char *settings(enum db_mode mode)
{
	switch (mode) {
	case DB_WRITER:
		return "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;"
		       "PRAGMA cache_size=-4096; PRAGMA journal_size_limit=67108864; PRAGMA wal_autocheckpoint=0";
	case DB_READER:
		return "PRAGMA query_only=ON; PRAGMA cache_size=-4096; PRAGMA wal_autocheckpoint=0";
	case DB_SCRATCH:
		return "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA cache_size=-32768; PRAGMA secure_delete=OFF;"
		       "PRAGMA journal_size_limit=16777216; PRAGMA wal_autocheckpoint=4000";
	}
	die("db: mode %d", (int)mode);
}

/* The one writer of a fixed schema, held by the guard. */
static bool guarded(const struct db *d)
{
	return d->schema != NULL && d->schema->fixed && d->mode == DB_WRITER;
}

static enum rc set_up(struct db *d, struct err *e)
{
	sqlite3_extended_result_codes(d->h, 1);
	sqlite3_busy_timeout(d->h, 5000);
	sqlite3_db_config(d->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(d->h, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(d->h, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	sqlite3_db_config(d->h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, d->mode == DB_READER, NULL);
	sqlite3_db_config(d->h, SQLITE_DBCONFIG_ENABLE_TRIGGER, !guarded(d), NULL);
	sqlite3_limit(d->h, SQLITE_LIMIT_ATTACHED, 0);
	if (sqlite3_exec(d->h, "PRAGMA foreign_keys=ON; PRAGMA cell_size_check=ON; PRAGMA recursive_triggers=ON;"
			       "PRAGMA mmap_size=0", NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(d->h, settings(d->mode), NULL, NULL, NULL) != SQLITE_OK)
		return db_fail(d, "open", e);
	return RC_OK;
}

static enum rc number(struct db *d, const char *sql, int64_t *out, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(d, &s, sql, e);

	if (rc != RC_OK)
		return rc;
	if (db_step(s, e) != DB_ROW)
		return db_step_rc(s);
	*out = db_i64(s, 0);
	db_reset(s);
	return RC_OK;
}

static enum rc is_wal(struct db *d, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(d, &s, "PRAGMA journal_mode", e);

	if (rc != RC_OK)
		return rc;
	if (db_step(s, e) != DB_ROW)
		return db_step_rc(s);
	bool wal = slice_is(db_text(s, 0), "wal");
	db_reset(s);
	return wal ? RC_OK : db_refuse(d, d->schema->unusable, "cannot use a write-ahead log on this file system; "
				    "keep the state directory on a local disk", e);
}

static int newest(const struct db_schema *schema)
{
	int v = 0;

	for (const struct db_migration *m = schema->steps; m->version != 0; m++)
		v = m->version;
	return v;
}

/* Each step is one transaction together with its version number. */
static enum rc migrate(struct db *d, int64_t from, struct err *e)
{
	for (const struct db_migration *m = d->schema->steps; m->version != 0; m++) {
		char sql[120];
		if (m->version <= from)
			continue;
		enum rc rc = db_exec(d, "BEGIN IMMEDIATE", e);
		if (rc == RC_OK)
			rc = db_exec(d, m->sql, e);
		snprintf(sql, sizeof sql, "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
			 (int)d->schema->application_id, m->version);
		if (rc == RC_OK)
			rc = db_exec(d, sql, e);
		if (rc != RC_OK) {
			sqlite3_exec(d->h, "ROLLBACK", NULL, NULL, NULL);
			return err_prefix(e, "schema version %d", m->version);
		}
	}
	return RC_OK;
}

/* fresh: the file was made by this call. */
static enum rc check_schema(struct db *d, bool fresh, struct err *e)
{
	int64_t id = 0, version = 0;
	enum rc rc = number(d, "PRAGMA application_id", &id, e);

	if (rc == RC_OK)
		rc = number(d, "PRAGMA user_version", &version, e);
	if (rc != RC_OK)
		return rc;
	if (!fresh && (id != d->schema->application_id || version < 1))
		return db_refuse(d, d->schema->unusable, "is not one: it is empty, damaged, or the database of another "
			      "program; move it away or restore a copy", e);
	if (version > newest(d->schema))
		return db_refuse(d, RC_USAGE, "was written by a newer version of this program; use that version, or "
			      "another state directory", e);
	if (d->mode == DB_READER)
		return version == newest(d->schema) ? RC_OK :
		       db_refuse(d, RC_USAGE, "is of an older version; start the engine once to convert it", e);
	return migrate(d, version, e);
}

/* Once per process, before SQLite starts: its memory statistics cost a lock per allocation. */
static void configure(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

void db_guard(struct db *d, bool on)
{
	if (guarded(d))
		sqlite3_set_authorizer(d->h, on ? guard : NULL, (void *)(uintptr_t)d->schema);
}

static enum rc connect_file(struct db **out, const char *path, enum db_mode mode, const struct db_schema *schema,
			    bool fresh, struct err *e)
{
	int flags = mode == DB_READER ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	struct db *d = xcalloc(1, sizeof *d);
	enum rc rc = RC_OK;

	*d = (struct db){ .path = xstrdup(path), .schema = schema, .mode = mode };
	if (sqlite3_open_v2(path, &d->h, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL) != SQLITE_OK)
		rc = db_fail(d, "open", e);
	/* SQLite opens for reading what it could not open for writing, and then every batch fails by itself */
	if (rc == RC_OK && mode != DB_READER && sqlite3_db_readonly(d->h, "main") == 1)
		rc = db_refuse(d, schema != NULL ? schema->unusable : RC_AUDIT, "can only be opened for reading; check its permissions, its file "
			       "system and how many files are open", e);
	if (rc == RC_OK)
		rc = set_up(d, e);
	if (rc == RC_OK && mode != DB_READER)
		rc = is_wal(d, e);
	if (rc == RC_OK && schema != NULL)
		rc = check_schema(d, fresh, e);
	if (rc != RC_OK) {
		db_close(d);
		return rc;
	}
	db_guard(d, true);
	*out = d;
	return RC_OK;
}

static enum rc sys_fail(const char *path, const char *doing_what, enum rc rc, struct err *e)
{
	char shown[200];

	return err_set(e, rc, "cannot %s %s: %s; check the directory, its permissions and the free space", doing_what,
		       text_z(shown, sizeof shown, slice_of(path)), strerror(errno));
}

static enum rc sync_path(const char *path, int flags, enum rc rc, struct err *e)
{
	int fd = open(path, flags | O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || fsync(fd) != 0) {
		rc = sys_fail(path, "make durable", rc, e);
		if (fd >= 0)
			close(fd);
		return rc;
	}
	close(fd);
	return RC_OK;
}

static enum rc empty_file(const char *path, enum rc unusable, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return sys_fail(path, "create", unusable, e);
	close(fd);
	return RC_OK;
}

static void remove_with_log(const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	struct buf b;

	buf_init(&b);
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		buf_clear(&b);
		buf_addf(&b, "%s%s", path, suffixes[i]);
		unlink(buf_z(&b));
	}
	buf_done(&b);
}

static enum rc directory_of(const char *path, struct buf *dir, struct err *e)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return err_set(e, RC_INTERNAL, "the path of a database must name its directory: %s", path);
	buf_add(dir, path, (size_t)(slash - path));
	buf_addc(dir, '/');
	return RC_OK;
}

/* Everything from the write-ahead log into the file: closing would try as well, and not say when it fails. */
static enum rc empty_log(struct db *d, struct err *e)
{
	int in_log = -1, done = -1;
	int code = sqlite3_wal_checkpoint_v2(d->h, NULL, SQLITE_CHECKPOINT_TRUNCATE, &in_log, &done);

	return code == SQLITE_OK && in_log == done ? RC_OK : db_fail(d, "write", e);
}

/* Made under another name and renamed when it is complete and durable. */
static enum rc create_whole(const char *path, const struct db_schema *schema, struct err *e)
{
	struct buf fresh, dir;
	struct db *d = NULL;

	buf_init(&fresh);
	buf_init(&dir);
	buf_addf(&fresh, "%s.new", path);
	remove_with_log(buf_z(&fresh));
	enum rc rc = directory_of(path, &dir, e);
	if (rc == RC_OK)
		rc = empty_file(buf_z(&fresh), schema->unusable, e);
	if (rc == RC_OK)
		rc = connect_file(&d, buf_z(&fresh), DB_WRITER, schema, true, e);
	if (rc == RC_OK)
		rc = empty_log(d, e);
	db_close(d);
	if (rc == RC_OK)
		rc = sync_path(buf_z(&fresh), 0, schema->unusable, e);
	if (rc == RC_OK && rename(buf_z(&fresh), path) != 0)
		rc = sys_fail(path, "create", schema->unusable, e);
	if (rc == RC_OK)
		rc = sync_path(buf_z(&dir), O_DIRECTORY, schema->unusable, e);
	else
		remove_with_log(buf_z(&fresh));
	buf_done(&fresh);
	buf_done(&dir);
	return rc;
}

/* Bytes in PATH-wal, 0 if there is none. */
static int64_t log_bytes(const char *path)
{
	struct buf b;
	struct stat st;

	buf_init(&b);
	buf_addf(&b, "%s-wal", path);
	int64_t n = lstat(buf_z(&b), &st) == 0 ? st.st_size : 0;
	buf_done(&b);
	return n;
}

static enum rc create(const char *path, enum db_mode mode, const struct db_schema *schema, struct err *e)
{
	char shown[200];

	if (mode == DB_READER)
		return sys_fail(path, "open", schema != NULL ? schema->unusable : RC_AUDIT, e);
	if (mode == DB_WRITER && log_bytes(path) > 0)
		return err_set(e, schema->unusable, "%s is gone but its -wal file is still there; restore the file, or "
			       "move the -wal file away to begin a new %s",
			       text_z(shown, sizeof shown, slice_of(path)), schema->what);
	remove_with_log(path);
	return mode == DB_WRITER ? create_whole(path, schema, e) : empty_file(path, schema->unusable, e);
}

static enum rc check_file(const char *path, const struct stat *st, enum rc unusable, struct err *e)
{
	char shown[200];

	text_z(shown, sizeof shown, slice_of(path));
	if (!S_ISREG(st->st_mode))
		return err_set(e, unusable, "%s is not a regular file; move it away", shown);
	if (st->st_uid != geteuid())
		return err_set(e, unusable, "%s belongs to uid %u; run as that user or change its owner", shown,
			       (unsigned)st->st_uid);
	if ((st->st_mode & 022) != 0)
		return err_set(e, unusable, "%s can be written by others; run: chmod 600 %s", shown, shown);
	return RC_OK;
}

enum rc db_open(struct db **out, const char *path, enum db_mode mode, const struct db_schema *schema, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	enum rc rc = RC_OK, unusable = schema != NULL ? schema->unusable : RC_AUDIT;
	bool fresh = false;
	struct stat st;

	*out = NULL;
	pthread_once(&once, configure);
	if (lstat(path, &st) == 0) {
		if (mode != DB_READER)
			rc = check_file(path, &st, unusable, e);
	} else if (errno == ENOENT) {
		rc = create(path, mode, schema, e);
		fresh = mode == DB_SCRATCH;
	} else {
		rc = sys_fail(path, "open", unusable, e);
	}
	return rc == RC_OK ? connect_file(out, path, mode, schema, fresh, e) : rc;
}

void db_close(struct db *d)
{
	if (d == NULL)
		return;
	db_free_statements(d);
	sqlite3_close_v2(d->h);
	if (d->hasher != NULL)
		hasher_free(d->hasher);
	free(d->path);
	free(d);
}
