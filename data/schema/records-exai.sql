-- The tables of an EX-AI MCP server that matter to file cleanup, in SQLite form: the shape that its
-- live database had (provider_file_uploads as read from it, deletion tracking added). Used by the
-- demo and the tests; a real installation keeps these in PostgreSQL.
-- Times are ISO 8601 text in UTC; ids are uuid text.

PRAGMA foreign_keys = ON;

CREATE TABLE conversations (
	id              TEXT PRIMARY KEY,
	continuation_id TEXT NOT NULL UNIQUE,
	title           TEXT,
	metadata        TEXT NOT NULL DEFAULT '{}',
	created_at      TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	updated_at      TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

CREATE TABLE files (
	id               TEXT PRIMARY KEY,
	storage_path     TEXT NOT NULL UNIQUE,
	original_name    TEXT NOT NULL,
	mime_type        TEXT,
	size_bytes       INTEGER,
	file_type        TEXT NOT NULL DEFAULT 'user_upload'
	                 CHECK (file_type IN ('user_upload', 'generated', 'cache')),
	metadata         TEXT NOT NULL DEFAULT '{}',
	sha256           TEXT,
	provider_file_id TEXT,
	provider         TEXT,
	accessed_at      TEXT,
	expires_at       TEXT,
	created_at       TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE UNIQUE INDEX files_sha256 ON files (sha256) WHERE sha256 IS NOT NULL;

CREATE TABLE conversation_files (
	conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
	file_id         TEXT NOT NULL REFERENCES files (id) ON DELETE CASCADE,
	added_at        TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	PRIMARY KEY (conversation_id, file_id)
);
CREATE INDEX conversation_files_file ON conversation_files (file_id);

-- A conversation refers to a provider's file only through
-- conversation_files.file_id = files.id = supabase_file_id (no foreign key there).
-- reference_count counts uploads, not users, and never falls: it proves nothing.
CREATE TABLE provider_file_uploads (
	id               TEXT PRIMARY KEY,
	provider         TEXT NOT NULL CHECK (provider IN ('kimi', 'glm', 'openai', 'anthropic')),
	provider_file_id TEXT NOT NULL,
	sha256           TEXT,
	filename         TEXT,
	file_size_bytes  INTEGER,
	last_used        TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	upload_status    TEXT NOT NULL DEFAULT 'completed'
	                 CHECK (upload_status IN ('pending', 'completed', 'failed', 'deleted')),
	error_message    TEXT,
	created_at       TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	updated_at       TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	supabase_file_id TEXT,
	upload_method    TEXT,
	reference_count  INTEGER DEFAULT 1,
	deleted_at       TEXT,
	deletion_reason  TEXT,
	UNIQUE (provider, provider_file_id),
	CONSTRAINT uk_provider_sha256 UNIQUE (provider, sha256)
);
CREATE INDEX provider_file_uploads_object ON provider_file_uploads (supabase_file_id);

CREATE TABLE file_deletion_jobs (
	id               TEXT PRIMARY KEY,
	provider         TEXT NOT NULL,
	provider_file_id TEXT NOT NULL,
	status           TEXT NOT NULL DEFAULT 'pending'
	                 CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
	attempts         INTEGER NOT NULL DEFAULT 0,
	last_error       TEXT,
	created_at       TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	updated_at       TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
