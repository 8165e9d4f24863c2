#!/usr/bin/python3
"""The audit log cannot be written: nothing is sent, nothing is lost, everybody is told; and a cycle of 20,000."""
import sys
import time

sys.dont_write_bytecode = True
from englib import World, contains, limit_files, main, refused, same, test, true, until

SLOW_STORE = ',latency_ms=25'
PACED = {'in_flight': 4}


def full_disk(w):
    """From now on nothing can be written to a file of the engine, also not where it wrote before: a log that is
    begun anew after a checkpoint has room in its own file."""
    limit_files(w.proc, 32)


def writable(w):
    return w.call('status')['engine']['store_writable']


def shut(w):
    """The disk is full, and the engine has noticed."""
    full_disk(w)
    until(lambda: not writable(w), 20, 'the log can still be written')


@test
def a_log_that_cannot_be_written_midway_stops_the_sends_and_loses_nothing():
    with World(files=400, orphan=150, unused=150, more=SLOW_STORE, lane=PACED) as w:
        w.granted()
        w.canary()
        w.call('cycle.resume')
        until(lambda: len(w.deletes()[0]) > 20)
        shut(w)
        s = w.settled()
        same(s['state'], 'held')
        contains(s['waiting_for'], 'audit log cannot be written', 'nothing is sent')
        contains(w.call('status')['engine']['notice'], 'audit log cannot be written')
        time.sleep(0.3)                 # what was under way has come back
        asked = w.deletes()[0]
        true(20 < len(asked) < 290, len(asked))
        time.sleep(0.3)
        same(w.deletes()[0], asked, 'sent without a record')
        for method, p in (('cycle.resume', {}), ('cycle.step', {}), ('mode.set', {'mode': 'observe'}),
                          ('cycle.abort', {'how': 'keep', 'reason': 'x'})):
            refused(lambda m=method, q=p: w.call(m, **q), 'audit log', rc='audit')
        same(w.lane()['deleted'], len(w.deletes()[1]), 'what happened is known though not recorded')
        limit_files(w.proc, None)
        until(lambda: writable(w), 20)
        until(lambda: w.status()['waiting_for'].startswith('held'), 20, lambda: w.status()['waiting_for'])
        same(w.status()['state'], 'held', 'it does not resume by itself')
        s = w.finish()
        same((s['end'], w.lane(s=s)['deleted']), ('COMPLETED', 300))
        w.compare()
        w.verify()


@test
def killed_while_the_log_cannot_be_written_doubt_is_probed():
    with World(files=400, orphan=150, unused=150, more=SLOW_STORE, lane=PACED) as w:
        w.granted()
        w.canary()
        w.call('cycle.resume')
        until(lambda: len(w.deletes()[0]) > 20)
        shut(w)
        time.sleep(0.2)
        gone = set(w.deletes()[1])
        w.kill()
        w.start()
        w.verify()
        until(lambda: not {'sent', 'probing', 'settling'} & set(w.states()), 20, w.states)
        same({i for i, (state, _) in w.items().items() if state in ('deleted', 'gone')}, gone)
        s = w.finish()
        same((s['end'], w.lane(s=s)['deleted'] + w.lane(s=s)['gone']), ('COMPLETED', 300))
        w.compare(exact=False)


@test
def stopping_while_the_log_cannot_be_written_ends_and_the_next_start_goes_on():
    with World(engine={'grace': '1s'}, files=200, orphan=50, unused=50, more=SLOW_STORE, lane=PACED) as w:
        w.granted()
        w.canary()
        w.call('cycle.resume')
        until(lambda: len(w.deletes()[0]) > 14)
        shut(w)
        w.proc.terminate()
        w.proc.wait(30)
        w.ended(w.proc.returncode)
        w.start()
        w.verify()
        s = w.finish()
        same((s['end'], w.lane(s=s)['deleted'] + w.lane(s=s)['gone']), ('COMPLETED', 100))
        w.compare(exact=False)


@test
def nothing_starts_while_the_log_cannot_be_written():
    with World() as w:
        w.discovered()
        w.call('cycle.cancel')
        full_disk(w)
        try:
            w.call('mode.set', mode='rehearse')         # finds out
        except Exception as e:
            contains(str(e), 'sluice.db')
        until(lambda: not writable(w), 20)
        refused(lambda: w.call('cycle.start', policy='clean'), 'audit log', rc='audit')
        contains(w.call('status')['can']['cycle.start'], 'audit log')
        same(w.call('status')['engine']['mode'], 'observe')
        limit_files(w.proc, None)
        until(lambda: writable(w), 20)
        w.call('cycle.start', policy='clean')
        w.settled()
        w.call('cycle.cancel')


@test
def a_cycle_of_20000_items_agrees_by_id():
    with World(files=20500, orphan=10000, unused=10000, more=',hash=no,bytes=10..20') as w:
        w.granted()
        w.canary()
        s = w.finish()
        same((s['end'], w.lane(s=s)['deleted'], s['rows']['committed']), ('COMPLETED', 20000, 10000))
        asked, gone = w.compare()
        same((len(asked), len(gone), sum(asked.values())), (20000, 20000, 20000))
        same(w.verify()['ok'], True)


if __name__ == '__main__':
    sys.exit(main(globals()))
