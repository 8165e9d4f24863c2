#!/usr/bin/python3
"""The s3 lane against a store that checks every signature by itself, answers key by key and goes wrong on demand."""
import sys
import time

sys.dont_write_bytecode = True
from s3lib import ID, Run
from simlib import main, same, test, true
from englib import contains

ODD = ['a b+c/ü€😀(1)*.txt', 'x%2Fy', '..', './.', '<&>"\'', 'tab\there', '~tilde', 'a\rb\nc', '日本語/ファイル', ' lead', 'q?x=1&y#z', '@at@']


@test
def pages_follow_each_other_to_the_end_and_keys_are_exact():
    with Run(page=7) as (store, lane):
        for k in ODD + [f'k/{i:03}' for i in range(40)]:
            store.put(k, b'12345')
        got = lane.ask('list')
        same((got['trouble'], got['items'], got['bytes'], got['pages']), ('fine', 52, 260, 8))
        same({i['id'] for i in got['list']}, store.current())
        true(not got['undoable'])
        true(all(abs(i['created_us'] / 1e6 - time.time()) < 60 for i in got['list']))


@test
def a_prefix_bounds_the_lane():
    with Run(lane={'prefix': 'k/'}) as (store, lane):
        for k in ('a', 'k/1', 'k/2', 'k2', 'l'):
            store.put(k)
        same([i['id'] for i in lane.ask('list')['list']], ['k/1', 'k/2'])
        store.fault = lambda what, names: what == 'list' and (b'<ListBucketResult><IsTruncated>false</IsTruncated>'
                                                              b'<Contents><Key>a</Key></Contents></ListBucketResult>')
        contains(lane.ask('list')['detail'], 'prefix')


@test
def deletes_of_one_turn_go_as_one_request_with_an_answer_each():
    with Run() as (store, lane):
        for k in ODD + ['stays']:
            store.put(k)
        got = lane.delete(*ODD)
        same({a['kind'] for a in got.values()}, {'deleted'})
        same(store.current(), {'stays'})
        same([len(names) for _, names, _ in store.asked('delete')], [len(ODD)])
        true(not store.asked('versioning'), 'nothing asks for versions where none is sent')


@test
def no_request_has_more_than_a_thousand_keys():
    for n, want in ((999, [999]), (1000, [1000]), (1001, [1000, 1])):
        with Run() as (store, lane):
            keys = [f'k{i}' for i in range(n)]
            for k in keys:
                store.put(k)
            same(lane.ask('deletes', ids=keys)['deleted'], n)
            same(sorted((len(x[1]) for x in store.asked('delete')), reverse=True), want)


@test
def a_key_that_xml_cannot_carry_is_refused_and_nothing_leaves():
    with Run() as (store, lane):
        for k in ('a\x01b', 'ok'):
            store.put(k)
        same({i['id'] for i in lane.ask('list')['list']}, {'a\x01b', 'ok'})
        got = lane.delete('a\x01b', 'ok', 'k' * 1025)
        same([got[k]['kind'] for k in ('a\x01b', 'ok', 'k' * 1025)], ['item refused', 'deleted', 'item refused'])
        same([names for _, names, _ in store.asked('delete')], [[('ok', '')]])


@test
def every_key_is_judged_by_its_own_line():
    with Run() as (store, lane):
        codes = {'locked': 'AccessDenied', 'slow': 'SlowDown', 'broken': 'InternalError', 'odd': 'NeverHeardOf', 'mute': 'silence',
                 'gone': 'NoSuchKey'}
        for k in [*codes, 'fine']:
            store.put(k)
        store.key_fault = codes
        got = lane.delete(*codes, 'fine')
        same({k: a['kind'] for k, a in got.items()},
             {'locked': 'item refused', 'slow': 'pace', 'broken': 'unclear', 'odd': 'unclear', 'mute': 'unclear', 'gone': 'missing', 'fine': 'deleted'})
        same(got['broken']['class'], 'server_error')
        contains(got['mute']['detail'], 'does not name this key')
        same(len(store.asked('delete')), 1)


