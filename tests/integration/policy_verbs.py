#!/usr/bin/python3
"""sluice policy check | explain | try: what is wrong with a file, what each rule says of one item, what another policy would change."""
import copy
import json
import os
import sys

sys.dont_write_bytecode = True
from cli import Cli     # noqa: E402
from englib import contains, main, refused, same, test, true, yaml     # noqa: E402


def written(w, change, name='other.yaml'):
    """The world's configuration with its first policy changed, as a file of its own; change None: no policy of that name."""
    conf = copy.deepcopy(w.conf)
    if change is None:
        conf['policies'][0]['name'] = 'another'
    else:
        conf['policies'][0].update(change)
    return w.private(name, yaml(conf))


def discovered(w):
    w.begin()
    w.cycle('start', 'clean')
    return w


def chosen(w):
    """id → row of the candidates that the last validation found."""
    return {r['id']: r for r in w.json('candidates', '--verdict', 'candidate', '--limit', '1000')['rows']}


def planned(w, conf):
    """Candidates of a world whose engine has that configuration from the start."""
    w.configure(**{k: v for k, v in conf.items() if k in w.conf})
    w.to_plan()
    return set(chosen(w))


@test
def check_names_every_error_by_line_and_key_and_shows_good_policies_in_words():
    with Cli() as w:
        file = written(w, {'rules': [{'any': [{'rule': 'orphan'}, {'rule': 'agee'}]}, {'rule': 'size'}], 'caps': {'share': '101%'}})
        with open(file) as f:
            lines = f.read().splitlines()
        got = w.json('policy', 'check', file, rc=2)
        same([e['key'] for e in got['errors']], ['policies[0].rules[0].any[1].rule', 'policies[0].rules[1]', 'policies[0].caps.share'])
        for e, there in zip(got['errors'], ('rule: agee', 'rule: size', 'share: 101%')):
            contains(lines[e['line'] - 1], there)
        same(got['policies'], [])
        out, err = w.run('policy', 'check', file, rc=2)
        same([x.split(':')[:3] for x in out.splitlines()], [[file, str(e['line']), e['key']] for e in got['errors']])
        contains(err, '3 errors')
        good = written(w, {'match': 'all', 'rules': [{'rule': 'age', 'older_than': '1d'}, {'not': 'yes', 'any': [{'rule': 'orphan'}, {'rule': 'size', 'larger_than': '1MB'}]}]})
        contains(w.out('policy', 'check', good), 'policy clean: age-created-1d and not any of (orphan, size)', 'is good')
        same(w.json('policy', 'check', good)['policies'][0]['rules'], ['age-created-1d', 'not any of (orphan, size)'])
        contains(w.out('policy', 'check'), 'policy clean: orphan or age-created-1d')
        contains(w.err('policy', 'check', '/nonexistent.yaml', rc=2), '1 error')
        w.begin()
        same(w.json('policies')['policies'][0]['hash'], w.json('policy', 'check')['policies'][0]['hash'])


@test
def explain_says_what_every_rule_answers_what_protects_and_what_comes_of_it():
    rules = [{'rule': 'orphan'}, {'rule': 'age', 'of': 'last_used', 'name': 'used', 'older_than': '1d'},
             {'all': [{'rule': 'size', 'larger_than': '1B'}, {'rule': 'purpose', 'not': 'yes', 'purposes': ['nothing']}]}]
    with Cli(files=60, orphan=20, unused=20, policy={'match': 'all', 'rules': rules}) as w:
        discovered(w)
        roles = {m['role']: m for m in w.sim.manifest() if m['bytes'] > 1}
        orphan = w.json('policy', 'explain', 'clean', roles['orphan']['id'])
        says = {e['rule']: e['verdict'] for e in orphan['evidence']}
        same(says, {'orphan': 'yes', 'used': 'cannot know', 'all-1/size': 'yes', 'all-1/purpose-not': 'yes', 'all-1': 'yes'})
        same((orphan['verdict'], orphan['protects'], orphan['rows_total'], orphan['where']), ('ineligible', [], 0, 'P n -'))
        contains(orphan['reason'], 'last_used unknown')
        held = w.json('policy', 'explain', 'clean', roles['tracked']['id'])
        same((held['verdict'], held['rule'], held['rows_total'], held['rows'][0]['referenced']), ('protected', 'protect:referenced', 1, True))
        same({e['rule']: e['verdict'] for e in held['evidence']}['orphan'], 'no')
        same([p['rule'] for p in held['protects']], ['protect:referenced'])
        out = w.out('policy', 'explain', 'clean', roles['unused']['id'])
        contains(out, roles['unused']['id'], 'in 1 row', 'nothing protects it', 'verdict: kept')
        same(w.json('candidates', '--verdict', 'candidate')['total'], 0)      # explaining judged nothing into the catalogue


