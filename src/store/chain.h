/* A walk along the log's records, from wherever they come: each follows the one before, hashes to what
 * it says, and is what anchors and signed checkpoints say it is. Inside store/ only. */
#ifndef SLUICE_STORE_CHAIN_H
#define SLUICE_STORE_CHAIN_H

#include "store/anchor.h"
#include "store/audit.h"

struct chain {
	const struct audit_proof *p;
	struct audit_verdict *v;
	struct hasher *h;
	/* the hash of a record that was passed */
	bool (*passed)(void *ctx, int64_t seq, struct hash *out);
	void *ctx;
	struct anchors anchors;         /* filled by chain_begin */
	struct audit_verdict of_anchors;        /* what is wrong with them; told last */
	size_t next_anchor;
	int64_t from;                   /* first record that comes, where that is not the file's first; else 0 */
	int64_t base;                   /* sealed away before the first record */
};

/* The first thing that is wrong; later ones are not kept. */
void chain_bad(struct audit_verdict *v, int64_t seq, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Reads the anchors; p, v, h and passed are set. Read them before the records: a log grows past its anchors. */
enum rc chain_begin(struct chain *c, struct err *e) MUST_USE;
void chain_from(struct chain *c, int64_t seq);          /* the records begin with this one */
void chain_record(struct chain *c, const struct audit_record *rec);
/* No more records; end: the newest seq there is. */
void chain_end(struct chain *c, int64_t end);
/* Frees; what is wrong with the anchors becomes the verdict if nothing else did. */
void chain_done(struct chain *c);

#endif
