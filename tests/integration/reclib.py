"""Databases of an application for the records contract: one class per kind, the same face. sql() is the
application's own connection, beside the one of the program under test."""
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../peers'))
import englib
import pglib
import postgrest
from pglib import Missing     # noqa: F401

BUILD = os.environ.get('SLUICE_BUILD', os.getcwd())
PROBE = os.path.join(BUILD, 'tests/integration/recprobe')
TOKEN = 'sluice:12:3'

FIRST = """
CREATE TABLE provider_file_uploads (id {key} PRIMARY KEY, provider TEXT NOT NULL, provider_file_id TEXT NOT NULL, sha256 TEXT,
 filename TEXT, file_size_bytes BIGINT, last_used {time}, upload_status TEXT DEFAULT 'completed', created_at {time}, updated_at {time},
 supabase_file_id TEXT, deleted_at {time}, deletion_reason TEXT, sluice_claimed_at {time}, sluice_claim TEXT);
CREATE TABLE conversation_files (conversation_id TEXT, file_id TEXT);
"""
SECOND = """
CREATE TABLE provider_file_uploads (id TEXT PRIMARY KEY, file_id TEXT NOT NULL, provider_name TEXT NOT NULL, provider_file_id TEXT,
 upload_timestamp TEXT NOT NULL, file_size BIGINT, file_hash TEXT, storage_path TEXT, deleted_at BIGINT);
CREATE TABLE conversation_files (conversation_id TEXT, file_id TEXT);
"""


def lit(v):
    """A value as a literal of SQL, strings of any text."""
    if v is None:
        return 'NULL'
    return str(v) if isinstance(v, int) else "'" + v.replace("'", "''") + "'"


class Base:
    time_type = 'TEXT'
    one_moment = True                   # a list is a snapshot
    borders = (4999, 5000, 5001)
    impatient = {}                      # what makes it give up soon

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='sluice-rec-')
        self.probe = None
        self.extra = {}

    def fresh(self, schema=FIRST, key='TEXT', **conf):
        """An empty schema and a probe on it. conf: changes of the records section."""
        self.stop_probe()
        self.drop()
        self.sql(schema.format(key=key, time=self.time_type))
        self.configure(**conf)
        return self

    def private(self, name, text):
        path = os.path.join(self.dir, name)
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), 'w') as f:
            f.write(text)
        return path

    def configure(self, lanes=(('kimi', 'kimi'), ('glm', 'glm-files')), **conf):
        self.stop_probe()
        rec = {'name': 'app', **self.section(), **self.extra,
               'lanes': [{'value': json.dumps(v), 'lane': n} for v, n in lanes], **conf}
        path = os.path.join(self.dir, 'sluice.yaml')
        with open(path, 'w') as f:
            f.write(englib.yaml({
                'name': 'test', 'operators': [{'name': 'a', 'uids': [os.getuid()]}],
                'lanes': [{'name': n, 'dialect': 'openai', 'url': f'http://127.0.0.1:9/{n}'} for n in ('kimi', 'glm-files')],
                'records': [{k: v for k, v in rec.items() if v is not None}],
                'policies': [{'name': 'p', 'lanes': ['kimi'], 'rules': [{'rule': 'age', 'older_than': '1d'}]}]}))
        os.chmod(path, 0o644)
        self.probe = Probe(path)

    def refer(self, known='s-known', may_be_empty='no'):
        return [{'table': 'conversation_files', 'column': 'file_id', 'joins': 'supabase_file_id',
                 **({'known_id': known} if known else {}), 'may_be_empty': may_be_empty}]

    def add(self, key, provider, file, **more):
        row = {'id': key, 'provider': provider, 'provider_file_id': file, 'filename': f'n-{key}', 'file_size_bytes': 10,
               'created_at': '2026-01-02T03:04:05Z', 'last_used': '2026-02-01T00:00:00Z', **more}
        self.sql(f"INSERT INTO provider_file_uploads ({','.join(row)}) VALUES ({','.join(lit(v) for v in row.values())})")

    def one(self, query):
        rows = self.sql(query)
        return rows[0][0] if rows else None

    text_key = "'k' || substr('000000' || i, -6)"

    def many(self, n, key=None):
        key = key or self.text_key
        self.sql(f"WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<{n}) "
                 f"INSERT INTO provider_file_uploads(id, provider, provider_file_id) SELECT {key}, 'kimi', 'f-'||i FROM c")

    def stop_probe(self):
        if self.probe:
            self.probe.close()
        self.probe = None

    def stop_probe_hard(self):
        if self.probe:
            self.probe.proc.kill()
            self.probe.proc.wait()
        self.probe = None

    def close(self):
        self.stop_probe()
        shutil.rmtree(self.dir, ignore_errors=True)


