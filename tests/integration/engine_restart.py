#!/usr/bin/python3
"""Killed with SIGKILL wherever it hurts and started again: the chain verifies, doubt is probed, deletes wait
for an operator, and the cycle can be finished."""
import os
import signal
import sqlite3
import sys
import time

sys.dont_write_bytecode = True
from englib import World, contains, main, refused, same, test, true, until

SLOW_STORE = ',latency_ms=25'
PACED = {'in_flight': 4}


def dies(w, act, limit=20):
    """act, and then the engine is gone by its own kill point."""
    try:
        act()
    except Exception:       # the answer does not come any more
        pass
    try:
        w.ended(-signal.SIGKILL, limit)
    except AssertionError:
        raise AssertionError(f'the kill point was not reached: {w.proc and w.status()}') from None


def again(w, **env):
    w.start(**env)
    w.verify()
    return w.status()


def finish_and_compare(w, end='COMPLETED', gone=40):
    s = w.finish()
    same(s['end'], end, s['equation'])
    l = w.lane(s=s)
    same(l['deleted'] + l['gone'], gone)
    asked, really = w.compare(exact=False)
    same(len(really), gone)
    same(w.rows('SELECT count(*) FROM provider_file_uploads WHERE sluice_claim IS NOT NULL AND deleted_at IS NULL'), [(0,)])
    w.verify()
    return asked


@test
def killed_while_it_discovers_it_starts_over():
    with World(files=100, orphan=20, unused=20, more=SLOW_STORE, lane={'page_items': 5}) as w:
        w.call('cycle.start', policy='clean')
        until(lambda: len(w.sim.lines(kind='request', op='list')) > 3)
        w.kill()
        s = again(w)
        same((s['id'], s['stage']), (1, 'DISCOVERING'))
        same(w.settled()['waiting_for'], 'ready to validate: step')
        same([p['stage'] for _, _, p in w.audit('recovery')], ['DISCOVERING'])
        w.call('cycle.step')
        w.settled()
        w.arm()
        w.grant()
        finish_and_compare(w)


@test
def killed_with_a_granted_plan_it_starts_over_and_the_grant_is_void():
    with World() as w:
        w.granted()
        plan = w.call('plan.show')['id']
        w.kill()
        same(again(w)['stage'], 'DISCOVERING')
        w.settled()
        refused(lambda: w.call('plan.show'), 'no plan')
        w.call('cycle.step')
        w.settled()
        true(w.call('plan.show')['id'] != plan)
        refused(lambda: w.call('cycle.step'), 'grant needed')
        w.grant()
        finish_and_compare(w)


def killed_at(point, stages=('CLEANING',), step=1):
    """Killed at a point of the canary (step 1) or after it (2), and finished."""
    with World(start=False) as w:
        w.start(SLUICE_KILL_AT=point)
        w.granted()
        if step == 1:
            dies(w, w.canary)
        else:
            w.canary()
            dies(w, lambda: (w.call('cycle.resume'), w.settled(), w.finish()))
        left = [i for i, (state, _) in w.items().items() if state == 'sent']
        asked = w.deletes()[0]
        s = again(w)
        true(s['stage'] in stages, s['stage'])
        if s['stage'] == 'CLEANING':
            same(s['state'], 'held', point)
            contains(s['waiting_for'], 'restarted')
            until(lambda: not {'sent', 'probing', 'settling'} & set(w.states()), 10, w.states)
            found, now = {i: p['found'] for _, i, p in w.audit('probe')}, w.items()
            for i in left:              # proved one way or the other
                same((found[i], now[i][0]), ('absent', 'gone') if i in w.deletes()[1] else ('present', 'ready'))
            same(w.deletes()[0], asked, 'sent without an operator')
        finish_and_compare(w)


@test
def killed_around_a_send_what_has_no_outcome_is_probed_and_held():
    for point in ('send.before', 'send.before:3', 'send.after', 'send.after:2', 'audit.intent.before', 'audit.intent.after',
                  'audit.outcome.before', 'audit.outcome.after'):
        killed_at(point)


@test
def killed_around_claims_and_the_first_batch_it_goes_on():
    for point in ('records.claim.before', 'records.claim.after', 'audit.claim.intent.after', 'audit.claim.outcome.before'):
        killed_at(point)
    for point in ('send.after:20', 'audit.outcome.before:3', 'records.claim.after:2'):
        killed_at(point, step=2)


