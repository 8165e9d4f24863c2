/* What links tell in figures. Above LINKS_SHOWN links the others are one series, so that a page stays
 * readable however long the configuration is. */
#include "engine/internal.h"

#include "base/mem.h"
#include "engine/delivery.h"
#include "engine/otlp.h"
#include "link/causes.h"

#include <stdlib.h>
#include <string.h>

enum { LINKS_SHOWN = 100 };
static const char OTHERS[] = "(others)";        /* no link can have this name */

struct one {
	const struct link_view *l;
	struct delivery_view d;
	struct pool_counts pool;
};

#define IN(m) static int64_t in_##m(const struct one *x) { return x->d.dedups ? x->d.in.m : -1; }
#define OUT(m) static int64_t out_##m(const struct one *x) { return x->d.notifies ? x->d.out.m : -1; }
#define OF(m) static int64_t of_##m(const struct one *x) { return x->l->m; }
OF(messages_in) OF(messages_out) OF(bytes_in) OF(bytes_out) OF(reconnects) OF(attempts) OF(pings) OF(pongs) OF(bad_frames)
IN(duplicates) IN(gaps) IN(reordered) IN(epochs) IN(nowhere) IN(refused)
OUT(sent) OUT(repeated)

static int64_t probe_us(const struct one *x) { return x->d.probes ? x->d.probe_us : -1; }
static int64_t probes_failed(const struct one *x) { return x->d.probes ? x->d.probes_failed : -1; }
static int64_t said(const struct one *x) { return x->d.said_healthy; }
static int64_t rtt(const struct one *x) { return window_last(&x->l->rtt_us, 0); }
static int64_t taken(const struct one *x) { return x->d.dedups ? x->d.taken : -1; }
static int64_t marks(const struct one *x) { return x->d.dedups ? x->d.marks : -1; }
static int64_t items(const struct one *x) { return x->d.notifies ? x->d.queue_items : -1; }
static int64_t bytes(const struct one *x) { return x->d.notifies ? x->d.queue_bytes : -1; }
static int64_t dropped(const struct one *x) { return x->d.notifies ? x->d.out.expired + x->d.out.too_large : -1; }

/* of: -1 = the link has none. The others are added up, of seconds the largest is shown. */
static const struct {
	const char *name, *type, *help;
	int64_t (*of)(const struct one *x);
	bool seconds;
} rows[] = {
	{ "sluice_link_messages_total", "counter", "Messages received on a link.", of_messages_in, false },
	{ "sluice_link_messages_sent_total", "counter", "Messages handed to a link's connection.", of_messages_out, false },
	{ "sluice_link_received_bytes_total", "counter", "Bytes of messages received on a link.", of_bytes_in, false },
	{ "sluice_link_sent_bytes_total", "counter", "Bytes of messages handed to a link's connection.", of_bytes_out, false },
	{ "sluice_link_attempts_total", "counter", "Attempts to connect a link.", of_attempts, false },
	{ "sluice_link_reconnects_total", "counter", "Times a link was connected again.", of_reconnects, false },
	{ "sluice_link_pings_total", "counter", "Pings sent on a link.", of_pings, false },
	{ "sluice_link_pongs_total", "counter", "Pongs that answered a ping of ours.", of_pongs, false },
	{ "sluice_link_unknown_frames_total", "counter", "Frames that the link's adapter does not know.", of_bad_frames, false },
	{ "sluice_link_rtt_seconds", "gauge", "Last round trip of a ping.", rtt, true },
	{ "sluice_link_probe_seconds", "gauge", "How long the last answered probe took.", probe_us, true },
	{ "sluice_link_probes_failed_total", "counter", "Probes without an answer, or with an error.", probes_failed, false },
	{ "sluice_link_says_healthy", "gauge", "1 when a link's daemon calls itself healthy on its health page, 0 when it calls itself something else; no line when it does not say.", said, false },
	{ "sluice_link_taken_total", "counter", "Messages whose effect is durable, each counted once, over all runs.", taken, false },
	{ "sluice_link_marks", "gauge", "Marks against repeats that a link holds.", marks, false },
	{ "sluice_link_duplicates_total", "counter", "Messages that had been taken already.", in_duplicates, false },
	{ "sluice_link_gaps_total", "counter", "Sequence numbers that were skipped.", in_gaps, false },
	{ "sluice_link_reordered_total", "counter", "Messages that came after a later one.", in_reordered, false },
	{ "sluice_link_epoch_changes_total", "counter", "Times a peer began its stream anew.", in_epochs, false },
	{ "sluice_link_unplaced_total", "counter", "Messages without id and sequence.", in_nowhere, false },
	{ "sluice_link_unrecorded_total", "counter", "Messages that could not be recorded and wait for their repetition.", in_refused, false },
	{ "sluice_link_queue_items", "gauge", "Events that wait for a link or for its acknowledgement.", items, false },
	{ "sluice_link_queue_bytes", "gauge", "Bytes of the events that wait.", bytes, false },
	{ "sluice_link_events_sent_total", "counter", "Events that left, or were acknowledged where the link says so.", out_sent, false },
	{ "sluice_link_events_repeated_total", "counter", "Events that went out again after a cut.", out_repeated, false },
	{ "sluice_link_events_dropped_total", "counter", "Events that were too old or too large and never sent.", dropped, false },
};

