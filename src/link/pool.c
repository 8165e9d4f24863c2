#include "link/pool.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "link/gate.h"

/* One connection's place in its pool. */
struct member {
	struct pool *p;
	struct link *k;
	struct turn turn;
	struct link_team team;
	enum link_state state;          /* as counted */
	int64_t drops, duplicates;
};

struct pool {
	struct loop *loop;
	struct ws_ctx *ws;
	const struct secret *token;
	struct gate *gate;
	const struct cfg_link *cfg;
	struct pool_handler h;
	void (*message)(void *ctx, struct pool *p, struct slice msg);
	void *message_ctx;
	struct member *m;
	int n, own, most, floor;        /* connections now, without a feature, and at most: of m, of which n live */
	int by_state[LINK_STATE_COUNT];
	int urgent;                     /* asking below the floor */
	int64_t generation;
	bool started;
	struct breaker breaker;
	struct rng rng;
	struct feature_trial *trial[CANARY_FEATURES];   /* NULL = not given */
	int canaries;                   /* the first of m */
	struct member *speaking;        /* whose message is being told */
	struct link_view v, gone;       /* gone: sums of connections that were taken away */
	int64_t gone_drops, gone_duplicates;
	bool any_gone;
	char sentence[400];             /* of the whole */
};

/* Below the floor the most telling state: what needs a person first, what is under way last. */
enum link_state pool_state_of(const int by_state[LINK_STATE_COUNT], int floor)
{
	static const enum link_state telling[] = { LINK_JAMMED, LINK_WAITING, LINK_CLOSING, LINK_HELLO, LINK_CONNECTING, LINK_IDLE };
	if (by_state[LINK_UP] >= MAX(floor, 1))
		return LINK_UP;
	for (size_t i = 0; i < ARRAY_LEN(telling); i++)
		if (by_state[telling[i]])
			return telling[i];
	return LINK_GIVEN_UP;
}

enum link_state pool_state(const struct pool *p)
{
	return pool_state_of(p->by_state, p->floor);
}

/* ---- what a connection asks ---- */

static int on_their_way(const struct pool *p)
{
	return p->by_state[LINK_UP] + p->by_state[LINK_CONNECTING] + p->by_state[LINK_HELLO] + p->urgent;
}

static void ask(void *ctx, struct link *k)
{
	struct member *m = ctx;
	(void)k;
	if (m->turn.waits)
		return;
	bool urgent = on_their_way(m->p) < m->p->floor;
	m->p->urgent += urgent;
	gate_ask(m->p->gate, &m->turn, urgent);
}

static void leave(void *ctx, struct link *k)
{
	struct member *m = ctx;
	(void)k;
	m->p->urgent -= m->turn.waits && m->turn.urgent;
	gate_leave(m->p->gate, &m->turn);
}

void gate_turn(struct turn *x, bool urgent)
{
	struct member *m = (struct member *)(void *)((char *)x - offsetof(struct member, turn));
	m->p->urgent -= urgent;
	link_turn(m->k);
}

static bool spare(void *ctx, const struct link *k)
{
	struct member *m = ctx;
	(void)k;
	return m->p->n == 1 || m->p->by_state[LINK_UP] > m->p->floor;
}

static int64_t generation(void *ctx)
{
	return ++((struct member *)ctx)->p->generation;
}

/* Of pool the canary is what was added, else the first of those that are always there. */
static int group_of(const struct member *m, enum canary_feature f)
{
	long i = m - m->p->m;
	return (f == CANARY_POOL ? i >= m->p->own : i < m->p->canaries) ? GROUP_CANARY : GROUP_STABLE;
}

static int group(const struct member *m)
{
	return group_of(m, CANARY_KEEPALIVE);
}

static void on_rtt(void *ctx, int64_t us)
{
	struct member *m = ctx;
	for (int f = 0; f < CANARY_FEATURES; f++)
		if (m->p->trial[f])
			window_add(&m->p->trial[f]->rtt[group_of(m, (enum canary_feature)f)], us);
}

