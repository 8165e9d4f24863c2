#!/usr/bin/python3
"""Escrow: what is counted restorable has a copy on disk that was read again and compared; nothing else has."""
import hashlib
import json
import os
import sqlite3
import stat
import subprocess
import sys

sys.dont_write_bytecode = True
from englib import SLUICE, World, contains, main, refused, same, test, true, until   # noqa: F401


def world(how='try', files=40, orphan=12, unused=12, more=',download=all,purpose=batch', escrow=None, policy=None, lane=None, **kw):
    """A world whose lane keeps copies; caps are per plan."""
    w = World(files=files, orphan=orphan, unused=unused, more=more, lane={'escrow': how, **(lane or {})}, policy=policy, start=False, **kw)
    w.configure(escrow={'reserve': '1MB', **(escrow or {})})
    return w.start()


def plan(w):
    """Planned in mode armed: only there is anything copied."""
    s = w.discovered()
    same(s['stage'], 'DISCOVERING', s['waiting_for'])
    w.arm()
    w.call('cycle.step')
    s = w.settled()
    true(s['plan'], s['waiting_for'])
    w.durable()
    return s


def planned(w):
    """id → (class, the evidence's line about the copy) of the newest plan."""
    w.durable()
    out = {}
    for i, c, e in w.sql('SELECT id, class, evidence FROM items WHERE key >> 32 = (SELECT max(id) FROM cycles)'):
        out[i] = (c, next((x for x in json.loads(e) if x['rule'] == 'escrow'), None))
    return out


def index(w):
    w.durable()
    return {i: dict(bytes=b, sha=s, path=p, state=st, cycle=c) for i, b, s, p, st, c in
            w.sql('SELECT id, bytes, sha256, path, state, cycle FROM escrow')}


def content(w):
    """id → (bytes, SHA-256) as the simulator's manifest has them: another program's word."""
    return {m['id']: (m.get('bytes'), m.get('sha256')) for m in w.sim.manifest()}


def files(w, where=None):
    d = where or os.path.join(w.state, 'escrow')
    return sorted(os.listdir(d)) if os.path.isdir(d) else []


def file_hash(path):
    with open(path, 'rb') as f:
        return hashlib.sha256(f.read()).hexdigest()


def true_copies(w):
    """Every R1 of the plan has its bytes on disk, private and equal to the store's; the R0s have none."""
    have, want, seen = index(w), content(w), planned(w)
    for i, (c, line) in seen.items():
        true(line, f'{i}: no word about a copy')
        if c == 0:
            same(line['verdict'], 'no', i)
            true(have.get(i, {}).get('state') != 'ok', f'{i} is R0 and has a copy: {line}')
            continue
        same((c, line['verdict'], have[i]['state']), (1, 'yes', 'ok'), i)
        same((line['bytes'], line['sha256']), want[i], i)
        same(file_hash(have[i]['path']), want[i][1], i)
        same(stat.S_IMODE(os.stat(have[i]['path']).st_mode), 0o600, i)
    same(len(files(w)), sum(c == 1 for c, _ in seen.values()), files(w))
    return seen


def lane_class(w, s):
    return w.lane(s=s)['class']


@test
def what_the_store_gives_back_is_R1_and_its_bytes_are_on_disk():
    with world() as w:
        s = plan(w)
        seen = true_copies(w)
        same(len(seen), 24)
        same({c for c, _ in seen.values()}, {1})
        same(lane_class(w, s), {'R0': 0, 'R1': 24, 'R2': 0, 'R3': 0})
        same(stat.S_IMODE(os.stat(os.path.join(w.state, 'escrow')).st_mode), 0o700)
        intents, outcomes = w.of_cycle('escrow.intent'), w.of_cycle('escrow.outcome')
        same((len(intents), len(outcomes)), (24, 24))
        same({p['outcome'] for _, _, p in outcomes}, {'ok'})
        p = w.call('plan.show', lane='alpha', items=0)
        true(not p['lanes'][0]['irreversible_phrase'], 'nothing is irreversible, nothing is to be typed for it')
        same(p['lanes'][0]['restorable_bytes'], p['lanes'][0]['bytes'])
        w.grant()
        w.call('cycle.step')
        w.finish()
        same(w.states(), {'deleted': 24})
        same(len(w.deletes()[1]), 24)
        same(len(files(w)), 24)                 # they outlive the originals
        w.verify()


