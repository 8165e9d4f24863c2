#!/usr/bin/python3
"""Whole cycles on stores that speak kimi and glm, with their quirks: lists without pages, lists by purpose, no GET of one
file, money under 429, codes that are strings or numbers."""
import sys

sys.dont_write_bytecode = True
from englib import World, contains, main, same, test, true

KIMI, GLM = {'dialect': 'kimi', 'timeout': '600ms'}, {'dialect': 'glm', 'timeout': '600ms'}
# fault, outcome, requests, is it gone
TABLE = [
    ('429-bare', 'deleted', 2, True),
    ('403-in-use', 'refused', 1, False),
    ('500-before', 'failed', 1, False),
    ('500-after', 'gone', 1, True),
    ('timeout-before', 'failed', 1, False),
    ('timeout-after', 'gone', 1, True),
    ('broken-json', 'gone', 1, True),
    ('deleted-false', 'failed', 1, False),
]


def cycle(dialect, lane, table, **kw):
    with World(files=160, orphan=60, unused=60, lane=lane, more=f',dialect={dialect}', **kw) as w:
        w.granted()
        ranked = [i for i, in w.sql('SELECT id FROM items ORDER BY rank')][40:]
        chosen = dict(zip(ranked, table))
        for file, (fault, *_) in chosen.items():
            w.sim.fault(f'store=alpha op=delete id={file} times=1 fault={fault}')
        w.canary()
        s = w.finish()
        same(s['end'], 'COMPLETED_WITH_FAILURES')
        asked, gone = w.compare()
        items = w.items()
        same(len(items), 120)
        for file, (fault, state, requests, absent) in chosen.items():
            same((items[file][0], asked.get(file), file in gone), (state, requests, absent), fault)
        same(sum(s == 'deleted' for s, _ in items.values()), 120 - sum(row[1] != 'deleted' for row in table))
        return w.sim.ledger(), w.of_cycle('probe')


@test
def a_cycle_on_kimi():
    ledger, _ = cycle('kimi,missing=404', KIMI, TABLE + [('404-lie', 'gone_other', 1, False)])
    lists = [x for x in ledger if x['kind'] == 'request' and x['op'] == 'list']
    true(lists and all('query' not in x for x in lists), lists[:2])
    true(any(x['op'] == 'get' for x in ledger if x['kind'] == 'request'))


def glm_lists(ledger):
    lists = [x['query'] for x in ledger if x['kind'] == 'request' and x['op'] == 'list']
    for p in ('batch', 'code-interpreter', 'agent'):
        true(any('purpose=' + p in q for q in lists), p)
    true(all('purpose=' in q and 'limit=100' in q for q in lists), lists[:2])
    return len(lists)


@test
def a_cycle_on_glm_with_probes_by_listing():
    ledger, probes = cycle('glm', GLM, TABLE + [('400-unclear', 'failed', 1, False), ('404-lie', 'gone_other', 1, False)])
    glm_lists(ledger)
    same([x for x in ledger if x['kind'] == 'request' and x['op'] not in ('list', 'delete')], [])
    true(any(p['found'] == 'absent' for _, _, p in probes) and any(p['found'] == 'present' for _, _, p in probes), probes)


@test
def a_cycle_on_a_glm_that_ignores_the_filter_and_writes_numbers():
    ledger, _ = cycle('glm,filter=ignored,codes=number,missing=400', GLM, TABLE)
    glm_lists(ledger)


def halted(dialect, lane):
    """Money under 429: one request, the lane stops, nothing is tried again."""
    with World(files=60, lane=lane, more=f',dialect={dialect}', faults=['store=alpha op=delete from=2 fault=429-billing']) as w:
        w.granted()
        s = w.canary()
        asked, gone = w.deletes()
        true(all(n == 1 for n in asked.values()), asked)
        true(len(gone) == 1 and len(asked) <= 10, (len(gone), len(asked)))
        contains(w.lane(s=s)['halted'], 'money')


@test
def money_under_429_stops_a_lane_and_is_never_repeated():
    halted('kimi', KIMI)
    halted('glm', GLM)


def no_plan(dialect, lane, words, files=60, fault=None, **kw):
    with World(files=files, lane={**lane, **kw}, more=f',dialect={dialect}', faults=[f'store=alpha op=list {fault}'] if fault else ()) as w:
        s = w.discovered()
        same((s['stage'], s['plan']), ('DISCOVERING', None))
        contains(s['waiting_for'], 'not completely listed', *words)
        same(w.deletes(), ({}, {}))
        w.call('cycle.cancel')


@test
def an_unpaged_list_that_may_be_cut_off_makes_no_plan():
    no_plan('kimi', KIMI, ['may be cut off at 60', 'quota_items'], page_items=60)
    no_plan('kimi', KIMI, ['says that there is more'], fault='fault=empty-more')
    with World(files=60, lane={**KIMI, 'page_items': 60, 'quota_items': 60}, more=',dialect=kimi') as w:
        same(w.discovered()['waiting_for'], 'ready to validate: step')


@test
def one_purpose_that_does_not_answer_makes_no_plan():
    no_plan('glm', GLM, ['page 3', '401'], fault='nth=3 fault=list-401')
    no_plan('glm,purpose=voice-clone-input,filter=ignored', GLM, ['name all purposes'])


main(globals())
