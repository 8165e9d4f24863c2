#!/usr/bin/python3
"""A hand-picked plan: what is picked bounds a cycle and adds nothing to it."""
import os
import sqlite3
import subprocess
import sys

sys.dont_write_bytecode = True
from englib import SLUICE, World, contains, main, refused, same, test, true   # noqa: F401


def by_role(w, role):
    return sorted(m['id'] for m in w.sim.manifest() if m['role'] == role)


def only(*ids, lane='alpha'):
    return [{'lane': lane, 'id': i} for i in ids]


def start(w, items):
    w.call('cycle.start', policy='clean', only=items)
    return w.settled()


def planned(w):
    w.durable()
    return sorted(i for i, in w.sql('SELECT id FROM items WHERE key >> 32 = (SELECT max(id) FROM cycles)'))


def verdict(w, id_):
    rows = w.call('candidates', text=id_, limit=10)['rows']
    return next((r['verdict'], r['reason']) for r in rows if r['id'] == id_)


@test
def nothing_but_the_picked_is_deleted_and_no_protection_is_lifted():
    with World(files=100, orphan=30, unused=10, more=',protected=6') as w:
        orphans, kept = by_role(w, 'orphan'), by_role(w, 'protected') + by_role(w, 'tracked')
        want = orphans[3:6]
        s = start(w, only(*want, kept[0]))
        same(s['picked'], 4)
        w.call('cycle.step')
        s = w.settled()
        true(s['plan'], s['waiting_for'])
        same(planned(w), want)
        true(verdict(w, kept[0])[0] != 'candidate')
        contains(verdict(w, orphans[0])[1], 'not among the items that were picked')
        log = w.audit('cycle.picked')
        same([(p['items'], sorted(x['id'] for x in p['picked'])) for _, _, p in log], [(4, sorted(want + [kept[0]]))])
        same(s['picked_absent'], 0)
        w.arm()
        w.grant()
        w.call('cycle.step')
        same(w.finish()['end'], 'COMPLETED')
        same(sorted(w.deletes()[1]), want)
        w.verify()


@test
def what_is_on_no_list_is_named():
    with World(files=30, orphan=10, unused=0) as w:
        want = by_role(w, 'orphan')[:2]
        s = start(w, only(*want, by_role(w, 'tracked')[0], 'file-nowhere', 'file-\u202eodd'))
        same(s['picked_absent'], None)
        w.call('cycle.step')
        s = w.settled()
        same((planned(w), s['picked'], s['picked_absent']), (sorted(want), 5, 2))
        told = w.call('plan.show')['records'][0]['places']
        contains(told, '5 picked by hand: 2 planned, 1 kept, 2 not found (')
        contains(told, 'file-nowhere')
        true('\u202e' not in told, told)
        record = w.audit('plan.frozen')[-1][2]['picked']
        same({k: record[k] for k in ('items', 'planned', 'kept', 'absent')}, {'items': 5, 'planned': 2, 'kept': 1, 'absent': 2})
        same(sorted(x['id'] for x in record['not_found']), ['file-nowhere', 'file-\u202eodd'])
        w.call('cycle.cancel')
        w.settled()
        start(w, only(*(f'none-{n:02}' for n in range(30)), want[0]))
        w.call('cycle.step')
        w.settled()
        record = w.audit('plan.frozen')[-1][2]['picked']
        same((record['absent'], len(record['not_found'])), (30, 20))


@test
def the_next_cycle_is_not_bound_by_it():
    with World(files=30, orphan=10, unused=0) as w:
        start(w, only(by_role(w, 'orphan')[0]))
        w.call('cycle.cancel')
        w.settled()
        s = w.discovered()
        same(s['picked'], None)
        w.call('cycle.step')
        w.settled()
        same(planned(w), by_role(w, 'orphan'))