/* ---- what a connection tells ---- */

static bool has_ended(enum link_state s)
{
	return s == LINK_WAITING || s == LINK_JAMMED || s == LINK_GIVEN_UP;
}

static void on_changed(void *ctx, struct link *k, enum link_state from)
{
	struct member *m = ctx;
	struct pool *p = m->p;
	enum link_state was = pool_state(p), now = link_look(k)->state;
	m->drops += has_ended(now) && !has_ended(from);
	p->by_state[m->state]--;
	p->by_state[m->state = now]++;
	if (from == LINK_UP && p->h.cut)
		p->h.cut(p->h.ctx, p);
	if (p->h.changed && (p->n == 1 || pool_state(p) != was))
		p->h.changed(p->h.ctx, p, was);
}

static void on_message(void *ctx, struct link *k, struct slice msg)
{
	struct member *m = ctx;
	struct pool *p = m->p;
	(void)k;
	p->speaking = m;
	p->message(p->message_ctx, p, msg);
	p->speaking = NULL;
}

void pool_on_message(struct pool *p, void (*fn)(void *ctx, struct pool *p, struct slice msg), void *ctx)
{
	p->message = fn;
	p->message_ctx = ctx;
	for (int i = 0; i < p->n; i++)
		link_on_message(p->m[i].k, on_message, &p->m[i]);
}

/* ---- sending ---- */

enum { ANY = -1 };              /* group */

static struct link *least_loaded(const struct pool *p, int of)
{
	struct link *best = NULL;
	size_t unsent = 0;
	int64_t sent = 0;
	for (int i = 0; i < p->n; i++) {
		struct link *k = p->m[i].k;
		size_t u = link_unsent(k);
		int64_t s = link_look(k)->messages_out;
		if (p->m[i].state != LINK_UP || (of != ANY && group(&p->m[i]) != of) || (best && (u > unsent || (u == unsent && s >= sent))))
			continue;
		best = k;
		unsent = u;
		sent = s;
	}
	return best;
}

enum rc pool_send(struct pool *p, struct slice text, struct err *e)
{
	struct link *k = least_loaded(p, ANY);
	return link_send(k ? k : p->m[0].k, text, e);
}

enum rc pool_send_by(struct pool *p, int group, struct slice text, struct err *e)
{
	struct link *k = least_loaded(p, group);
	return k ? link_send(k, text, e) : pool_send(p, text, e);
}

size_t pool_unsent(const struct pool *p)
{
	size_t sum = 0;
	for (int i = 0; i < p->n; i++)
		sum += link_unsent(p->m[i].k);
	return sum;
}

/* ---- as one ---- */

static const struct member *speaker(const struct pool *p, enum link_state s)
{
	for (int i = 0; i < p->n; i++)
		if (p->m[i].state == s)
			return &p->m[i];
	return &p->m[0];
}

static void add(struct link_view *sum, const struct link_view *v)
{
	sum->messages_in += v->messages_in;
	sum->messages_out += v->messages_out;
	sum->bytes_in += v->bytes_in;
	sum->bytes_out += v->bytes_out;
	sum->pings += v->pings;
	sum->pongs += v->pongs;
	sum->reconnects += v->reconnects;
	sum->attempts += v->attempts;
	sum->up_count += v->up_count;
	sum->bad_frames += v->bad_frames;
	for (int c = 0; c < LINK_CAUSES; c++)
		sum->failures[c] += v->failures[c];
	sum->last_message_us = MAX(sum->last_message_us, v->last_message_us);
	if (v->next_attempt_us >= 0 && (sum->next_attempt_us < 0 || v->next_attempt_us < sum->next_attempt_us))
		sum->next_attempt_us = v->next_attempt_us;
}

