#include "config/fields.h"

#include "base/mem.h"

#define AT(T, m) .at = offsetof(struct T, m), .size = sizeof(((struct T *)0)->m)
#define ARR(T, m) AT(T, m), .count_at = offsetof(struct T, n_##m)
#define END { .key = NULL }
#define END_WORDS { .word = NULL }
#define MS INT64_C(1)
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define YEARS_100 (36500 * DAY)
#define BYTES_MAX INT64_C(1000000000000000)
#define ITEMS_MAX INT64_C(100000000)

#define LATER "this version cannot do that yet"

static const struct field_word role_words[] = {
	{ .word = "operator", .value = CFG_OPERATOR },
	{ .word = "watcher", .value = CFG_WATCHER },
	END_WORDS
};

static const struct field_word level_words[] = {
	{ .word = "error" }, { .word = "warn" }, { .word = "info" }, { .word = "debug" }, END_WORDS
};

static const struct field_word format_words[] = { { .word = "text" }, { .word = "json" }, END_WORDS };

static const struct field_word dialect_words[] = {
	{ .word = "openai" },
	{ .word = "kimi" },
	{ .word = "glm" },
	{ .word = "exec" },
	{ .word = "s3" },
	END_WORDS
};

static const struct field_word addressing_words[] = {
	{ .word = "path", .value = CFG_ADDRESS_PATH },
	{ .word = "host", .value = CFG_ADDRESS_HOST },
	END_WORDS
};

static const struct field_word versions_words[] = {
	{ .word = "current", .value = CFG_VERSIONS_CURRENT },
	{ .word = "all", .value = CFG_VERSIONS_ALL },
	END_WORDS
};

static const struct field_word handshake_words[] = {
	{ .word = "none" }, { .word = "exai" }, { .word = "exai-dashboard" }, { .word = "json-events" }, END_WORDS
};

static const struct field_word probe_words[] = { { .word = "none" }, { .word = "list_tools" }, { .word = "ping" }, END_WORDS };

static const struct field_word kind_words[] = {
	{ .word = "sqlite", .value = CFG_RECORDS_SQLITE },
	{ .word = "postgresql", .value = CFG_RECORDS_POSTGRESQL },
	{ .word = "postgrest", .value = CFG_RECORDS_POSTGREST },
	END_WORDS
};

static const struct field_word rule_words[] = {
	{ .word = "age", .value = CFG_RULE_AGE },
	{ .word = "orphan", .value = CFG_RULE_ORPHAN },
	{ .word = "size", .value = CFG_RULE_SIZE },
	{ .word = "purpose", .value = CFG_RULE_PURPOSE },
	{ .word = "name", .value = CFG_RULE_NAME },
	{ .word = "failed_upload", .value = CFG_RULE_FAILED_UPLOAD },
	{ .word = "duplicate", .value = CFG_RULE_DUPLICATE },
	{ .word = "quota_pressure", .value = CFG_RULE_QUOTA },
	{ .word = "expired", .value = CFG_RULE_EXPIRED },
	{ .word = "soft_deleted", .value = CFG_RULE_SOFT_DELETED },
	{ .word = "dangling", .not_yet = "a row without a file is no item of a lane; this version deletes no rows alone" },
	END_WORDS
};

static const struct field_word keep_words[] = {
	{ .word = "newest", .value = CFG_KEEP_NEWEST },
	{ .word = "oldest", .value = CFG_KEEP_OLDEST },
	{ .word = "referenced", .value = CFG_KEEP_REFERENCED },
	END_WORDS
};

static const struct field_word age_of_words[] = {
	{ .word = "created", .value = CFG_AGE_CREATED },
	{ .word = "last_used", .value = CFG_AGE_LAST_USED },
	END_WORDS
};

static const struct field_word match_words[] = {
	{ .word = "all", .value = CFG_MATCH_ALL },
	{ .word = "any", .value = CFG_MATCH_ANY },
	END_WORDS
};

static const struct field_word order_words[] = {
	{ .word = "oldest", .value = CFG_ORDER_OLDEST },
	{ .word = "newest", .value = CFG_ORDER_NEWEST },
	{ .word = "largest", .value = CFG_ORDER_LARGEST },
	{ .word = "smallest", .value = CFG_ORDER_SMALLEST },
	END_WORDS
};

static const struct field_word escrow_words[] = {
	{ .word = "off", .value = CFG_ESCROW_OFF },
	{ .word = "try", .value = CFG_ESCROW_TRY },
	{ .word = "required", .value = CFG_ESCROW_REQUIRED },
	{ .word = "as_lane", .value = CFG_ESCROW_AS_LANE },
	END_WORDS
};

static const struct field_word lane_escrow_words[] = {
	{ .word = "off", .value = CFG_ESCROW_OFF },
	{ .word = "try", .value = CFG_ESCROW_TRY },
	{ .word = "required", .value = CFG_ESCROW_REQUIRED },
	END_WORDS
};

static const struct field_word on_abort_words[] = {
	{ .word = "ask", .value = CFG_ABORT_ASK },
	{ .word = "keep", .value = CFG_ABORT_KEEP },
	{ .word = "restore", .value = CFG_ABORT_RESTORE },
	END_WORDS
};

static const struct field_word gate_words[] = {
	{ .word = "validating", .value = offsetof(struct cfg_policy, auto_validating) },
	{ .word = "committing", .value = offsetof(struct cfg_policy, auto_committing) },
	{ .word = "auditing", .value = offsetof(struct cfg_policy, auto_auditing) },
	{ .word = "cleaning", .not_yet = "the gate before deleting never opens by itself" },
	{ .word = "discovering", .not_yet = "a cycle is started by an operator" },
	END_WORDS
};

