#include "guard/pace.h"

#include "base/mem.h"

enum {
	START_PER_S = 1000,             /* a higher ceiling is approached from here */
	START_STEP = 25,                /* accepted, for the next step */
	START_BULK = 10,                /* at most so many times more items, where a request carries many */
	START_FLIGHT = 4, START_FLIGHT_OF = 8,  /* in flight: 4, later an eighth of what was accepted */
	ROUGH = 5, SURE = 20,           /* accepted between two empty moments: enough to guess, to know the rate */
	ROUGH_PERCENT = 90, BELOW_PERCENT = 97, /* of a guessed, of a learned rate */
	FAR_PERCENT = 80,
	STEP_PERCENT = 90,              /* a learned rate falls no further at once */
	TOLD_BP = 9900,                 /* of a told one */
	GAIN_BP = 50, GAIN_MAX_BP = 2000,
	IDLE_US = 50000,                /* a pause after which the store's bucket may have overflowed */
	RECENT_US = 100000,
	QUIET_US = 1000000,
	BURST_US = 20000,               /* of a learned rate */
	COARSE_MS = 1000,
	REST_TOKENS = 5, REST_US = 100000,
	BARREN_US = 100000, BARREN_MAX = 9,
	SLOW_MHZ = 1000,                /* one a second; less only when nothing comes through */
	SLOWEST_MHZ = 10                /* one in 100 s */
};

static const char *const names[] = { [PACE_CEILING] = "configured", [PACE_START] = "starting", [PACE_SEEK] = "seeking",
	[PACE_LEARNED] = "learned", [PACE_TOLD] = "told" };

const char *pace_state_name(enum pace_state s)
{
	return names[s];
}

static const int64_t MHZ = 1000;        /* of one per second */

/* Tokens per 1,000 s. */
static int64_t rate_of(int64_t n, int64_t us)
{
	return (int64_t)MIN((__int128)n * 1000000000 / MAX(us, 1), (__int128)INT64_MAX / 2);
}

/* ---- the rate ---- */

static int64_t burst_at(const struct pace *p, int64_t mhz)
{
	if (mhz >= p->ceiling_mhz)
		return p->burst;
	return MIN(MAX(mhz * BURST_US / 1000000000, 1), p->burst);
}

static void set_rate(struct pace *p, int64_t mhz, int64_t now_us)
{
	mhz = MIN(MAX(mhz, MIN(SLOWEST_MHZ, p->ceiling_mhz)), p->ceiling_mhz);
	bucket_rate(&p->bucket, mhz, burst_at(p, mhz), now_us);
	p->grown_at = p->accepted;
	p->least_mhz = MIN(p->least_mhz, mhz);
	if (mhz == p->ceiling_mhz && p->state != PACE_TOLD)
		p->state = PACE_CEILING;
}

void pace_init(struct pace *p, int64_t rate_mhz, int64_t burst, int64_t learned_mhz, int64_t now_us)
{
	*p = (struct pace){ .ceiling_mhz = MAX(rate_mhz, 0), .burst = burst, .state = PACE_CEILING, .gain_bp = GAIN_BP,
		.per_request = 1, .sent_us = INT64_MIN / 2, .cut_us = INT64_MIN / 2, .asked_until_us = INT64_MIN / 2, .empty = { -1, 0 },
		.recent = { { now_us, 0 }, { now_us, 0 } }, .left = -1, .last = { -1, -1, -1 }, .trust_bp = TOLD_BP };
	bucket_init(&p->bucket, p->ceiling_mhz, burst, now_us);
	if (learned_mhz > 0 && learned_mhz < p->ceiling_mhz)
		p->state = PACE_LEARNED;
	else if (!learned_mhz && p->ceiling_mhz > START_PER_S * MHZ)
		p->state = PACE_START;
	if (p->state != PACE_CEILING) {
		set_rate(p, p->state == PACE_START ? START_PER_S * MHZ : learned_mhz, now_us);
		p->bucket.level = MIN(p->bucket.level, p->bucket.burst * BUCKET_TOKEN);
	}
}

void pace_bulk(struct pace *p, int64_t per_request, int64_t now_us)
{
	p->per_request = MAX(per_request, 1);
	if (p->state == PACE_START) {
		set_rate(p, START_PER_S * MHZ * MIN(p->per_request, START_BULK), now_us);
		bucket_level(&p->bucket, p->bucket.burst, now_us);
	}
}

int64_t pace_rate_mhz(const struct pace *p)
{
	return p->bucket.rate_mhz;
}