@test
def explain_lists_everything_that_protects():
    with Cli(files=40, orphan=10, unused=10, more=',protected=2', policy={'protect': {'names': ['"*"'], 'younger_than': '36500d'}, 'age_floor': '36500d'}) as w:
        discovered(w)
        one = next(m for m in w.sim.manifest() if m['role'] == 'tracked')
        got = w.json('policy', 'explain', 'clean', one['id'])
        same([p['rule'] for p in got['protects']], ['protect:names', 'protect:younger_than', 'protect:referenced', 'age_floor'])
        same((got['verdict'], got['rule']), ('protected', 'protect:names'))


@test
def what_is_protected_by_hand_is_protected_in_both():
    with Cli(files=40, orphan=20, unused=10) as w:
        discovered(w)
        orphans = [m['id'] for m in w.sim.manifest() if m['role'] == 'orphan']
        mine = os.path.join(w.dir, 'sluice.yaml')
        before = w.json('policy', 'try', mine)['policies'][0]['lanes'][0]
        for i in orphans[:3]:
            w.out('protect', 'add', 'alpha', i, '--reason', 'still needed')
        got = w.json('policy', 'explain', 'clean', orphans[0])
        same((got['verdict'], got['rule'], [p['rule'] for p in got['protects']]), ('protected', 'protect:hand', ['protect:hand']))
        same(w.json('policy', 'explain', 'clean', orphans[3])['verdict'], 'candidate')
        after = w.json('policy', 'try', mine)['policies'][0]['lanes'][0]
        for side in ('is', 'tried'):
            same((before[side]['candidate'] - after[side]['candidate'], after[side]['protected'] - before[side]['protected']), (3, 3))


@test
def explain_agrees_with_the_validation_for_every_item():
    rules = [{'rule': 'orphan'}, {'any': [{'rule': 'age', 'of': 'last_used', 'older_than': '1d'}, {'rule': 'quota_pressure', 'above': '50%', 'until': '10%'}]}]
    with Cli(files=60, orphan=20, unused=10, lane={'quota_items': 70}, policy={'rules': rules}) as w:
        w.to_plan()
        rows = w.json('candidates', '--limit', '1000')['rows']
        same(len(rows), 60)
        wire = w.wire()
        for r in rows:
            got = wire.call('policy.explain', policy='clean', id=r['id'])
            same([got[k] for k in ('verdict', 'rule', 'where')], [r[k] for k in ('verdict', 'rule', 'where')], r['id'])
        true({'candidate', 'protected'} <= {r['verdict'] for r in rows}, 'too few verdicts to compare')


@test
def what_was_not_listed_is_not_explained():
    with Cli() as w:
        w.begin()
        contains(w.err('policy', 'explain', 'clean', 'file-x', rc=13), 'alpha', 'not listed completely')
        contains(w.err('policy', 'try', os.path.join(w.dir, 'sluice.yaml'), rc=13), 'could not be tried')
        w.cycle('start', 'clean')
        contains(w.err('policy', 'explain', 'clean', 'file-nosuch', rc=2), 'no item')
        contains(w.err('policy', 'explain', 'nosuch', 'file-x', rc=2), 'no such policy')
        contains(w.err('policy', 'explain', 'clean', 'file-x', '--lane', 'nosuch', rc=2), 'no such lane')


@test
def try_says_what_another_policy_adds_and_removes_and_that_is_what_it_then_does():
    other = {'match': 'all', 'rules': [{'rule': 'age', 'older_than': '100d'}, {'not': 'yes', 'any': [{'rule': 'orphan'}, {'rule': 'size', 'smaller_than': '2kB'}]}],
             'protect': {'names': ['"*.pdf"'], 'referenced': 'no'}}
    with Cli(files=120, orphan=40, unused=30) as w:
        w.to_plan()
        now = set(chosen(w))
        file = written(w, other)
        before = w.json('status')['chain']['seq']
        got = w.json('policy', 'try', file)
        same(w.json('status')['chain']['seq'], before, 'it wrote something')
        same(set(chosen(w)), now)
        p = got['policies'][0]
        lane = p['lanes'][0]
        same((lane['is']['candidate'], lane['listed'], sum(lane['tried'].values())), (len(now), 120, 120))
        out = w.out('policy', 'try', file)
        contains(out, f'policy clean: +{p["added"]} −{p["removed"]}')
        w.run('cycle', 'cancel')
        w.out('engine', 'stop')
        conf = copy.deepcopy(w.conf)
        conf['policies'][0].update(other)
        w.configure(policies=conf['policies'])
        w.to_plan()
        then = set(chosen(w))
        same((p['added'], p['removed'], lane['tried']['candidate']), (len(then - now), len(now - then), len(then)))
        true(then - now and now - then and then & now, 'the example changes nothing')
        true({s['id'] for s in lane['added_first']} <= then - now and {s['id'] for s in lane['removed_first']} <= now - then)
        same(len(lane['added_first']), min(5, p['added']))


