-- catalog.db, version 3: a verdict knows its class of reversibility; verdicts of version 2 are thrown away.
DROP TABLE IF EXISTS verdicts;
DROP TABLE IF EXISTS ranks;
DELETE FROM lists WHERE lane = -2;
