#!/usr/bin/python3
"""Escrow of a bucket: its objects are copied before they go, come back under their own keys with what they had, and over
nothing that somebody put there meanwhile."""
import hashlib
import json
import os
import sys
import time

sys.dont_write_bytecode = True
from englib import World, contains, main, refused, same, test, true, until
from s3lib import ID, REGION, SECRET, Store

OLD = time.time() - 9 * 86400


class Bucket(World):
    def __init__(self, n=24, how='try', status='', lane=None, policy=None, escrow=None, **kw):
        self.store = Store(status=status)
        try:
            super().__init__(files=1, orphan=0, unused=0, records=False, start=False, policy=policy, **kw)
            self.private('key', f'{ID}:{SECRET}\n')
            self.conf['lanes'][0].update(dialect='s3', url=f'http://127.0.0.1:{self.store.port}', bucket='things', region=REGION, escrow=how,
                                         **{'timeout': '5s', **(lane or {})})
            self.configure(escrow={'reserve': '1MB', **(escrow or {})})
            self.old = [f'old/{i:03} ü' for i in range(n)]
            for i, k in enumerate(self.old):
                self.store.put(k, hashlib.sha512(k.encode()).digest() * (i * 7), OLD - i)
                self.store.meta[k] = {'content-type': 'text/x-' + str(i), 'x-amz-meta-n': str(i)}
            self.store.put('keep-me', b'1', OLD)
            self.was = self.now()
            self.start()
        except BaseException:
            self.store.stop()
            raise

    def now(self):
        return {k: (self.store.keys[k][0].body, self.store.meta.get(k)) for k in self.store.current()}

    def close(self):
        super().close()
        self.store.stop()

    def plan(self):
        s = self.discovered()
        same(s['stage'], 'DISCOVERING', s['waiting_for'])
        self.arm()
        self.call('cycle.step')
        s = self.settled()
        true(s['plan'], s['waiting_for'])
        return s

    def classes(self):
        return self.call('plan.show', lane='alpha')['lanes'][0]['class']

    def lines(self):
        self.durable()
        return {i: next((x for x in json.loads(e) if x['rule'] == 'escrow'), None) for i, e in self.sql('SELECT id, evidence FROM items')}

    def copies(self):
        self.durable()
        return {i: (p, b, s) for i, p, b, s in self.sql("SELECT id, path, bytes, sha256 FROM escrow WHERE state = 'ok'")}


def all_deleted(w, on_abort='ask'):
    w.plan()
    w.grant(on_abort=on_abort)
    w.canary()
    s = w.finish()
    same((s['end'], w.states()), ('COMPLETED', {'deleted': len(w.old)}), s['equation'])
    same(w.store.current(), {'keep-me'})


@test
def a_verified_copy_makes_an_object_R1_and_says_how_it_comes_back():
    with Bucket() as w:
        w.store.key_fault = {w.old[3]: 'AccessDenied', w.old[4]: 'InvalidObjectState'}
        w.plan()
        same(w.classes(), {'R0': 2, 'R1': 22, 'R2': 0, 'R3': 0})
        contains(w.call('plan.show')['if_abort'], '22 of 24 items could be restored from verified copies, under their own keys; 2 would stay deleted')
        for i, line in w.lines().items():
            if i in w.store.key_fault:
                contains(line['because'], w.store.key_fault[i])
                continue
            contains(line['because'], 'under its own key')
            path, n, sha = w.copies()[i]
            with open(path, 'rb') as f:
                body = f.read()
            same((body, n, sha), (w.was[i][0], len(body), hashlib.sha256(body).hexdigest()), i)
        w.verify()


@test
def where_it_is_required_what_gives_no_bytes_stays():
    with Bucket(how='required') as w:
        w.store.key_fault = {w.old[3]: 'AccessDenied'}
        w.plan()
        same(w.classes(), {'R0': 0, 'R1': 23, 'R2': 0, 'R3': 0})
        true(w.old[3] not in w.lines())


