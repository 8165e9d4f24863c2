/* The configuration: YAML into plain structs. Every number is parsed and has its unit in its name;
 * every default is already in place; -1 and NULL mean what the comment beside the field says.
 * Strings and arrays belong to the struct config and never change after config_load.
 * Keys, defaults, limits and their explanations are one table (config/fields.h).
 * Reading is strict: unknown and repeated keys, aliases, a second document, lenient numbers and
 * references to nothing are errors, each with file:line:key. No credential is read here.
 * Any thread; a loaded config is read-only. */
#ifndef SLUICE_CONFIG_CONFIG_H
#define SLUICE_CONFIG_CONFIG_H

#include "base/hash.h"
#include "guard/breaker.h"
#include "guard/retry.h"

enum { CFG_MAX_LANES = 16, CFG_MAX_LINKS = 5000, CFG_NAME_MAX = 32 };

/* Names of operators, lanes, links, records and policies: [a-z0-9][a-z0-9._-]*, up to 32 bytes. */

enum cfg_role { CFG_OPERATOR, CFG_WATCHER };

struct cfg_key {
	uint8_t b[KEY_BYTES];                  /* Ed25519 public key */
};

struct cfg_operator {
	const char *name;
	enum cfg_role role;
	const int64_t *uids;                   /* never 65534; unique over all operators */
	size_t n_uids;
	const struct cfg_key *keys;            /* unique over all operators */
	size_t n_keys;
};

struct cfg_header {
	const char *name, *value;              /* no credential, no line breaks */
};

/* Is an item's content kept before the item is deleted? TRY: where it can be. REQUIRED: what cannot be kept is no
 * candidate. AS_LANE (policies only): what the lane says. */
enum cfg_escrow_word { CFG_ESCROW_OFF, CFG_ESCROW_TRY, CFG_ESCROW_REQUIRED, CFG_ESCROW_AS_LANE };

struct cfg_escrow {
	const char *dir;                       /* absolute; NULL = STATE/escrow */
	int lane;                              /* index into lanes[] whose bucket takes the copies; -1 = none */
	int64_t reserve;                       /* 1 GB of its file system stay free */
	int64_t at_once;                       /* 4 copies under way */
	int64_t keep_for_ms;                   /* 30 d; 0 = for ever */
};
enum cfg_addressing { CFG_ADDRESS_PATH, CFG_ADDRESS_HOST };     /* the bucket in the path, or in front of the host */
enum cfg_versions { CFG_VERSIONS_CURRENT, CFG_VERSIONS_ALL };   /* items are objects, or every version of them */

struct cfg_lane {
	const char *name;
	const char *dialect;                   /* "openai" */
	const char *url;                       /* base URL, no trailing slash, query, fragment or user */
	const char *const *command;            /* exec: the script and its words; then url is "exec:SCRIPT" */
	size_t n_command;
	const char *bucket, *region;           /* s3; NULL, "us-east-1" */
	const char *prefix;                    /* s3: only keys that begin with it; "" = all */
	enum cfg_addressing addressing;        /* s3 */
	enum cfg_versions versions;            /* s3 */
	const char *account;                   /* which account, for people and the target identity; "" none given */
	const char *key_file, *ca_file;        /* absolute; NULL = no credential, system's certificates */
	bool cleartext;                        /* http:// to another host is meant */
	const struct cfg_header *headers;
	size_t n_headers;
	int64_t page_items;                    /* 1000; the dialect's own maximum still holds */
	int64_t in_flight;                     /* 64 */
	int64_t rate_mhz;                      /* requests per 1,000 s; 20,000; never 0 */
	int64_t burst;                         /* 20 */
	int64_t timeout_ms;                    /* 30 s, one request */
	int64_t list_timeout_ms;               /* 60 s, one page */
	int64_t settle_ms;                     /* 60 s: after an unanswered delete a present item counts as failed only from then on */
	int64_t max_item_bytes;                /* 512 MB: what an unknown size is charged */
	int64_t quota_items, quota_bytes;      /* -1 unknown */
	const char *const *purposes;           /* a list by purpose asks for each; none = the dialect's */
	size_t n_purposes;
	const char *const *referrers;          /* places of the provider that are listed for references; names of the dialect */
	size_t n_referrers;
	const char *const *blind;              /* places nobody can list; they stand in the plan */
	size_t n_blind;
	const char *const *sentinels;          /* ids that every complete list must contain */
	size_t n_sentinels;
	const int *depends_on;                 /* indexes into links[] */
	size_t n_depends_on;
	enum cfg_escrow_word escrow;           /* off */
	struct retry_policy retry;             /* defaults of guard/retry with the file's changes */
	struct breaker_opts breaker;
};