static void row_of(struct metrics *m, size_t r, const struct one *x, size_t n)
{
	int64_t others = -1;
	metric_family(m, rows[r].name, rows[r].type, rows[r].help);
	for (size_t i = 0; i < n; i++) {
		int64_t v = rows[r].of(&x[i]);
		if (v < 0)
			continue;
		if (i >= LINKS_SHOWN)
			others = others < 0 ? v : rows[r].seconds ? MAX(others, v) : others + v;
		else if (rows[r].seconds)
			metric_micro(m, "link", x[i].l->name, NULL, NULL, v);
		else
			metric_sample(m, "link", x[i].l->name, NULL, NULL, v);
	}
	if (others >= 0 && rows[r].seconds)
		metric_micro(m, "link", OTHERS, NULL, NULL, others);
	else if (others >= 0)
		metric_sample(m, "link", OTHERS, NULL, NULL, others);
}

static void states(struct metrics *m, const struct one *x, size_t n)
{
	int64_t others[LINK_STATE_COUNT] = { 0 };
	metric_family(m, "sluice_link_state", "gauge", "1 for the state each link is in; for the others together, how many are.");
	for (size_t i = 0; i < n; i++)
		for (int s = 0; i < LINKS_SHOWN && s < LINK_STATE_COUNT; s++)
			metric_sample(m, "link", x[i].l->name, "state", link_state_name((enum link_state)s), (int)x[i].l->state == s);
	for (size_t i = LINKS_SHOWN; i < n; i++)
		others[x[i].l->state]++;
	for (int s = 0; n > LINKS_SHOWN && s < LINK_STATE_COUNT; s++)
		metric_sample(m, "link", OTHERS, "state", link_state_name((enum link_state)s), others[s]);
}

static void connections(struct metrics *m, const struct one *x, size_t n)
{
	int64_t others[LINK_STATE_COUNT] = { 0 };
	metric_family(m, "sluice_link_connections", "gauge", "Connections of each link by state.");
	for (size_t i = 0; i < n; i++)
		for (int s = 0; s < LINK_STATE_COUNT; s++) {
			if (i < LINKS_SHOWN)
				metric_sample(m, "link", x[i].l->name, "state", link_state_name((enum link_state)s), x[i].pool.by_state[s]);
			else
				others[s] += x[i].pool.by_state[s];
		}
	for (int s = 0; n > LINKS_SHOWN && s < LINK_STATE_COUNT; s++)
		metric_sample(m, "link", OTHERS, "state", link_state_name((enum link_state)s), others[s]);
}

static void breakers(struct metrics *m, const struct one *x, size_t n)
{
	int64_t others[BREAKER_DISABLED + 1] = { 0 };
	metric_family(m, "sluice_link_breaker_state", "gauge", "1 for the state each link's breaker is in; for the others together, how many are.");
	for (size_t i = 0; i < n; i++)
		for (int s = BREAKER_CLOSED; i < LINKS_SHOWN && s <= BREAKER_DISABLED; s++)
			metric_sample(m, "link", x[i].l->name, "state", breaker_state_name((enum breaker_state)s), (int)x[i].l->breaker->state == s);
	for (size_t i = LINKS_SHOWN; i < n; i++)
		others[x[i].l->breaker->state]++;
	for (int s = BREAKER_CLOSED; n > LINKS_SHOWN && s <= BREAKER_DISABLED; s++)
		metric_sample(m, "link", OTHERS, "state", breaker_state_name((enum breaker_state)s), others[s]);
}

