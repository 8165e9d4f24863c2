-- Optional columns that let a cleanup claim a row before its file is deleted, so that no other
-- writer attaches to a file that is about to go. Sluice never alters a schema: run this yourself
-- (sqlite3 app.db < records-claim.sql). Without them plans say that rows are unclaimed.
-- Writers should treat a row with sluice_claim IS NOT NULL as taken.

BEGIN IMMEDIATE;
-- which cycle holds the row: 'sluice:<cycle>:<opened>'; NULL = free
ALTER TABLE provider_file_uploads ADD COLUMN sluice_claim TEXT;
-- since when, RFC 3339 in UTC; NULL = free
ALTER TABLE provider_file_uploads ADD COLUMN sluice_claimed_at TEXT;
CREATE INDEX provider_file_uploads_sluice_claim
	ON provider_file_uploads (sluice_claim) WHERE sluice_claim IS NOT NULL;
COMMIT;
