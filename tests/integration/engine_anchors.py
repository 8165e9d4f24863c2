#!/usr/bin/python3
"""Checkpoints outside the log: every configured place is told, one that fails is shown and tried again and stops nothing;
the key is made once, can be changed, and is missed."""
import http.server
import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
from englib import SLUICE, World, contains, main, refused, same, test, true, until


class Board:
    """Somebody's web server: keeps what is posted, and answers `status`."""

    def __init__(self):
        board, self.got, self.status = self, [], 200

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                board.got.append((self.path, self.headers.get('Authorization'), json.loads(body)))
                self.send_response(board.status)
                self.send_header('Content-Length', '0')
                self.end_headers()

            def log_message(self, *args):
                pass
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.server.server_port}/anchors'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()


def chain(w):
    return w.call('status')['chain']


def place(w, kind, n=0):
    return [p for p in chain(w)['anchors'] if p['kind'] == kind][n]


def told(w, seq):
    """Every place has it."""
    until(lambda: all((p['seq'] or 0) >= seq for p in chain(w)['anchors']), 20, lambda: chain(w)['anchors'])


def checkpoint(w):
    """The newest one of the log, as soon as it has one."""
    return until(lambda: w.sql("SELECT max(seq) FROM audit WHERE kind = 'checkpoint'")[0][0], 20, 'no checkpoint in the log')


def lines(path):
    with open(path) as f:
        return [x.split() for x in f]