static const struct field engine_fields[] = {
	{ .key = "http", .type = FIELD_LISTEN, AT(cfg_engine, http),
	  .doc = "Loopback address for GET and HEAD of health and metrics. Absent: off." },
	{ .key = "otlp", .type = FIELD_URL, AT(cfg_engine, otlp), .schemes = "http https",
	  .doc = "Collector that the metrics are pushed to (OTLP/HTTP, JSON), as http://127.0.0.1:4318/v1/metrics; http to loopback only. Absent: none." },
	{ .key = "otlp_interval", .type = FIELD_DURATION, AT(cfg_engine, otlp_interval_ms), .def = "30s", .min = SECOND, .max = HOUR,
	  .doc = "Time between two pushes." },
	{ .key = "group", .type = FIELD_TEXT, AT(cfg_engine, group), .max = 64,
	  .doc = "Group that may use the socket (mode 0660); who may do what is still said by operators. The socket must then lie outside the state directory (SLUICE_SOCKET). Absent: the owner only." },
	{ .key = "grace", .type = FIELD_DURATION, AT(cfg_engine, grace_ms), .def = "30s", .min = 0, .max = HOUR,
	  .doc = "How long a stop waits for requests in flight." },
	{ .key = "log_level", .type = FIELD_CHOICE, AT(cfg_engine, log_level), .def = "info", .words = level_words,
	  .doc = "Least severe level that reaches the log." },
	{ .key = "log_levels", .type = FIELD_TEXTS, ARR(cfg_engine, log_levels), .max = 20,
	  .doc = "Levels of single modules instead, as link=debug. Modules: anchor, api, audit, delivery, engine, escrow, lane, link, net, otlp, records, store." },
	{ .key = "log_format", .type = FIELD_CHOICE, AT(cfg_engine, log_format), .def = "text", .words = format_words,
	  .doc = "Lines of the log: text for people, or JSON objects. SIGHUP opens the file anew." },
	{ .key = "retention", .type = FIELD_DURATION, AT(cfg_engine, retention_ms), .def = "30d", .min = 0, .max = YEARS_100,
	  .doc = "How long lists and verdicts of ended cycles stay in catalog.db. The audit log is not touched by it." },
	{ .key = "clock_skew", .type = FIELD_DURATION, AT(cfg_engine, clock_skew_ms), .def = "5m", .min = SECOND, .max = HOUR,
	  .doc = "How far a server's Date, or wall time against boot time, may be off before the engine stops trusting clocks." },
	{ .key = "list_max_age", .type = FIELD_DURATION, AT(cfg_engine, list_max_age_ms), .def = "5m", .min = SECOND, .max = HOUR,
	  .doc = "An older list does not re-validate an item." },
	{ .key = "hold_max", .type = FIELD_DURATION, AT(cfg_engine, hold_max_ms), .def = "60m", .min = MINUTE, .max = DAY,
	  .doc = "After a longer hold every remaining item is re-validated." },
	{ .key = "handshakes", .type = FIELD_RATE, AT(cfg_engine, handshakes_mhz), .def = "50/s", .min = 1, .max = INT64_C(1000000000),
	  .doc = "The most attempts to connect that all links together begin: 50/s, 90/m." },
	{ .key = "anchor_file", .type = FIELD_PATH, AT(cfg_engine, anchor_file),
	  .doc = "Second file for the signed checkpoints of the audit log, best on another disk and of another owner; the first is anchors in the state directory." },
	{ .key = "anchor_syslog", .type = FIELD_PATH, AT(cfg_engine, anchor_syslog),
	  .doc = "Socket of the system log that is told each checkpoint as well, such as /dev/log. Absent: none." },
	{ .key = "anchor_url", .type = FIELD_URL, AT(cfg_engine, anchor_url), .schemes = "http https",
	  .doc = "Where each checkpoint is posted as well, as JSON; http to loopback only. Absent: nowhere." },
	{ .key = "anchor_token_file", .type = FIELD_PATH, AT(cfg_engine, anchor_token_file),
	  .doc = "Credential for anchor_url, sent as a bearer token. Absent: none." },
	{ .key = "audit_key", .type = FIELD_PATH, AT(cfg_engine, audit_key),
	  .doc = "Ed25519 private key (PEM, mode 600) that signs checkpoints. Absent: audit.key in the state directory, made at the first start." },
	{ .key = "audit_keys", .type = FIELD_KEYS, ARR(cfg_engine, audit_keys), .min = 0, .max = 64,
	  .doc = "Public keys that signed checkpoints before: what they signed still counts." },
	END
};
static const struct section section_engine = { "engine", sizeof(struct cfg_engine), engine_fields, NULL };

static const struct field operator_fields[] = {
	{ .key = "name", .type = FIELD_NAME, .required = true, AT(cfg_operator, name),
	  .doc = "Name of the person in the audit log." },
	{ .key = "role", .type = FIELD_WORD, AT(cfg_operator, role), .def = "operator", .words = role_words,
	  .doc = "A watcher may look, never change." },
	{ .key = "uids", .type = FIELD_UIDS, ARR(cfg_operator, uids), .min = 0, .max = 64,
	  .doc = "User ids that are this person on this machine." },
	{ .key = "keys", .type = FIELD_KEYS, ARR(cfg_operator, keys), .min = 0, .max = 64,
	  .doc = "Ed25519 public keys, written ed25519:BASE64, that sign this person's grant files." },
	END
};
static const struct section section_operator = { "operator", sizeof(struct cfg_operator), operator_fields, NULL };

static const struct field header_fields[] = {
	{ .key = "name", .type = FIELD_TEXT, .required = true, AT(cfg_header, name), .max = 100, .doc = "Name of the header." },
	{ .key = "value", .type = FIELD_TEXT, .required = true, AT(cfg_header, value), .doc = "Its value; never a credential." },
	END
};
static const struct section section_header = { "header", sizeof(struct cfg_header), header_fields, NULL };

static const struct field tier_fields[] = {
	{ .key = "attempts", .type = FIELD_INT, AT(retry_tier, attempts), .min = 1, .max = 10,
	  .doc = "Tries in all, the first included. Absent: rate_limit 3, timeout 2, server_error 5, network 4." },
	{ .key = "base", .type = FIELD_DURATION, AT(retry_tier, wait.base_ms), .min = 0, .max = HOUR,
	  .doc = "First delay. Absent: the class's own." },
	{ .key = "max", .type = FIELD_DURATION, AT(retry_tier, wait.max_ms), .min = 0, .max = HOUR,
	  .doc = "Largest delay. Absent: the class's own." },
	END
};
static const struct section section_tier = { "retry tier", sizeof(struct retry_tier), tier_fields, NULL };

static void retry_init(void *rec)
{
	retry_policy_default(rec);
}

static const struct field retry_fields[] = {
	{ .key = "rate_limit", .type = FIELD_MAP, AT(retry_policy, tier[RETRY_RATE_LIMIT]), .of = &section_tier,
	  .doc = "The server said: slower." },
	{ .key = "timeout", .type = FIELD_MAP, AT(retry_policy, tier[RETRY_TIMEOUT]), .of = &section_tier,
	  .doc = "No answer in time; always probed before it is repeated." },
	{ .key = "server_error", .type = FIELD_MAP, AT(retry_policy, tier[RETRY_SERVER_ERROR]), .of = &section_tier,
	  .doc = "5xx; always probed before it is repeated." },
	{ .key = "network", .type = FIELD_MAP, AT(retry_policy, tier[RETRY_NETWORK]), .of = &section_tier,
	  .doc = "Nothing left this machine." },
	END
};
static const struct section section_retry = { "retry", sizeof(struct retry_policy), retry_fields, retry_init };

static const struct field breaker_fields[] = {
	{ .key = "open", .type = FIELD_DURATION, AT(breaker_opts, open_ms), .def = "60s", .min = SECOND, .max = HOUR,
	  .doc = "First time the breaker stays open; doubles." },
	{ .key = "open_max", .type = FIELD_DURATION, AT(breaker_opts, open_max_ms), .def = "15m", .min = SECOND, .max = DAY,
	  .doc = "Longest time it stays open." },
	{ .key = "probe_deadline", .type = FIELD_DURATION, AT(breaker_opts, probe_deadline_ms), .def = "30s", .min = SECOND, .max = HOUR,
	  .doc = "A half-open probe without an answer is given up after this." },
	END
};
static const struct section section_breaker = { "breaker", sizeof(struct breaker_opts), breaker_fields, NULL };

