-- sluice.db, version 4: items that operators protect by hand, whatever a policy says.
CREATE TABLE protected_items (
	lane   TEXT NOT NULL,
	id     TEXT NOT NULL,                   -- bytes as they came
	actor  TEXT NOT NULL,                   -- who asked for it
	reason TEXT NOT NULL,
	at_us  INTEGER NOT NULL,
	PRIMARY KEY (lane, id)
) STRICT, WITHOUT ROWID;