@test
def killed_while_rows_are_written_it_goes_on_by_itself():
    for point in ('row.before', 'records.commit.before', 'records.commit.after', 'audit.row.outcome.before', 'audit.row.intent.after'):
        killed_at(point, ('COMMITTING', 'AUDITING'), step=2)
    with World(files=2400, orphan=0, unused=2000, start=False) as w:
        w.start(SLUICE_KILL_AT='records.commit.after:5')
        w.granted()
        w.canary()
        w.call('cycle.resume')
        w.settled()
        dies(w, lambda: (w.call('cycle.step'), w.settled()))
        rows = 'SELECT count(*) FROM provider_file_uploads WHERE deleted_at IS NOT NULL'
        done = w.rows(rows)[0][0]
        true(0 < done < 2000, done)
        w.start()
        same(w.settled()['stage'], 'COMMITTING')
        same(w.rows(rows), [(2000,)])                   # without a command
        same(finish_and_compare(w, gone=2000) and w.status()['rows']['committed'], 2000)


@test
def killed_while_it_audits_and_aborts_it_ends_all_the_same():
    killed_at('audit.cycle.close.before', ('AUDITING',), step=2)
    with World(more=SLOW_STORE, lane=PACED, start=False) as w:
        w.start(SLUICE_KILL_AT='records.release.before')
        w.granted()
        w.canary()
        w.call('cycle.resume')
        until(lambda: len(w.deletes()[0]) > 7)
        dies(w, lambda: (w.call('cycle.abort', how='keep', reason='stop'), w.settled()))
        again(w)
        s = w.finish()
        same(s['end'], 'ABORTED_KEPT')
        w.compare(exact=False)
        same(w.rows('SELECT count(*) FROM provider_file_uploads WHERE sluice_claim IS NOT NULL AND deleted_at IS NULL'), [(0,)])


@test
def a_hold_file_that_waits_for_the_restart_holds_the_rows_too():
    with World(start=False) as w:
        w.start(SLUICE_KILL_AT='row.before')
        w.granted()
        w.canary()
        w.call('cycle.resume')
        w.settled()
        dies(w, lambda: (w.call('cycle.step'), w.settled()))
        open(os.path.join(w.state, 'HOLD'), 'w').close()
        w.start()
        s = w.settled()
        same((s['stage'], s['state'], s['rows']['committed']), ('COMMITTING', 'held', 0))
        refused(lambda: w.call('cycle.resume'), 'HOLD')
        os.remove(os.path.join(w.state, 'HOLD'))
        same(w.finish()['rows']['committed'], 20)


@test
def a_delete_that_was_on_its_way_is_given_its_time_before_it_may_be_tried_again():
    with World(lane={'settle': '2s', 'timeout': '20s'}, start=False) as w:
        w.start()
        w.granted()
        w.canary()
        bad = w.sql('SELECT id FROM items WHERE rank = 20')[0][0]
        w.sim.fault(f'store=alpha op=delete id={bad} fault=timeout-before')
        w.call('cycle.resume')
        until(lambda: bad in w.deletes()[0])
        until(lambda: w.lane()['in_flight'] == 1)
        w.kill()
        w.start()
        until(lambda: bad in [i for _, i, _ in w.audit('probe')])
        w.sim.no_faults()
        until(lambda: w.items()[bad][0] not in ('probing', 'settling'))
        sent, proved = (w.sql('SELECT max(wall_us) FROM audit WHERE kind = ? AND subject = ?', k, bad)[0][0] for k in ('intent', 'outcome'))
        same(w.items()[bad][0], 'ready')
        same([p['outcome'] for _, i, p in w.audit('outcome') if i == bad], ['not done'])
        true(proved - sent >= 2000000, f'{proved - sent} µs after it was sent')
        same(finish_and_compare(w)[bad], 2)


@test
def a_row_used_again_since_the_plan_is_not_deleted_after_a_restart_either():
    with World() as w:
        w.granted()
        w.canary()
        rows = [i for i, in w.sql("SELECT id FROM items WHERE row <> '' ORDER BY rank DESC LIMIT 2")]
        for file, column in zip(rows, ('last_used', 'updated_at')):
            db = sqlite3.connect(w.app)
            db.execute(f"UPDATE provider_file_uploads SET {column} = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE provider_file_id = ?", (file,))
            db.commit()
            db.close()
        w.kill()
        again(w)
        asked = finish_and_compare(w, gone=38)
        same([w.items()[i][0] for i in rows], ['drifted', 'drifted'])
        same(set(rows) & set(asked), set())


