-- sluice.db, version 3: messages of links.

-- What of each link's messages was taken in: marks against repeats, and where the stream stands. A mark and
-- the count it explains are one transaction.
CREATE TABLE link_marks (
	link  TEXT NOT NULL,
	key   BLOB NOT NULL,                    -- SHA-256 of epoch and id, or epoch and sequence
	n     INTEGER NOT NULL,                 -- 1, 2, 3 … per link
	at_us INTEGER NOT NULL,
	PRIMARY KEY (link, key)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX link_marks_n ON link_marks (link, n);
CREATE TABLE link_streams (
	link    TEXT PRIMARY KEY,
	taken   INTEGER NOT NULL,               -- messages whose effect was counted, each once
	epoch   BLOB NOT NULL,
	highest INTEGER                         -- sequence, NULL = none
) STRICT;
