#!/usr/bin/python3
"""The contract of records: one set of promises, asked of every kind of database. Prints TAP.
Usage: records.py [KIND…] [-- WORD] (only the promises whose name holds WORD)."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import reclib
from reclib import TOKEN

KINDS = {'sqlite': reclib.Sqlite, 'postgresql': reclib.Postgres, 'postgrest': reclib.Rest}


def same(have, want, what=''):
    assert have == want, f'{what}: {have!r} is not {want!r}' if what else f'{have!r} is not {want!r}'


def keys(m):
    return [r['key'].decode() for r in m['rows']]


# ---- listing ----

def a_list_has_every_live_row_of_our_lanes(b):
    b.fresh()
    for key, provider, file, more in [('a', 'kimi', 'f1', {}), ('b', 'glm', 'f2', {}), ('c', 'openai', 'f3', {}),
                                      ('d', 'kimi', 'f4', {'deleted_at': '2026-01-01T00:00:00Z'}),
                                      ('e', 'kimi', 'f5', {'upload_status': 'deleted'}), ('f', 'kimi', 'f6', {'upload_status': None})]:
        b.add(key, provider, file, **more)
    m = b.probe.list()
    same(m['rc'], 'ok', m['error'])
    same([(r['key'], r['lane'], r['file']) for r in m['rows']],
         [(b'a', b'kimi', b'f1'), (b'b', b'glm-files', b'f2'), (b'f', b'kimi', b'f6')])
    same((m['rows_counted'], m['before'], m['after']), (3, 4, 4))
    same((m['rows'][0]['created_us'], m['rows'][0]['used_us'], m['rows'][0]['bytes']), (1767323045000000, 1769904000000000, 10))
    assert m['claim'] and m['status'] and m['deleted_at'] and m['used'] and not m['unclaimed'], m


def a_list_is_in_key_order_and_complete_at_every_page_border(b):
    for n in b.borders:
        b.fresh()
        b.many(n)
        m = b.probe.list()
        same(m['rc'], 'ok', m['error'])
        same(keys(m), [f'k{i:06d}' for i in range(1, n + 1)])
    b.fresh(key='BIGINT')
    b.many(b.borders[-1], key='i * 7')
    same(keys(b.probe.list()), [str(i * 7) for i in range(1, b.borders[-1] + 1)], 'numbers are ordered as numbers')


def a_list_that_changed_while_it_was_read_is_refused_or_of_one_moment(b):
    def move():
        b.add('a-low', 'kimi', 'f-low')
        b.sql(f"DELETE FROM provider_file_uploads WHERE id='k{n:06d}'")
    n = b.borders[-1]
    for between in (lambda: b.add('a-low', 'kimi', 'f-low'), lambda: b.sql(f"DELETE FROM provider_file_uploads WHERE id='k{n:06d}'"), move):
        b.fresh()
        b.many(n)
        m = b.probe.list(between)
        if b.one_moment:
            same((m['rc'], keys(m)), ('ok', [f'k{i:06d}' for i in range(1, n + 1)]))
        else:
            same(m['rc'], 'incomplete')
            assert 'discover again' in m['error'], m['error']


def no_row_of_our_lanes_is_incomplete_unless_declared(b):
    b.fresh()
    same(b.probe.list()['rc'], 'incomplete')
    b.add('c', 'openai', 'f3')
    m = b.probe.list()
    same(m['rc'], 'incomplete')
    assert 'may_be_empty' in m['error'], m
    b.configure(may_be_empty='yes')
    same((b.probe.list()['rc'], b.probe.list()['rows']), ('ok', []))


def a_reference_counts_only_after_its_self_test(b):
    rows = [('s1', 'no', True, 'ok'), ('s9', 'no', True, 'incomplete'), ('s1', 'no', False, 'incomplete'), ('s1', 'yes', False, 'ok'),
            ('s9', 'yes', True, 'incomplete'), (None, 'yes', True, 'ok'), (None, 'yes', False, 'ok')]
    b.fresh()
    b.add('a', 'kimi', 'f1', supabase_file_id='s1')
    b.add('b', 'kimi', 'f2', supabase_file_id='s2')
    for known, empty, filled, want in rows:
        b.sql('DELETE FROM conversation_files')
        if filled:
            b.sql("INSERT INTO conversation_files VALUES ('c', 's1')")
        b.configure(references=b.refer(known, empty))
        m = b.probe.list()
        same(m['rc'], want, (known, empty, filled, m['error']))
        if want == 'ok':
            same([r['referenced'] for r in m['rows']], [filled, False])
    b.configure(references=[{**b.refer()[0], 'table': 'no_such_table'}])
    m = b.probe.list()
    assert m['rc'] != 'ok' and 'no_such_table' in m['error'], m
    assert b.probe.batch('recheck', [('kimi', 'f1', 'a')])['results'] in (['failed'], []), 'a place that cannot be asked is no answer'


def many_references_are_all_read(b):
    b.fresh()
    n = b.borders[-1]
    b.sql(f"WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<{n}) INSERT INTO conversation_files SELECT 'c', 's-' || i FROM c")
    for i in (1, n // 2, n, n + 1):
        b.add(f'r{i}', 'kimi', f'f{i}', supabase_file_id=f's-{i}')
    b.configure(references=b.refer('s-1'))
    m = b.probe.list()
    same(m['rc'], 'ok', m['error'])
    same({r['file']: r['referenced'] for r in m['rows']}, {b'f1': True, f'f{n // 2}'.encode(): True, f'f{n}'.encode(): True, f'f{n + 1}'.encode(): False})


# ---- columns ----

def the_second_shape_is_understood(b):
    b.fresh(reclib.SECOND)
    b.sql("INSERT INTO provider_file_uploads(id, file_id, provider_name, provider_file_id, upload_timestamp, file_size) VALUES "
          "('a','own-1','kimi','f1','2026-01-01',77), ('b','own-2','kimi',NULL,'2026-01-01',1)")
    m = b.probe.list()
    same((m['rc'], keys(m), m['rows'][0]['bytes'], m['claim'], m['used']), ('ok', ['a'], 77, False, False), m['error'])
    assert 'unclaimed' in m['unclaimed'] and '1 without a file id' in m['places'], m
    same(b.probe.do('claim', 'kimi', 'f1', 'a'), 'unclaimed')
    same(b.probe.do('commit', 'kimi', 'f1', 'a'), 'done')
    assert b.one("SELECT deleted_at FROM provider_file_uploads WHERE id='a'") > 1700000000
    same(b.probe.do('commit', 'kimi', 'f1', 'a'), 'done', 'repeated')
    same((b.probe.claims(), b.one("SELECT count(*) FROM provider_file_uploads WHERE deleted_at IS NOT NULL")), (0, 1))


def a_missing_column_or_table_is_named(b):
    b.fresh()
    b.add('a', 'kimi', 'f1')
    for column, name in (('file_id', 'remote_id'), ('lane', 'vendor'), ('status', 'state'), ('claim_token', 'lease')):
        b.configure(columns={column: name})
        m = b.probe.list()
        assert m['rc'] == 'usage' and name in m['error'] and f'columns.{column}' in m['error'], m
    b.configure(table='uploads')
    assert 'there is no table uploads' in b.probe.list()['error']
    b.configure(columns={'status': 'none'})
    m = b.probe.list()
    same((m['rc'], m['status']), ('ok', False))
    b.sql('ALTER TABLE provider_file_uploads DROP COLUMN upload_status')
    b.sql('ALTER TABLE provider_file_uploads DROP COLUMN deleted_at')
    b.configure()
    m = b.probe.batch('claim', [('kimi', 'f1', 'a')])
    assert m['rc'] == 'usage' and 'columns.deleted_at' in m['error'], m


# ---- claim, release, commit ----

def a_row_that_changed_is_not_what_was_listed(b):
    rows = [("SELECT 1", 'done'),
            ("UPDATE provider_file_uploads SET provider_file_id='f9' WHERE id='a'", 'changed'),
            ("UPDATE provider_file_uploads SET provider='glm' WHERE id='a'", 'changed'),
            ("UPDATE provider_file_uploads SET deleted_at='2026-01-01T00:00:00Z' WHERE id='a'", 'changed'),
            ("UPDATE provider_file_uploads SET upload_status='deleted' WHERE id='a'", 'changed'),
            ("DELETE FROM provider_file_uploads WHERE id='a'", 'changed'),
            ("UPDATE provider_file_uploads SET id='z' WHERE id='a'", 'referenced'),
            ("UPDATE provider_file_uploads SET last_used='2099-01-01T00:00:00Z' WHERE id='a'", 'changed'),
            ("UPDATE provider_file_uploads SET updated_at='2099-01-01T00:00:00Z' WHERE id='a'", 'changed'),
            ("INSERT INTO conversation_files VALUES('c','s1')", 'referenced'),
            ("INSERT INTO provider_file_uploads(id, provider, provider_file_id) VALUES ('b', 'kimi', 'f1')", 'referenced')]
    b.fresh(references=b.refer(None, 'yes'))
    for change, want in rows:
        b.sql('DELETE FROM provider_file_uploads')
        b.sql('DELETE FROM conversation_files')
        b.add('a', 'kimi', 'f1', supabase_file_id='s1')
        same(b.probe.list()['rc'], 'ok')
        b.sql(change)
        same(b.probe.do('recheck', 'kimi', 'f1', 'a'), want, change)
        if want != 'done':
            same(b.probe.do('claim', 'kimi', 'f1', 'a'), want, change)
            same(b.one("SELECT count(*) FROM provider_file_uploads WHERE sluice_claim IS NOT NULL"), 0)


def an_orphan_that_got_a_row_is_referenced(b):
    b.fresh()
    b.add('a', 'kimi', 'other')
    same((b.probe.do('recheck', 'kimi', 'orphan', ''), b.probe.do('claim', 'kimi', 'orphan', '')), ('done', 'no row'))
    b.add('b', 'glm', 'orphan')
    same(b.probe.do('recheck', 'kimi', 'orphan', ''), 'done', 'another lane\'s file of the same id')
    b.add('c', 'kimi', 'orphan')
    same([b.probe.do(op, 'kimi', 'orphan', '') for op in ('recheck', 'claim', 'commit')], ['referenced'] * 3)


def a_claim_is_taken_once_and_only_when_free(b):
    b.fresh()
    for key, file, more in [('a', 'f1', {}), ('b', 'f2', {'sluice_claim': 'sluice:99:1'}), ('c', 'f3', {'sluice_claimed_at': '2026-01-01T00:00:00Z'})]:
        b.add(key, 'kimi', file, **more)
    refs = [('kimi', 'f1', 'a'), ('kimi', 'f2', 'b'), ('kimi', 'f3', 'c'), ('kimi', 'orphan', '')]
    same(b.probe.results('claim', *refs), ['done', 'changed', 'changed', 'no row'])
    same(b.probe.results('claim', *refs), ['done', 'changed', 'changed', 'no row'], 'again')
    same(b.sql('SELECT id, sluice_claim FROM provider_file_uploads ORDER BY id'), [('a', TOKEN), ('b', 'sluice:99:1'), ('c', None)])
    same(b.probe.claims(), 1)
    same(b.probe.do('release', 'kimi', 'f2', 'b'), 'done', 'not ours: left alone')
    same(b.one("SELECT sluice_claim FROM provider_file_uploads WHERE id='b'"), 'sluice:99:1')
    b.sql("UPDATE provider_file_uploads SET provider_file_id='f9' WHERE id='a'")
    same([b.probe.do('release', 'kimi', 'f1', 'a') for _ in range(2)], ['done', 'done'], 'also of a row that moved')
    same((b.probe.claims(), b.one("SELECT count(*) FROM provider_file_uploads WHERE id='a' AND sluice_claim IS NULL AND sluice_claimed_at IS NULL")), (0, 1))


def a_commit_marks_exactly_its_row_and_may_be_repeated(b):
    b.fresh()
    b.add('a', 'kimi', 'f1')
    b.add('b', 'kimi', 'f2')
    b.add('c', 'glm', 'f1')
    same(b.probe.do('claim', 'kimi', 'f1', 'a'), 'done')
    same([b.probe.do('commit', 'kimi', 'f1', 'a') for _ in range(2)], ['done', 'done'])
    same(b.sql("SELECT id, upload_status, deletion_reason FROM provider_file_uploads WHERE deleted_at IS NOT NULL"), [('a', 'deleted', f'expired {TOKEN}')])
    same(b.probe.claims(), 0)
    b.sql("UPDATE provider_file_uploads SET deletion_reason='expired sluice:112:3' WHERE id='a'")
    same(b.probe.do('commit', 'kimi', 'f1', 'a'), 'changed', 'of another cycle')


def a_commit_of_a_row_that_somebody_took_is_a_conflict(b):
    rows = [("UPDATE provider_file_uploads SET deleted_at='2026-01-01T00:00:00Z', deletion_reason='manual' WHERE id='a'", 'changed'),
            ("UPDATE provider_file_uploads SET sluice_claim='somebody' WHERE id='a'", 'changed'),
            ("UPDATE provider_file_uploads SET provider_file_id='f9' WHERE id='a'", 'changed'),
            ("DELETE FROM provider_file_uploads WHERE id='a'", 'changed'),
            ("INSERT INTO conversation_files VALUES('c','s1')", 'referenced'),
            ("INSERT INTO provider_file_uploads(id, provider, provider_file_id) VALUES ('b', 'kimi', 'f1')", 'referenced')]
    b.fresh(references=b.refer(None, 'yes'))
    for change, want in rows:
        b.sql('DELETE FROM provider_file_uploads')
        b.sql('DELETE FROM conversation_files')
        b.add('a', 'kimi', 'f1', supabase_file_id='s1')
        same(b.probe.do('claim', 'kimi', 'f1', 'a'), 'done')
        b.sql(change)
        same(b.probe.do('commit', 'kimi', 'f1', 'a'), want, change)
        same(b.one("SELECT count(*) FROM provider_file_uploads WHERE deletion_reason LIKE '%sluice%'"), 0, change)


def a_remapped_row_names_the_new_file_and_keeps_the_rest(b):
    b.fresh()
    b.add('a', 'kimi', 'f1')
    b.add('b', 'kimi', 'f2')
    b.add('c', 'glm', 'f1')
    was = b.sql("SELECT filename, created_at, last_used, upload_status FROM provider_file_uploads WHERE id='a'")
    same(b.probe.do('claim', 'kimi', 'f1', 'a'), 'done')
    same([b.probe.remap('kimi', 'f1', 'a', 'n1') for _ in range(2)], ['done', 'done'])
    same(b.sql("SELECT filename, created_at, last_used, upload_status FROM provider_file_uploads WHERE id='a'"), was)
    same(b.sql('SELECT id, provider_file_id FROM provider_file_uploads ORDER BY id'), [('a', 'n1'), ('b', 'f2'), ('c', 'f1')])
    same((b.probe.claims(), b.one("SELECT count(*) FROM provider_file_uploads WHERE sluice_claim IS NULL AND deleted_at IS NULL")), (0, 3))
    same(b.probe.remap('kimi', 'f3', '', 'n3'), 'no row')
    same(b.probe.remap('kimi', 'f2', 'b', 'f2'), 'done', 'the same file again')
    same(b.probe.do('claim', 'kimi', 'f2', 'b'), 'done')
    same(b.probe.remap('kimi', 'f2', 'b', 'f2'), 'done', 'undeleted under its own id')
    same(b.probe.claims(), 0)


def a_row_that_somebody_took_is_not_remapped(b):
    rows = [("UPDATE provider_file_uploads SET deleted_at='2026-01-01T00:00:00Z', deletion_reason='manual' WHERE id='a'", 'changed', 'f1'),
            ("UPDATE provider_file_uploads SET sluice_claim='somebody' WHERE id='a'", 'changed', 'f1'),
            ("UPDATE provider_file_uploads SET provider_file_id='f9' WHERE id='a'", 'changed', 'f9'),
            ("DELETE FROM provider_file_uploads WHERE id='a'", 'changed', None),
            ("INSERT INTO provider_file_uploads(id, provider, provider_file_id) VALUES ('b', 'kimi', 'f1')", 'referenced', 'n1')]
    b.fresh()
    for change, want, names in rows:
        b.sql('DELETE FROM provider_file_uploads')
        b.add('a', 'kimi', 'f1')
        same(b.probe.do('claim', 'kimi', 'f1', 'a'), 'done')
        b.sql(change)
        same(b.probe.remap('kimi', 'f1', 'a', 'n1'), want, change)
        same(b.sql("SELECT provider_file_id FROM provider_file_uploads WHERE id='a'"), [(names,)] if names else [], change)


def a_hard_delete_takes_only_what_was_soft_deleted(b):
    b.fresh(references=b.refer(None, 'yes'))
    gone = '2026-01-01T00:00:00Z'
    for key, more in [('a', {'deleted_at': gone}), ('b', {}), ('c', {'upload_status': 'deleted'}), ('d', {'deleted_at': gone, 'sluice_claim': 'x'}),
                      ('e', {'deleted_at': gone, 'supabase_file_id': 's1'}), ('f', {'deleted_at': gone}), ('g', {'deleted_at': gone})]:
        b.add(key, 'kimi', f'file-{key}', **more)
    b.sql("INSERT INTO conversation_files VALUES('c','s1')")
    b.sql("UPDATE provider_file_uploads SET provider_file_id='moved' WHERE id='f'")
    refs = [('kimi', f'file-{k}', k) for k in 'abcdefgz']
    same(b.probe.results('purge', *refs), ['done', 'changed', 'done', 'changed', 'referenced', 'no row', 'done', 'no row'])
    same(b.sql('SELECT id FROM provider_file_uploads ORDER BY id'), [('b',), ('d',), ('e',), ('f',)])
    same(b.probe.do('purge', 'kimi', 'file-a', 'a'), 'no row', 'repeated')
    same(b.probe.batch('purge', [('kimi', 'file-b', '')])['results'], ['no row'])


def a_key_that_names_two_rows_changes_none(b):
    b.fresh()
    b.sql('DROP TABLE provider_file_uploads')
    b.sql('CREATE TABLE provider_file_uploads (id TEXT, provider TEXT, provider_file_id TEXT, deleted_at TEXT, sluice_claim TEXT)')
    b.sql("INSERT INTO provider_file_uploads VALUES ('a','kimi','f1',NULL,NULL), ('a','kimi','f1',NULL,NULL), ('b','kimi','f2',NULL,NULL)")
    same(b.probe.batch('commit', [('kimi', 'f2', 'b'), ('kimi', 'f1', 'a')])['results'], ['failed', 'failed'])
    m = b.probe.batch('claim', [('kimi', 'f1', 'a')])
    same(m['results'], ['failed'])
    assert 'primary key' in m['error'], m
    same(b.one("SELECT count(*) FROM provider_file_uploads WHERE id='a' AND (deleted_at IS NOT NULL OR sluice_claim IS NOT NULL)"), 0)


# ---- modes, hostile values, many ----

def the_mode_holds_whoever_asks(b):
    b.fresh()
    b.add('a', 'kimi', 'f1')
    b.probe.permit('reads')
    for op in ('claim', 'release', 'commit', 'purge', 'remap'):
        m = b.probe.batch(op, [('kimi', 'f1', 'a', 'n1')])
        same(m['rc'], 'refused', op)
    same((b.probe.do('recheck', 'kimi', 'f1', 'a'), b.probe.list()['rc']), ('done', 'ok'))
    b.probe.permit('rehearse')
    same([b.probe.do(op, 'kimi', 'f1', 'a') for op in ('claim', 'commit')], ['rehearsed', 'rehearsed'])
    same(b.probe.remap('kimi', 'f1', 'a', 'n1'), 'rehearsed')
    same(b.one('SELECT count(*) FROM provider_file_uploads WHERE deleted_at IS NULL AND sluice_claim IS NULL'), 1)


HOSTILE = ["it's", '"quoted"', "a';DELETE FROM provider_file_uploads;--", 'back\\slash', '\\', '%', '_', '*', 'a,b', '(a)', '{a,b}', 'a.b:c', 'a b',
           '?x=1&y=2#z', 'new\nline', 'tab\t', '\x01\x1f\x7f', 'é', 'e\u0301', '\U0001f600', '\u202eabc', 'null', 'NULL', '$1', '?1', ':x', '%s', '%41', '+',
           'x' * 3000, '"', "''", '","', ' lead', 'trail ']


def hostile_values_name_exactly_their_row(b):
    b.fresh()
    for n, v in enumerate(HOSTILE):
        b.add(f'k{n}', 'kimi', v, filename=v, deletion_reason=v)
    b.add('victim', 'kimi', 'innocent')
    m = b.probe.list()
    same(m['rc'], 'ok', m['error'])
    same({r['file'].decode() for r in m['rows']}, {*HOSTILE, 'innocent'})
    refs = [('kimi', v, f'k{n}') for n, v in enumerate(HOSTILE)]
    same(set(b.probe.results('claim', *refs)), {'done'})
    same(b.probe.claims(), len(HOSTILE))
    for n in range(0, len(refs), 5):
        same(set(b.probe.results('commit', *refs[n:n + 5], reason="it's \"over\" \\ é")), {'done'})
    same(b.sql("SELECT id FROM provider_file_uploads WHERE deleted_at IS NULL"), [('victim',)])
    b.fresh()
    for n, v in enumerate(HOSTILE):         # as keys, lane values stay as they are
        b.add(v, 'kimi', f'f{n}')
    refs = [('kimi', f'f{n}', v) for n, v in enumerate(HOSTILE)]
    same(set(b.probe.results('claim', *refs)), {'done'})
    same(set(b.probe.results('release', *refs[::2])), {'done'})
    same(b.probe.claims(), len(HOSTILE) // 2)
    same(set(b.probe.results('commit', *refs)), {'done'})


def a_file_id_that_no_text_column_can_hold_is_in_no_row(b):
    b.fresh()
    b.add('a', 'kimi', 'f1')
    odd = [b'nul\0byte', b'\0', b'\xff\xfe', b'f1\0', b'\xed\xa0\x80']
    same(b.probe.results('recheck', *[('kimi', v, '') for v in odd], ('kimi', 'f1', 'a')), ['done'] * len(odd) + ['done'])
    same(b.probe.results('claim', *[('kimi', v, '') for v in odd], ('kimi', 'f1', 'a')), ['no row'] * len(odd) + ['done'])
    same(b.probe.results('claim', ('kimi', b'\xff', 'a'), ('kimi', b'f1\0', 'a')), ['changed', 'changed'])


def a_megabyte_of_text_is_read_whole(b):
    b.fresh()
    big = 'x' * (1 << 20)
    for i in range(6):
        b.add(f'k{i:02d}', 'kimi', f'f{i}', filename=big if i % 2 else 'small', deletion_reason=big if i % 3 else None)
    m = b.probe.list()
    same((m['rc'], [len(r['name']) for r in m['rows']]), ('ok', [1 << 20 if i % 2 else 5 for i in range(6)]), m['error'])
    same(set(b.probe.results('claim', *[('kimi', f'f{i}', f'k{i:02d}') for i in range(6)])), {'done'})
    same(b.probe.do('commit', 'kimi', 'f1', 'k01'), 'done')


def several_chunks_are_all_answered(b):
    b.fresh()
    b.many(250)
    refs = [('kimi', f'f-{i}', f'k{i:06d}') for i in range(1, 251)]
    same(set(b.probe.results('claim', *refs)), {'done'})
    same(b.probe.claims(), 250)
    b.sql("UPDATE provider_file_uploads SET sluice_claim='other' WHERE id IN ('k000003', 'k000244')")
    have = b.probe.results('commit', *refs)
    same([i for i, r in enumerate(have) if r != 'done'], [2, 243])
    same(b.one('SELECT count(*) FROM provider_file_uploads WHERE deleted_at IS NOT NULL'), 248)


def a_row_that_the_application_holds_is_waited_for_and_then_given_up(b):
    b.fresh(busy_timeout='200ms', **b.impatient)
    b.add('a', 'kimi', 'f1')
    let_go = b.hold()
    try:
        m = b.probe.batch('claim', [('kimi', 'f1', 'a')])
        same((m['rc'], m['results']), ('ok', ['failed']), m['error'])
        assert any(w in m['error'] for w in ('busy_timeout', 'statement_timeout')), m['error']
    finally:
        let_go()
    same(b.one('SELECT count(*) FROM provider_file_uploads WHERE sluice_claim IS NULL'), 1)
    same(b.probe.do('claim', 'kimi', 'f1', 'a'), 'done')


CONTRACT = [a_list_has_every_live_row_of_our_lanes, a_list_is_in_key_order_and_complete_at_every_page_border,
            a_list_that_changed_while_it_was_read_is_refused_or_of_one_moment, no_row_of_our_lanes_is_incomplete_unless_declared,
            a_reference_counts_only_after_its_self_test, many_references_are_all_read, the_second_shape_is_understood,
            a_missing_column_or_table_is_named, a_row_that_changed_is_not_what_was_listed, an_orphan_that_got_a_row_is_referenced,
            a_claim_is_taken_once_and_only_when_free, a_commit_marks_exactly_its_row_and_may_be_repeated,
            a_commit_of_a_row_that_somebody_took_is_a_conflict, a_remapped_row_names_the_new_file_and_keeps_the_rest,
            a_row_that_somebody_took_is_not_remapped, a_hard_delete_takes_only_what_was_soft_deleted,
            a_key_that_names_two_rows_changes_none, the_mode_holds_whoever_asks, hostile_values_name_exactly_their_row,
            a_file_id_that_no_text_column_can_hold_is_in_no_row, a_megabyte_of_text_is_read_whole, several_chunks_are_all_answered,
            a_row_that_the_application_holds_is_waited_for_and_then_given_up]


# ---- over a network ----

def points(b, before, run):
    """run() with the line cut at the 1st, 2nd … piece that passes, until it ends before the cut."""
    at = 1
    while True:
        b.proxy.cut(at, before)
        run(at)
        if b.proxy.pieces < at:
            b.proxy.cut(None)
            return at - 1
        at += 1
        assert at < 400


def a_line_cut_at_any_point_never_lists_less(b):
    b.fresh(references=b.refer('s1'))
    b.sql("INSERT INTO conversation_files VALUES('c','s1')")
    b.many(300)
    for before in (True, False):
        def run(at):
            m = b.probe.list()
            assert m['rc'] != 'ok' or len(m['rows']) == 300
            assert m['rc'] == 'ok' or m['error'], (at, m)
        assert points(b, before, run) >= 10
    same(b.probe.list()['rc'], 'ok')


def a_line_cut_at_any_point_of_a_change_is_not_taken_for_an_answer(b):
    b.fresh()
    refs = [('kimi', f'f-{i}', f'k{i:06d}') for i in (1, 2, 3)]
    claimed = 'SELECT count(*) FROM provider_file_uploads WHERE sluice_claim IS NOT NULL'
    deleted = 'SELECT count(*) FROM provider_file_uploads WHERE deleted_at IS NOT NULL'
    cuts = unknown = 0
    for op, query, before in [(o, q, w) for o, q in (('claim', claimed), ('commit', deleted)) for w in (True, False)]:
        def run(at):
            nonlocal unknown
            b.sql('DELETE FROM provider_file_uploads')
            b.many(4)
            m = b.probe.batch(op, refs)
            hit = b.proxy.pieces >= at
            b.proxy.cut(None)
            if m['results'] == ['done'] * 3:
                same(b.one(query), 3, 'said done')
            else:
                assert hit and set(m['results']) <= {'failed'} and m['error'], (at, m)
            again = b.probe.results(op, *refs)
            same(again, ['done'] * 3, f'{op} repeated after a cut at {at}')
            same((b.one(query), b.one(f"{query} AND id='k000004'")), (3, 0))
            unknown += m['results'] != ['done'] * 3
            b.proxy.pieces = at if hit else at - 1
        cuts += points(b, before, run)
    assert cuts > 40 and unknown > 30, (cuts, unknown)


def the_engine_can_stop_while_the_server_hangs(b):
    import time
    b.fresh()
    b.add('a', 'kimi', 'f1')
    for op in ('list', 'claim'):
        b.configure()
        b.proxy.held = True
        began = time.monotonic()
        if op == 'list':
            m = b.probe.call('list', leave=True, now=True)
        else:
            m = b.probe.batch('claim', [('kimi', 'f1', 'a')], leave=True, now=True)
        b.probe.close()
        b.proxy.held = False
        assert m['rc'] in ('cancelled', 'io'), m
        assert time.monotonic() - began < 20


# ---- PostgreSQL only ----

TYPED = """
CREATE TYPE state AS ENUM ('pending', 'completed', 'failed', 'deleted'); CREATE TYPE who AS ENUM ('kimi', 'glm', 'openai');
CREATE TABLE provider_file_uploads (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), provider who NOT NULL, provider_file_id varchar(100) NOT NULL,
 filename text, file_size_bytes numeric, last_used timestamptz DEFAULT now(), upload_status state DEFAULT 'completed',
 created_at timestamp DEFAULT '2026-01-02 03:04:05', updated_at timestamptz, supabase_file_id text, deleted_at timestamptz, deletion_reason text,
 sluice_claimed_at timestamptz, sluice_claim text, UNIQUE (provider, provider_file_id));
