"""An engine against the simulator, driven through the protocol by a foreign WebSocket client, and what
the simulator's ledger says against what the audit log says."""
import asyncio
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

import websockets

sys.dont_write_bytecode = True
from simlib import KEY, Sim, main, same, test, true     # noqa: F401

BUILD = os.environ.get('SLUICE_BUILD', '.')
TOP = os.environ.get('SLUICE_TOP', os.path.join(os.path.dirname(os.path.abspath(__file__)), '../..'))
SLUICE = os.environ.get('SLUICE_BIN', os.path.join(BUILD, 'sluice'))
SLOW = int(os.environ.get('SLUICE_SLOW', '1'))          # times every limit, for valgrind
PROVIDERS = ('kimi', 'glm')
STATES = ('planned', 'checking', 'claiming', 'ready', 'sent', 'waiting to repeat', 'probing', 'settling', 'deleted', 'gone',
          'gone_other', 'failed', 'unknown', 'refused', 'drifted', 'protected', 'blocked', 'held', 'rehearsed',
          'restoring', 'perhaps restored', 'restored', 'not restored')
ROWS = ('untouched', 'claimed', 'intent', 'committed', 'none', 'conflict', 'released', 'releasing', 'remapped')
RECORDS = [{'name': 'app', 'path': 'app.db', 'lanes': [{'value': 'kimi', 'lane': 'alpha'}],
            'references': [{'table': 'conversation_files', 'column': 'file_id', 'known_id': 'obj-known'}]}]


class Refused(Exception):
    """The engine said no: its sentence, and the name of its code."""

    def __init__(self, error):
        super().__init__(error['message'])
        self.rc, self.code = error['data']['name'], error['data']['rc']


def until(what, limit=10, why='waited in vain'):
    end = time.monotonic() + limit * SLOW
    while True:
        got = what()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(why() if callable(why) else why)
        time.sleep(0.004)


def contains(text, *words):
    for w in words:
        if w not in text:
            raise AssertionError(f'{w!r} is not in {text!r}')


def refused(fn, *words, rc=None):
    """fn() must be refused with these words; the refusal."""
    try:
        got = fn()
    except Refused as e:
        contains(str(e), *words)
        if rc:
            same(e.rc, rc, str(e))
        return e
    raise AssertionError(f'not refused: {got!r}')


class Wire:
    """One connection of python3-websockets to the engine's socket."""

    def __init__(self, path, where='/operate', **kw):
        self.loop = asyncio.new_event_loop()
        self.ids = 0
        self.changes = []
        try:
            self.ws = self.loop.run_until_complete(self.open(path, where, kw))
        except BaseException:
            self.loop.close()
            raise

    @staticmethod
    async def open(path, where, kw):
        return await websockets.unix_connect(path, 'ws://localhost' + where, max_size=None, ping_interval=None, close_timeout=1, **kw)

    def run(self, co, limit=60):
        return self.loop.run_until_complete(asyncio.wait_for(co, limit * SLOW))

    def send(self, method, **params):
        self.ids += 1
        self.run(self.ws.send(json.dumps({'jsonrpc': '2.0', 'id': self.ids, 'method': method, 'params': params})))
        return self.ids

    def message(self, limit=60):
        return json.loads(self.run(self.ws.recv(), limit))

    def answer(self, number, limit=60):
        while True:
            m = self.message(limit)
            if m.get('id') == number:
                break
            self.changes.append(m)
        if 'error' in m:
            raise Refused(m['error'])
        return m['result']

    def call(self, method, **params):
        return self.answer(self.send(method, **params))

    def close(self):
        if not self.loop.is_closed():
            try:
                self.run(self.ws.close(), 5)
            finally:
                self.loop.close()


def yaml(v, pad=''):
    """A configuration out of dicts, lists and words."""
    out = ''
    for k, x in v.items():
        if x is None:           # taken out
            continue
        if isinstance(x, dict):
            out += f'{pad}{k}:\n' + yaml(x, pad + '  ')
        elif isinstance(x, list) and x and isinstance(x[0], dict):
            out += f'{pad}{k}:\n'
            for one in x:
                out += pad + '  - ' + yaml(one, pad + '    ').lstrip()
        elif isinstance(x, list):
            out += f'{pad}{k}: [{", ".join(str(i) for i in x)}]\n'
        else:
            out += f'{pad}{k}: {x}\n'
    return out


