"""A private PostgreSQL server for a test: its own directory, a Unix socket and a loopback port, never as root, no
service of the machine. Wire is a client of the application's: simple queries, trust authentication."""
import glob
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

BUILD = os.environ.get('SLUICE_BUILD', os.getcwd())
NOBODY = 65534


class Missing(Exception):
    """What a kind needs is not on this machine."""


def programs():
    """The directory with initdb and postgres, newest first: Debian's, or the one bootstrap unpacked."""
    with open(os.path.join(BUILD, 'config.h')) as f:
        if '#define HAVE_LIBPQ 1' not in f.read():
            raise Missing('this build has no PostgreSQL (configure --with-postgresql)')
    found = glob.glob('/usr/lib/postgresql/*/bin') + glob.glob(os.path.join(BUILD, 'postgresql/usr/lib/postgresql/*/bin'))
    found = [d for d in found if os.access(os.path.join(d, 'initdb'), os.X_OK) and os.access(os.path.join(d, 'postgres'), os.X_OK)]
    if not found:
        raise Missing('PostgreSQL is not installed (Debian package postgresql)')
    return max(found, key=lambda d: (d.startswith('/usr/'), int(d.split('/')[-2].split('.')[0])))


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, *settings, top=None):
        self.dir = top or tempfile.mkdtemp(prefix='sluice-pg-')
        self.data, self.port, self.proc = os.path.join(self.dir, 'data'), free_port(), None
        self.bin = self.reachable(programs())
        self.as_other = ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups', '--'] if os.geteuid() == 0 else []
        if self.as_other:
            os.chown(self.dir, NOBODY, NOBODY)
        os.chmod(self.dir, 0o755)
        self.settings = ['fsync=off', 'full_page_writes=off', 'shared_buffers=16MB', 'max_wal_size=64MB', 'listen_addresses=127.0.0.1',
                         f'port={self.port}', f'unix_socket_directories={self.dir}', 'log_min_messages=warning', 'jit=off', *settings]
        self.run('initdb', '-D', self.data, '-A', 'trust', '-U', 'app', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync')
        self.start()

    def reachable(self, bin_dir):
        """Root runs the server as nobody, who may not be allowed to look into the build directory."""
        if os.geteuid() == 0 and bin_dir.startswith(BUILD):
            shutil.copytree(os.path.join(BUILD, 'postgresql'), os.path.join(self.dir, 'programs'), symlinks=True)
            return os.path.join(self.dir, 'programs', os.path.relpath(bin_dir, os.path.join(BUILD, 'postgresql')))
        return bin_dir

    def command(self, name, *args):
        return [*self.as_other, os.path.join(self.bin, name), *args]

    def run(self, name, *args):
        r = subprocess.run(self.command(name, *args), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd='/',
                           env={'PATH': '/usr/bin:/bin', 'LC_ALL': 'C.UTF-8', 'TZ': 'UTC'})
        if r.returncode:
            raise AssertionError(f'{name}: {r.stdout.decode()[-2000:]}')

    def start(self):
        args = [a for s in self.settings for a in ('-c', s)]
        with open(os.path.join(self.dir, 'log'), 'ab') as log:
            self.proc = subprocess.Popen(self.command('postgres', '-D', self.data, *args), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                         cwd='/', env={'PATH': '/usr/bin:/bin', 'LC_ALL': 'C.UTF-8', 'TZ': 'UTC'})
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.proc.poll() is not None:
                break
            try:
                self.wire('postgres').close()
                return
            except (OSError, Refused):
                time.sleep(0.05)
        with open(os.path.join(self.dir, 'log')) as f:
            raise AssertionError('PostgreSQL does not start: ' + f.read()[-2000:])

    def give(self, path, name):
        """A file of ours into the data directory, private to the server."""
        to = os.path.join(self.data, name)
        shutil.copyfile(path, to)
        os.chmod(to, 0o600)
        if self.as_other:
            os.chown(to, NOBODY, NOBODY)

    def wire(self, database='app', user='app'):
        return Wire('127.0.0.1', self.port, user, database)

    def stop(self):
        if self.proc and self.proc.poll() is None:
            self.proc.send_signal(signal.SIGQUIT)       # at once; there is nothing to keep
            self.proc.wait(30)
        shutil.rmtree(self.dir, ignore_errors=True)


class Refused(Exception):
    """The server's words; args[1] is the SQLSTATE."""


class Wire:
    NUMBERS = (20, 21, 23, 26)

    def __init__(self, host, port, user, database):
        self.sock = socket.create_connection((host, port), 60)
        self.buf = b''
        words = b''.join(k + b'\0' + v.encode() + b'\0' for k, v in ((b'user', user), (b'database', database), (b'client_encoding', 'UTF8')))
        self.sock.sendall(struct.pack('>ii', len(words) + 9, 196608) + words + b'\0')
        self.read()

    def message(self):
        while len(self.buf) < 5 or len(self.buf) < 1 + struct.unpack('>i', self.buf[1:5])[0]:
            more = self.sock.recv(1 << 18)
            if not more:
                raise OSError('the server closed the connection')
            self.buf += more
        n = 1 + struct.unpack('>i', self.buf[1:5])[0]
        kind, body, self.buf = self.buf[:1], self.buf[5:n], self.buf[n:]
        return kind, body

    def read(self):
        """Until the server is ready for the next query; the rows of the last one."""
        rows, types, error = [], [], None
        while True:
            kind, body = self.message()
            if kind == b'T':
                rows, types, at = [], [], 2
                for _ in range(struct.unpack('>h', body[:2])[0]):
                    at = body.index(b'\0', at) + 1
                    types.append(struct.unpack('>i', body[at + 6:at + 10])[0])
                    at += 18
            elif kind == b'D':
                row, at = [], 2
                for t in types:
                    n = struct.unpack('>i', body[at:at + 4])[0]
                    v = None if n < 0 else body[at + 4:at + 4 + n].decode()
                    row.append(int(v) if v is not None and t in self.NUMBERS else v)
                    at += 4 + max(n, 0)
                rows.append(tuple(row))
            elif kind == b'E':
                parts = {f[:1]: f[1:].decode() for f in body.split(b'\0') if f}
                error = error or Refused(parts.get(b'M'), parts.get(b'C'))
            elif kind == b'Z':
                if error:
                    raise error
                return rows
            if kind == b'E' and not types and not self.buf and error.args[1] and error.args[1][:2] in ('57', '28', '3D', '53'):
                raise error             # while connecting no 'ready' follows

    def sql(self, text):
        body = text.encode() + b'\0'
        self.sock.sendall(b'Q' + struct.pack('>i', len(body) + 4) + body)
        return self.read()

    def close(self):
        self.sock.close()


class Proxy:
    """Between a client and a server, to cut the line: cut(n) = at the n-th piece that comes from the client or from the
    server, counted together; before = it is not passed on, else it is, and then both ends are closed. Counts always."""

    def __init__(self, port):
        self.to, self.pieces, self.at, self.before, self.held = port, 0, None, True, False
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def cut(self, at, before=True):
        with self.lock:
            self.pieces, self.at, self.before = 0, at, before

    def accept(self):
        while True:
            try:
                a, _ = self.listener.accept()
            except OSError:
                return
            try:
                b = socket.create_connection(('127.0.0.1', self.to))
            except OSError:
                a.close()
                continue
            for s in (a, b):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for x, y in ((a, b), (b, a)):
                threading.Thread(target=self.pump, args=(x, y), daemon=True).start()

    def pump(self, x, y):
        try:
            while True:
                piece = x.recv(1 << 16)
                if not piece:
                    break
                with self.lock:
                    self.pieces += 1
                    hit, before = self.pieces == self.at, self.before
                if not (hit and before):
                    y.sendall(piece)
                if hit:
                    break
                while self.held:        # the server hangs: nothing passes
                    time.sleep(0.01)
        except OSError:
            pass
        for s in (x, y):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.held = False
        self.listener.close()