const struct link_view *pool_look(struct pool *p)
{
	enum link_state s = pool_state(p);
	const struct link_view *first = link_look(speaker(p, s)->k);
	if (p->n == 1 && !p->any_gone)
		return first;
	p->v = *first;
	if (p->any_gone)
		add(&p->v, &p->gone);
	for (int i = 0; i < p->n; i++)
		if (link_look(p->m[i].k) != first)
			add(&p->v, link_look(p->m[i].k));
	p->v.state = s;
	p->v.generation = p->generation;
	snprintf(p->sentence, sizeof p->sentence, "%d of %d connections up, %d needed: %.300s", p->by_state[LINK_UP], p->n, p->floor,
		 first->sentence);
	if (s != LINK_UP && p->by_state[LINK_UP])
		p->v.sentence = p->sentence;
	return &p->v;
}

void pool_count(const struct pool *p, struct pool_counts *c)
{
	*c = (struct pool_counts){ .configured = p->n, .floor = p->floor, .up = p->by_state[LINK_UP], .generation = p->generation };
	for (int s = 0; s < LINK_STATE_COUNT; s++)
		c->by_state[s] = p->by_state[s];
	for (int i = 0; i < p->n; i++)
		c->asking += p->m[i].turn.waits;
}

const struct link_view *pool_connection(const struct pool *p, int i)
{
	return link_look(p->m[i].k);
}

struct breaker *pool_breaker(struct pool *p)
{
	return &p->breaker;
}

/* ---- what a few try first ---- */

static void sums(const struct pool *p, enum canary_feature f, struct canary_figures sum[GROUPS])
{
	memset(sum, 0, GROUPS * sizeof *sum);
	for (int i = 0; i < p->n; i++)
		trial_add(&sum[group_of(&p->m[i], f)], link_look(p->m[i].k), p->m[i].drops, p->m[i].duplicates);
	if (f == CANARY_POOL || !p->any_gone)           /* of pool the group that went counts anew */
		return;
	trial_add(&sum[GROUP_STABLE], &p->gone, p->gone_drops, p->gone_duplicates);
	sum[GROUP_STABLE].connections--;
}

static void keepalive(struct member *m, enum feature_mode mode)
{
	const struct pool *p = m->p;
	int64_t ping, pong;
	feature_keepalive(p->cfg, mode, group(m) == GROUP_CANARY, &ping, &pong);
	link_keepalive(m->k, ping, pong);
}

static void live(struct pool *p, int i)
{
	struct member *m = &p->m[i];
	*m = (struct member){ .p = p, .state = LINK_IDLE, .team = { &p->breaker, ask, leave, spare, generation, on_rtt, m } };
	m->k = link_new(p->loop, p->ws, p->cfg, p->token, rng_u64(&p->rng), on_changed, m);
	link_join(m->k, &m->team);
}

static void add_one(struct pool *p)
{
	struct member *m = &p->m[p->n];
	live(p, p->n++);
	p->by_state[LINK_IDLE]++;
	if (p->message)
		link_on_message(m->k, on_message, m);
	if (p->trial[CANARY_KEEPALIVE])
		keepalive(m, p->trial[CANARY_KEEPALIVE]->mode);
	if (p->started)
		link_start_in(m->k, (int64_t)rng_below(&p->rng, (uint64_t)MAX(p->cfg->spread_ms, (int64_t)0) + 1));
}

/* Its last connection goes; what it counted stays in the sums. */
static void drop_last(struct pool *p)
{
	struct member *m = &p->m[p->n - 1];
	p->any_gone = true;
	add(&p->gone, link_look(m->k));
	p->gone_drops += m->drops;
	p->gone_duplicates += m->duplicates;
	link_free(m->k);
	m->k = NULL;
	p->by_state[m->state]--;
	p->n--;
	if (m->state == LINK_UP && p->h.cut)
		p->h.cut(p->h.ctx, p);
}

static void resize(struct pool *p, int n)
{
	enum link_state was = pool_state(p);
	while (p->n < n)
		add_one(p);
	while (p->n > n)
		drop_last(p);
	if (p->h.changed && pool_state(p) != was)
		p->h.changed(p->h.ctx, p, was);
}

