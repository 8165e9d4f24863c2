/* What a cycle was opened for, looked up again after a restart (SEMANTICS 4): a redrive and a hand-picked cycle that has
 * lost the list of its items must not go on as if it had none. */
#include "engine/internal.h"

#include <inttypes.h>
#include <string.h>

static enum rc redrive_begun(void *ctx, const struct audit_record *rec)
{
	struct json_doc *d = NULL;
	/* What cannot be read may have been one. */
	if (json_parse(&d, rec->payload, NULL, NULL) != RC_OK || slice_is(json_get_str(json_root(d), "out"), "redrive begun"))
		*(bool *)ctx = true;
	json_doc_free(d);
	return RC_OK;
}

static enum rc picked(void *ctx, const struct audit_record *rec)
{
	(void)rec;
	*(bool *)ctx = true;
	return RC_OK;
}

static enum rc recorded(struct runner *r, enum audit_kind kind, audit_visit *visit, const char *of, struct err *e)
{
	const struct audit_filter f = { .kind = slice_of(audit_kind_name(kind)), .cycle = r->c->id, .limit = 1000, .decisions_only = true };
	bool yes = false;
	enum rc rc = audit_query(r->en->reader, &f, visit, &yes, e);
	if (rc == RC_OK && yes)
		rc = err_set(e, RC_AUDIT, "it was opened for %s alone, and their list cannot be read any more; choose them again", of);
	return rc;
}

enum rc bounds_restore(struct runner *r, const struct cfg_policy *policy, struct err *e)
{
	enum rc rc = redrive_restore(r->en, r->c->id, &r->redrive, e);
	if (rc == RC_OK)
		rc = pick_restore(r->en, r->c->id, policy, &r->pick, e);
	if (rc != RC_OK || r->c->stage >= STAGE_CLEANING)       /* a frozen plan is bound by itself */
		return rc;
	if (!r->redrive)
		rc = recorded(r, AUDIT_DEAD_LETTER, redrive_begun, "chosen dead letters", e);
	if (rc == RC_OK && !r->pick)
		rc = recorded(r, AUDIT_CYCLE_PICKED, picked, "picked items", e);
	return rc;
}
