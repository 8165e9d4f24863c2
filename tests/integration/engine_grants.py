#!/usr/bin/python3
"""A grant is for exactly one plan, lane and amount; every ceiling at N−1, N, N+1; signed files count once."""
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
from englib import SLUICE, World, main, refused, same, test, true


def plan_of(w, items=None):
    p = w.call('plan.show', lane='alpha', items=items or 0)
    l = p['lanes'][0]
    return p, (l['grant'] if items else l)


def approve(w, items=None, **change):
    p, g = plan_of(w, items)
    q = dict(plan=p['id'], lane='alpha', items=g['items'], bytes=g['bytes'], phrase=g['phrase'],
             irreversible_phrase=g['irreversible_phrase'] or '', reason='test')
    q.update(change)
    return w.call('grant.approve', **{k: v for k, v in q.items() if v is not None})


# ---- the typed phrase ----

@test
def a_phrase_is_exact_or_it_is_wrong():
    with World() as w:
        w.planned()
        w.arm()
        p, g = plan_of(w)
        same(g['phrase'], f'DELETE 40 alpha {p["id"][:4]}')
        same(g['irreversible_phrase'], 'IRREVERSIBLE 40')
        right = g['phrase']
        near = ['', ' ', right + ' ', ' ' + right, right.lower(), right.upper(), right[:-1], right + p['id'][4], right.replace(' ', '  '),
                right.replace('40', '39'), right.replace('40', '41'), right.replace('40', '040'), right.replace('alpha', 'beta'),
                right.replace('alpha', 'alph\u0430'), right + '\n', right.replace(' ', '\t'), 'DELETE', 'yes', 'y']
        for n, phrase in enumerate(near):
            refused(lambda: approve(w, phrase=phrase), 'phrase', rc='grant')
            if n % 2:
                approve(w)                      # the right one starts the count again
        for phrase in (None, '', 'IRREVERSIBLE 39', 'irreversible 40', 'IRREVERSIBLE 40 '):
            refused(lambda: approve(w, irreversible_phrase=phrase), 'irreversible')
            approve(w)
        same(len(w.audit('grant.rejected')), len(near) + 5)


@test
def three_wrong_phrases_cool_the_operator_down_and_nobody_else_is_delayed():
    with World() as w:
        w.planned()
        w.arm()
        for _ in range(2):
            refused(lambda: approve(w, phrase='DELETE'), 'phrase')
        refused(lambda: approve(w, items=None, bytes=1), 'bytes')       # not a wrong phrase
        refused(lambda: approve(w, phrase='DELETE'), 'phrase')
        e = refused(lambda: approve(w), 'three wrong phrases', 'alice', ' s')
        same(e.rc, 'refused')
        same(w.call('grant.list')['grants'], [])
        refused(lambda: w.call('cycle.step'), 'grant needed')
        w.call('cycle.hold', why='never cooled down')


@test
def a_grant_names_this_plan_this_lane_and_an_amount_inside_it():
    with World() as w:
        w.planned()
        p, g = plan_of(w)
        refused(lambda: approve(w), 'observe')
        w.arm()
        for plan in (p['id'][:12], p['id'].upper(), '0' * 64, p['id'][:-1] + ('0' if p['id'][-1] != '0' else '1'), p['id'] + '0', ''):
            refused(lambda: approve(w, plan=plan), 'plan', rc='grant')
        for lane in ('beta', '', 'ALPHA', 'alpha '):
            refused(lambda: approve(w, lane=lane), 'lane', rc='grant')
        for items in (0, -1, 41, 1 << 40):
            refused(lambda: w.call('grant.approve', plan=p['id'], lane='alpha', items=items, bytes=g['bytes'], phrase=g['phrase'],
                                   irreversible_phrase='', reason='x'), rc='cap')
        refused(lambda: approve(w, bytes=g['bytes'] - 1), 'bytes', rc='cap')
        refused(lambda: approve(w, reason=''), 'reason')
        refused(lambda: approve(w, on_abort='later'), 'on_abort')
        refused(lambda: approve(w, on_abort='restore'), 'escrow')
        same(w.call('grant.list')['grants'], [])
        approve(w)
        approve(w, items=7)             # the later word counts
        s = w.finish()
        same((w.lane(s=s)['granted'], w.lane(s=s)['deleted'], w.lane(s=s)['not_started']), (7, 7, 33))
        ranks = dict(w.sql('SELECT id, rank FROM items'))
        same(sorted(ranks[i] for i in w.compare()[1]), list(range(1, 8)))
        same([r[0] for r in w.sql('SELECT state FROM grants ORDER BY made_us')], ['lapsed', 'active'])


