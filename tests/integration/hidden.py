#!/usr/bin/python3
"""Objects in a bucket; and a plan that would delete an item and the only other copy of its bytes is refused."""
import hashlib
import json
import sqlite3
import sys
import time

sys.dont_write_bytecode = True
from englib import World, contains, main, same, test, true, until       # noqa: E402, F401
from s3lib import ID, REGION, SECRET, Store                             # noqa: E402

OLD = time.time() - 9 * 86400


def roles(w, role, store='alpha'):
    return [m['id'] for m in w.sim.manifest() if m['role'] == role and m['store'] == store]


class Archive(World):
    """The objects of the rows lie in a bucket that is a lane of its own."""

    def __init__(self, lanes=('alpha',), rule='age', policy=None, status='', source=None, **kw):
        self.store = Store(status=status)
        try:
            super().__init__(start=False, **kw)
            self.private('s3key', f'{ID}:{SECRET}\n')
            self.conf['lanes'].append({'name': 'archive', 'dialect': 's3', 'url': f'http://127.0.0.1:{self.store.port}', 'bucket': 'things',
                                       'region': REGION, 'key_file': 's3key', 'rate': '100000/s', 'burst': 10000, 'timeout': '5s'})
            self.conf['objects'] = [{'name': 'kept', 'type': 's3', 'lane': 'archive', 'row_prefix': '"s3:"', **(source or {})}]
            self.conf['records'][0].update(objects='kept', references=None,
                                           lanes=[{'value': 'kimi', 'lane': 'alpha'}, {'value': 'glm', 'lane': 'archive'}])
            self.conf['policies'][0].update(lanes=list(lanes), rules=[{'rule': 'orphan'} if rule == 'orphan' else {'rule': 'age', 'older_than': '1d'}],
                                            **(policy or {}))
            self.configure()
            self.change("UPDATE provider_file_uploads SET supabase_file_id = 's3:data/' || provider_file_id")
            for i in self.objects():
                self.store.put('data/' + i, b'x', OLD)
            self.start()
        except BaseException:
            self.store.stop()
            raise

    def change(self, statement, *args):
        db = sqlite3.connect(self.app)
        db.execute(statement, args)
        db.commit()
        db.close()

    def objects(self):
        return [i for i, in self.rows('SELECT provider_file_id FROM provider_file_uploads')]

    def close(self):
        super().close()
        self.store.stop()

    def seen(self, lane='alpha'):
        return {r['id']: (r['verdict'], r['where']) for r in self.call('candidates', lane=lane, limit=1000)['rows']}

    def lose(self, i):
        with self.store.lock:
            del self.store.keys['data/' + i]

    def refused(self, *words):
        self.discovered()
        self.call('cycle.step')
        s = self.settled()
        true(not s['plan'], 'there is a plan')
        contains(str(s), *words)
        if s['state'] != 'ended':
            self.call('cycle.cancel')
            self.settled()
        return s


@test
def objects_in_a_bucket_are_reconciled_and_looked_for_again():
    with Archive(files=60, orphan=10, unused=30, rule='age') as w:
        unused = roles(w, 'unused')
        for i in unused[:5]:
            w.lose(i)
        w.granted()
        seen = w.seen()
        same({seen[i] for i in unused[:5]}, {('protected', 'P - D')})
        same({seen[i] for i in unused[5:]}, {('candidate', 'P O D')})
        same({seen[i] for i in roles(w, 'orphan')}, {('candidate', 'P - -')})
        contains(w.call('plan.show', lane='alpha', items=0)['records'][0]['places'], 'objects kept: 45 in their bucket', '5 object missing')
        w.canary()
        asked, _ = w.deletes()
        left = [i for i in unused[5:] if i not in asked]
        for i in left[::2]:
            w.lose(i)
        w.finish()
        _, gone = w.compare()
        true(left[::2] and not set(left[::2]) & set(gone), 'a last copy is gone')
        same({i for i, (state, _) in w.items().items() if state == 'protected'}, set(left[::2]))
        w.verify()


@test
def a_bucket_that_is_not_listed_whole_proves_nothing():
    with Archive(files=30, orphan=10, unused=10, rule='age') as w:
        w.store.fault = lambda what, names: (500, 'InternalError') if what == 'list' else None
        w.planned()
        same({v for v in w.seen().values()}, {('ineligible', 'P ? D'), ('ineligible', 'P ? -')})


