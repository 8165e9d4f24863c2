#include "cli/demo.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/time.h"
#include "store/db.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

const char *const demo_lanes[DEMO_LANES] = { "kimi", "openai" };

enum { READY_TRIES = 400, READY_MS = 25 };

/* Faults that show the matrix at work and are rescued in time. */
static const char *const built_in_faults[] = {
	"store=kimi op=delete attempt=1 rate=3% fault=429 arg=1",
	"store=kimi op=delete attempt=1 rate=4% fault=500-after",
	"store=kimi op=delete attempt=1 rate=3% fault=500-before",
	"store=kimi op=delete attempt=1 rate=3% fault=cut-after",
	"store=openai op=delete attempt=1 rate=4% fault=broken-json",
	"store=openai op=delete attempt=1 rate=3% fault=429-bare",
};

static enum rc put_file(const char *path, const char *text, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t n = strlen(text);
	if (fd < 0 || write(fd, text, n) != (ssize_t)n || close(fd) != 0)
		return err_set(e, RC_INTERNAL, "%s cannot be written: %s", path, strerror(errno));
	return RC_OK;
}

static char *in_dir(const struct demo *d, const char *name)
{
	char *p;
	if (asprintf(&p, "%s/%s", d->dir, name) < 0)
		die("out of memory");
	return p;
}

static bool is_empty(const char *dir)
{
	int n = 0;
	DIR *d = opendir(dir);
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	errno = d ? EEXIST : errno;
	return d && n == 2;
}