int64_t pace_learned_mhz(const struct pace *p)
{
	return p->state == PACE_LEARNED || (p->state == PACE_TOLD && p->refills) ? p->bucket.rate_mhz : 0;
}

int64_t pace_in_flight(const struct pace *p)
{
	return p->state == PACE_START ? MAX(p->accepted / START_FLIGHT_OF, START_FLIGHT * p->per_request) : INT64_MAX;
}

/* Nothing is left of what the store told: the next answer says more, or time does. */
static int64_t quota_wait_us(const struct pace *p, int64_t now_us)
{
	if (p->left != 0)
		return 0;
	return p->out > 0 ? INT64_MAX : MAX(p->left_until_us - now_us, 0);
}

int64_t pace_wait_us(const struct pace *p, int64_t now_us)
{
	return MAX(bucket_wait_us(&p->bucket, now_us), quota_wait_us(p, now_us));
}

/* A pause in which the store's bucket may have run over. */
static bool idled(const struct pace *p, int64_t now_us)
{
	return now_us - p->sent_us > IDLE_US + REST_TOKENS * INT64_C(1000000000) / MAX(p->bucket.rate_mhz, 1);
}

void pace_sent(struct pace *p, int64_t now_us)
{
	if (idled(p, now_us)) {
		p->empty.us = -1;
		p->recent[0] = p->recent[1] = (struct pace_mark){ now_us, p->accepted };
	}
	if (p->left > 0)
		p->left--;
	bucket_take(&p->bucket, now_us);
	p->sent_us = now_us;
	p->out++;
}

/* ---- told ---- */

static bool is_told(const struct pace_quota *q)
{
	return q->limit > 0 && q->remaining >= 0 && q->remaining <= q->limit && q->reset_ms >= 0;
}

/* A bucket that fills all the time is restored later the emptier it is; a window ends when it ends. */
static void tell_kind(struct pace *p, const struct pace_quota *q)
{
	const struct pace_quota *was = &p->last;
	if (was->limit != q->limit || q->remaining == was->remaining)
		return;
	if (q->remaining < was->remaining && q->reset_ms > was->reset_ms)
		p->refills = true;
	else if (q->remaining < was->remaining && q->reset_ms < was->reset_ms)
		p->refills = false;
}

/* The longest wait is the most exact, for a second. */
static void read_rate(struct pace *p, const struct pace_quota *q, int64_t now_us)
{
	int64_t used = q->limit - q->remaining;
	if (!p->refills || used < 2 || q->reset_ms < 2 || (q->reset_ms <= p->best_reset_ms && now_us - p->best_us < QUIET_US))
		return;
	p->best_reset_ms = q->reset_ms;
	p->best_us = now_us;
	p->state = PACE_TOLD;
	set_rate(p, rate_of(used, q->reset_ms * 1000) / 10000 * p->trust_bp, now_us);
}

/* Our bucket holds what the store's held for this one and what it gained since, less what is on its way.
 * While others are on their way it may be older than they: it then only says that there is less. */
static void mirror(struct pace *p, const struct pace_quota *q, int64_t sent_us, int64_t now_us)
{
	struct bucket *b = &p->bucket;
	if (p->state != PACE_TOLD || !p->refills) {
		p->left = MAX(q->remaining - p->out, 0);
		p->left_until_us = now_us + q->reset_ms * 1000;
		return;
	}
	int64_t later = (int64_t)((__int128)b->rate_mhz * MAX(now_us - sent_us, 0) / 1000000000);
	p->left = -1;
	b->burst = MAX(MIN(q->limit, p->burst), 1);
	int64_t now = q->remaining + later - p->out - 1, have = bucket_tokens(b, now_us);
	if (!p->out || now < have)
		bucket_level(b, now, now_us);
}

static void told(struct pace *p, const struct pace_quota *q, int64_t sent_us, int64_t now_us)
{
	if (!is_told(q))
		return;
	tell_kind(p, q);
	read_rate(p, q, now_us);
	mirror(p, q, sent_us, now_us);
	p->last = *q;
}

/* ---- learned ---- */

static void remember(struct pace *p, int64_t now_us)
{
	if (now_us - p->recent[1].us < RECENT_US)
		return;
	p->recent[0] = p->recent[1];
	p->recent[1] = (struct pace_mark){ now_us, p->accepted };
}