@test
def the_same_policy_changes_nothing_a_new_and_a_lost_one_everything():
    with Cli(files=60, orphan=20, unused=10) as w:
        discovered(w)
        got = w.json('policy', 'try', os.path.join(w.dir, 'sluice.yaml'))
        same((got['added'], got['removed']), (0, 0))
        same(got['policies'][0]['is'], got['policies'][0]['tried'])
        both = w.json('policy', 'try', written(w, None))['policies']
        same([(p['policy'], p['is'] is None, p['tried'] is None) for p in both], [('another', True, False), ('clean', False, True)])
        n = got['policies'][0]['lanes'][0]['is']['candidate']
        true(n > 0)
        same([(p['added'], p['removed']) for p in both], [(n, 0), (0, n)])
        one = w.json('policy', 'try', written(w, None), '--policy', 'another')['policies']
        same([p['policy'] for p in one], ['another'])
        contains(w.err('policy', 'try', written(w, None), '--policy', 'nosuch', rc=2), 'neither')


@test
def what_the_last_discovery_cannot_tell_is_refused_and_not_guessed():
    with Cli(files=40, orphan=10, unused=10) as w:
        discovered(w)

        def asked(change, word):
            conf = copy.deepcopy(w.conf)
            change(conf)
            got = w.json('policy', 'try', w.private('odd.yaml', yaml(conf)), rc=13)
            contains(got['policies'][0]['trouble'], word)
            same(got['policies'][0]['lanes'], [])
            contains(w.err('policy', 'try', w.private('odd.yaml', yaml(conf)), '--policy', 'clean', rc=got.get('rc', 2) if word != 'list records' else 13), word)

        asked(lambda c: c['lanes'][0].update(account='second'), 'another account')
        asked(lambda c: c['lanes'][0].update(name='beta') or c['policies'][0].update(lanes=['beta']) or c['records'][0].update(lanes=[{'value': 'kimi', 'lane': 'beta'}]),
              'not in')
        asked(lambda c: c['records'][0].update(may_be_empty='yes'), 'described otherwise')
        asked(lambda c: c['policies'][0].update(rules=[{'rule': 'soft_deleted', 'longer_than': '1d'}]), 'soft-deleted rows')
        asked(lambda c: c['records'].append({**c['records'][0], 'name': 'app2', 'path': 'app2.db'}) or c['policies'][0].update(records='app2'), 'list records')
        broken = w.private('broken.yaml', yaml(w.conf) + 'nonsense: 1\n')
        out, err = w.run('policy', 'try', broken, rc=2)
        contains(out, 'broken.yaml:', 'nonsense')
        refused(lambda: w.wire().call('policy.try', text='name: x\nnonsense: 1\n', name='/a/b.yaml'), '/a/b.yaml:2:nonsense')
        refused(lambda: w.wire().call('policy.try', text='name: ' + '[' * 5000), 'nested')


@test
def watchers_may_ask_both_and_rows_without_a_file_are_counted():
    with Cli(files=40, orphan=10, unused=10) as w:
        import sqlite3
        db = sqlite3.connect(w.app)
        gone = db.execute("UPDATE provider_file_uploads SET provider_file_id = 'file-gone-' || id WHERE id IN (SELECT id FROM provider_file_uploads LIMIT 3)").rowcount
        db.commit()
        db.close()
        discovered(w)
        wire = w.wire('/watch')
        with open(os.path.join(w.dir, 'sluice.yaml')) as f:
            got = wire.call('policy.try', text=f.read(), policy='clean')
        lane = got['policies'][0]['lanes'][0]
        same(lane['rows_without_file'], gone)
        one = w.sim.manifest()[0]['id']
        same(wire.call('policy.explain', policy='clean', id=one)['id'], one)


if __name__ == '__main__':
    sys.exit(main(globals()))
