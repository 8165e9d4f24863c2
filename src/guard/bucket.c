#include "guard/bucket.h"

#include "base/mem.h"

void bucket_init(struct bucket *b, int64_t rate_mhz, int64_t burst, int64_t now_us)
{
	const int64_t most = INT64_MAX / BUCKET_TOKEN;
	*b = (struct bucket){
		.rate_mhz = MAX(rate_mhz, 0),
		.burst = MIN(MAX(burst, 0), most),
		.at_us = now_us,
		.closed_until_us = INT64_MIN,
	};
	b->level = b->burst * BUCKET_TOKEN;
}

static int64_t level_at(const struct bucket *b, int64_t now_us)
{
	int64_t full = b->burst * BUCKET_TOKEN, gained, level;
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
	if (b->rate_mhz == 0 || b->level < BUCKET_TOKEN || now_us < b->closed_until_us)
		return false;
	b->level -= BUCKET_TOKEN;
	return true;
}

int64_t bucket_wait_us(const struct bucket *b, int64_t now_us)
{
	if (b->rate_mhz == 0 || b->burst == 0)
		return INT64_MAX;
	int64_t missing = BUCKET_TOKEN - level_at(b, now_us), token = 0;
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

void bucket_rate(struct bucket *b, int64_t rate_mhz, int64_t burst, int64_t now_us)
{
	b->level = level_at(b, now_us);
	b->at_us = MAX(b->at_us, now_us);
	b->rate_mhz = MAX(rate_mhz, 0);
	b->burst = MIN(MAX(burst, 0), INT64_MAX / BUCKET_TOKEN);
	b->level = MIN(b->level, b->burst * BUCKET_TOKEN);
}

void bucket_level(struct bucket *b, int64_t tokens, int64_t at_us)
{
	b->level = MIN(MAX(tokens, 0), b->burst) * BUCKET_TOKEN;
	b->at_us = MAX(b->at_us, at_us);
}

int64_t bucket_tokens(const struct bucket *b, int64_t now_us)
{
	return level_at(b, now_us) / BUCKET_TOKEN;
}
