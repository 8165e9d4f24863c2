#!/usr/bin/python3
"""Grants, copies in escrow and compensations stand in the metrics as they stand in the log's database."""
import sys

sys.dont_write_bytecode = True
import bring_back                                                           # noqa: E402
from englib import World, main, same, test, true, until                     # noqa: E402
from metrics import scraped                                                 # noqa: E402
from restore import cleaned, world                                          # noqa: E402
from collector import fell                                                  # noqa: E402


def figures(w, family):
    """label values (the last one where there are two) → figure."""
    out = {}
    for k, v in scraped(w)[1].items():
        if k.startswith(family + '{'):
            out[tuple(x.split('"')[1] for x in k[len(family) + 1:-1].split(','))] = v
    return out


def becomes(w, family, want):
    until(lambda: {k: v for k, v in figures(w, family).items() if v} == want, 30, lambda: (family, figures(w, family), want))


@test
def grants_move_from_state_to_state():
    with World() as w:
        w.planned()
        until(lambda: figures(w, 'sluice_grants'), 30)
        same(figures(w, 'sluice_grants'), {(s,): 0 for s in ('proposed', 'active', 'spent', 'lapsed', 'revoked')}, 'a state that nothing is in is zero')
        w.arm()
        w.grant()
        becomes(w, 'sluice_grants', {('active',): 1})
        w.call('grant.revoke', lane='alpha', reason='too early')
        becomes(w, 'sluice_grants', {('revoked',): 1})
        w.grant()
        w.canary()
        becomes(w, 'sluice_grants', {('revoked',): 1, ('spent',): 1})
        w.finish()
        becomes(w, 'sluice_grants', {('revoked',): 1, ('spent',): 1})


@test
def copies_and_what_came_back_are_counted_and_stay_counted():
    with world().start() as w:
        cleaned(w)
        n, size = w.sql("SELECT count(*), sum(bytes) FROM escrow WHERE state = 'ok'")[0]
        true(n > 0)
        becomes(w, 'sluice_escrow_copies', {('ok',): n})
        becomes(w, 'sluice_escrow_bytes', {('ok',): size})
        same(figures(w, 'sluice_compensations_total'), {})
        gone = len(w.deletes()[1])
        before = scraped(w)
        w.call('cycle.abort', how='restore', reason='second thoughts')
        until(lambda: w.status()['state'] == 'ended', 60)
        becomes(w, 'sluice_compensations_total', {('abort', 'restored'): gone})
        same(fell(before, scraped(w)), [])
        w.kill()
        w.start()
        becomes(w, 'sluice_compensations_total', {('abort', 'restored'): gone})


@test
def what_an_operator_brings_back_is_told_apart():
    with bring_back.small().start() as w:
        one = sorted(bring_back.cleaned(w))[0]
        bring_back.back(w, one)
        becomes(w, 'sluice_compensations_total', {('hand', 'restored'): 1})


if __name__ == '__main__':
    sys.exit(main(globals()))
