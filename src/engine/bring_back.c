/* One copy uploaded again, long after its cycle, because an operator asks for it (SEMANTICS 4: restorable under a new
 * id). An intent is durable before the request, its outcome after it; a second upload of the same item is refused unless
 * it is said to be meant. The records are not touched: their row is gone or says deleted, and whoever asks is told. */
#include "engine/internal.h"

#include "base/mem.h"
#include "base/point.h"
#include "base/text.h"
#include "engine/vault.h"
#include "escrow/escrow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct bringing_back {
	struct engine *en;
	struct elane *lane;
	struct engine_who who;
	struct arena *texts;
	struct slice id, reason;
	bool again;
	/* the worker's */
	struct journal_escrow copy;
	struct buf headers;
	struct hash sha256;
	char *path;
	int fd;
	enum rc rc;
	struct err err;
	/* the answer's */
	char *new_id;
	char outcome[12], detail[200];
	engine_reply *reply;
	void *ctx;
};

bool bring_back_idle(const struct engine *en) { return !en->bringing_back; }

static void end(struct bringing_back *b)
{
	struct engine *en = b->en;
	struct buf out;
	struct jw w;
	buf_init(&out);
	jw_init(&w, &out);
	jw_obj(&w);
	jw_kstr(&w, "lane", b->copy.lane);
	jw_kstr(&w, "id", b->id);
	jw_kz(&w, "new_id", b->new_id);
	jw_kstr(&w, "name", b->copy.name);
	jw_kopt(&w, "bytes", b->copy.bytes);
	jw_end_obj(&w);
	en->bringing_back = NULL;
	b->reply(b->ctx, b->rc, &b->err, b->rc == RC_OK ? buf_z(&out) : NULL);
	buf_done(&out);
	if (b->fd >= 0)
		close(b->fd);
	arena_free(b->texts);
	buf_done(&b->headers);
	free(b->path);
	free(b->new_id);
	free(b);
}

static void refused(struct bringing_back *b, enum rc rc, const char *why)
{
	b->rc = err_set(&b->err, rc, "%s", why);
	end(b);
}

/* ---- was it brought back before? on a worker ---- */

/* What the newest record about it says. */
static enum rc earlier(void *ctx, const struct audit_record *rec)
{
	struct bringing_back *b = ctx;
	struct json_doc *d;
	struct err e;
	char id[80];
	if (json_parse(&d, rec->payload, NULL, &e) != RC_OK)
		return RC_OK;
	const struct json *p = json_root(d);
	struct slice new_id = json_get_str(p, "new_id"), lane = json_get_str(p, "lane");
	bool by_hand = rec->kind != AUDIT_COMPENSATION_OUTCOME;
	if (by_hand ? !slice_eq(lane, b->copy.lane) : rec->cycle != b->copy.cycle)
		;       /* of a file that has the same id elsewhere */
	else if (new_id.n)
		b->rc = err_set(&b->err, RC_REFUSED, "it came back before, as %s (record #%" PRId64 "); --again uploads it once more",
				text_z(id, sizeof id, new_id), rec->seq);
	else if (by_hand && !slice_eq(json_get_str(p, "outcome"), SLICE_LIT("failed")))
		b->rc = err_set(&b->err, RC_REFUSED, "an upload of it began before (record #%" PRId64 ") and nobody knows whether it arrived: "
				"look for its name in the lane first; --again uploads it once more", rec->seq);
	json_doc_free(d);
	return RC_OK;
}

static void look_back(struct bringing_back *b, struct db *d)
{
	const struct slice kinds[] = { SLICE_LIT("restore."), slice_of(audit_kind_name(AUDIT_COMPENSATION_OUTCOME)) };
	for (size_t i = 0; i < ARRAY_LEN(kinds) && b->rc == RC_OK; i++) {
		const struct audit_filter f = { .kind = kinds[i], .subject = b->id, .limit = 1 };
		struct err e;
		enum rc rc = audit_query(d, &f, earlier, b, &e);
		if (rc != RC_OK)
			b->rc = err_set(&b->err, rc, "%s", e.text);
	}
}

