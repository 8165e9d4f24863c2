#!/usr/bin/python3
"""Another window for repeats and another queue on a few connections of a link: what is worse there is rolled back by the engine, what
is as good waits for an operator, one is tried at a time; no message takes effect twice and no event is lost by any of it."""
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
from englib import Refused, World, contains, main, refused, same, test, true, until      # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
CONNECTIONS = 4


class Peer:
    def __init__(self, back=20):
        self.proc = subprocess.Popen([sys.executable, '-B', os.path.join(HERE, 'flagpeer.py'), str(back)], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)
        self.port = json.loads(self.proc.stdout.readline())['port']

    def tell(self, *words):
        self.proc.stdin.write(' '.join(str(w) for w in words) + '\n')
        self.proc.stdin.flush()
        return json.loads(self.proc.stdout.readline())

    def link(self, window=1000, items=200, **features):
        return {'name': 'app', 'url': f'ws://127.0.0.1:{self.port}/', 'handshake': 'json-events', 'connections': CONNECTIONS, 'spread': '0s',
                'reconnect_base': '50ms', 'reconnect_max': '100ms', 'events': {'id': 'id', 'ack': 'yes', 'window': window},
                'notify': {'kinds': ['mode'], 'items': items, 'bytes': '1MB', 'acked': 'yes'}, 'features': features}

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.proc.stdin.close()
        self.proc.wait()
        self.proc.stdout.close()


def world(link, **more):
    w = World(**{'files': 3, 'orphan': 1, 'unused': 1, 'records': False, **more}, start=False)
    w.configure(links=[link])
    w.start()
    all_up(w)
    return w


def link(w):
    return w.call('links')['links'][0]


def all_up(w):
    until(lambda: link(w)['pool']['up'] == CONNECTIONS, 30, lambda: str(link(w)['pool']))


def feature(w, name):
    return [f for f in link(w)['features'] if f['feature'] == name][0]


def flags(w, name):
    return [p for _, _, p in w.audit('flag') if p['feature'] == name]


def change(w, name, to, reason='shown'):
    def once():
        try:
            return w.call('links.feature', link='app', feature=name, to=to, reason=reason)
        except Refused as e:
            if 'being written' not in str(e):
                raise
            return None
    return until(once, 20)['mode']


def rolled_back(w, name, limit=60):
    until(lambda: feature(w, name)['mode'] == 'off', limit, lambda: str(feature(w, name)))
    return until(lambda: [p for p in flags(w, name) if (p['from'], p['to']) == ('canary', 'off')], 20, 'the rollback is not in the log')[-1]


def each_once(w, peer, goal):
    """All that was said took effect, once, by the count on disk."""
    peer.tell('go', goal)
    until(lambda: (lambda s: s['said'] == s['acked'] and s['said'] >= goal * CONNECTIONS)(peer.tell('look')), 60, lambda: str(peer.tell('look')))
    said = peer.tell('look')
    until(lambda: link(w)['inbox']['pending'] == 0, 20)
    same(link(w)['inbox']['taken'], said['said'], 'a message took effect twice or never')
    same(w.sql("SELECT taken FROM link_streams WHERE link = 'app'")[0][0], said['said'], 'on disk')
    true(said['repeats'] > 0, 'nothing was repeated')
    return said


def events(w, n):
    for k in range(n):
        w.call('mode.set', mode='rehearse' if k % 2 == 0 else 'observe')


def every_event(w, peer, since, kind='mode'):
    w.durable()
    want = w.sql('SELECT count(*) FROM audit WHERE kind = ? AND seq > ?', kind, since)[0][0]
    until(lambda: peer.tell('look')['events'] == want, 60, lambda: f"{peer.tell('look')} of {want}, {link(w)['outbox']}")
    until(lambda: link(w)['outbox']['items'] == 0, 20, lambda: str(link(w)['outbox']))
    o = link(w)['outbox']
    same((o['expired'], o['too_large'], o['sent']), (0, 0, want), 'an event was lost')
    return want


