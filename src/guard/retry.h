/* Retry tiers and the shared retry budget (SEMANTICS 5). Pure. */
#ifndef SLUICE_GUARD_RETRY_H
#define SLUICE_GUARD_RETRY_H

#include "guard/backoff.h"

#include <stdbool.h>

/* Class of a failed attempt. X-macro: enum and word. */
#define RETRY_CLASSES(X) \
	X(RATE_LIMIT, "rate_limit") \
	X(TIMEOUT, "timeout") \
	X(SERVER_ERROR, "server_error") \
	X(NETWORK, "network")          /* before the request left */ \
	X(AUTH, "auth") \
	X(BILLING, "billing") \
	X(UNSUPPORTED, "unsupported") \
	X(REJECTED, "rejected")        /* a 4xx about the request itself */ \
	X(CONFLICTING, "conflicting")  /* 2xx whose body says something else */

enum retry_class {
	RETRY_NONE_CLASS = 0,
#define X(e, w) RETRY_##e,
	RETRY_CLASSES(X)
#undef X
	RETRY_CLASS_COUNT
};
const char *retry_class_name(enum retry_class c);          /* "" for none */

struct retry_tier {
	int attempts;                  /* in all, the first included; 1 = never again */
	struct backoff wait;
};

struct retry_policy {
	struct retry_tier tier[RETRY_CLASS_COUNT];
};
/* rate_limit exp ×3, timeout fixed ×2, server_error exp ×5, network full jitter ×4, others ×1. */
void retry_policy_default(struct retry_policy *p);
/* May an attempt of this class be repeated after `tries` tries? */
bool retry_may(const struct retry_policy *p, enum retry_class c, int tries);
/* In the first pass only rate_limit, and network before the request left, are repeated. */
bool retry_in_first_pass(enum retry_class c);

/* Shared budget: 10 % of first attempts + 10, for repeats beyond the first of each item. */
struct retry_budget {
	int64_t first_attempts, repeats;
};
int64_t retry_budget_left(const struct retry_budget *b);
bool retry_budget_take(struct retry_budget *b);

#endif
