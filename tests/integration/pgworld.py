"""A World whose records are in a PostgreSQL server of its own, in the types that the origin's schema has there."""
import os

import pglib
from englib import PROVIDERS, TOP, World

SCHEMA = """
CREATE TABLE files (id uuid PRIMARY KEY, storage_path text NOT NULL UNIQUE);
CREATE TABLE conversation_files (conversation_id text NOT NULL, file_id uuid NOT NULL REFERENCES files ON DELETE CASCADE,
 PRIMARY KEY (conversation_id, file_id));
CREATE INDEX ON conversation_files (file_id);
CREATE TABLE provider_file_uploads (
 id uuid PRIMARY KEY, provider text NOT NULL CHECK (provider IN ('kimi', 'glm', 'openai', 'anthropic')), provider_file_id text NOT NULL,
 sha256 text, filename text, file_size_bytes int, last_used timestamptz DEFAULT now(),
 upload_status text NOT NULL DEFAULT 'completed' CHECK (upload_status IN ('pending', 'completed', 'failed', 'deleted')), error_message text,
 created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), supabase_file_id text, upload_method text,
 reference_count int DEFAULT 1, deleted_at timestamptz, deletion_reason text, UNIQUE (provider, provider_file_id));
"""
KNOWN = '00000000-0000-4000-8000-00000000ffff'


def obj(n):
    return f'00000000-0000-4000-8000-{n:012x}'


def key(n):
    return f'11111111-0000-4000-8000-{n:012x}'


class PgWorld(World):
    """w.db: the application's connection. w.key[file] and w.obj[file] name a file's row and object."""

    def __init__(self, *settings, **kw):
        self.server = pglib.Server(*settings)
        self.key, self.obj = {}, {}
        try:
            self.server.wire('postgres').sql('CREATE DATABASE app')
            self.db = self.server.wire()
            self.db.sql('CREATE ROLE reader LOGIN; CREATE ROLE writer LOGIN')
            super().__init__(**kw)
        except BaseException:
            self.server.stop()
            raise

    def make_records(self, claims):
        self.db.sql(SCHEMA)
        if claims:
            with open(os.path.join(TOP, 'data/schema/records-claim-postgresql.sql')) as f:
                self.db.sql(f.read())
        self.db.sql('GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader, writer; GRANT UPDATE ON provider_file_uploads TO writer')
        self.refer(self.db, KNOWN)
        rows = []
        for n, m in enumerate(self.sim.manifest()):
            if m['role'] in ('tracked', 'unused', 'protected'):
                self.key[m['id']], self.obj[m['id']] = key(n), obj(n)
                rows.append(f"('{key(n)}','{PROVIDERS[self.lanes.index(m['store'])]}','{m['id']}','{m.get('name', '')}',{m.get('bytes', 'NULL')},"
                            f"'2020-01-01','2020-01-01','2020-01-01','{obj(n)}')")
            if m['role'] == 'tracked':
                self.refer(self.db, obj(n))
        self.db.sql('INSERT INTO provider_file_uploads (id, provider, provider_file_id, filename, file_size_bytes, created_at, updated_at, '
                    f"last_used, supabase_file_id) VALUES {','.join(rows)}")

    @staticmethod
    def refer(db, o):
        db.sql(f"INSERT INTO files VALUES ('{o}', '{o}') ON CONFLICT DO NOTHING; INSERT INTO conversation_files VALUES ('c', '{o}')")

    def configuration(self, *a):
        conf = super().configuration(*a)
        rec = conf['records'][0]
        rec.pop('path', None)
        rec.update(kind='postgresql', url=f'postgresql://127.0.0.1:{self.server.port}/app', user='reader', writer='writer',
                   references=[{'table': 'conversation_files', 'column': 'file_id', 'known_id': KNOWN}])
        return conf

    def rows(self, query, *args):
        return self.db.sql(query)

    def close(self):
        try:
            super().close()
        finally:
            self.server.stop()
