#include "sim/limit.h"

#include "base/mem.h"
#include "sim/httpd.h"

static const int64_t ONE = 1000000;

void limit_init(struct limit *l, int64_t rate, int64_t burst, int64_t now_us)
{
	*l = (struct limit){ .rate = rate, .burst = burst ? burst : MAX(rate / 10, 1), .at_us = now_us };
	l->level = l->burst * ONE;
}

bool limit_take(struct limit *l, int64_t now_us)
{
	if (!l->rate)
		return true;
	int64_t passed = MIN(now_us - l->at_us, l->burst * ONE);        /* no longer than it takes to fill at one a second */
	l->level = MIN(l->level + passed * l->rate, l->burst * ONE);
	l->at_us = now_us;
	l->refused += l->level < ONE;
	if (l->level < ONE)
		return false;
	l->level -= ONE;
	return true;
}

/* Until there are so many, in ms, rounded up. */
static int64_t wait_ms(const struct limit *l, int64_t tokens)
{
	return (MAX(tokens * ONE - l->level, 0) + l->rate * 1000 - 1) / (l->rate * 1000);
}

void limit_tell(const struct limit *l, enum limit_tell t, bool refused, int64_t now_s, struct buf *fields)
{
	int64_t ms = l->rate ? wait_ms(l, 1) : 0;
	char date[32];
	if (t == LIMIT_HEADERS && l->rate)
		buf_addf(fields, "x-ratelimit-limit-requests: %lld\r\nx-ratelimit-remaining-requests: %lld\r\nx-ratelimit-reset-requests: %lldms\r\n",
			 (long long)l->burst, (long long)(l->level / ONE), (long long)wait_ms(l, l->burst));
	if (!refused)
		return;
	if (t == LIMIT_RETRY_AFTER)
		buf_addf(fields, "Retry-After: %lld\r\n", (long long)((ms + 999) / 1000));
	else if (t == LIMIT_DATE)
		buf_addf(fields, "Retry-After: %s\r\n", http_date(date, now_s + (ms + 999) / 1000));
	else if (t == LIMIT_MS)
		buf_addf(fields, "retry-after-ms: %lld\r\n", (long long)ms);
}

void limit_body(const struct limit *l, struct buf *body)
{
	int64_t ms = wait_ms(l, 1);
	buf_addf(body, "{\"error\":{\"code\":429,\"message\":\"Quota exceeded\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":["
		 "{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"%lld.%03llds\"}]}}",
		 (long long)(ms / 1000), (long long)(ms % 1000));
}
