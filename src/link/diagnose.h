/* Second looks at links by libcurl (net/climb.h): when an attempt failed without an exact reason, and
 * when a person asks. At most LOOKS at once and one in LOOK_PACE_MS, and for one link never more often than every LOOK_GAP
 * seconds, whoever asks: between two the last answer is given again. A look never touches the link's
 * own connection. Loop thread only. */
#ifndef SLUICE_LINK_DIAGNOSE_H
#define SLUICE_LINK_DIAGNOSE_H

#include "base/json.h"
#include "config/config.h"
#include "link/ladder.h"
#include "net/climb.h"

enum { LOOKS = 4, LOOK_GAP_S = 5, LOOK_PACE_MS = 100 };

struct diagnosis {
	int64_t at_us;                  /* boot time of its end; -1 = never looked */
	struct climb climb;
	enum link_cause cause;          /* CAUSE_NONE: every rung was passed */
};

struct diagnoser;
/* links is borrowed. looked, which may be NULL, is called after every look. */
struct diagnoser *diagnoser_new(struct loop *l, const struct cfg_link *links, size_t n,
				void (*looked)(void *ctx, size_t link, const struct diagnosis *d), void *ctx);
void diagnoser_free(struct diagnoser *d);       /* who waits is answered NULL; not from a callback */

/* Answered once: now when the last look is fresh, else after the look. */
typedef void diagnose_fn(void *ctx, const struct diagnosis *d, bool fresh);
void diagnose(struct diagnoser *d, size_t link, diagnose_fn *fn, void *ctx);
/* Look when its turn comes; the answer, also one of a moment ago, comes to looked. */
void diagnose_soon(struct diagnoser *d, size_t link);
const struct diagnosis *diagnoser_look(const struct diagnoser *d, size_t link);

/* "what (words): probably why; what to do", or that every rung was passed. */
void diagnosis_sentence(const struct diagnosis *d, struct buf *out);
/* Members of an object: rungs, certificate … (api/PROTOCOL.md). */
void diagnosis_json(const struct diagnosis *d, struct jw *w);

#endif
