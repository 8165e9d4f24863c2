"""What every proof stands on: simulator, records, configuration and engine in one temporary directory,
the engine's protocol spoken raw, a robot operator, and the comparison of the log with what really
happened. Only the standard library. Nothing here sleeps for luck: until() waits for a condition."""
import base64
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import termios
import time
import traceback

BUILD = os.environ.get('SLUICE_BUILD', os.getcwd())
TOP = os.environ.get('SLUICE_TOP', os.path.abspath(os.path.join(os.path.dirname(__file__), '../..')))
SLUICE = os.environ.get('SLUICE_BINARY', os.path.join(BUILD, 'sluice'))
SIM = os.path.join(BUILD, 'sluice-sim')
PROVIDERS = ('kimi', 'glm', 'openai', 'anthropic')      # what the records' schema knows
DELETED = ('deleted', 'gone', 'restoring', 'perhaps restored', 'restored', 'deleted, not restored')
OPEN = ('sent', 'probing', 'present, too early to tell')


class Short(Exception):
    """The promise falls short."""


class Refused(Exception):
    def __init__(self, error):
        super().__init__(error['message'])
        self.rc, self.message = error.get('data', {}).get('rc'), error['message']


def need(what, why):
    if not what:
        raise Short(why() if callable(why) else why)


def same(got, want, what):
    a, b = str(got), str(want)
    at = max(0, len(os.path.commonprefix([a, b])) - 60)     # long things are shown where they differ
    need(got == want, f'{what}: {a[at:at + 160]!r}, expected {b[at:at + 160]!r}')


def until(what, why, limit=30.0):
    """The first true value of what()."""
    end = time.monotonic() + limit
    while True:
        got = what()
        if got:
            return got
        if time.monotonic() > end:
            raise Short(f'waited {limit:.0f} s in vain: {why() if callable(why) else why}')
        time.sleep(0.01)


def main(promise):
    """promise() returns its figure. One line is printed, whatever happens."""
    name = os.path.basename(sys.argv[0])
    try:
        print(f'ok {name} {promise()}', flush=True)
        return 0
    except (Short, Refused) as e:
        why = str(e)
        traceback.print_exc()
    except Exception as e:
        why = f'{type(e).__name__}: {e}'
        traceback.print_exc()
    print(f'FALLS SHORT {name} ' + ' '.join(why.split())[:600], flush=True)
    return 1


def private(path, text):
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), 'w') as f:
        f.write(text)
    return path


def stop(proc, sig=signal.SIGTERM, limit=20):
    """Ends a child by its pid; its exit status."""
    if proc.poll() is None:
        proc.send_signal(sig)
    try:
        return proc.wait(limit)
    except subprocess.TimeoutExpired:
        proc.kill()
        proc.wait()
        raise Short(f'{proc.args[0]} did not end after signal {sig}') from None


def yaml(v, pad=''):
    """A configuration out of dicts, lists and words."""
    out = ''
    for k, x in v.items():
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


# ---- the protocol ----