static const struct field events_fields[] = {
	{ .key = "id", .type = FIELD_TEXT, AT(cfg_events, id), .max = 100,
	  .doc = "Path of a message's id: members with dots between, as meta.id. Absent: it has none." },
	{ .key = "type", .type = FIELD_TEXT, AT(cfg_events, type), .def = "type", .max = 100, .doc = "Path of its type." },
	{ .key = "sequence", .type = FIELD_TEXT, AT(cfg_events, sequence), .max = 100,
	  .doc = "Path of its sequence number, which shows gaps and reorderings, and stands for the id where there is none." },
	{ .key = "epoch", .type = FIELD_TEXT, AT(cfg_events, epoch), .max = 100,
	  .doc = "Path of what names the peer's stream; ids and numbers count within it." },
	{ .key = "ack", .type = FIELD_BOOL, AT(cfg_events, ack), .def = "no",
	  .doc = "Answer each message {\"type\":\"ack\",\"id\":…} once its effect is durable; a repeated one, too." },
	{ .key = "window", .type = FIELD_INT, AT(cfg_events, window), .def = "10000", .min = 1, .max = 1000000,
	  .doc = "Marks against repeats that are kept, at most." },
	{ .key = "window_age", .type = FIELD_DURATION, AT(cfg_events, window_age_ms), .def = "24h", .min = SECOND, .max = 30 * DAY,
	  .doc = "Age at which a mark no longer counts." },
	END
};
static const struct section section_events = { "events", sizeof(struct cfg_events), events_fields, NULL };

static const struct field notify_fields[] = {
	{ .key = "kinds", .type = FIELD_TEXTS, ARR(cfg_notify, kinds), .max = 64,
	  .doc = "Kinds of the log that the peer is told, or a prefix ending in a dot (cycle.). Absent: none." },
	{ .key = "items", .type = FIELD_INT, AT(cfg_notify, items), .def = "1000", .min = 1, .max = 10000, .doc = "Events that may wait." },
	{ .key = "bytes", .type = FIELD_BYTES, AT(cfg_notify, bytes), .def = "1MB", .min = 1000, .max = 64000000, .doc = "Bytes that may wait." },
	{ .key = "age", .type = FIELD_DURATION, AT(cfg_notify, age_ms), .def = "300s", .min = SECOND, .max = DAY,
	  .doc = "An event that could not be sent for this long is dropped, and counted." },
	{ .key = "acked", .type = FIELD_BOOL, AT(cfg_notify, acked), .def = "no",
	  .doc = "The peer answers {\"type\":\"ack\",\"id\":…}; until then an event counts as not sent and is repeated after a reconnect." },
	END
};
static const struct section section_notify = { "notify", sizeof(struct cfg_notify), notify_fields, NULL };

static const struct field link_fields[] = {
	{ .key = "name", .type = FIELD_NAME, .required = true, AT(cfg_link, name), .doc = "Name of the link." },
	{ .key = "url", .type = FIELD_URL, .required = true, AT(cfg_link, url), .schemes = "ws wss",
	  .doc = "WebSocket endpoint. No user or password in it." },
	{ .key = "handshake", .type = FIELD_CHOICE, AT(cfg_link, handshake), .def = "none", .words = handshake_words,
	  .doc = "What the peer speaks: none, exai (a hello is said), exai-dashboard, or json-events (see events)." },
	{ .key = "token_file", .type = FIELD_PATH, AT(cfg_link, token_file),
	  .doc = "File with the token, private to the engine's account (0600). Absent: none is sent." },
	{ .key = "ca_file", .type = FIELD_PATH, AT(cfg_link, ca_file), .doc = "Certificates to trust (PEM). Absent: the system's." },
	{ .key = "cleartext", .type = FIELD_BOOL, AT(cfg_link, cleartext), .def = "no",
	  .doc = "A token may go to another host over ws:// without encryption." },
	{ .key = "session_id", .type = FIELD_SESSION, AT(cfg_link, session_id),
	  .doc = "Session of the exai hello; no two connections may share one. Absent: the server chooses." },
	{ .key = "connect_timeout", .type = FIELD_DURATION, AT(cfg_link, connect_timeout_ms), .def = "10s", .min = 100 * MS, .max = HOUR,
	  .doc = "An attempt that has not been answered by then has failed; the ladder says where it stood." },
	{ .key = "ping_interval", .type = FIELD_DURATION, AT(cfg_link, ping_interval_ms), .def = "20s", .min = SECOND, .max = HOUR,
	  .doc = "Time between our pings." },
	{ .key = "pong_timeout", .type = FIELD_DURATION, AT(cfg_link, pong_timeout_ms), .def = "20s", .min = 100 * MS, .max = HOUR,
	  .doc = "A ping without a pong for this long ends the connection." },
	{ .key = "hello_timeout", .type = FIELD_DURATION, AT(cfg_link, hello_timeout_ms), .def = "15s", .min = 100 * MS, .max = HOUR,
	  .doc = "A handshake that takes longer has failed." },
	{ .key = "connections", .type = FIELD_INT, AT(cfg_link, connections), .def = "1", .min = 1, .max = 1000,
	  .doc = "Connections that are kept to it." },
	{ .key = "floor", .type = FIELD_INT, AT(cfg_link, floor), .def = "1", .min = 1, .max = 1000,
	  .doc = "The link is up while at least so many of its connections are; below it they come first where handshakes queue, and are not closed on a first missing pong." },
	{ .key = "spread", .type = FIELD_DURATION, AT(cfg_link, spread_ms), .def = "250ms", .min = 0, .max = HOUR,
	  .doc = "The first attempts come at random within this time." },
	{ .key = "min_uptime", .type = FIELD_DURATION, AT(cfg_link, min_uptime_ms), .def = "10s", .min = 0, .max = DAY,
	  .doc = "A connection that was up for less counts as an attempt that failed, and the delay goes on growing." },
	{ .key = "reconnect_base", .type = FIELD_DURATION, AT(cfg_link, reconnect_base_ms), .def = "1s", .min = 10 * MS, .max = HOUR,
	  .doc = "First delay before a reconnect; doubles, with jitter." },
	{ .key = "reconnect_max", .type = FIELD_DURATION, AT(cfg_link, reconnect_max_ms), .def = "60s", .min = 10 * MS, .max = DAY,
	  .doc = "Largest delay before a reconnect." },
	{ .key = "health_file", .type = FIELD_PATH, AT(cfg_link, health_file),
	  .doc = "Health file of an exai daemon on this machine (logs/ws_daemon.health.json): read every 10 s; older than 20 s is a warning. Absent: none." },
	{ .key = "health", .type = FIELD_URL, AT(cfg_link, health), .schemes = "http https",
	  .doc = "Health page of the peer's daemon, asked with GET and without a credential: what it says of itself stands beside what the connection tells, and decides nothing. Absent: none." },
	{ .key = "health_interval", .type = FIELD_DURATION, AT(cfg_link, health_interval_ms), .def = "30s", .min = SECOND, .max = DAY,
	  .doc = "Time between two looks at its health page." },
	{ .key = "probe", .type = FIELD_CHOICE, AT(cfg_link, probe), .def = "none", .words = probe_words,
	  .doc = "Op of the exai daemon that is asked now and then, since one that hangs still answers pings: none, list_tools, or ping where it knows that." },
	{ .key = "probe_interval", .type = FIELD_DURATION, AT(cfg_link, probe_interval_ms), .def = "60s", .min = SECOND, .max = DAY,
	  .doc = "Time between two probes." },
	{ .key = "probe_timeout", .type = FIELD_DURATION, AT(cfg_link, probe_timeout_ms), .def = "10s", .min = SECOND, .max = HOUR,
	  .doc = "A probe without an answer for this long has failed." },
	{ .key = "events", .type = FIELD_MAP, AT(cfg_link, events), .of = &section_events,
	  .doc = "Of json-events: where its messages say what they are." },
	{ .key = "notify", .type = FIELD_MAP, AT(cfg_link, notify), .of = &section_notify,
	  .doc = "Of json-events: what of Sluice's own log goes out on it." },
	{ .key = "features", .type = FIELD_MAP, AT(cfg_link, features), .of = &section_features,
	  .doc = "Values that a few of its connections try first." },
	{ .key = "breaker", .type = FIELD_MAP, AT(cfg_link, breaker), .of = &section_breaker, .doc = "Its breaker." },
	END
};
static const struct section section_link = { "link", sizeof(struct cfg_link), link_fields, NULL };