@test
def a_plan_of_an_earlier_cycle_is_no_plan_and_a_spent_one_neither():
    with World() as w:
        w.planned()
        w.arm()
        old = plan_of(w)[0]['id']
        w.call('cycle.cancel')
        w.planned()
        true(plan_of(w)[0]['id'] != old)
        refused(lambda: approve(w, plan=old), 'plan', rc='grant')
        approve(w)
        w.canary()
        refused(lambda: approve(w), 'spent')


# ---- caps ----

def limits(caps, n, word):
    with World(policy={'caps': {'items': 100000, 'bytes': '1TB', 'share': '100%', **caps}}) as w:
        w.planned()
        w.arm()
        same(plan_of(w)[0]['lanes'][0]['items'], 40)
        refused(lambda: approve(w, items=n + 1), word, rc='cap')
        refused(lambda: approve(w), word, rc='cap')
        if n:
            approve(w, items=n)
        if n > 1:
            approve(w, items=n - 1)


@test
def the_cap_of_items_holds_at_one_below_at_it_and_one_above():
    limits({'items': 10}, 10, 'cap items')
    limits({'items': 1}, 1, 'cap items')
    limits({'items': 0}, 0, 'cap items')


@test
def the_share_holds_at_one_below_at_it_and_one_above():
    limits({'share': '25%'}, 15, 'cap share')
    limits({'share': '1%'}, 0, 'cap share')
    limits({'share': '0%'}, 0, 'cap share')


@test
def what_must_remain_remains():
    limits({'remain': 55}, 5, 'would remain')
    limits({'remain': 60}, 0, 'would remain')


@test
def the_cap_of_bytes_holds_to_the_byte():
    with World() as w:
        w.planned()
        seven = plan_of(w, 7)[1]['bytes']
    for bytes_, n in ((seven, 7), (seven - 1, 6), (0, 0)):
        limits({'bytes': f'{bytes_}B'}, n, 'cap bytes')


@test
def absent_caps_are_defaults_and_stand_in_the_plan():
    with World(policy={'caps': {'remain': 0}}) as w:
        w.planned()
        l = w.call('plan.show')['lanes'][0]
        same({k: l['caps'][k] for k in ('items', 'bytes', 'share_bp', 'remain')}, {'items': 1000, 'bytes': 10 ** 10, 'share_bp': 5000, 'remain': 0})
        same(sorted(l['caps']['defaults']), ['bytes', 'items', 'remain', 'share'])
        w.arm()
        refused(lambda: approve(w, items=31), 'cap share')
        approve(w, items=30)


def second_cycle(w, first, refuse, grant, word):
    w.granted(items=first)
    same(w.finish()['lanes'][0]['deleted'], first)
    w.planned()
    refused(lambda: approve(w, items=refuse), word, '24 h', rc='cap')
    approve(w, items=grant)
    same(w.finish()['lanes'][0]['deleted'], grant)


