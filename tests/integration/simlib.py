"""A running simulator, its ledger, and an HTTP client that repeats nothing and hides nothing. Used by
tests; only the standard library."""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import traceback

BINARY = os.path.join(os.environ.get('SLUICE_BUILD', '.'), 'sluice-sim')
KEY = 'sk-sim-0123456789'
WAIT = 60.0 * int(os.environ.get('SLUICE_SLOW', '1'))     # for what must happen; nothing here is timed


class Gone(Exception):
    """The connection ended before the whole answer."""

    def __init__(self, how, got=b''):
        super().__init__(how)
        self.how, self.got = how, got


class Answer:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    def json(self):
        return json.loads(self.body)


class Conn:
    """One keep-alive connection, one request at a time, nothing repeated."""

    def __init__(self, port, timeout=WAIT):
        self.sock = socket.create_connection(('127.0.0.1', port), timeout)
        self.buf = b''

    def send(self, method, path, body=b'', fields=(), key=KEY):
        head = [f'{method} {path} HTTP/1.1', 'Host: 127.0.0.1']
        if key:
            head.append('Authorization: Bearer ' + key)
        if body:
            head.append(f'Content-Length: {len(body)}')
        self.raw('\r\n'.join(head + list(fields)).encode() + b'\r\n\r\n' + body)

    def raw(self, data):
        self.sock.sendall(data)

    def more(self):
        try:
            piece = self.sock.recv(1 << 20)
        except socket.timeout:
            raise Gone('timeout', self.buf)
        except ConnectionResetError:
            raise Gone('rst', self.buf)
        if not piece:
            raise Gone('fin', self.buf)
        self.buf += piece

    def answer(self):
        while b'\r\n\r\n' not in self.buf:
            self.more()
        head, self.buf = self.buf.split(b'\r\n\r\n', 1)
        lines = head.decode('latin-1').split('\r\n')
        fields = {k.lower(): v.strip() for k, v in (line.split(':', 1) for line in lines[1:])}
        n = int(fields.get('content-length', 0))
        while len(self.buf) < n:
            self.more()
        body, self.buf = self.buf[:n], self.buf[n:]
        return Answer(int(lines[0].split()[1]), fields, body)

    def ask(self, *args, **kw):
        self.send(*args, **kw)
        return self.answer()

    def close(self):
        self.sock.close()


class Sim:
    """A running simulator and its three files."""

    def __init__(self, *args, seed=1, pipe=True):
        self.dir = tempfile.TemporaryDirectory(prefix='sluice-sim-')
        at = self.dir.name
        self.ledger_path, self.manifest_path, ready = (os.path.join(at, n) for n in ('ledger', 'manifest', 'ready'))
        cmd = [BINARY, '--seed', str(seed), '--now', '1700000000', '--ledger', self.ledger_path, '--manifest', self.manifest_path,
               '--ready', ready, *args]
        self.proc = subprocess.Popen(cmd + (['--parent-pipe'] if pipe else []), stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_for(lambda: os.path.exists(ready) or self.proc.poll() is not None)
        if self.proc.poll() is not None:
            raise AssertionError(self.proc.stderr.read().decode())
        with open(ready) as f:
            self.ready = json.load(f)
        self.url = {x['name']: x['url'] for x in self.ready['stores'] + self.ready['links']}
        self.port = {n: int(u.split(':')[2].split('/')[0]) for n, u in self.url.items()}

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()
        self.dir.cleanup()

    def stop(self):
        if self.proc.poll() is None:
            self.proc.stdin.close()
        try:
            self.proc.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
            raise AssertionError('the simulator did not end with its parent')
        errors = self.proc.stderr.read().decode() if not self.proc.stderr.closed else ''
        self.proc.stderr.close()
        same(self.proc.returncode, 0, errors)

    def conn(self, store='alpha', **kw):
        return Conn(self.port[store], **kw)

    def warm(self, store='alpha', **kw):
        c = self.conn(store, **kw)
        same(c.ask('GET', '/v1/files?limit=1').status, 200)
        return c

    def fault(self, rule, status=200):
        c = self.conn()
        a = c.ask('POST', '/__sim/fault', body=rule.encode(), key=None)
        c.close()
        same(a.status, status, a.body)
        return a.json()

    def no_faults(self):
        c = self.conn()
        same(c.ask('DELETE', '/__sim/faults', key=None).json(), {'rules': []})
        c.close()

    def stats(self, store='alpha'):
        c = self.conn()
        a = c.ask('GET', '/__sim/stats', key=None).json()
        c.close()
        return next(s for s in a['stores'] + a['links'] if s['name'] == store)

    def ledger(self):
        """Its whole lines: the last one may be half written."""
        with open(self.ledger_path, 'rb') as f:
            return [json.loads(line) for line in f.read().split(b'\n')[:-1]]

    def lines(self, **want):
        return [x for x in self.ledger() if all(x.get(k) == v for k, v in want.items())]

    def manifest(self, **want):
        with open(self.manifest_path) as f:
            rows = [json.loads(line) for line in f]
        return [x for x in rows if all(x.get(k) == v for k, v in want.items())]

    def ids(self, n=None):
        return [x['id'] for x in self.manifest()][:n]

    def listed(self, store='alpha', query='limit=1000'):
        c, out, after = self.conn(store), [], ''
        while True:
            page = c.ask('GET', f'/v1/files?{query}{after}').json()
            out += page['data']
            if not page['has_more']:
                c.close()
                return out
            after = '&after=' + page['last_id']


def wait_for(what):
    end = time.monotonic() + WAIT
    while not what():
        if time.monotonic() > end:
            raise AssertionError('waited in vain')
        time.sleep(0.005)


def same(got, want, more=''):
    if got != want:
        raise AssertionError(f'{got!r} is not {want!r} {more!r}')


def true(what, more=''):
    if not what:
        raise AssertionError(f'not so {more!r}')


def gone(fn, how):
    try:
        a = fn()
    except Gone as g:
        same(g.how, how)
        return g.got
    raise AssertionError(f'an answer came: {a.status} {a.body!r}')


def main(names, skip=''):
    """Runs the functions in names whose names are sentences, in order; all are skipped for a reason."""
    tests = [f for f in names.values() if getattr(f, '__module__', '') == '__main__' and getattr(f, 'is_test', False)]
    chosen = [t for t in tests if not sys.argv[1:] or t.__name__ in sys.argv[1:]]
    failed = 0
    print(f'1..{len(chosen)}')
    for n, one in enumerate(chosen, 1):
        title = one.__name__.replace('_', ' ')
        if skip:
            print(f'ok {n} - {title} # SKIP {skip}', flush=True)
            continue
        try:
            one()
            print(f'ok {n} - {title}', flush=True)
        except BaseException:
            failed += 1
            print(f'not ok {n} - {title}', flush=True)
            for line in traceback.format_exc().splitlines():
                print('# ' + line, flush=True)
    return 1 if failed else 0


def test(f):
    f.is_test = True
    return f