@test
def a_whole_answer_that_went_wrong_is_judged_once_for_all():
    rows = [((503, 'SlowDown'), 'pace', 'rate_limit'), ((500, 'InternalError'), 'unclear', 'server_error'),
            ((503, 'ServiceUnavailable'), 'unclear', 'server_error'), ((403, 'AccessDenied'), 'lane refused', 'auth'),
            ((409, 'OperationAborted'), 'pace', 'rate_limit'), ((404, 'NoSuchBucket'), 'lane refused', 'unsupported'),
            ((501, 'NotImplemented'), 'lane refused', 'unsupported'), ((400, 'MalformedXML'), 'lane refused', 'rejected'),
            ('cut', 'unclear', 'timeout'), ('cut-before', 'unclear', 'timeout'), (b'', 'unclear', 'conflicting'), (b'{}', 'unclear', 'conflicting'),
            (b'<Error><Code>InternalError</Code></Error>', 'unclear', 'conflicting'), (b'<DeleteResult/>', 'unclear', 'conflicting'),
            (b'<DeleteResult><Deleted><Key>a</Key></Deleted><Deleted><Key>z</Key></Deleted></DeleteResult>', 'unclear', 'conflicting')]
    with Run() as (store, lane):
        for fault, kind, class_ in rows:
            store.put('a')
            store.put('b')
            store.fault = lambda what, names, f=fault: f
            got = lane.delete('a', 'b')
            same({(a['kind'], a['class'], a['left']) for a in got.values()}, {(kind, class_, True)}, str(fault))
        same(len(store.asked('delete')), len(rows))


@test
def a_store_that_does_not_answer_leaves_every_key_unknown():
    with Run(lane={'timeout': '300ms'}) as (store, lane):
        store.put('a')
        store.put('b')
        store.fault = lambda what, names: 'silent'
        got = lane.delete('a', 'b')
        same({(a['kind'], a['class'], a['left']) for a in got.values()}, {('unclear', 'timeout', True)})
        same(store.current(), set(), 'and it had acted')
        store.fault = lambda what, names: None
        same(lane.ask('probe', id='a')['presence'], 'absent')


@test
def one_object_is_looked_up_by_its_exact_key():
    with Run() as (store, lane):
        for k in ('a', 'a/b', 'ab', *ODD):
            store.put(k, b'123')
        for k in ('a', 'a/b', *ODD):
            same((lane.ask('probe', id=k)['presence'], lane.ask('probe', id=k)['bytes']), ('present', 3), k)
        for k in ('A', 'a/', 'aa', 'b', 'x/y'):
            same(lane.ask('probe', id=k)['presence'], 'absent', k)
        store.fault = lambda what, names: (500, 'InternalError')
        same(lane.ask('probe', id='a')['presence'], 'no answer')
        store.fault = lambda what, names: b'<html/>'
        same(lane.ask('probe', id='a')['presence'], 'no answer')


@test
def a_versioned_bucket_gives_objects_back():
    with Run(status='Enabled') as (store, lane):
        for k in ('a', 'a b'):
            store.put(k, b'one')
            store.put(k, b'second')
        true(lane.ask('list')['undoable'])
        since = int((time.time() - 5) * 1e6)
        got = lane.delete('a', 'a b', undoable=True)
        same({a['kind'] for a in got.values()}, {'deleted'})
        contains(got['a']['detail'], 'delete marker m')
        same((store.current(), lane.ask('probe', id='a')['presence']), (set(), 'absent'))
        got = lane.ask('undo', id='a', since_us=since)
        same((got['undo'], got['bytes'], store.current()), ('undone', 6, {'a'}))
        same([v.body for v in store.keys['a']], [b'second', b'one'])
        got = lane.ask('undo', id='a', since_us=since)
        same((got['undo'], store.current()), ('needless', {'a'}))
        for what, names, query in store.log:
            if what == 'delete' and any(v for _, v in names):
                same(names, [('a', names[0][1])])
                true(names[0][1].startswith('m'), 'only a delete marker is ever deleted to undo')


