#!/usr/bin/python3
"""References at the provider: what a batch, a job or a vector store uses is not deleted; what cannot be listed is unknown."""
import json
import os
import sys
import time

sys.dont_write_bytecode = True
from englib import World, contains, main, same, test, true, until

ALL = ['batches', 'fine_tuning_jobs', 'vector_stores']
ENDED = ('completed', 'failed', 'expired', 'cancelled', 'succeeded')


def used(w, root='/v1'):
    """What refers to which file, asked from the simulator by this test itself."""
    c, out = w.sim.conn(), {}

    def every(path):
        after = ''
        while True:
            page = c.ask('GET', f'{root}{path}?limit=7{after}').json()
            yield from page['data']
            if not page['has_more']:
                return
            after = '&after=' + page['data'][-1]['id']

    for b in every('/batches'):
        if b['status'] not in ENDED:
            out[b['input_file_id']] = f'batch {b["id"]} uses it'
    if root == '/v1' and 'kimi' not in w.conf['lanes'][0]['dialect']:
        for j in every('/fine_tuning/jobs'):
            if j['status'] not in ENDED:
                out[j['training_file']] = f'fine-tuning job {j["id"]} uses it'
        for v in list(every('/vector_stores')):
            for f in every(f'/vector_stores/{v["id"]}/files'):
                out[f['id']] = f'vector store {v["id"]} uses it'
    c.close()
    return out


def verdicts(w):
    rows = w.sql('SELECT id, verdict, rule, reason, evidence FROM verdicts', path=os.path.join(w.state, 'catalog.db'))
    return {i: (v, rule, reason, json.loads(e)) for i, v, rule, reason, e in rows}


def in_plan(w):
    """Its items, once the plan is in the log."""
    until(lambda: w.audit('plan.frozen'))
    return {i for i, in w.sql('SELECT id FROM items')}


def cycle(dialect, places, more, root):
    lane = {'dialect': dialect, 'referrers': places}
    with World(files=200, orphan=90, unused=90, lane=lane, more=f',dialect={dialect},{more}') as w:
        held = used(w, root)
        w.planned()
        seen = verdicts(w)
        planned = in_plan(w)
        free = {m['id'] for m in w.sim.manifest() if m['role'] in ('orphan', 'unused')}
        hit = free & set(held)
        true(len(hit) > 5 and len(held) > len(hit), (len(hit), len(held)))
        same(planned, free - hit)
        for i in hit:
            verdict, rule, reason, evidence = seen[i]
            same((verdict, rule), (2, 'referenced:provider'), i)
            contains(reason, ' uses it')
            true(any(e['rule'] == 'referenced:provider' and e['verdict'] == 'yes' and e['because'] == reason for e in evidence), evidence)
        for i in planned:
            true({'rule': 'referenced:provider', 'verdict': 'no', 'because': 'not found in ' + ', '.join(places)} in seen[i][3], seen[i])
        record = w.audit('plan.frozen')[-1][2]['lanes'][0]['referrers']
        same((record['places'], record['complete']), (', '.join(places), True))
        told = w.call('lanes')['lanes'][0]['referrers']
        same((told['places'], told['complete'], told['trouble']), (', '.join(places), True, None))
        contains(w.call('plan.show', lane='alpha')['records'][0]['places'], f'alpha: {", ".join(places)} listed')
        w.arm()
        w.grant()
        w.canary()
        same(w.finish()['end'], 'COMPLETED')
        _, gone = w.compare()
        same(set(gone) & set(held), set())
        same(len(gone), len(planned))


@test
def what_batches_jobs_and_vector_stores_use_is_not_deleted():
    cycle('openai', ALL, 'batches=37,jobs=20,vectors=25', '/v1')


@test
def what_batches_use_is_not_deleted_on_kimi_and_glm():
    cycle('kimi', ['batches'], 'batches=60', '/v1')
    cycle('glm', ['batches'], 'batches=60', '/api/paas/v4')


