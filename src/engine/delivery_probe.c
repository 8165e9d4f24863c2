/* An op of the peer's own protocol, now and then: a daemon may answer pings while its workers hang. */
#include "engine/delivery_impl.h"

#include "base/log.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int64_t boot_us(void) { return now_read().boot_us; }

static const char *op_of(const struct dlink *l)
{
	return l->probe.plain ? "list_tools" : l->cfg->probe;
}

static bool wanted(const struct dlink *l)
{
	return l->adapter && l->adapter->answers && strcmp(l->cfg->probe, "none") != 0;
}

static void failed(struct dlink *l, const char *why)
{
	l->probe.sent_us = -1;
	l->probe.failed++;
	snprintf(l->probe.trouble, sizeof l->probe.trouble, "%s", why);
	log_warn("link", l->cfg->name, "%s", why);
	engine_changed(l->en, ENGINE_OVERVIEW);
}

static void ask(struct dlink *l, int64_t now)
{
	struct buf b = { 0 };
	struct err e;
	adapter_probe(&b, op_of(l), ++l->probe.n);
	if (pool_send(l->en->link[l->i], buf_slice(&b), &e) == RC_OK)
		l->probe.sent_us = now;
	l->probe.due_us = now + l->cfg->probe_interval_ms * 1000;
	buf_done(&b);
}

void delivery_probe(struct dlink *l)
{
	int64_t now = boot_us();
	char why[160];
	if (!wanted(l))
		return;
	if (pool_state(l->en->link[l->i]) != LINK_UP) {
		l->probe.sent_us = -1;
		l->probe.due_us = 0;
		l->probe.trouble[0] = '\0';             /* the link says what is wrong */
		return;
	}
	if (l->probe.sent_us >= 0 && now - l->probe.sent_us >= l->cfg->probe_timeout_ms * 1000) {
		snprintf(why, sizeof why, "it answers pings, but not %s, for %" PRId64 " ms: its workers hang", op_of(l), l->cfg->probe_timeout_ms);
		failed(l, why);
	}
	if (l->probe.sent_us < 0 && now >= l->probe.due_us)
		ask(l, now);
}

void delivery_probe_answer(struct dlink *l, const struct json *root)
{
	char error[64], why[160];
	if (!wanted(l) || l->probe.sent_us < 0)
		return;
	switch (l->adapter->answers(root, op_of(l), error)) {
	case PROBE_NOT_THIS:
		return;
	case PROBE_UNKNOWN_OP:
		l->probe.plain = true;
		l->probe.sent_us = -1;
		l->probe.due_us = 0;
		return;
	case PROBE_ERROR:
		snprintf(why, sizeof why, "it answers %s with %s", op_of(l), error[0] ? error : "an error");
		failed(l, why);
		return;
	case PROBE_ANSWERED:
		l->probe.took_us = boot_us() - l->probe.sent_us;
		l->probe.sent_us = -1;
		if (l->probe.trouble[0])
			engine_changed(l->en, ENGINE_OVERVIEW);
		l->probe.trouble[0] = '\0';
		return;
	}
}
