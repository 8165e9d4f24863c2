/* Second looks at links: by themselves after a failure without an exact reason, and on request. */
#include "engine/internal.h"
#include "engine/view.h"

#include "base/mem.h"

#include <stdlib.h>

static void on_looked(void *ctx, size_t i, const struct diagnosis *d)
{
	struct engine *en = ctx;
	pool_explain(en->link[i], d->cause, &d->climb);
	engine_changed(en, ENGINE_OVERVIEW);
}

void diagnoses_open(struct engine *en)
{
	en->diagnoser = diagnoser_new(en->loop, en->cfg->links, en->cfg->n_links, on_looked, en);
}

void diagnoses_link_ended(struct engine *en, size_t link)
{
	const struct link_view *v = pool_look(en->link[link]);
	if (v->state == LINK_WAITING && ladder_wants_look(&v->ladder) && !en->stopping)
		diagnose_soon(en->diagnoser, link);
}

/* ---- asked for ---- */

static const char NO_LINK[] = "no link is named so; sluice links shows their names";

struct question {
	struct engine *en;
	size_t link;
	engine_reply *r;
	void *ctx;
};

static void on_answer(void *ctx, const struct diagnosis *d, bool fresh)
{
	struct question *q = ctx;
	struct buf b = { 0 };
	struct jw w;
	if (!d) {
		command_refuse(q->r, q->ctx, RC_REFUSED, "the engine is stopping");
		free(q);
		return;
	}
	const struct link_view *v = pool_look(q->en->link[q->link]);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "link", v->name);
	jw_kz(&w, "url", v->url);
	jw_kz(&w, "state", link_state_name(v->state));
	jw_kz(&w, "link_sentence", v->sentence);
	jw_ki64(&w, "at_us", view_wall(d->at_us));
	jw_kbool(&w, "fresh", fresh);
	diagnosis_json(d, &w);
	jw_end_obj(&w);
	q->r(q->ctx, RC_OK, NULL, buf_z(&b));
	buf_done(&b);
	free(q);
}

void engine_link_diagnose(struct engine *en, struct slice link, engine_reply *r, void *ctx)
{
	for (size_t i = 0; i < en->cfg->n_links; i++) {
		struct question *q;
		if (!slice_is(link, en->cfg->links[i].name))
			continue;
		q = xcalloc(1, sizeof *q);
		*q = (struct question){ en, i, r, ctx };
		diagnose(en->diagnoser, i, on_answer, q);
		return;
	}
	command_refuse(r, ctx, RC_NOT_FOUND, NO_LINK);
}

void engine_link_retry(struct engine *en, const struct engine_who *who, struct slice link, engine_reply *r, void *ctx)
{
	struct audit_actor a = actor_of(who);
	if (!command_may_write(en, who, r, ctx) || !command_may_record(en, r, ctx))
		return;
	for (size_t i = 0; i < en->cfg->n_links; i++)
		if (slice_is(link, en->cfg->links[i].name)) {
			engine_note(en, AUDIT_LINK_INCIDENT, &a, en->cfg->links[i].name, 0, "{\"state\":\"tried again by hand\"}");
			pool_diagnose(en->link[i]);
			r(ctx, RC_OK, NULL, "{\"tries\":true}");
			return;
		}
	command_refuse(r, ctx, RC_NOT_FOUND, NO_LINK);
}
