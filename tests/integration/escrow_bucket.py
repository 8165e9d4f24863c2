#!/usr/bin/python3
"""Copies that go into a bucket: put over nothing, read again before their plan, again at the gate and before they go back;
a bucket that says nothing lets nothing be deleted. The bucket is a store of its own that checks signatures itself; what was
asked of the lane is in the simulator's ledger."""
import hashlib
import json
import os
import sqlite3
import sys

sys.dont_write_bytecode = True
from englib import World, contains, main, refused, same, test, true, until
from s3lib import ID, REGION, SECRET, Store

DAY = 86400 * 1000000


class Kept(World):
    """Six files without a row; their copies go into the bucket."""

    def __init__(self, how='required', n=6, copies=None, escrow=None, status='', lane=None, start=True, **kw):
        self.store = Store(bucket='copies', status=status)
        try:
            super().__init__(files=20 + n, orphan=n, unused=0, more=',download=all,purpose=batch', lane={'escrow': how, **(lane or {})}, start=False, **kw)
            self.n = n
            self.private('s3key', f'{ID}:{SECRET}\n')
            self.conf['lanes'].append({'name': 'copies', 'dialect': 's3', 'url': f'http://127.0.0.1:{self.store.port}', 'bucket': 'copies', 'region': REGION,
                                       'prefix': '"here/"', 'key_file': 's3key', 'rate': '100000/s', 'burst': 10000, 'timeout': '5s',
                                       'retry': self.conf['lanes'][0]['retry'], **(copies or {})})
            self.configure(escrow={'reserve': '1MB', 'lane': 'copies', **(escrow or {})})
            if start:
                self.start()
        except BaseException:
            self.store.stop()
            raise

    def close(self):
        super().close()
        self.store.stop()

    def plan(self):
        s = self.discovered()
        same(s['stage'], 'DISCOVERING', s['waiting_for'])
        self.arm()
        self.call('cycle.step')
        s = self.settled()
        self.durable()
        return s

    def index(self):
        self.durable()
        return {i: dict(path=p, bytes=b, sha=s, state=st) for i, p, b, s, st in self.sql('SELECT id, path, bytes, sha256, state FROM escrow')}

    def key(self, i):
        path = self.index()[i]['path']
        true(path.startswith('bucket:copies/here/'), path)
        return path[len('bucket:copies/'):]

    def bodies(self):
        return {k: self.store.keys[k][0].body for k in self.store.current()}

    def whole(self, n=None):
        """Every copy of the index lies in the bucket with the very bytes of the lane, and none on the disk."""
        want = {m['id']: (m.get('bytes'), m.get('sha256')) for m in self.sim.manifest()}
        have = {i: x for i, x in self.index().items() if x['state'] == 'ok'}
        same(len(have), self.n if n is None else n)
        for i, x in have.items():
            body = self.bodies()[self.key(i)]
            same((x['bytes'], x['sha']), want[i], i)
            same((len(body), hashlib.sha256(body).hexdigest()), want[i], i)
        same([f for f in os.listdir(os.path.join(self.state, 'escrow'))], [], 'on the disk')
        return have

    def bytes_of(self, file):
        """Of a file of the lane, asked for by the test itself."""
        c = self.sim.conn()
        try:
            body = c.ask('GET', f'/v1/files/{file}/content').body
        finally:
            c.close()
        return len(body), hashlib.sha256(body).hexdigest()

    def spoil(self, key, how):
        with self.store.lock:
            body = self.store.keys[key][0].body
            if how == 'missing':
                del self.store.keys[key]
            else:
                self.store.put(key, {'short': body[:-1], 'long': body + b'?', 'changed': body[:-1] + bytes([body[-1] ^ 1])}[how])

    def nothing_deleted(self):
        same(self.deletes()[1], {}, 'deleted')

    def age(self, i, days):
        db = sqlite3.connect(os.path.join(self.state, 'sluice.db'))
        db.execute('UPDATE escrow SET at_us = at_us - ? WHERE id = ?', (days * DAY, i))
        db.commit()
        db.close()


def down(*what):
    return lambda asked, names: (503, 'ServiceUnavailable') if asked in (what or ('object_get', 'object_put', 'list')) else None


