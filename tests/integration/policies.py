#!/usr/bin/python3
"""Rules of a policy against a real list: what they select is what the simulator's manifest says."""
import fnmatch
import sqlite3
import sys
import time

sys.dont_write_bytecode = True
from englib import World, main, same, test, true     # noqa: E402


def planned(w):
    """Ids of the plan that the policy leads to."""
    w.call('cycle.start', policy='clean')
    w.settled()
    w.call('cycle.step')
    s = w.settled()
    if not s['plan']:
        return []
    out = []
    while True:
        rows = w.call('plan.items', look='all', lane='alpha', offset=len(out), limit=200)['rows']
        out += [r['id'] for r in rows]
        if len(rows) < 200:
            return out


def world(rules, match='any', lane=None, **kw):
    return World(records=False, policy={'match': match, 'rules': rules, 'protect': {'names': ['"keep-*"']}}, lane=lane, **kw)


def want(w, chosen):
    return sorted(m['id'] for m in w.sim.manifest() if chosen(m) and not m['name'].startswith('keep-'))


@test
def a_name_rule_selects_what_its_patterns_match():
    with world([{'rule': 'name', 'names': ['"*.pdf"', '"*.md"']}], files=200) as w:
        got = planned(w)
        same(sorted(got), want(w, lambda m: any(fnmatch.fnmatchcase(m['name'], p) for p in ('*.pdf', '*.md'))))
        true(5 < len(got) < 195, len(got))


@test
def not_selects_the_others_and_nothing_that_is_protected():
    with world([{'rule': 'name', 'not': 'yes', 'names': ['"*.pdf"']}], files=200) as w:
        same(sorted(planned(w)), want(w, lambda m: not fnmatch.fnmatchcase(m['name'], '*.pdf')))


@test
def size_and_purpose_with_all_select_what_is_both():
    with world([{'rule': 'size', 'larger_than': '2kB', 'smaller_than': '5kB'}, {'rule': 'purpose', 'purposes': ['assistants', 'batch']}],
               match='all', files=300) as w:
        got = planned(w)
        same(sorted(got), want(w, lambda m: 2000 < m['bytes'] < 5000 and m['purpose'] in ('assistants', 'batch')))
        true(got, 'nothing was selected')


@test
def quota_pressure_selects_the_oldest_until_there_is_room():
    with world([{'rule': 'quota_pressure', 'above': '90%', 'until': '60%'}], files=100, lane={'quota_items': 100}) as w:
        ages = sorted((m['created_at'], m['id']) for m in w.sim.manifest() if not m['name'].startswith('keep-'))
        got = planned(w)
        same(len(got), 40)
        oldest = ages[39][0]
        true(all(t <= oldest for t, i in ages if i in set(got)), 'a younger one was selected')
        same([i for t, i in ages if t < oldest and i not in set(got)], [], 'an older one was passed over')


@test
def without_pressure_nothing_is_selected():
    with world([{'rule': 'quota_pressure', 'above': '90%', 'until': '60%'}], files=100, lane={'quota_items': 112}) as w:
        same(planned(w), [])


@test
def expired_selects_what_the_store_said_it_would_not_keep():
    kept_s = int(time.time()) - 1700000000 + 200 * 86400        # the simulator's files are made before that
    with world([{'rule': 'expired'}], files=300, more=f',expires={kept_s}') as w:
        got = planned(w)
        now = time.time()
        same(sorted(got), want(w, lambda m: m['purpose'] == 'batch' and m['created_at'] + kept_s < now))
        true(got, 'nothing was selected')


@test
def soft_deleted_selects_files_whose_rows_were_all_deleted_long_ago():
    def at(days):
        return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() - days * 86400))
    policy = {'rules': [{'rule': 'soft_deleted', 'longer_than': '30d'}], 'protect': {'names': ['"keep-*"']}}
    with World(files=60, orphan=10, unused=40, policy=policy) as w:
        db = sqlite3.connect(w.app)
        ids = [i for i, in db.execute("SELECT id FROM provider_file_uploads WHERE supabase_file_id NOT IN (SELECT file_id FROM conversation_files)")]
        for n, i in enumerate(ids):
            when = (at(60), at(10), '')[n % 3]
            db.execute('UPDATE provider_file_uploads SET deleted_at = ?, upload_status = ? WHERE id = ?',
                       (when, 'deleted' if when else 'completed', i))
        long_ago = sorted(f for f, in db.execute('SELECT provider_file_id FROM provider_file_uploads WHERE deleted_at < ? AND deleted_at > ?',
                                                 (at(30), '1')))
        db.commit()
        db.close()
        same(sorted(planned(w)), long_ago)
        same(len(long_ago), 14)
        w.arm()
        w.grant()
        s = w.finish()
        same(s['end'], 'COMPLETED', s['equation'])
        same(sorted(w.compare()[1]), long_ago)
        same(w.rows('SELECT count(*) FROM provider_file_uploads WHERE deleted_at IS NULL OR deleted_at = ?', '')[0][0], 60 - 10 - 27)


