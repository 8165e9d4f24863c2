/* The mirrored state: the engine's snapshots (src/api/PROTOCOL.md) as plain C structs. Filled from
 * JSON that came over the client or from a file; knows neither. -1 = unknown (null), shown as `?`;
 * an absent string has p == NULL. Every string is foreign: it reaches the grid through area_show().
 * A snapshot's strings and arrays live until the next one of its kind. Loop thread only. */
#ifndef SLUICE_UI_MODEL_H
#define SLUICE_UI_MODEL_H

#include "base/json.h"
#include "base/mem.h"

enum { MODEL_RECENT = 32 };

struct m_class {                        /* items by reversibility; index 0 = R0, irreversible */
	int64_t n[4];
};

struct m_breaker {
	struct slice state, window;
	int64_t bad, until_us, flaps, refused;
};

struct m_rung {
	struct slice name, state;
	int64_t us;
};

struct m_said {                         /* of a daemon's health page; word.p NULL: not reported */
	struct slice name, word;
};

enum { M_CANARY, M_STABLE, M_GROUPS };

struct m_figures {                      /* of either group; -1 unknown */
	int64_t connections, up, messages, errors, duplicates, drops, reconnects, rtt_p50_us, rtt_p99_us;
	int64_t missed;                                         /* of dedup; -1: of another feature, as below */
	int64_t events, full, lost, depth, wait_p99_us;         /* of queue */
};

struct m_feature {                      /* of a link, tried on its canary */
	struct slice name, value, mode, by, reason, verdict, why;
	int64_t since_us;
	struct m_figures group[M_GROUPS];
};

struct m_link {
	struct slice name, url, handshake, state, sentence, close_text;
	int64_t rtt_us, rtt_p50_us, rtt_p99_us, last_message_us, messages_in, messages_out;
	int64_t reconnects, attempts, close_code, next_attempt_us;
	int64_t rtt_recent[MODEL_RECENT];
	int rtt_n;
	struct m_rung *rung;
	int rungs;
	int64_t conns_up, conns_floor, conns;   /* connections: up, needed, configured */
	int64_t taken, pending, duplicates, gaps, reordered, epochs, unrecorded;        /* -1: its messages have no place */
	int64_t queued, queued_bytes, oldest_us, sent, repeated, expired, too_large;    /* events for it; -1: it wants none */
	struct slice probe_trouble, file_trouble;
	bool reports;                   /* its peer may tell of itself; -1 below = it did not */
	int64_t sessions, semaphore_current, semaphore_limit;
	bool asked;                     /* its health page is */
	struct m_said *said;
	int saids;
	int64_t said_us;                /* -1: nothing was read */
	struct slice said_trouble;
	struct m_feature *feature;
	int features;
	struct m_breaker breaker;
};

struct m_lane {
	struct slice name, dialect, url, account, key, halted, trouble;
	struct slice excluded_by, excluded_reason;      /* by.p == NULL: not excluded */
	int64_t excluded_us;
	int64_t listed, listed_us, expected, pages, quota_items, quota_bytes, listed_bytes;
	int64_t candidates, protected_, ineligible, irreversible;
	struct slice reconciled;        /* "970 healthy, 2 object missing"; empty = no objects are configured */
	bool complete;
	struct m_breaker breaker;
};

struct m_records {
	struct slice name, sentence, places;
	int64_t rows, listed_us;
	bool complete;
};

struct m_record {                       /* of the audit log */
	int64_t seq, at_us;
	struct slice actor, role, via, kind, subject, cycle, plan, text, prev, hash;
	struct slice payload;           /* JSON text */
};

struct m_can {                          /* why not, p == NULL = can */
	struct slice step, resume, hold, abort, approve, ack, cancel;
};

struct m_stage {
	struct slice name, state;
};

struct m_approval {
	struct slice operator_, via;
	int64_t at_us;
};

struct m_grant {
	struct slice id, lane, plan, on_abort, state, reason;
	int64_t items, bytes, share_bp, needed, made_us, expires_us;
	struct m_approval *approval;
	int approvals;
};

struct m_failed {                       /* failures of one class */
	struct slice class_;
	int64_t n;
};

struct m_cycle_lane {
	struct slice lane, phase, verdict, halted;
	int64_t planned, planned_bytes, granted, granted_bytes, batch, batch_items, sent, in_flight;
	int64_t deleted, gone, gone_other, failed, unknown, refused, drifted, protected_, blocked, held, not_started;
	int64_t T, F, N, tolerance_left, retry_budget_left, budget_items, budget_bytes, requests, paced_until_us, per_second, eta_s;
	bool has_canary, canary_checked;
	int64_t canary_items, canary_deleted, control, control_present;
	struct m_class class_;
	struct m_failed *failed_by;
	int failed_bys;
};