static void look_work(void *ctx)
{
	struct bringing_back *b = ctx;
	struct db *d;
	b->rc = db_open(&d, b->en->paths->db, DB_READER, NULL, &b->err);
	if (b->rc != RC_OK)
		return;
	b->rc = escrow_find(d, slice_of(b->lane->cfg->name), b->id, &b->copy, b->texts, &b->err);
	if (b->rc == RC_OK && !b->again)
		look_back(b, d);
	db_close(d);
	if (b->rc != RC_OK)
		return;
	b->path = xstrndup(b->copy.path.p, b->copy.path.n);
	if (hash_parse(&b->sha256, b->copy.sha256) && vault_holds(b->copy.path))
		return;
	b->rc = hash_parse(&b->sha256, b->copy.sha256) ? escrow_open_verified(b->path, b->copy.bytes, &b->sha256, &b->fd, &b->err)
	                                         : err_set(&b->err, RC_FORMAT, "its copy has no hash to be verified by");
}

/* ---- the upload ---- */

static struct journal *record(struct bringing_back *b, enum audit_kind k)
{
	struct audit_actor a = k == AUDIT_RESTORE_INTENT ? actor_of(&b->who) : actor_engine;
	struct journal *j = journal_new();
	struct buf p;
	struct jw w;
	buf_init(&p);
	jw_init(&w, &p);
	jw_obj(&w);
	jw_kstr(&w, "lane", b->copy.lane);
	jw_ki64(&w, "cycle", b->copy.cycle);
	if (k == AUDIT_RESTORE_INTENT) {
		jw_kstr(&w, "sha256", b->copy.sha256);
		jw_ki64(&w, "bytes", b->copy.bytes);
		jw_kbool(&w, "again", b->again);
		jw_kstr(&w, "reason", b->reason);
	} else {
		jw_kz(&w, "outcome", b->outcome);
		if (b->new_id)
			jw_kz(&w, "new_id", b->new_id);
		if (b->detail[0])
			jw_kz(&w, "detail", b->detail);
	}
	jw_end_obj(&w);
	journal_audit(j, k, &a, b->id, 0, SLICE_LIT(""), buf_slice(&p));
	buf_done(&p);
	return j;
}

static void recorded(void *ctx, enum rc rc, const struct err *e)
{
	struct bringing_back *b = ctx;
	if (rc != RC_OK)
		b->rc = err_set(&b->err, rc, "%s%.60s: %.250s", b->new_id ? "it is back as " : "what came of the upload could not be recorded",
				b->new_id ? b->new_id : "", e->text);
	else if (!b->new_id)
		b->rc = err_set(&b->err, RC_FAILURES, "%s: %s", b->outcome[0] == 'u' ? "nobody knows whether the upload arrived" : "it was not uploaded",
				b->detail);
	end(b);
}

static void uploaded(void *ctx, const struct lane_answer *a, struct slice new_id)
{
	static const char *const words[] = {
		[LANE_DELETED] = "restored", [LANE_MISSING] = "unknown", [LANE_UNCLEAR] = "unknown", [LANE_ITEM_REFUSED] = "failed",
		[LANE_LANE_REFUSED] = "failed", [LANE_PACE] = "failed", [LANE_NOT_SENT] = "failed",
	};
	struct bringing_back *b = ctx;
	POINT("restore", "after");
	snprintf(b->outcome, sizeof b->outcome, "%s", new_id.n || a->kind != LANE_DELETED ? words[a->kind] : "unknown");
	snprintf(b->detail, sizeof b->detail, "%s", a->detail);
	if (a->kind == LANE_DELETED && new_id.n)
		b->new_id = xstrndup(new_id.p, new_id.n);
	if (b->en->closing)
		refused(b, RC_CANCELLED, "the engine stopped before the answer came");
	else
		store_commit(b->en->store, record(b, AUDIT_RESTORE_OUTCOME), recorded, b);
}

