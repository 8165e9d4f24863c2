"""Peers of links that fail in one way each, certificates for them, and an engine that watches them all. Raw
sockets, so that nothing is hidden by a library; the promises of the links add servers of other authors."""
import base64
import hashlib
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../promises'))
from rig import Rig, Short, need, until     # noqa: E402,F401

GUID = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'


# ---- certificates ----

CONF = """[ca]
default_ca = d
[d]
dir = {d}
database = {d}/index
serial = {d}/serial
new_certs_dir = {d}
default_md = sha256
policy = p
unique_subject = no
copy_extensions = copy
[p]
commonName = supplied
[req]
distinguished_name = dn
[dn]
"""


class Certs:
    """ca.pem signed good, expired, future and other; stranger is signed by an authority nobody knows."""

    def __init__(self, at):
        self.at = at
        with open(self.p('conf'), 'w') as f:
            f.write(CONF.format(d=at))
        open(self.p('index'), 'w').close()
        with open(self.p('serial'), 'w') as f:
            f.write('1000\n')
        self.authority('ca')
        self.authority('nobody')
        for name, host, begin, end, by in (('good', 'localhost', '20200101', '20490101', 'ca'), ('expired', 'localhost', '20200101', '20200201', 'ca'),
                                           ('future', 'localhost', '20480101', '20490101', 'ca'), ('other', 'elsewhere.example', '20200101', '20490101', 'ca'),
                                           ('stranger', 'localhost', '20200101', '20490101', 'nobody')):
            self.leaf(name, host, begin, end, by)

    def p(self, name):
        return os.path.join(self.at, name)

    def run(self, *args):
        r = subprocess.run(['openssl', *args], capture_output=True, text=True)
        need(r.returncode == 0, f'openssl {args[0]}: {r.stderr[-300:]}')

    def authority(self, name):
        self.run('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', self.p(name + '.key'), '-out',
                 self.p(name + '.pem'), '-days', '3650', '-subj', f'/CN=authority {name}')

    def leaf(self, name, host, begin, end, by):
        san = f'subjectAltName=DNS:{host}' + (',IP:127.0.0.1' if host == 'localhost' else '')
        self.run('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', self.p(name + '.key'), '-out', self.p(name + '.csr'),
                 '-subj', f'/CN={host}', '-addext', san)
        self.run('ca', '-batch', '-notext', '-config', self.p('conf'), '-cert', self.p(by + '.pem'), '-keyfile', self.p(by + '.key'), '-in', self.p(name + '.csr'),
                 '-out', self.p(name + '.pem'), '-startdate', begin + '000000Z', '-enddate', end + '000000Z')

    def server(self, name):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.load_cert_chain(self.p(name + '.pem'), self.p(name + '.key'))
        return c


# ---- raw peers ----

def frame(op, data=b'', fin=True, rsv=0, size=None, mask=None):
    n = len(data) if size is None else size
    first = (0x80 if fin else 0) | rsv << 4 | op
    m = 0x80 if mask else 0
    head = bytes([first, m | n]) if n < 126 else bytes([first, m | 126]) + struct.pack('>H', n) if n < 65536 else bytes([first, m | 127]) + struct.pack('>Q', n)
    if mask:
        data = bytes(b ^ mask[i % 4] for i, b in enumerate(data))
        head += mask
    return head + data


def closing(code, text=''):
    return frame(8, struct.pack('>H', code) + text.encode())


def key_of(request):
    for line in request.split(b'\r\n'):
        if line.lower().startswith(b'sec-websocket-key:'):
            return line.split(b':', 1)[1].strip()
    return b''


def accept(request):
    return base64.b64encode(hashlib.sha1(key_of(request) + GUID).digest())


def upgraded(request, more=b''):
    return (b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ' + accept(request) +
            b'\r\n' + more + b'\r\n')


def status(code, more=''):
    return lambda c, r: c.sendall(f'HTTP/1.1 {code} Status\r\nContent-Length: 0\r\n{more}\r\n'.encode())


def drain(c):
    """Reads until the other side ends it, answering nothing."""
    try:
        while c.recv(1 << 16):
            pass
    except OSError:
        pass


def says(*pieces, stay=True):
    """Upgrades and sends these bytes."""
    def act(c, r):
        c.sendall(upgraded(r))
        for p in pieces:
            c.sendall(p)
        if stay:
            drain(c)
    return act


def take(c, n):
    out = b''
    while len(out) < n:
        piece = c.recv(n - len(out))
        if not piece:
            raise ConnectionError
        out += piece
    return out


def frames(c):
    """What a client sends: (op, data)."""
    while True:
        a, b = take(c, 2)
        n = b & 127
        n = struct.unpack('>H', take(c, 2))[0] if n == 126 else struct.unpack('>Q', take(c, 8))[0] if n == 127 else n
        mask = take(c, 4) if b & 128 else b'\0\0\0\0'
        yield a & 15, bytes(x ^ mask[i % 4] for i, x in enumerate(take(c, n)))