CREATE TABLE files (id uuid PRIMARY KEY); CREATE TABLE conversation_files (conversation_id uuid, file_id uuid REFERENCES files)
"""
UUID = '0b8f6f7e-3d3c-4a77-9a61-0d9f3f0c1a11'


def columns_of_any_type_are_understood(b):
    b.fresh(TYPED, references=b.refer(UUID))
    b.sql(f"INSERT INTO files VALUES ('{UUID}'); INSERT INTO conversation_files VALUES (gen_random_uuid(), '{UUID}')")
    b.sql(f"INSERT INTO provider_file_uploads (provider, provider_file_id, file_size_bytes, supabase_file_id) VALUES "
          f"('kimi', 'f1', 77, '{UUID.upper()}'), ('kimi', 'f2', NULL, 'no uuid'), ('glm', 'f1', 3, NULL), ('openai', 'f9', 3, NULL)")
    m = b.probe.list()
    same(m['rc'], 'ok', m['error'])
    same({(r['lane'], r['file'], r['bytes'], r['referenced'], r['created_us']) for r in m['rows']},
         {(b'kimi', b'f1', 77, True, 1767323045000000), (b'kimi', b'f2', -1, False, 1767323045000000), (b'glm-files', b'f1', 3, False, 1767323045000000)})
    key = {(r['lane'].decode(), r['file'].decode()): r['key'].decode() for r in m['rows']}
    refs = [(lane, f, k) for (lane, f), k in sorted(key.items())]
    same(b.probe.results('recheck', *refs), ['done', 'referenced', 'done'])
    b.sql("UPDATE provider_file_uploads SET last_used=now() WHERE provider='glm'")
    same(b.probe.results('recheck', *refs), ['changed', 'referenced', 'done'])
    b.sql("UPDATE provider_file_uploads SET last_used='2020-01-01'")
    same(b.probe.results('claim', *refs), ['done', 'referenced', 'done'])
    same(b.probe.results('commit', *refs), ['done', 'referenced', 'done'])
    same(b.sql("SELECT provider_file_id FROM provider_file_uploads WHERE upload_status='deleted' AND deleted_at > now() - interval '1 minute' "
               "AND sluice_claim IS NULL ORDER BY 1"), [('f1',), ('f2',)])
    same(b.probe.do('purge', *refs[0]), 'done')


def who_reads_cannot_write(b):
    b.fresh()
    b.add('a', 'kimi', 'f1')
    b.sql('CREATE TABLE seen (who text, ro text); GRANT INSERT ON seen TO PUBLIC;'
          "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO seen VALUES (session_user, "
          "current_setting('transaction_read_only')); RETURN NEW; END$$;"
          'CREATE TRIGGER t BEFORE UPDATE ON provider_file_uploads FOR EACH ROW EXECUTE FUNCTION note()')
    same(b.probe.do('claim', 'kimi', 'f1', 'a'), 'done')
    same(b.sql('SELECT DISTINCT * FROM seen'), [('writer', 'off')])
    b.sql("CREATE FUNCTION who(text) RETURNS text LANGUAGE sql AS $$SELECT session_user || ' ' || current_setting('transaction_read_only')$$;"
          'ALTER TABLE provider_file_uploads RENAME TO really; CREATE VIEW provider_file_uploads AS SELECT id, provider, provider_file_id, '
          'who(id) AS filename, last_used, deleted_at FROM really; GRANT SELECT ON provider_file_uploads TO reader')
    same([r['name'] for r in b.probe.list()['rows']], [b'reader on'])
    b.fresh()
    b.add('a', 'kimi', 'f1')
    b.sql('REVOKE UPDATE ON provider_file_uploads FROM writer')
    m = b.probe.batch('claim', [('kimi', 'f1', 'a')])
    same(m['results'], ['failed'])
    assert 'permission denied' in m['error'], m


def rows_that_a_policy_of_the_server_hides_are_not_absent(b):
    b.fresh()
    b.add('a', 'kimi', 'f1')
    b.add('b', 'kimi', 'f2')
    b.sql("ALTER TABLE provider_file_uploads ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON provider_file_uploads USING (id = 'a')")
    m = b.probe.list()
    assert m['rc'] == 'io' and 'row-level security' in m['error'], m
    m = b.probe.batch('recheck', [('kimi', 'f2', '')])
    assert m['results'] in ([], ['failed']), m


def a_statement_that_takes_too_long_is_given_up(b):
    b.fresh(statement_timeout='200ms')
    b.sql("ALTER TABLE provider_file_uploads RENAME TO really; CREATE VIEW provider_file_uploads AS SELECT * FROM really WHERE pg_sleep(20) IS NOT NULL;"
          'GRANT SELECT ON provider_file_uploads TO PUBLIC')
    b.sql("INSERT INTO really(id, provider, provider_file_id) VALUES ('a', 'kimi', 'f1')")
    m = b.probe.list()
    assert m['rc'] == 'io' and 'statement_timeout' in m['error'], m


def a_writer_that_locks_the_row_and_attaches_is_seen(b):
    import time
    b.fresh(references=b.refer(None, 'yes'))
    b.add('a', 'kimi', 'f1', supabase_file_id='s1')
    for op in ('claim', 'commit'):
        b.sql('DELETE FROM conversation_files')
        b.sql("BEGIN; SELECT 1 FROM provider_file_uploads WHERE id='a' FOR UPDATE")
        b.probe.send(op=op, refs=[[v.encode().hex() for v in ('kimi', 'f1', 'a')]], token=TOKEN, reason='expired')
        watch = b.server.wire()
        reclib.until(lambda: watch.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type='Lock' AND application_name='sluice'")[0][0] == 1)
        b.sql("INSERT INTO conversation_files VALUES('c','s1'); COMMIT")
        same(b.probe.read()['results'], ['referenced'], op)
        watch.close()
    same(b.one('SELECT count(*) FROM provider_file_uploads WHERE deleted_at IS NULL AND sluice_claim IS NULL'), 1)


def passwords_and_certificates_are_checked(b):
    import os
    import subprocess
    b.fresh()
    b.add('a', 'kimi', 'f1')
    hba = os.path.join(b.server.data, 'pg_hba.conf')
    for name in ('right', 'wrong'):
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=db',
                        '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', f'{b.dir}/{name}.key', '-out', f'{b.dir}/{name}.pem'],
                       check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for end in ('key', 'pem'):
        b.server.give(f'{b.dir}/right.{end}', f'server.{end}')
    with open(hba) as f:
        before = f.read()
    b.sql("SET password_encryption='scram-sha-256'; ALTER ROLE reader PASSWORD 'it''s a secret'; ALTER ROLE writer PASSWORD 'another'")
    try:
        with open(hba, 'w') as f:
            f.write('hostssl all reader,writer 127.0.0.1/32 scram-sha-256\nhost all app 127.0.0.1/32 trust\n')
        for what in ("ssl_cert_file='server.pem'", "ssl_key_file='server.key'", "ssl=on"):
            b.sql(f'ALTER SYSTEM SET {what}')
        b.sql('SELECT pg_reload_conf()')
        keys = {'key_file': b.private('reader', "it's a secret\n"), 'writer_key_file': b.private('writer', 'another\n'), 'ca_file': f'{b.dir}/right.pem'}
        b.configure(**keys)
        reclib.until(lambda: b.probe.list()['rc'] == 'ok')
        same(b.probe.do('claim', 'kimi', 'f1', 'a'), 'done')
        for change, words in (({'key_file': keys['writer_key_file']}, 'check user and key_file'), ({'key_file': None}, 'check user and key_file'),
                              ({'ca_file': f'{b.dir}/wrong.pem'}, 'check ca_file')):
            b.configure(**{**keys, **change})
            m = b.probe.list()
            assert m['rc'] == 'io' and words in m['error'] and 'secret' not in m['error'], (change, m)
    finally:
        with open(hba, 'w') as f:
            f.write(before)
        b.sql('ALTER SYSTEM RESET ALL')
        b.sql('SELECT pg_reload_conf()')


def a_server_that_was_restarted_is_found_again(b):
    b.fresh()
    b.add('a', 'kimi', 'f1')
    b.server.proc.terminate()
    b.db.close()
    b.server.proc.wait(60)
    m = b.probe.list()
    assert m['rc'] == 'io' and 'cannot connect' in m['error'], m
    b.server.start()
    b.db = b.server.wire()
    same(b.probe.list()['rc'], 'ok')
    b.configure(user='nobody-there')
    m = b.probe.list()
    assert m['rc'] == 'io' and 'nobody-there' in m['error'], m


# ---- PostgREST only ----

def no_statement_is_without_its_row_and_its_limit(b):
    """Over all that the tests before asked of this server."""
    b.fresh()
    b.add('a', 'kimi', 'f1')
    for op in ('claim', 'release', 'claim', 'commit', 'purge'):
        same(b.probe.do(op, 'kimi', 'f1', 'a'), 'done', op)
    changes = [(how, params, prefer, key) for how, _, params, prefer, key in b.rest.log if how != 'GET']
    assert len(changes) > 5
    for how, params, prefer, key in changes:
        names = [n for n, _ in params]
        same([v.split('.')[0] for n, v in params if n == 'id'], ['eq'], params)
        assert 'sluice_claim' in names or 'provider_file_id' in names or 'or' in names, params
        same((prefer, key), ('handling=strict, max-affected=1, return=representation', 'Bearer key-of-writer'))
    same({key for how, _, _, _, key in b.rest.log if how == 'GET'}, {'Bearer key-of-reader'})


def columns_of_other_types_are_filtered_as_what_they_are(b):
    b.fresh('CREATE TABLE provider_file_uploads (id UUID PRIMARY KEY, provider TEXT, provider_file_id TEXT, supabase_file_id TEXT, '
            'upload_status TEXT, deleted_at TIMESTAMPTZ, sluice_claim TEXT, sluice_claimed_at TIMESTAMPTZ, last_used TIMESTAMPTZ, deletion_reason TEXT);'
            'CREATE TABLE conversation_files (conversation_id UUID, file_id UUID)', references=b.refer(UUID))
    b.sql(f"INSERT INTO conversation_files VALUES ('{UUID}', '{UUID}')")
    ids = [f'{i:08d}-0000-4000-8000-000000000000' for i in range(3)]
    for n, (i, o) in enumerate(zip(ids, (UUID.upper(), 'no uuid', None))):
        b.sql(f"INSERT INTO provider_file_uploads (id, provider, provider_file_id, supabase_file_id) VALUES ('{i}', 'kimi', 'f{n}', {reclib.lit(o)})")
    m = b.probe.list()
    same((m['rc'], [r['referenced'] for r in m['rows']]), ('ok', [True, False, False]), m['error'])
    refs = [('kimi', f'f{n}', i) for n, i in enumerate(ids)]
    b.sql(f"UPDATE conversation_files SET file_id='{UUID.upper()}'")        # SQLite compares text; a UUID has no case
    same(b.probe.results('claim', *refs)[1:], ['done', 'done'])
    same(b.probe.results('commit', *refs)[1:], ['done', 'done'])


def a_key_that_may_not_is_said(b):
    b.fresh(writer_key_file=None)
    b.add('a', 'kimi', 'f1')
    before = len(b.rest.log)
    m = b.probe.batch('claim', [('kimi', 'f1', 'a')])
    same(m['results'], ['failed'])
    assert 'permission denied' in m['error'], m
    b.configure(key_file=b.private('wrong', 'wrong-key\n'), writer_key_file=None)
    m = b.probe.list()
    assert m['rc'] == 'io' and 'PGRST301' in m['error'] and 'key_file' in m['error'], m
    del b.rest.log[before:]


def a_server_that_hangs_is_given_up_and_what_it_did_is_found_out(b):
    b.fresh(statement_timeout='300ms')
    b.add('a', 'kimi', 'f1')
    let_go = reclib.Sqlite.hold(b)      # without the server's own impatience
    m = b.probe.batch('claim', [('kimi', 'f1', 'a')])
    same(m['results'], ['failed'])
    assert 'no answer within statement_timeout' in m['error'], m
    let_go()                            # only now does the first statement come through
    reclib.until(lambda: b.probe.claims() == 1)
    same(b.probe.do('claim', 'kimi', 'f1', 'a'), 'done', 'ours')


NETWORK = [a_line_cut_at_any_point_never_lists_less, a_line_cut_at_any_point_of_a_change_is_not_taken_for_an_answer,
           the_engine_can_stop_while_the_server_hangs]
ONLY = {'postgresql': NETWORK + [columns_of_any_type_are_understood, who_reads_cannot_write, rows_that_a_policy_of_the_server_hides_are_not_absent,
                                 a_statement_that_takes_too_long_is_given_up, a_writer_that_locks_the_row_and_attaches_is_seen,
                                 passwords_and_certificates_are_checked, a_server_that_was_restarted_is_found_again],
        'postgrest': NETWORK + [columns_of_other_types_are_filtered_as_what_they_are, a_key_that_may_not_is_said,
                                a_server_that_hangs_is_given_up_and_what_it_did_is_found_out, no_statement_is_without_its_row_and_its_limit]}


def main():
    args = sys.argv[1:]
    word = args[args.index('--') + 1] if '--' in args else ''
    kinds = [a for a in args if a in KINDS] or list(KINDS)
    n = failed = 0
    for kind in kinds:
        b = None
        try:
            b = KINDS[kind]()
        except reclib.Missing as e:
            n += 1
            print(f'ok {n} - {kind} # SKIP {e}', flush=True)
            continue
        try:
            for t in CONTRACT + ONLY.get(kind, []):
                if word not in t.__name__:
                    continue
                n += 1
                try:
                    t(b)
                    print(f'ok {n} - {kind}: {t.__name__}', flush=True)
                except Exception as e:
                    failed += 1
                    print(f'not ok {n} - {kind}: {t.__name__}\n# {type(e).__name__}: {e}'.replace('\n', '\n# ').replace('# #', '#'), flush=True)
                    if '-v' in args:
                        raise
                    b.stop_probe_hard()
        finally:
            b.close()
    print(f'1..{n}')
    sys.exit(failed > 0)


if __name__ == '__main__':
    main()
