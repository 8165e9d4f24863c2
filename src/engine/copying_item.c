/* One item's copy: intent on disk, bytes from the lane to a worker that writes, whole and compared,
 * outcome on disk. Nothing blocks the loop; what comes faster than the disk takes it waits in the lane. */
#include "engine/copying_impl.h"
#include "engine/vault.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct elane *elane_of(const struct copy_task *t) { return &t->x->en->lane[t->x->r->lane_of[t->lane]]; }
static struct slice lane_name_of(const struct copy_task *t) { return slice_of(elane_of(t)->cfg->name); }
static const struct ecopy *wish(const struct copy_task *t) { return &t->x->v->copy[t->item->nth]; }

static struct lane *source_of(const struct copy_task *t) { return t->of_bucket ? copying_object_lane(t) : elane_of(t)->lane; }

/* ---- records ---- */

static void origin(const struct copy_task *t, struct buf *out)
{
	struct jw w;
	jw_init(&w, out);
	jw_obj(&w);
	jw_kstr(&w, "name", t->item->name);
	jw_kstr(&w, "purpose", wish(t)->purpose);
	jw_kopt(&w, "bytes", t->item->bytes);
	jw_kopt(&w, "created_us", t->item->created_us);
	jw_kstr(&w, "row", t->item->row);
	jw_kstr(&w, "target", t->x->lane[t->lane].target);
	if (t->headers.n)
		jw_kstr(&w, "headers", buf_slice(&t->headers));
	jw_end_obj(&w);
}

static void index_row(const struct copy_task *t, struct journal *j, const char *state, int64_t bytes, const char *hex)
{
	struct buf meta, path;
	buf_init(&meta);
	buf_init(&path);
	origin(t, &meta);
	if (t->has_old)
		buf_add(&path, t->old.path.p, t->old.path.n);
	else if (t->far.n)
		buf_add(&path, t->far.p, t->far.n);
	else
		escrow_path(t->x->dir, lane_name_of(t), t->item->id, &path);
	struct journal_escrow x = { .lane = lane_name_of(t), .id = t->item->id, .name = t->item->name, .purpose = wish(t)->purpose,
		.bytes = bytes, .sha256 = slice_of(hex), .created_us = t->item->created_us, .meta = buf_slice(&meta), .path = buf_slice(&path),
		.state = slice_of(state), .cycle = t->x->r->c->id, .at_us = now_read().wall_us };
	journal_escrow(j, &x);
	buf_done(&meta);
	buf_done(&path);
}

static void record(const struct copy_task *t, struct journal *j, enum audit_kind k, const char *outcome, int64_t bytes, const char *hex, const char *why)
{
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kstr(&w, "lane", lane_name_of(t));
	if (outcome)
		jw_kz(&w, "outcome", outcome);
	jw_kopt(&w, "bytes", bytes);
	if (hex[0])
		jw_kz(&w, "sha256", hex);
	if (t->object || t->of_bucket)
		jw_kz(&w, "from", t->x->objects->name);
	if (t->has_old)
		jw_kbool(&w, "was_there", true);
	if (why)
		jw_kz(&w, "why", why);
	jw_end_obj(&w);
	journal_audit(j, k, &actor_engine, t->item->id, t->x->r->c->id, SLICE_LIT(""), buf_slice(&b));
	buf_done(&b);
}

/* ---- the outcome ---- */

static void outcome_kept(void *ctx, enum rc rc, const struct err *e)
{
	struct copy_task *t = ctx;
	char why[200];
	snprintf(why, sizeof why, "copied, but the audit log could not say so: %.120s", e->text);
	if (rc == RC_OK && t->far.n && vault_holds(t->old.path) && !slice_eq(t->old.path, buf_slice(&t->far)))
		vault_remove(t->x->en, t->old.path);    /* of what was under this id before; in a directory it is written over */
	copying_settled(t, rc == RC_OK, why);
}

static void outcome_failed(void *ctx, enum rc rc, const struct err *e)
{
	struct copy_task *t = ctx;
	(void)rc;
	(void)e;                        /* still started in the index: the next start takes it away */
	copying_settled(t, false, t->err.text);
}

static void outcome(struct copy_task *t, bool kept)
{
	struct journal *j = journal_new();
	char hex[HASH_HEX] = "";
	if (kept)
		hash_hex(hex, &t->made);
	record(t, j, AUDIT_ESCROW_OUTCOME, kept ? "ok" : "discarded", kept ? t->made_bytes : -1, hex, kept ? NULL : t->err.text);
	index_row(t, j, kept ? "ok" : "discarded", kept ? t->made_bytes : -1, hex);
	store_commit(t->x->en->store, j, kept ? outcome_kept : outcome_failed, t);
}

static void failed(struct copy_task *t, enum rc rc, const char *why)
{
	if (t->rc == RC_OK)
		t->rc = err_set(&t->err, rc, "%s", why);
	outcome(t, false);
}

/* ---- the disk ---- */

static void write_work(void *ctx)
{
	struct copy_task *t = ctx;
	if (!t->copy)
		t->rc = escrow_begin(t->x->dir, lane_name_of(t), t->item->id, &t->copy, &t->err);
	if (t->rc == RC_OK)
		t->rc = escrow_write(t->copy, buf_slice(&t->out), &t->err);
}