class Wire:
    """One WebSocket connection to the engine's socket, masks and frames by hand."""

    def __init__(self, path, where='/operate', limit=30):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(limit)
        try:
            self.sock.connect(path)
            key = base64.b64encode(os.urandom(16)).decode()
            self.sock.sendall((f'GET {where} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                               f'Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n').encode())
            self.buf, self.n = b'', 0
            while b'\r\n\r\n' not in self.buf:
                self.more()
            head, self.buf = self.buf.split(b'\r\n\r\n', 1)
            if b' 101 ' not in head.split(b'\r\n')[0]:
                raise ConnectionError(head.split(b'\r\n')[0].decode())
        except BaseException:
            self.sock.close()
            raise

    def more(self):
        piece = self.sock.recv(1 << 16)
        if not piece:
            raise ConnectionError('the engine closed the connection')
        self.buf += piece

    def take(self, n):
        while len(self.buf) < n:
            self.more()
        out, self.buf = self.buf[:n], self.buf[n:]
        return out

    def send(self, op, data):
        mask = os.urandom(4)
        n = len(data)
        size = bytes([0x80 | n]) if n < 126 else b'\xfe' + struct.pack('>H', n) if n < 65536 else b'\xff' + struct.pack('>Q', n)
        body = (int.from_bytes(data, 'big') ^ int.from_bytes((mask * (n // 4 + 1))[:n], 'big')).to_bytes(n, 'big')
        self.sock.sendall(bytes([0x80 | op]) + size + mask + body)

    def message(self):
        whole = b''
        while True:
            a, b = self.take(2)
            n = b & 127
            n = struct.unpack('>H', self.take(2))[0] if n == 126 else struct.unpack('>Q', self.take(8))[0] if n == 127 else n
            data, op = self.take(n), a & 15
            if op == 8:
                raise ConnectionError(f'closed {struct.unpack(">H", data[:2])[0] if n > 1 else ""} {data[2:].decode()}')
            if op == 9:
                self.send(10, data)
            elif op < 3:
                whole += data
                if a & 0x80:
                    return json.loads(whole)

    def ask(self, method, params):
        """The whole answer; notifications on the way are dropped."""
        self.n += 1
        self.send(1, json.dumps({'jsonrpc': '2.0', 'id': self.n, 'method': method, 'params': params}).encode())
        while True:
            m = self.message()
            if m.get('id') == self.n:
                return m

    def call(self, method, **params):
        m = self.ask(method, params)
        if 'error' in m:
            raise Refused(m['error'])
        return m['result']

    def close(self):
        self.sock.close()


# ---- the simulator ----

class Sim:
    def __init__(self, at, args, seed=1):
        self.ledger_path, self.manifest_path = os.path.join(at, 'ledger'), os.path.join(at, 'manifest')
        ready, self.errors = os.path.join(at, 'ready'), open(os.path.join(at, 'sim.err'), 'w+')
        self.proc = subprocess.Popen([SIM, '--seed', str(seed), '--ledger', self.ledger_path, '--manifest', self.manifest_path,
                                      '--ready', ready, '--parent-pipe', *args], stdin=subprocess.PIPE, stderr=self.errors)
        until(lambda: os.path.exists(ready) or self.proc.poll() is not None, 'the simulator is not ready')
        need(self.proc.poll() is None, lambda: 'the simulator ended: ' + open(self.errors.name).read())
        with open(ready) as f:
            self.ready = json.load(f)
        self.url = {x['name']: x['url'] for x in self.ready['stores'] + self.ready['links']}

    def stop(self):
        self.proc.stdin.close()
        try:
            return stop(self.proc)
        finally:
            self.errors.close()

    def manifest(self):
        with open(self.manifest_path) as f:
            return [json.loads(line) for line in f]

    def ledger(self):
        with open(self.ledger_path) as f:
            return [json.loads(line) for line in f.read().split('\n')[:-1]]

    def control(self, method, path, body=''):
        url = next(s['url'] for s in self.ready['stores']).split('/')[2].split(':')
        with socket.create_connection((url[0], int(url[1])), 10) as s:
            s.sendall(f'{method} /__sim/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}'.encode())
            answer = b''
            while piece := s.recv(1 << 16):
                answer += piece
        need(b' 200 ' in answer.split(b'\r\n')[0], answer.decode())

    def fault(self, rule):
        self.control('POST', 'fault', rule)

    def no_faults(self):
        self.control('DELETE', 'faults')


def deletes(ledger, store):
    """id → how many DELETE requests the store saw; ids that it really deleted, and what for."""
    asked, gone = {}, {}
    for x in ledger:
        if x.get('store') == store and x['kind'] == 'request' and x['op'] == 'delete':
            asked[x['id']] = asked.get(x['id'], 0) + 1
        if x.get('store') == store and x['kind'] == 'effect' and x['effect'] == 'deleted':
            gone[x['id']] = x['asked']
    return asked, gone


# ---- the rig ----

class Rig:
    """with Rig({'alpha': 'files=60,orphan=30'}) as rig: …"""

    def __init__(self, stores=None, links=None, faults=(), lane=None, policy=None, extra=None, records=True, claims=True, seed=1,
                 lanes=None, base=None):
        self.dir = tempfile.mkdtemp(prefix='sluice-rig-', dir=base)
        self.at = lambda *p: os.path.join(self.dir, *p)
        self.engine = self.sim = None
        self.state, self.db, self.socket = self.at('state'), self.at('state', 'sluice.db'), self.at('state', 'engine.sock')
        self.key, self.token = ('canary-' + os.urandom(12).hex() for _ in 'ab')
        self.key_file, self.token_file = private(self.at('key'), self.key + '\n'), private(self.at('token'), self.token + '\n')
        self.children = []
        try:
            if stores:
                self.begin_sim(stores, links or {}, faults, seed)
            self.lanes = lanes or {n: self.sim.url[n] for n in stores}
            self.app = self.make_records(claims) if records else None
            self.config = self.configure(links or {}, lane or {}, policy or {}, extra or {})
        except BaseException:
            self.close()
            raise

    def begin_sim(self, stores, links, faults, seed):
        args = []
        for n, o in stores.items():
            args += ['--store', f'{n}:age=3d..400d,key_file={self.key_file}' + (',' + o if o else '')]
        for n, o in links.items():
            args += ['--link', f'{n}:token_file={self.token_file}' + (',' + o if o else '')]
        for f in faults:
            args += ['--fault', f]
        self.sim = Sim(self.dir, args, seed)

    def make_records(self, claims):
        path = self.at('app.db')
        db = sqlite3.connect(path)
        for name in ['records-exai.sql'] + ['records-claim.sql'] * claims:
            with open(os.path.join(TOP, 'data/schema', name)) as f:
                db.executescript(f.read())
        db.execute("INSERT INTO conversations (id, continuation_id) VALUES ('c', 'c')")
        self.refer(db, 'obj-known')
        provider = dict(zip(self.lanes, PROVIDERS))
        for n, m in enumerate(self.sim.manifest() if self.sim else ()):
            if m['role'] not in ('tracked', 'unused', 'protected', 'no_created', 'unknown_size'):
                continue
            db.execute('INSERT INTO provider_file_uploads (id, provider, provider_file_id, filename, file_size_bytes, created_at, '
                       "updated_at, last_used, supabase_file_id) VALUES (?, ?, ?, ?, ?, '2025-01-01T00:00:00Z', "
                       "'2025-01-01T00:00:00Z', '2025-01-01T00:00:00Z', ?)",
                       (f'row-{n}', provider[m['store']], m['id'], m.get('name'), m.get('bytes'), f'obj-{n}'))
            if m['role'] == 'tracked':
                self.refer(db, f'obj-{n}')
        db.commit()
        db.close()
        return path

    @staticmethod
    def refer(db, obj):
        db.execute("INSERT INTO files (id, storage_path, original_name) VALUES (?, ?, 'x')", (obj, obj))
        db.execute("INSERT INTO conversation_files (conversation_id, file_id) VALUES ('c', ?)", (obj,))

    def configure(self, links, lane, policy, extra):
        conf = {'name': 'rig', 'operators': [{'name': 'alice', 'uids': [os.getuid()]}]}
        if links:
            conf['links'] = [{'name': n, 'url': self.sim.url[n], 'handshake': 'exai', 'token_file': 'token'} for n in links]
        conf['lanes'] = [{'name': n, 'dialect': 'openai', 'url': u, 'key_file': 'key', 'rate': '5000/s', 'burst': 1000,
                          'settle': '1s', 'breaker': {'open': '1s', 'open_max': '2s'},
                          'retry': {'rate_limit': {'base': '10ms', 'max': '50ms'}, 'timeout': {'base': '10ms', 'max': '50ms'},
                                    'server_error': {'base': '10ms', 'max': '50ms'}, 'network': {'base': '10ms', 'max': '50ms'}},
                          **lane} for n, u in self.lanes.items()]
        pol = {'name': 'clean', 'lanes': list(self.lanes), 'match': 'any', 'rules': [{'rule': 'age', 'older_than': '1d'}],
               'protect': {'names': ['"keep-*"']}, 'caps': {'items': 100000, 'bytes': '1TB', 'share': '100%'}}
        if self.app:
            conf['records'] = [{'name': 'app', 'path': 'app.db',
                                'lanes': [{'value': p, 'lane': n} for n, p in zip(self.lanes, PROVIDERS)],
                                'references': [{'table': 'conversation_files', 'column': 'file_id', 'known_id': 'obj-known'}]}]
            pol.update(records='app', rules=[{'rule': 'orphan'}, {'rule': 'age', 'older_than': '30d', 'of': 'last_used'}])
        pol.update(policy)
        conf['policies'] = [pol]
        conf.update(extra)
        with open(self.at('sluice.yaml'), 'w') as f:
            f.write(yaml(conf))
        os.chmod(self.at('sluice.yaml'), 0o644)
        return conf

    def env(self, **more):
        e = {k: v for k, v in os.environ.items() if not k.startswith('SLUICE_')}
        e.update(SLUICE_CONFIG=self.at('sluice.yaml'), SLUICE_STATE=self.state, HOME=self.dir, TERM='xterm-256color',
                 XDG_RUNTIME_DIR=self.dir, LC_ALL='C.UTF-8', **more)
        return e

    def start(self, **env):
        """The engine in the foreground, up when it answers."""
        need(self.engine is None or self.engine.poll() is not None, 'an engine runs already')
        with open(self.at('engine.err'), 'a') as err:
            self.engine = subprocess.Popen([SLUICE, 'engine', 'run'], env=self.env(**env), stdin=subprocess.DEVNULL,
                                           stdout=err, stderr=err)
        self.children.append(self.engine)
        until(lambda: self.engine.poll() is not None or self.answers(), 'the engine does not answer')
        return self

    def answers(self):
        try:
            Wire(self.socket).close()
            return True
        except OSError:
            return False

    def said(self):
        with open(self.at('engine.err')) as f:
            return f.read()[-600:]

    def wire(self, where='/operate'):
        return Wire(self.socket, where)

    def stop_engine(self):
        if self.engine and self.engine.poll() is None:
            self.wire().call('engine.stop')
            self.engine.wait(40)
        return self.engine.returncode if self.engine else 0

    def cli(self, *args, want=0, stdin=None, **env):
        """One verb: its standard output. The exit status must be `want` unless that is None."""
        p = subprocess.run([SLUICE, *map(str, args)], env=self.env(**env), input=stdin, capture_output=True, text=True, timeout=120,
                           stdin=subprocess.DEVNULL if stdin is None else None)
        self.last = p
        need(want is None or p.returncode == want, f'sluice {" ".join(map(str, args))}: exit status {p.returncode} instead of {want}: '
             f'{p.stderr.strip()[-300:]} {p.stdout.strip()[-200:]}')
        return p.stdout

    def json(self, *args, **kw):
        out = self.cli(*args, '--json', **kw)
        try:
            return json.loads(out)
        except ValueError:
            raise Short(f'sluice {" ".join(map(str, args))} --json is not JSON: {out[:200]!r}') from None

    def close(self):
        for p in self.children:
            if p.poll() is None:
                p.kill()
                p.wait()
        if self.sim and self.sim.proc.poll() is None:
            self.sim.stop()
        if os.environ.get('SLUICE_KEEP'):
            print('kept ' + self.dir, file=sys.stderr)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if exc[0]:
            print('the engine said:', self.said() if os.path.exists(self.at('engine.err')) else '', file=sys.stderr)
        self.close()

    # ---- the log, read straight from the file ----

    def sql(self, query, *args, path=None):
        db = sqlite3.connect(f'file:{path or self.db}?mode=ro', uri=True, timeout=10)
        db.text_factory = lambda b: b.decode('utf-8', 'surrogateescape')
        try:
            return db.execute(query, args).fetchall()
        finally:
            db.close()

    def records_of(self, kind):
        return [(subject, json.loads(p)) for subject, p in self.sql('SELECT subject, payload FROM audit WHERE kind = ? ORDER BY seq', kind)]

    def item_states(self):
        """(lane, id) → state, as its words in the last outcome."""
        return {(self.lane_names[lane], i): s for lane, i, s in self.sql('SELECT lane, id, state FROM item_list')}

    @property
    def lane_names(self):
        return list(self.lanes)


# ---- the console on a pseudo terminal ----

class Console:
    """sluice on a terminal of its own. until(words) reads until all of them were painted since the last redraw."""

    def __init__(self, rig, *args, rows=30, cols=100, **env):
        self.fd, tty = pty.openpty()
        fcntl.ioctl(tty, termios.TIOCSWINSZ, struct.pack('HHHH', rows, cols, 0, 0))
        self.proc = subprocess.Popen([SLUICE, *args], env=rig.env(**env), stdin=tty, stdout=tty, stderr=tty, start_new_session=True,
                                     preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(tty)
        rig.children.append(self.proc)
        self.all = self.seen = b''

    def read(self, wait=0.0):
        while select.select([self.fd], [], [], wait)[0]:
            try:
                piece = os.read(self.fd, 1 << 16)
            except OSError:
                return False
            if not piece:
                return False
            self.all += piece
            self.seen += piece
            wait = 0
        return True

    def type(self, keys):
        os.write(self.fd, keys if isinstance(keys, bytes) else keys.encode())

    def slowly(self, words):
        """As fingers do: the next key after something was painted for the last one. Eight at once are a paste."""
        for key in words:
            self.type(key)
            self.read(0.05)

    def text(self):
        return re.sub(rb'\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[()].|\x1b[=>78]', b' ', self.seen).decode('utf-8', 'replace')

    def until(self, *words, limit=20):
        def painted():
            open_ = self.read(0.01)
            return all(w in self.text() for w in words) or (not open_ and self.proc.poll() is not None and 'ended')
        got = until(painted, lambda: f'the console does not show {words}: {self.text()[-300:]!r}', limit)
        need(got != 'ended', f'the console ended {self.proc.returncode}: {self.text()[-300:]!r}')

    def redraw(self, *words):
        """Paints the whole screen anew, so what was typed before has been handled."""
        self.read()
        self.seen = b''
        self.type(b'\x0c')
        self.until(*words)

    def escape(self, *words):
        """Esc, twice because what follows one at once is an Alt key; and a redraw."""
        self.type(b'\x1b\x1b\x0c')
        self.redraw(*words)

    def close(self):
        if self.proc.poll() is None:
            self.proc.terminate()
        until(lambda: (self.read(), self.proc.poll() is not None)[1], 'the console does not end')
        os.close(self.fd)
        return self.proc.returncode


# ---- the robot operator ----

def settled(wire, limit=60):
    """The cycle's snapshot as soon as it waits for somebody, or has ended."""
    seen = [None]

    def waits():
        seen[0] = wire.call('cycle.status')
        return seen[0]['state'] != 'working'
    until(waits, lambda: f'{seen[0]["stage"]} goes on without end: {[(l["phase"], l["in_flight"], l["batch"]) for l in seen[0]["lanes"]]} '
          f'{seen[0]["equation"]}', limit)
    return seen[0]


def approve(wire, lane=None, items=None):
    plan = wire.call('plan.show')
    for l in plan['lanes']:
        if not l['items'] or lane not in (None, l['lane']):
            continue
        g = l
        if items:
            g = next(x for x in wire.call('plan.show', lane=l['lane'], items=items)['lanes'] if x['lane'] == l['lane'])['grant']
        params = dict(plan=plan['id'], lane=l['lane'], items=g['items'], bytes=g['bytes'], phrase=g['phrase'], reason='proof')
        if g.get('irreversible_phrase'):
            params['irreversible_phrase'] = g['irreversible_phrase']
        wire.call('grant.approve', **params)
    return plan


def started(wire, policy):
    try:
        return wire.call('cycle.start', policy=policy)
    except Refused as e:
        if 'still being closed' not in e.message:
            raise
        return None


def to_plan(wire, policy='clean'):
    """From nothing, or from wherever a cycle is, to its frozen plan."""
    cycle = wire.call('status')['cycle']
    if not cycle or cycle['state'] == 'ended':
        until(lambda: started(wire, policy), 'the last cycle is not closed')
    s = settled(wire)
    for _ in range(4):
        if s['plan'] or s['state'] == 'ended':
            return s
        wire.call('cycle.step')
        s = settled(wire)
    raise Short(f'no plan: {s["waiting_for"]}')


def finish(wire, policy='clean', limit=120):
    """Does what an operator would, from wherever the cycle is to its end."""
    end = time.monotonic() + limit
    s = to_plan(wire, policy)
    while s['state'] != 'ended':
        need(time.monotonic() < end, f'the cycle cannot be finished: {s["stage"]} {s["state"]}: {s["waiting_for"]}')
        if s['ack_needed']:
            wire.call('cycle.ack', failures=s['ack_needed'])
        elif s['stage'] == 'VALIDATING' and s['plan'] and any(l['planned'] and not l['granted'] and l['phase'] != 'excluded' for l in s['lanes']):
            if wire.call('status')['engine']['mode'] != 'armed':
                wire.call('mode.set', mode='armed')
            approve(wire)
        else:
            wire.call('cycle.resume')
        s = settled(wire)
    return s


# ---- the log against what really happened ----

def compare(rig, exact=True, foreign=()):
    """By id: every request has an intent (exactly one each when nothing was killed), every file that is gone was
    granted and settled as deleted, and nothing settled as deleted is still there. Returns (deleted, requests)."""
    ledger, names, total, requests = rig.sim.ledger(), rig.lane_names, 0, 0
    ids = {(names[lane], i): s for lane, i, s in rig.sql('SELECT lane, id, state FROM item_list')}
    ranks = {(names[lane], i): r for lane, i, r in rig.sql('SELECT lane, id, rank FROM items')}
    granted = dict(rig.sql("SELECT lane, max(items) FROM grants WHERE state = 'active' GROUP BY lane"))
    intents, unsent = {}, {}
    for i, _ in rig.records_of('intent'):
        intents[i] = intents.get(i, 0) + 1
    for i, p in rig.records_of('outcome'):
        if p.get('class') == 'network' or 'not sent' in p.get('detail', ''):
            unsent[i] = unsent.get(i, 0) + 1
    states = dict(zip(range(len(STATES)), STATES))
    for lane in names:
        asked, gone = deletes(ledger, lane)
        for i in foreign:
            asked[i] = asked.get(i, 0) - 1      # somebody else's
        for i, n in asked.items():
            need(n <= intents.get(i, 0), f'{lane} {i}: {n} requests, {intents.get(i, 0)} intents')
        for i, why in gone.items():
            if i in foreign:
                continue
            need(why == i, f'{lane} {i} was deleted though {why} was asked for')
            need(ranks.get((lane, i), 1 << 40) <= granted.get(lane, 0), f'{lane} {i} was deleted and not granted')
            need(states[ids[lane, i]] in DELETED + ('unknown',) + OPEN * (not exact), f'{lane} {i} is gone, the log says {states[ids[lane, i]]}')
        for (where, i), s in ids.items():
            if where != lane or i in foreign:
                continue
            need(states[s] not in DELETED or i in gone, f'{lane} {i}: the log says {states[s]}, the store has it')
            if exact:
                same(asked.get(i, 0), intents.get(i, 0) - unsent.get(i, 0), f'{lane} {i}: requests against intents')
        total += len(gone)
        requests += sum(asked.values())
    return total, requests


STATES = ('planned', 'checking', 'claiming', 'ready', 'sent', 'waiting to repeat', 'probing', 'present, too early to tell', 'deleted',
          'gone', 'gone_other', 'failed', 'unknown', 'refused', 'drifted', 'protected', 'blocked', 'held', 'rehearsed',
          'restoring', 'perhaps restored', 'restored', 'deleted, not restored')
