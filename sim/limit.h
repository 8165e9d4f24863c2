/* A rate limit as stores keep it: a bucket that fills all the time, and how it is told. Pure: time is
 * an argument. */
#ifndef SLUICE_SIM_LIMIT_H
#define SLUICE_SIM_LIMIT_H

#include "base/str.h"

/* X-macro: enum and word. */
#define LIMIT_TELLS(X) \
	X(NOTHING, "nothing")           /* 429 and no word more */ \
	X(RETRY_AFTER, "retry-after")   /* Retry-After in whole seconds, rounded up */ \
	X(DATE, "date")                 /* Retry-After as an HTTP date */ \
	X(MS, "ms")                     /* retry-after-ms */ \
	X(HEADERS, "headers")           /* x-ratelimit-*-requests with every answer */ \
	X(BODY, "body")                 /* RetryInfo among the details of the error */
enum limit_tell {
#define X(e, w) LIMIT_##e,
	LIMIT_TELLS(X)
#undef X
	LIMIT_TELL_COUNT
};

struct limit {
	int64_t rate, burst;            /* requests a second; 0 = no limit */
	int64_t level;                  /* millionths of a request */
	int64_t at_us;
	int64_t refused;
};

void limit_init(struct limit *l, int64_t rate, int64_t burst, int64_t now_us);
bool limit_take(struct limit *l, int64_t now_us);
/* Header lines of an answer at wall time now_s. */
void limit_tell(const struct limit *l, enum limit_tell t, bool refused, int64_t now_s, struct buf *fields);
/* The error object with RetryInfo. */
void limit_body(const struct limit *l, struct buf *body);

#endif
