#!/usr/bin/python3
"""The engine is killed with SIGKILL right before the n-th of its calls that leave a mark (tests/chaos/callshim.c),
for n all over the scenarios of voyage.py; some are killed again while they recover. At the moment of death
every request the store saw has a durable intent. After the restart the chain verifies, nothing that was
not granted is gone, the cycle can be finished or aborted, its equation holds, rows and files agree and
no claim is left. A kill counts once for each (scenario, last durable record, call) it came after and before.

    crash.py [--kills 200] [--recovery 20] [--jobs N] [--seed S]       a sample, or many
    crash.py --one SCENARIO:SEED:N[:R,R…][:abort]                      one again"""
import argparse
import collections
import concurrent.futures
import os
import random
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import voyage     # noqa: E402
from voyage import BASE, SCENARIOS, STATES, Refused, Short, Voyage, go_on, need, settled     # noqa: E402

BY_NAME = {s.name: s for s in SCENARIOS}
OUTCOMES = ('deleted', 'gone', 'gone_other', 'failed', 'unknown', 'refused', 'held', 'drifted', 'blocked', 'rehearsed', 'repeat',
            'unclear')
Job = collections.namedtuple('Job', 'scenario seed n recovery end')
Died = collections.namedtuple('Died', 'pairs recovery outcomes calls')
LOST = (OSError, Short, Refused)


def again(job):
    return f'{job.scenario}:{job.seed}:{job.n}:{",".join(map(str, job.recovery))}:{job.end}'


def parse(text):
    name, seed, n, rest, end = (text.split(':') + ['', ''])[:5]
    return Job(name, int(seed), int(n), tuple(int(r) for r in rest.split(',') if r), end or 'finish')


def pair(v):
    """What it died after and before."""
    seq, kind = v.requests_have_intents()
    return v.scenario.name, seq, kind, v.orders.where


def killed_while(v, what):
    """what() until it ends or the engine is dead; True if it died."""
    try:
        what(v)
    except LOST as e:
        try:
            voyage.until(v.dead, 'it lives', 5)
        except Short:
            raise e from None
    if not v.dead():
        return False
    v.engine.wait()
    return True


def recover(v):
    v.start()
    wire = v.wire()
    if wire.call('status')['cycle']:
        settled(wire)


def check_after(v, end):
    v.orders.kill_at = 0
    v.start()
    wire = v.wire()
    v.verified(wire)
    v.nothing_ungranted()
    cycle = wire.call('status')['cycle']
    if not cycle:
        return
    s = go_on(wire, end=end) if cycle['state'] != 'ended' else wire.call('cycle.status')
    need(s['balanced'], lambda: s['equation'])
    v.verified(wire)
    v.nothing_ungranted(ended=True)
    v.rows_agree()
    v.nothing_twice()


def outcomes(v):
    seen = {p.get('outcome') for _, p in v.records_of('outcome')}
    return seen | {STATES[s] for s, in v.sql('SELECT DISTINCT state FROM item_states')}


def die(job, shelf):
    """One world: killed at job.n, perhaps again while it recovers; or Died without pairs when n is past the end."""
    with Voyage(BY_NAME[job.scenario], job.seed, shelf) as v:
        v.orders.kill_at = job.n
        pairs, recovery = [], 0
        if not killed_while(v, v.scenario.play):
            v.kill()
            return Died([], 0, outcomes(v), v.orders.total)
        calls = v.orders.total
        pairs.append(pair(v))
        for n in job.recovery:
            v.orders.total, v.orders.kill_at = 0, n
            if not killed_while(v, recover):
                v.kill()
                break
            pairs.append(pair(v)[:3] + ('recovery ' + v.orders.where,))
            recovery += 1
        check_after(v, job.end)
        v.kill()
        return Died(pairs, recovery, outcomes(v), calls)


def work(args):
    job, shelf = args
    try:
        return job, die(job, shelf), None
    except Exception as e:
        return job, None, f'{type(e).__name__}: {e}\n{traceback.format_exc()}'