@test
def what_does_not_come_back_whole_stays_R0_with_the_reason():
    for fault, word in (('404-lie', 'no such file'), ('short-page', 'ended'), ('wrong-length', 'more bytes'),
                        ('empty-body', 'bytes came instead of'), ('401', 'key'), ('500-before', '500')):
        with world(files=20, orphan=6, unused=0, faults=['store=alpha op=content fault=' + fault]) as w:
            s = plan(w)
            seen = true_copies(w)
            same({c for c, _ in seen.values()}, {0}, fault)
            for _, line in seen.values():
                contains(line['because'], word)
            same(lane_class(w, s)['R0'], 6)
            same(files(w), [], fault)
            true(w.call('plan.show', lane='alpha', items=0)['lanes'][0]['irreversible_phrase'], 'what cannot be restored is to be typed')


def set_hashes(w, wrong=0):
    """Rows learn the SHA-256 of their files; the first `wrong` of them another one."""
    db = sqlite3.connect(w.app)
    want, lied = content(w), set()
    for n, (key, i) in enumerate(db.execute('SELECT id, provider_file_id FROM provider_file_uploads').fetchall()):
        sha = want[i][1]
        if n < wrong:
            sha = hashlib.sha256(sha.encode()).hexdigest()
            lied.add(i)
        db.execute('UPDATE provider_file_uploads SET sha256 = ? WHERE id = ?', (sha, key))
    db.commit()
    db.close()
    return lied


@test
def a_byte_that_is_not_the_rows_is_found_by_the_rows_hash():
    with world(files=30, orphan=0, unused=20) as w:
        lied = set_hashes(w, 30)
        lied &= {m['id'] for m in w.sim.manifest() if m['role'] == 'unused'}
        plan(w)
        seen = planned(w)
        same(len(seen), 20)
        for i, (c, line) in seen.items():
            same(c, 0 if i in lied else 1, i)
            if i in lied:
                contains(line['because'], 'SHA-256')
        true(lied and files(w) == [] or len(files(w)) == 20 - len(lied))
    with world(files=20, orphan=0, unused=10, faults=['store=alpha op=content from=3..5 fault=wrong-byte']) as w:
        set_hashes(w)
        plan(w)
        same(sorted(c for c, _ in true_copies(w).values()), [0] * 3 + [1] * 7)


@test
def where_it_is_required_what_has_no_copy_is_no_candidate():
    with world('required', files=30, orphan=10, unused=10, faults=['store=alpha op=content from=2..7 fault=404-lie']) as w:
        plan(w)
        seen = true_copies(w)
        same([c for c, _ in seen.values()], [1] * 14)
        rows = w.sql('SELECT id, verdict, reason FROM verdicts', path=os.path.join(w.state, 'catalog.db'))
        kept = [r for i, v, r in rows if 'escrow is required' in r]
        same(len(kept), 6)
        true(all('no such file' in r for r in kept), kept)
        same(w.call('status')['lanes'][0]['candidates'], 14)
        w.grant()
        w.call('cycle.step')
        w.finish()
        same(sorted(w.deletes()[1]), sorted(seen))


@test
def no_more_is_copied_than_a_plan_may_delete():
    caps = {'caps': {'items': 5, 'bytes': '1TB', 'share': '100%'}}
    with world(files=30, orphan=10, unused=10, policy=caps) as w:
        plan(w)
        seen = true_copies(w)
        same(sorted(c for c, _ in seen.values()), [0] * 15 + [1] * 5)
        w.durable()
        ranks = w.sql('SELECT rank FROM items WHERE class = 1 ORDER BY rank')
        same([r for r, in ranks], [1, 2, 3, 4, 5])
        contains(next(l['because'] for c, l in seen.values() if c == 0), 'beyond the 5 items')
    with world('required', files=30, orphan=10, unused=10, policy=caps, faults=['store=alpha op=content from=1..2 fault=404-lie']) as w:
        plan(w)
        same([c for c, _ in true_copies(w).values()], [1] * 5)


@test
def nothing_is_copied_in_a_rehearsal_or_before_arming():
    with world(files=20, orphan=6, unused=0) as w:
        w.call('mode.set', mode='rehearse')
        w.call('cycle.start', policy='clean')
        w.settled()
        w.call('cycle.step')
        w.settled()
        w.durable()
        same({(c, 'rehearsal' in l['because']) for c, l in planned(w).values()}, {(0, True)})
        w.call('cycle.cancel') if w.status()['state'] != 'ended' else None
        w.settled()
        same(files(w), [])
    for how, n in (('try', 6), ('required', 0)):
        with world(how, files=20, orphan=6, unused=0) as w:
            w.discovered()
            w.call('cycle.step')                # in observe
            w.settled()
            same(len(planned(w)), n, how)
            true(all(c == 0 and 'armed' in l['because'] for c, l in planned(w).values()))
            same((files(w), index(w)), ([], {}))
            same([x for x in w.sim.ledger() if x.get('op') == 'content'], [])


