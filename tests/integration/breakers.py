#!/usr/bin/python3
"""Breakers by hand: of a lane and of a link, until they expire or are taken back; each in the log, in the figures, and over a restart."""
import sys

sys.dont_write_bytecode = True
from englib import World, contains, main, refused, same, test, true, until      # noqa: E402
from link_triggers import midway, world                                         # noqa: E402
from stormlib import Storm                                                      # noqa: E402


def breaker(w, what='lanes'):
    return w.call(what)[what][0]['breaker']


def asked(w):
    return [(s, p['asked'], p['of'], p['reason']) for _, s, p in w.audit('breaker') if 'asked' in p]


@test
def kept_open_in_mid_cleaning_holds_the_items_and_goes_on_when_left_to_itself():
    with World(files=200, orphan=50, unused=50, more=',latency_ms=200', lane={'in_flight': 4}) as w:
        midway(w)
        same(w.call('breaker.open', lane='alpha', reason='the store is ill'), {'state': 'forced-open'})
        until(lambda: w.lane()['in_flight'] == 0)
        until(lambda: w.lane()['held'] > 0)
        same((breaker(w)['state'], breaker(w)['by'], breaker(w)['reason']), ('forced-open', 'alice', 'the store is ill'))
        before = w.deletes()[0]
        refused(lambda: w.call('breaker.open', lane='alpha', reason=''), 'reason')
        same(w.call('breaker.auto', lane='alpha', reason='it is well'), {'state': 'half-open'})
        s = w.finish()
        same((s['end'], w.lane(s=s)['deleted']), ('COMPLETED', 100))
        true(len(before) < 100, len(before))
        w.compare()
        same(asked(w), [('alpha', 'forced-open', 'lane', 'the store is ill'), ('alpha', 'auto', 'lane', 'it is well')])


@test
def it_expires_by_itself_and_says_so():
    with World(files=60, orphan=20, unused=20) as w:
        w.granted()
        w.call('breaker.open', lane='alpha', for_ms=1500, reason='a moment')
        w.call('cycle.step')
        true(breaker(w)['until_us'], breaker(w))
        until(lambda: breaker(w)['state'] != 'forced-open', 20)
        same(w.finish()['end'], 'COMPLETED')
        until(lambda: len(asked(w)) == 2)
        same([a[1:] for a in asked(w)], [('forced-open', 'lane', 'a moment'), ('auto', 'lane', 'its time is over')])


@test
def it_outlives_a_restart():
    with World(files=60, orphan=20, unused=20) as w:
        w.call('breaker.open', lane='alpha', reason='until monday')
        w.call('breaker.disable', lane='alpha', for_ms=60000, reason='never mind')
        w.call('breaker.open', lane='alpha', reason='until monday')
        w.durable()
        w.kill()
        w.start()
        same((breaker(w)['state'], breaker(w)['reason']), ('forced-open', 'until monday'))
        w.granted()
        w.call('cycle.step')
        until(lambda: w.lane()['held'] > 0)
        same(w.deletes()[0], {})
        w.call('breaker.auto', lane='alpha', reason='monday')
        same(w.finish()['end'], 'COMPLETED')


@test
def off_is_only_for_a_time_and_nothing_is_set_without_need():
    with World() as w:
        refused(lambda: w.call('breaker.disable', lane='alpha', for_ms=0, reason='x'), 'at most 24h')
        refused(lambda: w.call('breaker.disable', lane='alpha', for_ms=86400001, reason='x'), 'at most 24h')
        refused(lambda: w.call('breaker.auto', lane='alpha', reason='x'), 'not set by hand')
        refused(lambda: w.call('breaker.open', lane='beta', reason='x'), 'name a configured lane')
        refused(lambda: w.call('breaker.open', reason='x'), 'name a configured lane')
        same(w.call('breaker.disable', lane='alpha', for_ms=86400000, reason='x'), {'state': 'disabled'})
        same(breaker(w)['state'], 'disabled')
        same(w.call('breaker.auto', lane='alpha', reason='y'), {'state': 'closed'})
        same(breaker(w).get('by'), None)


@test
def of_a_link_it_stops_attempts_and_keeps_what_is_up():
    with Storm() as storm, world([storm.link('app', 3)]) as w:
        until(lambda: w.call('links')['links'][0]['pool']['up'] == 3)
        same(w.call('breaker.open', link='app', reason='maintenance'), {'state': 'forced-open'})
        same(w.call('links')['links'][0]['pool']['up'], 3)
        attempts = w.call('links')['links'][0]['attempts']
        storm.tell('cut')
        until(lambda: w.call('links')['links'][0]['pool']['up'] == 0)
        k = w.call('links')['links'][0]
        same((k['breaker']['state'], k['attempts']), ('forced-open', attempts))
        same(w.call('breaker.auto', link='app', reason='done'), {'state': 'half-open'})
        until(lambda: w.call('links')['links'][0]['pool']['up'] == 3, 30)
        contains(str(asked(w)), 'maintenance')


if __name__ == '__main__':
    sys.exit(main(globals()))
