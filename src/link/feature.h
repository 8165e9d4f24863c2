/* A feature of a link that is being tried: off, on a few of its connections (the canary), or on all of them. What
 * both groups did since the mode last changed stands side by side. Loop thread. */
#ifndef SLUICE_LINK_FEATURE_H
#define SLUICE_LINK_FEATURE_H

#include "config/config.h"
#include "guard/canary.h"
#include "guard/window.h"
#include "link/link.h"

enum feature_mode { FEATURE_OFF, FEATURE_CANARY, FEATURE_ON, FEATURE_MODES };
const char *feature_mode_name(enum feature_mode m);

/* The configuration gives it a value of its own. */
bool feature_given(const struct cfg_link *c);
/* How many of n connections are the canary: at least 1, at most n - 1; 0 of fewer than 2. */
int feature_canaries(const struct cfg_link *c, int n);
/* Keepalive times of a connection, by the mode and its group. */
void feature_keepalive(const struct cfg_link *c, enum feature_mode m, bool canary, int64_t *ping_ms, int64_t *pong_ms);
/* The value in words that two configurations can be compared by. */
void feature_value(const struct cfg_link *c, char out[64]);

enum { GROUP_STABLE, GROUP_CANARY, GROUPS };

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