static void went_on(struct copy_task *t);

static void written(void *ctx)
{
	struct copy_task *t = ctx;
	t->writing = false;
	buf_clear(&t->out);
	went_on(t);
}

static void write_next(struct copy_task *t)
{
	struct buf b = t->out;
	t->out = t->in;
	t->in = b;
	t->writing = true;
	loop_work(t->x->en->loop, write_work, written, t);
}

static void finish_work(void *ctx)
{
	struct copy_task *t = ctx;
	int64_t bytes = t->copy ? escrow_written(t->copy) : 0;
	if (!t->copy)
		t->rc = escrow_begin(t->x->dir, lane_name_of(t), t->item->id, &t->copy, &t->err);
	if (t->rc == RC_OK)
		t->rc = escrow_finish(t->copy, t->item->bytes, t->has_sha ? &t->sha : NULL, &t->made, &t->err);
	t->copy = NULL;
	t->made_bytes = bytes;
}

void copying_item_end(struct copy_task *t)
{
	if (t->rc == RC_OK && copying_bucket_is(t->x))
		copying_bucket_put(t);
	else
		copying_item_settle(t);
}

void copying_item_settle(struct copy_task *t)
{
	if (t->rc == RC_IO)
		copying_disk_failed(t->x, t->err.text);
	outcome(t, t->rc == RC_OK);
}

static void finished(void *ctx) { copying_item_end(ctx); }

static void drop_work(void *ctx)
{
	struct copy_task *t = ctx;
	escrow_drop(t->copy);
	t->copy = NULL;
}

/* ---- the lane ---- */

static bool passing(const struct lane_content *a)
{
	return a->trouble == LANE_PACED || a->trouble == LANE_SERVER || a->trouble == LANE_NETWORK || a->trouble == LANE_TIMEOUT ||
		a->trouble == LANE_CUT;
}

/* Asked again? Then as late as the server said, and its whole lane with it, or later each time. */
static bool may_again(struct copy_task *t)
{
	const struct lane_content *a = &t->answer;
	bool paced = a->trouble == LANE_PACED;
	int n = paced ? ++t->waits : ++t->tries;
	int64_t wait = a->wait_ms >= 0 ? a->wait_ms : (int64_t)250 << MIN(n, 8);
	if (!passing(a) || n >= (paced ? COPYING_WAITS : COPYING_TRIES) || wait > COPYING_WAIT_MAX_MS || t->x->stopped[0])
		return false;
	t->not_before_us = now_read().boot_us + wait * 1000;
	if (paced)
		t->x->lane[t->lane].not_before_us = MAX(t->x->lane[t->lane].not_before_us, t->not_before_us);
	return true;
}

static void lane_says_no(struct copy_task *t)
{
	struct copy_lane *l = &t->x->lane[t->lane];
	const struct lane_content *a = &t->answer;
	if (a->about_item && !t->of_bucket && copying_has_object(t->x, t->item)) {
		copying_object_begin(t);
		return;
	}
	if (!a->about_item && !t->of_bucket && !passing(a) && a->trouble != LANE_GARBLED && !l->stopped[0])
		snprintf(l->stopped, sizeof l->stopped, "%s", a->detail);
	failed(t, RC_REFUSED, a->detail);
}

static void dropped(void *ctx)
{
	struct copy_task *t = ctx;
	if (t->rc != RC_OK) {
		if (t->rc == RC_IO)
			copying_disk_failed(t->x, t->err.text);
		outcome(t, false);
	} else if (t->given_up || t->x->stopped[0]) {
		failed(t, RC_CANCELLED, t->given_up ? t->given_why : t->x->stopped);
	} else if (may_again(t)) {
		copying_wait(t);
	} else {
		lane_says_no(t);
	}
}

/* Nothing of it is under way any more. */
static void came(struct copy_task *t)
{
	struct loop *l = t->x->en->loop;
	if (t->answer.trouble == LANE_FINE && t->rc == RC_OK && !t->given_up)
		loop_work(l, finish_work, finished, t);
	else
		loop_work(l, drop_work, dropped, t);
}

static void went_on(struct copy_task *t)
{
	if (t->rc != RC_OK && t->stream) {
		lane_content_stop(source_of(t), t->stream);             /* comes back through on_content */
		return;
	}
	if (t->rc == RC_OK && !t->given_up && t->in.n && !t->writing)
		write_next(t);
	if (t->stream && t->refused) {
		t->refused = false;
		lane_content_go_on(source_of(t), t->stream);
	} else if (!t->stream && !t->writing) {
		came(t);
	}
}

static bool on_part(void *ctx, struct slice part)
{
	struct copy_task *t = ctx;
	if (t->in.n && t->in.n + part.n > COPYING_BUFFER) {
		t->refused = true;
		return false;
	}
	buf_add(&t->in, part.p, part.n);
	t->x->bytes += (int64_t)part.n;
	if (!t->writing && t->rc == RC_OK)
		write_next(t);
	return true;
}