/* Where in a JSON message of a link its place in the stream stands: "id" or "meta.id". */
struct cfg_events {
	const char *id, *type, *sequence, *epoch;      /* NULL = it has none */
	bool ack;                              /* tell the peer when a message's effect is durable */
	int64_t window;                        /* 10,000 marks */
	int64_t window_age_ms;                 /* 24 h */
};

/* Which records of the log go out on a link, and what may wait. */
struct cfg_notify {
	const char *const *kinds;              /* kinds of the log, or a prefix ending in '.'; none = no events */
	size_t n_kinds;
	int64_t items, bytes;                  /* 1,000 and 1 MB */
	int64_t age_ms;                        /* 300 s */
	bool acked;                            /* the peer acknowledges each */
};

/* Values that a few of a link's connections try first; 0 = not given. */
struct cfg_features {
	int64_t ping_interval_ms, pong_timeout_ms;
	int64_t dedup_window, dedup_age_ms;
	int64_t queue_items, queue_bytes;
	int64_t connections;
	int64_t share_bp;                      /* 25 % of its connections */
	int64_t margin_bp;                     /* 20 % */
	int64_t sample;                        /* 20 */
};

struct cfg_link {
	const char *name;
	const char *url;                       /* ws:// or wss:// */
	const char *handshake;                 /* none, exai, exai-dashboard, json-events */
	const char *token_file, *ca_file;      /* absolute; NULL = none, system's certificates */
	bool cleartext;                        /* ws:// with a token to another host is meant */
	const char *session_id;                /* of the hello; NULL = the server chooses */
	int64_t connect_timeout_ms;            /* 10 s, upgrade included */
	int64_t ping_interval_ms;              /* 20 s */
	int64_t pong_timeout_ms;               /* 20 s */
	int64_t hello_timeout_ms;              /* 15 s */
	int64_t connections;                   /* 1 */
	int64_t floor;                         /* 1: the link is up while so many are */
	int64_t spread_ms;                     /* 250 ms: first attempts, at random within it */
	int64_t min_uptime_ms;                 /* 10 s: only then the backoff starts over */
	int64_t reconnect_base_ms, reconnect_max_ms;   /* 1 s, 60 s; with jitter */
	const char *health_file;               /* absolute, of a daemon on this machine; NULL = none */
	const char *health;                    /* URL of its health page; NULL = none is asked */
	int64_t health_interval_ms;            /* 30 s */
	const char *probe;                     /* none, list_tools, ping */
	int64_t probe_interval_ms, probe_timeout_ms;   /* 60 s, 10 s */
	struct cfg_events events;
	struct cfg_notify notify;
	struct cfg_features features;
	struct breaker_opts breaker;
};

/* The application's own copies of the bytes. */
enum cfg_objects_type { CFG_OBJECTS_DIRECTORY, CFG_OBJECTS_S3 };
enum cfg_item_key { CFG_ITEM_KEY_NONE, CFG_ITEM_KEY_ID, CFG_ITEM_KEY_NAME };

struct cfg_objects {
	const char *name;
	enum cfg_objects_type type;
	const char *path;                      /* directory: absolute; else NULL */
	int lane;                              /* s3: index into lanes[]; else -1 */
	const char *row_prefix;                /* "" = none; before the path below it, as rows write it */
	enum cfg_item_key item_key;            /* id: what the object of an item in no row is called */
	int64_t most;                          /* 10,000,000 */
	const char *const *sentinels;          /* with row_prefix */
	size_t n_sentinels;
	bool may_be_empty;
};

enum cfg_records_kind { CFG_RECORDS_SQLITE, CFG_RECORDS_POSTGRESQL, CFG_RECORDS_POSTGREST };

/* One mapped column. name NULL = switched off with `none`. given = written in the file, so it must
 * exist; otherwise it is the default name, used where the schema has it. */
struct cfg_column {
	const char *name;
	bool given;
};