@test
def copies_lie_in_the_bucket_before_anything_is_deleted_and_come_back_out_of_it():
    with Kept() as w:
        s = w.plan()
        same(w.lane(s=s)['class'], {'R0': 0, 'R1': 6, 'R2': 0, 'R3': 0})
        have = w.whole()
        same(set(w.bodies()), {w.key(i) for i in have}, 'nothing else is in the bucket')
        puts = [names[0][0] for _, names, _ in w.store.asked('object_put')]
        same((sorted(puts), len(set(puts))), (sorted(w.bodies()), 6), 'each is put once')
        w.nothing_deleted()
        w.grant()
        before = len(w.store.asked('object_get'))
        w.call('cycle.step')
        true(len(w.store.asked('object_get')) >= before + 6, 'the gate reads each again')
        s = w.finish()
        same((s['end'], w.states()), ('COMPLETED', {'deleted': 6}), s['equation'])
        w.whole()                                       # they outlive the originals
        until(lambda: [p for _, _, p in w.of_cycle('escrow.test') if 'chance' in p['why']])
        same([(p['checked'], p['damaged']) for _, _, p in w.of_cycle('escrow.test')], [(6, 0), (1, 0)])
        v = w.call('escrow.verify')
        same((v['checked'], v['bad'], v['bytes']), (6, 0, sum(x['bytes'] for x in have.values())))
        same({c['path'] for c in w.call('escrow.list')['copies']}, {x['path'] for x in have.values()})
        some = sorted(have)[0]
        got = w.call('escrow.restore', lane='alpha', id=some, reason='needed after all')
        same(w.bytes_of(got['new_id']), (have[some]['bytes'], have[some]['sha']))
        other = sorted(have)[1]
        w.spoil(w.key(other), 'changed')
        refused(lambda: w.call('escrow.restore', lane='alpha', id=other, reason='r'), 'damaged')
        v = w.call('escrow.verify')
        same((v['checked'], v['bad'], [d['id'] for d in v['damaged']]), (6, 1, [other]))
        w.verify()


@test
def what_is_not_proved_in_the_bucket_is_not_deleted():
    """The store takes every PUT and keeps other bytes, or none, of the first two."""
    for how in ('changed', 'short', 'long', 'missing'):
        with Kept() as w:
            spoiled = []

            def fault(what, names):
                if what != 'object_get':
                    return None
                k = names[0][0]
                if k in w.store.keys and k not in spoiled and len(spoiled) < 2:
                    spoiled.append(k)
                if k not in spoiled:
                    return None
                return (404, 'NoSuchKey') if how == 'missing' else \
                    lambda out: {'short': out[:-1], 'long': out + b'?', 'changed': out[:-1] + bytes([out[-1] ^ 1])}[how]
            w.store.fault = fault
            s = w.plan()
            same((w.lane(s=s)['class'], len(spoiled)), ({'R0': 0, 'R1': 4, 'R2': 0, 'R3': 0}, 2), how)
            w.whole(4)
            w.grant()
            w.call('cycle.step')
            w.finish()
            same(w.states(), {'deleted': 4})
            same(set(w.deletes()[1]), {i for i, x in w.index().items() if x['state'] == 'ok'}, how)
            w.verify()


@test
def a_bucket_that_takes_nothing_stops_the_copying_and_says_why():
    for fault, how, n, word in ((down('object_put'), 'required', 0, '503'), (down(), 'try', 6, '503'), (lambda what, names: (403, 'AccessDenied'), 'try', 6, 'AccessDenied')):
        with Kept(how, escrow={'at_once': 1}) as w:
            w.store.fault = fault
            s = w.plan()
            same([i for i, x in w.index().items() if x['state'] == 'ok'], [])
            w.durable()
            rows = w.sql('SELECT evidence FROM items')
            same(len(rows), n)
            for e, in rows:
                line = next(x for x in json.loads(e) if x['rule'] == 'escrow')
                same(line['verdict'], 'no')
                contains(line['because'], 'bucket', word)
            if how == 'try':
                same(w.lane(s=s)['class']['R0'], 6)
                true(w.call('plan.show', lane='alpha')['lanes'][0]['irreversible_phrase'], 'what cannot be restored is to be typed')
            true(len(w.store.asked('object_put')) <= 5, 'one item is tried, the others are not')
            w.nothing_deleted()
            same(os.listdir(os.path.join(w.state, 'escrow')), [])


@test
def what_passes_is_asked_for_again_and_nothing_is_put_twice():
    with Kept(n=12) as w:
        seen = []

        def fault(what, names):
            if what != 'object_put':
                return None
            seen.append(names[0][0])
            n = seen.count(names[0][0]) + len(set(seen))
            return ('cut', 'cut-before', (500, 'InternalError'), (503, 'SlowDown'), None)[n % 5] if seen.count(names[0][0]) < 3 else None
        w.store.fault = fault
        s = w.plan()
        same(w.lane(s=s)['class']['R1'], 12)
        same(len(w.whole(12)), 12)
        true(len(seen) > 12, 'nothing went wrong')


@test
def the_gate_reads_the_bucket_and_a_bucket_that_is_silent_holds():
    for how, word in (('missing', 'missing'), ('changed', 'damaged')):
        with Kept() as w:
            w.plan()
            w.grant()
            bad = sorted(w.index())[2]
            w.spoil(w.key(bad), how)
            refused(lambda: w.call('cycle.step'), '1 of 6 copies', bad, word, rc='stale')
            w.nothing_deleted()
            w.call('cycle.cancel')
            w.settled()
            w.plan()                                    # what is damaged is made again
            w.whole()
            w.grant()
            w.call('cycle.step')
            w.finish()
            same(w.states(), {'deleted': 6})
    with Kept() as w:
        w.plan()
        w.grant()
        w.store.fault = down()
        refused(lambda: w.call('cycle.step'), 'cannot be read', '503')
        refused(lambda: w.call('escrow.verify'), 'cannot be read', '503')
        w.nothing_deleted()
        w.store.fault = lambda what, names: None
        w.call('cycle.step')
        w.finish()
        same(w.states(), {'deleted': 6})
        w.verify()


