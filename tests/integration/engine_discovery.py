#!/usr/bin/python3
"""Discovery that is not complete or not believable, and records that cannot answer: no plan, and a sentence."""
import os
import sqlite3
import sys

sys.dont_write_bytecode = True
from englib import World, contains, main, refused, same, test, true, until

PAGED = {'page_items': 20}


def no_plan(w, *words):
    """The cycle stands before VALIDATING and says why; no command passes the gate; cancelling ends it."""
    s = w.settled()
    same((s['stage'], s['plan']), ('DISCOVERING', None))
    contains(s['waiting_for'], *words)
    for method in ('cycle.step', 'cycle.resume'):
        refused(lambda m=method: w.call(m), *words)
    refused(lambda: w.call('mode.set', mode='armed'))
    same(w.sql('SELECT count(*) FROM plans'), [(0,)])
    same(w.deletes(), ({}, {}))


def lane_of(w):
    return w.call('lanes')['lanes'][0]


def faulty(fault, *words, count=None, **kw):
    with World(faults=[f'store=alpha op=list {fault}'], lane=PAGED, **kw) as w:
        w.discovered()
        no_plan(w, 'lane alpha is not completely listed', *words)
        l = lane_of(w)
        same((l['complete'], l['listed']), (False, None))
        contains(l['trouble'], *words)
        record = w.audit('discovery')
        same([p['complete'] for _, _, p in record], [False])
        contains(record[0][2]['trouble'], *words)
        same(w.sql('SELECT listed_items FROM lanes'), [])
        w.call('cycle.cancel')
        same(w.settled()['end'], 'CANCELLED')
        if count:
            same(len(w.sim.lines(kind='request', op='list')), count)


@test
def a_repeated_cursor_makes_no_plan():
    faulty('from=2 fault=repeated-cursor', 'page 3', 'repeats')


@test
def an_empty_page_that_claims_more_makes_no_plan():
    faulty('from=2 fault=empty-more', 'page 2', 'an empty page says that there is more')


@test
def a_page_that_fails_in_any_way_is_asked_five_times_and_then_makes_no_plan():
    with World(faults=['store=alpha op=list from=2..4 fault=list-500', 'store=alpha op=list from=5 fault=short-page'], lane=PAGED) as w:
        w.discovered()
        no_plan(w, 'lane alpha is not completely listed', 'page 2')
        same(len(w.sim.lines(kind='request', op='list')), 6)


@test
def one_failed_page_is_asked_again_and_the_list_is_complete():
    with World(faults=['store=alpha op=list nth=2 fault=list-500', 'store=alpha op=list nth=3 fault=short-page',
                       'store=alpha op=list nth=5 fault=429-ms arg=20'], lane=PAGED) as w:
        same(w.discovered()['waiting_for'], 'ready to validate: step')
        same([(p['items'], p['pages']) for _, _, p in w.audit('discovery')], [(60, 3)])


@test
def a_refused_key_makes_no_plan_and_is_not_tried_twice():
    faulty('nth=1 fault=list-401', '401', count=1)


@test
def a_page_that_is_not_json_makes_no_plan():
    faulty('nth=1 fault=broken-json', 'page 1')


@test
def an_item_listed_twice_makes_no_plan():
    faulty('nth=1 fault=duplicate-id', 'twice')


@test
def a_store_that_asks_to_wait_for_an_hour_makes_no_plan_now():
    faulty('from=1 fault=429 arg=3600', 'wait')


def second_list(w, delete):
    """One good list of 60, then another cleaner, then a new cycle."""
    w.discovered()
    w.call('cycle.cancel')
    c = w.sim.conn()
    for i in w.sim.ids(delete):
        same(c.ask('DELETE', '/v1/files/' + i).status, 200)
    w.discovered()


