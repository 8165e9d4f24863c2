/* A disk for SQLite that remembers every write, truncation and sync, so that a test can make the files
 * as they might be after the power failed at any moment: of what was not synced, each write may be
 * there, missing, or torn, with old bytes or garbage in any of its sectors. Files are told apart by the
 * end of their name: the database and its write-ahead log; all else is left alone. One at a time. */
#ifndef SLUICE_TESTS_CRASH_VFS_H
#define SLUICE_TESTS_CRASH_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum disk_file { DISK_DB, DISK_WAL, DISK_FILES };
enum disk_kind { DISK_WRITE, DISK_TRUNCATE, DISK_SYNC, DISK_ACK };

struct disk_op {
	enum disk_kind kind;
	enum disk_file file;
	int64_t at;                     /* offset; new size; number of an acknowledgement */
	size_t n;
	unsigned char *bytes;
};

/* Registers the default VFS, once per process. Nothing is recorded before crash_vfs_record. */
void crash_vfs_register(void);
/* lying: every third sync is answered and not done. */
void crash_vfs_record(bool on, bool lying);
/* From now on the caller may count on this. Any thread. */
void crash_vfs_ack(int64_t number);
/* Everything since the last crash_vfs_record(true); until crash_vfs_forget. */
const struct disk_op *crash_vfs_trace(size_t *n);
void crash_vfs_forget(void);

#endif