class Sqlite(Base):
    kind = 'sqlite'

    def __init__(self):
        super().__init__()
        self.path = os.path.join(self.dir, 'app.db')
        self.db = None

    def drop(self):
        if self.db:
            self.db.close()
        for end in ('', '-wal', '-shm'):
            if os.path.exists(self.path + end):
                os.unlink(self.path + end)
        self.db = sqlite3.connect(self.path, isolation_level=None, timeout=10)
        self.db.execute('PRAGMA journal_mode=WAL')

    def section(self):
        return {'kind': 'sqlite', 'path': self.path}

    def sql(self, text):
        if ';' in text.rstrip(';\n ') and not text.lstrip().upper().startswith(('INSERT', 'WITH', 'UPDATE', 'SELECT')):
            self.db.executescript(text)
            return []
        return self.db.execute(text).fetchall()

    def hold(self):
        """The application keeps a row for itself until the returned function is called."""
        self.db.execute('BEGIN IMMEDIATE')
        self.db.execute("UPDATE provider_file_uploads SET filename='held'")
        return lambda: self.db.execute('ROLLBACK')

    def close(self):
        super().close()
        if self.db:
            self.db.close()


class Postgres(Base):
    kind = 'postgresql'
    time_type = 'TIMESTAMPTZ'
    text_key = "'k' || lpad(i::text, 6, '0')"

    def __init__(self):
        super().__init__()
        self.server = pglib.Server()
        self.server.wire('postgres').sql('CREATE DATABASE app')
        self.proxy = pglib.Proxy(self.server.port)
        self.db = self.server.wire()
        self.db.sql('CREATE ROLE reader LOGIN; CREATE ROLE writer LOGIN')

    def drop(self):
        self.db.sql('DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC;'
                    'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO reader, writer;'
                    'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT UPDATE, DELETE ON TABLES TO writer')

    def section(self):
        return {'kind': 'postgresql', 'url': f'postgresql://127.0.0.1:{self.proxy.port}/app', 'user': 'reader', 'writer': 'writer'}

    def sql(self, text):
        return self.db.sql(text)

    def hold(self):
        self.db.sql("BEGIN; UPDATE provider_file_uploads SET filename='held'")
        return lambda: self.db.sql('ROLLBACK')

    def close(self):
        super().close()
        self.proxy.close()
        self.server.stop()


class Rest(Sqlite):
    """PostgREST's stand-in over the application's SQLite file; 700 rows at most in an answer."""
    kind = 'postgrest'
    one_moment = False
    borders = (699, 700, 701, 1400, 2001)

    def __init__(self):
        super().__init__()
        self.rest = postgrest.Serve(self.path, max_rows=700, keys={'key-of-reader': 'reader', 'key-of-writer': 'writer'})
        self.proxy = pglib.Proxy(self.rest.port)
        self.extra = {'key_file': self.private('reader', 'key-of-reader\n'), 'writer_key_file': self.private('writer', 'key-of-writer\n')}

    def section(self):
        return {'kind': 'postgrest', 'url': f'http://127.0.0.1:{self.proxy.port}'}

    def hold(self):
        self.rest.busy_s = 0.1
        let_go = super().hold()

        def end():
            let_go()
            self.rest.busy_s = 10.0
        return end

    def close(self):
        super().close()
        self.proxy.close()
        self.rest.stop()


class Probe:
    def __init__(self, config):
        wrap = os.environ.get('SLUICE_WRAP', '').split()
        env = {k: v for k, v in os.environ.items() if not k.startswith('PG')}
        self.proc = subprocess.Popen([*wrap, PROBE, config, 'app'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
        self.read()

    def read(self):
        line = self.proc.stdout.readline()
        if not line:
            raise AssertionError(f'the probe ended with {self.proc.wait()}')
        m = json.loads(line)
        if m.keys() == {'error'}:
            raise AssertionError(m['error'])
        return m

    def send(self, **m):
        self.proc.stdin.write(json.dumps(m).encode() + b'\n')
        self.proc.stdin.flush()

    def call(self, op, **m):
        self.send(op=op, **m)
        return self.read()

    def list(self, between=None):
        """between runs once, after the first page."""
        self.send(op='list', pause=between is not None)
        m = self.read()
        while 'page' in m:
            if between:
                between()
            between = None
            self.proc.stdin.write(b'\n')
            self.proc.stdin.flush()
            m = self.read()
        for r in m['rows']:
            for k in ('key', 'lane', 'file', 'name', 'object', 'status'):
                r[k] = bytes.fromhex(r[k])
        return m

    def batch(self, op, refs, token=TOKEN, reason='expired', **more):
        def h(v):
            return (v if isinstance(v, bytes) else v.encode()).hex()
        return self.call(op, refs=[[h(v) for v in ref] for ref in refs], token=token, reason=reason, **more)

    def results(self, op, *refs, **kw):
        m = self.batch(op, refs, **kw)
        if m['rc'] != 'ok':
            raise AssertionError(f"{op}: {m['error']}")
        return m['results']

    def do(self, op, lane, file, key, **kw):
        return self.results(op, (lane, file, key), **kw)[0]

    def remap(self, lane, file, key, new, **kw):
        return self.results('remap', (lane, file, key, new), **kw)[0]

    def claims(self, token=TOKEN):
        return self.call('count', what=token)['n']

    def permit(self, what):
        self.call('permit', what=what)

    def close(self):
        if self.proc.poll() is None:
            self.proc.stdin.close()
            self.proc.wait(60)
        if self.proc.returncode:
            raise AssertionError(f'the probe ended with {self.proc.returncode}')


def until(what, limit=60):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        got = what()
        if got:
            return got
        time.sleep(0.02)
    raise AssertionError('waited in vain')