@test
def undo_takes_back_only_what_we_deleted():
    with Run(status='Enabled') as (store, lane):
        store.put('theirs')
        store.do_delete({}, [('theirs', '')], b'')
        since = int((time.time() + 2) * 1e6)
        got = lane.ask('undo', id='theirs', since_us=since)
        same((got['undo'], got['detail']), ('impossible', 'the object was deleted before, by somebody else'))
        got = lane.ask('undo', id='never', since_us=0)
        same((got['undo'], got['detail']), ('impossible', 'no version of this object is left'))
        store.put('twice', b'kept')
        for _ in range(2):              # an unanswered delete that was sent again
            store.do_delete({}, [('twice', '')], b'')
        same(lane.ask('undo', id='twice', since_us=0)['undo'], 'undone')
        true('twice' in store.current())
        store.do_delete({}, [('twice', '')], b'')
        for fault in ((500, 'InternalError'), 'cut-before', b'<DeleteResult/>'):
            store.fault = lambda what, names, f=fault: f if what == 'delete' else None
            same(lane.ask('undo', id='twice', since_us=0)['undo'], 'unknown', str(fault))
        store.fault = lambda what, names: None
        store.key_fault = {'twice': 'AccessDenied'}
        same(lane.ask('undo', id='twice', since_us=0)['undo'], 'impossible')
        true('twice' not in store.current())


@test
def what_the_plan_calls_restorable_is_not_sent_where_versioning_has_ended():
    for status, sent in (('', 0), ('Suspended', 0), ('Enabled', 1)):
        with Run(status=status) as (store, lane):
            store.keys['a'] = []
            store.put('a')
            got = lane.delete('a', undoable=True)['a']
            same((got['kind'], len(store.asked('delete'))), ('deleted' if sent else 'lane refused', sent), status)
            same(got['left'], bool(sent))
            if not sent:
                contains(got['detail'], 'gone for good')
            same(lane.delete('a')['a']['kind'], 'deleted', 'a plan that calls it final may')
            same(lane.ask('undo', id='a')['undo'], 'undone' if sent else 'impossible')
    for fault, kind in (((403, 'AccessDenied'), 'lane refused'), ((503, 'SlowDown'), 'pace'), ((500, 'InternalError'), 'not sent'),
                        ('cut', 'not sent'), (b'<html/>', 'not sent')):
        with Run(status='Enabled') as (store, lane):
            store.put('a')
            store.fault = lambda what, names, f=fault: f if what == 'versioning' else None
            got = lane.delete('a', undoable=True)['a']
            same((got['kind'], got['left'], len(store.asked('delete'))), (kind, False, 0), str(fault))


@test
def in_a_lane_of_versions_every_version_is_an_item_and_no_marker_is():
    with Run(lane={'versions': 'all'}, status='Enabled', page=3) as (store, lane):
        ids = [f'{k}@{store.put(k, b"x" * n)}' for n, k in enumerate(['a', 'a', 'b@c', 'ü b', 'ü b'])]
        store.do_delete({}, [('a', '')], b'')
        got = lane.ask('list')
        same((got['trouble'], {i['id'] for i in got['list']}, got['undoable']), ('fine', set(ids), False))
        same([i['purpose'] for i in got['list'] if i['id'] == ids[1]], ['noncurrent'])
        same([i['purpose'] for i in got['list'] if i['id'] == ids[4]], ['current'])
        for i in ids:
            same(lane.ask('probe', id=i)['presence'], 'present', i)
        same(lane.ask('probe', id='a@v999999')['presence'], 'absent')
        got = lane.delete(ids[0], ids[2], 'a@v999999', 'no-version')
        same([got[i]['kind'] for i in (ids[0], ids[2], 'a@v999999', 'no-version')], ['deleted', 'deleted', 'deleted', 'item refused'])
        same({v.id for v in store.keys['a'] if not v.marker}, {ids[1].split('@')[1]})
        same([lane.ask('probe', id=i)['presence'] for i in ids[:3]], ['absent', 'present', 'absent'])


