#!/usr/bin/python3
"""Lane item, object, row: what may be the last copy stays, a lost row makes no orphan, and a source of objects that was not
listed completely proves nothing."""
import os
import shutil
import sqlite3
import sys

sys.dont_write_bytecode = True
from englib import World, contains, main, refused, same, test, true, until     # noqa: E402, F401


class Kept(World):
    """Its application keeps every object that a row names, below its own directory."""

    def __init__(self, source=None, more_records=None, **kw):
        super().__init__(start=False, **kw)
        self.root = os.path.join(self.dir, 'objects')
        for o in self.objects().values():
            self.keep(o)
        self.conf['objects'] = [{'name': 'uploads', 'path': self.root, 'row_prefix': 'up/', **(source or {})}]
        for r in self.conf['records']:
            r.update(objects='uploads', **(more_records or {}))
        self.configure()
        db = sqlite3.connect(self.app)
        db.execute("UPDATE provider_file_uploads SET supabase_file_id = 'up/' || supabase_file_id")
        db.execute("UPDATE conversation_files SET file_id = 'up/' || file_id WHERE file_id IN (SELECT id FROM files WHERE id != 'obj-known')")
        db.commit()
        db.close()
        self.start()

    def objects(self):
        """id → object, as it was before the prefix."""
        return {i: o.removeprefix('up/') for i, o in self.rows('SELECT provider_file_id, supabase_file_id FROM provider_file_uploads') if o}

    def keep(self, name, data=b'x'):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as f:
            f.write(data)

    def lose(self, name):
        os.unlink(os.path.join(self.root, name))

    def change(self, statement, *args):
        db = sqlite3.connect(self.app)
        db.execute(statement, args)
        db.commit()
        db.close()

    def seen(self):
        """id → (verdict, where, rule, reason)."""
        return {r['id']: (r['verdict'], r['where'], r['rule'], r['reason']) for r in self.call('candidates', limit=1000)['rows']}

    def again(self):
        s = self.planned()
        got = self.seen()
        totals = self.of_cycle('plan.frozen')[-1][2]['lanes'][0]['reconcile']
        proof = self.call('plan.show', lane='alpha', items=0)['records'][0]['places']
        if self.status()['state'] != 'ended':           # without a candidate it ends by itself
            self.call('cycle.cancel')
            self.settled()
        return s, got, totals, proof


def roles(w, role):
    return [m['id'] for m in w.sim.manifest() if m['role'] == role]


@test
def what_may_be_the_last_copy_stays_and_a_lost_row_makes_no_orphan():
    with Kept(files=60, orphan=20, unused=20) as w:
        objects, unused, orphans = w.objects(), roles(w, 'unused'), roles(w, 'orphan')
        gone, nameless, lost = unused[:7], unused[7:9], orphans[:3]
        for i in gone:
            w.lose(objects[i])
        for i in nameless:
            w.change('UPDATE provider_file_uploads SET supabase_file_id = NULL WHERE provider_file_id = ?', i)
        for i in lost:
            w.keep(i)                                   # named by the item's id
        w.keep('deep/down/nobodys')
        w.conf['records'][0]['references'] = None       # what names no object could not be followed to them
        w.conf['policies'][0]['rules'] = [{'rule': 'orphan'}, {'rule': 'age', 'older_than': '1d'}]
        w.stop()
        w.configure()
        w.start()
        _, seen, totals, proof = w.again()
        for i in gone:
            same(seen[i][:3], ('protected', 'P - D', 'protect:object'), i)
            contains(seen[i][3], 'last copy')
        for i in nameless:
            same(seen[i][:2], ('candidate', 'P n D'), i)
        for i in lost:
            same(seen[i][:2], ('candidate', 'P O -'), i)
            true('orphan' not in seen[i][2], seen[i])
        for i in orphans[3:]:
            same(seen[i][:2], ('candidate', 'P - -'), i)
            contains(seen[i][2], 'orphan')
        for i in unused[9:]:
            same(seen[i][:2], ('candidate', 'P O D'), i)
        same(totals, {'object_missing': 7, 'row_lost': 3, 'orphan': 17, 'healthy': len(seen) - 27})
        contains(proof, 'objects uploads:', '7 object missing', '3 row lost', '3 objects in no row')