static void lane_init(void *rec)
{
	struct cfg_lane *l = rec;
	l->account = "";
	l->prefix = "";
	l->quota_items = l->quota_bytes = -1;
}

static const struct field lane_fields[] = {
	{ .key = "name", .type = FIELD_NAME, .required = true, AT(cfg_lane, name),
	  .doc = "Name of the lane. Operators type it in the approval phrase." },
	{ .key = "dialect", .type = FIELD_CHOICE, .required = true, AT(cfg_lane, dialect), .words = dialect_words,
	  .doc = "Which store it is like." },
	{ .key = "url", .type = FIELD_URL, AT(cfg_lane, url), .schemes = "http https",
	  .doc = "Base URL, up to what comes before /files. No user, password or query in it. Required, but for exec, which has none." },
	{ .key = "command", .type = FIELD_TEXTS, ARR(cfg_lane, command), .max = 20,
	  .doc = "exec: the absolute path of a script and its arguments, started without a shell; see sluice-exec(7)." },
	{ .key = "bucket", .type = FIELD_TEXT, AT(cfg_lane, bucket), .max = 63,
	  .doc = "s3: the bucket, in small letters, digits, dots and hyphens. Required there." },
	{ .key = "region", .type = FIELD_TEXT, AT(cfg_lane, region), .def = "us-east-1", .max = 40,
	  .doc = "s3: the region that requests are signed for; stores that have none take the default." },
	{ .key = "addressing", .type = FIELD_WORD, AT(cfg_lane, addressing), .def = "path", .words = addressing_words,
	  .doc = "s3: the bucket stands in the path (path) or in front of the host (host)." },
	{ .key = "prefix", .type = FIELD_TEXT, AT(cfg_lane, prefix), .max = 1000,
	  .doc = "s3: only keys that begin with it are in the lane. Absent: the whole bucket." },
	{ .key = "versions", .type = FIELD_WORD, AT(cfg_lane, versions), .def = "current", .words = versions_words,
	  .doc = "s3: current: items are objects, and where the bucket is versioned a delete can be taken back; all: every version is an item "
		 "named KEY@VERSION, of purpose current or noncurrent, and a delete is final." },
	{ .key = "account", .type = FIELD_TEXT, AT(cfg_lane, account), .max = 200,
	  .doc = "Which account of the store this is; part of the target identity. Absent: not said." },
	{ .key = "key_file", .type = FIELD_PATH, AT(cfg_lane, key_file),
	  .doc = "File with the API key, private to the engine's account (0600); s3: ACCESS_KEY_ID:SECRET, and :TOKEN for temporary ones. Absent: no credential is sent." },
	{ .key = "ca_file", .type = FIELD_PATH, AT(cfg_lane, ca_file), .doc = "Certificates to trust (PEM). Absent: the system's." },
	{ .key = "cleartext", .type = FIELD_BOOL, AT(cfg_lane, cleartext), .def = "no",
	  .doc = "A key may go to another host over http:// without encryption." },
	{ .key = "headers", .type = FIELD_LIST, ARR(cfg_lane, headers), .max = 20, .of = &section_header,
	  .doc = "Headers sent with every request." },
	{ .key = "page_items", .type = FIELD_INT, AT(cfg_lane, page_items), .def = "1000", .min = 1, .max = 10000,
	  .doc = "Items asked for per page; the dialect's own maximum still holds." },
	{ .key = "in_flight", .type = FIELD_INT, AT(cfg_lane, in_flight), .def = "64", .min = 1, .max = 1000,
	  .doc = "Requests at a time; 1 for exec unless written. The failure matrix may allow fewer." },
	{ .key = "rate", .type = FIELD_RATE, AT(cfg_lane, rate_mhz), .def = "20/s", .min = 1, .max = INT64_C(1000000000),
	  .doc = "The most requests per second, minute or hour: 20/s, 90/m, 100/h. A slower store is followed." },
	{ .key = "burst", .type = FIELD_INT, AT(cfg_lane, burst), .def = "20", .min = 1, .max = 10000,
	  .doc = "Requests that may leave at once after a pause." },
	{ .key = "timeout", .type = FIELD_DURATION, AT(cfg_lane, timeout_ms), .def = "30s", .min = 10 * MS, .max = HOUR,
	  .doc = "Longest time for one request." },
	{ .key = "list_timeout", .type = FIELD_DURATION, AT(cfg_lane, list_timeout_ms), .def = "60s", .min = 10 * MS, .max = HOUR,
	  .doc = "Longest time for one page of a list." },
	{ .key = "settle", .type = FIELD_DURATION, AT(cfg_lane, settle_ms), .def = "60s", .min = 0, .max = HOUR,
	  .doc = "After a delete without an answer, an item that is still there counts as failed only from then on." },
	{ .key = "max_item", .type = FIELD_BYTES, AT(cfg_lane, max_item_bytes), .def = "512MB", .min = 1, .max = BYTES_MAX,
	  .doc = "What an item of unknown size is charged." },
	{ .key = "quota_items", .type = FIELD_INT, AT(cfg_lane, quota_items), .min = 0, .max = ITEMS_MAX,
	  .doc = "File quota of the account. Absent: unknown." },
	{ .key = "quota_bytes", .type = FIELD_BYTES, AT(cfg_lane, quota_bytes), .min = 0, .max = BYTES_MAX,
	  .doc = "Storage quota of the account. Absent: unknown." },
	{ .key = "purposes", .type = FIELD_TEXTS, ARR(cfg_lane, purposes), .max = 20,
	  .doc = "Purposes to list, where the dialect lists one at a time (glm). Absent: the documented ones, batch, code-interpreter, agent." },
	{ .key = "referrers", .type = FIELD_TEXTS, ARR(cfg_lane, referrers), .max = 10,
	  .doc = "Places of the provider that are listed before a plan is made: a file that is referred to there is not deleted, and if one of them "
		 "does not answer completely nothing is. openai: batches, fine_tuning_jobs, vector_stores; kimi, glm: batches; exec: items, which refer to one another: what refers goes first. Absent: none is asked." },
	{ .key = "blind", .type = FIELD_TEXTS, ARR(cfg_lane, blind), .max = 20,
	  .doc = "Places that use files and that nobody can list (threads, chats). They stand in the plan and on the approval page." },
	{ .key = "sentinels", .type = FIELD_TEXTS, ARR(cfg_lane, sentinels), .max = 100,
	  .doc = "Ids that every complete list must contain; one that is missing stops the plan." },
	{ .key = "depends_on", .type = FIELD_REFS, ARR(cfg_lane, depends_on), .ref = "links", .max = 16,
	  .doc = "Links that use this lane's files. While one of them is down or jammed cleaning holds." },
	{ .key = "escrow", .type = FIELD_WORD, AT(cfg_lane, escrow), .def = "off", .words = lane_escrow_words,
	  .doc = "Whether the content of candidates is copied and verified before a plan is frozen. try: where the store gives it back. required: what could not be copied is no candidate. off: nothing is copied." },
	{ .key = "retry", .type = FIELD_MAP, AT(cfg_lane, retry), .of = &section_retry,
	  .doc = "Retry tiers, by class of failure." },
	{ .key = "breaker", .type = FIELD_MAP, AT(cfg_lane, breaker), .of = &section_breaker, .doc = "Its breaker." },
	END
};
static const struct section section_lane = { "lane", sizeof(struct cfg_lane), lane_fields, lane_init };

