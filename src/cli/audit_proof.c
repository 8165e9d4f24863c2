/* Proving the log: by the engine, from its files without one, or from an export anywhere. */
#include "cli/progress.h"
#include "cli/verbs.h"

#include "base/mem.h"
#include "base/text.h"
#include "config/config.h"
#include "store/audit.h"
#include "store/schema.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum rc verdict(struct cli *c, const struct json *j, struct err *e)
{
	char why[220];
	bool ok = json_get_bool(j, "ok", false);
	if (c->json) {
		print_json(j);
	} else if (ok) {
		print_count("ok: ", j, "records");
		print_field(" records, head ", json_get(j, "head"), "short");
		printf(", %" PRId64 " anchors, %" PRId64 " signed checkpoints", json_get_i64(j, "anchors", 0), json_get_i64(j, "checkpoints", 0));
		print_field(", signed by ", j, "signed_by");
		putchar('\n');
	}
	return ok ? RC_OK : err_set(e, RC_AUDIT, "the log does not verify: %s", text_z(why, sizeof why, json_get_str(j, "why")));
}

/* As the protocol says it. */
static void verdict_json(struct buf *b, const struct audit_verdict *v, const struct checkpoint *word)
{
	char hex[HASH_HEX], shown[16];
	struct buf key;
	struct jw w;
	jw_init(&w, b);
	jw_obj(&w);
	jw_kbool(&w, "ok", v->ok);
	jw_ki64(&w, "records", v->records);
	jw_kopt(&w, "first_bad", v->first_bad ? v->first_bad : -1);
	jw_kz(&w, "why", v->ok ? NULL : v->why);
	jw_ki64(&w, "anchors", v->anchors);
	jw_kopt(&w, "anchored", v->anchored ? v->anchored : -1);
	jw_ki64(&w, "checkpoints", v->checkpoints);
	jw_key(&w, "head");
	jw_obj(&w);
	jw_ki64(&w, "seq", v->head.seq);
	jw_kz(&w, "hash", hash_hex(hex, &v->head.hash));
	jw_kz(&w, "short", hash_short(shown, &v->head.hash));
	jw_end_obj(&w);
	if (word && word->is_signed) {
		buf_init(&key);
		audit_key_text(&key, &word->key);
		jw_kz(&w, "signed_by", buf_z(&key));
		buf_done(&key);
	}
	jw_end_obj(&w);
}

/* ---- what it goes by ---- */

struct means {
	struct audit_proof p;
	struct audit_key *keys;
	size_t n, cap;
	struct config *cfg;
	char *words;                    /* option values, cut at their newlines */
};

static void add_key(struct means *m, const struct audit_key *k)
{
	GROW(m->keys, m->cap, m->n + 1);
	m->keys[m->n++] = *k;
}

/* The key of the engine whose state this is, from the first anchored checkpoint on. */
static void own_key(struct means *m, const struct paths *p)
{
	struct audit_key k;
	char line[100] = "";
	FILE *f = fopen(p->audit_pub, "re");
	if (!f)
		return;
	m->p.anchors_due = true;
	if (fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = 0;
		if (audit_key_parse(slice_of(line), &k))
			add_key(m, &k);
	}
	fclose(f);
}

static enum rc given_keys(struct means *m, const char *words, struct err *e)
{
	char *copy = xstrdup(words), *save = NULL, shown[120];
	struct audit_key k;
	enum rc rc = RC_OK;
	for (char *w = strtok_r(copy, "\n", &save); rc == RC_OK && w; w = strtok_r(NULL, "\n", &save))
		if (audit_key_parse(slice_of(w), &k))
			add_key(m, &k);
		else
			rc = err_set(e, RC_USAGE, "--key %s is no public key; it looks as sluice audit key prints it: ed25519: and 44 characters",
				     text_z(shown, sizeof shown, slice_of(w)));
	free(copy);
	return rc;
}

