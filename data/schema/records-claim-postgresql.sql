-- Optional columns that let a cleanup claim a row before its file is deleted, so that no other
-- writer attaches to a file that is about to go. Sluice never alters a schema: run this yourself
-- (psql -f records-claim-postgresql.sql). Without them plans say that rows are unclaimed.
-- A writer that is about to use a file locks its row (SELECT … FOR UPDATE) and treats one with
-- sluice_claim IS NOT NULL as taken: then no file goes from under it.

BEGIN;
-- which cycle holds the row: 'sluice:<cycle>:<opened>'; NULL = free
ALTER TABLE provider_file_uploads ADD COLUMN sluice_claim text;
-- since when; NULL = free
ALTER TABLE provider_file_uploads ADD COLUMN sluice_claimed_at timestamptz;
CREATE INDEX provider_file_uploads_sluice_claim
	ON provider_file_uploads (sluice_claim) WHERE sluice_claim IS NOT NULL;
COMMIT;