@test
def a_whole_copy_is_verified_and_used_again_a_damaged_one_is_made_again():
    with world(files=20, orphan=6, unused=0) as w:
        plan(w)
        first = index(w)
        w.call('cycle.cancel')
        w.settled()
        bad = sorted(first)[0]
        with open(first[bad]['path'], 'r+b') as f:
            f.seek(10)
            f.write(b'\0\1\2')
        before = sum(x.get('op') == 'content' and x['kind'] == 'request' for x in w.sim.ledger())
        plan(w)
        same({c for c, _ in true_copies(w).values()}, {1})
        asked = sum(x.get('op') == 'content' and x['kind'] == 'request' for x in w.sim.ledger()) - before
        same(asked, 1, 'only the damaged one is asked for again')
        same({x['cycle'] for x in index(w).values()}, {2}, 'each copy belongs to the cycle that counts on it')


@test
def no_room_means_no_copy_and_the_reason():
    with world(files=20, orphan=6, unused=0, escrow={'reserve': '900TB'}) as w:
        plan(w)
        for c, line in true_copies(w).values():
            same(c, 0)
            contains(line['because'], 'no room')
    with world(files=20, orphan=6, unused=0, escrow={'dir': '/proc/nothing'}) as w:
        plan(w)
        for c, line in true_copies(w).values():
            same(c, 0)
            contains(line['because'], '/proc/nothing')


@test
def killed_while_copying_the_started_one_is_taken_away_and_made_again():
    for point in ('audit.escrow.intent.after:1', 'escrow.write.after:4', 'escrow.rename.before:2', 'escrow.rename.after:3',
                  'audit.escrow.outcome.before:1', 'audit.escrow.outcome.after:1'):
        with World(files=20, orphan=8, unused=0, more=',download=all,purpose=batch', lane={'escrow': 'try'}, start=False) as w:
            w.configure(escrow={'reserve': '1MB', 'at_once': 2})
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
            true(s['state'] == 'waiting', (point, s['stage'], s['waiting_for']))
            same([i for i, x in index(w).items() if x['state'] == 'started'], [], point)
            if not s['plan']:
                if s['stage'] == 'DISCOVERING':
                    w.arm()
                    w.call('cycle.step')
                else:
                    w.call('cycle.resume')
                s = w.settled()
            seen = true_copies(w)
            same([c for c, _ in seen.values()], [1] * 8, point)
            w.verify()


@test
def copying_can_be_held_cancelled_and_stopped():
    slow = ['store=alpha op=content fault=delay arg=300']
    for how in ('hold', 'cancel', 'stop'):
        with world(files=60, orphan=40, unused=0, faults=slow, escrow={'at_once': 1}) as w:
            w.discovered()
            w.arm()
            w.call('cycle.step')
            until(lambda: (w.status()['copying'] or {}).get('kept'))
            if how == 'hold':
                w.call('cycle.hold', why='look')
                w.sim.no_faults()
                asked = len(w.sim.lines(kind='request', op='content'))
                for _ in range(50):
                    w.status()
                true(len(w.sim.lines(kind='request', op='content')) <= asked + 1, 'asked for while held')
                true(w.status()['copying']['kept'] < 40)
                w.call('cycle.resume')
                s = w.settled()
                true(s['plan'], s['waiting_for'])
                same({c for c, _ in true_copies(w).values()}, {1})
            elif how == 'cancel':
                w.call('cycle.cancel')
                w.settled()
                until(lambda: not w.status()['copying'])
                w.durable()
                same([i for i, x in index(w).items() if x['state'] == 'started'], [])
                w.sim.no_faults()
                plan(w)
                same({c for c, _ in true_copies(w).values()}, {1})
            else:
                w.stop()
                w.sim.no_faults()
                w.start()
                s = w.settled()
                same(s['state'], 'waiting', s['waiting_for'])


def spoil(path, how):
    if how == 'missing':
        os.unlink(path)
        return
    with open(path, 'r+b') as f:
        if how == 'short':
            f.truncate(10)
        else:
            f.seek(10)
            f.write(b'\0\1\2')


