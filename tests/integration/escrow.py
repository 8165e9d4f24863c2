#!/usr/bin/python3
"""Escrow: what is counted restorable has a copy on disk that was read again and compared; nothing else has."""
import hashlib
import json
import os
import stat
import sys

sys.dont_write_bytecode = True
from englib import World, contains, main, refused, same, test, true, until   # noqa: F401


def world(how='try', files=40, orphan=12, unused=12, more=',download=all', escrow=None, policy=None, lane=None, **kw):
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
    out = {}
    for i, c, e in w.sql('SELECT id, class, evidence FROM items WHERE key >> 32 = (SELECT max(id) FROM cycles)'):
        out[i] = (c, next((x for x in json.loads(e) if x['rule'] == 'escrow'), None))
    return out


def index(w):
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


main(globals())
