/* Of one link: what came in and took effect, what waits to go out, and what the other side says of itself. */
#include "base/text.h"
#include "ui/format.h"
#include "ui/screens/screens.h"
#include "ui/widgets/flow.h"

/* What a peer does not tell of itself is not zero. */
static void told(struct flow *f, const char *name, int64_t v, int64_t of)
{
	if (v < 0)
		flow_fieldf(f, name, "not reported");
	else if (of < 0)
		flow_fieldf(f, name, "%lld", (long long)v);
	else
		flow_fieldf(f, name, "%lld of %lld", (long long)v, (long long)of);
}

static void inbox(struct flow *f, const struct m_link *k)
{
	flow_fieldf(f, "taken in", "%lld, each once; %lld repeats, %lld missing, %lld not recorded", (long long)k->taken,
		    (long long)k->duplicates, (long long)k->gaps, (long long)k->unrecorded);
	if (k->reordered > 0 || k->epochs > 0 || k->pending > 0)
		flow_fieldf(f, "", "%lld out of order, %lld streams begun anew, %lld not yet durable", (long long)k->reordered,
			    (long long)k->epochs, (long long)k->pending);
}

static void outbox(struct flow *f, const struct m_link *k, int64_t now_us)
{
	char age[FORMAT_TEXT], bytes[FORMAT_TEXT];
	flow_fieldf(f, "events", "%lld wait, %lld sent, %lld dropped (%lld too old, %lld too large)", (long long)k->queued, (long long)k->sent,
		    (long long)(k->expired + k->too_large), (long long)k->expired, (long long)k->too_large);
	if (k->queued > 0)
		flow_fieldf(f, "", "%s wait, the oldest for %s; %lld sent again", format_bytes(bytes, k->queued_bytes),
			    format_age(age, now_us, k->oldest_us), (long long)k->repeated);
}

/* The daemon's own words, beside what the connection tells and never instead. */
static void said(struct flow *f, const struct m_link *k, int64_t now_us)
{
	char word[80], age[FORMAT_TEXT];
	if (k->said_trouble.n > 0) {
		flow_field(f, "its daemon", k->said_trouble);
		return;
	}
	if (k->said_us < 0)
		flow_fieldf(f, "its daemon says", "nothing yet");
	else
		flow_fieldf(f, "its daemon says", "%s ago:", format_age(age, now_us, k->said_us));
	for (int i = 0; k->said_us >= 0 && i < k->saids; i++) {
		char name[40];
		text_z(name, sizeof(name), k->said[i].name);
		flow_fieldf(f, name, "%s", k->said[i].word.p ? text_z(word, sizeof(word), k->said[i].word) : "not reported");
	}
}

void link_delivery_lines(struct flow *f, const struct m_link *k, int64_t now_us)
{
	if (k->taken >= 0)
		inbox(f, k);
	if (k->queued >= 0)
		outbox(f, k, now_us);
	if (k->reports) {
		told(f, "sessions", k->sessions, -1);
		told(f, "semaphores", k->semaphore_current, k->semaphore_limit);
	}
	if (k->probe_trouble.n > 0)
		flow_field(f, "probe", k->probe_trouble);
	if (k->file_trouble.n > 0)
		flow_field(f, "health file", k->file_trouble);
	if (k->asked)
		said(f, k, now_us);
}
