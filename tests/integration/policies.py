#!/usr/bin/python3
"""Rules of a policy against a real list: what they select is what the simulator's manifest says."""
import fnmatch
import sys

sys.dont_write_bytecode = True
from englib import World, main, same, test, true     # noqa: E402


def planned(w):
    """Ids of the plan that the policy leads to."""
    w.call('cycle.start', policy='clean')
    w.settled()
    w.call('cycle.step')
    s = w.settled()
    if not s['plan']:
        return []
    out = []
    while True:
        rows = w.call('plan.items', look='all', lane='alpha', offset=len(out), limit=200)['rows']
        out += [r['id'] for r in rows]
        if len(rows) < 200:
            return out


def world(rules, match='any', lane=None, **kw):
    return World(records=False, policy={'match': match, 'rules': rules, 'protect': {'names': ['"keep-*"']}}, lane=lane, **kw)


def want(w, chosen):
    return sorted(m['id'] for m in w.sim.manifest() if chosen(m) and not m['name'].startswith('keep-'))


@test
def a_name_rule_selects_what_its_patterns_match():
    with world([{'rule': 'name', 'names': ['"*.pdf"', '"*.md"']}], files=200) as w:
        got = planned(w)
        same(sorted(got), want(w, lambda m: any(fnmatch.fnmatchcase(m['name'], p) for p in ('*.pdf', '*.md'))))
        true(5 < len(got) < 195, len(got))


@test
def not_selects_the_others_and_nothing_that_is_protected():
    with world([{'rule': 'name', 'not': 'yes', 'names': ['"*.pdf"']}], files=200) as w:
        same(sorted(planned(w)), want(w, lambda m: not fnmatch.fnmatchcase(m['name'], '*.pdf')))


@test
def size_and_purpose_with_all_select_what_is_both():
    with world([{'rule': 'size', 'larger_than': '2kB', 'smaller_than': '5kB'}, {'rule': 'purpose', 'purposes': ['assistants', 'batch']}],
               match='all', files=300) as w:
        got = planned(w)
        same(sorted(got), want(w, lambda m: 2000 < m['bytes'] < 5000 and m['purpose'] in ('assistants', 'batch')))
        true(got, 'nothing was selected')


@test
def quota_pressure_selects_the_oldest_until_there_is_room():
    with world([{'rule': 'quota_pressure', 'above': '90%', 'until': '60%'}], files=100, lane={'quota_items': 100}) as w:
        ages = sorted((m['created_at'], m['id']) for m in w.sim.manifest() if not m['name'].startswith('keep-'))
        got = planned(w)
        same(len(got), 40)
        oldest = ages[39][0]
        true(all(t <= oldest for t, i in ages if i in set(got)), 'a younger one was selected')
        same([i for t, i in ages if t < oldest and i not in set(got)], [], 'an older one was passed over')


@test
def without_pressure_nothing_is_selected():
    with world([{'rule': 'quota_pressure', 'above': '90%', 'until': '60%'}], files=100, lane={'quota_items': 112}) as w:
        same(planned(w), [])


if __name__ == '__main__':
    sys.exit(main(globals()))
