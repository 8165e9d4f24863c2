#include "link/feature.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"

enum { WHOLE_BP = 10000 };

const char *feature_mode_name(enum feature_mode m)
{
	static const char *const names[] = { [FEATURE_OFF] = "off", [FEATURE_CANARY] = "canary", [FEATURE_ON] = "on" };
	return names[m];
}

bool feature_given(const struct cfg_link *c)
{
	return c->features.ping_interval_ms > 0 || c->features.pong_timeout_ms > 0;
}

int feature_canaries(const struct cfg_link *c, int n)
{
	int64_t share = (c->features.share_bp * n + WHOLE_BP - 1) / WHOLE_BP;
	return n < 2 ? 0 : (int)MIN(MAX(share, (int64_t)1), (int64_t)n - 1);
}

void feature_keepalive(const struct cfg_link *c, enum feature_mode m, bool canary, int64_t *ping_ms, int64_t *pong_ms)
{
	bool new = m == FEATURE_ON || (m == FEATURE_CANARY && canary);
	*ping_ms = new && c->features.ping_interval_ms > 0 ? c->features.ping_interval_ms : c->ping_interval_ms;
	*pong_ms = new && c->features.pong_timeout_ms > 0 ? c->features.pong_timeout_ms : c->pong_timeout_ms;
}

void feature_value(const struct cfg_link *c, char out[64])
{
	int64_t ping, pong;
	feature_keepalive(c, FEATURE_ON, true, &ping, &pong);
	snprintf(out, 64, "%" PRId64 "ms/%" PRId64 "ms", ping, pong);
}

void trial_begin(struct feature_trial *t, enum feature_mode m, const struct canary_figures sum[GROUPS])
{
	*t = (struct feature_trial){ .mode = m, .base = { sum[GROUP_STABLE], sum[GROUP_CANARY] } };
}

struct canary_figures trial_figures(const struct feature_trial *t, int group, const struct canary_figures *sum)
{
	const struct canary_figures *b = &t->base[group];
	const struct window *rtt = &t->rtt[group];
	return (struct canary_figures){ .connections = sum->connections, .messages = sum->messages - b->messages, .errors = sum->errors - b->errors,
		.duplicates = sum->duplicates - b->duplicates, .drops = sum->drops - b->drops, .reconnects = sum->reconnects - b->reconnects,
		.rtts = rtt->n, .rtt_p50_us = window_percentile(rtt, 50), .rtt_p99_us = window_percentile(rtt, 99) };
}

void trial_add(struct canary_figures *sum, const struct link_view *v, int64_t drops, int64_t duplicates)
{
	sum->connections++;
	sum->messages += v->messages_in;
	sum->errors += v->bad_frames;
	sum->reconnects += v->reconnects;
	sum->drops += drops;
	sum->duplicates += duplicates;
}
