-- sluice.db, version 2: copies of items' bytes, kept so that a delete can be compensated.

-- The newest copy of each item; the bytes themselves are a file (src/escrow).
CREATE TABLE escrow (
	lane       TEXT NOT NULL,
	id         TEXT NOT NULL,               -- bytes as they came
	name       TEXT NOT NULL,
	purpose    TEXT NOT NULL,
	bytes      INTEGER,                     -- of the copy; NULL until there is a whole one
	sha256     TEXT NOT NULL,               -- of the copy, 64 hex digits; '' until there is a whole one
	created_us INTEGER,                     -- of the original, NULL = unknown
	meta       TEXT NOT NULL,               -- what the lane told about the original, JSON
	path       TEXT NOT NULL,               -- of the file
	state      TEXT NOT NULL CHECK (state IN ('started', 'ok', 'discarded')),
	cycle      INTEGER NOT NULL,            -- that made it
	at_us      INTEGER NOT NULL,            -- of this state
	PRIMARY KEY (lane, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX escrow_state ON escrow (state, at_us);

-- Copies are records of single items too; the same terms as in store/audit.c.
DROP INDEX audit_decisions;
CREATE INDEX audit_decisions ON audit (seq) WHERE kind <> 'intent' AND kind <> 'outcome' AND kind <> 'probe'
	AND kind <> 'row.intent' AND kind <> 'row.outcome' AND kind <> 'recheck'
	AND kind <> 'claim.intent' AND kind <> 'claim.outcome' AND kind <> 'escrow.intent' AND kind <> 'escrow.outcome';
