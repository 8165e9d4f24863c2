#!/usr/bin/python3
"""Lane item, object, row: what may be the last copy stays, a lost row makes no orphan, and a source of objects that was not
listed completely proves nothing."""
import hashlib
import json
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
        w.call('cycle.start', policy='clean')
        w.settled()
        told = w.call('status')['records'][0]
        contains(told['sentence'], 'objects uploads:')
        same((told['objects']['complete'], told['objects']['objects']), (True, len(objects) - len(gone) + 4))
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


@test
def an_object_that_is_lost_after_the_plan_keeps_its_item():
    with Kept(files=60, orphan=10, unused=30) as w:
        objects = w.objects()
        w.granted()
        w.canary()
        asked, _ = w.deletes()
        left = [i for i in roles(w, 'unused') if i not in asked]
        for i in left[::3]:
            w.lose(objects[i])
        w.finish()
        same({i for i, (state, _) in w.items().items() if state == 'protected'}, set(left[::3]))
        _, gone = w.compare()
        true(not set(left[::3]) & set(gone), 'a last copy is gone')
        w.verify()


@test
def objects_that_cannot_be_looked_for_hold_what_is_left():
    with Kept(files=60, orphan=0, unused=30) as w:
        w.granted()
        w.canary()
        os.rename(w.root, w.root + '.aside')
        before = set(w.deletes()[0])
        w.call('cycle.resume')
        s = w.settled()
        true(s['state'] != 'ended', s['waiting_for'])
        same(set(w.deletes()[0]), before)
        os.rename(w.root + '.aside', w.root)
        w.finish()
        same(len(w.deletes()[1]), 30)
        w.verify()


@test
def an_object_that_is_lost_while_no_engine_runs_keeps_its_item():
    with Kept(files=60, orphan=0, unused=30) as w:
        objects = w.objects()
        w.granted()
        w.canary()
        w.kill()
        asked, _ = w.deletes()
        left = [i for i in roles(w, 'unused') if i not in asked]
        for i in left[::3]:
            w.lose(objects[i])
        w.start()
        w.settled()
        w.finish()
        same({i for i, (state, _) in w.items().items() if state == 'protected'}, set(left[::3]))
        _, gone = w.compare()
        true(not set(left[::3]) & set(gone), 'a last copy is gone')
        w.verify()


# ---- copies of what the lane does not give back ----

def given(w, i):
    """The bytes of a file, as the simulator's store has them: Kimi wraps them, as the text it found."""
    c = w.sim.conn()
    try:
        body = c.ask('GET', f'/v1/files/{i}/content').body
    finally:
        c.close()
    return json.loads(body)['content'].encode() if w.conf['lanes'][0].get('dialect') == 'kimi' else body


class Copied(Kept):
    """Objects hold what the lane's files hold, and the rows' hashes are theirs."""

    def __init__(self, lane=None, more=',purpose=batch', **kw):
        super().__init__(lane={'escrow': 'try', **(lane or {})}, more=more, **kw)
        self.data = {i: given(self, i) for i in self.objects()}
        for i, o in self.objects().items():
            self.keep(o, self.data[i])
            self.change('UPDATE provider_file_uploads SET sha256 = ? WHERE provider_file_id = ?', hashlib.sha256(self.data[i]).hexdigest(), i)
        self.stop()
        self.configure(escrow={'reserve': '1MB'})
        self.start()

    def plan(self):
        """id → (class, the evidence's line about the copy)."""
        self.discovered()
        self.arm()
        self.call('cycle.step')
        true(self.settled()['plan'], 'there is no plan')
        self.durable()
        return {i: (c, next(x for x in json.loads(e) if x['rule'] == 'escrow')) for i, c, e in
                self.sql('SELECT id, class, evidence FROM items WHERE key >> 32 = (SELECT max(id) FROM cycles)')}


KIMI = {'lane': {'dialect': 'kimi', 'quota_items': 1000}, 'more': ',dialect=kimi,purpose=file-extract'}