def lengths(shelf):
    """How many calls each scenario makes when nobody kills it."""
    out = {}
    with concurrent.futures.ProcessPoolExecutor(3) as pool:
        for job, died, why in pool.map(work, [(Job(s.name, 1, 0, (), 'finish'), shelf) for s in SCENARIOS]):
            need(not why, f'{job.scenario} does not play without a kill: {why}')
            out[job.scenario] = died.calls
    return out


def jobs(args, length):
    """Points in an order that visits every scenario evenly; slow ones a tenth as often. Ever new seeds."""
    chance = random.Random(args.seed)
    seed = args.seed
    while True:
        points = [(s.name, n) for s in SCENARIOS if not args.scenarios or s.name in args.scenarios
                  for n in range(1, length[s.name] + 1) if not s.slow or n % 10 == seed % 10]
        chance.shuffle(points)
        for name, n in points:
            r = tuple(int(chance.paretovariate(0.7) * 8) for _ in range(chance.choice((1, 1, 2)))) if chance.random() < args.share else ()
            yield Job(name, seed, n, r, 'abort' if chance.random() < 0.15 else 'finish')
        seed += 1


class Tally:
    def __init__(self):
        self.kills = self.recovery = self.past = 0
        self.pairs, self.outcomes, self.bad = set(), set(), []

    def add(self, job, died, why):
        if why:
            self.bad.append((job, why))
            print(f'# {again(job)}: {why}'.replace('\n', '\n# '), flush=True)
            return
        self.past += not died.pairs
        self.kills += len(died.pairs)
        self.recovery += died.recovery
        self.pairs.update(died.pairs)
        self.outcomes.update(died.outcomes)

    def enough(self, args):
        return len(self.bad) >= 5 or (len(self.pairs) >= args.kills and self.recovery >= args.recovery)


def sweep(args):
    """Feeds the workers a few worlds ahead until there is enough."""
    tally, begun = Tally(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix='sluice-shelf-', dir=BASE) as shelf:
        source = jobs(args, lengths(shelf))
        with concurrent.futures.ProcessPoolExecutor(args.jobs) as pool:
            out = {pool.submit(work, (next(source), shelf)) for _ in range(2 * args.jobs)}
            while out:
                ready, out = concurrent.futures.wait(out, return_when=concurrent.futures.FIRST_COMPLETED)
                for f in ready:
                    tally.add(*f.result())
                if not tally.enough(args):
                    out |= {pool.submit(work, (next(source), shelf)) for _ in ready}
    return tally, time.monotonic() - begun


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--kills', type=int, default=200)
    p.add_argument('--recovery', type=int, default=20)
    p.add_argument('--share', type=float, default=0.2, help='of worlds that are killed again while they recover')
    p.add_argument('--jobs', type=int, default=int(os.environ.get('SLUICE_JOBS', '3')))
    p.add_argument('--seed', type=int, default=int(os.environ.get('SEED', '1')))
    p.add_argument('--scenarios', nargs='*', choices=sorted(BY_NAME))
    p.add_argument('--one')
    args = p.parse_args()
    voyage.build_shim()
    if args.one:
        with tempfile.TemporaryDirectory(prefix='sluice-shelf-', dir=BASE) as shelf:
            print(die(parse(args.one), shelf))
        return 0
    tally, took = sweep(args)
    missing = [] if args.kills < 5000 else [o for o in OUTCOMES if o not in tally.outcomes]
    say(args, tally, took, missing)
    return 1 if tally.bad or missing else 0


def say(args, tally, took, missing):
    print('1..1')
    for job, _ in tally.bad[:5]:
        print(f'# again: tests/chaos/crash.py --one {again(job)}')
    if missing:
        print('# no scenario reached: ' + ' '.join(missing))
    print(f'{"not ok" if tally.bad or missing else "ok"} 1 - {len(tally.pairs)} kills at distinct pairs of record and call, {tally.recovery} of them '
          f'during recovery: {len(tally.bad)} violations ({tally.kills} kills, {tally.kills / took:.1f} kills/s, {took:.0f} s, outcomes seen: '
          f'{" ".join(sorted(o for o in tally.outcomes if o))})', flush=True)


if __name__ == '__main__':
    sys.exit(main())