@test
def after_a_restart_it_is_bound_as_before():
    with World(files=30, orphan=10, unused=0) as w:
        want = by_role(w, 'orphan')[:2]
        start(w, only(*want))
        w.durable()
        w.kill()
        w.start()
        s = w.settled()
        if s['stage'] == 'DISCOVERING':
            w.call('cycle.step')
            s = w.settled()
        same((planned(w), s['picked']), (want, 2))


def lost(w, change):
    """Somebody changes what the engine keeps, while it is down."""
    db = sqlite3.connect(os.path.join(w.state, 'sluice.db'))
    try:
        same(db.execute(f"{change} WHERE key = 'picked'").rowcount, 1)
        db.commit()
    finally:
        db.close()


@test
def a_list_that_is_lost_ends_the_cycle_and_widens_nothing():
    for change in ('UPDATE settings SET value = substr(value, 1, 40)', 'DELETE FROM settings'):
        with World(files=30, orphan=10, unused=0) as w:
            start(w, only(*by_role(w, 'orphan')[:2]))
            w.durable()
            w.kill()
            lost(w, change)
            w.start()
            close = w.audit('cycle.close')
            same([p['end'] for _, _, p in close], ['LAPSED'], change)
            contains(close[0][2]['why'], 'picked items alone')
            same(w.call('status')['cycle'], None)
            same(planned(w), [])


@test
def what_is_picked_wrongly_is_refused_and_opens_nothing():
    with World(files=10, orphan=4, unused=0) as w:
        one = by_role(w, 'orphan')[0]
        for items, words in (([], 'at least one'), (['x'], 'lane and its id'), ([{'lane': 'alpha'}], 'lane and its id'),
                             (only(one, lane='beta'), 'no lane of policy'), (only(one, one), 'picked twice'),
                             (only(*(f'f{n}' for n in range(10001))), 'at most 10000')):
            refused(lambda: w.call('cycle.start', policy='clean', only=items), words)
        same(w.call('status')['cycle'], None)
        same(w.audit('cycle.picked', 'cycle.open'), [])
        start(w, only(*(f'f{n}' for n in range(10000))))
        same(w.status()['picked'], 10000)


@test
def the_verb_reads_a_list():
    with World(files=20, orphan=6, unused=0) as w:
        want = by_role(w, 'orphan')[:2]
        path = os.path.join(w.dir, 'list')

        def run(text, name=path):
            with open(path, 'w') as f:
                f.write(text)
            p = subprocess.run([SLUICE, '--state', w.state, '--config', os.path.join(w.dir, 'sluice.yaml'), 'cycle', 'start', 'clean', '--only', name],
                               input=text, capture_output=True, text=True, timeout=60)
            return p.returncode, p.stderr
        rc, err = run(f'alpha {want[0]}\nalpha\n')
        same(rc, 2)
        contains(err, 'line 2')
        same(run('', '/nowhere')[0], 2)
        same(run('')[0], 2)
        rc, err = run(f'alpha {want[0]}\n\nalpha\t{want[1]}', '-')
        same(rc, 0, err)
        w.settled()
        same(w.status()['picked'], 2)
        w.call('cycle.cancel')
        w.settled()
        rc, err = run(''.join(f'alpha f{n}\n' for n in range(10001)))
        same(rc, 2, err)
        contains(err, 'line 10001: at most 10000')
        for text in (''.join(f'alpha {n:01000}\n' for n in range(1100)), ''.join(f'alpha {n:01000}\n' for n in range(1015)) + f'alpha {1:09000}\n',
                     f'alpha {1:01100000}\n', 'alpha ' + '\x01' * 300000 + '\n'):
            rc, err = run(text)
            same(rc, 2, err)
            contains(err, '1 MiB')
        same(w.status()['state'], 'ended')
        for n in (9999, 10000):
            rc, err = run(''.join(f'alpha f{n}\n' for n in range(n)))
            same(rc, 0, err)
            w.settled()
            same(w.status()['picked'], n)
            w.call('cycle.cancel')
            w.settled()


if __name__ == '__main__':
    sys.exit(main(globals()))