def soft_deleted_world(**kw):
    policy = {'rules': [{'rule': 'soft_deleted', 'longer_than': '30d'}], 'protect': {'names': ['"keep-*"']}}
    w = World(files=40, orphan=5, unused=20, policy=policy, **kw)
    db = sqlite3.connect(w.app)
    ids = [i for i, in db.execute("SELECT id FROM provider_file_uploads WHERE supabase_file_id NOT IN (SELECT file_id FROM conversation_files)")]
    when = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() - 60 * 86400))
    db.executemany('UPDATE provider_file_uploads SET deleted_at = ?, upload_status = ? WHERE id = ?', [(when, 'deleted', i) for i in ids])
    db.commit()
    db.close()
    return w


def a_row_that_came_back_keeps_its_file(claims):
    """Soft-deleted when it was planned, one live again before it is sent; another's is still deleted, but referred to."""
    with soft_deleted_world(claims=claims) as w:
        got = w.planned() and sorted(w.items())
        same(len(got), 20)
        w.arm()
        w.grant()
        db = sqlite3.connect(w.app)
        db.execute("UPDATE provider_file_uploads SET deleted_at = NULL, upload_status = 'completed' WHERE provider_file_id = ?", (got[3],))
        obj, = db.execute('SELECT supabase_file_id FROM provider_file_uploads WHERE provider_file_id = ?', (got[7],)).fetchone()
        World.refer(db, obj)
        db.commit()
        db.close()
        s = w.finish()
        gone = w.compare()[1]
        same(sorted(set(got) - set(gone)), sorted({got[3], got[7]}), s['equation'])
        same({w.items()[i][0] for i in (got[3], got[7])} <= {'blocked', 'drifted', 'protected', 'refused'}, True, [w.items()[i] for i in (got[3], got[7])])
        same(w.rows('SELECT count(*) FROM provider_file_uploads WHERE provider_file_id IN (?, ?) AND deleted_at IS NULL', got[3], got[7])[0][0], 1)


@test
def a_soft_deleted_row_that_came_back_keeps_its_file():
    a_row_that_came_back_keeps_its_file(True)


@test
def a_soft_deleted_row_that_came_back_keeps_its_file_without_claims_too():
    a_row_that_came_back_keeps_its_file(False)


@test
def groups_select_what_all_any_and_not_of_their_members_say():
    # (assistants, or larger than 6 kB and no pdf), and not (batch or smaller than 1 kB)
    rules = [{'any': [{'rule': 'purpose', 'purposes': ['assistants']},
                      {'all': [{'rule': 'size', 'larger_than': '6kB'}, {'rule': 'name', 'not': 'yes', 'names': ['"*.pdf"']}]}]},
             {'not': 'yes', 'any': [{'rule': 'purpose', 'name': 'batches', 'purposes': ['batch']}, {'rule': 'size', 'name': 'tiny', 'smaller_than': '1kB'}]}]
    with world(rules, match='all', files=300) as w:
        got = planned(w)
        same(sorted(got), want(w, lambda m: (m['purpose'] == 'assistants' or m['bytes'] > 6000 and not fnmatch.fnmatchcase(m['name'], '*.pdf'))
                               and not (m['purpose'] == 'batch' or m['bytes'] < 1000)))
        true(10 < len(got) < 290, len(got))


@test
def what_nobody_knows_is_not_planned_by_a_rule_that_is_turned_nor_by_a_group_that_is():
    rules = [{'rule': 'size', 'not': 'yes', 'smaller_than': '3kB'},
             {'not': 'yes', 'all': [{'rule': 'size', 'name': 'large', 'larger_than': '1kB'}, {'rule': 'purpose', 'purposes': ['assistants', 'batch']}]}]
    for some in (rules[:1], rules[1:]):
        with world(some, match='all', files=120, more=',unknown_size=40') as w:
            got = planned(w)
            known = [m for m in w.sim.manifest() if m['role'] != 'unknown_size' and not m['name'].startswith('keep-')]
            turned = [m['id'] for m in known if (m['bytes'] >= 3000 if 'rule' in some[0] else
                                                 not (m['bytes'] > 1000 and m['purpose'] in ('assistants', 'batch')))]
            # of another purpose the size decides nothing
            unknown = [m['id'] for m in w.sim.manifest() if m['role'] == 'unknown_size' and 'all' in some[0] and m['purpose'] not in ('assistants', 'batch')]
            same(sorted(got), sorted(turned + unknown))
            true(got, 'nothing was selected')


@test
def quota_pressure_within_a_group_is_compared_too():
    rules = [{'all': [{'rule': 'quota_pressure', 'above': '90%', 'until': '60%'}, {'rule': 'age', 'older_than': '1d'}]}]
    with world(rules, files=100, lane={'quota_items': 100}) as w:
        same(len(planned(w)), 40)


@test
def canary_and_ramp_of_a_policy_are_the_batches_that_go_out():
    policy = {'rules': [{'rule': 'age', 'older_than': '1d'}], 'canary': 2, 'ramp': 2}
    with World(records=False, files=40, orphan=0, unused=0, policy=policy) as w:
        w.granted(40)
        for sent in (2, 6, 14, 30, 40):
            s = w.canary()
            same(len(w.deletes()[1]), sent, s['waiting_for'])
        same(w.lane(s=s)['canary']['items'], 2)
        same(w.finish()['end'], 'COMPLETED')
        w.compare()


if __name__ == '__main__':
    sys.exit(main(globals()))
