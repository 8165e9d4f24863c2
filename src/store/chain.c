#include "store/chain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

void chain_bad(struct audit_verdict *v, int64_t seq, const char *fmt, ...)
{
	va_list ap;

	if (!v->ok)
		return;
	v->ok = false;
	v->first_bad = seq;
	va_start(ap, fmt);
	vsnprintf(v->why, sizeof v->why, fmt, ap);
	va_end(ap);
}

/* ---- records ---- */

/* The chain begins with record 1, or with the record that says what was sealed away before it. */
static bool segment_start(struct chain *k, const struct audit_record *rec, struct audit_verdict *v)
{
	struct json_doc *doc;
	struct checkpoint c;
	const struct audit_keys *keys = &k->p->keys;

	if (v->head.seq != 0 || rec->seq <= 1 || rec->kind != AUDIT_SEAL || json_parse(&doc, rec->payload, NULL, NULL) != RC_OK)
		return false;
	bool good = checkpoint_read(json_root(doc), &c) && c.seq == rec->seq - 1 && hash_eq(&c.hash, &rec->prev) &&
		    (keys->n != 0 ? checkpoint_trusted(&c, keys) : checkpoint_holds(&c));
	json_doc_free(doc);
	if (!good)
		return false;
	k->base = c.seq;
	v->head = (struct audit_head){ c.seq, c.hash };
	return true;
}

static void check_record(struct chain *k, const struct audit_record *rec, struct audit_verdict *v)
{
	struct hash hash;
	int64_t want = v->head.seq + 1;

	if (rec->seq > want && segment_start(k, rec, v))
		want = rec->seq;
	if (rec->seq < want) {
		chain_bad(v, want, "record %" PRId64 " is one too many: records count from 1", rec->seq);
		return;
	}
	if (rec->seq > want) {
		chain_bad(v, want, "record %" PRId64 " is missing", want);
		return;
	}
	if (memcmp(rec->prev.b, v->head.hash.b, HASH_BYTES) != 0) {
		chain_bad(v, rec->seq, "record %" PRId64 ": it does not follow the record before it", rec->seq);
		return;
	}
	audit_hash(k->h, rec, &hash);
	if (memcmp(hash.b, rec->hash.b, HASH_BYTES) != 0)
		chain_bad(v, rec->seq, "record %" PRId64 ": its hash does not match its values", rec->seq);
}

/* A checkpoint in the log speaks about a record before it. */
static void check_checkpoint(struct chain *k, const struct audit_record *rec, struct audit_verdict *v)
{
	struct json_doc *doc = NULL;
	struct checkpoint c;
	struct hash was;

	v->checkpoints++;
	bool read = json_parse(&doc, rec->payload, NULL, NULL) == RC_OK && checkpoint_read(json_root(doc), &c);
	json_doc_free(doc);
	if (!read || c.seq >= rec->seq)
		chain_bad(v, rec->seq, "record %" PRId64 ": it is no checkpoint", rec->seq);
	else if (!audit_keys_have(&k->p->keys, &c.key))
		chain_bad(v, rec->seq, "record %" PRId64 ": its checkpoint is signed by a key that is not the engine's, nor under engine.audit_keys", rec->seq);
	else if (!checkpoint_holds(&c))
		chain_bad(v, rec->seq, "record %" PRId64 ": its checkpoint's signature is false", rec->seq);
	else if (c.seq >= k->from && c.seq > k->base && (!k->passed(k->ctx, c.seq, &was) || !hash_eq(&was, &c.hash)))
		chain_bad(v, c.seq, "record %" PRId64 " is not the one that the checkpoint in record %" PRId64 " signed: the log was rewritten",
		    c.seq, rec->seq);
}

static void check_anchors(struct chain *k, struct audit_verdict *v)
{
	char when[TIME_TEXT];

	for (; k->next_anchor < k->anchors.n && k->anchors.a[k->next_anchor].c.seq <= v->head.seq; k->next_anchor++) {
		const struct checkpoint *c = &k->anchors.a[k->next_anchor].c;
		if (c->seq < v->head.seq)
			continue;       /* before this file's first record */
		v->anchors++;
		v->anchored = c->seq;
		if (v->ok && memcmp(c->hash.b, v->head.hash.b, HASH_BYTES) != 0)
			chain_bad(v, c->seq, "record %" PRId64 " is not the one anchored at %s: the log was rewritten", c->seq,
			    time_rfc3339(when, c->wall_us, false));
	}
}