static void on_content(void *ctx, const struct lane_content *a)
{
	struct copy_task *t = ctx;
	t->stream = NULL;
	t->refused = false;
	t->answer = *a;
	t->answer.headers = SLICE_LIT("");
	buf_clear(&t->headers);
	if (!t->of_bucket)
		buf_add(&t->headers, a->headers.p, a->headers.n);
	if (!t->writing)
		went_on(t);
}

void copying_item_ask(struct copy_task *t)
{
	int64_t most = t->item->bytes >= 0 ? t->item->bytes : elane_of(t)->cfg->max_item_bytes;
	buf_clear(&t->in);
	t->stream = lane_content(source_of(t), t->of_bucket ? copying_object_key(t) : t->item->id, most, on_part, on_content, t);
}

void copying_item_stop(struct copy_task *t, const char *why)
{
	t->given_up = true;
	snprintf(t->given_why, sizeof t->given_why, "%s", why);
	if (t->stream)
		lane_content_stop(source_of(t), t->stream);
	else
		came(t);
}

/* ---- the beginning ---- */

static void intent_done(void *ctx, enum rc rc, const struct err *e)
{
	struct copy_task *t = ctx;
	char why[200];
	if (rc == RC_OK && lane_content_never(elane_of(t)->lane, wish(t)->purpose)) {
		copying_object_begin(t);
		return;
	}
	if (rc == RC_OK) {
		copying_wait(t);
		return;
	}
	snprintf(why, sizeof why, "nothing is copied that the audit log cannot say: %.120s", e->text);
	copying_settled(t, false, why);
}

static void intend(struct copy_task *t)
{
	struct journal *j = journal_new();
	record(t, j, AUDIT_ESCROW_INTENT, NULL, t->item->bytes, "", NULL);
	index_row(t, j, "started", -1, "");
	store_commit(t->x->en->store, j, intent_done, t);
}

/* A whole copy is there already: is it still what it was? */
static void look_work(void *ctx)
{
	struct copy_task *t = ctx;
	char path[4096];
	int fd;
	snprintf(path, sizeof path, "%.*s", SLICE_FMT(t->old.path));
	t->rc = hash_parse(&t->made, t->old.sha256) ? escrow_open_verified(path, t->old.bytes, &t->made, &fd, &t->err) : RC_FORMAT;
	if (t->rc == RC_OK)
		close(fd);
	if (t->rc == RC_OK && t->has_sha && !hash_eq(&t->sha, &t->made))
		t->rc = RC_FORMAT;
}

void copying_item_looked(struct copy_task *t)
{
	if (t->rc == RC_OK) {
		t->made_bytes = t->old.bytes;
		outcome(t, true);
		return;
	}
	t->rc = RC_OK;
	t->has_old = false;
	buf_clear(&t->headers);
	intend(t);
}

static void looked(void *ctx) { copying_item_looked(ctx); }

/* Of the same item of the same account; a point look-up. */
static bool there_already(struct copy_task *t)
{
	struct journal_escrow *o = &t->old;
	struct json_doc *d = NULL;
	if (escrow_find(t->x->en->reader, lane_name_of(t), t->item->id, o, t->x->texts, NULL) != RC_OK)
		return false;
	t->has_old = o->bytes >= 0 && (t->item->bytes < 0 || o->bytes == t->item->bytes) && o->created_us == t->item->created_us &&
		slice_eq(o->name, t->item->name) && slice_eq(o->purpose, wish(t)->purpose) && json_parse(&d, o->meta, NULL, NULL) == RC_OK &&
		slice_eq(json_get_str(json_root(d), "target"), t->x->lane[t->lane].target);
	json_doc_free(d);
	if (t->has_old)
		escrow_headers(o->meta, &t->headers);
	return t->has_old;
}

/* The row's hash in any case; what cannot be read proves nothing. */
static bool row_hash(struct copy_task *t, struct slice hex)
{
	char low[HASH_HEX];
	if (hex.n != HASH_HEX - 1)
		return false;
	for (size_t i = 0; i < hex.n; i++)
		low[i] = (char)(hex.p[i] >= 'A' && hex.p[i] <= 'F' ? hex.p[i] - 'A' + 'a' : hex.p[i]);
	t->has_sha = hash_parse(&t->sha, (struct slice){ low, hex.n });
	return t->has_sha;
}

void copying_item_begin(struct copy_task *t)
{
	struct slice hex = wish(t)->sha256;
	if (t->item->bytes > lane_upload_most(elane_of(t)->lane))
		copying_settled(t, false, "it is larger than what the store takes in one upload, so it could not be put back");
	else if (t->item->bytes < 0 && !hex.n)
		copying_settled(t, false, "the lane does not say how long it is and its row has no hash, so a copy could not be verified");
	else if (hex.n && !row_hash(t, hex))
		copying_settled(t, false, "the sha256 in its row is no SHA-256 in hexadecimal, so a copy could not be verified");
	else if (there_already(t) && vault_holds(t->old.path))
		copying_bucket_look(t);
	else if (t->has_old)
		loop_work(t->x->en->loop, look_work, looked, t);
	else
		intend(t);
}