#define COLUMN(k, d, text) { .key = #k, .type = FIELD_COLUMN, AT(cfg_columns, k), .def = d, .doc = text }
static const struct field column_fields[] = {
	COLUMN(id, "id", "Primary key of the row. Cannot be none."),
	COLUMN(lane, "provider", "Says which lane the file is in. none: the source has one lane."),
	COLUMN(file_id, "provider_file_id", "The file's id in its lane. Cannot be none."),
	COLUMN(name, "filename", "Name of the file."),
	COLUMN(bytes, "file_size_bytes", "Its size."),
	COLUMN(sha256, "sha256", "Its SHA-256."),
	COLUMN(created, "created_at", "When the row was made."),
	COLUMN(updated, "updated_at", "When the row was changed; guards every statement."),
	COLUMN(last_used, "last_used", "When the file was last used."),
	COLUMN(status, "upload_status", "State of the row; a soft delete sets it to status_deleted."),
	COLUMN(deleted_at, "deleted_at", "When the row was soft-deleted."),
	COLUMN(deletion_reason, "deletion_reason", "Why."),
	COLUMN(claim, "sluice_claimed_at", "When a cycle claimed the row."),
	COLUMN(claim_token, "sluice_claim", "Which cycle claimed the row. Without such a column rows are unclaimed and the plan says so."),
	COLUMN(object, "supabase_file_id", "The application's own copy; reference tables join here."),
	END
};
static const struct section section_columns = { "columns", sizeof(struct cfg_columns), column_fields, NULL };

static const struct field lane_value_fields[] = {
	{ .key = "value", .type = FIELD_TEXT, .required = true, AT(cfg_lane_value, value), .max = 200,
	  .doc = "What the lane column holds." },
	{ .key = "lane", .type = FIELD_REF, .required = true, AT(cfg_lane_value, lane), .ref = "lanes", .doc = "The lane it means." },
	END
};
static const struct section section_lane_value = { "lane value", sizeof(struct cfg_lane_value), lane_value_fields, NULL };

static const struct field reference_fields[] = {
	{ .key = "table", .type = FIELD_IDENT, .required = true, AT(cfg_reference, table), .doc = "Table that refers to files." },
	{ .key = "column", .type = FIELD_IDENT, .required = true, AT(cfg_reference, column), .doc = "Its column that refers." },
	{ .key = "joins", .type = FIELD_IDENT, AT(cfg_reference, joins),
	  .doc = "Column of the records table it refers to. Absent: the object column." },
	{ .key = "known_id", .type = FIELD_TEXT, AT(cfg_reference, known_id),
	  .doc = "Self-test: a value that must be found in that column, or nothing counts as unreferenced. Required unless may_be_empty." },
	{ .key = "may_be_empty", .type = FIELD_BOOL, AT(cfg_reference, may_be_empty), .def = "no",
	  .doc = "Declares that an empty table is no fault; stands in the plan." },
	END
};
static const struct section section_reference = { "reference", sizeof(struct cfg_reference), reference_fields, NULL };

static void records_init(void *rec)
{
	((struct cfg_records *)rec)->objects = -1;
}

