/* chain make SCHEMA DB N   a log of N records as the engine writes them, by the description of its encoding
 * chain verify DB          hash every record again and compare, nothing more: the limit for audit verify
 *
 * The barest C with the same libraries: SQLite and OpenSSL's SHA-256. Prints {"items","seconds"}. */
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HASH = 32, COLUMNS = 15, PREV = 13, OWN = 14, APPLICATION = 0x534c4331 };
static const char columns[] = "seq, wall_us, boot_us, boot, actor, uid, role, via, kind, subject, cycle, plan, payload, prev, hash";
/* the order in which they are hashed, after prev; all but prev and hash */
static const int hashed[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
static sqlite3 *db;

static void fail(const char *what) { fprintf(stderr, "chain: %s\n", what); exit(1); }
static void sql_ok(int rc) { if (rc != SQLITE_OK) fail(sqlite3_errmsg(db)); }
static void sql(const char *q) { sql_ok(sqlite3_exec(db, q, NULL, NULL, NULL)); }

/* ---- the encoding: tag, 8-byte big-endian length, bytes ---- */

static struct { size_t n; unsigned char b[1 << 16]; } enc;

static void add_number(uint64_t v)
{
	for (int i = 0; i < 8; i++)
		enc.b[enc.n++] = (unsigned char)(v >> (56 - 8 * i));
}

static void add_bytes(const void *p, size_t n)
{
	if (enc.n + n + 9 > sizeof enc.b)
		fail("a record is too long");
	enc.b[enc.n++] = 'b';
	add_number(n);
	memcpy(enc.b + enc.n, p, n);
	enc.n += n;
}

static void add_int(int64_t v)
{
	enc.b[enc.n++] = 'i';
	add_number(8);
	add_number((uint64_t)v);
}

static void begin(const void *prev)
{
	static const char domain[] = "sluice audit record 1";
	enc.n = 0;
	add_bytes(domain, sizeof domain - 1);
	add_bytes(prev, HASH);
}

static void digest(unsigned char out[HASH])
{
	static EVP_MD_CTX *c;
	static EVP_MD *md;
	unsigned n;
	if (!c)
		c = EVP_MD_CTX_new(), md = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (EVP_DigestInit_ex2(c, md, NULL) != 1 || EVP_DigestUpdate(c, enc.b, enc.n) != 1 || EVP_DigestFinal_ex(c, out, &n) != 1)
		fail("SHA-256");
}

/* ---- making one ---- */

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 20);
	if (!f || !text || fread(text, 1, (1 << 20) - 1, f) == 0)
		fail(path);
	fclose(f);
	return text;
}

static void put_text(sqlite3_stmt *s, int i, const char *z)
{
	sqlite3_bind_text(s, i + 1, z, -1, SQLITE_TRANSIENT);
	add_bytes(z, strlen(z));
}

static void put_int(sqlite3_stmt *s, int i, int64_t v)
{
	sqlite3_bind_int64(s, i + 1, v);
	add_int(v);
}

static void put_record(sqlite3_stmt *s, int64_t n, unsigned char prev[HASH])
{
	static const char plan[] = "9f3c21ab77e0441e8a1bb3a5c5d2f8e19f3c21ab77e0441e8a1bb3a5c5d2f8e1";
	static const char *const payloads[] = { "{\"attempt\":1,\"class\":\"R0\",\"claim\":\"claimed\",\"bytes\":4096}",
		"{\"outcome\":\"deleted\",\"class\":\"none\",\"attempt\":1,\"status\":200,\"request_id\":\"req_0123456789abcdef\",\"took_us\":5012}" };
	char id[40];
	unsigned char hash[HASH];
	snprintf(id, sizeof id, "file-%024lld", (long long)n / 2);
	begin(prev);
	put_int(s, 0, n);
	put_int(s, 1, 1700000000000000 + n * 40);
	put_int(s, 2, 86400000000 + n * 40);
	put_text(s, 3, "5b1f3c0e-8d44-4f6e-9d6b-1f4f0f7b2a11");
	put_text(s, 4, "engine");
	put_int(s, 5, -1);
	put_text(s, 6, "engine");
	put_text(s, 7, "engine");
	put_text(s, 8, n % 2 ? "intent" : "outcome");
	put_text(s, 9, id);
	put_int(s, 10, 1);
	put_text(s, 11, plan);
	put_text(s, 12, payloads[(n + 1) % 2]);
	digest(hash);
	sqlite3_bind_blob(s, PREV + 1, prev, HASH, SQLITE_TRANSIENT);
	sqlite3_bind_blob(s, OWN + 1, hash, HASH, SQLITE_TRANSIENT);
	if (sqlite3_step(s) != SQLITE_DONE)
		fail(sqlite3_errmsg(db));
	sqlite3_reset(s);
	memcpy(prev, hash, HASH);
}

static int64_t make(const char *schema, int64_t records)
{
	unsigned char prev[HASH] = { 0 };
	sqlite3_stmt *s;
	char *text = sqlite3_mprintf("INSERT INTO audit (%s) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", columns);
	sql("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; BEGIN");
	sql(schema);
	sql_ok(sqlite3_prepare_v2(db, text, -1, &s, NULL));
	for (int64_t n = 1; n <= records; n++)
		put_record(s, n, prev);
	sqlite3_finalize(s);
	text = sqlite3_mprintf("PRAGMA application_id=%d; COMMIT; PRAGMA wal_checkpoint(TRUNCATE)", APPLICATION);
	sql(text);
	return records;
}

/* ---- verifying it ---- */

static int64_t verify(void)
{
	unsigned char prev[HASH] = { 0 }, hash[HASH];
	sqlite3_stmt *s;
	int64_t n = 0;
	char *text = sqlite3_mprintf("SELECT %s FROM audit ORDER BY seq", columns);
	sql("PRAGMA query_only=ON; PRAGMA cache_size=-16384");
	sql_ok(sqlite3_prepare_v2(db, text, -1, &s, NULL));
	while (sqlite3_step(s) == SQLITE_ROW) {
		begin(prev);
		for (size_t i = 0; i < sizeof hashed / sizeof *hashed; i++)
			if (sqlite3_column_type(s, hashed[i]) == SQLITE_INTEGER)
				add_int(sqlite3_column_int64(s, hashed[i]));
			else
				add_bytes(sqlite3_column_text(s, hashed[i]), (size_t)sqlite3_column_bytes(s, hashed[i]));
		digest(hash);
		if (sqlite3_column_int64(s, 0) != ++n || memcmp(sqlite3_column_blob(s, PREV), prev, HASH) || memcmp(sqlite3_column_blob(s, OWN), hash, HASH))
			fail("the chain is broken");
		memcpy(prev, hash, HASH);
	}
	sqlite3_finalize(s);
	return n;
}

int main(int argc, char **argv)
{
	struct timespec a, b;
	int64_t n;
	int making = argc == 5 && !strcmp(argv[1], "make");
	if (!making && !(argc == 3 && !strcmp(argv[1], "verify")))
		fail("chain make SCHEMA DB N | chain verify DB");
	sql_ok(sqlite3_open(argv[making ? 3 : 2], &db));
	clock_gettime(CLOCK_MONOTONIC, &a);
	n = making ? make(read_file(argv[2]), atoll(argv[4])) : verify();
	clock_gettime(CLOCK_MONOTONIC, &b);
	sqlite3_close(db);
	printf("{\"items\":%lld,\"seconds\":%.6f}\n", (long long)n, (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9);
	return 0;
}
