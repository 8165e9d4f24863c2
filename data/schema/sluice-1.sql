-- sluice.db, version 1: the audit log and the state that its records explain, in one file, so that
-- an outcome and its effect are one transaction. Written by the engine's storage thread alone.
-- Reading while the engine runs:  sqlite3 -readonly sluice.db 'SELECT * FROM decisions'

-- The log. hash covers a length-prefixed encoding of all other values, prev included (store/audit.c).
CREATE TABLE audit (
	seq     INTEGER PRIMARY KEY,            -- 1, 2, 3 … without a gap
	wall_us INTEGER NOT NULL,               -- UTC, microseconds since 1970
	boot_us INTEGER NOT NULL,               -- CLOCK_BOOTTIME, microseconds
	boot    TEXT NOT NULL,                  -- the kernel's boot id
	actor   TEXT NOT NULL,                  -- entry of operators:, "engine", "recovery"
	uid     INTEGER NOT NULL,               -- -1 = none
	role    TEXT NOT NULL,
	via     TEXT NOT NULL,
	kind    TEXT NOT NULL,
	subject TEXT NOT NULL,                  -- item id, lane, link … bytes as they came
	cycle   INTEGER NOT NULL,               -- 0 = none
	plan    TEXT NOT NULL,                  -- 64 hex digits, '' = none
	payload TEXT NOT NULL,                  -- JSON object
	prev    BLOB NOT NULL CHECK (length(prev) = 32),
	hash    BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- What is not about a single item, so that the screens find the newest decisions among a million outcomes.
-- Comparisons instead of NOT IN: for a list SQLite builds a table at every insert.
CREATE INDEX audit_decisions ON audit (seq) WHERE kind <> 'intent' AND kind <> 'outcome' AND kind <> 'probe'
	AND kind <> 'row.intent' AND kind <> 'row.outcome' AND kind <> 'recheck'
	AND kind <> 'claim.intent' AND kind <> 'claim.outcome';

-- Against accidents with SQL; the chain is for everyone else. The insert guard also stops
-- INSERT OR REPLACE, which passes a delete trigger.
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN
	SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN
	SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_in_order BEFORE INSERT ON audit
WHEN CASE WHEN NEW.seq > 1 THEN (NEW.seq - 1, NEW.prev) IS NOT (SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1)
	ELSE NEW.seq IS NOT 1 OR EXISTS (SELECT 1 FROM audit) END
BEGIN
	SELECT RAISE(ABORT, 'the audit log is append-only: a record follows the newest one and names its hash');
END;

-- The log for people. A subject that is not plain ASCII text is shown in hexadecimal.
CREATE VIEW decisions AS
SELECT seq,
	strftime('%Y-%m-%d %H:%M:%S', wall_us / 1000000, 'unixepoch') || printf('.%06dZ', wall_us % 1000000) AS time,
	actor || ' (' || via || ')' AS who,
	kind,
	CASE WHEN subject GLOB '*[^ -~]*' OR length(subject) <> length(CAST(subject AS BLOB))
		THEN 'x''' || hex(subject) || '''' ELSE subject END AS subject,
	nullif(cycle, 0) AS cycle,
	substr(plan, 1, 4) || ' ' || substr(plan, 5, 4) || ' ' || substr(plan, 9, 4) AS plan,
	payload,
	lower(substr(hex(hash), 1, 12)) AS hash
FROM audit ORDER BY seq;

-- One row: how many transactions were committed. After a COMMIT that failed it tells whether that
-- one is there.
CREATE TABLE commits (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	n   INTEGER NOT NULL
) STRICT;
INSERT INTO commits VALUES (1, 0);

CREATE TABLE cycles (
	id        INTEGER PRIMARY KEY,
	name      TEXT NOT NULL,
	policy    TEXT NOT NULL,
	stage     TEXT NOT NULL,
	state     TEXT NOT NULL,
	plan      TEXT NOT NULL,                -- '' until frozen
	body      TEXT NOT NULL,                -- JSON
	opened_us INTEGER NOT NULL,
	closed_us INTEGER                       -- NULL while open
) STRICT;
CREATE INDEX cycles_open ON cycles (id) WHERE closed_us IS NULL;

CREATE TABLE plans (
	id         TEXT PRIMARY KEY,            -- SHA-256, 64 hex digits
	cycle      INTEGER NOT NULL,
	header     BLOB NOT NULL,
	summary    TEXT NOT NULL,               -- JSON
	made_us    INTEGER NOT NULL,
	expires_us INTEGER NOT NULL
) STRICT;
CREATE INDEX plans_cycle ON plans (cycle);

-- What was planned, written once; and what became of it, rewritten often, so in small rows.
CREATE TABLE items (
	key        INTEGER PRIMARY KEY,         -- cycle << 32 | n
	lane       INTEGER NOT NULL,
	rank       INTEGER NOT NULL,
	id         TEXT NOT NULL,
	name       TEXT NOT NULL,
	bytes      INTEGER,                     -- NULL = unknown
	created_us INTEGER,
	row        TEXT NOT NULL,               -- key in the records, '' = none
	rule       TEXT NOT NULL,               -- that selected it
	class      INTEGER NOT NULL,            -- 0 … 3: R0 irreversible … R3 exactly restorable
	evidence   TEXT NOT NULL                -- JSON
) STRICT;
CREATE TABLE item_states (
	key        INTEGER PRIMARY KEY,
	state      INTEGER NOT NULL,
	row_state  INTEGER NOT NULL,
	attempts   INTEGER NOT NULL,
	last_class INTEGER NOT NULL,
	sent_us    INTEGER
) STRICT;
CREATE VIEW item_list AS
SELECT i.key >> 32 AS cycle, i.key & 0xffffffff AS n, i.lane, i.rank, i.id, i.name, i.bytes, i.created_us,
	i.row, i.evidence, s.state, s.row_state, s.attempts, s.last_class, s.sent_us
FROM items i JOIN item_states s USING (key);

CREATE TABLE grants (
	id           TEXT PRIMARY KEY,
	cycle        INTEGER NOT NULL,
	plan         TEXT NOT NULL,
	lane         TEXT NOT NULL,
	items        INTEGER NOT NULL,
	bytes        INTEGER NOT NULL,
	share_bp     INTEGER NOT NULL,
	on_abort     TEXT NOT NULL,
	state        TEXT NOT NULL,
	body         TEXT NOT NULL,             -- JSON
	made_us      INTEGER NOT NULL,
	made_boot_us INTEGER NOT NULL,
	expires_us   INTEGER NOT NULL,
	boot         TEXT NOT NULL
) STRICT;
CREATE INDEX grants_cycle ON grants (cycle);

CREATE TABLE dead_letters (
	cycle  INTEGER NOT NULL,
	n      INTEGER NOT NULL,
	lane   TEXT NOT NULL,
	id     TEXT NOT NULL,
	phase  TEXT NOT NULL,
	class  TEXT NOT NULL,
	belief TEXT NOT NULL,                   -- row_conflict, maybe_deleted, exists
	body   TEXT NOT NULL,                   -- JSON
	at_us  INTEGER NOT NULL,
	PRIMARY KEY (cycle, n)
) STRICT;

CREATE TABLE lanes (
	name          TEXT PRIMARY KEY,
	listed_items  INTEGER,                  -- last complete list, NULL = never
	listed_us     INTEGER,
	deleted_since INTEGER NOT NULL          -- confirmed deletions of ours since then
) STRICT;

-- What was sent, by the moment it was sent: ceilings over 24 hours are sums over it.
CREATE TABLE lane_spent (
	lane  TEXT NOT NULL,
	at_us INTEGER NOT NULL,
	items INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	PRIMARY KEY (lane, at_us)
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT;