static const struct field records_fields[] = {
	{ .key = "name", .type = FIELD_NAME, .required = true, AT(cfg_records, name), .doc = "Name of the source." },
	{ .key = "kind", .type = FIELD_WORD, AT(cfg_records, kind), .def = "sqlite", .words = kind_words, .doc = "Kind of database." },
	{ .key = "path", .type = FIELD_PATH, AT(cfg_records, path),
	  .doc = "sqlite: database file of the application, required; its schema and journal mode are never changed. postgresql: directory of the "
		 "server's Unix socket, instead of the host in url." },
	{ .key = "url", .type = FIELD_URL, AT(cfg_records, url), .schemes = "postgresql http https",
	  .doc = "postgresql: postgresql://HOST[:PORT]/DATABASE. postgrest: base URL of the API, up to what comes before the table. Required for "
		 "both. No user, password or query in it." },
	{ .key = "user", .type = FIELD_TEXT, AT(cfg_records, user), .max = 63,
	  .doc = "postgresql: role that reads; its sessions are read-only. Absent: as libpq chooses." },
	{ .key = "writer", .type = FIELD_TEXT, AT(cfg_records, writer), .max = 63,
	  .doc = "postgresql: role that claims and commits rows. Absent: user." },
	{ .key = "key_file", .type = FIELD_PATH, AT(cfg_records, key_file),
	  .doc = "File with the password (postgresql) or API key (postgrest), private to the engine's account (0600). Absent: none is sent." },
	{ .key = "writer_key_file", .type = FIELD_PATH, AT(cfg_records, writer_key_file),
	  .doc = "The same for the writer, so that what reads cannot write. Absent: key_file." },
	{ .key = "ca_file", .type = FIELD_PATH, AT(cfg_records, ca_file), .doc = "Certificates to trust (PEM). Absent: the system's." },
	{ .key = "cleartext", .type = FIELD_BOOL, AT(cfg_records, cleartext), .def = "no",
	  .doc = "Rows and key may go to another host without encryption." },
	{ .key = "schema", .type = FIELD_IDENT, AT(cfg_records, schema), .def = "public",
	  .doc = "Schema of the tables (postgresql, postgrest)." },
	{ .key = "statement_timeout", .type = FIELD_DURATION, AT(cfg_records, statement_timeout_ms), .def = "30s", .min = 10 * MS, .max = HOUR,
	  .doc = "Longest time for one statement or request (postgresql, postgrest)." },
	{ .key = "table", .type = FIELD_IDENT, AT(cfg_records, table), .def = "provider_file_uploads", .doc = "Table that tracks the files." },
	{ .key = "columns", .type = FIELD_MAP, AT(cfg_records, columns), .of = &section_columns,
	  .doc = "Names of the columns. A name written here must exist; a default is used where the schema has it; none switches a column off." },
	{ .key = "status_deleted", .type = FIELD_TEXT, AT(cfg_records, status_deleted), .def = "deleted", .max = 100,
	  .doc = "Status of a soft-deleted row." },
	{ .key = "lanes", .type = FIELD_LIST, ARR(cfg_records, lanes), .max = 64, .of = &section_lane_value,
	  .doc = "Which value of the lane column means which lane. Absent: every lane's name is its value." },
	{ .key = "references", .type = FIELD_LIST, ARR(cfg_records, references), .max = 16, .of = &section_reference,
	  .doc = "Tables that say that somebody still uses a file." },
	{ .key = "objects", .type = FIELD_REF, AT(cfg_records, objects), .ref = "objects",
	  .doc = "Source of objects that the object column names. Absent: what the application keeps itself is not looked at." },
	{ .key = "may_be_empty", .type = FIELD_BOOL, AT(cfg_records, may_be_empty), .def = "no",
	  .doc = "Declares that an empty table is no fault; stands in the plan. Otherwise an empty table proves nothing." },
	{ .key = "busy_timeout", .type = FIELD_DURATION, AT(cfg_records, busy_timeout_ms), .def = "5s", .min = 0, .max = MINUTE,
	  .doc = "How long to wait for the application's own transaction." },
	{ .key = "lease", .type = FIELD_IDENT, AT(cfg_records, lease),
	  .doc = "Table with the lease row (sqlite, postgresql; data/schema/records-lease.sql): of all engines that clean by these records only the one that holds it deletes. "
		 "It is taken in mode armed. Absent: the lease is this host's only." },
	{ .key = "lease_for", .type = FIELD_DURATION, AT(cfg_records, lease_for_ms), .def = "60s", .min = 5 * SECOND, .max = HOUR,
	  .doc = "So long the lease row stays an engine's that says nothing; it is renewed three times in that time." },
	END
};
static const struct section section_records = { "records", sizeof(struct cfg_records), records_fields, records_init };

static void rule_init(void *rec)
{
	struct cfg_rule *r = rec;
	r->kind = CFG_RULE_NONE;
	r->older_than_ms = r->longer_than_ms = r->larger_than = r->smaller_than = r->above_bp = r->until_bp = -1;
}

static const struct section section_rule;
static const struct field rule_fields[] = {
	{ .key = "rule", .type = FIELD_WORD, AT(cfg_rule, kind), .words = rule_words,
	  .doc = "age: older than older_than. orphan: in the lane, in no row of the records. size: larger_than, smaller_than. purpose, name: one of the list. failed_upload: the store says that it failed. duplicate: another item of the lane has the same hash and size. expired: the store said that it keeps it until a time, and that is past. soft_deleted: in no live row, and in rows that were soft-deleted longer_than ago. quota_pressure: above a share of the lane's quota, oldest first until another. Each entry has this or is a group." },
	{ .key = "all", .type = FIELD_LIST, ARR(cfg_rule, all), .max = 16, .of = &section_rule, .nested = true,
	  .doc = "A group instead of a rule: holds when every entry does. Entries are rules or groups, a group in a group at the deepest." },
	{ .key = "any", .type = FIELD_LIST, ARR(cfg_rule, any), .max = 16, .of = &section_rule, .nested = true,
	  .doc = "A group that holds when one entry does. Unknown entries count as in a rule: a group that hangs on one is unknown itself." },
	{ .key = "name", .type = FIELD_NAME, AT(cfg_rule, name),
	  .doc = "Name on screens and in evidence. Absent: made from the rule, age-created-30d." },
	{ .key = "older_than", .type = FIELD_DURATION, AT(cfg_rule, older_than_ms), .min = 0, .max = YEARS_100,
	  .doc = "Age rule: strictly older than this. Required there." },
	{ .key = "longer_than", .type = FIELD_DURATION, AT(cfg_rule, longer_than_ms), .min = 0, .max = YEARS_100,
	  .doc = "Soft deleted rule: its rows were all deleted strictly longer ago than this. Required there." },
	{ .key = "of", .type = FIELD_WORD, AT(cfg_rule, of), .def = "created", .words = age_of_words,
	  .doc = "Age rule: since when. An item without that time does not match." },
	{ .key = "not", .type = FIELD_BOOL, AT(cfg_rule, negate), .def = "no",
	  .doc = "Selects what the rule or group does not select. What the rule cannot know stays unknown, and unknown is never deleted." },
	{ .key = "larger_than", .type = FIELD_BYTES, AT(cfg_rule, larger_than), .min = 0, .max = BYTES_MAX,
	  .doc = "Size rule: strictly more bytes than this." },
	{ .key = "smaller_than", .type = FIELD_BYTES, AT(cfg_rule, smaller_than), .min = 1, .max = BYTES_MAX,
	  .doc = "Size rule: strictly fewer bytes than this." },
	{ .key = "purposes", .type = FIELD_TEXTS, ARR(cfg_rule, purposes), .max = 100, .doc = "Purpose rule: as the store says them." },
	{ .key = "names", .type = FIELD_GLOBS, ARR(cfg_rule, names), .max = 1000,
	  .doc = "Name rule: patterns (* ? [set], case counts)." },
	{ .key = "statuses", .type = FIELD_TEXTS, ARR(cfg_rule, statuses), .max = 20,
	  .doc = "Failed upload rule: the store's words for it. Absent: error and failed." },
	{ .key = "keep", .type = FIELD_WORD, AT(cfg_rule, keep), .def = "newest", .words = keep_words,
	  .doc = "Duplicate rule: which of the equal ones stays; referenced: those that a reference table points at, and the newest where there is none." },
	{ .key = "above", .type = FIELD_SHARE, AT(cfg_rule, above_bp), .min = 1, .max = 10000,
	  .doc = "Quota pressure rule: selects nothing at or below this share of the lane's quota." },
	{ .key = "until", .type = FIELD_SHARE, AT(cfg_rule, until_bp), .min = 0, .max = 9999,
	  .doc = "Quota pressure rule: selects the oldest until the lane would be at this share." },
	END
};
static const struct section section_rule = { "rule", sizeof(struct cfg_rule), rule_fields, rule_init };

