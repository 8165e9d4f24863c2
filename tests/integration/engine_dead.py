#!/usr/bin/python3
"""Dead letters: listed by harm, redriven as a plan of nothing but the chosen ones, dismissed with a reason; none leaves
the list without a record."""
import sqlite3
import subprocess
import sys

sys.dont_write_bytecode = True
from englib import SLUICE, World, contains, main, refused, same, test, true, until


def letters(w, **ask):
    return w.call('dead.list', **ask)['letters']


def by_belief(w, belief):
    return [x['letter'] for x in letters(w, belief=belief)]


def cli(w, *args, rc=0):
    p = subprocess.run([SLUICE, '--state', w.state, *args], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    same(p.returncode, rc, p.stderr)
    return p.stdout or p.stderr


class Failed:
    """A finished cycle that left letters: two files that refuse to go, one of which nobody knows."""

    def __init__(self, **kw):
        self.w = World(files=60, orphan=20, unused=20, **kw)

    def __enter__(self):
        w = self.w.__enter__()
        try:
            w.planned()
            w.arm()
            w.grant()
            ranked = [i for i, in w.sql('SELECT id FROM items ORDER BY rank')]
            w.there, w.unknown = ranked[20:22], ranked[30]
            for i in w.there:
                w.sim.fault(f'store=alpha op=delete id={i} fault=500-before')
            w.sim.fault(f'store=alpha op=delete id={w.unknown} times=1 fault=500-after')
            w.sim.fault(f'store=alpha op=get id={w.unknown} fault=500-before')
            same(w.finish()['end'], 'COMPLETED_WITH_FAILURES')
            w.sim.no_faults()
        except BaseException:
            w.close()
            raise
        return w

    def __exit__(self, *exc):
        return self.w.__exit__(*exc)


@test
def the_list_is_by_harm_and_says_what_is_known():
    with Failed() as w:
        got = letters(w)
        same([(x['belief'], x['id']) for x in got][:1], [('maybe_deleted', w.unknown)])
        same(sorted(x['id'] for x in got[1:]), sorted(w.there))
        same({(x['belief'], x['class'], x['lane'], x['phase']) for x in got[1:]}, {('exists', 'R0', 'alpha', 'cleaning')})
        name, size = w.sql('SELECT name, bytes FROM items WHERE id = ?', w.unknown)[0]
        same((got[0]['name'], got[0]['bytes'], got[0]['letter'].split('.')[0]), (name, size, '1'))
        same([x['id'] for x in letters(w, offset=1, limit=1)], [got[1]['id']])
        same(letters(w, lane='nowhere'), [])
        same(w.call('dead.list', belief='exists')['total'], 2)
        text = cli(w, 'dead', 'list')
        contains(text, w.unknown, 'maybe_deleted', got[1]['letter'])
        contains(cli(w, 'dead', 'list', '--limit', '1'), '1 of 3 shown')


@test
def a_redrive_plans_the_chosen_ones_and_nothing_else():
    with Failed() as w:
        left, taken = (x for x in letters(w, belief='exists'))
        w.call('dead.redrive', letters=[taken['letter']])
        s = w.settled()
        w.call('cycle.step')
        s = w.settled()
        same((s['plan']['items'], w.lane(s=s)['planned']), (1, 1), s['waiting_for'])
        same([x['id'] for x in w.call('plan.items', look='all')['rows']], [taken['id']])
        refused(lambda: w.call('cycle.step'), 'grant needed')
        one = w.call('candidates.one', id=left['id'])
        same(one['verdict'], 'kept')
        contains(one['reason'], 'not among the dead letters')
        same(len(letters(w)), 3, 'while it runs they stay')
        w.grant()
        s = w.finish()
        same((s['end'], w.lane(s=s)['deleted']), ('COMPLETED', 1))
        same(sorted(x['letter'] for x in letters(w)), sorted(by_belief(w, 'maybe_deleted') + [left['letter']]))
        out = [(s, p['out'], p.get('letter')) for _, s, p in w.of_cycle('dead_letter')]
        same(out, [('clean', 'redrive begun', None), (taken['id'], 'redriven', taken['letter'])])
        true(left['id'] not in w.deletes()[1] and taken['id'] in w.deletes()[1])
        w.verify()


@test
def a_letter_that_fails_again_is_one_letter_not_two():
    with Failed() as w:
        for i in w.there:
            w.sim.fault(f'store=alpha op=delete id={i} fault=500-before')
        w.call('dead.redrive', letters=by_belief(w, 'exists'))
        w.settled()
        w.call('cycle.step')
        w.settled()
        w.grant()
        w.finish()
        got = letters(w, belief='exists')
        same(sorted(x['id'] for x in got), sorted(w.there))
        same({x['cycle'] for x in got}, {2})


@test
def a_restart_does_not_widen_a_redrive():
    with Failed() as w:
        chosen = by_belief(w, 'exists')[:1]
        w.call('dead.redrive', letters=chosen)
        w.settled()
        w.kill()
        w.start()
        s = w.settled()
        same(s['stage'], 'DISCOVERING')
        w.call('cycle.step')
        s = w.settled()
        same(s['plan']['items'], 1)
        w.call('cycle.cancel')
        same(len(letters(w)), 3, 'a cancelled one changes nothing')
        until(lambda: not w.wires[-1].call('status')['cycle'] or w.status()['state'] == 'ended')
        w.planned()
        same(w.status()['plan']['items'], 2, 'the next cycle is not bounded: both are there and match')


@test
def letters_that_are_lost_end_the_redrive_and_widen_nothing():
    with Failed() as w:
        w.call('dead.redrive', letters=by_belief(w, 'exists')[:1])
        w.settled()
        w.durable()
        w.kill()
        with sqlite3.connect(f'{w.state}/sluice.db') as db:
            same(db.execute("UPDATE settings SET value = substr(value, 1, 20) WHERE key = 'redrive'").rowcount, 1)
        db.close()
        w.start()
        _, _, close = w.of_cycle('cycle.close')[-1]
        same(close['end'], 'LAPSED')
        contains(close['why'], 'chosen dead letters alone')
        same((w.call('status')['cycle'], len(letters(w))), (None, 3))


@test
def what_cannot_be_redriven_is_refused_by_name():
    with Failed() as w:
        one = by_belief(w, 'exists')[0]
        for bad, word in (([], 'at least one'), (['x'], 'like 3.17'), (['1.999'], 'no dead letter 1.999'), ([one, one], 'named twice'), ([7], 'like 3.17'),
                          (['1.-1'], 'like 3.17'), (['0.1'], 'like 3.17')):
            refused(lambda: w.call('dead.redrive', letters=bad), word)
            refused(lambda: w.call('dead.dismiss', letters=bad, reason='x'), word)
        w.call('dead.redrive', letters=[one])
        refused(lambda: w.call('dead.redrive', letters=[one]), 'is open')
        refused(lambda: w.call('dead.dismiss', letters=[one], reason='x'), 'being redriven')
        watch = w.wire('/watch')
        same(len(watch.call('dead.list')['letters']), 3)
        refused(lambda: watch.call('dead.redrive', letters=[one]), 'watcher')
        refused(lambda: watch.call('dead.dismiss', letters=[one], reason='x'), 'watcher')
        watch.close()
        w.wires.pop()


@test
def a_row_conflict_is_not_redriven_but_dismissed():
    with World(files=60, orphan=0, unused=40) as w:
        w.granted()
        w.canary()
        w.call('cycle.resume')
        w.settled()
        a = w.sql('SELECT id FROM items ORDER BY rank DESC LIMIT 1')[0][0]
        used = dict(w.rows('SELECT provider_file_id, supabase_file_id FROM provider_file_uploads'))[a]
        db = sqlite3.connect(w.app)             # somebody uses it by then
        w.refer(db, used)
        db.commit()
        db.close()
        w.finish()
        got = letters(w)
        same([(x['belief'], x['id']) for x in got], [('row_conflict', a)])
        refused(lambda: w.call('dead.redrive', letters=[got[0]['letter']]), 'row conflict', 'repair the row')
        contains(cli(w, 'dead', 'dismiss', got[0]['letter'], rc=2), '--reason')
        refused(lambda: w.call('dead.dismiss', letters=[got[0]['letter']], reason=''), 'reason')
        contains(cli(w, 'dead', 'dismiss', got[0]['letter'], '--reason', 'the row is repaired'), '1 dismissed')
        same(letters(w), [])
        out = [p for _, s, p in w.audit('dead_letter') if s == a][-1]
        same((out['out'], out['reason'], out['letter'], out['belief']), ('dismissed', 'the row is repaired', got[0]['letter'], 'row_conflict'))
        contains(cli(w, 'dead', 'list'), 'no dead letters')
        contains(cli(w, 'dead', 'dismiss', '--belief', 'exists', '--reason', 'x', rc=2), 'no dead letter')


if __name__ == '__main__':
    sys.exit(main(globals()))
