#!/usr/bin/python3
"""A full disk, a failing disk and no file descriptors, beginning at any call (tests/chaos/callshim.c) and lasting
until the engine said so: it names its trouble, sends nothing it could not write down first, and goes on by itself
when the trouble is gone; some engines are killed in the middle of it. A fault that ends at once must not be felt.

    diskfaults.py [--points 45] [--jobs N]        points: of each kind of trouble, 0 = every call
    diskfaults.py --one KIND:N:once|lasting|killed"""
import argparse
import collections
import concurrent.futures
import errno
import os
import subprocess
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import voyage     # noqa: E402
from rig import Wire     # noqa: E402
from voyage import ASAN, BASE, PLAIN, SHIM, SLUICE, Refused, Scenario, Short, Voyage, deletes, need, operate, until     # noqa: E402

FILES = ('log', 'log-wal', 'log-shm', 'catalog', 'rows', 'state')
KINDS = {
    'ENOSPC': (errno.ENOSPC, ('write', 'pwrite64', 'ftruncate', 'mkdir'), FILES),
    'EIO': (errno.EIO, ('write', 'pwrite64', 'ftruncate', 'fsync', 'fdatasync', 'pread64', 'rename', 'unlink'), FILES),
    'EMFILE': (errno.EMFILE, ('open', 'socket', 'accept'), FILES + ('tcp', 'unix')),
}
NORMAL = ('', 'ready to validate', 'granted:', 'grant needed', 'canary passed', 'cleaned:', 'committed:', 'audited:', 'acknowledge ')
PATIENCE = 20.0                 # of ours, ten times that of the engine's
Job = collections.namedtuple('Job', 'kind n how')


def normal(sentence):
    return any(sentence == w or (w and w in sentence) for w in NORMAL) or 'settled: step' in sentence