static const struct field protect_fields[] = {
	{ .key = "ids", .type = FIELD_TEXTS, ARR(cfg_protect, ids), .max = 10000, .doc = "Ids that are never deleted." },
	{ .key = "names", .type = FIELD_GLOBS, ARR(cfg_protect, names), .max = 1000,
	  .doc = "Patterns of names (* ? [set], case counts); any that matches protects." },
	{ .key = "purposes", .type = FIELD_TEXTS, ARR(cfg_protect, purposes), .max = 100, .doc = "Purposes as the store says them." },
	{ .key = "younger_than", .type = FIELD_DURATION, AT(cfg_protect, younger_than_ms), .def = "0", .min = 0, .max = YEARS_100,
	  .doc = "Items made less than this ago. 0 protects nothing." },
	{ .key = "referenced", .type = FIELD_BOOL, AT(cfg_protect, referenced), .def = "yes",
	  .doc = "What a reference table points at." },
	END
};
static const struct section section_protect = { "protect", sizeof(struct cfg_protect), protect_fields, NULL };

static const struct field caps_fields[] = {
	{ .key = "items", .type = FIELD_INT, AT(cfg_caps, items), .def = "1000", .min = 0, .max = ITEMS_MAX,
	  .doc = "Items per lane and plan. 0 plans nothing." },
	{ .key = "bytes", .type = FIELD_BYTES, AT(cfg_caps, bytes), .def = "10GB", .min = 0, .max = BYTES_MAX,
	  .doc = "Bytes per lane and plan." },
	{ .key = "share", .type = FIELD_SHARE, AT(cfg_caps, share_bp), .def = "50%", .min = 0, .max = 10000,
	  .doc = "Share of the items listed in the lane." },
	{ .key = "remain", .type = FIELD_INT, AT(cfg_caps, remain), .def = "0", .min = 0, .max = ITEMS_MAX,
	  .doc = "Items that must be left in the lane." },
	END
};
static const struct section section_caps = { "caps", sizeof(struct cfg_caps), caps_fields, NULL };

static void policy_init(void *rec)
{
	struct cfg_policy *p = rec;
	p->records = -1;
	p->irreversible_approvals = -1;
}

static const struct field_word hidden_words[] = {
	{ .word = "refuse", .value = CFG_HIDDEN_REFUSE },
	{ .word = "allow", .value = CFG_HIDDEN_ALLOW },
	END_WORDS
};

static const struct field policy_fields[] = {
	{ .key = "name", .type = FIELD_NAME, .required = true, AT(cfg_policy, name), .doc = "Name of the policy." },
	{ .key = "lanes", .type = FIELD_REFS, .required = true, ARR(cfg_policy, lanes), .ref = "lanes", .max = CFG_MAX_LANES,
	  .doc = "Lanes it cleans." },
	{ .key = "records", .type = FIELD_REF, AT(cfg_policy, records), .ref = "records",
	  .doc = "Records that know the files. Required by the orphan rule and by last_used." },
	{ .key = "match", .type = FIELD_WORD, AT(cfg_policy, match), .def = "all", .words = match_words,
	  .doc = "Whether all rules must hold, or any." },
	{ .key = "rules", .type = FIELD_LIST, .required = true, ARR(cfg_policy, rules), .max = 16, .of = &section_rule,
	  .doc = "What makes an item a candidate." },
	{ .key = "protect", .type = FIELD_MAP, AT(cfg_policy, protect), .of = &section_protect,
	  .doc = "What is never a candidate, whatever the rules say." },
	{ .key = "order", .type = FIELD_WORD, AT(cfg_policy, order), .def = "oldest", .words = order_words,
	  .doc = "Which candidates come first." },
	{ .key = "caps", .type = FIELD_MAP, AT(cfg_policy, caps), .of = &section_caps,
	  .doc = "How much one plan may hold. There is no word for unlimited." },
	{ .key = "age_floor", .type = FIELD_DURATION, AT(cfg_policy, age_floor_ms), .def = "2h", .min = 0, .max = YEARS_100,
	  .doc = "Nothing younger is a candidate under any rule." },
	{ .key = "auto", .type = FIELD_GATES, .at = 0, .words = gate_words, .max = 3,
	  .doc = "Gates that open by themselves when their conditions hold. The one into cleaning never does." },
	{ .key = "canary", .type = FIELD_INT, AT(cfg_policy, canary), .def = "10", .min = 1, .max = 10,
	  .doc = "The first batch has at most so many items; a tenth of the grant where that is less." },
	{ .key = "ramp", .type = FIELD_INT, AT(cfg_policy, ramp), .def = "3", .min = 1, .max = 3,
	  .doc = "Each batch after the canary is so many times the one before." },
	{ .key = "approvals", .type = FIELD_INT, AT(cfg_policy, approvals), .def = "1", .min = 1, .max = 16,
	  .doc = "Operators who must approve a grant, the proposer included." },
	{ .key = "irreversible_approvals", .type = FIELD_INT, AT(cfg_policy, irreversible_approvals), .min = 1, .max = 16,
	  .doc = "The same where items cannot be restored. Absent: as approvals." },
	{ .key = "plan_for", .type = FIELD_DURATION, AT(cfg_policy, plan_for_ms), .def = "60m", .min = MINUTE, .max = DAY,
	  .doc = "How long a plan waits for its first delete. More than 60m only where several must approve." },
	{ .key = "run_for", .type = FIELD_DURATION, AT(cfg_policy, run_for_ms), .def = "8h", .min = MINUTE, .max = 7 * DAY,
	  .doc = "How long a granted run may take from its first delete." },
	{ .key = "on_abort", .type = FIELD_WORD, AT(cfg_policy, on_abort), .def = "ask", .words = on_abort_words,
	  .doc = "What an abort does with what is already deleted." },
	{ .key = "escrow", .type = FIELD_WORD, AT(cfg_policy, escrow), .def = "as_lane", .words = escrow_words,
	  .doc = "The same as the lanes' escrow, for this policy. as_lane: what each lane says." },
	{ .key = "hidden_escrow", .type = FIELD_WORD, AT(cfg_policy, hidden_escrow), .def = "refuse", .words = hidden_words,
	  .doc = "What becomes of a plan that deletes both an item and the only other copy of its bytes, in another lane or in the bucket that "
		 "holds the objects, and keeps neither: refuse or allow." },
	END
};
static const struct section section_policy = { "policy", sizeof(struct cfg_policy), policy_fields, policy_init };