void pool_feature(struct pool *p, enum canary_feature f, enum feature_mode m)
{
	struct canary_figures sum[GROUPS];
	if (f == CANARY_POOL)
		resize(p, feature_connections(p->cfg, m));
	sums(p, f, sum);
	if (!p->trial[f])
		p->trial[f] = xmalloc(sizeof *p->trial[f]);
	trial_begin(p->trial[f], m, sum);
	for (int i = 0; f == CANARY_KEEPALIVE && i < p->n; i++)
		keepalive(&p->m[i], m);
}

void pool_figures(const struct pool *p, enum canary_feature of, struct canary_figures f[GROUPS])
{
	static const struct feature_trial none;
	struct canary_figures sum[GROUPS];
	sums(p, of, sum);
	for (int g = 0; g < GROUPS; g++)
		f[g] = trial_figures(p->trial[of] ? p->trial[of] : &none, g, &sum[g]);
}

bool pool_is_canary(const struct pool *p, int i)
{
	for (int f = 0; f < CANARY_FEATURES; f++)
		if (p->trial[f] && p->trial[f]->mode == FEATURE_CANARY && group_of(&p->m[i], (enum canary_feature)f) == GROUP_CANARY)
			return true;
	return false;
}

int pool_group_speaking(const struct pool *p)
{
	return p->speaking ? group(p->speaking) : GROUP_STABLE;
}

void pool_duplicate(struct pool *p)
{
	if (p->speaking)
		p->speaking->duplicates++;
}

/* ---- life ---- */

struct pool *pool_new(struct loop *l, struct ws_ctx *ws, struct gate *g, const struct cfg_link *cfg, const struct secret *token,
		      uint64_t seed, const struct pool_handler *h)
{
	struct pool *p = xcalloc(1, sizeof *p);
	p->gate = g;
	p->cfg = cfg;
	p->h = *h;
	p->loop = l;
	p->ws = ws;
	p->token = token;
	p->n = p->own = (int)MAX(cfg->connections, (int64_t)1);
	p->most = (int)MAX((int64_t)p->n, cfg->features.connections);
	p->gone.last_message_us = p->gone.next_attempt_us = -1;
	p->floor = (int)MIN(MAX(cfg->floor, (int64_t)1), (int64_t)p->n);
	rng_seed(&p->rng, seed);
	link_breaker_init(&p->breaker, cfg, rng_u64(&p->rng), loop_now(l).boot_us);
	p->m = xcalloc((size_t)p->most, sizeof *p->m);
	p->canaries = feature_any(cfg) ? feature_canaries(cfg, p->n) : 0;
	p->by_state[LINK_IDLE] = p->n;
	for (int i = 0; i < p->n; i++)
		live(p, i);
	return p;
}

void pool_start(struct pool *p)
{
	p->started = true;
	for (int i = 0; i < p->n; i++)
		link_start_in(p->m[i].k, (int64_t)rng_below(&p->rng, (uint64_t)MAX(p->cfg->spread_ms, (int64_t)0) + 1));
}

void pool_explain(struct pool *p, enum link_cause cause, const struct climb *c)
{
	for (int i = 0; i < p->n; i++)
		link_explain(p->m[i].k, cause, c);
}

void pool_diagnose(struct pool *p)
{
	bool first = true;
	for (int i = 0; i < p->n; i++) {
		struct member *m = &p->m[i];
		if (m->state == LINK_UP && p->n > 1)
			continue;
		if (first)
			link_diagnose(m->k);
		else if (m->state == LINK_WAITING || m->state == LINK_JAMMED || m->state == LINK_GIVEN_UP)
			ask(m, m->k);
		first = false;
	}
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	for (int i = 0; i < p->n; i++)
		link_free(p->m[i].k);
	for (int f = 0; f < CANARY_FEATURES; f++)
		free(p->trial[f]);
	free(p->m);
	free(p);
}