@test
def a_plan_that_deletes_an_item_and_its_only_object_is_refused():
    with Archive(files=40, orphan=0, unused=10, lanes=('alpha', 'archive')) as w:
        w.refused('40 items and the only other copy', 'hidden_escrow: allow')
        w.discovered()
        w.call('cycle.step')
        w.settled()
        w.call('lane.exclude', lane='archive', reason='it holds the objects')
        w.call('cycle.resume')
        true(w.settled()['plan'], 'without the lane of the objects there is no plan')
        same({r['lane'] for r in w.call('plan.items', look='all', limit=100)['rows']}, {'alpha'})
    with Archive(files=40, orphan=0, unused=10, lanes=('alpha', 'archive'), policy={'hidden_escrow': 'allow'}) as w:
        w.planned()
        contains(w.call('plan.show', lane='alpha', items=0)['records'][0]['places'], 'declared: an item and the only other copy')
        contains(str(w.call('status')['lanes'][0]['reconcile']), "'healthy': 40")
    with Archive(files=40, orphan=0, unused=10, lanes=('alpha', 'archive'), status='Enabled') as w:
        w.planned()                                     # its deletes can be taken back


def twins(w, n):
    """The first n unused files of both lanes hold the same bytes, as their rows say."""
    db = sqlite3.connect(w.app)
    for k, pair in enumerate(zip(roles(w, 'unused'), roles(w, 'unused', 'beta'))):
        for i in pair[:2 if k < n else 0]:
            db.execute('UPDATE provider_file_uploads SET sha256 = ? WHERE provider_file_id = ?', (hashlib.sha256(bytes([k])).hexdigest(), i))
    db.commit()
    db.close()


BOTH = {'files': 30, 'orphan': 0, 'unused': 10, 'more': ',bytes=100..100', 'beta': 'files=30,orphan=0,unused=10,bytes=100..100'}


@test
def a_plan_that_deletes_the_copies_of_both_lanes_is_refused_and_one_that_leaves_one_is_not():
    with World(**BOTH, start=False) as w:
        w.conf['records'][0]['references'] = None
        w.configure()
        twins(w, 3)
        w.start()
        Archive.refused(w, '3 items and the only other copy')
        for lane, role in (('alpha', 'alpha'), ('beta', 'beta')):
            twin = roles(w, 'unused', role)[:3]
            for i in twin:
                w.call('protect.set', lane=lane, id=i, reason='test')
            w.planned()
            w.call('cycle.cancel')
            w.settled()
            for i in twin:
                w.call('protect.clear', lane=lane, id=i, reason='test')
        Archive.refused(w, 'only other copy')


@test
def what_the_lane_does_not_give_back_is_copied_from_its_object_in_the_bucket():
    with Archive(files=16, orphan=0, unused=10, rule='age', lane={'escrow': 'try', 'dialect': 'kimi', 'quota_items': 1000},
                 more=',dialect=kimi,purpose=file-extract') as w:
        w.stop()
        w.configure(escrow={'reserve': '1MB'})
        sizes = {m['id']: m['bytes'] for m in w.sim.manifest()}
        body = {i: (hashlib.sha512(i.encode()).digest() * (sizes[i] // 64 + 1))[:sizes[i]] for i in w.objects()}
        for i in w.objects():
            w.store.put('data/' + i, body[i], OLD)
            w.change('UPDATE provider_file_uploads SET sha256 = ? WHERE provider_file_id = ?', hashlib.sha256(body[i]).hexdigest(), i)
        all_ = w.objects()
        short, other, grown, locked = all_[:4]
        w.store.put('data/' + short, body[short][:-1], OLD)
        w.store.put('data/' + other, bytes([body[other][0] ^ 1]) + body[other][1:], OLD)
        w.store.put('data/' + grown, body[grown] + b'x', OLD)
        w.store.key_fault = {'data/' + locked: 'AccessDenied'}
        busy = set()                                    # told to come back, and cut, once each
        w.store.fault = lambda what, names: busy.add(names[0]) or ((503, 'SlowDown'), 'cut')[len(busy) % 2] \
            if what == 'object_get' and len(busy) < 4 and names[0] not in busy else None
        w.start()
        w.discovered()
        w.arm()
        w.call('cycle.step')
        s = w.settled()
        true(s['plan'], s['waiting_for'])
        w.durable()
        got = {i: (c, next(x for x in json.loads(e) if x['rule'] == 'escrow')) for i, c, e in w.sql('SELECT id, class, evidence FROM items')}
        same(set(got), set(all_))
        for i, word in ((short, 'instead of'), (other, 'SHA-256'), (grown, 'more bytes'), (locked, 'AccessDenied')):
            same((got[i][0], got[i][1]['verdict']), (0, 'no'), i)
            contains(got[i][1]['because'], word)
        for i in all_[4:]:
            same((got[i][0], got[i][1]['verdict'], got[i][1]['from']), (1, 'yes', 'kept'), i)
            contains(got[i][1]['because'], 'under a new id')
            path, = [p for p, in w.sql("SELECT path FROM escrow WHERE id = ? AND state = 'ok'", i)]
            with open(path, 'rb') as f:
                same(f.read(), body[i], i)
        same({p['from'] for _, _, p in w.of_cycle('escrow.outcome')}, {'kept'})
        w.grant()
        w.finish()
        w.compare()
        w.verify()


if __name__ == '__main__':
    sys.exit(main(globals()))