class World(Voyage):
    def __init__(self, shelf):
        super().__init__(Scenario('disk', None, PLAIN), 1, shelf)
        self.heard = None

    def launch(self):
        with open(self.at('engine.err'), 'a') as err:
            self.engine = subprocess.Popen([SLUICE, 'engine', 'run'], stdin=subprocess.DEVNULL, stdout=err, stderr=err,
                                           env=self.env(LD_PRELOAD=SHIM, CALLSHIM_FILE=self.orders.path, ASAN_OPTIONS=ASAN))
        self.children.append(self.engine)

    def answers(self):
        try:
            Wire(self.socket, limit=0.5).close()
            return True
        except OSError:
            return False

    def begin(self):
        """Starts it as often as it gives up, but not for ever; what it says then counts."""
        if self.engine and self.engine.poll() is None:
            return
        self.launch()
        until(lambda: self.engine.poll() is not None or self.answers() or self.orders.failed, 'it neither starts nor ends', PATIENCE)
        try:
            self.engine.wait(0.3 if self.orders.failed else 0)
        except subprocess.TimeoutExpired:
            pass
        if self.engine.poll() is not None:
            need(self.orders.failed, lambda: f'the engine ended with {self.engine.returncode}: {self.said()}')
            need(self.engine.returncode > 0 and self.said().strip(), f'it ended with {self.engine.returncode} and said nothing')
            self.heard = self.said().strip().split('\n')[-1]

    def push(self):
        """One step of an operator. What is out of the ordinary is heard."""
        w = Wire(self.socket, limit=2)
        try:
            st = w.call('status')
            if not st['engine']['store_writable']:
                need('cannot be written' in (st['engine']['notice'] or ''), f'the banner says {st["engine"]["notice"]!r}')
                self.heard = 'log: ' + st['engine']['notice']
                return None
            cycle = st['cycle']
            if not cycle:
                w.call('cycle.start', policy='clean')
                return None
            if cycle['state'] == 'working':
                return None
            s = w.call('cycle.status')
            if s['state'] == 'ended':
                return s
            if not normal(s['waiting_for']):
                self.heard = s['waiting_for']
            operate(w, s)
        except Refused as e:
            self.heard = e.message
        finally:
            w.close()
        return None

    def until_heard(self):
        """Goes on until the fault was felt and said, or the cycle ended in spite of it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.begin()
            felt = self.orders.failed > 0
            if not felt:
                self.heard = None
            if felt and self.heard:
                return None
            try:
                s = self.push()
            except OSError:
                if felt:
                    self.heard = 'no answer'
                continue
            if s:
                return s
            time.sleep(0.005)
        raise Short(f'failing for {PATIENCE} s at {self.orders.where} and nothing is said')

    def requests(self):
        return sum(sum(deletes(self.sim.ledger(), lane)[0].values()) for lane in self.lane_names)

    def nothing_leaves(self):
        """While the log cannot be written."""
        before = self.requests()
        failed = self.orders.failed
        until(lambda: self.orders.failed > failed or not self.orders.fail_errno, 'it does not try to write again', PATIENCE)
        need(before == self.requests(), f'{self.requests() - before} requests left while the log could not be written')

    def writes(self, wire):
        st = wire.call('status')
        return st['engine']['store_writable'] and (not st['cycle'] or 'cannot be written' not in wire.call('cycle.status')['waiting_for'])

    def finish(self):
        """The trouble is gone. A log that can be written again sends nothing: the cycle is held."""
        before = self.requests() if self.heard and self.heard.startswith('log: ') and self.engine.poll() is None else None
        self.orders.fail_errno = 0
        self.begin()
        until(lambda: self.answers(), 'it does not answer again', PATIENCE)
        wire = self.wire()
        until(lambda: self.writes(wire), 'the log is not written again', PATIENCE)
        if not wire.call('status')['cycle']:
            wire.call('cycle.start', policy='clean')
        voyage.settled(wire)
        need(before in (None, self.requests()), 'requests left when the log could be written again, before anybody said so')
        s = voyage.go_on(wire)
        need(s['balanced'], lambda: s['equation'])
        self.verified(wire)
        self.nothing_ungranted(ended=True)
        self.rows_agree()


def fail(job, shelf):
    number, calls, targets = KINDS[job.kind]
    with World(shelf) as v:
        v.orders.fail(number, calls, targets, job.n, 1 if job.how == 'once' else -1)
        ended = v.until_heard()
        if not v.orders.failed:
            v.kill()
            return 'not reached', ''
        where = v.orders.where
        if job.how == 'killed' and v.engine.poll() is None:
            v.kill()
            v.requests_have_intents()
        elif v.heard and v.heard.startswith('log: ') and job.how == 'lasting':
            v.nothing_leaves()
        if ended:
            v.heard = 'nothing was felt'
        v.finish()
        v.kill()
        return v.heard or '', where


def work(args):
    job, shelf = args
    try:
        return job, fail(job, shelf), None
    except Exception as e:
        return job, None, f'{type(e).__name__}: {e}\n{traceback.format_exc()}'


def count(kind, shelf):
    """Calls of this kind in a cycle without trouble."""
    _, calls, targets = KINDS[kind]
    with World(shelf) as v:
        v.orders.fail(0, calls, targets)
        until(lambda: (v.begin(), v.push())[1], 'no end', 60)
        v.kill()
        return v.orders.matched


def jobs(args, shelf):
    points = args.points
    for kind in args.kinds:
        n = min(count(kind, shelf), args.first)
        step = 1 if not points or args.first < 1 << 30 else max(1, n // points)
        for i, k in enumerate(range(1, n + 1, step)):
            yield Job(kind, k, ('lasting', 'once', 'lasting', 'killed')[i % 4])


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--points', type=int, default=12)
    p.add_argument('--kinds', nargs='*', choices=sorted(KINDS), default=list(KINDS))
    p.add_argument('--first', type=int, default=1 << 30, help='only so many calls from the start, each')
    p.add_argument('--jobs', type=int, default=int(os.environ.get('SLUICE_JOBS', '3')))
    p.add_argument('--one')
    args = p.parse_args()
    voyage.build_shim()
    begun, done, bad, heard = time.monotonic(), collections.Counter(), [], collections.Counter()
    with tempfile.TemporaryDirectory(prefix='sluice-shelf-', dir=BASE) as shelf:
        if args.one:
            kind, n, how = args.one.split(':')
            print(fail(Job(kind, int(n), how), shelf))
            return 0
        with concurrent.futures.ProcessPoolExecutor(args.jobs) as pool:
            for job, got, why in pool.map(work, ((j, shelf) for j in jobs(args, shelf))):
                if why:
                    bad.append(job)
                    print(f'# again: tests/chaos/diskfaults.py --one {job.kind}:{job.n}:{job.how}: {why}'.replace('\n', '\n# '), flush=True)
                elif got[0] != 'not reached':
                    done[job.kind] += 1
                    heard[got[0][:100]] += 1
    for words, n in heard.most_common(40):
        print(f'# {n:5} {words}')
    short = bad or any(not done[k] for k in args.kinds)
    print(f'1..1\n{"not ok" if short else "ok"} 1 - {sum(done.values())} faults ({", ".join(f"{done[k]} {k}" for k in KINDS)}): {len(bad)} not '
          f'held, said or resumed ({time.monotonic() - begun:.0f} s)')
    return 1 if short else 0


if __name__ == '__main__':
    sys.exit(main())