@test
def a_window_that_is_too_small_is_rolled_back_and_nothing_takes_effect_twice():
    with Peer() as peer, world(peer.link(dedup_window=10)) as w:
        same(feature(w, 'dedup')['mode'], 'canary')
        each_once(w, peer, 60)
        p = rolled_back(w, 'dedup')
        contains(p['why'], 'rolled back, worse by more than 20 %', 'wrong of')
        true(p['canary']['missed'] > 0 and p['stable']['missed'] == 0, p)
        same((p['canary']['connections'], p['stable']['connections'], p['value']), (1, 3, '10/86400000ms'))
        each_once(w, peer, 120)


@test
def a_window_that_is_as_good_is_promoted_and_one_that_shrinks_forgets_nothing():
    with Peer() as peer, world(peer.link(dedup_window=500)) as w:
        each_once(w, peer, 60)
        f = feature(w, 'dedup')
        same((f['mode'], f['verdict'], f['canary']['missed'], f['stable']['missed']), ('canary', 'as good', 0, 0))
        true(f['canary']['duplicates'] > 0, f)
        contains(w.call('metrics')['text'], 'sluice_link_feature_mode{link="app",feature="dedup"} 1', 'sluice_link_canary_missed{link="app",group="canary"} 0')
        same(change(w, 'dedup', 'promote'), 'on')
        w.stop()
        w.configure(links=[peer.link(dedup_window=4)])
        w.start()
        all_up(w)
        # an operator may insist; what was known before stays known, and counts
        same(change(w, 'dedup', 'on', 'sure'), 'on')
        w.stop()
        w.start()
        all_up(w)
        same((feature(w, 'dedup')['mode'], feature(w, 'dedup')['by']), ('on', 'alice'))
        true(link(w)['inbox']['marks'] >= 240, link(w)['inbox'])


@test
def a_queue_that_is_too_small_is_rolled_back_and_loses_nothing():
    with Peer() as peer, world(peer.link(queue_items=1)) as w:
        since = w.sql('SELECT max(seq) FROM audit')[0][0]
        same(feature(w, 'queue')['mode'], 'canary')
        peer.tell('mute', 'yes')
        events(w, 100)
        p = rolled_back(w, 'queue')
        contains(p['why'], 'without room of')
        true(p['canary']['full'] >= 3 and p['stable']['full'] == 0, p)
        true(p['canary']['events'] * 3 <= p['stable']['events'] + 3 and p['canary']['events'] >= 20, f'the canary has not its share: {p}')
        same(p['value'], '1/1000000B')
        peer.tell('mute', 'no')
        every_event(w, peer, since)


@test
def a_queue_that_shrinks_drains_first():
    with Peer() as peer, world(peer.link(queue_items=2, sample=64)) as w:
        since = w.sql('SELECT max(seq) FROM audit')[0][0]
        same(change(w, 'queue', 'off'), 'off')
        peer.tell('mute', 'yes')
        events(w, 60)
        until(lambda: link(w)['outbox']['items'] == 60, 20, lambda: str(link(w)['outbox']))
        same(change(w, 'queue', 'canary'), 'canary')
        same(link(w)['outbox']['items'], 60, 'what waited is gone')
        events(w, 20)
        until(lambda: link(w)['outbox']['items'] == 80, 20, lambda: str(link(w)['outbox']))
        same(feature(w, 'queue')['canary']['depth'], 2, 'the canary has no queue of its own, or a larger one')
        same(change(w, 'queue', 'on'), 'on')
        same(link(w)['outbox']['items'], 80, 'what waited for the canary is gone')
        events(w, 10)
        w.durable()
        same(link(w)['outbox']['items'], 80, 'it takes events beyond its bounds')
        peer.tell('mute', 'no')
        same(every_event(w, peer, since), 90)


