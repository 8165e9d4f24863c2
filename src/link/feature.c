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

static bool keepalive_given(const struct cfg_features *f) { return f->ping_interval_ms > 0 || f->pong_timeout_ms > 0; }
static bool dedup_given(const struct cfg_features *f) { return f->dedup_window > 0 || f->dedup_age_ms > 0; }
static bool queue_given(const struct cfg_features *f) { return f->queue_items > 0 || f->queue_bytes > 0; }
static bool pool_given(const struct cfg_features *f) { return f->connections > 0; }

bool feature_given(const struct cfg_link *c, enum canary_feature f)
{
	static bool (*const given[])(const struct cfg_features *) = { [CANARY_KEEPALIVE] = keepalive_given, [CANARY_DEDUP] = dedup_given, [CANARY_QUEUE] = queue_given,
		[CANARY_POOL] = pool_given };
	return given[f](&c->features);
}

bool feature_any(const struct cfg_link *c)
{
	for (int f = 0; f < CANARY_FEATURES; f++)
		if (feature_given(c, (enum canary_feature)f))
			return true;
	return false;
}

int feature_canaries(const struct cfg_link *c, int n)
{
	int64_t share = (c->features.share_bp * n + WHOLE_BP - 1) / WHOLE_BP;
	return n < 2 ? 0 : (int)MIN(MAX(share, (int64_t)1), (int64_t)n - 1);
}

static bool is_new(enum feature_mode m, bool canary)
{
	return m == FEATURE_ON || (m == FEATURE_CANARY && canary);
}

/* The one to try, where one is given. */
static int64_t of(bool new, int64_t tried, int64_t own)
{
	return new && tried > 0 ? tried : own;
}

void feature_keepalive(const struct cfg_link *c, enum feature_mode m, bool canary, int64_t *ping_ms, int64_t *pong_ms)
{
	*ping_ms = of(is_new(m, canary), c->features.ping_interval_ms, c->ping_interval_ms);
	*pong_ms = of(is_new(m, canary), c->features.pong_timeout_ms, c->pong_timeout_ms);
}

struct dedup_bounds feature_dedup(const struct cfg_link *c, enum feature_mode m, bool canary)
{
	bool new = is_new(m, canary);
	return (struct dedup_bounds){ of(new, c->features.dedup_window, c->events.window), of(new, c->features.dedup_age_ms, c->events.window_age_ms) * 1000 };
}

struct dedup_bounds feature_dedup_most(const struct cfg_link *c)
{
	struct dedup_bounds own = feature_dedup(c, FEATURE_OFF, false), new = feature_dedup(c, FEATURE_ON, true);
	return (struct dedup_bounds){ MAX(own.window, new.window), MAX(own.age_us, new.age_us) };
}

struct queue_opts feature_queue(const struct cfg_link *c, enum feature_mode m, bool canary)
{
	bool new = is_new(m, canary);
	return (struct queue_opts){ (size_t)of(new, c->features.queue_items, c->notify.items), (size_t)of(new, c->features.queue_bytes, c->notify.bytes),
				    c->notify.age_ms * 1000 };
}

int feature_connections(const struct cfg_link *c, enum feature_mode m)
{
	int64_t own = MAX(c->connections, (int64_t)1), more = MAX(c->features.connections - own, (int64_t)0);
	int64_t some = MIN(MAX((c->features.share_bp * more + WHOLE_BP - 1) / WHOLE_BP, (int64_t)1), more);
	return (int)(own + (m == FEATURE_ON ? more : m == FEATURE_CANARY ? some : 0));
}

static void keepalive_value(const struct cfg_link *c, char out[64])
{
	int64_t ping, pong;
	feature_keepalive(c, FEATURE_ON, true, &ping, &pong);
	snprintf(out, 64, "%" PRId64 "ms/%" PRId64 "ms", ping, pong);
}

static void dedup_value(const struct cfg_link *c, char out[64])
{
	struct dedup_bounds b = feature_dedup(c, FEATURE_ON, true);
	snprintf(out, 64, "%" PRId64 "/%" PRId64 "ms", b.window, b.age_us / 1000);
}

static void queue_value(const struct cfg_link *c, char out[64])
{
	struct queue_opts o = feature_queue(c, FEATURE_ON, true);
	snprintf(out, 64, "%zu/%zuB", o.items, o.bytes);
}

static void pool_value(const struct cfg_link *c, char out[64])
{
	snprintf(out, 64, "%" PRId64, c->features.connections);
}

void feature_value(const struct cfg_link *c, enum canary_feature f, char out[64])
{
	static void (*const value[])(const struct cfg_link *, char[64]) = { [CANARY_KEEPALIVE] = keepalive_value, [CANARY_DEDUP] = dedup_value, [CANARY_QUEUE] = queue_value,
		[CANARY_POOL] = pool_value };
	value[f](c, out);
}

void trial_begin(struct feature_trial *t, enum feature_mode m, const struct canary_figures sum[GROUPS])
{
	*t = (struct feature_trial){ .mode = m, .base = { sum[GROUP_STABLE], sum[GROUP_CANARY] } };
}

struct canary_figures trial_figures(const struct feature_trial *t, int group, const struct canary_figures *sum)
{
	const struct canary_figures *b = &t->base[group];
	const struct window *rtt = &t->rtt[group];
	return (struct canary_figures){ .connections = sum->connections, .up = sum->up, .messages = sum->messages - b->messages, .errors = sum->errors - b->errors,
		.duplicates = sum->duplicates - b->duplicates, .drops = sum->drops - b->drops, .reconnects = sum->reconnects - b->reconnects,
		.rtts = rtt->n, .rtt_p50_us = window_percentile(rtt, 50), .rtt_p99_us = window_percentile(rtt, 99),
		.wait_p50_us = -1, .wait_p99_us = -1 };
}

void trial_add(struct canary_figures *sum, const struct link_view *v, int64_t drops, int64_t duplicates)
{
	sum->connections++;
	sum->up += v->state == LINK_UP;
	sum->messages += v->messages_in;
	sum->errors += v->bad_frames;
	sum->reconnects += v->reconnects;
	sum->drops += drops;
	sum->duplicates += duplicates;
}
