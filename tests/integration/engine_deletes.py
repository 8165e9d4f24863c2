#!/usr/bin/python3
"""What a delete comes to: every fault of the simulator, its outcome, its requests, its row; the ledger by id."""
import sqlite3
import sys

sys.dont_write_bytecode = True
from englib import World, contains, main, refused, same, test, true, until

ABSENT, THERE = False, True
# fault, outcome, requests, is it there, outcomes in the log before the last
TABLE = [
    ('429 arg=1', 'deleted', 2, ABSENT, ['repeat']),
    ('429-date arg=1', 'deleted', 2, ABSENT, ['repeat']),
    ('429-ms arg=40', 'deleted', 2, ABSENT, ['repeat']),
    ('429-reset arg=40', 'deleted', 2, ABSENT, ['repeat']),
    ('429-bare', 'deleted', 2, ABSENT, ['repeat']),
    ('403-in-use', 'refused', 1, THERE, []),
    ('409-in-use', 'refused', 1, THERE, []),
    ('423', 'refused', 1, THERE, []),
    ('404-lie', 'gone_other', 1, THERE, []),
    ('500-before', 'failed', 1, THERE, ['unclear']),
    ('500-after', 'gone', 1, ABSENT, ['unclear']),
    ('503', 'failed', 1, THERE, ['unclear']),
    ('conn=any fault=cut-before', 'failed', 1, THERE, ['unclear']),
    ('conn=any fault=cut-before arg=rst', 'failed', 1, THERE, ['unclear']),
    ('conn=any fault=cut-after', 'gone', 1, ABSENT, ['unclear']),
    ('conn=any fault=cut-after arg=rst', 'gone', 1, ABSENT, ['unclear']),
    ('timeout-before', 'failed', 1, THERE, ['unclear']),
    ('timeout-after', 'gone', 1, ABSENT, ['unclear']),
    ('delay arg=50', 'deleted', 1, ABSENT, []),
    ('slow-drip arg=1', 'deleted', 1, ABSENT, []),
    ('short-page', 'gone', 1, ABSENT, ['unclear']),
    ('broken-json', 'gone', 1, ABSENT, ['unclear']),
    ('empty-body', 'gone', 1, ABSENT, ['unclear']),
    ('oversized-body', 'gone', 1, ABSENT, ['unclear']),
    ('deleted-false', 'failed', 1, THERE, ['unclear']),
    ('wrong-id', 'gone', 1, ABSENT, ['unclear']),
    ('nth=1 fault=500-after', 'unknown', 1, ABSENT, ['unclear']),          # and no GET is answered
]


def ranked(w, rows=None):
    """Ids of the plan by rank; rows: only those with or without a row."""
    return [i for i, row in w.sql('SELECT id, row FROM items ORDER BY lane, rank') if rows is None or bool(row) == rows]


def outcomes(w, file):
    return [p['outcome'] for k, s, p in w.audit('outcome') if s == file]


