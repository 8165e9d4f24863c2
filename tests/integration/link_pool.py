#!/usr/bin/python3
"""More connections of a link that come and go by a feature: what is on the wire of those that go is not lost, figures of another feature
stay true, the added ones go by what was promoted before, and the number outlives a restart."""
import sys

sys.dont_write_bytecode = True
from englib import World, main, same, test, true, until                         # noqa: E402
from link_flags import Peer, change, events, every_event, feature, link         # noqa: E402

OWN, MORE = 4, 12


def world(link):
    w = World(files=3, orphan=1, unused=1, records=False, start=False)
    w.configure(links=[link])
    return w.start()


def up_are(w, peer, n):
    until(lambda: link(w)['pool']['up'] == n and peer.tell('look')['open'] == n, 30, lambda: f"{link(w)['pool']} {peer.tell('look')}")


def since(w):
    return w.sql('SELECT max(seq) FROM audit')[0][0]


def settled_mode(w, name):
    """An operator's word is written after what the engine itself decided."""
    return until(lambda: feature(w, name)['mode'] == 'canary', 20)


@test
def what_waits_on_connections_that_go_leaves_on_the_others():
    with Peer() as peer, world(peer.link(connections=MORE)) as w:
        settled_mode(w, 'pool')
        same(change(w, 'pool', 'promote'), 'on')
        up_are(w, peer, MORE)
        at = since(w)
        peer.tell('mute', 'yes')
        events(w, 60)
        until(lambda: peer.tell('look')['by'] > OWN, 20, 'the added connections carry nothing')
        same(change(w, 'pool', 'off'), 'off')
        up_are(w, peer, OWN)
        peer.tell('mute', 'no')
        same(every_event(w, peer, at), 60)


@test
def the_number_outlives_a_restart():
    with Peer() as peer, world(peer.link(connections=MORE)) as w:
        settled_mode(w, 'pool')
        same(change(w, 'pool', 'promote'), 'on')
        up_are(w, peer, MORE)
        w.stop()
        w.start()
        up_are(w, peer, MORE)
        same((feature(w, 'pool')['mode'], feature(w, 'pool')['by']), ('on', 'alice'))


@test
def added_connections_go_by_the_keepalive_that_was_promoted():
    with Peer() as peer, world(peer.link(connections=8, ping_interval='1s')) as w:
        same(change(w, 'keepalive', 'promote'), 'on')
        until(lambda: feature(w, 'pool')['mode'] == 'canary', 20)
        until(lambda: feature(w, 'pool')['canary']['rtts'] >= 4, 30, lambda: str(feature(w, 'pool')))


@test
def figures_of_another_feature_stay_true_when_connections_go():
    with Peer() as peer, world(peer.link(connections=MORE, ping_interval='30s')) as w:
        same(change(w, 'keepalive', 'off'), 'off')
        until(lambda: feature(w, 'pool')['mode'] == 'canary', 20)
        same(change(w, 'pool', 'promote'), 'on')
        up_are(w, peer, MORE)
        peer.tell('go', 10)
        until(lambda: link(w)['messages_in'] >= 10 * MORE, 30, lambda: str(link(w)['messages_in']))
        same(change(w, 'keepalive', 'canary'), 'canary')
        same(change(w, 'pool', 'off'), 'off')
        up_are(w, peer, OWN)
        for group in ('canary', 'stable'):
            f = feature(w, 'keepalive')[group]
            true(min(f[k] for k in ('messages', 'errors', 'duplicates', 'drops', 'reconnects')) >= 0, f'{group} {f}')


if __name__ == '__main__':
    sys.exit(main(globals()))