static void intended(void *ctx, enum rc rc, const struct err *e)
{
	struct bringing_back *b = ctx;
	if (rc != RC_OK || b->en->closing) {
		refused(b, rc != RC_OK ? rc : RC_CANCELLED, rc != RC_OK ? e->text : "the engine stopped");
		return;
	}
	POINT("restore", "before");
	escrow_headers(b->copy.meta, &b->headers);
	const struct lane_file f = { .name = b->copy.name, .purpose = b->copy.purpose, .headers = buf_slice(&b->headers), .fd = b->fd,
		.bytes = b->copy.bytes, .sha256 = &b->sha256 };
	lane_upload(b->lane->lane, &f, uploaded, b);
}

static void probed(void *ctx, const struct lane_probe *p)
{
	struct bringing_back *b = ctx;
	if (p && p->presence == LANE_PRESENT)
		refused(b, RC_REFUSED, "the item itself is still in the lane");
	else if (p && p->presence == LANE_NO_ANSWER)
		refused(b, RC_REFUSED, p->detail);
	else if (b->en->closing || b->en->stopping)
		refused(b, RC_CANCELLED, "the engine is stopping");
	else
		store_commit(b->en->store, record(b, AUDIT_RESTORE_INTENT), intended, b);
}

static void proved(struct bringing_back *b)
{
	const char *never = b->rc == RC_OK ? lane_upload_never(b->lane->lane, b->copy.purpose) : NULL;
	if (b->rc != RC_OK)
		end(b);
	else if (never)
		refused(b, RC_REFUSED, never);
	else if (lane_can_get(b->lane->lane) && !b->en->closing)
		lane_probe(b->lane->lane, b->id, probed, b);
	else
		probed(b, NULL);
}

static void fetched(void *ctx, enum rc rc, const struct err *e, int fd)
{
	struct bringing_back *b = ctx;
	b->fd = fd;
	if (rc != RC_OK)
		b->rc = err_set(&b->err, rc, "%s", e->text);
	proved(b);
}

static void looked(void *ctx)
{
	struct bringing_back *b = ctx;
	const struct vault_copy c = { .path = b->copy.path, .bytes = b->copy.bytes, .sha256 = b->sha256 };
	if (b->rc == RC_OK && vault_holds(b->copy.path))
		vault_read(b->en, &c, true, fetched, b);
	else
		proved(b);
}

/* ---- the command ---- */

/* A cycle that is open on the lane may be listing what its own restore is to find. */
static bool in_cycle(const struct engine *en, const struct elane *l)
{
	const struct runner *run = en->run;
	for (int i = 0; runner_open(en) && i < run->c->lanes; i++)
		if (&en->lane[run->lane_of[i]] == l)
			return true;
	return false;
}

static const char *refusal(const struct engine *en, const struct elane *l, const struct engine_bring_back *q)
{
	if (!l)
		return "no lane of the configuration has that name; `sluice lanes` lists them";
	if (!q->reason.n)
		return "bringing an item back needs a reason";
	if (en->mode != MODE_ARMED)
		return "bringing an item back uploads a file: that needs mode armed";
	if (in_cycle(en, l))
		return "a cycle is open on that lane: when it has ended, ask again";
	return en->bringing_back ? "another copy is being uploaded: one at a time" : NULL;
}

void engine_bring_back(struct engine *en, const struct engine_who *who, const struct engine_bring_back *q, engine_reply *r, void *ctx)
{
	if (!command_may_write(en, who, r, ctx) || !command_may_record(en, r, ctx))
		return;
	struct elane *l = engine_lane(en, q->lane);
	const char *why = refusal(en, l, q);
	if (why) {
		command_refuse(r, ctx, l && q->reason.n ? RC_REFUSED : RC_USAGE, why);
		return;
	}
	struct bringing_back *b = xcalloc(1, sizeof *b);
	*b = (struct bringing_back){ .en = en, .lane = l, .who = *who, .texts = arena_new(1 << 12), .again = q->again, .fd = -1, .reply = r, .ctx = ctx };
	b->id = (struct slice){ arena_strndup(b->texts, q->id.n ? q->id.p : "", q->id.n), q->id.n };
	b->reason = (struct slice){ arena_strndup(b->texts, q->reason.p, q->reason.n), q->reason.n };
	en->bringing_back = b;
	job_read(en, look_work, looked, b);
}
