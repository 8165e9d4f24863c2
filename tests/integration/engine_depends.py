#!/usr/bin/python3
"""What refers goes before what it refers to: references among the items of a lane, told by a wrapped script."""
import json
import os
import sys

sys.dont_write_bytecode = True
import engine_exec                                                                  # noqa: E402
from englib import KEY, World, contains, main, same, test, true            # noqa: E402

REFS = '''
def there(item):
    return item.startswith('ext-') or ask('GET', '/files/' + urllib.parse.quote(item, safe=''))[0] == 200

def refs(q):
    with open(os.path.join(os.path.dirname(__file__), 'refs.json')) as f:
        pairs = json.load(f)
    if pairs is None:
        return say(q, answer='unknown', why='auth', message='no right to list them')
    found = [{'by': b, 'item': i} for b, i in pairs if there(b)]
    half = len(found) // 2
    if q['cursor'] or not half:
        return say(q, answer='yes', refs=found[half if q['cursor'] else 0:], last=True)
    say(q, answer='yes', refs=found[:half], cursor='more')

for line in sys.stdin:'''


def world(**kw):
    w = World(files=60, start=False, **kw)
    path = os.path.join(w.dir, 'wrapped')
    with open(path, 'w') as f:
        f.write(engine_exec.SCRIPT.replace('KEY', KEY).replace('\nfor line in sys.stdin:', REFS).replace("'delete': delete}", "'delete': delete, 'refs': refs}"))
    os.chmod(path, 0o700)
    w.conf['lanes'][0].update(dialect='exec', url=None, key_file=None, command=[path, w.sim.url['alpha'], 'plain'], in_flight=4, timeout='8s', referrers=['items'])
    w.configure()
    refer(w)
    return w.start()


def refer(w, *pairs):
    with open(os.path.join(w.dir, 'refs.new'), 'w') as f:
        json.dump(list(pairs) if pairs != (None,) else None, f)
    os.replace(os.path.join(w.dir, 'refs.new'), os.path.join(w.dir, 'refs.json'))


def candidates(w):
    """Ids of the candidates in the order of the policy, oldest first, without references."""
    s = w.planned()
    w.durable()
    ids = [i for i, in w.sql('SELECT id FROM items ORDER BY rank')]
    true(len(ids) == 40, s['waiting_for'])
    w.call('cycle.cancel')
    w.settled()
    return ids


def ranks(w):
    w.durable()
    return [i for i, in w.sql('SELECT id FROM items WHERE key >> 32 = (SELECT max(id) FROM cycles) ORDER BY rank')]


def verdict(w, item):
    c = w.call('candidates.one', id=item)
    return c['verdict'], c['reason']


def order_of(w):
    """Ids in the order in which the store was asked to delete them."""
    return [x['id'] for x in w.sim.ledger() if x.get('kind') == 'request' and x.get('op') == 'delete']


@test
def what_refers_is_ranked_and_deleted_before_what_it_refers_to():
    with world() as w:
        ids = candidates(w)
        a, b, c = ids[20], ids[5], ids[0]
        refer(w, (a, b), (b, c), (a, c))
        w.granted()
        got = ranks(w)
        same(got[:-2], [i for i in ids if i not in (b, c)], 'the others keep their order')
        same(got[-2:], [b, c])
        evidence = json.loads(w.sql('SELECT evidence FROM items WHERE id = ? ORDER BY key DESC', c)[0][0])
        contains(next(x['because'] for x in evidence if x['rule'] == 'order'), 'goes after', b)
        w.canary()
        same(w.finish()['end'], 'COMPLETED')
        asked = order_of(w)
        same((len(asked), asked[-2:]), (40, [b, c]))
        w.compare()


@test
def a_circle_is_refused_by_name_and_what_it_refers_to_stays():
    with world() as w:
        ids = candidates(w)
        a, b, c, d, alone = ids[3], ids[1], ids[7], ids[9], ids[11]
        refer(w, (a, b), (b, a), (b, c), (d, a), (alone, alone))
        w.granted()
        same(set(ids) - set(ranks(w)), {a, b, c, alone})
        for item, words in ((a, (a, b, 'circle', '→')), (b, (a, b, 'circle')), (alone, (f'{alone} → {alone}',)), (c, (b, 'uses it', 'stays'))):
            v, why = verdict(w, item)
            same(v, 'protected', why)
            contains(why, *words)
        w.canary()
        same(w.finish()['end'], 'COMPLETED')
        same(len(w.deletes()[1]), 36)
        true(d in w.deletes()[1] and not {a, b, c, alone} & set(w.deletes()[0]))


@test
def what_something_refers_to_that_stays_does_not_go():
    with world() as w:
        ids = candidates(w)
        stays = next(m['id'] for m in w.sim.manifest() if m['role'] == 'tracked')
        refer(w, (stays, ids[2]), (ids[2], ids[4]), ('ext-9', ids[6]))
        w.planned()
        same(set(ids) - set(ranks(w)), {ids[2], ids[4], ids[6]})
        contains(verdict(w, ids[2])[1], stays, 'not in this plan')
        contains(verdict(w, ids[4])[1], ids[2], 'stays')
        contains(verdict(w, ids[6])[1], 'ext-9')


@test
def what_could_not_be_deleted_keeps_what_it_refers_to():
    with world() as w:
        ids = candidates(w)
        a, b = ids[20], ids[0]
        refer(w, (a, b))
        w.sim.fault(f'store=alpha op=delete id={a} fault=409-in-use')
        w.granted()
        w.canary()
        w.finish()
        same((w.items()[a][0], w.items()[b][0]), ('refused', 'blocked'))
        true(b not in w.deletes()[0])


@test
def after_a_restart_a_batch_still_ends_before_what_is_referred_to():
    with world() as w:
        ids = candidates(w)
        refer(w, *((a, ids[0]) for a in ids[37:40]))
        w.granted()
        w.canary()
        w.durable()
        w.kill()
        w.start()
        w.settled()
        w.finish()
        asked = order_of(w)
        same(asked[-1], ids[0])
        same(w.items()[ids[0]][0], 'deleted')


@test
def references_that_cannot_be_listed_make_no_plan():
    with world() as w:
        refer(w, None)
        w.discovered()
        w.call('cycle.step')
        s = w.settled()
        same(ranks(w), [])
        true(s['plan'] is None or s['state'] == 'ended', s['waiting_for'])
        contains(verdict(w, next(m['id'] for m in w.sim.manifest() if m['role'] == 'orphan'))[1], 'items of lane alpha cannot be listed')


@test
def a_script_has_no_other_places():
    w = World(files=3, orphan=1, unused=1, start=False)
    try:
        w.conf['lanes'][0].update(dialect='exec', url=None, key_file=None, command=['/bin/cat'], referrers=['batches'])
        w.configure()
        try:
            w.start()
        except AssertionError as e:
            contains(str(e), 'referrers: [items]')
        else:
            raise AssertionError('it started')
    finally:
        w.close()


if __name__ == '__main__':
    sys.exit(main(globals()))
