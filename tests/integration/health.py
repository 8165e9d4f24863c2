#!/usr/bin/python3
"""No lies: each part is broken from outside, and /readyz, /healthz, /metrics, the doctor and the method say so, and say so
when it is whole again."""
import http.client
import json
import os
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
from englib import SLUICE, Refused, World, contains, limit_files, main, same, test, true, until      # noqa: E402
from simlib import Sim                                                                      # noqa: E402


class Local(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__('localhost', timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(self.path)


def page(w, path, method='GET'):
    c = Local(os.path.join(w.state, 'engine.sock'))
    c.request(method, path)
    r = c.getresponse()
    body = r.read().decode()
    c.close()
    return r.status, body, r.getheader('content-type')


def doctor(w):
    p = subprocess.run([SLUICE, '--state', w.state, '--config', os.path.join(w.dir, 'sluice.yaml'), 'doctor'], stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=120)
    return p.returncode, p.stdout.decode()


def views(w, kind, name=''):
    """What every face says of one check: state by method, mark on /readyz, status on /healthz, 0 or 1 in the metrics."""
    ident = f'{kind}:{name}' if name else kind
    found = next(c for c in w.call('checks')['checks'] if (c['kind'], c['name']) == (kind, name))
    ready = next(x for x in page(w, '/readyz?verbose')[1].splitlines() if x[3:].startswith(ident + ' '))
    entry = json.loads(page(w, '/healthz')[1])['checks'][ident][0]
    gauge = next(x for x in page(w, '/metrics')[1].splitlines() if x.startswith(f'sluice_check_failing{{check="{kind}",name="{name}"}}'))
    return found['state'], ready[1], entry['status'], gauge[-1]


GOOD, BAD, UNSEEN = ('pass', '+', 'pass', '0'), ('fail', '-', 'fail', '1'), ('unknown', '?', 'warn', '0')


def says(w, kind, name, want):
    until(lambda: views(w, kind, name) == want, 20, lambda: views(w, kind, name))
    broken = want == BAD
    if broken:
        same((page(w, '/readyz')[0], page(w, '/healthz')[0]), (503, 503))
        rc, text = doctor(w)
        same(rc, 3, text)
        contains(text, f'fail     {kind}' + (f' {name}' if name else ''))


@test
def a_good_engine_is_ready_and_the_pages_are_well_formed():
    with World() as w:
        same(page(w, '/livez')[:2], (200, 'ok\n'))
        status, body, kind = page(w, '/readyz')
        same((status, body), (200, 'ready\n'))
        true(kind.startswith('text/plain'), kind)
        status, body, kind = page(w, '/healthz')
        h = json.loads(body)
        same((status, kind, h['version'], h['serviceId']), (200, 'application/health+json', '1', 'test'))
        true(h['status'] in ('pass', 'warn'), body)
        same(page(w, '/readyz', 'HEAD')[:2], (200, ''))
        same(page(w, '/readyz', 'POST')[0] in (404, 405), True)
        same(page(w, '/nothing')[0], 404)
        same(doctor(w)[0], 0)
        same(views(w, 'lane', 'alpha'), UNSEEN)
        same(views(w, 'records', 'app'), UNSEEN)
        ids = [(c['kind'], c['name']) for c in w.call('checks')['checks']]
        same(len(set(ids)), len(ids))


@test
def a_readable_or_missing_credential_is_seen_and_its_return_too():
    with World() as w:
        key = os.path.join(w.dir, 'key')
        os.chmod(key, 0o644)
        says(w, 'lane-key', 'alpha', BAD)
        os.chmod(key, 0o600)
        says(w, 'lane-key', 'alpha', GOOD)
        os.rename(key, key + '.away')
        says(w, 'lane-key', 'alpha', BAD)
        os.rename(key + '.away', key)
        says(w, 'lane-key', 'alpha', GOOD)


def written(w):
    """Asks for a record; whether the log took it."""
    try:
        w.call('mode.set', mode='rehearse')
        w.call('mode.set', mode='observe')
        return True
    except Refused:
        return False


@test
def a_log_that_cannot_be_written_is_not_ready_until_it_can():
    with World() as w:
        says(w, 'audit-log', '', GOOD)
        limit_files(w.proc, 1)
        until(lambda: not written(w), 20)
        says(w, 'audit-log', '', BAD)
        limit_files(w.proc, None)
        says(w, 'audit-log', '', GOOD)


@test
def a_lane_that_cannot_be_listed_is_seen_and_can_be_excluded_from_readiness():
    with World(lane={'list_timeout': '1s', 'timeout': '1s'}) as w:
        w.sim.fault('store=alpha op=list fault=500-before')
        w.call('cycle.start', policy='clean')
        w.settled()
        says(w, 'lane', 'alpha', BAD)
        same(page(w, '/readyz?exclude=lane')[0], 200)
        same(page(w, '/readyz?exclude=lane:alpha')[:2], (200, 'ready\n'))
        same(page(w, '/readyz?exclude=lane:beta&verbose')[0], 503)
        w.sim.no_faults()
        w.call('cycle.cancel')
        w.call('cycle.start', policy='clean')
        w.settled()
        says(w, 'lane', 'alpha', GOOD)


@test
def records_that_cannot_be_read_are_seen():
    with World() as w:
        os.rename(w.app, w.app + '.away')
        w.call('cycle.start', policy='clean')
        w.settled()
        says(w, 'records', 'app', BAD)
        os.rename(w.app + '.away', w.app)
        w.call('cycle.cancel')
        w.call('cycle.start', policy='clean')
        w.settled()
        says(w, 'records', 'app', GOOD)


@test
def a_link_that_is_gone_is_seen_and_its_return_too():
    port = socket.socket()
    port.bind(('127.0.0.1', 0))
    number = port.getsockname()[1]
    port.close()
    with World(start=False) as w:
        w.configure(links=[{'name': 'daemon', 'url': f'ws://127.0.0.1:{number}', 'handshake': 'exai'}])
        w.start()
        says(w, 'link', 'daemon', BAD)
        same(page(w, '/readyz?exclude=link:daemon')[0], 200)
        with Sim('--link', f'daemon:port={number}'):
            until(lambda: views(w, 'link', 'daemon') == GOOD, 60, lambda: views(w, 'link', 'daemon'))
        says(w, 'link', 'daemon', BAD)


@test
def a_broken_chain_is_not_ready():
    import sqlite3
    with World() as w:
        w.planned()
        w.kill()
        db = sqlite3.connect(os.path.join(w.state, 'sluice.db'))
        trigger = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'audit_no_update'").fetchone()[0]
        db.execute('DROP TRIGGER audit_no_update')
        db.execute("UPDATE audit SET actor = 'mallory' WHERE seq = 3")
        db.execute(trigger)
        db.commit()
        db.close()
        w.start()
        says(w, 'audit-chain', '', BAD)


if __name__ == '__main__':
    sys.exit(main(globals()))