@test
def ceilings_hold_over_24_hours_and_across_a_restart():
    with World(policy={'caps': {'items': 30, 'bytes': '1TB', 'share': '100%'}}) as w:
        w.granted(items=20)
        w.finish()
        w.stop()
        w.start()
        w.planned()
        refused(lambda: approve(w, items=11), 'cap items', '20 in the last 24 h', rc='cap')
        approve(w, items=10)
    with World(policy={'caps': {'items': 1000, 'bytes': '1TB', 'share': '50%'}}) as w:
        second_cycle(w, 20, 11, 10, 'cap share')        # of 60 listed, though 40 are listed now
        w.planned()
        refused(lambda: approve(w, items=1), 'cap share', '24 h')


@test
def what_was_proved_not_deleted_does_not_count_over_24_hours():
    with World(policy={'caps': {'items': 30, 'bytes': '1TB', 'share': '100%'}}) as w:
        w.planned()
        w.arm()
        for (i,) in w.sql('SELECT id FROM items WHERE rank > 18 AND rank <= 20'):
            w.sim.fault(f'store=alpha op=delete id={i} fault=409-in-use')
        approve(w, items=20)
        same(w.finish()['lanes'][0]['refused'], 2)
        w.planned()
        refused(lambda: approve(w, items=13), '18 in the last 24 h')
        approve(w, items=12)


@test
def a_rehearsal_needs_no_grant_and_keeps_the_caps():
    with World(policy={'caps': {'items': 12, 'bytes': '1TB', 'share': '100%'}}) as w:
        w.call('mode.set', mode='rehearse')
        w.planned()
        s = w.finish()
        same((w.lane(s=s)['rehearsed'], w.lane(s=s)['not_started']), (12, 40))
        same(w.sql('SELECT count(*) FROM lane_spent'), [(0,)])


# ---- signed files ----

def keygen(w, name):
    path = os.path.join(w.dir, name)
    return path, subprocess.run([SLUICE, 'grant', 'keygen', path], check=True, capture_output=True, text=True).stdout.strip()


def sign(w, key, operator='alice', items=12, **more):
    out = os.path.join(w.dir, f'grant-{os.urandom(4).hex()}')
    subprocess.run([SLUICE, '--state', w.state, '--config', os.path.join(w.dir, 'sluice.yaml'), 'grant', 'sign', '--lane', 'alpha', '--items',
                    str(items), '--reason', 'night shift', '--key', key, '--operator', operator, '--out', out], check=True, env=os.environ)
    with open(out) as f:
        return json.load(f)


class Signers(World):
    def __init__(self):
        super().__init__(start=False)
        self.key, self.other, self.watch = (keygen(self, n) for n in ('alice.key', 'bob.key', 'carol.key'))
        self.configure(operators=[{'name': 'alice', 'uids': [os.getuid()], 'keys': [self.key[1]]}, {'name': 'bob', 'keys': [self.other[1]]},
                                  {'name': 'carol', 'role': 'watcher', 'keys': [self.watch[1]]}])
        self.start()
        self.planned()
        self.arm()

    def submit(self, file):
        return self.call('grant.submit', file=file)


@test
def a_signed_file_grants_what_it_says_once():
    with Signers() as w:
        file = sign(w, w.key[0])
        w.submit(file)
        g = w.call('grant.list')['grants'][0]
        same((g['items'], g['approvals'][0]['operator'], g['reason']), (12, 'alice', 'night shift'))
        refused(lambda: w.submit(file), 'before')
        w.submit(sign(w, w.key[0], items=5))
        refused(lambda: w.submit(file), 'before')       # replaced is still used
        s = w.finish()
        same(w.lane(s=s)['deleted'], 5)
        w.compare()
        refused(lambda: w.submit(file), 'no cycle is open')
        w.planned()
        refused(lambda: w.submit(file), 'another plan')