static enum rc given_anchors(struct means *m, const char *words, struct err *e)
{
	char *save = NULL, shown[160];
	int n = 0;
	m->words = xstrdup(words);
	memset(m->p.anchors, 0, sizeof m->p.anchors);
	for (char *w = strtok_r(m->words, "\n", &save); w; w = strtok_r(NULL, "\n", &save)) {
		if (access(w, R_OK) != 0)
			return err_set(e, RC_USAGE, "--anchors %s: %s", text_z(shown, sizeof shown, slice_of(w)), strerror(errno));
		if (n == AUDIT_ANCHOR_FILES)
			return err_set(e, RC_USAGE, "--anchors may be given %d times", (int)AUDIT_ANCHOR_FILES);
		m->p.anchors[n++] = w;
	}
	return RC_OK;
}

/* Own state: its anchors and keys. A file from elsewhere: what the options name. */
static enum rc gather(struct cli *c, struct means *m, bool own, struct err *e)
{
	const char *keys = cli_opt(c, "--key"), *anchors = cli_opt(c, "--anchors");
	enum rc rc = RC_OK;
	if (own) {
		m->p.anchors[0] = c->paths->anchors;
		if (access(c->paths->config_file, F_OK) == 0 && (rc = config_load(&m->cfg, c->paths->config_file, e)) == RC_OK) {
			m->p.anchors[1] = m->cfg->engine.anchor_file;
			for (size_t i = 0; i < m->cfg->engine.n_audit_keys; i++) {
				struct audit_key k;
				memcpy(k.b, m->cfg->engine.audit_keys[i].b, KEY_BYTES);
				add_key(m, &k);
			}
		}
	}
	if (own && !keys)
		own_key(m, c->paths);
	if (rc == RC_OK && keys)
		rc = given_keys(m, keys, e);
	if (rc == RC_OK && anchors)
		rc = given_anchors(m, anchors, e);
	m->p.keys = (struct audit_keys){ m->keys, m->n };
	return rc;
}

static void means_done(struct means *m)
{
	free(m->keys);
	free(m->words);
	config_free(m->cfg);
}

/* ---- verify ---- */

static bool on_progress(void *ctx, int64_t done, int64_t of) { return progress_tell(ctx, done, of); }

static enum rc say(struct cli *c, const struct audit_verdict *v, const struct checkpoint *word, struct err *e)
{
	struct json_doc *doc;
	struct buf b;
	if (v->stopped)
		return err_set(e, RC_CANCELLED, "cancelled after %" PRId64 " records: nothing is known of the log", v->records);
	buf_init(&b);
	verdict_json(&b, v, word);
	enum rc rc = json_parse(&doc, buf_slice(&b), NULL, e);
	if (rc == RC_OK) {
		rc = verdict(c, json_root(doc), e);
		json_doc_free(doc);
	}
	buf_done(&b);
	return rc;
}

static enum rc prove_database(struct cli *c, const char *path, const struct audit_proof *p, struct err *e)
{
	struct audit_verdict v;
	struct db *d;
	enum rc rc = db_open(&d, path, DB_READER, &schema_sluice, e);
	if (rc != RC_OK)
		return rc;
	rc = audit_prove(d, p, &v, e);
	db_close(d);
	return rc == RC_OK ? say(c, &v, NULL, e) : rc;
}

static enum rc prove_lines(struct cli *c, const char *path, const struct audit_proof *p, struct err *e)
{
	struct audit_export_word word;
	struct audit_verdict v;
	enum rc rc = audit_prove_export(path, p, &v, &word, e);
	return rc == RC_OK ? say(c, &v, &word.checkpoint, e) : rc;
}

/* A database begins with these words. */
static bool is_database(const char *path)
{
	char b[16] = "";
	FILE *f = fopen(path, "re");
	bool yes = f && fread(b, 1, sizeof b, f) == sizeof b && !memcmp(b, "SQLite format 3", 16);
	if (f)
		fclose(f);
	return yes;
}