def offline(w, *args, rc=0):
    p = subprocess.run([SLUICE, '--state', w.state, '--config', os.path.join(w.dir, 'sluice.yaml'), 'audit', 'verify', '--offline', '--json', *args],
                       capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    same(p.returncode, rc, p.stderr)
    return json.loads(p.stdout)


@test
def every_place_is_told_the_same_checkpoints():
    with Board() as board, World(start=False) as w:
        log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        log.bind(os.path.join(w.dir, 'log'))
        log.settimeout(20)
        os.mkdir(os.path.join(w.dir, 'vault'))
        w.private('board.token', 'secret-of-the-board\n')
        w.configure(engine={'anchor_file': 'vault/anchors', 'anchor_syslog': 'log', 'anchor_url': board.url, 'anchor_token_file': 'board.token'})
        w.start()
        until(lambda: chain(w)['verified_us'], 20)
        w.granted()
        same(w.finish()['end'], 'COMPLETED')
        end = w.sql("SELECT seq FROM audit WHERE kind = 'cycle.close'")[0][0]
        until(lambda: checkpoint(w) > end, 20)
        told(w, checkpoint(w))
        key = chain(w)['key']
        same([p['kind'] for p in chain(w)['anchors']], ['file', 'file', 'syslog', 'url'])
        same([p['trouble'] for p in chain(w)['anchors']], [None] * 4)
        w.stop()
        ours, theirs = (lines(os.path.join(w.dir, x)) for x in ('state/anchors', 'vault/anchors'))
        same(ours, theirs)
        true(all(x[4] == key for x in ours), ours)
        said = []
        log.setblocking(False)
        try:
            while True:
                said.append(log.recv(4096).decode())
        except BlockingIOError:
            log.close()
        same([x.split()[-6:] for x in said], ours)
        true(all(x.startswith('<85>sluice[') and ']: checkpoint ' in x for x in said), said)
        same([(p, a, str(c['checkpoint']), c['hash'], c['key'], c['signature'], c['environment']) for p, a, c in board.got],
             [('/anchors', 'Bearer secret-of-the-board', x[0], x[1], x[4], x[5], 'test') for x in ours])
        end = w.sql('SELECT max(seq) FROM audit')[0][0]
        same(int(ours[-1][0]), end, 'the last one is the last record')
        v = offline(w)
        true(v['anchors'] >= 2 and v['checkpoints'] >= 2 and v['anchored'] == end, v)
        with open(os.path.join(w.state, 'audit.pub')) as f:
            same(f.read().strip(), key)
        same([oct(os.stat(os.path.join(w.state, x)).st_mode & 0o777) for x in ('audit.key', 'anchors')], ['0o600', '0o600'])
        w.start()


@test
def a_place_that_fails_is_shown_and_tried_again_and_stops_nothing():
    with Board() as board, World(start=False) as w:
        board.status = 503
        w.configure(engine={'anchor_file': 'vault/anchors', 'anchor_syslog': 'log', 'anchor_url': board.url})
        w.start()
        w.granted()
        same((w.finish()['end'], w.lane()['deleted']), ('COMPLETED', 40))
        until(lambda: place(w, 'url')['trouble'] and place(w, 'syslog')['trouble'] and place(w, 'file', 1)['trouble'], 20)
        contains(place(w, 'url')['trouble'], board.url, '503')
        contains(place(w, 'syslog')['trouble'], 'system log', w.dir)
        contains(place(w, 'file', 1)['trouble'], 'vault/anchors', 'No such file')
        same((place(w, 'file')['trouble'], place(w, 'url')['seq']), (None, None))
        board.status = 200
        os.mkdir(os.path.join(w.dir, 'vault'))
        log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        log.bind(os.path.join(w.dir, 'log'))
        told(w, checkpoint(w))
        same([p['trouble'] for p in chain(w)['anchors']], [None] * 4)
        log.close()
        board.status = 500                      # and a stop ends all the same
        w.stop()
        offline(w)
        w.start()


@test
def a_start_reads_from_the_last_checkpoint_and_the_whole_follows():
    with World() as w:
        w.granted()
        w.finish()
        w.stop()
        w.start()
        c = until(lambda: chain(w)['verified_us'] and chain(w), 20)
        true(c['verified_seq'] >= 10 and c['checked_from'] == 1 and c['broken'] is None, c)
        w.kill()                                # no last word this time
        w.start()
        until(lambda: chain(w)['verified_us'], 20)
        w.verify()


@test
def a_changed_key_is_named_or_the_log_is_broken():
    with World() as w:
        until(lambda: place(w, 'file')['seq'], 20)
        old = chain(w)['key']
        w.stop()
        new = os.path.join(w.dir, 'new.key')
        pub = subprocess.run([SLUICE, 'grant', 'keygen', new], check=True, capture_output=True, text=True).stdout.strip()
        w.configure(engine={'audit_key': 'new.key'})
        w.start()
        contains(until(lambda: chain(w)['broken'], 20), "signed by a key that is not the engine's", 'audit_keys')
        w.stop()
        w.configure(engine={'audit_key': 'new.key', 'audit_keys': [f'"{old}"']})
        w.start()
        until(lambda: chain(w)['verified_us'], 20)
        c = chain(w)
        same((c['broken'], c['key']), (None, pub))
        until(lambda: (place(w, 'file')['seq'] or 0) > 0, 20)
        w.stop()
        same(lines(os.path.join(w.state, 'anchors'))[-1][4], pub)
        offline(w)
        w.start()


@test
def the_key_is_missed_when_it_is_gone():
    with World() as w:
        until(lambda: place(w, 'file')['seq'], 20)
        w.stop()
        n = len(lines(os.path.join(w.state, 'anchors')))
        os.rename(os.path.join(w.state, 'audit.key'), os.path.join(w.dir, 'away'))
        w.start()
        c = until(lambda: chain(w)['broken'] and chain(w), 20)
        contains(c['broken'], 'audit.key', 'is gone')
        same(c['key'], None)
        true(not os.path.exists(os.path.join(w.state, 'audit.key')), 'no other key is made in its place')
        w.stop()
        same(len(lines(os.path.join(w.state, 'anchors'))), n)
        os.rename(os.path.join(w.dir, 'away'), os.path.join(w.state, 'audit.key'))
        w.start()
        until(lambda: chain(w)['verified_us'], 20)
        same(chain(w)['broken'], None)


@test
def a_sealed_segment_leaves_the_database_and_proves_itself():
    with World() as w:
        until(lambda: chain(w)['verified_us'], 20)
        w.granted()
        refused(lambda: w.call('audit.seal'), 'a cycle is open')
        w.finish()
        watch = w.wire('/watch')
        refused(lambda: watch.call('audit.seal'), 'watcher')
        watch.close()
        w.wires.pop()
        told(w, checkpoint(w))
        before = w.sql('SELECT max(seq) FROM audit')[0][0]
        key = chain(w)['key']
        first = w.call('audit.seal')
        same((first['first'], first['last'] >= before - 1), (1, True))
        same(w.sql('SELECT min(seq), kind FROM audit')[0], (first['last'] + 1, 'segment.sealed'))
        w.verify()
        w.call('cycle.start', policy='clean')           # goes on from there
        w.settled()
        w.call('cycle.cancel')
        until(lambda: w.status()['state'] == 'ended')
        told(w, checkpoint(w))
        second = w.call('audit.seal')
        same(second['first'], first['last'] + 1)
        w.kill()
        w.start()
        until(lambda: chain(w)['verified_us'], 20)
        w.verify()
        w.stop()
        offline(w)
        for s in (first, second):
            same(oct(os.stat(s['file']).st_mode & 0o777), '0o600')
            p = subprocess.run([SLUICE, '--state', w.dir, 'audit', 'verify', '--file', s['file'], '--key', key, '--json'], capture_output=True, text=True,
                               timeout=60, stdin=subprocess.DEVNULL)
            same(p.returncode, 0, p.stderr)
            same((json.loads(p.stdout)['records'], json.loads(p.stdout)['head']['seq']), (s['last'] - s['first'] + 1, s['last']))
        db = sqlite3.connect(os.path.join(w.state, 'sluice.db'))        # who cuts the beginning off by hand is found
        triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            db.execute(f'DROP TRIGGER {name}')
        db.execute('DELETE FROM audit WHERE seq = (SELECT min(seq) FROM audit)')
        for _, text in triggers:
            db.execute(text)
        db.commit()
        db.close()
        same(offline(w, rc=12)['first_bad'], 1)
        w.start()


@test
def one_record_is_shown_with_its_place():
    with World() as w:
        same(checkpoint(w), 3)
        r = w.call('audit.show', seq=2)
        same((r['record']['seq'], r['recomputed'], r['follows'], r['followed'], r['signed_by_record']), (2, True, True, True, 3))
        end = w.sql('SELECT max(seq) FROM audit')[0][0]
        r = w.call('audit.show', seq=end)
        same((r['followed'], r['recomputed']), (None, True))
        same(w.call('audit.show', seq=1)['follows'], True)
        for seq in (0, -1, end + 10):
            try:
                w.call('audit.show', seq=seq)
                raise AssertionError(f'record {seq} is shown')
            except Exception as e:
                contains(str(e), 'no record')


if __name__ == '__main__':
    sys.exit(main(globals()))
