/* decide merge CATALOG   the items of lane 0 beside the rows that name them, every column read, one row written per item:
 *                        the limit for validation
 * decide hash CATALOG    the verdicts read into memory; timed is their encoding and SHA-256, one by one and as a whole:
 *                        the limit for a plan
 * decide items DB        every column of the newest cycle.s items and states, in order: the limit for recovery
 *
 * The barest C with the same libraries: SQLite and OpenSSL's SHA-256. Prints {"items","seconds"}. */
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HASH = 32 };
static sqlite3 *db;
static struct timespec began;

static void fail(const char *what) { fprintf(stderr, "decide: %s\n", what); exit(1); }
static void sql_ok(int rc) { if (rc != SQLITE_OK) fail(sqlite3_errmsg(db)); }
static void sql(const char *q) { sql_ok(sqlite3_exec(db, q, NULL, NULL, NULL)); }

static sqlite3_stmt *query(const char *q)
{
	sqlite3_stmt *s;
	sql_ok(sqlite3_prepare_v2(db, q, -1, &s, NULL));
	return s;
}

static int step(sqlite3_stmt *s)
{
	int rc = sqlite3_step(s);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		fail(sqlite3_errmsg(db));
	return rc == SQLITE_ROW;
}

static int order(sqlite3_stmt *a, sqlite3_stmt *b)
{
	int n = sqlite3_column_bytes(a, 0), m = sqlite3_column_bytes(b, 0);
	int d = memcmp(sqlite3_column_blob(a, 0), sqlite3_column_blob(b, 0), (size_t)(n < m ? n : m));
	return d ? d : (n > m) - (n < m);
}

/* Every value of the row, as the one who judges it needs them. */
static uint64_t values(sqlite3_stmt *s)
{
	uint64_t sum = 0;
	for (int i = 0, n = sqlite3_column_count(s); i < n; i++)
		sum += sqlite3_column_type(s, i) == SQLITE_INTEGER ? (uint64_t)sqlite3_column_int64(s, i) :
			sqlite3_column_text(s, i) ? (uint64_t)sqlite3_column_bytes(s, i) : 0;
	return sum;
}

static void keep(sqlite3_stmt *put, sqlite3_stmt *item, uint64_t judged)
{
	static const char evidence[] = "{\"rule\":\"age\",\"created\":\"2025-01-01T00:00:00Z\",\"limit_days\":30,\"rows\":[{\"used\":\"2025-01-01\"}]}";
	for (int i = 0; i < 3; i++)
		sqlite3_bind_text(put, i + 1, (const char *)sqlite3_column_text(item, i), sqlite3_column_bytes(item, i), SQLITE_STATIC);
	sqlite3_bind_int64(put, 4, (int64_t)judged);
	sqlite3_bind_text(put, 5, evidence, sizeof evidence - 1, SQLITE_STATIC);
	step(put);
	sqlite3_reset(put);
}

static int64_t merge(void)
{
	int64_t n = 0;
	sql("CREATE TEMP TABLE verdicts (n INTEGER PRIMARY KEY, id TEXT, name TEXT, purpose TEXT, judged INTEGER, evidence TEXT)");
	sql("BEGIN");
	sqlite3_stmt *items = query("SELECT id, name, purpose, status, bytes, created_us FROM items_0 ORDER BY id");
	sqlite3_stmt *rows = query("SELECT file_id, key, lane, name, status, sha256, object, bytes, created_us, used_us, referenced FROM rows "
				   "WHERE lane = 'alpha' AND file_id > '' ORDER BY file_id, key");
	sqlite3_stmt *put = query("INSERT INTO verdicts (id, name, purpose, judged, evidence) VALUES (?,?,?,?,?)");
	int row = step(rows);
	for (; step(items); n++) {
		uint64_t judged = values(items);
		for (int d; row && (d = order(rows, items)) <= 0; row = step(rows))
			judged += d ? 0 : values(rows);
		keep(put, items, judged);
	}
	sql("COMMIT");
	sqlite3_finalize(items);
	sqlite3_finalize(rows);
	sqlite3_finalize(put);
	return n;
}

static struct { unsigned char *b; size_t n, cap; size_t *end; int64_t items, room; } all;

static void add(const void *p, size_t n)
{
	if (all.n + n + 9 > all.cap && !(all.b = realloc(all.b, all.cap = all.cap * 2 + n + 4096)))
		fail("out of memory");
	all.b[all.n++] = 'b';
	for (int i = 0; i < 8; i++)
		all.b[all.n++] = (unsigned char)((uint64_t)n >> (56 - 8 * i));
	memcpy(all.b + all.n, p, n);
	all.n += n;
}

static void load(void)
{
	sqlite3_stmt *s = query("SELECT 'alpha', 'file', id, name, bytes, created_us, rule, evidence, rank FROM verdicts JOIN ranks USING (n) ORDER BY n");
	while (step(s)) {
		for (int i = 0, n = sqlite3_column_count(s); i < n; i++)
			add(sqlite3_column_blob(s, i), (size_t)sqlite3_column_bytes(s, i));
		if (all.items == all.room && !(all.end = realloc(all.end, (size_t)(all.room = all.room * 2 + 1024) * sizeof *all.end)))
			fail("out of memory");
		all.end[all.items++] = all.n;
	}
	sqlite3_finalize(s);
}

static int64_t hash(void)
{
	unsigned char one[HASH], whole[HASH];
	const EVP_MD *sha = EVP_sha256();
	EVP_MD_CTX *a = EVP_MD_CTX_new(), *b = EVP_MD_CTX_new();
	load();
	clock_gettime(CLOCK_MONOTONIC, &began);
	EVP_DigestInit_ex(b, sha, NULL);
	for (int64_t i = 0; i < all.items; i++) {
		size_t from = i ? all.end[i - 1] : 0;
		EVP_DigestInit_ex(a, sha, NULL);
		EVP_DigestUpdate(a, all.b + from, all.end[i] - from);
		EVP_DigestFinal_ex(a, one, NULL);
		EVP_DigestUpdate(b, one, HASH);
	}
	EVP_DigestFinal_ex(b, whole, NULL);
	EVP_MD_CTX_free(a);
	EVP_MD_CTX_free(b);
	return all.items;
}

static int64_t items(void)
{
	int64_t n = 0;
	sqlite3_stmt *s = query("SELECT * FROM items JOIN item_states USING (key) WHERE key >= (SELECT max(key) >> 32 FROM items) << 32 ORDER BY key");
	uint64_t sum = 0;
	for (; step(s); n++)
		sum += values(s);
	sqlite3_finalize(s);
	return sum ? n : 0;
}

int main(int argc, char **argv)
{
	static const struct { const char *verb; int64_t (*run)(void); } verbs[] = { { "merge", merge }, { "hash", hash }, { "items", items } };
	struct timespec end;
	int64_t n = -1;
	if (argc != 3)
		fail("decide merge CATALOG | decide hash CATALOG | decide items DB");
	sql_ok(sqlite3_open(argv[2], &db));
	clock_gettime(CLOCK_MONOTONIC, &began);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (!strcmp(argv[1], verbs[i].verb))
			n = verbs[i].run();
	clock_gettime(CLOCK_MONOTONIC, &end);
	sqlite3_close(db);
	if (n < 0)
		fail("decide merge CATALOG | decide hash CATALOG | decide items DB");
	printf("{\"items\":%lld,\"seconds\":%.6f}\n", (long long)n,
	       (double)(end.tv_sec - began.tv_sec) + (double)(end.tv_nsec - began.tv_nsec) / 1e9);
	return 0;
}