@test
def every_fault_comes_to_its_outcome_with_its_requests():
    with World(files=460, orphan=200, unused=200, lane={'timeout': '600ms'}) as w:
        w.granted()
        # away from the canary, half with a row
        chosen = dict(zip([i for pair in zip(ranked(w, False)[40:], ranked(w, True)[40:]) for i in pair][:len(TABLE)], TABLE))
        for file, (fault, *_) in chosen.items():
            w.sim.fault(f'store=alpha op=delete id={file} times=1 {fault if "fault=" in fault else "fault=" + fault}')
            if chosen[file][1] == 'unknown':
                w.sim.fault(f'store=alpha op=get id={file} fault=500-before')
        w.canary()
        s = w.finish()
        same(s['end'], 'COMPLETED_WITH_FAILURES')
        asked, gone = w.compare()
        items, there = w.items(), {f['id'] for f in w.sim.listed()}
        for file, (fault, state, requests, present, before) in chosen.items():
            same((items[file][0], asked.get(file), file in there, outcomes(w, file)), (state, requests, present, before + [state]), fault)
        same(len(there), 460 - len(gone))
        rows = dict(w.rows('SELECT provider_file_id, upload_status FROM provider_file_uploads'))
        for file, status in rows.items():
            same(status, 'deleted' if items.get(file, [''])[0] in ('deleted', 'gone') else 'completed', file)
        same(w.rows('SELECT count(*) FROM provider_file_uploads WHERE sluice_claim IS NOT NULL AND deleted_at IS NULL'), [(0,)])
        dead = dict(w.sql('SELECT id, belief FROM dead_letters'))
        belief = {'failed': 'exists', 'unknown': 'maybe_deleted'}
        same(dead, {f: belief[row[1]] for f, row in chosen.items() if row[1] in belief})
        same(w.lane(s=s)['budget_items'], sum(row[1] in ('failed', 'refused', 'gone_other') for row in TABLE))
        unknown = next(f for f, row in chosen.items() if row[1] == 'unknown')
        same([p['found'] for k, i, p in w.audit('probe') if i == unknown], ['no answer'] * 3)
        n = {k: sum(r[1] == k for r in TABLE) for k in ('failed', 'refused', 'gone_other', 'gone')}
        contains(s['equation'], '400 planned', f'{n["gone"]} gone ', f'{n["failed"]} failed', f'{n["refused"]} refused', '1 gone_other', '1 unknown')
        w.verify()


@test
def what_concerns_the_lane_halts_it_and_the_item_is_held():
    for fault, word in (('401', '401'), ('403', '403'), ('429-billing', 'quota')):
        with World() as w:
            w.granted()
            bad = ranked(w)[10]
            w.sim.fault(f'store=alpha op=delete id={bad} times=1 fault={fault}')
            w.canary()
            w.call('cycle.resume')
            s = w.settled()
            contains(w.lane(s=s)['halted'], word)
            same((w.items()[bad][0], s['stage']), ('held', 'CLEANING'))
            same(w.lane()['budget_items'], 40 - w.lane()['deleted'])
            held = len(w.deletes()[0])
            until(lambda: w.status()['lanes'][0]['in_flight'] == 0)
            same(len(w.deletes()[0]), held)
            same(w.finish()['end'], 'COMPLETED')
            same(w.compare()[0][bad], 2)


@test
def a_store_that_is_away_before_the_request_left_is_network():
    with World() as w:
        w.granted()
        w.canary()
        w.sim.proc.terminate()          # its ledger stays
        w.sim.proc.wait(10)
        w.call('cycle.resume')
        until(lambda: w.call('lanes')['lanes'][0]['breaker']['state'] in ('open', 'half-open'), 20, 'the breaker stays closed')
        l = w.lane()
        same((l['deleted'], l['unknown'], l['gone']), (4, 0, 0))
        until(lambda: {p['class'] for k, i, p in w.audit('outcome') if 'class' in p} == {'network'}, 20, 'no outcome of class network')
        w.call('cycle.hold', why='enough')
        w.call('cycle.abort', how='keep', reason='the store is away')
        s = w.settled()
        for _ in range(3):
            if s['state'] != 'ended':
                w.call('cycle.resume')
                s = w.settled()
        same((s['end'], w.lane(s=s)['deleted']), ('ABORTED_KEPT', 4))
        w.compare()


@test
def another_cleaners_work_is_seen_and_its_rows_wait_for_a_complete_list():
    with World() as w:
        w.granted()
        w.canary()
        theirs = ranked(w, True)[-2:]
        c = w.sim.conn()
        for file in theirs:
            same(c.ask('DELETE', '/v1/files/' + file).status, 200)
        s = w.finish()
        items = w.items()
        same([items[f] for f in theirs], [('gone_other', 'committed')] * 2)
        same(w.lane(s=s)['gone_other'], 2)
        same(w.lane(s=s)['budget_items'], 2)
        same(w.rows('SELECT count(*) FROM provider_file_uploads WHERE upload_status = ?', 'deleted'), [(20,)])


