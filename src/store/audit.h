/* The tamper-evident log (SEMANTICS 6): records chained by SHA-256 over a canonical binary encoding
 * of the stored values. Appended by the storage thread only, verified from the row values by anyone.
 * Never a secret, never file content. */
#ifndef SLUICE_STORE_AUDIT_H
#define SLUICE_STORE_AUDIT_H

#include "base/hash.h"
#include "base/time.h"
#include "store/checkpoint.h"
#include "store/db.h"

/* Kind and its word in the log. One table: docs, filters and kill points come from it. */
#define AUDIT_KINDS(X) \
	X(ENGINE_START, "engine.start") \
	X(ENGINE_STOP, "engine.stop") \
	X(CONFIG_LOADED, "config.loaded") \
	X(MODE, "mode") \
	X(ATTACH, "operator.attach") \
	X(DETACH, "operator.detach") \
	X(CYCLE_OPEN, "cycle.open") \
	X(CYCLE_PICKED, "cycle.picked") \
	X(GATE, "gate") \
	X(DISCOVERY, "discovery") \
	X(RECORDS_LIST, "records.listed") \
	X(PLAN, "plan.frozen") \
	X(GRANT_PROPOSED, "grant.proposed") \
	X(GRANT_APPROVED, "grant.approved") \
	X(GRANT_REJECTED, "grant.rejected") \
	X(GRANT_LAPSED, "grant.lapsed") \
	X(HOLD, "hold") \
	X(RESUME, "resume") \
	X(RECHECK, "recheck") \
	X(CLAIM_INTENT, "claim.intent") \
	X(CLAIM_OUTCOME, "claim.outcome") \
	X(CLAIM_RELEASE, "claim.release") \
	X(INTENT, "intent") \
	X(OUTCOME, "outcome") \
	X(PROBE, "probe") \
	X(MATRIX, "matrix") \
	X(BREAKER, "breaker") \
	X(LANE, "lane") \
	X(ACK, "ack") \
	X(ABORT, "abort") \
	X(ESCROW_INTENT, "escrow.intent") \
	X(ESCROW_OUTCOME, "escrow.outcome") \
	X(ESCROW_TEST, "escrow.test") \
	X(COMPENSATION_BASELINE, "compensation.baseline") \
	X(COMPENSATION_INTENT, "compensation.intent") \
	X(COMPENSATION_OUTCOME, "compensation.outcome") \
	X(RESTORE_INTENT, "restore.intent") \
	X(RESTORE_OUTCOME, "restore.outcome") \
	X(ROW_INTENT, "row.intent") \
	X(ROW_OUTCOME, "row.outcome") \
	X(DEAD_LETTER, "dead_letter") \
	X(OVERRIDE, "override") \
	X(PROTECT, "protect") \
	X(LINK_INCIDENT, "link.incident") \
	X(FLAG, "flag") \
	X(TRIGGER, "trigger") \
	X(CLOCK_JUMP, "clock.jump") \
	X(REFUSED, "command.refused") \
	X(RECOVERY, "recovery") \
	X(CHECKPOINT, "checkpoint") \
	X(SEAL, "segment.sealed") \
	X(CYCLE_CLOSE, "cycle.close")

enum audit_kind {
#define X(e, w) AUDIT_##e,
	AUDIT_KINDS(X)
#undef X
	AUDIT_KIND_COUNT
};
const char *audit_kind_name(enum audit_kind k);
bool audit_kind_parse(struct slice word, enum audit_kind *out);

struct audit_actor {
	struct slice name;      /* operator entry, "engine", "recovery" */
	int64_t uid;            /* -1 = none */
	struct slice role;      /* "operator", "watcher", "engine" */
	struct slice via;       /* "console", "cli", "rpc", "signal", "file", "engine" */
};

struct audit_record {
	int64_t seq;            /* 0 when appending */
	struct now at;
	struct slice boot;
	struct audit_actor actor;
	enum audit_kind kind;
	struct slice subject;   /* item id, lane, link, policy … bytes as they are */
	int64_t cycle;          /* 0 = none */
	struct slice plan;      /* 64 hex digits or empty */
	struct slice payload;   /* JSON object */
	struct hash prev, hash;
};

struct audit_head {
	int64_t seq;            /* 0 = empty */
	struct hash hash;
};

/* "audit.intent": the point passed just before and after the COMMIT of such a record (base/point.h). */
const char *audit_kind_point(enum audit_kind k);

/* Storage thread, inside its transaction, in which *head is the newest record. Fills rec->seq, prev, hash; moves *head on. */
enum rc audit_append(struct db *d, struct audit_head *head, struct audit_record *rec, struct err *e) MUST_USE;
enum rc audit_read_head(struct db *d, struct audit_head *head, struct err *e) MUST_USE;
/* At the begin of that transaction: whether *head is the newest record. If not, *e says so, with RC_OK: the file is sound,
 * but nothing more is to be written into it. */