/* Causes are a closed list; one that never came has no line. */
static void failures(struct metrics *m, const struct one *x, size_t n)
{
	int64_t others[LINK_CAUSES] = { 0 };
	metric_family(m, "sluice_link_failures_total", "counter", "Ends and failed attempts of a link by cause.");
	for (size_t i = 0; i < n; i++)
		for (int c = 1; c < LINK_CAUSES; c++) {
			if (i >= LINKS_SHOWN)
				others[c] += x[i].l->failures[c];
			else if (x[i].l->failures[c])
				metric_sample(m, "link", x[i].l->name, "cause", cause_of((enum link_cause)c)->name, x[i].l->failures[c]);
		}
	for (int c = 1; c < LINK_CAUSES; c++)
		if (others[c])
			metric_sample(m, "link", OTHERS, "cause", cause_of((enum link_cause)c)->name, others[c]);
}

/* Of the links that are shown one by one: nothing of it adds up. */
static void ladders(struct metrics *m, const struct one *x, size_t n)
{
	n = MIN(n, (size_t)LINKS_SHOWN);
	metric_family(m, "sluice_link_cause", "gauge", "1 for why the last connection of a link ended; none while it did not.");
	for (size_t i = 0; i < n; i++)
		metric_sample(m, "link", x[i].l->name, "cause", cause_of(x[i].l->ladder.cause)->name, 1);
	metric_family(m, "sluice_link_rung_seconds", "gauge", "How long each rung of the last attempt took.");
	for (size_t i = 0; i < n; i++)
		for (int r = 0; r < LINK_RUNGS; r++)
			if (x[i].l->ladder.us[r] >= 0)
				metric_micro(m, "link", x[i].l->name, "rung", link_rung_name((enum link_rung)r), x[i].l->ladder.us[r]);
	metric_family(m, "sluice_link_certificate_expiry_seconds", "gauge", "When the certificate of a link's server expires.");
	for (size_t i = 0; i < n; i++)
		if (x[i].l->ladder.cert.expires_us)
			metric_micro(m, "link", x[i].l->name, NULL, NULL, x[i].l->ladder.cert.expires_us);
}

/* What was not reported has no line. */
static void reported(struct metrics *m, const struct one *x, size_t n)
{
	metric_family(m, "sluice_link_reported", "gauge", "What a peer says of itself.");
	for (size_t i = 0; i < MIN(n, (size_t)LINKS_SHOWN); i++)
		for (int f = 0; x[i].d.reports && f < LINK_FACT_COUNT; f++)
			if (x[i].d.facts.v[f] >= 0)
				metric_sample(m, "link", x[i].l->name, "fact", link_fact_name((enum link_fact)f), x[i].d.facts.v[f]);
}

void metrics_links(struct engine *en, struct metrics *m)
{
	size_t n = en->cfg->n_links;
	struct one *x = xcalloc(n + 1, sizeof *x);
	for (size_t i = 0; i < n; i++) {
		x[i].l = pool_look(en->link[i]);
		pool_count(en->link[i], &x[i].pool);
		delivery_look(en, i, &x[i].d);
	}
	metric_family(m, "sluice_links", "gauge", "Links that the configuration names.");
	metric_sample(m, NULL, NULL, NULL, NULL, (int64_t)n);
	if (n) {
		states(m, x, n);
		connections(m, x, n);
		breakers(m, x, n);
		failures(m, x, n);
		ladders(m, x, n);
		reported(m, x, n);
		for (size_t r = 0; r < ARRAY_LEN(rows); r++)
			row_of(m, r, x, n);
	}
	free(x);
}

bool metrics_link_shown(const struct engine *en, const char *name)
{
	for (size_t i = 0; i < MIN(en->cfg->n_links, (size_t)LINKS_SHOWN); i++)
		if (strcmp(en->cfg->links[i].name, name) == 0)
			return true;
	return false;
}
