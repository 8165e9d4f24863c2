/* Inside the room of features*.c; nobody else includes it. */
#ifndef SLUICE_ENGINE_FEATURES_IMPL_H
#define SLUICE_ENGINE_FEATURES_IMPL_H

#include "engine/features.h"
#include "engine/internal.h"
#include "link/feature.h"

/* What is decided about a link's feature, and by whom. */
struct flag {
	enum feature_mode mode;
	int64_t since_us;               /* wall time */
	char by[64], why[300];
};

struct tried {
	struct flag now;
	enum feature_mode was;          /* before it, while it is owed */
	struct canary_figures seen[GROUPS];     /* that decided it, while it is owed */
	bool judged;                    /* seen says why */
	bool owed;                      /* holds already, and is not in the log yet */
	bool busy;                      /* a change is being written */
	bool fresh;                     /* its value was never tried: becomes canary when no other of the link is */
};

struct features {
	struct tried (*of)[CANARY_FEATURES];    /* by link */
};

/* ---- features_rows.c ---- */
struct feature_row {
	const char *name;
	const char *missing;            /* what to write where no value is given */
	void (*set)(struct engine *en, size_t i, const struct flag *f);        /* holds from here on; both groups count anew */
	unsigned figures;               /* of figure_rows, that are its own */
};
#define FEATURES_ARE "the features are keepalive, dedup, queue and pool"
extern const struct feature_row feature_rows[CANARY_FEATURES];
enum canary_feature feature_named(struct slice name);   /* CANARY_FEATURES: none */
void features_figures(const struct engine *en, size_t i, enum canary_feature f, struct canary_figures out[GROUPS]);
enum canary_verdict features_verdict(const struct engine *en, size_t i, enum canary_feature f, struct canary_figures out[GROUPS], char why[CANARY_WHY]);

const char *feature_group_name(int g);
void feature_figures_json(struct jw *w, enum canary_feature of, const struct canary_figures *f);
enum canary_feature feature_trying(const struct engine *en, size_t i);  /* the one that is a canary now; CANARY_FEATURES: none */

#endif
