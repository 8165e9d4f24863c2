#include "guard/trigger.h"

void trigger_init(struct trigger *t, int64_t for_ms, int64_t cooldown_ms)
{
	*t = (struct trigger){ .for_us = for_ms * 1000, .cooldown_us = cooldown_ms * 1000, .since_us = -1, .fired_us = -1 };
}

static bool fire(struct trigger *t, int64_t now_us)
{
	if (t->fired_us >= 0 && now_us - t->fired_us < t->cooldown_us)
		return false;
	t->fired_us = now_us;
	t->firings++;
	return true;
}

bool trigger_see(struct trigger *t, bool holds, int64_t now_us)
{
	if (!holds) {
		t->since_us = -1;
		t->spent = false;
		return false;
	}
	if (t->since_us < 0)
		t->since_us = now_us;
	if (t->spent || now_us - t->since_us < t->for_us)
		return false;
	t->spent = fire(t, now_us);
	return t->spent;
}

bool trigger_count(struct trigger *t, int64_t count, int64_t now_us)
{
	if (++t->counted < count || !fire(t, now_us))
		return false;
	t->counted = 0;
	return true;
}
