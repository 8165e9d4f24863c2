#!/usr/bin/python3
"""A batch larger than what one event may be about: it is re-validated, claimed and answered in slices, and a hold between two of
them is a hold."""
import sys

sys.dont_write_bytecode = True
from englib import World, main, same, test, true

SLICE = 4096            # cleanup/cycle.h, CYCLE_SLICE


def to_the_large_batch(w):
    """Up to the boundary behind which a batch of more than a slice is next."""
    w.granted()
    w.canary()
    while 3 * max(p['items'] for _, _, p in w.of_cycle('claim.intent')) <= SLICE:
        w.call('cycle.step')
        w.settled()


@test
def a_hold_between_the_slices_of_a_batch_holds_and_each_item_goes_once():
    with World(files=11100, orphan=0, unused=11000) as w:
        to_the_large_batch(w)
        wire = w.wire()
        # read behind each other: the hold comes while the batch is still gone through
        step, hold = wire.send('cycle.step'), wire.send('cycle.hold')
        wire.answer(step)
        wire.answer(hold)
        s = w.settled()
        true(s['waiting_for'].startswith('held'), s)
        w.durable()
        kinds = [k for k, _, _ in w.of_cycle('hold', 'intent')]
        same(kinds[-1], 'hold')
        s = w.finish(limit=120)
        same(s['end'], 'COMPLETED')
        claims = w.of_cycle('claim.intent', 'claim.outcome')
        # one after the other; each batch is claimed once, but what a hold left unclaimed
        same([k for k, _, _ in claims], ['claim.intent', 'claim.outcome'] * (len(claims) // 2))
        asked = [p['items'] for k, _, p in claims if k == 'claim.intent']
        same(asked, [p['claimed'] + p['no_row'] for k, _, p in claims if k == 'claim.outcome'])
        true(max(asked) > SLICE, asked)
        same(sum(asked), len(w.items()))
        same({row for _, row in w.items().values()}, {'committed'})
        w.compare()
        w.verify()


if __name__ == '__main__':
    sys.exit(main(globals()))
