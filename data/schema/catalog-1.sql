-- catalog.db, version 1: what the last discoveries found. It can be thrown away.
-- A list is loaded without any index and then copied once in the order of its ids: loading_N becomes
-- items_N (N = the lane's index). Both are made and dropped by store/catalog.c, with these columns:
--   items_N (id TEXT PRIMARY KEY, name, purpose, status TEXT, bytes, created_us, expires_us INTEGER) WITHOUT ROWID

-- Complete lists. lane -1 = the rows of the records, -2 = the verdicts (their generation in items).
CREATE TABLE lists (
	lane  INTEGER PRIMARY KEY,
	items INTEGER NOT NULL
) STRICT;