@test
def the_gate_into_cleaning_reads_every_copy_again():
    for how, word in (('missing', 'missing'), ('short', 'damaged'), ('changed', 'damaged'), ('other', 'index')):
        with world(files=20, orphan=6, unused=0) as w:
            plan(w)
            w.grant()
            bad = sorted(index(w))[2]
            if how == 'other':                  # index and file agree with each other, not with the plan
                db = sqlite3.connect(os.path.join(w.state, 'sluice.db'), timeout=10)
                path = index(w)[bad]['path']
                spoil(path, 'changed')
                db.execute('UPDATE escrow SET sha256 = ? WHERE id = ?', (file_hash(path), bad))
                db.commit()
                db.close()
            else:
                spoil(index(w)[bad]['path'], how)
            e = refused(lambda: w.call('cycle.step'), '1 of 6 copies', bad, word, rc='stale')
            contains(str(e), 'cancel the cycle')
            same(w.deletes()[1], {})
            check = next(c for c in w.call('checks')['checks'] if c['kind'] == 'escrow')
            same(check['state'], 'fail', check)
            w.call('cycle.cancel')
            w.settled()
            plan(w)                             # copies the damaged one again
            w.grant()
            w.call('cycle.step')
            w.finish()
            same(w.states(), {'deleted': 6})
            until(lambda: [p for _, _, p in w.of_cycle('escrow.test') if 'chance' in p['why']])
            tests = [p for _, _, p in w.of_cycle('escrow.test')]
            same([(p['why'], p['checked'], p['damaged']) for p in tests], [('gate', 6, 0), ('one by chance at the end of the cycle', 1, 0)])
            check = next(c for c in w.call('checks')['checks'] if c['kind'] == 'escrow')
            same(check['state'], 'pass', check)


@test
def after_a_restart_cleaning_goes_on_only_with_whole_copies():
    with world(files=60, orphan=40, unused=0) as w:
        plan(w)
        w.grant()
        w.canary()
        left = [i for i, (s, _) in w.items().items() if s == 'planned']
        true(left)
        w.kill()
        path = index(w)[left[0]]['path']
        with open(path, 'rb') as f:
            good = f.read()
        spoil(path, 'changed')
        w.start()
        w.settled()
        refused(lambda: w.call('cycle.resume'), 'copies', left[0], 'abort', rc='stale')
        with open(path, 'wb') as f:
            f.write(good)
        w.finish()
        same(w.states(), {'deleted': 40})


@test
def operators_list_and_verify_copies_and_old_ones_leave():
    with world(files=20, orphan=6, unused=0) as w:
        plan(w)
        w.grant()
        w.call('cycle.step')
        w.finish()
        cli = [SLUICE, '--state', w.state, '--config', os.path.join(w.dir, 'sluice.yaml')]

        def say(*words):
            got = subprocess.run(cli + list(words), capture_output=True, text=True, timeout=60)
            return got.returncode, got.stdout, got.stderr
        rc, out, _ = say('escrow', 'list', '--json')
        have = json.loads(out)['copies']
        same((rc, sorted(c['id'] for c in have)), (0, sorted(index(w))))
        rc, out, _ = say('escrow', 'verify')
        same(rc, 0)
        contains(out, '6 copies read again', '0 damaged')
        spoil(have[0]['path'], 'changed')
        spoil(have[1]['path'], 'missing')
        rc, out, err = say('escrow', 'verify')
        same(rc, 3)
        contains(out, '2 damaged or missing', have[0]['id'], have[1]['id'])
        same(say('escrow', 'verify', have[2]['id'])[0], 0)
        same(say('escrow', 'verify', have[0]['id'])[0], 3)
        same(say('escrow', 'verify', 'nothing')[0], 2)
        rc, _, err = say('escrow', 'restore', have[2]['id'])
        same(rc, 2)
        contains(err, '--reason', '--to FILE')
        w.stop()
        db = sqlite3.connect(os.path.join(w.state, 'sluice.db'))
        day = 86400 * 1000000
        db.execute('UPDATE escrow SET at_us = at_us - ? WHERE id = ?', (31 * day, have[3]['id']))
        db.execute('UPDATE escrow SET at_us = at_us - ? WHERE id = ?', (29 * day, have[4]['id']))
        db.commit()
        db.close()
        w.start()
        plan(w)                                 # a cycle that ends looks for old ones
        w.settled()
        until(lambda: index(w)[have[3]['id']]['state'] == 'discarded')
        until(lambda: not os.path.exists(have[3]['path']))
        same(index(w)[have[4]['id']]['state'], 'ok')
        true(os.path.exists(have[4]['path']))
        w.verify()


if __name__ == '__main__':
    sys.exit(main(globals()))
