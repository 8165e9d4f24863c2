#!/usr/bin/python3
"""Whole cycles with records in PostgreSQL. Prints TAP."""
import pglib
from englib import contains, main, same, test, true, until
from pgworld import PgWorld

try:
    pglib.programs()
except pglib.Missing as e:
    print(f'1..1\nok 1 - PostgreSQL # SKIP {e}')
    raise SystemExit(0)

CLAIMED = 'SELECT count(*) FROM provider_file_uploads WHERE sluice_claim IS NOT NULL'
GONE = 'SELECT provider_file_id FROM provider_file_uploads WHERE deleted_at IS NOT NULL'


@test
def a_whole_cycle_deletes_the_unused_and_orphaned_and_commits_their_rows():
    with PgWorld() as w:
        w.granted()
        contains(str(w.call('plan.show')['records']), 'provider_file_uploads', 'self-test ok')
        w.canary()
        same(w.rows(CLAIMED)[0][0] > 0, True)
        s = w.finish()
        same((s['end'], s['rows']['committed'], w.lane(s=s)['deleted']), ('COMPLETED', 20, 40))
        _, gone = w.compare()
        same({i for i, in w.rows(GONE)}, set(gone) & set(w.key))
        same(w.rows("SELECT count(*) FROM provider_file_uploads WHERE deletion_reason LIKE '%sluice:1:%' AND upload_status = 'deleted'"), [(20,)])
        same(w.rows(CLAIMED), [(0,)])
        w.verify()


@test
def a_server_that_is_away_holds_the_cycle_and_back_again_lets_it_go_on():
    with PgWorld() as w:
        w.granted()
        w.canary()
        w.call('cycle.resume')
        same(w.settled()['waiting_for'], 'cleaned: step to commit the rows')
        w.server.proc.terminate()
        w.db.close()
        w.server.proc.wait(60)
        w.call('cycle.step')
        s = w.settled()
        same((s['stage'], s['state']), ('COMMITTING', 'held'))
        contains(s['waiting_for'], 'rows could not be written')
        w.server.start()
        w.db = w.server.wire()
        s = w.finish()
        same((s['end'], s['rows']['committed']), ('COMPLETED', 20))
        same(w.rows(CLAIMED), [(0,)])
        w.compare()


@test
def records_that_cannot_be_asked_make_no_plan():
    with PgWorld() as w:
        w.rows('REVOKE SELECT ON conversation_files FROM reader')
        s = w.discovered()
        contains(s['waiting_for'], 'conversation_files', 'permission denied')
        same((s['plan'], w.deletes()[0]), (None, {}))
        w.call('cycle.abort', how='keep', reason='no records')
        w.settled()


@test
def somebody_who_uses_a_file_after_its_claim_is_a_conflict_in_the_log():
    with PgWorld() as w:
        w.granted()
        w.canary()
        w.call('cycle.resume')
        w.settled()
        file = w.rows('SELECT provider_file_id FROM provider_file_uploads WHERE sluice_claim IS NOT NULL ORDER BY 1')[0][0]
        w.refer(w.db, w.obj[file])
        s = w.finish()
        same((s['end'], s['rows']['conflicts']), ('COMPLETED_WITH_FAILURES', 1))
        same(w.sql('SELECT id, belief FROM dead_letters'), [(file, 'row_conflict')])
        same(w.rows(CLAIMED), [(0,)])


@test
def a_row_made_for_an_orphan_after_its_claim_is_a_conflict_in_the_log():
    with PgWorld() as w:
        w.granted()
        w.canary()
        w.call('cycle.resume')
        w.settled()
        file = min(i for i, (s, _) in w.items().items() if s == 'deleted' and i not in w.key)
        w.rows(f"INSERT INTO provider_file_uploads (id, provider, provider_file_id) VALUES (gen_random_uuid(), 'kimi', '{file}')")
        s = w.finish()
        same((s['end'], s['rows']['conflicts']), ('COMPLETED_WITH_FAILURES', 1))
        same(w.sql('SELECT id, belief FROM dead_letters'), [(file, 'row_conflict')])


@test
def killed_with_claims_open_the_next_start_ends_without_one():
    with PgWorld() as w:
        w.granted()
        w.canary()
        true(w.rows(CLAIMED)[0][0] > 0)
        w.kill()
        w.restart()
        w.settled()
        w.call('cycle.abort', how='keep', reason='killed')
        s = w.finish()
        same(s['end'], 'ABORTED_KEPT')
        until(lambda: w.rows(CLAIMED) == [(0,)], 10)
        w.compare(exact=False)


raise SystemExit(main(globals()))
