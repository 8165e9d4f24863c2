#!/usr/bin/python3
"""Bytes out of a bucket and back into it: whole or not at all, with what the store keeps beside them, and over nothing."""
import hashlib
import sys
import time

sys.dont_write_bytecode = True
from englib import contains
from s3lib import Run
from simlib import main, same, test, true

ODD = ['a b+c/ü€😀(1)*.txt', 'x%2Fy', 'q?x=1&y#z', "<&>\"'", '~tilde', '日本語/ファイル', '@at@', 'a//b', 'tab\there', 'end/']


def sha(b):
    return hashlib.sha256(b).hexdigest()


@test
def an_object_comes_byte_for_byte_under_any_key():
    with Run() as (store, lane):
        for n, k in enumerate(ODD + ['empty', 'much']):
            body = bytes([n]) * n if k != 'much' else bytes(range(256)) * 20000
            store.put(k, body if k != 'empty' else b'')
        for k in ODD + ['empty', 'much']:
            got, body = lane.ask('content', id=k), store.keys[k][0].body
            same((got['trouble'], got['bytes'], got['sha256']), ('fine', len(body), sha(body)), k)
        same([x[1] for x in store.asked('object_get')], [[(k, '')] for k in ODD + ['empty', 'much']])


@test
def of_a_lane_of_versions_the_version_comes():
    with Run(lane={'versions': 'all'}, status='Enabled') as (store, lane):
        first, second = store.put('k', b'first'), store.put('k', b'second!')
        same(lane.ask('content', id=f'k@{first}')['sha256'], sha(b'first'))
        same(lane.ask('content', id=f'k@{second}')['sha256'], sha(b'second!'))
        true(lane.ask('content', id='k@v999999')['missing'])


@test
def what_the_store_keeps_beside_the_bytes_comes_too():
    with Run() as (store, lane):
        store.put('k')
        store.meta['k'] = {'content-type': 'text/plain;  charset=x', 'X-Amz-Meta-Owner': 'me', 'Cache-Control': 'no-store', 'x-amz-version-id': '1', 'Server': 'x'}
        lines = lane.ask('content', id='k')['headers'].splitlines()
        same(set(lines), {'content-type: text/plain;  charset=x', 'x-amz-meta-owner: me', 'cache-control: no-store'})
        for bad in ({f'x-amz-meta-{n}': 'v' for n in range(41)}, {'x-amz-meta-a': 'v' * 17000}, {'x-amz-meta-a': '\xe9'}):
            store.meta['k'] = bad
            got = lane.ask('content', id='k')
            same((got['trouble'], got['about_item']), ('rejected', True))
            contains(got['detail'], 'metadata')


@test
def more_bytes_than_were_listed_are_not_taken():
    with Run() as (store, lane):
        store.put('k', b'12345')
        for most, trouble in ((4, 'garbled'), (5, 'fine'), (6, 'fine')):
            got = lane.ask('content', id='k', at_most=most)
            same((got['trouble'], got['about_item']), (trouble, most == 4), str(most))


@test
def refusals_are_about_the_object_or_about_the_lane():
    with Run() as (store, lane):
        store.put('k', b'12345')
        true(lane.ask('content', id='absent')['missing'])
        for code, trouble, about in (('AccessDenied', 'rejected', True), ('InvalidObjectState', 'rejected', True), ('SlowDown', 'paced', False),
                                     ('InternalError', 'server', False), ('InvalidAccessKeyId', 'auth', False), ('NoSuchBucket', 'unsupported', False)):
            store.key_fault['k'] = code
            got = lane.ask('content', id='k')
            same((got['trouble'], got['about_item'], got['missing']), (trouble, about, False), code)
        store.key_fault = {}
        store.fault = lambda what, names: 'cut' if what == 'object_get' else None
        same(lane.ask('content', id='k')['trouble'], 'cut')
        for k in ('..', 'a/../b', '.', 'a/.'):
            store.fault = lambda what, names: None
            store.put(k)
            contains(lane.ask('content', id=k)['detail'], 'cannot be written in a URL')
        same({x[1][0][0] for x in store.asked('object_get')}, {'k', 'absent'})


