#!/usr/bin/python3
"""Items that an operator protects by hand stay, whenever it was said: before the plan, after it, over a restart."""
import sys

sys.dont_write_bytecode = True
from englib import World, contains, main, refused, same, test, true, until     # noqa: E402

SLOW_STORE = ',latency_ms=25'
PACED = {'in_flight': 4}


def ids_of_plan(w, n=100):
    return [r['id'] for r in w.call('plan.items', look='all', lane='alpha', limit=n)['rows']]


def protect(w, i, reason='still needed'):
    return w.call('protect.set', lane='alpha', id=i, reason=reason)


@test
def what_is_protected_before_the_plan_is_no_candidate_and_is_one_again_when_it_is_cleared():
    with World(files=60, orphan=20) as w:
        w.planned()
        kept = ids_of_plan(w)[:3]
        w.call('cycle.cancel')
        for i in kept:
            same(protect(w, i), {'protected': True, 'planned': False})
        same([(x['id'], x['by'], x['reason']) for x in w.call('protect.list', lane='alpha')['items']],
             [(i, 'alice', 'still needed') for i in sorted(kept)])
        w.stop()
        w.start()                                       # it is no memory of the engine's
        w.planned()
        true(not set(kept) & set(ids_of_plan(w)), 'a protected item is planned')
        seen = w.call('candidates', text=kept[0], limit=5)['rows'][0]
        same((seen['verdict'], seen['rule']), ('protected', 'protect:hand'))
        w.call('cycle.cancel')
        same(w.call('protect.clear', lane='alpha', id=kept[0], reason='done with')['protected'], False)
        w.planned()
        same(set(kept) & set(ids_of_plan(w)), {kept[0]})
        same([(s, p['protected'], p['reason']) for _, s, p in w.audit('protect')],
             [(i, True, 'still needed') for i in kept] + [(kept[0], False, 'done with')])


@test
def what_is_protected_after_the_plan_was_granted_is_not_sent():
    with World(files=60, orphan=30) as w:
        w.granted()
        kept = ids_of_plan(w)[::7]
        for i in kept:
            same(protect(w, i), {'protected': True, 'planned': True})
        s = w.finish()
        same(s['end'], 'COMPLETED')
        same({i for i, (state, _) in w.items().items() if state == 'protected'}, set(kept))
        asked, gone = w.compare()
        true(not set(kept) & (set(asked) | set(gone)), 'a protected item was asked for')
        same(w.call('audit.verify')['ok'], True)


@test
def too_late_is_said_and_changes_nothing():
    with World(files=200, orphan=50, unused=50, more=SLOW_STORE, lane=PACED) as w:
        w.granted()
        w.canary()
        w.call('cycle.resume')
        until(lambda: len(w.deletes()[1]) > 14)
        w.call('cycle.hold')
        until(lambda: w.lane()['in_flight'] == 0)
        # storage only knows that those of the batch wait like the others
        states = {x['id']: x['state'] for x in w.call('plan.items', look='all', limit=100)['rows']}
        deleted = next(i for i, s in states.items() if s == 'deleted')
        refused(lambda: protect(w, deleted), 'deleted already')
        batch = next(i for i, s in states.items() if s == 'ready')
        refused(lambda: protect(w, batch), 'the batch that is being deleted')
        waiting = next(i for i, s in states.items() if s == 'planned')
        same(protect(w, waiting)['planned'], True)
        same([x['id'] for x in w.call('protect.list')['items']], [waiting])
        w.finish()
        same(w.items()[waiting][0], 'protected')
        w.compare()


@test
def what_cannot_be_protected_is_refused_with_its_reason():
    with World(files=60, orphan=5) as w:
        refused(lambda: w.call('protect.set', lane='nowhere', id='x', reason='y'), 'no lane')
        refused(lambda: w.call('protect.set', lane='alpha', id='x', reason=''), 'needs a reason')
        refused(lambda: w.call('protect.set', lane='alpha', id='', reason='y'), '1 to 1024')
        refused(lambda: w.call('protect.set', lane='alpha', id='x' * 1025, reason='y'), '1 to 1024')
        same(protect(w, 'x' * 1024)['protected'], True)
        refused(lambda: w.call('protect.clear', lane='alpha', id='file-other', reason='y'), 'is not protected by hand')
        same(len(w.call('protect.list')['items']), 1)
        odd = 'file-\u202egnp\x1b[31m\n'
        same(protect(w, odd)['protected'], True)
        contains([x['id'] for x in w.call('protect.list')['items']], odd)
        page = w.call('protect.list', limit=1)
        same((len(page['items']), page['more']), (1, True))
        rest = w.call('protect.list', limit=1, after_lane=page['items'][0]['lane'], after_id=page['items'][0]['id'])
        same((len(rest['items']), rest['more'], rest['items'][0]['id'] != page['items'][0]['id']), (1, False, True))


if __name__ == '__main__':
    sys.exit(main(globals()))