@test
def one_changed_byte_anywhere_in_a_signed_file_is_refused():
    with Signers() as w:
        file = sign(w, w.key[0])
        for member, value in file.items():
            for changed in ([value + 1, value - 1] if isinstance(value, int) else [value[:i] + ('0' if value[i] != '0' else '1') + value[i + 1:]
                                                                                  for i in (0, len(value) // 2, len(value) - 3)]):
                refused(lambda: w.submit({**file, member: changed}), 'grant file')
            refused(lambda: w.submit({k: v for k, v in file.items() if k != member}), 'grant file')
            refused(lambda: w.submit({**file, member: None}), 'grant file')
        refused(lambda: w.submit({**file, 'more': 1}), 'unknown member')
        refused(lambda: w.submit({}), 'grant file')
        same(w.call('grant.list')['grants'], [])
        w.submit(file)


@test
def only_the_operators_own_key_signs_and_a_watchers_signs_nothing():
    with Signers() as w:
        refused(lambda: w.submit(sign(w, w.other[0], 'alice')), 'signature', 'alice')
        refused(lambda: w.submit(sign(w, w.key[0], 'bob')), 'signature', 'bob')
        refused(lambda: w.submit(sign(w, w.key[0], 'mallory')), 'no operator')
        refused(lambda: w.submit(sign(w, w.watch[0], 'carol')), 'watcher')
        stranger = keygen(w, 'stranger.key')[0]
        refused(lambda: w.submit(sign(w, stranger, 'alice')), 'signature')
        same(w.call('grant.list')['grants'], [])
        w.submit(sign(w, w.other[0], 'bob'))
        same(w.audit('grant.approved')[-1][0], 'grant.approved')
        same(w.sql("SELECT actor, via FROM audit WHERE kind = 'grant.approved'"), [('bob', 'signed file')])


@test
def caps_hold_for_signed_files_too():
    with Signers() as w:
        w.call('cycle.cancel')
        w.stop()
        w.conf['policies'][0]['caps']['items'] = 10
        w.configure()
        w.start()
        w.planned()
        w.arm()
        refused(lambda: w.submit(sign(w, w.key[0], items=11)), 'cap items', rc='cap')
        w.submit(sign(w, w.key[0], items=10))


# ---- several approvals ----

class Several(World):
    """alice by her uid, bob and carol by their keys."""

    def __init__(self, **policy):
        super().__init__(start=False, policy=policy)
        people = [{'name': 'alice', 'uids': [os.getuid()]}]
        self.key = {}
        for n in ('bob', 'carol'):
            self.key[n], public = keygen(self, n + '.key')
            people.append({'name': n, 'keys': [public]})
        self.configure(operators=people)
        self.start()
        self.planned()
        self.arm()

    def run_cli(self, *args, want=0):
        p = subprocess.run([SLUICE, '--state', self.state, '--config', os.path.join(self.dir, 'sluice.yaml'), *args], capture_output=True,
                           text=True, env=os.environ)
        same(p.returncode, want, f'{args}: {p.stderr}')
        return p

    def by_file(self, who, items, want=0):
        """Signs and submits: what submit said, and the file."""
        out = os.path.join(self.dir, f'grant-{os.urandom(4).hex()}')
        self.run_cli('grant', 'sign', '--lane', 'alpha', '--items', str(items), '--reason', 'file', '--key', self.key[who], '--operator', who,
                     '--out', out)
        return self.run_cli('grant', 'submit', out, want=want), out


@test
def two_distinct_operators_must_approve_exactly_the_same():
    with Several(approvals=2) as w:
        same(approve(w, items=12), {'granted': False, 'approvals': 1, 'needed': 2})
        g, = w.call('grant.list')['grants']
        same((g['state'], g['by'], g['needed'], len(g['approvals'])), ('proposed', 'alice', 2, 1))
        s = w.call('cycle.status')
        true('alpha: 1 of 2 approvals' in s['waiting_for'], s['waiting_for'])
        refused(lambda: w.call('cycle.step'), 'grant needed')
        refused(lambda: approve(w, items=12), 'alice has approved this already', '2 distinct operators', rc='grant')
        p, _ = w.by_file('bob', 13, want=5)
        true('alice proposed 12 items' in p.stderr, p.stderr)
        same(w.status()['lanes'][0]['granted'], 0)
        p, used = w.by_file('bob', 12)
        true('granted' in p.stdout, p.stdout)
        g, = w.call('grant.list')['grants']
        same((g['state'], g['by'], w.status()['lanes'][0]['granted']), ('active', 'alice, bob', 12))
        p, _ = w.by_file('carol', 12, want=5)
        true('revoke that grant' in p.stderr, p.stderr)
        # taken back: nothing is granted, and no file counts twice
        w.run_cli('grant', 'revoke', 'alpha', '--reason', 'second thoughts')
        same(w.status()['lanes'][0]['granted'], 0)
        refused(lambda: w.call('cycle.step'), 'grant needed')
        true('before' in w.run_cli('grant', 'submit', used, want=5).stderr)
        w.by_file('carol', 7)
        same(approve(w, items=7).get('granted', True), True)
        s = w.finish()
        same((w.lane(s=s)['granted'], w.lane(s=s)['deleted']), (7, 7))
        same([p.get('why') for _, _, p in w.audit('grant.approved')],
             ['1 of 2 approvals', '2 of 2 approvals', '1 of 2 approvals', '2 of 2 approvals'])
        refused(lambda: w.call('grant.revoke', lane='alpha', reason='x'), 'no grant')
        w.verify()


@test
def what_cannot_be_restored_needs_its_own_number_of_operators():
    with Several(approvals=1, irreversible_approvals=2) as w:
        same(approve(w)['needed'], 2)
        w.by_file('bob', 40)
        same(w.status()['lanes'][0]['granted'], 40)
        w.canary()
        refused(lambda: w.call('grant.revoke', lane='alpha', reason='x'), 'spent')


@test
def the_proposer_may_change_the_proposal_and_nobody_else():
    with Several(approvals=2) as w:
        approve(w, items=12)
        same(approve(w, items=9)['approvals'], 1)
        same([(g['items'], g['state']) for g in w.call('grant.list')['grants']], [(9, 'proposed')])
        refused(lambda: w.call('grant.revoke', lane='alpha', reason=''), 'reason')
        refused(lambda: w.call('grant.revoke', lane='beta', reason='x'), 'no grant')
        w.call('grant.revoke', lane='alpha', reason='x')
        same(w.call('grant.list')['grants'][0]['state'], 'revoked')
        w.by_file('bob', 5)
        same(approve(w, items=5).get('granted', True), True)
        same(w.status()['lanes'][0]['granted'], 5)


@test
def verify_says_whose_it_is_and_every_reason_why_not():
    with Several(approvals=1) as w:
        _, file = w.by_file('bob', 5)
        p = w.run_cli('grant', 'verify', file)
        true('bob grants 5 items' in p.stdout and "engine's plan" in p.stdout, p.stdout)
        with open(file) as f:
            good = json.load(f)
        for change, word in (({'items': 6}, 'signature'), ({'operator': 'alice'}, 'signature'), ({'operator': 'mallory'}, 'no operator'),
                             ({'lane': 'beta'}, 'signature'), ({'plan': '0' * 64}, 'signature'), ({'reason': 'other'}, 'signature')):
            bad = os.path.join(w.dir, 'bad.json')
            with open(bad, 'w') as f:
                json.dump({**good, **change}, f)
            true(word in w.run_cli('grant', 'verify', bad, want=5).stderr, word)
        with open(os.path.join(w.dir, 'bad.json'), 'w') as f:
            f.write('{')
        w.run_cli('grant', 'verify', os.path.join(w.dir, 'bad.json'), want=2)
        w.call('cycle.cancel')
        w.planned()
        true('another' in w.run_cli('grant', 'verify', file, want=5).stderr)


if __name__ == '__main__':
    sys.exit(main(globals()))