@test
def many_that_were_gone_before_hold_the_lane():
    with World(files=60, orphan=40, unused=0) as w:
        w.granted()
        w.canary()
        c = w.sim.conn()
        for file in ranked(w)[-8:]:
            c.ask('DELETE', '/v1/files/' + file)
        w.call('cycle.resume')
        s = w.settled()
        contains(w.lane(s=s)['halted'], 'another cleaner')


@test
def the_retry_pass_rescues_what_failed_once():
    with World(files=100, orphan=80, unused=0, faults=['store=alpha op=delete attempt=1 every=8 fault=500-before']) as w:
        w.granted()
        w.canary()
        s = w.finish()
        same(s['end'], 'COMPLETED')
        asked, gone = w.compare()
        same((len(gone), max(asked.values())), (80, 2))
        true([p for k, i, p in w.audit('matrix') if p['verdict'] == 'retry'], w.audit('matrix'))


@test
def failures_between_5_and_20_percent_are_acknowledged_by_their_count():
    with World(files=100, orphan=80, unused=0, lane={'retry': {'server_error': {'attempts': 2, 'base': '10ms', 'max': '20ms'}}}) as w:
        w.granted()
        for file in ranked(w)[60:68]:
            w.sim.fault(f'store=alpha op=delete id={file} fault=500-before')
        w.canary()
        w.call('cycle.resume')
        s = w.settled()
        while s['lanes'][0]['halted']:          # five of one class
            w.call('cycle.resume')
            s = w.settled()
        same(s['ack_needed'], 8)
        refused(lambda: w.call('cycle.step'), '8 failures')
        refused(lambda: w.call('cycle.ack', failures=7), '8 failures', 'not 7')
        w.call('cycle.ack', failures=8)
        refused(lambda: w.call('cycle.ack', failures=8), 'no failures')
        s = w.finish()
        same((s['end'], w.lane(s=s)['failed']), ('COMPLETED_WITH_FAILURES', 8))
        w.compare()


@test
def above_20_percent_a_grant_that_says_keep_aborts_by_itself():
    with World(files=100, orphan=80, unused=0, lane={'retry': {'server_error': {'attempts': 1}}}) as w:
        w.planned()
        w.arm()
        w.grant(on_abort='keep')
        for file in ranked(w)[8:60:2]:
            w.sim.fault(f'store=alpha op=delete id={file} fault=500-before')
        s = w.canary()
        for _ in range(30):
            if s['state'] == 'ended' or w.lane(s=s)['phase'] == 'aborted':
                break
            w.call('cycle.resume')
            s = w.settled()
        s = w.finish()
        same(s['end'], 'ABORTED_KEPT')
        true(w.lane(s=s)['not_started'] > 0, s['equation'])
        w.compare()


# ---- rows ----

def app(w, *args):
    db = sqlite3.connect(w.app, timeout=10)
    db.execute(*args)
    db.commit()
    db.close()


@test
def an_item_that_was_attached_since_is_blocked_and_one_that_changed_is_drifted():
    with World(engine={'list_max_age': '1s'}) as w:
        w.granted()
        a, b, c, d = ranked(w, True)[-4:]
        row = dict(w.rows('SELECT provider_file_id, supabase_file_id FROM provider_file_uploads'))
        for statement in ('INSERT INTO files (id, storage_path, original_name) VALUES (?1, ?1, ?1)',
                          "INSERT INTO conversation_files (conversation_id, file_id) VALUES ('c', ?1)"):
            app(w, statement, (row[a],))
        app(w, "UPDATE provider_file_uploads SET last_used = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+1 second') WHERE provider_file_id = ?", (b,))
        app(w, "UPDATE provider_file_uploads SET upload_status = 'deleted', deleted_at = '2025-01-01T00:00:00Z' WHERE provider_file_id = ?", (c,))
        app(w, 'UPDATE provider_file_uploads SET sluice_claim = ? WHERE provider_file_id = ?', ('sluice:other:1', d))
        w.canary()
        s = w.finish()
        items = w.items()
        same([items[i][0] for i in (a, b, c, d)], ['blocked', 'drifted', 'drifted', 'drifted'])
        same(w.lane(s=s)['deleted'], 36)
        asked, gone = w.compare()
        same({a, b, c, d} & set(asked), set())
        same(w.rows('SELECT sluice_claim FROM provider_file_uploads WHERE provider_file_id = ?', d), [('sluice:other:1',)])


