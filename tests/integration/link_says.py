#!/usr/bin/python3
"""What a link's daemon says of itself on its health page is shown beside what the connection tells, and never instead of it."""
import http.server
import json
import os
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
from englib import SLUICE, World, contains, main, same, test, true, until      # noqa: E402
from health import page                                                         # noqa: E402
from link_events import Peer                                                    # noqa: E402
from simlib import Sim                                                          # noqa: E402

OLD = {'status': 'degraded', 'version': '2.0', 'components': {'storage': {'status': 'healthy'}, 'supabase': {'status': 'unhealthy'},
                                                              'memory': {'status': 'healthy', 'process_memory_mb': 182.4}}}
NEW = {'status': 'healthy', 'service': 'exai-mcp-daemon', 'timestamp': 1.5}


class Daemon(http.server.ThreadingHTTPServer):
    """A health page: answers as it is told to, and remembers what it was asked."""
    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.answer, self.asked, self.hang = (200, json.dumps(OLD).encode(), {}), [], threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.url = f'http://127.0.0.1:{self.server_port}/health'

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.hang.set()
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.command, self.path, dict(self.headers)))
        status, body, fields = self.server.answer
        if status == 'hang':
            self.server.hang.wait(60)
            return
        self.send_response(status)
        for k, v in fields.items():
            self.send_header(k, v)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass                        # it has read enough

    do_POST = do_HEAD = do_DELETE = do_GET

    def log_message(self, *args):
        pass


def link(w):
    return w.call('links')['links'][0]


def health(w):
    return link(w)['health']


def says(w):
    return {x['name']: x['word'] for x in health(w)['says']}


def gauge(w):
    return [x.rsplit(' ', 1)[1] for x in page(w, '/metrics')[1].splitlines() if x.startswith('sluice_link_says_healthy{')]


def world(daemon, url, **more):
    w = World(files=3, orphan=1, unused=1, start=False)
    w.private('token', 'a-token-of-the-link-0123456789\n')
    w.configure(links=[{'name': 'daemon', 'url': url, 'handshake': 'exai', 'token_file': 'token', 'health': daemon.url, 'health_interval': '1s',
                        'reconnect_base': '100ms', 'reconnect_max': '1s', **more}])
    return w.start()


def told(w, *words):
    until(lambda: all(x in health(w)['trouble'] for x in words), 30, lambda: health(w))
    same((set(says(w).values()), health(w)['at_us']), ({None}, None), 'what was said before stands there still')
    same(gauge(w), [])


@test
def it_is_shown_beside_the_wire_and_never_instead():
    with Daemon() as d, Sim('--link', 'daemon') as sim, world(d, sim.url['daemon']) as w:
        until(lambda: link(w)['state'] == 'up' and health(w)['at_us'], 30, lambda: link(w))
        s = says(w)
        same((s['status'], s['supabase'], s['memory MB'], s['disk'], s['service']), ('degraded', 'unhealthy', '182.4', None, None))
        same((health(w)['http_status'], gauge(w)), (200, ['0']))
        same(next(c['state'] for c in w.call('checks')['checks'] if c['kind'] == 'link'), 'pass', 'its words decide something')
        d.answer = (200, json.dumps(NEW).encode(), {})
        until(lambda: says(w)['service'] == 'exai-mcp-daemon', 30, lambda: says(w))
        same((says(w)['status'], says(w)['supabase'], gauge(w)), ('healthy', None, ['1']))
        sim.stop()
        until(lambda: link(w)['state'] != 'up', 30)
        same(next(c['state'] for c in w.call('checks')['checks'] if c['kind'] == 'link'), 'fail', 'its words decide something')
        n = len(d.asked)
        until(lambda: len(d.asked) > n + 1, 30, 'a link that is down is not asked')
        same(says(w)['status'], 'healthy')
        out = subprocess.run([SLUICE, '--state', w.state, '--config', os.path.join(w.dir, 'sluice.yaml'), 'links'], stdin=subprocess.DEVNULL,
                             capture_output=True, text=True, timeout=60).stdout
        contains(out, 'says (', 'status healthy', 'supabase not reported')
        same({(m, p) for m, p, _ in d.asked}, {('GET', '/health')})
        true(not any(k.lower() in ('authorization', 'cookie') or 'token' in v for _, _, h in d.asked for k, v in h.items()), d.asked[0])


@test
def what_cannot_be_read_takes_back_what_was_said():
    with Daemon() as d, Sim('--link', 'daemon') as sim, world(d, sim.url['daemon']) as w:
        until(lambda: health(w)['at_us'], 30)
        for answer, words in (((200, b'<html>', {}), ('answers 200', 'JSON')), ((503, b'', {}), ('answers 503',)),
                              ((302, b'', {'Location': d.url}), ('answers 302',)), ((200, b'{"status":"healthy"}' + b' ' * 70000, {}), ('no answer', 'larger than allowed'))):
            d.answer = answer
            told(w, *words)
            d.answer = (503, json.dumps({'status': 'error', 'error': 'x'}).encode(), {})
            until(lambda: says(w)['status'] == 'error' and health(w)['http_status'] == 503, 30, lambda: health(w))
        d.answer = ('hang', b'', {})
        told(w, 'no answer')
        d.answer = (200, json.dumps(NEW).encode(), {})
        until(lambda: says(w)['status'] == 'healthy', 30, lambda: health(w))
        same(link(w)['state'], 'up')


@test
def a_stop_does_not_wait_for_a_page_that_hangs():
    with Daemon() as d, Sim('--link', 'daemon') as sim:
        d.answer = ('hang', b'', {})
        with world(d, sim.url['daemon']) as w:
            until(lambda: d.asked, 30)
            w.stop()


@test
def links_shows_what_came_in_and_what_waits_to_go_out():
    with Peer() as p, World(files=3, orphan=1, unused=1, start=False) as w:
        w.configure(links=[p.link()])
        w.start()
        until(lambda: link(w)['state'] == 'up', 30)
        until(lambda: link(w)['outbox']['sent'] or link(w)['outbox']['items'], 30)
        cli = [SLUICE, '--state', w.state, '--config', os.path.join(w.dir, 'sluice.yaml'), 'links']
        out = subprocess.run(cli, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60).stdout
        contains(out, '\npeer\n', '  in: ', ' duplicates, ', ' gaps, ', ' reordered, ', ' epoch changes, ', '  out: ', ' wait (', 'the oldest ',
                 'dropped: ', ' too old, ', ' too large')
        got = json.loads(subprocess.run([*cli, '--json'], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60).stdout)['links'][0]
        true({'taken', 'pending', 'duplicates', 'gaps', 'reordered', 'epochs', 'nowhere', 'refused'} <= set(got['inbox']), got)
        true({'items', 'bytes', 'oldest_us', 'sent', 'repeated', 'expired', 'too_large'} <= set(got['outbox']), got)
        same(got['health'], None)


if __name__ == '__main__':
    sys.exit(main(globals()))