static enum rc make_dir(struct demo *d, const char *keep, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	if (keep) {
		d->keep = true;
		if (mkdir(keep, 0700) != 0 && (errno != EEXIST || !is_empty(keep)))
			return err_set(e, RC_USAGE, "--keep %s: %s; name a directory that is empty or does not exist yet", keep, strerror(errno));
		char *full = realpath(keep, NULL);
		snprintf(d->dir, sizeof d->dir, "%s", full ? full : keep);
		free(full);
		return RC_OK;
	}
	snprintf(d->dir, sizeof d->dir, "%s/sluice-demo-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(d->dir))
		return err_set(e, RC_INTERNAL, "a temporary directory cannot be made: %s", strerror(errno));
	return RC_OK;
}

static enum rc make_keys(struct demo *d, struct buf *pub64, struct err *e)
{
	uint8_t raw[24], pub[KEY_BYTES];
	struct buf b;
	struct sign_key *k;
	char *key = in_dir(d, "store.key"), *signer = in_dir(d, "signer.pem");
	buf_init(&b);
	rng_os(raw, sizeof raw);
	buf_adds(&b, "sk-demo-");
	hex_encode(&b, raw, sizeof raw);
	enum rc rc = put_file(key, buf_z(&b), e);
	if (rc == RC_OK)
		rc = sign_key_generate(signer, e);
	if (rc == RC_OK)
		rc = sign_key_load(&k, signer, e);
	if (rc == RC_OK) {
		sign_key_public(k, pub);
		base64_encode(pub64, pub, sizeof pub);
		sign_key_free(k);
	}
	buf_done(&b);
	free(key);
	free(signer);
	return rc;
}

/* ---- the simulator ---- */

static void sim_path(char out[512])
{
	char *exe = realpath("/proc/self/exe", NULL), *slash = exe ? strrchr(exe, '/') : NULL;
	snprintf(out, 512, "sluice-sim");
	if (slash) {
		*slash = 0;
		char beside[512];
		snprintf(beside, sizeof beside, "%.490s/sluice-sim", exe);
		if (access(beside, X_OK) == 0)
			snprintf(out, 512, "%s", beside);
	}
	free(exe);
}

struct words {
	char *w[64];
	int n;
};

static void word(struct words *v, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void word(struct words *v, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	if (v->n >= 62 || vasprintf(&v->w[v->n++], fmt, ap) < 0)
		die("too many words for the simulator");
	va_end(ap);
	v->w[v->n] = NULL;
}

static void add_rule(struct words *v, const char *rule)
{
	word(v, "--fault");
	word(v, "%s", rule);
}

static void sim_words(struct demo *d, struct words *v)
{
	char program[512];
	sim_path(program);
	word(v, "%s", program);
	word(v, "--parent-pipe");
	word(v, "--seed"), word(v, "%" PRId64, d->seed);
	word(v, "--ledger"), word(v, "%s/ledger.jsonl", d->dir);
	word(v, "--manifest"), word(v, "%s/manifest.jsonl", d->dir);
	word(v, "--ready"), word(v, "%s/ready.json", d->dir);
	word(v, "--store");
	word(v, "kimi:files=%" PRId64 ",key_file=%s/store.key,age=3h..400d,bytes=2kB..90kB,orphan=25%%,unused=15%%,protected=10%%,hostile=14,no_created=6,unknown_size=5",
	     d->files, d->dir);
	word(v, "--store");
	word(v, "openai:files=120,key_file=%s/store.key,age=3h..400d,bytes=2kB..60kB,orphan=20%%,unused=10%%,protected=10,hostile=6", d->dir);
	word(v, "--link"), word(v, "exai-daemon:tick_ms=700");
	word(v, "--link"), word(v, "exai-flapping:flap=4,tick_ms=900");
	word(v, "--link"), word(v, "exai-jammed:jam=yes");
	if (d->faults) {
		char *copy = xstrdup(d->faults), *save = NULL;
		for (char *r = strtok_r(copy, "\n", &save); r; r = strtok_r(NULL, "\n", &save))
			add_rule(v, r);
		free(copy);
	}
	for (size_t i = 0; !d->no_faults && i < ARRAY_LEN(built_in_faults); i++)
		add_rule(v, built_in_faults[i]);
}

static enum rc start_sim(struct demo *d, struct err *e)
{
	struct words v = { .n = 0 };
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_set(e, RC_INTERNAL, "a pipe for the simulator: %s", strerror(errno));
	sim_words(d, &v);
	fflush(stdout);
	pid_t parent = getpid();
	d->sim = process_fork(e);
	if (d->sim == 0) {
		setsid();               /* keys of this terminal are not for it */
		process_die_with(parent, SIGTERM);
		dup2(fds[0], 0);
		execvp(v.w[0], v.w);
		fprintf(stderr, "sluice: %s: %s\n", v.w[0], strerror(errno));
		_exit(127);
	}
	close(fds[0]);
	d->sim_pipe = fds[1];
	for (int i = 0; i < v.n; i++)
		free(v.w[i]);
	return d->sim > 0 ? RC_OK : e->rc;
}

static enum rc slurp(const char *path, struct buf *b, struct err *e)
{
	char chunk[65536];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, RC_INTERNAL, "%s: %s", path, strerror(errno));
	while ((n = read(fd, chunk, sizeof chunk)) > 0)
		buf_add(b, chunk, (size_t)n);
	close(fd);
	return RC_OK;
}

static enum rc read_ready(struct demo *d, const char *path, struct err *e)
{
	struct json_doc *doc;
	struct buf b;
	int i = 0;
	buf_init(&b);
	enum rc rc = slurp(path, &b, e);
	if (rc == RC_OK)
		rc = json_parse(&doc, buf_slice(&b), NULL, e);
	if (rc == RC_OK) {
		for (const struct json *s = json_first(json_get(json_root(doc), "stores")); s && i < DEMO_LANES; s = json_next(s), i++)
			snprintf(d->url[i], sizeof d->url[i], "%.*s", SLICE_FMT(json_get_str(s, "url")));
		i = 0;
		for (const struct json *s = json_first(json_get(json_root(doc), "links")); s && i < 3; s = json_next(s), i++)
			snprintf(d->link_url[i], sizeof d->link_url[i], "%.*s", SLICE_FMT(json_get_str(s, "url")));
		json_doc_free(doc);
	}
	buf_done(&b);
	return rc;
}

static enum rc wait_sim(struct demo *d, struct err *e)
{
	char *ready = in_dir(d, "ready.json");
	enum rc rc = RC_NOT_FOUND;
	for (int i = 0; rc == RC_NOT_FOUND && i < READY_TRIES && !cli_stop_signal; i++) {
		int status;
		if (access(ready, R_OK) == 0)
			rc = read_ready(d, ready, e);
		else if (waitpid(d->sim, &status, WNOHANG) == d->sim) {
			d->sim = 0;
			rc = err_set(e, RC_USAGE, "the simulator did not start; what it said stands above");
		} else
			usleep(READY_MS * 1000);
	}
	free(ready);
	return rc == RC_NOT_FOUND ? err_set(e, RC_INTERNAL, "the simulator did not answer in time") : rc;
}

/* ---- the application's records ---- */

struct rows {
	struct db *db;
	struct db_stmt *upload, *file, *link;
	int64_t n, linked;
	struct now now;
};

/* The application's file is a plain SQLite database; this one remembers who made it. */
static const struct db_migration app_steps[] = { { 1, "CREATE TABLE made_by_sluice_demo (one INTEGER)" }, { 0, NULL } };
static const struct db_schema app_schema = { .what = "records of the demo", .application_id = 0x64656d6f, .unusable = RC_INTERNAL, .steps = app_steps };

static void bind_z(struct db_stmt *s, int i, const char *z) { db_bind_text(s, i, slice_of(z)); }

static enum rc one_row(struct rows *r, const struct json *m, bool referenced, struct err *e)
{
	char id[40], obj[40], used[TIME_TEXT], made[TIME_TEXT];
	int64_t created = json_get_i64(m, "created_at", 0) * 1000000;
	int64_t last = referenced ? r->now.wall_us - INT64_C(86400000000) * 2 : created;
	bool kimi = slice_is(json_get_str(m, "store"), "kimi");
	snprintf(id, sizeof id, "row-%06" PRId64, ++r->n);
	snprintf(obj, sizeof obj, "obj-%06" PRId64, r->n);
	time_rfc3339(made, created, false);
	time_rfc3339(used, last, false);
	bind_z(r->upload, 1, id);
	bind_z(r->upload, 2, kimi ? "kimi" : "openai");
	db_bind_text(r->upload, 3, json_get_str(m, "id"));
	db_bind_text(r->upload, 4, json_get_str(m, "name"));
	db_bind_opt(r->upload, 5, json_get_i64(m, "bytes", -1));
	bind_z(r->upload, 6, used);
	bind_z(r->upload, 7, made);
	bind_z(r->upload, 8, made);
	bind_z(r->upload, 9, obj);
	enum rc rc = db_run(r->upload, NULL, e);
	if (rc != RC_OK)
		return rc;
	bind_z(r->file, 1, obj);
	bind_z(r->file, 2, obj);
	db_bind_text(r->file, 3, json_get_str(m, "name"));
	rc = db_run(r->file, NULL, e);
	if (rc == RC_OK && referenced) {
		bind_z(r->link, 1, obj);
		rc = db_run(r->link, NULL, e);
		r->linked++;
	}
	return rc;
}

static enum rc all_rows(struct rows *r, struct slice manifest, char known[40], struct err *e)
{
	enum rc rc = RC_OK;
	for (size_t at = 0; rc == RC_OK && at < manifest.n;) {
		const char *end = memchr(manifest.p + at, '\n', manifest.n - at);
		size_t len = end ? (size_t)(end - manifest.p) - at : manifest.n - at;
		struct json_doc *doc;
		rc = json_parse(&doc, (struct slice){ manifest.p + at, len }, NULL, e);
		at += len + 1;
		if (rc != RC_OK)
			return rc;
		struct slice role = json_get_str(json_root(doc), "role");
		bool tracked = slice_is(role, "tracked"), row = tracked || slice_is(role, "unused") || slice_is(role, "protected");
		if (row)
			rc = one_row(r, json_root(doc), tracked, e);
		if (row && tracked && !known[0])
			snprintf(known, 40, "obj-%06" PRId64, r->n);
		json_doc_free(doc);
	}
	return rc;
}

static enum rc make_records(struct demo *d, char known[40], struct err *e)
{
	struct rows r = { .now = now_read() };
	struct buf manifest;
	char *path = in_dir(d, "app.db"), *list = in_dir(d, "manifest.jsonl");
	buf_init(&manifest);
	enum rc rc = slurp(list, &manifest, e);
	if (rc == RC_OK)
		rc = db_open(&r.db, path, DB_SCRATCH, &app_schema, e);
	if (rc == RC_OK)
		rc = db_exec(r.db, schema_records_exai, e);
	if (rc == RC_OK)
		rc = db_exec(r.db, schema_records_claim, e);
	if (rc == RC_OK)
		rc = db_exec(r.db, "BEGIN; INSERT INTO conversations (id, continuation_id) VALUES ('conv-1', 'conv-1')", e);
	if (rc == RC_OK)
		rc = db_prepare(r.db, &r.upload, "INSERT INTO provider_file_uploads (id, provider, provider_file_id, filename, file_size_bytes,"
				" last_used, created_at, updated_at, supabase_file_id) VALUES (?,?,?,?,?,?,?,?,?)", e);
	if (rc == RC_OK)
		rc = db_prepare(r.db, &r.file, "INSERT INTO files (id, storage_path, original_name) VALUES (?,?,?)", e);
	if (rc == RC_OK)
		rc = db_prepare(r.db, &r.link, "INSERT INTO conversation_files (conversation_id, file_id) VALUES ('conv-1', ?)", e);
	if (rc == RC_OK)
		rc = all_rows(&r, buf_slice(&manifest), known, e);
	if (rc == RC_OK)
		rc = db_exec(r.db, "COMMIT", e);
	db_close(r.db);
	buf_done(&manifest);
	free(path);
	free(list);
	return rc;
}

/* ---- configuration ---- */

static enum rc write_config(struct demo *d, const char *pub64, const char *known, struct err *e)
{
	struct buf b;
	char *path = in_dir(d, "sluice.yaml");
	buf_init(&b);
	buf_addf(&b, "name: demo\nengine:\n  grace: 10s\noperators:\n  - name: demo\n    uids: [%u]\n    keys: [\"ed25519:%s\"]\n", (unsigned)getuid(), pub64);
	buf_adds(&b, "links:\n");
	static const char *const links[] = { "exai-daemon", "exai-flapping", "exai-jammed" };
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		buf_addf(&b, "  - name: %s\n    url: %s\n    handshake: exai\n    ping_interval: 2s\n    reconnect_base: 500ms\n    reconnect_max: 5s\n",
			 links[i], d->link_url[i]);
	buf_adds(&b, "lanes:\n");
	for (int i = 0; i < DEMO_LANES; i++)
		buf_addf(&b, "  - name: %s\n    dialect: openai\n    url: %s\n    account: demo\n    key_file: store.key\n    rate: 400/s\n    burst: 40\n"
			 "    in_flight: 16\n    settle: 1s\n    max_item: 100kB\n    quota_items: 1000\n    blind: [threads]\n    page_items: 100\n"
			 "    depends_on: [exai-daemon]\n"
			 "    retry:\n      rate_limit: {attempts: 3, base: 100ms, max: 2s}\n      server_error: {attempts: 5, base: 50ms, max: 500ms}\n"
			 "      timeout: {attempts: 2, base: 100ms, max: 100ms}\n      network: {attempts: 4, base: 50ms, max: 500ms}\n", demo_lanes[i], d->url[i]);
	buf_adds(&b, "records:\n  - name: app\n    kind: sqlite\n    path: app.db\n    lanes:\n");
	for (int i = 0; i < DEMO_LANES; i++)
		buf_addf(&b, "      - value: %s\n        lane: %s\n", demo_lanes[i], demo_lanes[i]);
	buf_addf(&b, "    references:\n      - table: conversation_files\n        column: file_id\n        joins: supabase_file_id\n        known_id: %s\n", known);
	buf_adds(&b, "policies:\n  - name: stale\n    lanes: [kimi, openai]\n    records: app\n    match: any\n    rules:\n      - rule: orphan\n"
		 "      - rule: age\n        name: unused-90d\n        older_than: 90d\n        of: last_used\n    protect:\n      names: [\"keep-*\"]\n"
		 "    order: oldest\n    caps:\n      items: 100000\n      share: 60%\n      bytes: 1GB\n      remain: 10\n");
	enum rc rc = put_file(path, buf_z(&b), e);
	buf_done(&b);
	free(path);
	return rc;
}

/* ---- all of it ---- */

static enum rc own_paths(struct demo *d, struct err *e)
{
	struct paths_opts o;
	char *config = in_dir(d, "sluice.yaml"), *state = in_dir(d, "state");
	o = (struct paths_opts){ config, state, NULL };
	d->paths_before = d->cli->paths;
	enum rc rc = paths_find(&d->cli->paths, &o, e);
	if (rc != RC_OK)
		d->cli->paths = d->paths_before, d->paths_before = NULL;
	free(config);
	free(state);
	return rc;
}

enum rc demo_open(struct demo *d, struct err *e)
{
	struct buf pub;
	char known[40] = "";
	buf_init(&pub);
	d->sim_pipe = -1;
	enum rc rc = make_dir(d, d->cli->verb ? cli_opt(d->cli, "--keep") : NULL, e);
	if (rc == RC_OK)
		rc = make_keys(d, &pub, e);
	if (rc == RC_OK)
		rc = start_sim(d, e);
	if (rc == RC_OK)
		rc = wait_sim(d, e);
	if (rc == RC_OK)
		rc = make_records(d, known, e);
	if (rc == RC_OK)
		rc = write_config(d, buf_z(&pub), known, e);
	if (rc == RC_OK)
		rc = own_paths(d, e);
	if (rc == RC_OK) {
		d->cli->dies_with_us = true;
		d->engine = engine_spawn(d->cli, e);
		rc = d->engine > 0 ? RC_OK : e->rc;
	}
	buf_done(&pub);
	return rc;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st, (void)flag, (void)f;
	return remove(path);
}

void demo_close(struct demo *d)
{
	if (d->engine > 0)
		process_end(d->engine, SIGTERM);
	if (d->sim_pipe >= 0)
		close(d->sim_pipe);
	if (d->sim > 0)
		process_end(d->sim, 0);
	if (d->paths_before) {
		paths_free(d->cli->paths);
		d->cli->paths = d->paths_before;
	}
	if (d->dir[0] && !d->keep)
		nftw(d->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
