#!/usr/bin/python3
"""A lane that depends on a link holds while the link is gone; triggers start one cycle, or hold one, and leave a record."""
import sys
import time

sys.dont_write_bytecode = True
from englib import World, contains, main, refused, same, test, true, until      # noqa: E402
from link_events import Peer                                                    # noqa: E402
from stormlib import Storm                                                      # noqa: E402

PACED = {'in_flight': 4, 'depends_on': ['app']}
INTERVAL = 1                    # the engine looks once a second


def world(links, triggers=None, **more):
    w = World(start=False, **more)
    w.configure(links=links, **({'triggers': triggers} if triggers else {}))
    return w.start()


def state(w):
    return w.call('links')['links'][0]['state']


def fired(w):
    return [(s, p['did'], p.get('refusal')) for _, s, p in w.audit('trigger')]


def midway(w):
    w.granted()
    w.canary()
    w.call('cycle.resume')
    until(lambda: len(w.deletes()[0]) > 14)


@test
def a_link_that_goes_while_cleaning_holds_its_lane():
    storm = Storm()
    with storm, world([storm.link('app', 1)], files=200, orphan=50, unused=50, more=',latency_ms=200', lane=PACED) as w:
        until(lambda: state(w) == 'up')
        midway(w)
        storm.end()
        gone = time.monotonic()
        until(lambda: w.status()['state'] == 'held', 5 * INTERVAL, 'not held')
        print(f'# held {time.monotonic() - gone:.2f} s after the link went')
        until(lambda: w.lane()['in_flight'] == 0)
        s = w.settled()
        contains(s['waiting_for'], 'link app', 'lane alpha depends on')
        asked = w.deletes()[0]
        true(len(asked) < 90, len(asked))
        for verb in ('cycle.resume', 'cycle.step'):
            refused(lambda: w.call(verb), 'link app', 'resume when it is up again', rc='held')      # noqa: B023
        with Storm(storm.port):
            until(lambda: state(w) == 'up', 20)
            time.sleep(2.2 * INTERVAL)          # two of its looks: nothing resumes by itself
            same((w.status()['state'], w.deletes()[0]), ('held', asked))
            s = w.finish()
            same((s['end'], w.lane(s=s)['deleted']), ('COMPLETED', 100))
            w.compare()
        same([p['why'].split(',')[0] for _, _, p in w.audit('hold')], ['link app'])


@test
def cleaning_does_not_begin_while_the_link_is_gone():
    storm = Storm()
    with storm, world([storm.link('app', 1)], lane=PACED) as w:
        until(lambda: state(w) == 'up')
        w.granted()
        storm.end()
        until(lambda: state(w) != 'up')
        time.sleep(1.1 * INTERVAL)
        refused(lambda: w.call('cycle.step'), 'link app', rc='held')
        same(w.deletes()[0], {})
        with Storm(storm.port):
            until(lambda: state(w) == 'up', 20)
            w.canary()
            w.finish()


@test
def a_lane_that_depends_on_nothing_goes_on():
    storm = Storm()
    with storm, world([storm.link('app', 1)], lane={'in_flight': 4}) as w:
        until(lambda: state(w) == 'up')
        w.granted()
        storm.end()
        until(lambda: state(w) != 'up')
        w.canary()
        same(w.finish()['end'], 'COMPLETED')
        same(w.audit('hold'), [])


@test
def a_storm_of_triggers_starts_one_cycle():
    back = {'when': 'link_recovered', 'link': 'app', 'do': 'start', 'policy': 'clean', 'cooldown': '10m'}
    triggers = [{'name': 'back', **back}, {'name': 'twin', **back}]
    with Storm() as storm, world([storm.link('app', 1, reconnect_base='10ms', reconnect_max='20ms')], triggers) as w:
        for n in range(30):
            until(lambda: storm.tell('look')['up'] == 1, 20)
            storm.tell('cut')
        until(lambda: len(fired(w)) == 2)
        s = w.settled()
        same(w.sql('SELECT count(*) FROM cycles'), [(1,)])
        same(sorted(f[:2] for f in fired(w)), [('back', 'started a cycle'), ('twin', 'nothing')])
        contains(next(f[2] for f in fired(w) if f[0] == 'twin'), 'is open')
        same(s['stage'], 'DISCOVERING', 'it went past a gate')
        w.call('cycle.cancel')


@test
def a_link_that_is_down_for_so_long_holds_and_says_why():
    storm = Storm()
    triggers = [{'name': 'gone', 'when': 'link_down', 'link': 'app', 'for': '1s', 'do': 'hold', 'cooldown': '0s'}]
    with storm, world([storm.link('app', 1)], triggers, files=200, orphan=50, unused=50, more=',latency_ms=200', lane={'in_flight': 4}) as w:
        until(lambda: state(w) == 'up')
        midway(w)
        storm.end()
        until(lambda: w.status()['state'] == 'held', 10)
        contains(w.settled()['waiting_for'], 'trigger gone', 'link app')
        same([f[:2] for f in fired(w)], [('gone', 'held the cycle')])
        w.finish()


@test
def a_link_that_was_not_up_yet_is_not_down():
    triggers = [{'name': 'gone', 'when': 'link_down', 'link': 'app', 'do': 'hold', 'cooldown': '0s'}]
    with Storm() as storm, world([storm.link('app', 1, spread='3s')], triggers) as w:
        until(lambda: state(w) == 'up', 20)
        same(fired(w), [])
        storm.tell('cut')
        until(lambda: fired(w))


@test
def so_many_uploads_start_a_policy_and_repeats_do_not_count():
    triggers = [{'name': 'uploads', 'when': 'messages', 'link': 'peer', 'type': 'thing', 'count': 40, 'do': 'start', 'policy': 'clean'}]
    with Peer() as peer, world([peer.link()], triggers) as w:
        until(lambda: state(w) == 'up')
        peer.tell('total', 39)
        until(lambda: w.call('links')['links'][0]['inbox']['taken'] == 39)
        peer.tell('cut')
        until(lambda: state(w) == 'up' and w.call('links')['links'][0]['reconnects'] == 1)
        same(fired(w), [])
        peer.tell('total', 40)
        until(lambda: fired(w))
        same([f[:2] for f in fired(w)], [('uploads', 'started a cycle')])
        w.settled()
        w.call('cycle.cancel')


@test
def a_lane_above_its_quota_starts_a_policy_once_it_was_listed():
    triggers = [{'name': 'full', 'when': 'quota_above', 'lane': 'alpha', 'above': '50%', 'do': 'start', 'policy': 'clean'}]
    with world([], triggers, files=60, lane={'quota_items': 100}) as w:
        w.discovered()
        w.call('cycle.cancel')
        until(lambda: fired(w))
        first = fired(w)[0]
        same(first[0], 'full')


if __name__ == '__main__':
    sys.exit(main(globals()))
