#include "guard/bucket.h"

#include "base/mem.h"

static const int64_t TOKEN = 1000000000;

void bucket_init(struct bucket *b, int64_t rate_mhz, int64_t burst, int64_t now_us)
{
	const int64_t most = INT64_MAX / TOKEN;
	*b = (struct bucket){
		.rate_mhz = MAX(rate_mhz, 0),
		.burst = MIN(MAX(burst, 0), most),
		.at_us = now_us,
		.closed_until_us = INT64_MIN,
	};
	b->level = b->burst * TOKEN;
}

static int64_t level_at(const struct bucket *b, int64_t now_us)
{
	int64_t full = b->burst * TOKEN, gained, level;
	if (now_us <= b->at_us)
		return b->level;
	if (__builtin_mul_overflow(now_us - b->at_us, b->rate_mhz, &gained) || __builtin_add_overflow(b->level, gained, &level))
		return full;
	return MIN(level, full);
}

bool bucket_take(struct bucket *b, int64_t now_us)
{
	b->level = level_at(b, now_us);
	b->at_us = MAX(b->at_us, now_us);
	if (b->rate_mhz == 0 || b->level < TOKEN || now_us < b->closed_until_us)
		return false;
	b->level -= TOKEN;
	return true;
}

int64_t bucket_wait_us(const struct bucket *b, int64_t now_us)
{
	if (b->rate_mhz == 0 || b->burst == 0)
		return INT64_MAX;
	int64_t missing = TOKEN - level_at(b, now_us), token = 0;
	if (missing > 0)
		token = (missing + b->rate_mhz - 1) / b->rate_mhz;
	/* time that has not come yet brings nothing */
	if (token > 0 && now_us < b->at_us)
		token += b->at_us - now_us;
	return b->closed_until_us > now_us ? MAX(token, b->closed_until_us - now_us) : token;
}

void bucket_close_until(struct bucket *b, int64_t until_us)
{
	b->closed_until_us = MAX(b->closed_until_us, until_us);
}
