#include "sim/stats.h"

#include "sim/daemon.h"
#include "sim/store.h"

void stats_members(struct sim *sim, struct jw *w)
{
	jw_ki64(w, "lines", ledger_lines(sim->ledger));
	jw_key(w, "stores");
	jw_arr(w);
	for (size_t i = 0; i < sim->opts->stores; i++) {
		jw_obj(w);
		store_stats(sim->store[i], w);
		jw_end_obj(w);
	}
	jw_end_arr(w);
	jw_key(w, "links");
	jw_arr(w);
	for (size_t i = 0; i < sim->opts->links; i++) {
		jw_obj(w);
		daemon_stats(sim->daemon[i], w);
		jw_end_obj(w);
	}
	jw_end_arr(w);
}

void stats_all(struct sim *sim, struct buf *out)
{
	struct jw w;
	jw_init(&w, out);
	jw_obj(&w);
	stats_members(sim, &w);
	jw_end_obj(&w);
}

void stats_faults(struct sim *sim, struct buf *out)
{
	struct jw w;
	jw_init(&w, out);
	jw_obj(&w);
	jw_key(&w, "rules");
	jw_arr(&w);
	for (size_t i = 0; i < fault_set_count(sim->opts->faults); i++) {
		const struct fault_rule *r = fault_set_get(sim->opts->faults, i);
		jw_obj(&w);
		jw_ki64(&w, "number", r->number);
		jw_kz(&w, "rule", r->text);
		jw_ki64(&w, "seen", r->seen);
		jw_ki64(&w, "fired", r->fired);
		jw_end_obj(&w);
	}
	jw_end_arr(&w);
	jw_end_obj(&w);
}
