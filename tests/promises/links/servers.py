"""Servers of other authors for the proofs of the links: python3-websockets, npm's ws, websocketd, nginx and haproxy.
The last three are looked for where Debian puts them and in build/servers, where bootstrap unpacks them."""
import glob
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../../integration'))
from linkpeers import closed_port       # noqa: E402
from rig import BUILD, Short, until     # noqa: E402


def program(name):
    for d in ('/usr/sbin', '/usr/bin', os.path.join(BUILD, 'servers/usr/sbin'), os.path.join(BUILD, 'servers/usr/bin')):
        if os.access(os.path.join(d, name), os.X_OK):
            return os.path.join(d, name)
    raise Short(f'{name} is not installed: sh bootstrap check unpacks it into build/servers')


def ws_module():
    for d in os.environ.get('NODE_PATH', '').split(':') + [os.path.join(BUILD, 'node/node_modules'), '/usr/share/nodejs']:
        if d and os.path.isfile(os.path.join(d, 'ws/package.json')):
            return os.path.abspath(os.path.join(d, 'ws'))
    raise Short('the npm module ws is not installed: sh bootstrap check fetches it into build/node')


def environment():
    libs = glob.glob(os.path.join(BUILD, 'servers/usr/lib/*-linux-gnu'))
    return {**os.environ, 'LD_LIBRARY_PATH': ':'.join(libs)} if libs else dict(os.environ)


class Servers:
    """with Servers(dir) as s: s.python(), s.node() … each gives its port."""

    def __init__(self, at):
        self.at, self.procs = at, []

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for p in reversed(self.procs):
            p.kill()
            p.wait()

    def begin(self, argv, log, **kw):
        with open(os.path.join(self.at, log + '.log'), 'w') as f:
            self.procs.append(subprocess.Popen(argv, stderr=f, env=environment(), **{'stdin': subprocess.PIPE, 'stdout': f, **kw}))
        return self.procs[-1]

    def told(self, argv, log):
        p = self.begin(argv, log, stdout=subprocess.PIPE)
        line = p.stdout.readline().split()
        if not line:
            raise Short(f'{log} does not start')
        p.port = int(line[1])
        return p

    def python(self, every=0, cert=()):
        return self.told([sys.executable, os.path.join(HERE, 'peer_py.py'), str(every), *cert], f'py-{len(self.procs)}')

    def node(self):
        node = os.environ.get('SLUICE_NODE', '')
        node = node if os.access(node, os.X_OK) else shutil.which('node') or shutil.which('nodejs')
        if not node:
            raise Short('node is not installed')
        return self.told([node, os.path.join(HERE, 'peer_ws.js'), ws_module()], 'node')

    def listening(self, p, port, log):
        import socket

        def up():
            if p.poll() is not None:
                with open(os.path.join(self.at, log + '.log')) as f:
                    raise Short(f'{log} ended: {f.read()[-300:]}')
            try:
                socket.create_connection(('127.0.0.1', port), 1).close()
                return True
            except OSError:
                return False
        until(up, log + ' does not listen')
        p.port = port
        return p

    def websocketd(self, *command):
        port, log = closed_port(), f'websocketd-{len(self.procs)}'
        return self.listening(self.begin([program('websocketd'), '--address=127.0.0.1', f'--port={port}', *command], log), port, log)

    def nginx(self, conf):
        """conf(ports) is what stands in http { }; ports() gives a new one. The first one is waited for."""
        ports = []

        def port():
            ports.append(closed_port())
            return ports[-1]
        text, path = conf(port), os.path.join(self.at, 'nginx.conf')
        tmp = ''.join(f'{k}_temp_path {self.at}/nginx-{k};\n' for k in ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
        user = 'user root;\n' if os.getuid() == 0 else ''
        with open(path, 'w') as f:
            f.write(f'{user}daemon off;\nmaster_process off;\npid {self.at}/nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{tmp}{text}}}\n')
        p = self.begin([program('nginx'), '-p', self.at, '-c', path, '-e', 'stderr'], 'nginx')
        for n in ports:
            self.listening(p, n, 'nginx')
        return ports

    def haproxy(self, conf):
        ports = []

        def port():
            ports.append(closed_port())
            return ports[-1]
        path = os.path.join(self.at, 'haproxy.cfg')
        with open(path, 'w') as f:
            f.write(conf(port))
        p = self.begin([program('haproxy'), '-db', '-f', path], 'haproxy')
        for n in ports:
            self.listening(p, n, 'haproxy')
        return ports