@test
def a_pool_that_the_peer_has_no_room_for_is_rolled_back_and_the_others_stay():
    with Peer() as peer:
        peer.tell('limit', CONNECTIONS)
        with world({**peer.link(connections=8), 'breaker': {'open': '1s', 'open_max': '1s'}}) as w:
            each_of = lambda: (link(w)['pool']['configured'], link(w)['pool']['up'])       # noqa: E731
            p = rolled_back(w, 'pool')
            contains(p['why'], 'drops of 1 canary')
            same((p['value'], p['stable']['connections'], p['stable']['drops'], p['canary']['up']), ('8', 4, 0, 0))
            until(lambda: each_of() == (4, 4), 20, lambda: str(each_of()))
            each_once(w, peer, 40)


@test
def a_pool_that_pushes_out_the_others_is_rolled_back():
    with Peer() as peer:
        peer.tell('limit', CONNECTIONS)
        peer.tell('push', 'yes')
        w = World(files=3, orphan=1, unused=1, records=False, start=False)
        with w:
            w.configure(links=[{**peer.link(connections=5), 'min_uptime': '0s', 'breaker': {'open': '1s', 'open_max': '1s'}}])
            w.start()
            rolled_back(w, 'pool')
            all_up(w)
            until(lambda: peer.tell('look')['open'] == CONNECTIONS, 20, lambda: str(peer.tell('look')))


@test
def a_pool_grows_by_a_share_and_then_whole_and_shrinks_again():
    with Peer() as peer, world(peer.link(connections=12, sample=5)) as w:
        up = lambda: link(w)['pool']['up']              # noqa: E731
        until(lambda: up() == 6, 30, lambda: str(link(w)['pool']))
        same([c['canary'] for c in sorted(link(w)['pool']['connections'], key=lambda c: c['n'])], [False] * 4 + [True] * 2)
        peer.tell('go', 60)
        until(lambda: feature(w, 'pool')['verdict'] == 'as good', 60, lambda: str(feature(w, 'pool')))
        f = feature(w, 'pool')
        same((f['canary']['connections'], f['canary']['up'], f['stable']['connections'], f['canary']['drops']), (2, 2, 4, 0))
        same(change(w, 'pool', 'promote'), 'on')
        until(lambda: up() == 12, 30, lambda: str(link(w)['pool']))
        same(change(w, 'pool', 'off'), 'off')
        until(lambda: peer.tell('look')['open'] == 4 and up() == 4, 20, lambda: str(peer.tell('look')))
        said = lambda: peer.tell('look')['said']        # noqa: E731
        until(lambda: link(w)['inbox']['taken'] <= said() and link(w)['inbox']['pending'] == 0, 20)
        seen = link(w)['messages_in']
        true(seen >= link(w)['inbox']['taken'], 'what the connections that went had counted is gone')


@test
def one_is_tried_at_a_time():
    with Peer() as peer, world(peer.link(ping_interval='30s', dedup_window=500, queue_items=100)) as w:
        same([f['mode'] for f in link(w)['features']], ['canary', 'off', 'off'])
        contains(feature(w, 'queue')['reason'], 'no other')
        refused(lambda: change(w, 'queue', 'canary'), 'spoil')
        refused(lambda: w.call('links.feature', link='app', feature='pool', to='on', reason='x'), 'write connections')
        refused(lambda: w.call('links.feature', link='app', feature='size', to='on', reason='x'), 'the features are')
        same(change(w, 'keepalive', 'promote'), 'on')
        until(lambda: feature(w, 'dedup')['mode'] == 'canary', 20, 'the next does not begin')
        same(change(w, 'queue', 'off', 'not now'), 'off')
        same(change(w, 'dedup', 'rollback'), 'off')
        same([(p['from'], p['to']) for p in flags(w, 'queue')], [('off', 'off')])
        same([f['mode'] for f in link(w)['features']], ['on', 'off', 'off'])


if __name__ == '__main__':
    sys.exit(main(globals()))
