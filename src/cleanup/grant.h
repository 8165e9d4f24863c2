/* An operator's approval: an amount of deletion in one lane for exactly one plan (SEMANTICS 4). Pure:
 * phrases, the rules a grant must meet, and the signed grant file. */
#ifndef SLUICE_CLEANUP_GRANT_H
#define SLUICE_CLEANUP_GRANT_H

#include "base/json.h"
#include "cleanup/plan.h"

struct grant {
	struct hash plan;
	char lane[64];
	int64_t items, bytes, share_bp;
	char on_abort[8];               /* restore | keep | ask */
	char reason[200];
	char operator_[64];
	int64_t made_us, lapses_us;     /* wall */
	char nonce[33];
};

/* "DELETE 412 kimi 9f3c" and "IRREVERSIBLE 37" ("" when there is nothing irreversible). */
void grant_phrase(struct buf *out, const struct plan *p, int32_t lane, int64_t items);
void grant_phrase_irreversible(struct buf *out, const struct plan *p, int32_t lane, int64_t items);
enum rc grant_check_phrases(const struct plan *p, const struct grant *g, struct slice phrase, struct slice irreversible,
			    struct err *e) MUST_USE;

/* What a lane did in the last 24 h. */
struct grant_window {
	int64_t spent_items, spent_bytes;
	int64_t most_listed;            /* its largest complete list */
};
/* Every ceiling, checked whole before anything starts; the sentence names the rule:
 * the plan is this one and stands, the amount is inside the plan, caps per plan and per 24 h, what must remain, expiry. */
enum rc grant_check(const struct plan *p, const struct grant *g, const struct grant_window *w, int64_t wall_us,
		    struct err *e) MUST_USE;

/* Signed grant file (api/PROTOCOL.md). */
void grant_encode(struct buf *out, const struct grant *g);              /* the bytes that are signed */
void grant_write(struct buf *json, const struct grant *g, const uint8_t sig[SIG_BYTES]);
enum rc grant_read(struct grant *g, uint8_t sig[SIG_BYTES], const struct json *j, struct err *e) MUST_USE;

#endif