@test
def a_list_below_half_of_what_was_expected_makes_no_plan_and_half_does():
    for delete, complete in ((31, False), (30, True)):
        with World() as w:
            second_list(w, delete)
            same(lane_of(w)['expected'], 60)
            if complete:
                same(w.settled()['waiting_for'], 'ready to validate: step')
            else:
                s = w.settled()
                contains(s['waiting_for'], 'only 29 items are listed, 60 were expected')
                refused(lambda: w.call('cycle.step'), 'only 29')
                same(w.sql('SELECT listed_items FROM lanes'), [(60,)])


@test
def an_empty_list_makes_no_plan_where_items_were_expected():
    with World(files=10, orphan=5, unused=0) as w:
        second_list(w, 10)
        contains(w.settled()['waiting_for'], 'the list is empty, 10 items were expected')


@test
def deletions_of_ours_are_expected_to_be_missing():
    with World(files=60, orphan=20, unused=20) as w:
        w.granted()
        same(w.finish()['end'], 'COMPLETED')
        w.discovered()
        same((lane_of(w)['expected'], lane_of(w)['listed']), (20, 20))


@test
def an_empty_lane_completes_with_an_empty_plan():
    with World(files=0, orphan=0, unused=0, records=False) as w:
        w.discovered()
        w.call('cycle.step')
        s = w.settled()
        same((s['stage'], s['end']), ('ENDED', 'COMPLETED'))


@test
def a_sentinel_that_is_missing_makes_no_plan():
    with World(start=False) as w:
        w.conf['lanes'][0]['sentinels'] = [w.sim.ids(1)[0], 'file-sentinel']
        w.configure()
        w.start()
        w.discovered()
        no_plan(w, 'sentinel file-sentinel is not in the list')
    with World(start=False) as w:
        w.conf['lanes'][0]['sentinels'] = w.sim.ids(2)
        w.configure()
        w.start()
        same(w.discovered()['waiting_for'], 'ready to validate: step')


def shift(w, name='shift'):
    """A library that moves the engine's wall clock by the seconds in a file."""
    lib, at = os.path.join(w.dir, 'shift.so'), os.path.join(w.dir, name)
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../promises/clockshift.c')
    cc = os.environ.get('SLUICE_CC', 'cc').split()
    if os.spawnvp(os.P_WAIT, cc[0], [cc[0], '-shared', '-fPIC', '-O1', '-o', lib, source]):
        raise AssertionError('clockshift.c does not compile')
    set_shift(at, 0)
    # a sanitizer wants to be the first library; this one may come before it
    asan = os.environ.get('ASAN_OPTIONS', '') + ':verify_asan_link_order=0'
    return at, {'LD_PRELOAD': lib, 'CLOCKSHIFT_FILE': at, 'ASAN_OPTIONS': asan}


def set_shift(at, seconds):
    with open(at + '.new', 'w') as f:
        f.write(f'{seconds}\n')
    os.replace(at + '.new', at)


@test
def a_clock_that_differs_from_the_servers_makes_no_plan():
    if os.environ.get('SLUICE_WRAP') or 'fsanitize' in os.environ.get('SLUICE_CC', ''):
        return
    for seconds, fine in ((3600, False), (-3600, False), (200, True)):
        with World(start=False) as w:
            at, env = shift(w)
            set_shift(at, seconds)
            w.start(**env)
            w.discovered()
            if fine:
                same(w.settled()['waiting_for'], 'ready to validate: step')
            else:
                no_plan(w, 'clock', 'differ by')


# ---- a lane that is left out ----

@test
def an_incomplete_lane_can_be_excluded_with_a_reason_and_never_called_complete():
    with World(beta='files=20,orphan=10', faults=['store=beta op=list fault=list-401']) as w:
        s = w.discovered()
        contains(s['waiting_for'], 'lane beta is not completely listed')
        refused(lambda: w.call('cycle.step'), 'beta')
        refused(lambda: w.call('lane.exclude', lane='beta', reason=''), 'reason')
        refused(lambda: w.call('lane.exclude', lane='gamma', reason='x'), 'not in the open cycle')
        w.call('lane.exclude', lane='beta', reason='its server is broken')
        w.call('cycle.step')
        w.settled()
        w.arm()
        plan = w.call('plan.show')
        refused(lambda: w.call('grant.approve', plan=plan['id'], lane='beta', items=1, bytes=1, phrase='DELETE 1 beta ' + plan['id'][:4],
                               irreversible_phrase='IRREVERSIBLE 1', reason='x'), 'beta')
        w.grant('alpha')
        s = w.finish()
        same(s['end'], 'COMPLETED')
        w.compare('alpha')
        same(w.deletes('beta'), ({}, {}))
        beta = w.call('lanes')['lanes'][1]
        same((beta['excluded']['by'], beta['excluded']['reason'], beta['complete']), ('alice', 'its server is broken', False))