static const struct field_word when_words[] = {
	{ .word = "link_down", .value = CFG_WHEN_LINK_DOWN },
	{ .word = "link_jammed", .value = CFG_WHEN_LINK_JAMMED },
	{ .word = "link_recovered", .value = CFG_WHEN_LINK_RECOVERED },
	{ .word = "quota_above", .value = CFG_WHEN_QUOTA_ABOVE },
	{ .word = "messages", .value = CFG_WHEN_MESSAGES },
	END_WORDS
};

static const struct field_word trigger_words[] = {
	{ .word = "start", .value = CFG_TRIGGER_START },
	{ .word = "hold", .value = CFG_TRIGGER_HOLD },
	END_WORDS
};

static void trigger_init_cfg(void *rec)
{
	struct cfg_trigger *t = rec;
	t->link = t->lane = t->policy = -1;
	t->above_bp = t->count = -1;
}

static const struct field trigger_fields[] = {
	{ .key = "name", .type = FIELD_NAME, .required = true, AT(cfg_trigger, name), .doc = "Name of the trigger." },
	{ .key = "when", .type = FIELD_WORD, .required = true, AT(cfg_trigger, when), .words = when_words,
	  .doc = "What sets it off: a link is not up, is jammed, or is up again; a lane, as last listed, is above a share of its quota; messages came." },
	{ .key = "link", .type = FIELD_REF, AT(cfg_trigger, link), .ref = "links", .doc = "The link. Required but for quota_above." },
	{ .key = "lane", .type = FIELD_REF, AT(cfg_trigger, lane), .ref = "lanes", .doc = "The lane of quota_above." },
	{ .key = "above", .type = FIELD_SHARE, AT(cfg_trigger, above_bp), .min = 1, .max = 10000, .doc = "Share of its quota, of items or bytes." },
	{ .key = "type", .type = FIELD_TEXT, AT(cfg_trigger, type), .max = 100, .doc = "Type of the messages that count, where the link's events.type says it." },
	{ .key = "count", .type = FIELD_INT, AT(cfg_trigger, count), .min = 1, .max = ITEMS_MAX, .doc = "It fires at each so many of them." },
	{ .key = "for", .type = FIELD_DURATION, AT(cfg_trigger, for_ms), .def = "0s", .min = 0, .max = DAY,
	  .doc = "The condition holds so long without a break before it fires; once while it goes on." },
	{ .key = "do", .type = FIELD_WORD, .required = true, AT(cfg_trigger, action), .words = trigger_words,
	  .doc = "start a cycle of the policy, which only ever finds and plans until people grant it, or hold the open cycle." },
	{ .key = "policy", .type = FIELD_REF, AT(cfg_trigger, policy), .ref = "policies", .doc = "What start starts. One cycle at a time: while one is open it does not." },
	{ .key = "cooldown", .type = FIELD_DURATION, AT(cfg_trigger, cooldown_ms), .def = "10m", .min = 0, .max = 30 * DAY,
	  .doc = "Least time between two firings." },
	END
};
static const struct section section_trigger = { "trigger", sizeof(struct cfg_trigger), trigger_fields, trigger_init_cfg };

/* Lists come after the lists they refer to. */
static const struct field config_fields[] = {
	{ .key = "name", .type = FIELD_NAME, .required = true, AT(config, name),
	  .doc = "Name of the environment, always on the screen." },
	{ .key = "engine", .type = FIELD_MAP, AT(config, engine), .of = &section_engine, .doc = "The engine itself." },
	{ .key = "operators", .type = FIELD_LIST, ARR(config, operators), .max = 64, .of = &section_operator,
	  .doc = "Who may do what. Anybody else who reaches the socket may look." },
	{ .key = "links", .type = FIELD_LIST, ARR(config, links), .max = CFG_MAX_LINKS, .of = &section_link,
	  .doc = "WebSocket endpoints to watch." },
	{ .key = "lanes", .type = FIELD_LIST, ARR(config, lanes), .max = CFG_MAX_LANES, .of = &section_lane,
	  .doc = "File store accounts." },
	{ .key = "escrow", .type = FIELD_MAP, AT(config, escrow), .of = &section_escrow,
	  .doc = "Verified copies of what is going to be deleted." },
	{ .key = "objects", .type = FIELD_LIST, ARR(config, objects), .max = 16, .of = &section_objects,
	  .doc = "The application's own copies of the bytes." },
	{ .key = "records", .type = FIELD_LIST, ARR(config, records), .max = 16, .of = &section_records,
	  .doc = "The application's own databases that track the files." },
	{ .key = "policies", .type = FIELD_LIST, ARR(config, policies), .max = 64, .of = &section_policy,
	  .doc = "What may be cleaned, and how much." },
	{ .key = "triggers", .type = FIELD_LIST, ARR(config, triggers), .max = 64, .of = &section_trigger,
	  .doc = "What starts or holds a cycle by itself. Every firing is in the log." },
	END
};
const struct section section_config = { "configuration", sizeof(struct config), config_fields, NULL };

struct type_row {
	const char *name, *example;
};

static const struct type_row type_rows[] = {
#define X(e, w, x) { w, x },
	FIELD_TYPES(X)
#undef X
};

const char *field_type_name(enum field_type t)
{
	return type_rows[t].name;
}

const char *field_type_example(enum field_type t)
{
	return type_rows[t].example;
}

size_t section_fields(const struct section *s)
{
	size_t n = 0;
	while (s->fields[n].key)
		n++;
	return n;
}

const struct field *section_field(const struct section *s, struct slice key)
{
	for (const struct field *f = s->fields; f->key; f++)
		if (slice_is(key, f->key))
			return f;
	return NULL;
}

bool field_is_list(enum field_type t)
{
	switch (t) {
	case FIELD_TEXTS: case FIELD_GLOBS: case FIELD_UIDS: case FIELD_KEYS: case FIELD_REFS: case FIELD_GATES: case FIELD_LIST:
		return true;
	case FIELD_NAME: case FIELD_TEXT: case FIELD_IDENT: case FIELD_COLUMN: case FIELD_PATH: case FIELD_URL:
	case FIELD_LISTEN: case FIELD_SESSION: case FIELD_WORD: case FIELD_CHOICE: case FIELD_BOOL: case FIELD_INT: case FIELD_BYTES:
	case FIELD_DURATION: case FIELD_SHARE: case FIELD_RATE: case FIELD_REF: case FIELD_MAP: case FIELD_TYPE_COUNT:
		return false;
	}
	return false;
}

bool field_is_scalar(enum field_type t)
{
	return t != FIELD_MAP && !field_is_list(t);
}
