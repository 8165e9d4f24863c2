/* A feature of a link that is being tried: off, on a few of its connections (the canary), or on all of them. What
 * both groups did since the mode last changed stands side by side. Loop thread. */
#ifndef SLUICE_LINK_FEATURE_H
#define SLUICE_LINK_FEATURE_H

#include "config/config.h"
#include "guard/canary.h"
#include "guard/window.h"
#include "link/link.h"
#include "link/queue.h"

enum feature_mode { FEATURE_OFF, FEATURE_CANARY, FEATURE_ON, FEATURE_MODES };
const char *feature_mode_name(enum feature_mode m);

enum { GROUP_STABLE, GROUP_CANARY, GROUPS };

/* The configuration gives it a value of its own. */
bool feature_given(const struct cfg_link *c, enum canary_feature f);
bool feature_any(const struct cfg_link *c);
/* The value in words that two configurations can be compared by; without blanks. */
void feature_value(const struct cfg_link *c, enum canary_feature f, char out[64]);
/* How many of n connections are the canary: at least 1, at most n - 1; 0 of fewer than 2. */
int feature_canaries(const struct cfg_link *c, int n);

/* What a connection goes by, by the mode and its group. */
void feature_keepalive(const struct cfg_link *c, enum feature_mode m, bool canary, int64_t *ping_ms, int64_t *pong_ms);
struct dedup_bounds { int64_t window, age_us; };
struct dedup_bounds feature_dedup(const struct cfg_link *c, enum feature_mode m, bool canary);
struct dedup_bounds feature_dedup_most(const struct cfg_link *c);       /* the larger of each of both values */
struct queue_opts feature_queue(const struct cfg_link *c, enum feature_mode m, bool canary);

int feature_connections(const struct cfg_link *c, enum feature_mode m);        /* how many the link has */

struct feature_trial {
	enum feature_mode mode;
	struct canary_figures base[GROUPS];     /* counts when it began */
	struct window rtt[GROUPS];
};

/* sum: counts of a group since its connections began. */
void trial_begin(struct feature_trial *t, enum feature_mode m, const struct canary_figures sum[GROUPS]);
struct canary_figures trial_figures(const struct feature_trial *t, int group, const struct canary_figures *sum);
void trial_add(struct canary_figures *sum, const struct link_view *v, int64_t drops, int64_t duplicates);

#endif