@test
def too_much_drift_makes_the_plan_stale():
    with World() as w:
        w.granted()
        for i in ranked(w, True)[-10:]:
            app(w, "UPDATE provider_file_uploads SET upload_status = 'deleted' WHERE provider_file_id = ?", (i,))
        w.canary()
        for _ in range(4):
            s = w.status()
            if w.lane(s=s)['halted']:
                break
            w.call('cycle.resume')
            w.settled()
        contains(w.lane()['halted'], 'stale')
        refused(lambda: w.call('cycle.resume'), 'stale')
        w.call('cycle.abort', how='keep', reason='stale')
        same(w.finish()['end'], 'ABORTED_KEPT')
        w.compare()


@test
def a_row_that_somebody_uses_by_then_is_a_conflict_and_the_most_urgent_dead_letter():
    with World() as w:
        w.granted()
        w.canary()
        w.call('cycle.resume')
        w.settled()
        a = ranked(w, True)[-1]
        row = dict(w.rows('SELECT provider_file_id, supabase_file_id FROM provider_file_uploads'))
        for statement in ('INSERT INTO files (id, storage_path, original_name) VALUES (?1, ?1, ?1)',
                          "INSERT INTO conversation_files (conversation_id, file_id) VALUES ('c', ?1)"):
            app(w, statement, (row[a],))
        s = w.finish()
        same((s['end'], s['rows']['conflicts']), ('COMPLETED_WITH_FAILURES', 1))
        same(w.sql('SELECT id, belief FROM dead_letters'), [(a, 'row_conflict')])
        same(w.items()[a], ('deleted', 'conflict'))


@test
def records_that_are_away_when_rows_are_due_hold_the_cycle_and_resume_goes_on():
    with World(start=False) as w:
        w.conf['records'][0]['busy_timeout'] = '50ms'
        w.configure()
        w.start()
        w.granted()
        w.canary()
        w.call('cycle.resume')
        s = w.settled()
        same(s['waiting_for'], 'cleaned: step to commit the rows')
        lock = sqlite3.connect(w.app, isolation_level=None)
        lock.execute('BEGIN EXCLUSIVE')
        w.call('cycle.step')
        s = w.settled()
        same((s['stage'], s['state']), ('COMMITTING', 'held'))
        contains(s['waiting_for'], 'rows could not be written')
        lock.rollback()
        lock.close()
        s = w.finish()
        same((s['end'], s['rows']['committed']), ('COMPLETED', 20))
        w.compare()


@test
def without_claim_columns_the_plan_says_so_and_rows_are_committed():
    with World(claims=False) as w:
        w.granted()
        l = w.call('plan.show')['lanes'][0]
        same(l['claims'], False)
        contains(l['claims_sentence'], 'unclaimed')
        w.canary()
        s = w.finish()
        same((s['end'], s['rows']['committed']), ('COMPLETED', 20))
        w.compare()


@test
def every_claim_is_released_or_committed_and_named_after_the_cycle():
    with World() as w:
        w.granted(items=30)
        w.canary()
        claims = w.rows('SELECT DISTINCT sluice_claim FROM provider_file_uploads WHERE sluice_claim IS NOT NULL')
        same(len(claims), 1)
        contains(claims[0][0], 'sluice:1:')
        s = w.finish()
        same((s['end'], w.lane(s=s)['deleted'], w.lane(s=s)['not_started']), ('COMPLETED', 30, 10))
        same(w.rows('SELECT count(*) FROM provider_file_uploads WHERE sluice_claim IS NOT NULL AND deleted_at IS NULL'), [(0,)])
        ranks = dict(w.sql('SELECT id, rank FROM items'))
        true(all(ranks[i] <= 30 for i in w.compare()[1]))


if __name__ == '__main__':
    sys.exit(main(globals()))
