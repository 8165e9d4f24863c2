/* How items and rows reconciled: counted, put into the plan's header, told, and read back from evidence. */
#include "engine/internal.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void reconcile_row(struct reconcile_count *n, const struct policy_facts *f, const struct catalog_row *row)
{
	if (row->deleted_us < 0)
		n->of[policy_row_alone(f, row)]++;
}

void reconcile_json(struct jw *w, const struct reconcile_count *n)
{
	jw_key(w, "reconcile");
	jw_obj(w);
	for (int i = 0; i < RECONCILED_COUNT; i++) {
		char key[32];
		snprintf(key, sizeof key, "%s", reconciled_name((enum reconciled)i));
		for (char *z = key; *z; z++)
			*z = *z == ' ' ? '_' : *z;
		if (n->of[i])
			jw_ki64(w, key, n->of[i]);
	}
	jw_end_obj(w);
}

void reconcile_proof(struct validation *v)
{
	struct buf b;
	if (v->facts.objects == POLICY_OBJECTS_NONE)
		return;
	buf_init(&b);
	buf_add(&b, v->plan->records_proof.p, v->plan->records_proof.n);
	for (int i = 0; i < v->lanes; i++) {
		const char *comma = ": ";
		if (v->excluded[i])
			continue;
		buf_addf(&b, "; %s", v->lane_name[i]);
		for (int k = 0; k < RECONCILED_COUNT; k++) {
			if (!v->reconciled[i].of[k])
				continue;
			buf_addf(&b, "%s%" PRId64 " %s", comma, v->reconciled[i].of[k], reconciled_name((enum reconciled)k));
			comma = ", ";
		}
	}
	if (v->facts.objects == POLICY_OBJECTS_LISTED)
		buf_addf(&b, "; %" PRId64 " object%s in no row", v->objects_unnamed, v->objects_unnamed == 1 ? "" : "s");
	v->plan->records_proof = plan_keep(v->plan, buf_slice(&b));
	buf_done(&b);
}

bool reconcile_where_of(struct slice evidence, char out[8])
{
	struct json_doc *d;
	struct slice found = SLICE_LIT("");
	if (!memmem(evidence.p, evidence.n, "\"reconcile\"", 11) || json_parse(&d, evidence, NULL, NULL) != RC_OK)
		return false;
	for (const struct json *x = json_first(json_root(d)); x && !found.n; x = json_next(x))
		if (slice_is(json_get_str(x, "rule"), "reconcile"))
			found = json_get_str(x, "where");
	bool has = found.n && found.n < 8;
	if (has)
		snprintf(out, 8, "%.*s", SLICE_FMT(found));
	json_doc_free(d);
	return has;
}