@test
def an_abort_brings_back_out_of_the_bucket_and_waits_for_it():
    with Kept(n=24) as w:
        w.plan()
        have = w.whole()
        w.grant(on_abort='ask')
        w.canary()
        gone = {i for i, (state, _) in w.items().items() if state == 'deleted'}
        true(1 < len(gone) < 24, gone)
        w.store.fault = down('object_get')
        w.call('cycle.abort', how='restore', reason='second thoughts')
        s = until(lambda: (s := w.status())['state'] == 'held' and s, 60, lambda: str(w.status()))
        contains(str(s['waiting_for']), 'cannot be read')
        w.store.fault = lambda what, names: None
        w.call('cycle.resume')
        s = until(lambda: (s := w.status())['state'] == 'ended' and s, 60, lambda: str(w.status()))
        same((s['end'], s['restored'], s['balanced']), ('ABORTED_RESTORED', f'restored {len(gone)} of {len(gone)}', True), s['waiting_for'])
        back = dict(w.sql('SELECT i.id, r.new_id FROM restored r JOIN item_list i ON i.cycle = r.cycle AND i.n = r.n'))
        same({i: w.bytes_of(new) for i, new in back.items()}, {i: (have[i]['bytes'], have[i]['sha']) for i in gone})
        w.verify()


@test
def killed_between_the_put_and_its_record_the_copy_is_found_and_taken():
    for point in ('escrow.rename.after:2', 'audit.escrow.outcome.before:1', 'audit.escrow.outcome.after:1'):
        with Kept(start=False, escrow={'at_once': 2}) as w:
            w.start(SLUICE_KILL_AT=point)
            w.discovered()
            w.arm()
            try:
                w.call('cycle.step')
                w.settled()
            except BaseException:
                pass
            w.ended(-9)
            w.start()
            s = w.settled()
            same([i for i, x in w.index().items() if x['state'] == 'started'], [], point)
            w.nothing_deleted()
            if not s['plan']:
                if s['stage'] == 'DISCOVERING':
                    w.arm()
                    w.call('cycle.step')
                else:
                    w.call('cycle.resume')
                s = w.settled()
            same(w.lane(s=s)['class']['R1'], 6, point)
            same(set(w.bodies()), {w.key(i) for i in w.whole()}, point)
            w.verify()


@test
def the_engine_ends_while_the_bucket_says_nothing():
    for what, fault in (('object_put', (503, 'SlowDown')), ('object_get', 'silent')):
        with Kept(copies={'timeout': '1s'}) as w:
            w.store.fault = lambda asked, names: fault if asked == what else None
            w.discovered()
            w.arm()
            w.call('cycle.step')
            until(lambda: w.store.asked('object_put'))
            w.stop()
            w.nothing_deleted()
            w.store.fault = lambda asked, names: None
            w.start()
            same([i for i, x in w.index().items() if x['state'] == 'started'], [], what)
            w.verify()


@test
def there_is_room_in_the_bucket_or_nothing_is_put():
    for quota, word in (({'quota_items': 7}, ' 6 copies to put, it holds 2 of 7'), ({'quota_bytes': '1B', 'max_item': '1B'}, 'bytes to put')):
        with Kept('try', copies=quota, start=False) as w:
            for i in range(2):
                w.store.put(f'here/{i}', b'x' * 10)
            w.start()
            s = w.plan()
            same(w.lane(s=s)['class']['R0'], 6)
            w.durable()
            contains(w.sql('SELECT evidence FROM items')[0][0], 'no room in the bucket', word)
            same(w.store.asked('object_put'), [])
    with Kept(copies={'quota_items': 6}) as w:
        same(w.lane(s=w.plan())['class']['R1'], 6)
    with Kept('try', copies={'quota_items': 6}) as w:
        w.store.fault = down('list')
        w.plan()
        contains(w.sql('SELECT evidence FROM items')[0][0], 'could not be listed')


@test
def old_copies_leave_the_bucket_only_in_mode_armed():
    with Kept() as w:
        w.plan()
        w.grant()
        w.call('cycle.step')
        w.finish()
        a, b = sorted(w.whole())[:2]
        old, young = w.key(a), w.key(b)
        w.stop()
        w.age(a, 31)
        w.age(b, 29)
        w.start()
        w.call('mode.set', mode='observe')
        w.discovered()
        w.call('cycle.cancel')
        w.settled()
        same((w.index()[a]['state'], old in w.store.current()), ('ok', True))
        w.plan()
        w.call('cycle.cancel') if w.status()['state'] != 'ended' else None
        w.settled()
        until(lambda: old not in w.store.current())
        same((w.index()[a]['state'], w.index()[b]['state'], young in w.store.current()), ('discarded', 'ok', True))
        refused(lambda: w.call('escrow.restore', lane='alpha', id=a, reason='r'), 'discarded')
        w.verify()


if __name__ == '__main__':
    sys.exit(main(globals()))
