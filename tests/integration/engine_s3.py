#!/usr/bin/python3
"""Whole cycles over a bucket: bulk deletes with one intent and one outcome per key, undo in the plan, locks, silence."""
import os
import re
import sys
import time

sys.dont_write_bytecode = True
from englib import World, contains, main, same, test, true, until
from s3lib import ID, REGION, SECRET, Client, Lane, Store

OLD = time.time() - 9 * 86400


class Bucket(World):
    """A world whose lane alpha is a bucket with old objects, or with two versions of each."""

    def __init__(self, n=60, status='', versions='current', lane=None, **kw):
        self.store = Store(status=status)
        try:
            super().__init__(files=1, orphan=0, unused=0, records=False, start=False, **kw)
            self.private('key', f'{ID}:{SECRET}\n')
            self.conf['lanes'][0].update(dialect='s3', url=f'http://127.0.0.1:{self.store.port}', bucket='things', region=REGION, versions=versions,
                                         **{'timeout': '5s', **(lane or {})})
            self.configure()
            for i in range(n):
                for _ in range(1 + (versions == 'all')):
                    self.store.put(f'old/{i:04}', b'12345', OLD - i)
            self.store.put('keep-me', b'1', OLD)
            self.start()
        except BaseException:
            self.store.stop()
            raise

    def close(self):
        super().close()
        self.store.stop()

    def ids(self, names):
        return [k + ('@' + v if v else '') for k, v in names]

    def deletes(self, lane='alpha'):
        asked, there = {}, {i['id'] for i in self.lane_by_hand()}
        for _, names, _ in self.store.asked('delete'):
            for i in self.ids(names):
                asked[i] = asked.get(i, 0) + 1
        return asked, {i: i for i in self.items() if i not in there}

    def lane_by_hand(self):
        self.store.fault = lambda what, names: None
        with Lane(self.store.port, versions=self.conf['lanes'][0]['versions']) as lane:
            got = lane.ask('list')
            same(got['trouble'], 'fine')
            return got['list']


@test
def a_cycle_over_a_bucket_sends_bulk_deletes():
    with Bucket(n=300, lane={'in_flight': 40}) as w:
        w.granted()
        w.canary()
        same(w.finish()['end'], 'COMPLETED')
        same(w.states(), {'deleted': 300})
        w.compare()
        sizes = [len(n) for _, n, _ in w.store.asked('delete')]
        same(sum(sizes), 300)
        true(len(sizes) < 100 and max(sizes) >= 10, f'bulk requests of {sizes} keys')
        true('keep-me' in w.store.current())
        w.verify()


@test
def each_key_has_its_own_durable_intent_and_outcome():
    with Bucket(n=20) as w:
        w.granted()
        w.store.key_fault = {'old/0003': 'AccessDenied', 'old/0004': 'NoSuchKey'}
        w.canary()
        same(w.finish()['end'], 'COMPLETED_WITH_FAILURES')
        items = w.items()
        same([items[f'old/{i:04}'][0] for i in (2, 3, 4)], ['deleted', 'refused', 'gone_other'])
        same(sorted(s for k, s, p in w.of_cycle('intent')), sorted(items))
        same(sorted(s for k, s, p in w.of_cycle('outcome')), sorted(items))
        refusal = next(p for k, s, p in w.of_cycle('outcome') if s == 'old/0003')
        contains(refusal['detail'], 'AccessDenied')


@test
def in_a_versioned_bucket_every_delete_leaves_a_marker_and_removing_it_brings_the_object_back():
    with Bucket(status='Enabled') as w:
        w.planned()
        plan = w.call('plan.show', lane='alpha')['lanes'][0]
        same((plan['class'], plan['irreversible_phrase']), ({'R0': 0, 'R1': 0, 'R2': 0, 'R3': 60}, None))
        contains(w.call('plan.show')['if_abort'], '60 of 60 items could be restored, as they were')
        began = int((time.time() - 1) * 1e6)
        w.arm()
        w.grant()
        w.canary()
        same(w.finish()['end'], 'COMPLETED')
        w.compare()
        same(w.store.current(), {'keep-me'})
        details = [p['detail'] for k, s, p in w.of_cycle('outcome')]
        true(all(re.fullmatch('delete marker m[0-9]{6}', d) for d in details), details[:2])
        with Lane(w.store.port) as lane:
            for i in w.items():
                same(lane.ask('undo', id=i, since_us=began)['undo'], 'undone', i)
        same(len(w.store.current()), 61)


@test
def an_abort_that_restores_takes_the_deletes_back():
    with Bucket(status='Enabled') as w:
        w.granted()
        w.canary()
        w.call('cycle.step')
        s = w.settled()
        gone = {i for i, (state, _) in w.items().items() if state == 'deleted'}
        true(2 < len(gone) < 60, s['equation'])
        same(len(w.store.current()), 61 - len(gone))
        w.call('cycle.abort', how='restore', reason='second thoughts')
        s = until(lambda: (s := w.status())['state'] in ('ended', 'held') and s, 60, lambda: str(w.status()))
        same((s['end'], s['restored']), ('ABORTED_RESTORED', f'restored {len(gone)} of {len(gone)}'), s['waiting_for'])
        same(len(w.store.current()), 61)
        w.durable()
        same({p['new_id'] for _, i, p in w.of_cycle('compensation.outcome')}, gone)
        w.verify()


@test
def every_version_is_an_item_and_locks_refuse_their_own():
    with Bucket(n=20, status='Enabled', versions='all') as w:
        locked = [w.store.put('locked', b'1', OLD, locked=True) for _ in range(3)]
        w.planned()
        plan = w.call('plan.show', lane='alpha')['lanes'][0]
        same((plan['items'], plan['class']['R0']), (43, 43))
        w.arm()
        w.grant()
        w.canary()
        same(w.finish()['end'], 'COMPLETED_WITH_FAILURES')
        same(w.states(), {'deleted': 40, 'refused': 3})
        same({i for i, (s, _) in w.items().items() if s == 'refused'}, {f'locked@{v}' for v in locked})
        w.compare()


@test
def a_bulk_request_without_an_answer_leaves_every_key_unknown_until_probed():
    with Bucket(lane={'timeout': '700ms', 'in_flight': 20}) as w:
        w.granted()
        w.canary()
        silent = []

        def fault(what, names):
            if what == 'delete' and not silent:
                silent.extend(names)
                return 'silent'
        w.store.fault = fault
        same(w.finish()['end'], 'COMPLETED')
        true(len(silent) > 1, silent)
        same({w.items()[k][0] for k, _ in silent}, {'gone'})
        same(w.states(), {'gone': len(silent), 'deleted': 60 - len(silent)})
        w.compare()
        w.verify()


@test
def in_a_rehearsal_nothing_leaves():
    with Bucket(n=20, status='Enabled') as w:
        w.call('mode.set', mode='rehearse')
        w.planned()
        s = w.finish()
        same((s['end'], w.lane(s=s)['rehearsed']), ('COMPLETED', 20))
        same((w.store.asked('delete'), len(w.store.current())), ([], 21))


main(globals())