@test
def locks_refuse_single_versions():
    with Run(lane={'versions': 'all'}, status='Enabled') as (store, lane):
        ids = [f'k{n}@{store.put(f"k{n}", locked=n % 3 == 0)}' for n in range(9)]
        got = lane.delete(*ids)
        same([got[i]['kind'] for i in ids], ['item refused', 'deleted', 'deleted'] * 3)
        same(len(store.asked('delete')), 1)
        contains(got[ids[0]]['detail'], 'AccessDenied')


@test
def no_version_id_leaves_before_the_bucket_said_that_it_is_versioned():
    with Run(lane={'versions': 'all'}) as (store, lane):
        store.put('a')
        contains(lane.ask('list')['detail'], 'never been versioned', 'versions: current')
        got = lane.delete('a@null')['a@null']
        same((got['kind'], got['left'], len(store.asked('delete'))), ('lane refused', False, 0))
        same(store.current(), {'a'})
    with Run(lane={'versions': 'all'}, status='Suspended') as (store, lane):
        store.put('a')
        same([i['id'] for i in lane.ask('list')['list']], ['a@null'])
        same(lane.delete('a@null')['a@null']['kind'], 'deleted')
        same([x[0] for x in store.log][:1], ['versioning'])


@test
def a_wrong_region_key_or_clock_is_a_sentence():
    with Run(lane={'region': 'us-east-1'}) as (store, lane):
        contains(lane.ask('list')['detail'], 'region: eu-test-1')
    with Run(lane={'key': f'{ID}:wrong'}) as (store, lane):
        contains(lane.ask('list')['detail'], 'SignatureDoesNotMatch', 'credential')
        same(lane.delete('a')['a']['kind'], 'lane refused')
    with Run() as (store, lane):
        store.skew = 2000
        got = lane.ask('list')
        same(got['trouble'], 'auth')
        contains(got['detail'], 'RequestTimeTooSkewed', 'clock')
    with Run(lane={'bucket': 'other'}) as (store, lane):
        contains(lane.ask('list')['detail'], 'NoSuchBucket', 'bucket')


@test
def a_lane_that_may_only_read_sends_no_delete():
    with Run(lane={'reads': True}) as (store, lane):
        store.put('a')
        same((lane.ask('list')['items'], lane.ask('probe', id='a')['presence']), (1, 'present'))
        got = lane.delete('a')['a']
        same((got['kind'], got['trouble'], got['left'], len(store.asked('delete'))), ('not sent', 'not permitted', False, 0))


@test
def a_list_that_cannot_be_trusted_is_none():
    page = '<ListBucketResult><IsTruncated>%s</IsTruncated>%s</ListBucketResult>'
    rows = [(page % ('true', ''), 'where it goes on'), (page % ('true', '<NextContinuationToken>t</NextContinuationToken>'), 'empty page'),
            (page % ('false', '<Contents><Key>a</Key></Contents>' * 2), 'twice'), ('<ListBucketResult/>', 'last page'), ('', 'empty'),
            ('<!DOCTYPE x>' + page % ('false', ''), 'DOCTYPE')]
    with Run() as (store, lane):
        for body, says in rows:
            store.fault = lambda what, names, b=body: b.encode() if what == 'list' else None
            got = lane.ask('list')
            same((got['trouble'], got['items']), ('garbled', 0), body)
            contains(got['detail'], says)
        for fault, trouble in (((503, 'SlowDown'), 'paced'), ((500, 'InternalError'), 'server'), ('cut', 'cut')):
            store.fault = lambda what, names, f=fault: f
            same(lane.ask('list')['trouble'], trouble)


main(globals())