static enum rc verify_files(struct cli *c, const char *file, struct err *e)
{
	struct means m = { 0 };
	char shown[200];
	if (!file && access(c->paths->db, F_OK) != 0 && access(c->paths->audit_pub, F_OK) == 0)
		return err_set(e, RC_AUDIT, "the log is gone: %s is not there, but its checkpoints were anchored", c->paths->db);
	if (access(file ? file : c->paths->db, F_OK) != 0 && errno == ENOENT)
		return file ? err_set(e, RC_USAGE, "there is no file %s", text_z(shown, sizeof shown, slice_of(file))) :
			      err_set(e, RC_USAGE, "there is no log at %s; name its state directory with --state", c->paths->db);
	enum rc rc = gather(c, &m, !file, e);
	m.p.progress = on_progress;
	m.p.ctx = progress_begin("verifying");
	if (rc == RC_OK)
		rc = !file || is_database(file) ? prove_database(c, file ? file : c->paths->db, &m.p, e) : prove_lines(c, file, &m.p, e);
	progress_end(m.p.ctx);
	means_done(&m);
	return rc;
}

/* The engine's own proof of its log. */
static enum rc verify_there(struct cli *c, struct json_doc **d, struct err *e)
{
	static const struct caller_long how = { "audit.verify", "audit.progress", "audit.stop", "{\"query\":\"cli\"}" };
	struct caller *cl;
	enum rc rc = caller_open(&cl, c, false, e);
	if (rc != RC_OK)
		return rc;
	struct progress *p = progress_begin("verifying");
	rc = caller_long(cl, &how, p, d, e);
	progress_end(p);
	caller_close(cl);
	return rc;
}

enum rc verb_audit_verify(struct cli *c, struct err *e)
{
	const char *file = cli_opt(c, "--file");
	struct json_doc *d;
	if (file && cli_opt(c, "--offline"))
		return err_set(e, RC_USAGE, "--file names the file, --offline takes this state's: one of them");
	if (file || cli_opt(c, "--offline"))
		return verify_files(c, file, e);
	if (cli_opt(c, "--anchors") || cli_opt(c, "--key"))
		return err_set(e, RC_USAGE, "--anchors and --key go with --offline or --file; the engine uses its own");
	enum rc rc = verify_there(c, &d, e);
	if (rc != RC_OK)
		return rc;
	rc = verdict(c, json_root(d), e);
	json_doc_free(d);
	return rc;
}

enum rc verb_audit_seal(struct cli *c, struct err *e)
{
	struct json_doc *d;
	enum rc rc = cli_call(c, "audit.seal", NULL, &d, e);
	if (rc != RC_OK)
		return rc;
	if (c->json) {
		print_json(json_root(d));
	} else {
		print_count("records ", json_root(d), "first");
		print_count(" to ", json_root(d), "last");
		print_field(" are sealed in ", json_root(d), "file");
		putchar('\n');
	}
	json_doc_free(d);
	return print_end(e);
}

/* The public key, from whoever has it: the engine, or the file beside its private key. */
enum rc verb_audit_key(struct cli *c, struct err *e)
{
	struct json_doc *d;
	struct means m = { 0 };
	struct buf b;
	buf_init(&b);
	own_key(&m, c->paths);
	enum rc rc = RC_OK;
	if (m.n) {
		audit_key_text(&b, &m.keys[0]);
	} else if ((rc = cli_call(c, "status", NULL, &d, e)) == RC_OK) {
		struct slice key = json_get_str(json_get(json_root(d), "chain"), "key");
		buf_add(&b, key.p, key.n);
		json_doc_free(d);
	}
	if (rc == RC_OK && !b.n)
		rc = err_set(e, RC_AUDIT, "the key that signs checkpoints is gone; sluice audit verify says more");
	if (rc == RC_OK && c->json)
		printf("{\"key\":\"%s\"}\n", buf_z(&b));
	else if (rc == RC_OK)
		puts(buf_z(&b));
	buf_done(&b);
	means_done(&m);
	return rc;
}