struct cfg_columns {
	struct cfg_column id;                  /* primary key of the row; never off */
	struct cfg_column lane;                /* provider value; off = the source has exactly one lane */
	struct cfg_column file_id;             /* the id in the lane; never off */
	struct cfg_column name, bytes, sha256;
	struct cfg_column created, updated, last_used;
	struct cfg_column status;
	struct cfg_column deleted_at, deletion_reason;
	struct cfg_column claim;               /* when the claim was taken (RFC 3339 text) */
	struct cfg_column claim_token;         /* whose claim: "sluice:<cycle>:<opened>"; without it rows are unclaimed */
	struct cfg_column object;              /* the application's own copy; reference tables join here by default */
};

struct cfg_lane_value {
	const char *value;                     /* what the lane column holds */
	int lane;                              /* index into lanes[] */
};

/* A table that says "somebody still uses this file". */
struct cfg_reference {
	const char *table, *column;            /* table.column holds a value of … */
	const char *joins;                     /* … this column of the records table */
	const char *known_id;                  /* self-test: a value that must be found there; NULL only if may_be_empty */
	bool may_be_empty;
};

struct cfg_records {
	const char *name;
	enum cfg_records_kind kind;
	const char *path;                      /* absolute; SQLite: the file. PostgreSQL: its socket's directory, NULL = the url's host */
	const char *url;                       /* PostgreSQL: with the database as its path. PostgREST: the API's. Else NULL */
	const char *user, *writer;             /* PostgreSQL: roles that read and write; writer NULL = user, user NULL = libpq's */
	const char *key_file, *writer_key_file; /* password or API key of either; writer's NULL = the reader's */
	const char *ca_file;                   /* NULL = the system's */
	bool cleartext;
	const char *schema;                    /* "public" */
	int64_t statement_timeout_ms;          /* 30 s */
	const char *table;                     /* provider_file_uploads */
	struct cfg_columns columns;
	const char *status_deleted;            /* "deleted" */
	const struct cfg_lane_value *lanes;    /* always filled: without a map every lane's name is its value */
	size_t n_lanes;
	const struct cfg_reference *references;
	size_t n_references;
	int objects;                           /* index into objects[]: its column `object` names one there; -1 = none */
	bool may_be_empty;
	bool deleted_too;                      /* a policy looks at soft-deleted rows: they are listed as well */
	int64_t busy_timeout_ms;               /* 5 s */
	const char *lease;                     /* table of the lease row; NULL = the lease is this host's only */
	int64_t lease_for_ms;                  /* 60 s */
};

enum cfg_rule_kind {
	CFG_RULE_AGE, CFG_RULE_ORPHAN, CFG_RULE_SIZE, CFG_RULE_PURPOSE, CFG_RULE_NAME, CFG_RULE_FAILED_UPLOAD, CFG_RULE_DUPLICATE,
	CFG_RULE_QUOTA, CFG_RULE_EXPIRED, CFG_RULE_SOFT_DELETED,
	CFG_RULE_ALL, CFG_RULE_ANY,            /* groups of rules */
	CFG_RULE_NONE                          /* neither was written; no policy that loads has it */
};
enum { CFG_RULES_MAX = 64 };                   /* of a policy, groups and what is in them included */
enum cfg_keep { CFG_KEEP_NEWEST, CFG_KEEP_OLDEST, CFG_KEEP_REFERENCED };
enum cfg_age_of { CFG_AGE_CREATED, CFG_AGE_LAST_USED };
enum cfg_match { CFG_MATCH_ALL, CFG_MATCH_ANY };
enum cfg_order { CFG_ORDER_OLDEST, CFG_ORDER_NEWEST, CFG_ORDER_LARGEST, CFG_ORDER_SMALLEST };
enum cfg_hidden { CFG_HIDDEN_REFUSE, CFG_HIDDEN_ALLOW };
enum cfg_on_abort { CFG_ABORT_ASK, CFG_ABORT_KEEP, CFG_ABORT_RESTORE };

struct cfg_rule {
	const char *name;                      /* "age-created-30d", "orphan", or as written */
	enum cfg_rule_kind kind;
	bool negate;                           /* selects what the rule does not; what it cannot know stays unknown */
	const struct cfg_rule *all;            /* kind ALL: its members */
	size_t n_all;
	const struct cfg_rule *any;            /* kind ANY: its members */
	size_t n_any;
	int64_t older_than_ms;                 /* age: strictly older; -1 for other rules */
	enum cfg_age_of of;                    /* age */
	int64_t longer_than_ms;                /* soft deleted: strictly longer; -1 for other rules */
	int64_t larger_than, smaller_than;     /* size: bytes, strictly; -1 = no bound */
	const char *const *purposes;           /* purpose: as the store says them */
	size_t n_purposes;
	const char *const *names;              /* name: globs, as in protect */
	size_t n_names;
	const char *const *statuses;           /* failed upload: words of the store; none = error, failed */
	size_t n_statuses;
	enum cfg_keep keep;                    /* duplicate: which of the equal ones stays */
	int64_t above_bp, until_bp;            /* quota pressure: above this share of the quota, until that; -1 elsewhere */
};

