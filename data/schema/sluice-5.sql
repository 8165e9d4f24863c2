-- sluice.db, version 5: an abort that restores.

-- What an item came back as.
CREATE TABLE restored (
	cycle  INTEGER NOT NULL,
	n      INTEGER NOT NULL,                -- of the item
	new_id TEXT NOT NULL,                   -- bytes as they came
	PRIMARY KEY (cycle, n)
) STRICT, WITHOUT ROWID;

-- Files that a lane held before the first upload and that might be taken for one: of the name and size of
-- an item that is to come back.
CREATE TABLE restore_baseline (
	cycle INTEGER NOT NULL,
	lane  INTEGER NOT NULL,                 -- of the cycle
	id    TEXT NOT NULL,
	PRIMARY KEY (cycle, lane, id)
) STRICT, WITHOUT ROWID;

-- Uploads are records of single items too; the same terms as in store/audit.c.
DROP INDEX audit_decisions;
CREATE INDEX audit_decisions ON audit (seq) WHERE kind <> 'intent' AND kind <> 'outcome' AND kind <> 'probe'
	AND kind <> 'row.intent' AND kind <> 'row.outcome' AND kind <> 'recheck'
	AND kind <> 'claim.intent' AND kind <> 'claim.outcome' AND kind <> 'escrow.intent' AND kind <> 'escrow.outcome'
	AND kind <> 'compensation.intent' AND kind <> 'compensation.outcome';
