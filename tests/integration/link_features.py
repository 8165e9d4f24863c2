#!/usr/bin/python3
"""A new keepalive value is tried on a few connections of a link: what is worse there is rolled back by the engine, an operator
promotes or rolls back, every change is in the log, and what was decided outlives a restart."""
import os
import subprocess
import sys

sys.dont_write_bytecode = True
from englib import Refused, World, contains, main, refused, same, test, true, until      # noqa: E402

PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../promises/links/peer_py.py')


class Peer:
    """python3-websockets; calm: drops who pings within 3 s of its last ping. late: answers such a ping 50 ms late.
    talk: says 100 messages at once."""

    def __init__(self, how):
        self.how = how
        self.proc = subprocess.Popen([sys.executable, '-B', PEER, '0'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.proc.stdout.readline().split()[1])

    def link(self, connections=4, features=None, **more):
        return {'name': 'app', 'url': f'ws://127.0.0.1:{self.port}/{self.how}', 'connections': connections, 'spread': '0s', 'min_uptime': '0s',
                'reconnect_base': '100ms', 'reconnect_max': '200ms',
                'features': features or {'ping_interval': '1s', 'margin': '20%', 'sample': 64}, **more}

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.proc.stdin.close()
        self.proc.wait()
        self.proc.stdout.close()


def world(link, **more):
    w = World(**{'files': 3, 'orphan': 1, 'unused': 1, 'records': False, **more}, start=False)
    w.configure(links=[link])
    return w.start()


def link(w):
    return w.call('links')['links'][0]


def feature(w):
    return link(w)['features'][0]


def flags(w):
    return [p for _, _, p in w.audit('flag')]


def change(w, to, reason):
    """As an operator; what the engine itself is writing at this moment comes first."""
    def once():
        try:
            return w.call('links.feature', link='app', feature='keepalive', to=to, reason=reason)
        except Refused as e:
            contains(str(e), 'being written')
            return None
    return until(once, 20)['mode']


def rolled_back(w, limit=40):
    until(lambda: feature(w)['mode'] == 'off', limit, lambda: str(feature(w)))
    return until(lambda: [p for p in flags(w) if p['to'] == 'off'], 20, 'the rollback is not in the log')


@test
def a_canary_that_is_dropped_is_rolled_back_by_the_engine():
    with Peer('calm') as peer, world(peer.link()) as w:
        same(feature(w)['mode'], 'canary', 'a new value begins as canary')
        p = rolled_back(w)
        same(len(p), 1)
        contains(p[0]['why'], 'rolled back, worse by more than 20 %', 'drops of 1 canary connections')
        true(p[0]['canary']['drops'] >= 3 and p[0]['stable'] == {**p[0]['stable'], 'connections': 3, 'drops': 0}, p[0])
        f = feature(w)
        same((f['by'], f['reason'], f['verdict']), ('engine', p[0]['why'], ''))
        until(lambda: link(w)['pool']['up'] == 4, 20)
        w.stop()
        w.start()
        same((feature(w)['mode'], feature(w)['by']), ('off', 'engine'), 'what was rolled back is forgotten')
        same([(x['from'], x['to']) for x in flags(w)], [('off', 'canary'), ('canary', 'off')])


@test
def a_canary_that_answers_later_is_rolled_back_too():
    with Peer('late') as peer, world(peer.link(ping_interval='3s', features={'ping_interval': '1s', 'sample': 3})) as w:
        contains(rolled_back(w)[0]['why'], 'round trip p')
        same(link(w)['reconnects'], 0)


@test
def one_that_is_as_good_waits_for_an_operator():
    with Peer('talk') as peer, world(peer.link(ping_interval='3s')) as w:
        until(lambda: feature(w)['verdict'] == 'as good', 30, lambda: str(feature(w)))
        same([c['canary'] for c in sorted(link(w)['pool']['connections'], key=lambda c: c['n'])], [True, False, False, False])
        f = feature(w)
        same((f['mode'], f['canary']['connections'], f['stable']['connections'], f['canary']['drops']), ('canary', 1, 3, 0))
        contains(w.call('metrics')['text'], 'sluice_link_feature_mode{link="app",feature="keepalive"} 1', 'sluice_link_canary_drops{link="app",group="canary"} 0',
                 'sluice_link_canary_rtt_p99_seconds{link="app",group="stable"}')
        refused(lambda: w.call('links.feature', link='app', feature='keepalive', to='promote', reason=''), 'reason')
        refused(lambda: w.call('links.feature', link='app', feature='dedup', to='promote', reason='x'), 'write dedup_window')
        refused(lambda: w.call('links.feature', link='other', feature='keepalive', to='on', reason='x'), 'configured link')
        refused(lambda: w.call('links.feature', link='app', feature='keepalive', to='up', reason='x'), 'off, canary or on')
        same(change(w, 'promote', 'as good'), 'on')
        refused(lambda: w.call('links.feature', link='app', feature='keepalive', to='rollback', reason='x'), 'no canary')
        refused(lambda: w.call('links.feature', link='app', feature='keepalive', to='on', reason='x'), 'already')
        w.stop()
        w.start()
        same((feature(w)['mode'], feature(w)['by'], feature(w)['reason']), ('on', 'alice', 'as good'))
        same(change(w, 'off', 'quiet'), 'off')
        same([(p['from'], p['to'], p.get('reason')) for p in flags(w)],
             [('off', 'canary', None), ('canary', 'on', 'as good'), ('on', 'off', 'quiet')])


@test
def a_value_that_changed_begins_as_canary_again():
    with Peer('wait') as peer, world(peer.link()) as w:
        same(change(w, 'promote', 'sure'), 'on')
        same([p['to'] for p in flags(w)], ['canary', 'on'], 'the engine had not written its own decision yet')
        w.stop()
        w.configure(links=[peer.link(features={'ping_interval': '2s'})])
        w.start()
        same((feature(w)['mode'], feature(w)['reason']), ('canary', 'its value is new'))


if __name__ == '__main__':
    sys.exit(main(globals()))