def polite(c, r, first=b''):
    """Upgrades, answers pings and Close."""
    c.sendall(upgraded(r) + first)
    for op, data in frames(c):
        if op in (8, 9):
            c.sendall(frame(10 if op == 9 else 8, data))
        if op == 8:
            return


class Raw:
    """A server on loopback; act(socket, request) for every connection, in a thread of its own. eager: without
    waiting for a request. tls: a server context."""

    def __init__(self, act, tls=None, eager=False, port=0):
        self.act, self.tls, self.eager, self.conns = act, tls, eager, []
        self.sock = socket.create_server(('127.0.0.1', port))
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                c = self.sock.accept()[0]
            except OSError:
                return
            self.conns.append(c)
            threading.Thread(target=self.one, args=(c,), daemon=True).start()

    def one(self, c):
        try:
            if self.tls:
                c = self.tls.wrap_socket(c, server_side=True)
                self.conns.append(c)
            request = b''
            while not self.eager and b'\r\n\r\n' not in request:
                piece = c.recv(4096)
                if not piece:
                    return
                request += piece
            self.act(c, request)
        except OSError:
            pass
        finally:
            try:
                c.close()
            except OSError:
                pass

    def url(self, host='127.0.0.1'):
        return f'ws{"s" if self.tls else ""}://{host}:{self.port}/x'

    def stop(self):
        for s in [self.sock, *self.conns]:
            try:
                s.close()
            except OSError:
                pass


def closed_port():
    """A port that nobody listens on."""
    with socket.create_server(('127.0.0.1', 0)) as s:
        return s.getsockname()[1]


# ---- rows ----

class Row:
    """One cause: a link, and what the ladder, the sentence and the metrics must say of it."""

    def __init__(self, name, url, cause, rung, says=(), states=('waiting',), counted=None, **link):
        self.name, self.url, self.cause, self.rung, self.says, self.states, self.link = name, url, cause, rung, says, states, link
        self.counted = counted or cause         # the word in the counter

    def entry(self):
        return {'name': self.name, 'url': self.url, 'reconnect_base': '30s', 'reconnect_max': '30s', 'connect_timeout': '15s',
                'hello_timeout': '15s', 'ping_interval': '1s', 'pong_timeout': '60s', **self.link}


def engine_with(rows, **more):
    """An engine that watches the links of these rows and nothing else."""
    rig = Rig(lanes={'alpha': 'http://127.0.0.1:1/v1'}, records=False, extra={'links': [r.entry() for r in rows], **more})
    try:
        return rig.start()
    except BaseException:
        rig.close()
        raise


def metric(text, name, **labels):
    """The value of one line, None without it."""
    for line in text.split('\n'):
        if line.startswith(name + '{') and all(f'{k}="{v}"' in line for k, v in labels.items()):
            return float(line.rsplit(' ', 1)[1])
    return None


def wrong(row, link, text):
    """Why this is not what the row says, or None."""
    failed = [r['name'] for r in link['rungs'] if r['state'] == 'failed']
    if link['cause'] != row.cause:
        return f'cause {link["cause"]}'
    if link['state'] not in row.states:
        return f'state {link["state"]}'
    if failed != ([row.rung] if row.rung else []):
        return f'failed rungs {failed}'
    if not link['sentence'] or any(w not in link['sentence'] for w in row.says):
        return f'sentence {link["sentence"]!r}'
    if not metric(text, 'sluice_link_failures_total', link=row.name, cause=row.counted):
        return f'no count of {row.counted} in the metrics'
    if metric(text, 'sluice_link_cause', link=row.name, cause=row.cause) != 1:
        return 'another cause in the metrics'
    for rung in link['rungs']:
        if rung['state'] == 'passed' and not metric(text, 'sluice_link_rung_seconds', link=row.name, rung=rung['name']) is not None:
            return f'no time of rung {rung["name"]} in the metrics'
    return None


def watch_rows(wire, rows, limit=60):
    """Every row as it must be; what is wrong with those that are not in time: {name: why}."""
    left = {r.name: (r, 'not seen') for r in rows}

    def look():
        links = {k['name']: k for k in wire.call('links')['links']}
        text = wire.call('metrics')['text']
        for name in list(left):
            row = left[name][0]
            why = wrong(row, links[name], text)
            if why:
                left[name] = (row, why + f' (wanted {row.cause} at {row.rung}): {links[name]["sentence"]}')
            else:
                del left[name]
        return not left
    try:
        until(look, 'rows', limit)
    except Short:
        pass
    return {n: why for n, (r, why) in left.items()}