@test
def what_is_protected_so_is_not_deleted_and_the_plan_says_where_all_else_is():
    with Kept(files=40, orphan=6, unused=12) as w:
        objects, unused = w.objects(), roles(w, 'unused')
        for i in unused[::2]:
            w.lose(objects[i])
        w.granted()
        rows = w.call('plan.items', look='all', lane='alpha', limit=100)['rows']
        same({r['where'] for r in rows}, {'P O D', 'P - -'})
        true(not set(unused[::2]) & {r['id'] for r in rows}, 'a last copy is planned')
        one = w.call('candidates.one', id=unused[0])
        line = next(e for e in one['evidence'] if e['rule'] == 'reconcile')
        same((line['verdict'], line['because'], line['where']), ('no', 'object missing', 'P - D'))
        told = w.call('policy.explain', policy='clean', id=unused[0])
        same((told['verdict'], told['where']), ('protected', 'P - D'))
        true('protect:object' in [p['rule'] for p in told['protects']], told['protects'])
        w.finish()
        _, gone = w.compare()
        true(not set(unused[::2]) & set(gone), 'a last copy is gone')
        w.verify()


def unknown(w, *words):
    """Nothing that hangs on an object is eligible; what names none still is."""
    s, seen, totals, proof = w.again()
    verdicts = {}
    for i, (v, where, _, reason) in seen.items():
        verdicts.setdefault((v, where), []).append(reason)
    true(not any(v == 'candidate' for v, _ in verdicts), verdicts.keys())
    true(all('?' in where for _, where in verdicts), verdicts.keys())
    contains(next(r[0] for (v, _), r in verdicts.items() if v == 'ineligible'), *words)
    same(list(totals), ['cannot_know'])
    contains(proof, 'objects uploads are not listed')
    contains(w.of_cycle('records.listed')[-1][2]['objects']['trouble'], *words)


@test
def a_source_that_is_not_listed_completely_proves_nothing():
    with Kept(files=30, orphan=10, unused=10) as w:
        whole, aside = w.root, w.root + '.aside'
        _, seen, _, _ = w.again()
        same(sum(v[0] == 'candidate' for v in seen.values()), 20)
        os.rename(whole, aside)
        unknown(w, 'cannot open')                       # vanished
        os.symlink(aside, whole)
        unknown(w, 'symbolic link')
        os.unlink(whole)
        os.mkdir(whole)
        unknown(w, 'no object at all', 'mounted')       # the empty directory below a mount
        os.rmdir(whole)
        os.rename(aside, whole)
        here = whole
        for _ in range(65):                             # as far as it goes, then no further: half a list
            here = os.path.join(here, 'd')
            os.mkdir(here)
        unknown(w, 'deep')
        shutil.rmtree(os.path.join(whole, 'd'))
        if os.geteuid():
            os.mkdir(os.path.join(whole, 'shut'), 0)
            unknown(w, 'shut')
            os.rmdir(os.path.join(whole, 'shut'))
        _, seen, _, _ = w.again()
        same(sum(v[0] == 'candidate' for v in seen.values()), 20)


@test
def sentinels_bounds_and_words_of_the_configuration():
    with Kept(files=30, orphan=10, unused=10, source={'sentinels': ['up/.mounted']}) as w:
        unknown(w, 'sentinel up/.mounted')
        w.keep('.mounted')
        _, seen, _, _ = w.again()
        same(sum(v[0] == 'candidate' for v in seen.values()), 20)
        n = sum(len(f) for _, _, f in os.walk(w.root))
        w.stop()
        w.conf['objects'][0].update(most=n - 1, sentinels=None)
        w.configure()
        w.start()
        unknown(w, f'more than {n - 1} objects')
        w.stop()
        w.conf['objects'][0].update(most=n, item_key='none')
        w.configure()
        w.start()
        _, seen, _, proof = w.again()
        same({where for _, where, _, _ in seen.values()}, {'P O D', 'P n -'})
        shutil.rmtree(w.root)
        os.mkdir(w.root)
        w.stop()
        w.conf['objects'][0].update(may_be_empty='yes', item_key='id')
        w.configure()
        w.start()
        _, seen, _, proof = w.again()
        same({(v, where) for v, where, _, _ in seen.values()}, {('protected', 'P - D'), ('candidate', 'P - -')})
        contains(proof, 'they may be none')


if __name__ == '__main__':
    sys.exit(main(globals()))