enum rc audit_unmoved(struct db *d, const struct audit_head *head, bool *unmoved, struct err *e) MUST_USE;
/* The same thread and transaction: the records up to last leave the table, for whom a record of kind AUDIT_SEAL
 * was just appended. The only way a record ever does. */
enum rc audit_drop(struct db *d, const struct audit_head *head, int64_t last, struct err *e) MUST_USE;
/* The hash a record must have, from its values. */
void audit_hash(struct hasher *h, const struct audit_record *rec, struct hash *out);

/* The record in a row whose columns are AUDIT_COLUMNS, borrowed until its next step. NULL, or why it
 * cannot be a record. For store/ only. */
#define AUDIT_COLUMNS \
	"seq, wall_us, boot_us, boot, actor, uid, role, via, kind, subject, cycle, plan, payload, prev, hash"
const char *audit_from_row(struct db_stmt *s, struct audit_record *rec);

struct audit_verdict {
	bool ok;
	int64_t records;        /* whose values were hashed again */
	int64_t first;          /* seq of the first of them, 0 = none */
	int64_t first_bad;      /* seq, 0 if none */
	int64_t anchored;       /* newest record that an anchor names and that is here, 0 = none */
	int anchors;            /* how many of them were compared */
	int checkpoints;        /* signed records of the log that were checked */
	bool stopped;           /* by progress, after `records`: no verdict, whatever ok says */
	char why[200];          /* "record 17: its hash does not match its values" */
	struct audit_head head;
};

enum { AUDIT_ANCHOR_FILES = 8 };

/* What a verification goes by. */
struct audit_proof {
	const char *anchors[AUDIT_ANCHOR_FILES];        /* files; NULL or not there: passed over */
	struct audit_keys keys;         /* whose checkpoints count: the newest anchor and every checkpoint of the log
					 * must be signed by one of them. None: signatures are not looked at */
	bool anchors_due;               /* checkpoints were signed and anchored before: an unsigned newest anchor, or none, is bad */
	bool from_anchor;               /* begin at the newest trusted checkpoint in the anchor files; the whole if there is none */
	/* At the beginning, every 1,024 records and at the end: so many of so many, of 0 = not known; false = stop. May be NULL. */
	bool (*progress)(void *ctx, int64_t done, int64_t of);
	void *ctx;
};
/* Recompute the chain from row values. Anchors that lie beyond the chain or disagree with it are named,
 * and so is a schema whose tables, views or triggers are not those of this version (first_bad 0). RC_OK
 * whenever a verdict was reached. Any thread with its own reader.
 * from_anchor proves that the anchored record is in the file with the values that were signed, that every
 * later record follows it unbroken, and that the file does not end before its newest anchor; rows before
 * it are bound by its hash, but are not read. */
enum rc audit_prove(struct db *reader, const struct audit_proof *p, struct audit_verdict *out, struct err *e) MUST_USE;
/* The same for a JSON-lines export: every line is a record as audit_json writes it, the last may be the
 * signed head, and with keys it must be. RC_USAGE if there is no such file. */
struct audit_export_word {
	struct checkpoint checkpoint;   /* is_signed: the export ends with it */
};
enum rc audit_prove_export(const char *path, const struct audit_proof *p, struct audit_verdict *out, struct audit_export_word *word,
			   struct err *e) MUST_USE;
/* The whole chain against one anchor file (may be NULL or not there), without keys. */
enum rc audit_verify(struct db *reader, const char *anchor_file, struct audit_verdict *out,
		     void (*progress)(void *ctx, int64_t done, int64_t of), void *ctx, struct err *e) MUST_USE;
/* Append an unsigned line for the head to the anchor file (0600, fsync). */
enum rc audit_anchor(const char *anchor_file, const struct audit_head *head, int64_t wall_us, struct err *e) MUST_USE;
/* The same with a checkpoint. */
enum rc audit_anchor_checkpoint(const char *anchor_file, const struct checkpoint *c, struct err *e) MUST_USE;

struct audit_filter {
	int64_t before_seq;     /* 0 = from the newest */
	int64_t after_seq;      /* 0 = no bound */
	int limit;              /* 0 = 100, at most 1,000 */
	struct slice actor, kind, subject;   /* exact; empty = any; kind may be a prefix ending in '.' */
	int64_t cycle;          /* 0 = any */
	bool oldest_first;
	bool decisions_only;    /* without the records of single items: intent, outcome, probe, row.*, claim.*, escrow.*, compensation.* */
};
typedef enum rc audit_visit(void *ctx, const struct audit_record *rec);   /* slices live for the call */
enum rc audit_query(struct db *reader, const struct audit_filter *f, audit_visit *visit, void *ctx, struct err *e) MUST_USE;
/* One record as a JSON object (the form of tail, show, export and the protocol). */
void audit_json(struct buf *out, const struct audit_record *rec);

#endif