@test
def an_object_is_put_back_under_its_key_with_what_it_had():
    with Run() as (store, lane):
        for k in ODD + ['empty']:
            body = '' if k == 'empty' else 'bytes of ' + k
            got = lane.ask('upload', name=k, bytes=body, headers='content-type: text/plain\nx-amz-meta-note: a  b\n')
            same((got['kind'], got['new_id'], got['detail']), ('deleted', k, ''))
            same(store.keys[k][0].body, body.encode())
            same(store.meta[k], {'content-type': 'text/plain', 'x-amz-meta-note': 'a  b'})
        same([w for w, _, _ in store.log[:3]], ['list', 'object_put', 'object_get'], 'looked for, put, read again')


@test
def nothing_is_overwritten():
    with Run() as (store, lane):
        store.put('k', b'somebody else')
        got = lane.ask('upload', name='k', bytes='mine')
        same((got['kind'], got['new_id']), ('item refused', ''))
        contains(got['detail'], 'not free')
        true(not store.asked('object_put'), 'it was seen before')
        # it comes between the look and the request: the store decides
        store.keys = {}
        store.fault = lambda what, names: store.put('k', b'somebody else') and None if what == 'object_put' else None
        got = lane.ask('upload', name='k', bytes='mine')
        same((got['kind'], len(store.asked('object_put'))), ('item refused', 1))
        contains(got['detail'], 'not free')
        same([v.body for v in store.keys['k']], [b'somebody else'])


@test
def what_reads_differently_was_not_put_back():
    with Run() as (store, lane):
        for fault in (lambda out: b'm1ne', lambda out: b'min', lambda out: b'mine!'):
            store.keys = {}
            store.fault = lambda what, names: fault if what == 'object_get' else None
            got = lane.ask('upload', name='k', bytes='mine')
            same((got['kind'], got['new_id']), ('item refused', ''))
            contains(got['detail'], 'reads differently')
        store.keys = {}
        store.fault = lambda what, names: 'cut' if what == 'object_get' else None
        got = lane.ask('upload', name='k', bytes='mine')
        same((got['kind'], got['new_id']), ('unclear', ''))
        contains(got['detail'], 'could not be read again')
        # the signature covers the hash of the bytes: others are not taken
        store.fault = lambda what, names: None
        store.keys = {}
        same(lane.ask('upload', name='k', bytes='mine', **{'as': sha(b'other')})['kind'], 'item refused')
        same(store.keys, {})


@test
def what_an_upload_came_to_is_told_apart():
    with Run() as (store, lane):
        for what, fault, kind in (('list', (503, 'SlowDown'), 'pace'), ('list', 'cut', 'not sent'), ('list', (403, 'AccessDenied'), 'lane refused'),
                                  ('object_put', (403, 'AccessDenied'), 'lane refused'), ('object_put', (503, 'SlowDown'), 'pace'),
                                  ('object_put', (500, 'InternalError'), 'unclear'), ('object_put', 'cut', 'unclear'),
                                  ('object_put', 'cut-before', 'unclear'), ('object_put', (400, 'EntityTooLarge'), 'item refused'),
                                  ('object_put', (501, 'NotImplemented'), 'lane refused')):
            store.keys = {}
            store.fault = lambda w, names: fault if w == what else None
            got = lane.ask('upload', name='k', bytes='mine')
            same((got['kind'], got['new_id']), (kind, ''), f'{what} {fault}')
        store.fault, store.log = lambda w, names: None, []
        same(lane.ask('upload', name='k/../x', bytes='mine')['kind'], 'item refused')
        same(lane.ask('upload', name='k', bytes='mine', long=5 * 2 ** 30 + 1)['kind'], 'item refused')
        same(lane.ask('upload', name='k', bytes='mine', headers='no header')['kind'], 'item refused')
        true(not store.asked('object_put'))
    with Run(lane={'versions': 'all'}, status='Enabled') as (store, lane):
        contains(lane.ask('upload', name='k', bytes='mine')['never'], 'version')
    with Run(lane={'reads': True}) as (store, lane):
        same(lane.ask('upload', name='k', bytes='mine')['kind'], 'not sent')
        true(not store.asked('object_put'), 'a lane that may only read puts nothing')


main(globals())