def unknown(places, more, fault, *words):
    with World(lane={'referrers': places}, more=',' + more, faults=[fault] if fault else ()) as w:
        w.planned()
        same(in_plan(w), set())
        for verdict, _, reason, evidence in verdicts(w).values():
            true(verdict != 1, reason)
        why = [v for v in verdicts(w).values() if v[0] == 3]
        same(len(why), 40)
        contains(why[0][2], 'ineligible', *words)
        true(any(e['rule'] == 'referenced:provider' and e['verdict'] == 'cannot know' for e in why[0][3]), why[0][3])


@test
def a_place_that_does_not_answer_completely_makes_every_item_ineligible():
    unknown(ALL, 'batches=250', 'store=alpha op=refs nth=3 fault=401', 'of lane alpha cannot be listed', '401')
    unknown(['vector_stores'], 'vectors=20', 'store=alpha op=refs from=12 fault=429 arg=3600', 'vector_stores of lane alpha cannot be listed')
    unknown(['batches'], 'batches=2', 'store=alpha op=refs fault=broken-json', 'cannot be read')
    unknown(['batches'], 'batches=2', 'store=alpha op=refs fault=empty-body', 'cannot be read')


@test
def a_page_that_fails_once_is_asked_again():
    with World(lane={'referrers': ['batches']}, more=',batches=250') as w:
        held = used(w)
        w.sim.fault('store=alpha op=refs nth=2 fault=500-before')
        w.sim.fault('store=alpha op=refs nth=3 fault=short-page')
        w.planned()
        planned = in_plan(w)
        same(planned & set(held), set())
        true(planned)


def aged(w):
    """Until what was listed is older than list_max_age."""
    until(lambda: time.time() * 1e6 - w.call('lanes')['lanes'][0]['listed_us'] > 1.3e6)


@test
def a_file_that_a_batch_uses_since_the_plan_is_blocked_before_it_is_sent():
    with World(lane={'referrers': ['batches']}, engine={'list_max_age': '1s'}) as w:
        w.granted()
        aged(w)
        late = w.sql('SELECT id FROM items ORDER BY rank DESC LIMIT 1')[0][0]
        c = w.sim.conn()
        same(c.ask('POST', '/v1/batches', body=json.dumps({'input_file_id': late}).encode()).status, 200)
        c.close()
        w.canary()
        w.finish()
        same(w.items()[late][0], 'blocked')
        true(late not in w.deletes()[1])
        w.compare()


@test
def a_place_that_stops_answering_before_a_batch_sends_nothing_of_it():
    with World(lane={'referrers': ['batches']}, engine={'list_max_age': '1s'}) as w:
        w.granted()
        aged(w)
        w.sim.fault('store=alpha op=refs fault=401')
        s = w.canary()
        same(w.deletes(), ({}, {}))
        contains(json.dumps(s), 'cannot be listed')


def waits(w):
    """The places are being listed, and the store says: in half a minute."""
    w.discovered()
    w.sim.fault('store=alpha op=refs fault=429 arg=30')
    w.call('cycle.step')
    until(lambda: len(w.sim.lines(kind='request', op='refs')) >= 1)


@test
def a_cycle_can_be_cancelled_and_the_engine_stopped_while_places_are_listed():
    with World(lane={'referrers': ['batches']}) as w:
        waits(w)
        w.call('cycle.cancel')
        same(w.settled()['end'], 'CANCELLED')
    with World(lane={'referrers': ['batches']}) as w:
        waits(w)
        w.stop()


@test
def a_lane_whose_places_do_not_answer_can_be_excluded_while_they_are_listed():
    with World(lane={'referrers': ['batches']}, beta='files=20,orphan=10') as w:
        waits(w)
        w.call('lane.exclude', lane='alpha', reason='its batches do not answer')
        w.settled()
        true(in_plan(w))
        same({l for l, in w.sql('SELECT DISTINCT lane FROM items')}, {1})
        w.call('cycle.cancel')


@test
def a_place_that_the_dialect_has_not_stops_the_start():
    for dialect, place in (('kimi', 'vector_stores'), ('openai', 'threads')):
        with World(files=5, orphan=2, unused=0, start=False, lane={'dialect': dialect, 'referrers': [place]}) as w:
            true(w.launch().wait(20) != 0)
            contains(w.said(), f'the dialect {dialect} has no list of {place}')


main(globals())
