#include "guard/retry.h"

static const char *const names[RETRY_CLASS_COUNT] = {
	[RETRY_NONE_CLASS] = "",
#define X(e, w) [RETRY_##e] = w,
	RETRY_CLASSES(X)
#undef X
};

const char *retry_class_name(enum retry_class c)
{
	return c < RETRY_CLASS_COUNT ? names[c] : "";
}

static const struct retry_policy defaults = { .tier = {
	[RETRY_NONE_CLASS] = { 1, { BACKOFF_NONE, 0, 0 } },
	[RETRY_RATE_LIMIT] = { 3, { BACKOFF_EXP, 1000, 60000 } },
	[RETRY_TIMEOUT] = { 2, { BACKOFF_FIXED, 5000, 5000 } },
	[RETRY_SERVER_ERROR] = { 5, { BACKOFF_EXP, 1000, 60000 } },
	[RETRY_NETWORK] = { 4, { BACKOFF_EXP_JITTER, 1000, 30000 } },
	[RETRY_AUTH] = { 1, { BACKOFF_NONE, 0, 0 } },
	[RETRY_BILLING] = { 1, { BACKOFF_NONE, 0, 0 } },
	[RETRY_UNSUPPORTED] = { 1, { BACKOFF_NONE, 0, 0 } },
	[RETRY_REJECTED] = { 1, { BACKOFF_NONE, 0, 0 } },
	[RETRY_CONFLICTING] = { 1, { BACKOFF_NONE, 0, 0 } },
} };

void retry_policy_default(struct retry_policy *p)
{
	*p = defaults;
}

bool retry_may(const struct retry_policy *p, enum retry_class c, int tries)
{
	return c > RETRY_NONE_CLASS && c < RETRY_CLASS_COUNT && tries < p->tier[c].attempts;
}

bool retry_in_first_pass(enum retry_class c)
{
	return c == RETRY_RATE_LIMIT || c == RETRY_NETWORK;
}

int64_t retry_budget_left(const struct retry_budget *b)
{
	int64_t left = b->first_attempts / 10 + 10 - b->repeats;
	return left > 0 ? left : 0;
}

bool retry_budget_take(struct retry_budget *b)
{
	if (retry_budget_left(b) == 0)
		return false;
	b->repeats++;
	return true;
}