struct cfg_protect {
	const char *const *ids;
	size_t n_ids;
	const char *const *names;              /* globs: * ? [set]; against the bytes of the name */
	size_t n_names;
	const char *const *purposes;
	size_t n_purposes;
	int64_t younger_than_ms;               /* by created; 0 = protects nothing */
	bool referenced;                       /* default yes: what a reference table points at */
};

struct cfg_caps {
	int64_t items;                         /* 1000 */
	int64_t bytes;                         /* 10 GB */
	int64_t share_bp;                      /* 5000 = 50 % of the items listed */
	int64_t remain;                        /* 0: items that must be left in the lane */
};

struct cfg_policy {
	const char *name;
	const int *lanes;                      /* indexes into lanes[], in the order written, never none */
	size_t n_lanes;
	int records;                           /* index into records[], -1 = none (then no orphan rule) */
	enum cfg_match match;
	const struct cfg_rule *rules;          /* never none */
	size_t n_rules;
	struct cfg_protect protect;
	enum cfg_order order;
	struct cfg_caps caps;
	int64_t age_floor_ms;                  /* 2 h; holds for every rule, by created */
	bool auto_validating, auto_committing, auto_auditing;   /* gates that open by themselves */
	int64_t canary, ramp;                  /* 10 items at most, then batches × 3 */
	int64_t approvals;                     /* 1 */
	int64_t irreversible_approvals;        /* = approvals unless written */
	int64_t plan_for_ms;                   /* 60 min; above that only where approvals > 1; up to 24 h */
	int64_t run_for_ms;                    /* 8 h */
	enum cfg_on_abort on_abort;            /* ask */
	enum cfg_escrow_word escrow;           /* as lane */
	enum cfg_hidden hidden_escrow;         /* a plan that deletes a copy and the only other one: refuse */
	struct hash hash;                      /* this policy and its records section, effective values */
};

struct cfg_engine {
	const char *http;                      /* "127.0.0.1:9464", loopback only; NULL = off */
	const char *otlp;                      /* whole URL of a collector; NULL = none */
	int64_t otlp_interval_ms;              /* 30 s */
	const char *group;                     /* group that may use the socket (0660); NULL = owner only */
	int64_t grace_ms;                      /* 30 s: how long a stop waits for what is in flight */
	const char *log_level;                 /* error warn info debug */
	const char *log_format;                /* text, json */
	const char *const *log_levels;         /* "link=debug" */
	size_t n_log_levels;
	int64_t retention_ms;                  /* 30 d: lists and verdicts of ended cycles in catalog.db */
	int64_t clock_skew_ms;                 /* 5 min: against a server's Date and between our own clocks */
	int64_t list_max_age_ms;               /* 5 min: older lists do not re-validate */
	int64_t hold_max_ms;                   /* 60 min: a longer hold re-validates what remains */
	int64_t handshakes_mhz;                /* 50/s: attempts of all links, per 1,000 s */
	const char *anchor_file;               /* absolute; NULL = anchors in the state directory only */
	const char *anchor_syslog;             /* absolute, of a datagram socket; NULL = none */
	const char *anchor_url;                /* NULL = none */
	const char *anchor_token_file;         /* absolute; NULL = none */
	const char *audit_key;                 /* absolute; NULL = STATE/audit.key */
	const struct cfg_key *audit_keys;      /* that signed before */
	size_t n_audit_keys;
};

enum cfg_when { CFG_WHEN_LINK_DOWN, CFG_WHEN_LINK_JAMMED, CFG_WHEN_LINK_RECOVERED, CFG_WHEN_QUOTA_ABOVE, CFG_WHEN_MESSAGES };
enum cfg_trigger_action { CFG_TRIGGER_START, CFG_TRIGGER_HOLD };

/* What is told sets something going. */
struct cfg_trigger {
	const char *name;
	enum cfg_when when;
	int link, lane, policy;                /* indexes, -1 = none */
	const char *type;                      /* of messages; NULL = none */
	int64_t for_ms;                        /* 0: the condition holds so long before it fires */
	int64_t above_bp;                      /* of the lane's quota; -1 */
	int64_t count;                         /* messages; -1 */
	enum cfg_trigger_action action;
	int64_t cooldown_ms;                   /* 10 min between firings */
};

