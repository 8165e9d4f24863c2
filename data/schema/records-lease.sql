-- Optional: the lease row. Of all engines that clean by these records only the one that holds it deletes, on
-- whichever host they run (records.lease: sluice_lease). Sluice never alters a schema: run this yourself
-- (sqlite3 app.db < records-lease.sql, or psql -f records-lease.sql). The role that writes needs UPDATE on it.

CREATE TABLE sluice_lease (
	name   TEXT PRIMARY KEY,
	holder TEXT NOT NULL,                   -- engine, host and state directory; '' = nobody
	token  BIGINT NOT NULL,                 -- fencing: rises with every new holder
	until  BIGINT NOT NULL                  -- seconds since 1970 by the database's clock
);
INSERT INTO sluice_lease (name, holder, token, until) VALUES ('sluice', '', 0, 0);