struct m_log {
	int64_t at_us, attempt, status, took_us;
	struct slice lane, id, name, outcome, class_;
};

struct m_cycle {
	bool has;
	struct slice id, name, policy, stage, state, waiting_for, end, equation, restored;
	bool rehearsal, balanced, has_plan, plan_valid;
	int64_t since_us, ack_needed;
	int64_t picked;                 /* items picked by hand, -1 = all that the policy selects */
	int64_t picked_absent;          /* of them, on no list; -1 = not known yet */
	bool copying;                   /* before the plan: content is being copied */
	int64_t copying_items, copying_kept, copying_not_kept, copying_bytes;
	struct m_stage *stage_list;
	int stages;
	struct m_can can;
	struct slice plan_id, plan_short, plan_invalid_because;
	int64_t plan_made_us, plan_expires_us, plan_items, plan_bytes;
	struct m_grant *grant;
	int grants;
	struct m_cycle_lane *lane;
	int lanes;
	int64_t rows_todo, rows_committed, rows_none, rows_conflicts, rows_failed;
	struct m_log *log;
	int logs;
	struct arena *mem;
};

struct m_overview {
	bool has;
	struct slice name, version, mode, lease, notice;
	int64_t pid, started_us, loop_lag_us, clients, watchers, now_us;
	bool store_writable;
	int64_t chain_seq, chain_verified_seq, chain_verified_us;
	struct slice chain_short;
	struct m_link *link;
	int links;
	struct m_lane *lane;
	int lanes;
	struct m_records *records;
	int recordses;
	struct m_record *decision;
	int decisions;
	struct slice *policy;
	int policies;
	struct slice cannot_start, cannot_arm;
	struct arena *mem;
};

struct m_hello {
	bool has, watching;
	struct slice operator_, role, version;
	int64_t uid;
	struct arena *mem;
};

struct m_candidate {
	struct slice lane, id, name, purpose, verdict, rule, class_, where, reason, state;
	int64_t bytes, created_us, rank;
	bool altered;
	struct slice whole;             /* all of it in one piece: rows with the same look the same */
};

struct m_candidates {                   /* one window of the list */
	bool has, loading;
	int64_t total, offset, listed_us;
	struct m_candidate *row;
	int rows;
	struct arena *mem;
};

struct m_audit {
	bool has;
	struct m_record *record;
	int records;
	struct arena *mem;
};

struct m_amount {                       /* what a grant would be */
	int64_t items, bytes;
	struct m_class class_;
	struct slice phrase, irreversible_phrase;
	int64_t restorable_bytes;       /* -1 unknown */
};

struct m_plan_lane {
	struct slice lane, url, account, key, claims_sentence;
	int64_t items, bytes, listed, listed_bytes, share_bp, pages, listed_us, expected;
	int64_t cap_items, cap_bytes, cap_share_bp, cap_remain, restorable_bytes;
	bool complete, claims;
	struct m_class class_;
	struct slice *blind, *cap_default;
	int blinds, cap_defaults;
	struct slice phrase, irreversible_phrase;
	bool has_grant;
	struct m_amount grant;
};

struct m_plan {
	bool has, valid;
	struct slice id, short_, cycle, policy, policy_hash, invalid_because, creator, lease, identities, if_abort;
	int64_t made_us, expires_us, since_added, since_removed, approvals_needed, irreversible_approvals_needed;
	struct m_plan_lane *lane;
	int lanes;
	struct m_records *records;
	int recordses;
	struct arena *mem;
};

struct model {
	struct m_hello hello;
	struct m_overview overview;
	struct m_cycle cycle;
	int64_t received_us;            /* wall time of the last snapshot */
};

void model_init(struct model *m);
void model_done(struct model *m);
void model_hello(struct model *m, const struct json *j);
/* topic "overview" or "cycle"; others are ignored (a newer engine may have more). */
void model_topic(struct model *m, struct slice topic, const struct json *data, int64_t now_us);
/* Answers that a screen owns. Each replaces what was there. */
void m_candidates_read(struct m_candidates *c, const struct json *j);
void m_candidates_done(struct m_candidates *c);
enum m_join { M_REPLACE, M_APPEND, M_PREPEND };
void m_audit_read(struct m_audit *a, const struct json *j, enum m_join how);
void m_audit_done(struct m_audit *a);
void m_plan_read(struct m_plan *p, const struct json *j);
void m_plan_done(struct m_plan *p);
const struct m_plan_lane *m_plan_lane(const struct m_plan *p, struct slice lane);
struct m_class m_cycle_class(const struct m_cycle *c);          /* over all lanes; -1 where unknown */
int64_t m_class_restorable(const struct m_class *c);            /* R1 + R2 + R3, -1 unknown */
/* a + b where -1 is unknown and stays it. */
int64_t m_sum(int64_t a, int64_t b);

#endif