struct config {
	const char *name;                      /* target environment: "production" */
	const char *file;                      /* absolute path it was read from */
	struct hash hash;                      /* SHA-256 of all effective values: comments and order of keys do not count */
	struct cfg_engine engine;
	struct cfg_escrow escrow;
	const struct cfg_operator *operators;
	size_t n_operators;
	const struct cfg_lane *lanes;
	size_t n_lanes;
	const struct cfg_link *links;
	size_t n_links;
	const struct cfg_objects *objects;
	size_t n_objects;
	const struct cfg_records *records;
	size_t n_records;
	const struct cfg_policy *policies;
	size_t n_policies;
	const struct cfg_trigger *triggers;
	size_t n_triggers;
};

/* Load and check. On failure *out is NULL and *e has the first error ("FILE:LINE:KEY: sentence")
 * and says how many more there are. RC_USAGE. */
enum rc config_load(struct config **out, const char *path, struct err *e) MUST_USE;
/* The same of a text that came from elsewhere; `name` (a path) stands in errors, relative paths in it begin at
 * its folder. Nothing is opened. */
enum rc config_load_text(struct config **out, struct slice text, const char *name, struct err *e) MUST_USE;
/* The text of a file that config_load would read. */
enum rc config_text(const char *path, struct buf *out, struct err *e) MUST_USE;
void config_free(struct config *c);
/* Two sections, of two configurations, that mean the same: the same rows of the same tables. */
bool config_same_records(const struct config *ca, const struct cfg_records *a, const struct config *cb, const struct cfg_records *b);

/* Everything that is wrong, in the order of the file. */
struct config_error {
	int line;                              /* 1-based; 0 = the file as a whole */
	char *key;                             /* "lanes[0].rate"; "" = none */
	char *text;                            /* one sentence, shown form */
};
struct config_report {
	char *file;
	struct config_error *errors;
	size_t n, cap;
};
/* RC_OK when the file is good, RC_USAGE when *r has errors. The caller frees *r in both cases. */
enum rc config_check(const char *path, struct config_report *r) MUST_USE;
void config_report_free(struct config_report *r);
/* "FILE:LINE:KEY: sentence" of one error. */
void config_report_line(const struct config_report *r, size_t i, struct buf *out);

/* Files that the configuration names: do they exist, are credentials private? Nothing is read.
 * Adds its errors to *r (initialised by config_check or zeroed). */
enum rc config_check_files(const struct config *c, struct config_report *r) MUST_USE;

/* Line on which a key ("lanes[0].url") was written, or the nearest part of it. */
int config_line(const struct config *c, const char *key);

/* Members of a group; *n = 0 for a rule. */
const struct cfg_rule *cfg_members(const struct cfg_rule *r, size_t *n);
/* NULL / -1 when there is none. */
const struct cfg_lane *config_lane(const struct config *c, struct slice name);
const struct cfg_link *config_link(const struct config *c, struct slice name);
const struct cfg_records *config_records(const struct config *c, struct slice name);
const struct cfg_policy *config_policy(const struct config *c, struct slice name);
int config_lane_index(const struct config *c, struct slice name);
const struct cfg_operator *config_operator(const struct config *c, struct slice name);
/* Who this uid / key is; uid 65534 is nobody. */
const struct cfg_operator *config_operator_uid(const struct config *c, int64_t uid);
const struct cfg_operator *config_operator_key(const struct config *c, const uint8_t key[KEY_BYTES]);

const char *cfg_role_name(enum cfg_role r);
const char *cfg_rule_kind_name(enum cfg_rule_kind k);
/* "orphan", "not any of (orphan, huge)" */
void cfg_rule_words(struct buf *out, const struct cfg_rule *r);
const char *cfg_order_name(enum cfg_order o);
const char *cfg_on_abort_name(enum cfg_on_abort a);
const char *cfg_escrow_name(enum cfg_escrow_word w);
/* Never AS_LANE. */
enum cfg_escrow_word cfg_escrow_of(const struct cfg_policy *p, const struct cfg_lane *l);

/* "http://127.0.0.1:8080", "ws://localhost" and "[::1]" are loopback. */
bool cfg_url_loopback(const char *url);

#endif
