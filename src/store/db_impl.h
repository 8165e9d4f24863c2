/* The inside of a struct db, shared by db.c and db_open.c only. */
#ifndef SLUICE_STORE_DB_IMPL_H
#define SLUICE_STORE_DB_IMPL_H

#include <sqlite3.h>

#include "store/db.h"

enum { DB_RECENT = 64 };

struct db {
	sqlite3 *h;
	char *path;
	const struct db_schema *schema;         /* may be NULL */
	enum db_mode mode;
	struct db_stmt **stmts;
	size_t n, cap;
	struct db_stmt *recent[DB_RECENT];      /* by address of the text; the text is compared */
	struct hasher *hasher;
};

/* "WHAT PATH SENTENCE" */
enum rc db_refuse(const struct db *d, enum rc rc, const char *sentence, struct err *e);
/* The writer's guard against what it may never do; off only for the moment of audit_drop. */
void db_guard(struct db *d, bool on);
void db_free_statements(struct db *d);

#endif