@test
def of_a_lane_of_versions_nothing_counts_as_restorable():
    with Bucket(status='Enabled', lane={'versions': 'all'}) as w:
        w.plan()
        same(w.classes(), {'R0': 24, 'R1': 0, 'R2': 0, 'R3': 0})
        true(all('version cannot be put back' in x['because'] for x in w.lines().values()), w.lines())
        same(w.store.asked('object_get'), [])


@test
def what_can_be_undone_is_not_copied():
    with Bucket(status='Enabled') as w:
        w.plan()
        same(w.classes(), {'R0': 0, 'R1': 0, 'R2': 0, 'R3': 24})
        same((w.store.asked('object_get'), w.copies()), ([], {}))


@test
def a_deleted_object_comes_back_weeks_later_as_it_was():
    with Bucket() as w:
        all_deleted(w)
        for i in w.old[:6]:
            got = w.call('escrow.restore', lane='alpha', id=i, reason='needed after all')
            same((got['id'], got['new_id']), (i, i))
        same(w.now(), {k: v for k, v in w.was.items() if k in w.old[:6] + ['keep-me']})
        # somebody has put another object there since
        w.store.put(w.old[7], b'new')
        refused(lambda: w.call('escrow.restore', lane='alpha', id=w.old[7], reason='r'), 'still in the lane')
        # and between the last look and the request
        w.store.fault = lambda what, names: w.store.put(w.old[8], b'new') and None if what == 'object_put' else None
        refused(lambda: w.call('escrow.restore', lane='alpha', id=w.old[8], reason='r'), 'not free')
        w.store.fault = lambda what, names: None
        same([w.store.keys[w.old[n]][0].body for n in (7, 8)], [b'new', b'new'])
        # what does not read as it was sent is no success
        w.store.fault = lambda what, names: (lambda out: out[:-1] + b'?') if what == 'object_get' else None
        refused(lambda: w.call('escrow.restore', lane='alpha', id=w.old[9], reason='r'), 'reads differently')
        w.verify()


def aborted(w, fault=None, before=None):
    w.plan()
    w.grant(on_abort='ask')
    w.canary()
    w.call('cycle.step')
    s = w.settled()
    gone = {i for i, (state, _) in w.items().items() if state == 'deleted'}
    true(2 < len(gone) < len(w.old), s['equation'])
    if before:
        before(gone)
    w.store.fault = fault or w.store.fault
    w.call('cycle.abort', how='restore', reason='second thoughts')
    return gone, until(lambda: (s := w.status())['state'] in ('ended', 'held') and s, 60, lambda: str(w.status()))


@test
def an_abort_puts_every_object_back_under_its_key():
    with Bucket() as w:
        gone, s = aborted(w)
        same((s['end'], s['restored'], s['balanced']), ('ABORTED_RESTORED', f'restored {len(gone)} of {len(gone)}', True), s['waiting_for'])
        same(w.now(), w.was)
        same(dict(w.sql('SELECT i.id, r.new_id FROM restored r JOIN item_list i ON i.cycle = r.cycle AND i.n = r.n')), {i: i for i in gone})
        w.verify()


@test
def lost_answers_bring_nothing_back_twice_or_over_anything():
    with Bucket(lane={'timeout': '2s', 'settle': '100ms'}) as w:
        seen = []

        def fault(what, names):
            if what != 'object_put':
                return None
            seen.append(names[0][0])
            n = seen.count(names[0][0]) + len(set(seen))
            return ('cut', 'cut-before', (500, 'InternalError'), (503, 'SlowDown'), None)[n % 5] if seen.count(names[0][0]) < 3 else None
        taken = []

        def before(gone):
            taken.append(sorted(gone)[0])
            w.store.put(taken[0], b'somebody else')
        gone, s = aborted(w, fault, before)
        same((s['end'], s['restored'], s['balanced']), ('ABORTED_PARTLY_RESTORED', f'restored {len(gone) - 1} of {len(gone)}; 1 cannot be restored', True), s['waiting_for'])
        same(w.now(), {**w.was, taken[0]: (b'somebody else', w.was[taken[0]][1])})
        w.verify()


main(globals())