static void faster(struct pace *p, int64_t now_us)
{
	int64_t since = p->accepted - p->grown_at, rate = p->bucket.rate_mhz;
	if (p->state == PACE_START && since >= START_STEP)
		set_rate(p, rate * 7 / 5, now_us);
	if (p->state == PACE_SEEK && since >= MAX(rate / MHZ / 20, 5))
		set_rate(p, rate * 11 / 10, now_us);
	if (p->state == PACE_TOLD && p->trust_bp < TOLD_BP && since >= MAX(rate / MHZ, 1))
		p->trust_bp = MIN(p->trust_bp + 100, TOLD_BP);
	if (p->state == PACE_LEARNED && since >= MAX(rate / MHZ, 1)) {
		set_rate(p, rate + MAX(rate / 10000 * p->gain_bp, 1), now_us);
		p->gain_bp = MIN(p->gain_bp * 3 / 2, GAIN_MAX_BP);
	}
}

static void is_empty(struct pace *p, int64_t now_us)
{
	p->empty = (struct pace_mark){ now_us, p->accepted };
	p->least_mhz = INT64_MAX;
}

/* The rate after a refusal, by what was let through since the store's bucket was last known empty. Had it run
 * over meanwhile, more might have been: what was found from far below is looked for once more, a rate that
 * held for a while is nearly right. */
static int64_t lower(struct pace *p, int64_t now_us)
{
	struct pace_mark was = p->empty;
	int64_t least = p->least_mhz, rate = p->bucket.rate_mhz, n = p->accepted - was.accepted;
	int64_t seen = rate_of(MAX(p->accepted - p->recent[0].accepted, 1), now_us - p->recent[0].us);
	bool known = was.us >= 0, held = p->state == PACE_LEARNED && p->thin == 0;
	if (!known || n >= SURE)
		is_empty(p, now_us);
	if (!known && held)
		return rate / 100 * STEP_PERCENT;
	p->state = PACE_SEEK;
	if (!known || n < ROUGH)
		return MIN(rate, seen) / 2;
	int64_t is = rate_of(n, now_us - was.us) / 100 * (n < SURE ? ROUGH_PERCENT : BELOW_PERCENT);
	if (held || (n >= SURE && least >= is / 100 * FAR_PERCENT))
		p->state = PACE_LEARNED;
	return held ? MIN(MAX(is, rate / 100 * STEP_PERCENT), rate) : MIN(is, rate);
}

/* The store gets the time of a few tokens, so that the next refusal means something. */
static void rest(struct pace *p, int64_t now_us)
{
	int64_t tokens = p->state == PACE_SEEK ? 2 * REST_TOKENS : REST_TOKENS;
	int64_t us = MIN(tokens * INT64_C(1000000000) / MAX(p->bucket.rate_mhz, 1), REST_US);
	if (p->barren)
		us = MAX(us, (int64_t)BARREN_US << (p->barren - 1));
	bucket_level(&p->bucket, 0, now_us + us);
	p->sent_us = now_us + us;       /* no pause of the caller's */
}

static void cut(struct pace *p, int64_t now_us)
{
	p->barren = p->accepted == p->cut_at && p->cut_us > 0 ? MIN(p->barren + 1, BARREN_MAX) : 0;
	p->thin = p->accepted - p->cut_at < ROUGH && p->cut_us > 0 ? p->thin + 1 : 0;
	if (p->state == PACE_TOLD) {
		p->trust_bp = MAX(p->trust_bp * 9 / 10, 500);
		set_rate(p, p->bucket.rate_mhz / 10 * 9, now_us);
	} else {
		int64_t mhz = lower(p, now_us), least = p->barren ? SLOWEST_MHZ : SLOW_MHZ;
		set_rate(p, MAX(mhz, least), now_us);
	}
	p->gain_bp = GAIN_BP;
	p->cut_us = now_us;
	p->cut_at = p->accepted;
	rest(p, now_us);
}

static void refused(struct pace *p, const struct pace_answer *a, int64_t now_us)
{
	bool within = a->sent_us > p->cut_us && a->sent_us < p->asked_until_us;
	if (a->sent_us > p->cut_us)
		cut(p, now_us);
	if (a->wait_ms < 0)
		return;
	/* what was sent within the second that was asked for is refused again and again: it is meant for all */
	p->strict |= a->coarse && within && p->thin > 1;
	if (!a->coarse || a->wait_ms > COARSE_MS || p->strict)
		bucket_close_until(&p->bucket, now_us + a->wait_ms * 1000);
	p->asked_until_us = MAX(p->asked_until_us, now_us + a->wait_ms * 1000);
}

void pace_answered(struct pace *p, const struct pace_answer *a, int64_t now_us)
{
	p->out = MAX(p->out - 1, 0);
	if (a->accepted) {
		p->accepted++;
		faster(p, now_us);
	}
	if (a->refused)
		refused(p, a, now_us);
	remember(p, now_us);
	told(p, &a->quota, a->sent_us, now_us);
}