@test
def the_plan_its_grant_and_its_control_items_are_the_same_after_a_restart():
    with World(start=False) as w:
        w.start(SLUICE_KILL_AT='send.before:2')
        w.granted(items=30)
        before, grant = w.call('plan.show'), w.call('grant.list')['grants'][0]
        dies(w, w.canary)
        again(w)
        after, same_grant = w.call('plan.show'), w.call('grant.list')['grants'][0]
        for p in (before, after):
            for k in ('valid', 'invalid_because', 'records'):
                p.pop(k)
        same({k: v for k, v in after.items() if v != before[k]}, {})
        for g in (grant, same_grant):
            g.pop('state')
        same(same_grant, grant)
        s = w.finish()
        same((w.lane(s=s)['granted'], w.lane(s=s)['not_started']), (30, 10))
        same([p['control_present'] for _, _, p in w.audit('gate') if 'canary' in p], [3])


@test
def spent_units_are_counted_once_over_many_restarts():
    with World(start=False) as w:
        for n, point in enumerate(('send.after:2', 'send.after:3', 'send.after:5')):
            w.start(SLUICE_KILL_AT=point)
            if not n:
                w.granted()
                dies(w, w.canary)
            else:
                dies(w, lambda: (w.call('cycle.resume'), w.settled(), w.finish()))
        w.start()
        finish_and_compare(w)
        same(w.sql('SELECT sum(items) FROM lane_spent'), [(40,)])


@test
def a_second_engine_on_the_same_state_is_refused_and_names_the_first():
    with World() as w:
        pid = w.proc.pid
        second = w.launch()
        same(second.wait(20), 8)
        contains(w.said(), str(pid))
        w.call('status')
        w.kill()
        w.start()                       # a lock does not outlive its process


@test
def another_target_or_account_is_refused_until_the_old_one_is_back():
    with World(start=False) as w:
        w.start(SLUICE_KILL_AT='send.after:2')
        w.granted()
        dies(w, w.canary)
        w.conf['lanes'][0]['account'] = 'somebody-else'
        w.configure()
        other = w.launch()
        same(other.wait(20), 10)
        contains(w.said(), 'alpha', 'another target or account')
        w.conf['lanes'][0].pop('account')
        w.configure()
        again(w)
        w.arm()                         # the configuration had changed
        finish_and_compare(w)


@test
def a_cycle_that_did_nothing_does_not_keep_a_changed_configuration_from_starting():
    with World() as w:
        w.discovered()
        w.kill()
        w.conf['policies'][0]['name'] = 'other'
        w.configure()
        w.start()
        contains(w.call('status')['engine']['notice'], 'was ended')
        until(lambda: w.sql('SELECT state, closed_us IS NULL FROM cycles') == [('LAPSED', 0)])
        w.call('cycle.start', policy='other')
        same(w.settled()['waiting_for'], 'ready to validate: step')
        w.call('cycle.cancel')


@test
def a_broken_chain_is_shown_with_its_first_record_and_nothing_is_armed():
    with World(start=False) as w:
        w.start(SLUICE_KILL_AT='send.after:2')
        w.granted()
        dies(w, w.canary)
        db = sqlite3.connect(os.path.join(w.state, 'sluice.db'))
        seq = db.execute("SELECT min(seq) FROM audit WHERE kind = 'grant.approved'").fetchone()[0]
        trigger = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'audit_no_update'").fetchone()[0]
        db.execute('DROP TRIGGER audit_no_update')
        db.execute("UPDATE audit SET payload = replace(payload, '40', '41') WHERE seq = ?", (seq,))
        db.execute(trigger)
        db.commit()
        db.close()
        w.start()
        e = w.call('status')['engine']
        same(e['mode'], 'observe')
        contains(e['notice'], f'record {seq}', 'only observing')
        v = w.call('audit.verify')
        same((v['ok'], v['first_bad']), (False, seq))
        refused(lambda: w.call('mode.set', mode='armed'), f'record {seq}')
        refused(lambda: w.call('cycle.resume'), 'not armed')
        asked = w.deletes()[0]
        time.sleep(0.1)
        same(w.deletes()[0], asked)


if __name__ == '__main__':
    sys.exit(main(globals()))