class World:
    """with World(files=60, orphan=20, unused=20) as w: a simulator with the lane alpha, records, an engine
    that is up. Candidates: orphans (no row) and unused files (a row that nothing refers to)."""

    def __init__(self, files=60, orphan=20, unused=20, faults=(), more='', lane=None, policy=None, engine=None, operators=None,
                 claims=True, beta=None, records=True, start=True, seed=1, env=None):
        self.dir = tempfile.mkdtemp(prefix='sluice-eng-')
        self.state = os.path.join(self.dir, 'state')
        self.proc, self.wires, self.env, self.sim = None, [], env or {}, None
        try:
            args = ['--store', f'alpha:files={files},orphan={orphan},unused={unused},age=3d..400d,key={KEY}{more}']
            if beta:
                args += ['--store', f'beta:age=3d..400d,key={KEY},{beta}']
            for f in faults:
                args += ['--fault', f]
            self.sim = Sim(*args, seed=seed)
            self.lanes = ['alpha'] + ['beta'] * bool(beta)
            self.private('key', KEY + '\n')
            self.app = os.path.join(self.dir, 'app.db')
            if records:
                self.make_records(claims)
            self.conf = self.configuration(lane or {}, policy or {}, engine, operators, records)
            self.configure()
            if start:
                self.start()
        except BaseException:
            self.close()
            raise

    def private(self, name, text):
        path = os.path.join(self.dir, name)
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), 'w') as f:
            f.write(text)
        return path

    # ---- what is there ----

    def make_records(self, claims):
        db = sqlite3.connect(self.app)
        for name in ['records-exai.sql'] + ['records-claim.sql'] * claims:
            with open(os.path.join(TOP, 'data/schema', name)) as f:
                db.executescript(f.read())
        db.execute("INSERT INTO conversations (id, continuation_id) VALUES ('c', 'c')")
        self.refer(db, 'obj-known')
        for n, m in enumerate(self.sim.manifest()):
            if m['role'] in ('tracked', 'unused', 'protected'):
                db.execute('INSERT INTO provider_file_uploads (id, provider, provider_file_id, filename, file_size_bytes, created_at, '
                           "updated_at, last_used, supabase_file_id) VALUES (?, ?, ?, ?, ?, '2020-01-01T00:00:00Z', "
                           "'2020-01-01T00:00:00Z', '2020-01-01T00:00:00Z', ?)",
                           (f'row-{n}', PROVIDERS[self.lanes.index(m['store'])], m['id'], m.get('name'), m.get('bytes'), f'obj-{n}'))
            if m['role'] == 'tracked':
                self.refer(db, f'obj-{n}')
        db.commit()
        db.close()

    @staticmethod
    def refer(db, obj):
        db.execute("INSERT INTO files (id, storage_path, original_name) VALUES (?, ?, 'x')", (obj, obj))
        db.execute("INSERT INTO conversation_files (conversation_id, file_id) VALUES ('c', ?)", (obj,))

    def configuration(self, lane, policy, engine, operators, records):
        fast = {'base': '10ms', 'max': '50ms'}
        conf = {'name': 'test', 'operators': operators or [{'name': 'alice', 'uids': [os.getuid()]}]}
        if engine:
            conf['engine'] = engine
        conf['lanes'] = [{'name': n, 'dialect': 'openai', 'url': self.sim.url[n], 'key_file': 'key', 'rate': '100000/s', 'burst': 10000,
                          'settle': '200ms', 'breaker': {'open': '1s', 'open_max': '2s'},
                          'retry': {k: fast for k in ('rate_limit', 'timeout', 'server_error', 'network')}, **lane} for n in self.lanes]
        pol = {'name': 'clean', 'lanes': self.lanes, 'match': 'any', 'rules': [{'rule': 'age', 'older_than': '1d'}],
               'protect': {'names': ['"keep-*"']}, 'caps': {'items': 100000, 'bytes': '1TB', 'share': '100%'}}
        if records:
            conf['records'] = [{**RECORDS[0], 'lanes': [{'value': p, 'lane': n} for n, p in zip(self.lanes, PROVIDERS)]}]
            pol.update(records='app', rules=[{'rule': 'orphan'}, {'rule': 'age', 'older_than': '1d'}])
        pol.update(policy)
        conf['policies'] = [pol]
        return conf

    def configure(self, **change):
        """Writes the configuration; change: parts of it that are replaced first."""
        self.conf.update(change)
        path = os.path.join(self.dir, 'sluice.yaml')
        with open(path, 'w') as f:
            f.write(yaml(self.conf))
        os.chmod(path, 0o644)

    # ---- the engine ----

    def command(self):
        wrap = os.environ.get('SLUICE_WRAP', '').split()
        return [*wrap, SLUICE, '--state', self.state, '--config', os.path.join(self.dir, 'sluice.yaml'), 'engine', 'run']

    def launch(self, **env):
        e = {k: v for k, v in os.environ.items() if not k.startswith('SLUICE_')}
        e.update(HOME=self.dir, XDG_RUNTIME_DIR=self.dir, LC_ALL='C.UTF-8', **self.env, **env)
        with open(os.path.join(self.dir, 'engine.err'), 'a') as err:
            return subprocess.Popen(self.command(), env=e, stdin=subprocess.DEVNULL, stdout=err, stderr=err, cwd=self.dir)

    def start(self, **env):
        self.proc = self.launch(**env)
        until(lambda: self.proc.poll() is not None or self.up(), 20, 'the engine does not answer')
        if self.proc.poll() is not None:
            raise AssertionError(f'the engine ended with {self.proc.returncode}: {self.said()}')
        return self

    def up(self):
        try:
            self.wire()
            return True
        except (OSError, websockets.WebSocketException):
            return False

    def wire(self, where='/operate', **kw):
        w = Wire(os.path.join(self.state, 'engine.sock'), where, **kw)
        self.wires.append(w)
        return w

    def call(self, method, **params):
        return self.wires[-1].call(method, **params)

    def drop_wires(self):
        for w in self.wires:
            try:
                w.close()
            except (OSError, websockets.WebSocketException, asyncio.TimeoutError):
                pass
        self.wires = []

    def stop(self, want=0):
        """engine.stop and its end; its exit status."""
        if self.proc and self.proc.poll() is None:
            self.call('engine.stop')
            self.drop_wires()
            self.ended(want)
        self.proc = None

    def ended(self, want=0, limit=40):
        try:
            rc = self.proc.wait(limit * SLOW)
        except subprocess.TimeoutExpired:
            raise AssertionError('the engine does not end')
        same(rc, want, self.said())
        self.proc = None
        self.drop_wires()

    def kill(self):
        self.proc.send_signal(signal.SIGKILL)
        self.ended(-signal.SIGKILL)

    def restart(self, **env):
        return self.start(**env)

    def said(self):
        with open(os.path.join(self.dir, 'engine.err')) as f:
            return f.read()[-3000:]

    def close(self):
        self.drop_wires()
        if self.proc and self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait()
        try:
            if self.sim:
                self.sim.stop()
                self.sim.dir.cleanup()
        finally:
            if os.environ.get('SLUICE_KEEP'):
                print('# kept ' + self.dir, file=sys.stderr)
            else:
                shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *exc):
        if kind:
            print('# the engine said: ' + self.said().replace('\n', '\n# '), flush=True)
        else:
            try:
                self.stop()
            except BaseException:
                self.close()
                raise
        self.close()

    # ---- the operator ----

    def status(self):
        return self.call('cycle.status')

    def settled(self, limit=60):
        """The cycle once it waits for somebody."""
        last = {}

        def look():
            last.update(self.status())
            return last['state'] != 'working' and last
        return dict(until(look, limit, lambda: f'the cycle works without end: {last.get("stage")} {last.get("waiting_for")} {last.get("equation")}'))

    def discovered(self):
        self.call('cycle.start', policy='clean')
        return self.settled()

    def planned(self):
        s = self.discovered()
        same(s['stage'], 'DISCOVERING', s['waiting_for'])
        self.call('cycle.step')
        s = self.settled()
        true(s['plan'], s['waiting_for'])
        return s

    def arm(self):
        self.call('mode.set', mode='armed')

    def grant(self, lane='alpha', items=None, **change):
        plan = self.call('plan.show', lane=lane, items=items or 0)
        l = next(x for x in plan['lanes'] if x['lane'] == lane)
        g = l['grant'] if items else l
        p = dict(plan=plan['id'], lane=lane, items=g['items'], bytes=g['bytes'], phrase=g['phrase'], reason='test',
                 irreversible_phrase=g['irreversible_phrase'] or '')
        p.update(change)
        return self.call('grant.approve', **p)

    def granted(self, items=None):
        self.planned()
        self.arm()
        for lane in self.lanes:
            self.grant(lane, items)
        return self.status()

    def canary(self):
        self.call('cycle.step')
        return self.settled()

    def finish(self, limit=60):
        """Does what an operator would from the grant on, to the end."""
        end = time.monotonic() + limit * SLOW
        s = self.settled()
        while s['state'] != 'ended':
            true(time.monotonic() < end, f'the cycle cannot be finished: {s["stage"]} {s["waiting_for"]}')
            if s['ack_needed']:
                self.call('cycle.ack', failures=s['ack_needed'])
            else:
                self.call('cycle.resume')
            s = self.settled()
        true(s['balanced'], s['equation'])
        return s

    def lane(self, name='alpha', s=None):
        return next(l for l in (s or self.status())['lanes'] if l['lane'] == name)

    # ---- the log, read from the file ----

    def sql(self, query, *args, path=None):
        db = sqlite3.connect(f'file:{path or os.path.join(self.state, "sluice.db")}?mode=ro', uri=True, timeout=10)
        db.text_factory = lambda b: b.decode('utf-8', 'surrogateescape')
        try:
            return db.execute(query, args).fetchall()
        finally:
            db.close()

    def rows(self, query, *args):
        return self.sql(query, *args, path=self.app)

    def durable(self):
        """Waits until what the engine has told is in its log: it tells what it decided, and commits
        in batches behind that."""
        if not self.wires or not self.proc or self.proc.poll() is not None:
            return
        try:
            until(lambda: not self.call('status')['chain']['waiting'], 5)
        except (OSError, websockets.WebSocketException, AssertionError):
            pass                        # an engine that ends, or a log that cannot be written: read what is there

    def audit(self, *kinds):
        """(kind, subject, payload) of the records of these kinds."""
        self.durable()
        marks = ','.join('?' * len(kinds))
        return [(k, s, json.loads(p)) for k, s, p in
                self.sql(f'SELECT kind, subject, payload FROM audit WHERE kind IN ({marks}) ORDER BY seq', *kinds)]

    def of_cycle(self, *kinds):
        """The same of the newest cycle."""
        self.durable()
        marks = ','.join('?' * len(kinds))
        return [(k, s, json.loads(p)) for k, s, p in self.sql(
            f'SELECT kind, subject, payload FROM audit WHERE cycle = (SELECT max(id) FROM cycles) AND kind IN ({marks}) ORDER BY seq', *kinds)]

    def items(self, lane='alpha'):
        """id → (state, row state) of the newest cycle."""
        self.durable()
        return {i: (STATES[s], ROWS[r]) for i, s, r in self.sql(
            'SELECT id, state, row_state FROM item_list WHERE cycle = (SELECT max(id) FROM cycles) AND lane = ?', self.lanes.index(lane))}

    def states(self, lane='alpha'):
        n = {}
        for s, _ in self.items(lane).values():
            n[s] = n.get(s, 0) + 1
        return n

    def verify(self):
        v = self.call('audit.verify')
        true(v['ok'], v)
        return v

    # ---- the ledger ----

    def deletes(self, lane='alpha'):
        """id → DELETE requests that the store read; id → what was asked when it went."""
        asked, gone = {}, {}
        for x in self.sim.ledger():
            if x.get('store') != lane:
                continue
            if x['kind'] == 'request' and x['op'] == 'delete':
                asked[x['id']] = asked.get(x['id'], 0) + 1
            if x['kind'] == 'effect' and x['effect'] == 'deleted':
                gone[x['id']] = x['asked']
        return asked, gone

    def compare(self, lane='alpha', exact=True, unproved=()):
        """By id: what is gone was settled as deleted, and the reverse; requests against audited attempts. exact: every
        intent left as one request (not so where the engine was killed between the two)."""
        asked, gone = self.deletes(lane)
        states = {i: s for i, (s, _) in self.items(lane).items()}
        intents, attempts = {}, set()
        for k, i, p in self.of_cycle('intent', 'outcome'):
            if k == 'intent':
                intents[i] = intents.get(i, 0) + 1
            elif p.get('class') == 'network' or 'not sent' in p.get('detail', ''):
                attempts.add((i, p['attempt']))
        unsent = {}
        for i, _ in attempts:
            unsent[i] = unsent.get(i, 0) + 1
        for i, why in gone.items():
            same(why, i, 'deleted instead')
            true(states.get(i) in ('deleted', 'gone', 'unknown'), f'{i} is gone, the log says {states.get(i)}')
        for i, s in states.items():
            true(s not in ('deleted', 'gone') or i in gone or i in unproved, f'the log says {i} is {s}, the store has it')
            true(asked.get(i, 0) <= intents.get(i, 0), f'{i}: {asked.get(i, 0)} requests, {intents.get(i, 0)} intents')
            if exact:
                same(asked.get(i, 0), intents.get(i, 0) - unsent.get(i, 0), f'{i}: requests against audited attempts')
        same(sorted(set(asked) - set(states)), [], 'asked for and not planned')
        return asked, gone


def limit_files(proc, size):
    """RLIMIT_FSIZE of a running engine; None = no limit."""
    resource.prlimit(proc.pid, resource.RLIMIT_FSIZE, (size if size is not None else resource.RLIM_INFINITY, resource.RLIM_INFINITY))
