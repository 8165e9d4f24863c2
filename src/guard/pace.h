/* How fast one lane is asked (SEMANTICS 5): never faster than the configured rate, and no faster than
 * the store lets through, whatever it tells about that. Pure; time is an argument.
 *
 * A store that sends its limit, what remains and when it is restored with every answer is followed to
 * the token (told). One that only refuses is learned: the start is careful, doubles while nothing is
 * refused, and each refusal marks a moment at which the store's own bucket was empty. What it let
 * through between two such moments, by the time between them, is its rate; three per cent less is
 * what is then sent. From there the rate rises slowly and faster the longer nothing is refused, so
 * that a raised limit is found as well. A refusal of what left before the last step down is the
 * same refusal.
 *
 * A wait that was asked for closes the lane until then. Whole seconds cannot say less than one, so a
 * second alone only means "too fast": the item that was refused waits for it, the lane goes on below
 * the rate it learned, until that turns out to be refused as well. */
#ifndef SLUICE_GUARD_PACE_H
#define SLUICE_GUARD_PACE_H

#include "guard/bucket.h"

/* What an answer's headers tell; limit <= 0 or a negative number: not told. */
struct pace_quota {
	int64_t limit, remaining;       /* requests */
	int64_t reset_ms;               /* until all of limit is there again, or until the next window */
};

struct pace_answer {
	bool refused;                   /* too fast, by code and body */
	bool accepted;                  /* the store let it through, whatever it then said */
	int64_t sent_us;                /* when pace_sent was called for it */
	int64_t wait_ms;                /* refused: asked for; -1 nothing */
	bool coarse;                    /* wait_ms came in whole seconds */
	struct pace_quota quota;
};

enum pace_state { PACE_CEILING, PACE_START, PACE_SEEK, PACE_LEARNED, PACE_TOLD };
const char *pace_state_name(enum pace_state s);            /* "configured" "starting" "seeking" "learned" "told" */

struct pace {
	struct bucket bucket;
	int64_t ceiling_mhz, burst;     /* configured; tokens per 1,000 s, tokens */
	enum pace_state state;
	int64_t per_request;            /* items that one request may carry */
	int64_t out;                    /* sent, not answered */
	int64_t accepted;               /* so far */
	int64_t grown_at;               /* accepted at the last step of the rate */
	int64_t gain_bp;                /* learned: next step up */
	int64_t sent_us, cut_us;        /* of the last one; of the last step down */
	int64_t asked_until_us;         /* a second that did not close the lane is over */
	int64_t cut_at;                 /* accepted at that step down */
	bool strict;                    /* a second that was asked for is meant for all */
	int64_t barren, thin;           /* steps down in a row with nothing, with hardly anything accepted between */
	struct pace_mark {
		int64_t us, accepted;
	} empty, recent[2];             /* the store's bucket was empty (us < 0: not known); two moments of late */
	int64_t least_mhz;              /* lowest rate since it was empty */
	int64_t left;                   /* told: as many may be sent before the next answer; -1 not told */
	int64_t left_until_us;          /* then there is more */
	struct pace_quota last;
	bool refills;                   /* told: the store's bucket fills all the time; false: in windows, or not known */
	int64_t best_reset_ms, best_us; /* the reading its rate comes from */
	int64_t trust_bp;               /* of a told rate; falls with refusals */
};

/* learned_mhz: what pace_learned gave at the end of an earlier cycle, 0 = nothing known,
 * the ceiling or more = it may be asked that fast at once. */
void pace_init(struct pace *p, int64_t rate_mhz, int64_t burst, int64_t learned_mhz, int64_t now_us);
/* One request may carry so many items: little is known of requests, not of items. Right after pace_init. */
void pace_bulk(struct pace *p, int64_t per_request, int64_t now_us);
int64_t pace_wait_us(const struct pace *p, int64_t now_us);        /* until the next may be sent; INT64_MAX if an answer must come first */
void pace_sent(struct pace *p, int64_t now_us);
/* Once for each one sent; neither refused nor accepted: it never left, or nobody knows. */
void pace_answered(struct pace *p, const struct pace_answer *a, int64_t now_us);
int64_t pace_in_flight(const struct pace *p);                      /* at most, while little is known; INT64_MAX */
int64_t pace_rate_mhz(const struct pace *p);
int64_t pace_learned_mhz(const struct pace *p);                    /* 0 unless learned or told */

#endif