@test
def a_lane_that_never_answers_can_be_excluded_while_it_is_listed():
    with World(beta='files=20,orphan=10', faults=['store=beta op=list fault=timeout-before'], lane={'list_timeout': '3s'}) as w:
        w.call('cycle.start', policy='clean')
        until(lambda: lane_of(w)['complete'])
        w.call('lane.exclude', lane='beta', reason='silent')
        same(w.settled()['waiting_for'], 'ready to validate: step')
        w.call('cycle.step')
        true(w.settled()['plan'])
        w.call('cycle.cancel')


# ---- records ----

def broken_records(change, *words):
    with World(start=False) as w:
        change(w)
        w.start()
        w.discovered()
        no_plan(w, 'records', *words)


def on_app(w, *statements):
    db = sqlite3.connect(w.app)
    for s in statements:
        db.execute(s)
    db.commit()
    db.close()


@test
def records_that_are_not_there_make_no_plan():
    broken_records(lambda w: os.rename(w.app, w.app + '.away'), 'app')
    broken_records(lambda w: on_app(w, 'ALTER TABLE provider_file_uploads RENAME TO away'), 'provider_file_uploads')


@test
def records_that_are_damaged_make_no_plan():
    def damage(w):
        with open(w.app, 'r+b') as f:
            f.seek(4096)
            f.write(os.urandom(40960))
    broken_records(damage)


@test
def empty_records_make_no_plan_unless_that_is_declared():
    broken_records(lambda w: on_app(w, 'DELETE FROM provider_file_uploads'), 'no row', 'may_be_empty')
    with World(start=False) as w:
        on_app(w, 'DELETE FROM provider_file_uploads')
        w.conf['records'][0]['may_be_empty'] = 'yes'
        w.configure()
        w.start()
        w.planned()
        contains(w.call('plan.show')['records'][0]['places'], 'may be empty')


@test
def a_reference_table_that_fails_its_self_test_makes_no_plan():
    broken_records(lambda w: on_app(w, "DELETE FROM conversation_files WHERE file_id = 'obj-known'"), 'conversation_files')


@test
def a_locked_records_database_makes_no_plan_and_resuming_asks_it_again():
    with World(start=False) as w:
        w.conf['records'][0]['busy_timeout'] = '50ms'
        w.configure()
        lock = sqlite3.connect(w.app, isolation_level=None)
        lock.execute('PRAGMA locking_mode = EXCLUSIVE')
        lock.execute('BEGIN EXCLUSIVE')
        w.start()
        w.discovered()
        no_plan(w, 'records')
        lock.rollback()
        lock.close()
        w.call('cycle.cancel')
        same(w.discovered()['waiting_for'], 'ready to validate: step')


@test
def a_cancelled_discovery_ends_soon_and_another_cycle_can_start():
    with World(files=400, more=',latency_ms=50', lane={'page_items': 1}) as w:
        w.call('cycle.start', policy='clean')
        w.call('cycle.cancel')
        same(w.status()['end'], 'CANCELLED')
        until(lambda: started(w), 5, 'no new cycle can be started')
        w.call('cycle.cancel')


def started(w):
    from englib import Refused
    try:
        return w.call('cycle.start', policy='clean')
    except Refused as e:
        contains(str(e), 'still being closed')
        return None


if __name__ == '__main__':
    sys.exit(main(globals()))
