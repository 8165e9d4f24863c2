/* Closing a segment of the log (SEMANTICS 6): every record so far goes into a signed export in STATE/sealed, is
 * proved there, and then leaves the database in the transaction that writes the record of it. */
#include "engine/internal.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 1000, PATH_TEXT = 4096, TRIES = 5 };

struct sealing {
	struct engine *en;
	struct audit_actor who;
	char name[64], via[16];
	engine_reply *reply;
	void *ctx;
	struct checkpoint head;         /* signed: the last record that goes */
	struct audit_proof proof;
	int64_t first;
	int tries;
	char dir[PATH_TEXT], path[PATH_TEXT + 80];
	enum rc rc;
	struct err err;
};

/* ---- the file ---- */

struct writing {
	FILE *f;
	int64_t after, n;
	int64_t *first;
};

static enum rc one_line(void *ctx, const struct audit_record *rec)
{
	struct writing *w = ctx;
	struct buf b;
	buf_init(&b);
	audit_json(&b, rec);
	buf_addc(&b, '\n');
	fwrite(b.p, 1, b.n, w->f);
	buf_done(&b);
	if (!*w->first)
		*w->first = rec->seq;
	w->after = rec->seq;
	w->n++;
	return RC_OK;
}

static enum rc write_records(struct sealing *q, FILE *f)
{
	struct writing w = { .f = f, .after = -1, .n = 1, .first = &q->first };
	struct db *d = NULL;
	q->rc = db_open(&d, q->en->paths->db, DB_READER, NULL, &q->err);
	while (q->rc == RC_OK && w.n > 0 && w.after < q->head.seq) {
		struct audit_filter page = { .after_seq = w.after, .before_seq = q->head.seq + 1, .limit = PAGE, .oldest_first = true };
		w.n = 0;
		q->rc = audit_query(d, &page, one_line, &w, &q->err);
	}
	db_close(d);
	return q->rc;
}

static void write_head(const struct sealing *q, FILE *f)
{
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	checkpoint_write(&w, &q->head);
	jw_end_obj(&w);
	buf_addc(&b, '\n');
	fwrite(b.p, 1, b.n, f);
	buf_done(&b);
}

static enum rc cannot(struct sealing *q, const char *what)
{
	char shown[200];
	return q->rc = err_set(&q->err, RC_AUDIT, "nothing is sealed: %s cannot be %s: %s", text_z(shown, sizeof shown, slice_of(what)),
			       what == q->dir ? "made" : "written", strerror(errno));
}

static bool sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Under another name until it is whole and proved. */
static void file_work(void *ctx)
{
	struct sealing *q = ctx;
	struct audit_export_word word;
	struct audit_verdict v;
	char part[PATH_TEXT + 80];
	if (mkdir(q->dir, 0700) != 0 && errno != EEXIST) {
		cannot(q, q->dir);
		return;
	}
	snprintf(part, sizeof part, "%s/part", q->dir);
	unlink(part);
	int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!f) {
		cannot(q, part);
		return;
	}
	if (write_records(q, f) == RC_OK)
		write_head(q, f);
	bool whole = fflush(f) == 0 && fsync(fd) == 0;
	whole = fclose(f) == 0 && whole;
	if (q->rc == RC_OK && !whole)
		cannot(q, part);
	if (q->rc == RC_OK)
		q->rc = audit_prove_export(part, &q->proof, &v, &word, &q->err);
	if (q->rc == RC_OK && !v.ok)
		q->rc = err_set(&q->err, RC_AUDIT, "nothing is sealed: what was written does not verify: %.150s", v.why);
	snprintf(q->path, sizeof q->path, "%s/audit-%" PRId64 "-%" PRId64 ".jsonl", q->dir, q->first, q->head.seq);
	if (q->rc == RC_OK && (rename(part, q->path) != 0 || !sync_dir(q->dir) || !sync_dir(q->en->paths->state_dir)))
		cannot(q, q->path);
	if (q->rc != RC_OK)
		unlink(part);
}

/* ---- the record ---- */

static void end(struct sealing *q, enum rc rc, const struct err *e)
{
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "file", q->path);
	jw_ki64(&w, "first", q->first);
	jw_ki64(&w, "last", q->head.seq);
	jw_end_obj(&w);
	q->reply(q->ctx, rc, e, rc == RC_OK ? buf_z(&b) : NULL);
	buf_done(&b);
	free(q);
}

static void file_done(void *ctx);

static void recorded(void *ctx, enum rc rc, const struct err *e)
{
	struct sealing *q = ctx;
	struct engine *en = q->en;
	if (rc == RC_REFUSED && !en->closing && !en->stopping && ++q->tries < TRIES && anchoring_sign(en, &q->head)) {
		unlink(q->path);                /* a record came between: with that one then */
		q->first = 0;
		job_read(en, file_work, file_done, q);
		return;
	}
	en->sealing = false;
	if (rc == RC_REFUSED)           /* of any other failure it may be that they are gone from the database */
		unlink(q->path);
	if (rc == RC_OK && !en->closing) {
		anchoring_sealed(en, q->head.seq);
		engine_changed(en, ENGINE_OVERVIEW);
	}
	end(q, rc, e);
}

static void file_done(void *ctx)
{
	struct sealing *q = ctx;
	struct journal *j;
	struct buf b;
	struct jw w;
	if (q->rc != RC_OK) {
		q->en->sealing = false;
		end(q, q->rc, &q->err);
		return;
	}
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	checkpoint_write(&w, &q->head);
	jw_ki64(&w, "first", q->first);
	jw_kz(&w, "file", strrchr(q->path, '/') + 1);
	jw_end_obj(&w);
	j = journal_new();
	q->who.name = slice_of(q->name);
	q->who.via = slice_of(q->via);
	journal_audit(j, AUDIT_SEAL, &q->who, SLICE_LIT("chain"), 0, SLICE_LIT(""), buf_slice(&b));
	journal_seal(j, q->head.seq);
	store_commit(q->en->store, j, recorded, q);
	buf_done(&b);
}

static const char *why_not(const struct engine *en)
{
	if (runner_open(en))
		return "a cycle is open: a segment is sealed after it";
	if (en->sealing)
		return "a segment is being sealed already";
	if (!en->verified_us || !en->verified.ok)
		return "the log was not verified whole since the start, or does not verify; sluice audit verify says which";
	return NULL;
}

void engine_audit_seal(struct engine *en, const struct engine_who *who, engine_reply *r, void *ctx)
{
	struct sealing *q;
	struct err e;
	const char *why = NULL;
	if (!command_may_write(en, who, r, ctx) || !command_may_record(en, r, ctx))
		return;
	q = xcalloc(1, sizeof *q);
	why = why_not(en);
	if (!why && !anchoring_sign(en, &q->head))
		why = "nothing can be signed now; sluice audit verify says why";
	if (why) {
		free(q);
		r(ctx, err_set(&e, RC_REFUSED, "%s", why), &e, NULL);
		return;
	}
	en->sealing = true;
	q->en = en;
	q->who = actor_of(who);
	snprintf(q->name, sizeof q->name, "%.*s", SLICE_FMT(q->who.name));
	snprintf(q->via, sizeof q->via, "%.*s", SLICE_FMT(q->who.via));
	q->reply = r;
	q->ctx = ctx;
	anchoring_proof(en, &q->proof);
	memset(q->proof.anchors, 0, sizeof q->proof.anchors);
	q->proof.anchors_due = false;
	snprintf(q->dir, sizeof q->dir, "%s/sealed", en->paths->state_dir);
	job_read(en, file_work, file_done, q);
}
