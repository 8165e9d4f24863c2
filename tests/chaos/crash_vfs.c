#include "crash_vfs.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/mem.h"

struct file {
	sqlite3_file base;
	enum disk_file which;           /* DISK_FILES: not one of ours */
	sqlite3_file *real;
};

static sqlite3_vfs *unix_vfs, vfs;
static atomic_bool recording, lies;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct disk_op *op;             /* under lock */
static size_t op_n, op_cap;
static int64_t syncs;

static void note(enum disk_kind kind, enum disk_file file, int64_t at, const void *bytes, size_t n)
{
	if (!atomic_load(&recording) || file == DISK_FILES)
		return;
	pthread_mutex_lock(&lock);
	bool lie = kind == DISK_SYNC && atomic_load(&lies) && ++syncs % 3 == 0;
	if (!lie) {
		GROW(op, op_cap, op_n + 1);
		op[op_n++] = (struct disk_op){ kind, file, at, n, n ? memcpy(xmalloc(n), bytes, n) : NULL };
	}
	pthread_mutex_unlock(&lock);
}

static bool ends(const char *z, const char *with)
{
	size_t n = strlen(z), m = strlen(with);
	return n >= m && strcmp(z + n - m, with) == 0;
}

static struct file *of(sqlite3_file *f) { return (struct file *)f; }
#define REAL(f) (of(f)->real)

static int file_close(sqlite3_file *f)
{
	int rc = REAL(f)->pMethods ? REAL(f)->pMethods->xClose(REAL(f)) : SQLITE_OK;
	free(REAL(f));
	return rc;
}

static int file_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at) { return REAL(f)->pMethods->xRead(REAL(f), p, n, at); }

static int file_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	int rc = REAL(f)->pMethods->xWrite(REAL(f), p, n, at);
	if (rc == SQLITE_OK)
		note(DISK_WRITE, of(f)->which, at, p, (size_t)n);
	return rc;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	int rc = REAL(f)->pMethods->xTruncate(REAL(f), n);
	if (rc == SQLITE_OK)
		note(DISK_TRUNCATE, of(f)->which, n, NULL, 0);
	return rc;
}

static int file_sync(sqlite3_file *f, int flags)
{
	(void)flags;
	note(DISK_SYNC, of(f)->which, 0, NULL, 0);
	return SQLITE_OK;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *n) { return REAL(f)->pMethods->xFileSize(REAL(f), n); }
static int file_lock(sqlite3_file *f, int l) { return REAL(f)->pMethods->xLock(REAL(f), l); }
static int file_unlock(sqlite3_file *f, int l) { return REAL(f)->pMethods->xUnlock(REAL(f), l); }
static int file_reserved(sqlite3_file *f, int *out) { return REAL(f)->pMethods->xCheckReservedLock(REAL(f), out); }
static int file_control(sqlite3_file *f, int what, void *arg) { return REAL(f)->pMethods->xFileControl(REAL(f), what, arg); }
static int file_sector(sqlite3_file *f) { return REAL(f)->pMethods->xSectorSize(REAL(f)); }
static int file_traits(sqlite3_file *f) { return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f)); }
static int file_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return REAL(f)->pMethods->xShmMap(REAL(f), page, size, extend, out);
}
static int file_shm_lock(sqlite3_file *f, int at, int n, int flags) { return REAL(f)->pMethods->xShmLock(REAL(f), at, n, flags); }
static void file_shm_barrier(sqlite3_file *f) { REAL(f)->pMethods->xShmBarrier(REAL(f)); }
static int file_shm_unmap(sqlite3_file *f, int del) { return REAL(f)->pMethods->xShmUnmap(REAL(f), del); }

static const sqlite3_io_methods methods = { 2, file_close, file_read, file_write, file_truncate, file_sync, file_size, file_lock, file_unlock,
	file_reserved, file_control, file_sector, file_traits, file_shm_map, file_shm_lock, file_shm_barrier, file_shm_unmap, NULL, NULL };

static int vfs_open(sqlite3_vfs *v, sqlite3_filename path, sqlite3_file *f, int flags, int *out)
{
	(void)v;
	struct file *mine = of(f);
	mine->which = path && ends(path, "sluice.db") ? DISK_DB : path && ends(path, "sluice.db-wal") ? DISK_WAL : DISK_FILES;
	mine->real = xcalloc(1, (size_t)unix_vfs->szOsFile);
	int rc = unix_vfs->xOpen(unix_vfs, path, mine->real, flags, out);
	f->pMethods = rc == SQLITE_OK ? &methods : NULL;
	if (rc != SQLITE_OK)
		free(mine->real);
	return rc;
}

/* A log that is removed on closing: what was in it is in the database, and that was synced before. */
static int vfs_delete(sqlite3_vfs *v, const char *path, int sync_dir)
{
	(void)v;
	int rc = unix_vfs->xDelete(unix_vfs, path, sync_dir);
	if (rc == SQLITE_OK && ends(path, "sluice.db-wal"))
		note(DISK_TRUNCATE, DISK_WAL, 0, NULL, 0);
	return rc;
}

void crash_vfs_register(void)
{
	unix_vfs = sqlite3_vfs_find(NULL);
	vfs = *unix_vfs;
	vfs.zName = "crash";
	vfs.szOsFile = sizeof(struct file);
	vfs.xOpen = vfs_open;
	vfs.xDelete = vfs_delete;
	vfs.pNext = NULL;
	if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
		abort();
}

void crash_vfs_record(bool on, bool lying)
{
	atomic_store(&lies, lying);
	atomic_store(&recording, on);
}

void crash_vfs_ack(int64_t number)
{
	note(DISK_ACK, DISK_DB, number, NULL, 0);
}

const struct disk_op *crash_vfs_trace(size_t *n)
{
	*n = op_n;
	return op;
}

void crash_vfs_forget(void)
{
	for (size_t i = 0; i < op_n; i++)
		free(op[i].bytes);
	free(op);
	op = NULL;
	op_n = op_cap = 0;
}
