/* Token bucket in integers: rate per 1,000 s so that slow rates are exact. Pure; time is an argument. */
#ifndef SLUICE_GUARD_BUCKET_H
#define SLUICE_GUARD_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/* One token in the bucket's own unit. */
#define BUCKET_TOKEN INT64_C(1000000000)

struct bucket {
	int64_t rate_mhz;              /* tokens per 1,000 s; 0 = nothing ever passes */
	int64_t burst;                 /* tokens */
	int64_t level;                 /* nano-tokens: one µs brings exactly rate_mhz of them */
	int64_t at_us;
	int64_t closed_until_us;       /* server said wait */
};

void bucket_init(struct bucket *b, int64_t rate_mhz, int64_t burst, int64_t now_us);
bool bucket_take(struct bucket *b, int64_t now_us);
int64_t bucket_wait_us(const struct bucket *b, int64_t now_us);    /* until one token is there; INT64_MAX if never */
void bucket_close_until(struct bucket *b, int64_t until_us);       /* keeps the later of two */
void bucket_rate(struct bucket *b, int64_t rate_mhz, int64_t burst, int64_t now_us);   /* from now on; keeps what it holds */
/* Holds so much at at_us; before then it gains nothing. */
void bucket_level(struct bucket *b, int64_t tokens, int64_t at_us);
int64_t bucket_tokens(const struct bucket *b, int64_t now_us);     /* whole ones */

#endif