@test
def what_the_lane_does_not_give_back_is_copied_from_its_object():
    with Copied(files=30, orphan=5, unused=15, **KIMI) as w:
        objects, unused = w.objects(), roles(w, 'unused')
        short, other, grown = unused[:3]
        w.keep(objects[short], w.data[short][:-1])
        w.keep(objects[other], bytes([w.data[other][0] ^ 1]) + w.data[other][1:])
        w.keep(objects[grown], w.data[grown] + b'x')
        got = w.plan()
        same(len(got), 20)
        for i in unused[3:]:
            same((got[i][0], got[i][1]['verdict'], got[i][1]['from']), (1, 'yes', 'uploads'), i)
            path, = [p for p, in w.sql("SELECT path FROM escrow WHERE id = ? AND state = 'ok'", i)]
            with open(path, 'rb') as f:
                same(f.read(), w.data[i], i)
        for i, word in ((short, 'its object has'), (other, 'SHA-256'), (grown, 'its object has')):
            same((got[i][0], got[i][1]['verdict']), (0, 'no'), i)
            contains(got[i][1]['because'], word)
        for i in roles(w, 'orphan'):                    # in no row: nothing names an object
            same(got[i][0], 0, i)
            contains(got[i][1]['because'], 'not the file')
        same(len(os.listdir(os.path.join(w.state, 'escrow'))), 12)
        same({p['from'] for _, _, p in w.of_cycle('escrow.outcome')}, {'uploads'})
        w.grant()
        w.finish()
        w.compare()
        w.verify()


@test
def what_the_store_refuses_to_give_is_copied_from_its_object_and_comes_back_after_an_abort():
    with Copied(files=30, orphan=0, unused=20, more=',purpose=batch,download=all') as w:
        w.stop()
        w.start()
        w.sim.fault('store=alpha op=content fault=404-lie')
        got = w.plan()
        same({(c, line['from']) for c, line in got.values()}, {(1, 'uploads')})
        w.sim.no_faults()
        w.grant()
        w.canary()
        w.call('cycle.abort', how='restore', reason='test')
        s = w.settled()
        same(s['end'], 'ABORTED_RESTORED', s['equation'])
        w.durable()
        for old, new in w.sql('SELECT i.id, r.new_id FROM restored r JOIN item_list i ON i.cycle = r.cycle AND i.n = r.n'):
            same(given(w, new), w.data[old], old)
        w.verify()


@test
def an_object_that_is_gone_by_then_is_no_copy():
    with Copied(files=20, orphan=0, unused=10, **{**KIMI, 'lane': {**KIMI['lane'], 'escrow': 'required'}}) as w:
        objects, unused = w.objects(), roles(w, 'unused')
        where = os.path.join(w.root, objects[unused[0]])
        w.discovered()
        w.call('cycle.cancel')
        os.unlink(where)
        os.symlink('/etc/hostname', where)              # not followed: not there
        got = w.plan()
        same(set(got), set(unused[1:]))
        same({c for c, _ in got.values()}, {1})


@test
def killed_while_objects_are_copied_they_are_copied_again():
    # several records may come with one commit, and are one point: the first is sure to come
    for point in ('audit.escrow.intent.after:1', 'escrow.write.after:4', 'escrow.rename.after:3', 'audit.escrow.outcome.before:1'):
        with Copied(files=20, orphan=0, unused=8, **KIMI) as w:
            w.stop()
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
            same(w.sql("SELECT id FROM escrow WHERE state = 'started'"), [], point)
            if not s['plan'] and s['stage'] == 'DISCOVERING':
                w.arm()
            if not s['plan']:
                w.call('cycle.step' if s['stage'] == 'DISCOVERING' else 'cycle.resume')
                s = w.settled()
            true(s['plan'], (point, s['waiting_for']))
            w.durable()
            same(w.sql('SELECT count(*), min(class), max(class) FROM items WHERE key >> 32 = (SELECT max(id) FROM cycles)'), [(8, 1, 1)], point)
            for i, path in w.sql("SELECT id, path FROM escrow WHERE state = 'ok'"):
                with open(path, 'rb') as f:
                    same(f.read(), w.data[i], point)
            w.verify()


if __name__ == '__main__':
    sys.exit(main(globals()))