void chain_record(struct chain *k, const struct audit_record *rec)
{
	struct audit_verdict *v = k->v;

	if (k->from > 1 && v->records == 0 && rec->seq == k->from)      /* its hash says what it follows */
		v->head.hash = rec->prev;
	check_record(k, rec, v);
	if (!v->ok)
		return;
	v->first = v->records++ == 0 ? rec->seq : v->first;
	v->head = (struct audit_head){ rec->seq, rec->hash };
	if (rec->kind == AUDIT_CHECKPOINT && k->p->keys.n != 0)
		check_checkpoint(k, rec, v);
	check_anchors(k, v);
}

static void beyond(struct chain *k, int64_t end, struct audit_verdict *v)
{
	const struct checkpoint *last = k->anchors.n != 0 ? &k->anchors.a[k->anchors.n - 1].c : NULL;
	char when[TIME_TEXT];

	if (last != NULL && last->seq > end)
		chain_bad(v, end + 1, "the log ends at record %" PRId64 ", but record %" PRId64 " was anchored at %s: its end "
		    "was cut off or the file replaced", end, last->seq, time_rfc3339(when, last->wall_us, false));
}

/* ---- anchors ---- */

static enum rc load_anchors(struct chain *k, struct err *e)
{
	enum rc rc = RC_OK;
	bool found;

	for (int i = 0; rc == RC_OK && i < AUDIT_ANCHOR_FILES; i++)
		if (k->p->anchors[i] != NULL)
			rc = anchors_load(&k->anchors, k->p->anchors[i], &found, e);
	anchors_sort(&k->anchors);
	return rc;
}

static void unsigned_anchor(const struct anchor *a, bool signed_, struct audit_verdict *v)
{
	char file[100];

	chain_bad(v, 0, "%s line %d, the anchor of record %" PRId64 ", %s", text_z(file, sizeof file, slice_of(a->file)), a->line, a->c.seq,
	    signed_ ? "has a false signature: the file was changed" : "is not signed by the engine's key: the file was replaced, or the key that signed it is not under engine.audit_keys");
}

/* Every signature must hold; the newest must be by a key that counts. From the newest back, because the
 * start needs no other. */
static void check_signatures(const struct chain *k, struct audit_verdict *v)
{
	const struct audit_keys *keys = &k->p->keys;
	size_t n = k->anchors.n;

	for (size_t i = n; keys->n != 0 && v->ok && i-- > (k->p->from_anchor && n != 0 ? n - 1 : 0);) {
		const struct anchor *a = &k->anchors.a[i];
		bool known = a->c.is_signed && audit_keys_have(keys, &a->c.key);
		if (i == n - 1 && !known && (a->c.is_signed || k->p->anchors_due))
			unsigned_anchor(a, false, v);
		else if (a->c.is_signed && !checkpoint_holds(&a->c))
			unsigned_anchor(a, true, v);
	}
}

static void check_due(const struct chain *k, struct audit_verdict *v)
{
	if (k->p->anchors_due && k->anchors.n == 0)
		chain_bad(v, 0, "checkpoints of this log were anchored, but no anchor is there: put the file back, or nobody can tell "
		    "whether the end of the log was cut off");
}

enum rc chain_begin(struct chain *k, struct err *e)
{
	enum rc rc = load_anchors(k, e);

	*k->v = k->of_anchors = (struct audit_verdict){ .ok = true };
	if (rc != RC_OK)
		return rc;
	if (k->anchors.damaged)
		chain_bad(&k->of_anchors, 0, "%s", k->anchors.why);
	check_signatures(k, &k->of_anchors);
	check_due(k, &k->of_anchors);
	return RC_OK;
}

void chain_from(struct chain *k, int64_t seq)
{
	k->from = seq;
	k->v->head.seq = MAX(seq - 1, 0);
}

void chain_end(struct chain *k, int64_t end)
{
	beyond(k, k->v->records != 0 ? k->v->head.seq : end, k->v);
}

void chain_done(struct chain *k)
{
	if (!k->of_anchors.ok)
		chain_bad(k->v, k->of_anchors.first_bad, "%s", k->of_anchors.why);
	anchors_done(&k->anchors);
}
