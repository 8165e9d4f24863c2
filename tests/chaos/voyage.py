"""A small world for engines that are killed and made to fail: the simulator, records, an engine with
callshim.so preloaded, scenarios that between them reach every outcome an item can have, and what must
be true after every restart. Everything lies in a memory file system where there is one."""
import json
import mmap
import os
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../promises'))
from rig import BUILD, DELETED, SLUICE, STATES, Refused, Rig, Short, approve, deletes, need, same, settled, to_plan, until     # noqa: E402

CALLS = ('write pwrite64 writev fsync fdatasync ftruncate rename unlink open mkdir send sendto sendmsg connect accept socket '
         'pread64').split()
TARGETS = ('other', 'log-wal', 'log-shm', 'log', 'catalog', 'rows', 'state', 'tcp', 'unix')
FIELDS = ('total', 'kill_at', 'commits', 'fail_from', 'fail_left', 'fail_errno', 'fail_calls', 'fail_targets', 'failed', 'matched',
          'speed',
          'base_mono_ns', 'base_real_ns')
SPEED = 10                      # virtual seconds in one of ours
BASE = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
ASAN = os.environ.get('ASAN_OPTIONS', '') + ':verify_asan_link_order=0'
SHIM = os.path.join(BUILD, 'callshim.so')
ROW_STATES = ('untouched', 'claimed', 'intent', 'committed', 'no row', 'conflict', 'released', 'releasing', 'remapped')
COMES_BACK = ('restoring', 'perhaps restored', 'restored', 'deleted, not restored')
HOLDS_UNIT = ('sent', 'probing', 'present, too early to tell', 'deleted', 'gone', 'unknown') + COMES_BACK


def build_shim():
    cc = os.environ.get('SLUICE_CC', 'cc').split()
    plain = [x for x in cc if not x.startswith('-fsanitize')]
    fresh = f'{SHIM}.{os.getpid()}'
    subprocess.run([*plain, '-std=gnu17', '-shared', '-fPIC', '-O1', '-U_FORTIFY_SOURCE', '-o', fresh, os.path.join(HERE, 'callshim.c'),
                    '-ldl'], check=True)
    os.rename(fresh, SHIM)


class Orders:
    """What callshim.c is told and counts, shared with it."""

    def __init__(self, path, speed=SPEED):
        with open(path, 'wb') as f:
            f.truncate(4096)
        self.path, self.file = path, open(path, 'r+b')
        self.map = mmap.mmap(self.file.fileno(), 4096)
        self.base_mono_ns, self.base_real_ns = time.monotonic_ns(), time.time_ns()
        self.speed = speed

    def __getattr__(self, name):
        if name not in FIELDS:
            raise AttributeError(name)
        return struct.unpack_from('<q', self.map, 8 * FIELDS.index(name))[0]

    def __setattr__(self, name, value):
        if name in FIELDS:
            struct.pack_into('<q', self.map, 8 * FIELDS.index(name), value)
        else:
            object.__setattr__(self, name, value)

    @property
    def where(self):
        at = 8 * len(FIELDS)
        return self.map[at:at + 128].split(b'\0')[0].decode()

    def fail(self, errno, calls, targets, nth=1, times=-1):
        """From the nth of these calls on they fail; errno 0: they are only counted."""
        self.fail_errno = 0
        self.fail_calls = sum(1 << CALLS.index(c) for c in calls)
        self.fail_targets = sum(1 << TARGETS.index(t) for t in targets)
        self.fail_from, self.fail_left, self.failed, self.matched = nth, times, 0, 0
        self.fail_errno = errno

    def close(self):
        self.map.close()
        self.file.close()


class Voyage(Rig):
    """with Voyage(scenario, seed) as v: … One lane alpha (and beta where the scenario says so)."""

    def __init__(self, scenario, seed=1, shelf=None):
        self.scenario, self.seed, self.shelf = scenario, seed, shelf
        self.foreign, self.untouchable, self.rehearsed = set(), set(), False
        super().__init__(scenario.stores, faults=scenario.faults, claims=scenario.claims, seed=seed, base=BASE, lane=scenario.lane,
                         extra=scenario.extra)
        self.orders = Orders(self.at('orders'))

    def make_records(self, claims):
        """The same for each seed: made once, copied after that."""
        kept = self.shelf and os.path.join(self.shelf, f'{self.scenario.name}-{self.seed}.db')
        if not kept:
            return super().make_records(claims)
        if not os.path.exists(kept):
            fresh = super().make_records(claims)
            shutil.copy(fresh, f'{kept}.{os.getpid()}')
            os.rename(f'{kept}.{os.getpid()}', kept)
            return fresh
        return shutil.copy(kept, self.at('app.db'))

    def start(self, **env):
        return super().start(LD_PRELOAD=SHIM, CALLSHIM_FILE=self.orders.path, ASAN_OPTIONS=ASAN, **env)

    def dead(self):
        """Killed by order? An engine that goes on is an answer, too."""
        rc = self.engine.poll()
        need(rc in (None, -signal.SIGKILL), lambda: f'the engine ended with {rc}: {self.said()[-300:]}')
        return rc is not None

    def kill(self):
        if self.engine and self.engine.poll() is None:
            self.engine.kill()
            self.engine.wait()

    def close(self):
        super().close()
        if hasattr(self, 'orders'):
            self.orders.close()

    # ---- hands other than the operator's ----

    def planned(self):
        return [r[0] for r in self.sql('SELECT id FROM items WHERE key >> 32 = (SELECT max(id) FROM cycles) ORDER BY lane, rank')]

    def with_row(self):
        return [r[0] for r in self.sql("SELECT id FROM items WHERE key >> 32 = (SELECT max(id) FROM cycles) AND row <> '' ORDER BY rank")]

    def another_cleaner(self, file):
        self.foreign.add(file)
        r = urllib.request.Request(f'{self.sim.url["alpha"]}/files/{file}', method='DELETE', headers={'Authorization': 'Bearer ' + self.key})
        urllib.request.urlopen(r, timeout=10).close()

    def change_rows(self, *statements):
        db = sqlite3.connect(self.app, timeout=10)
        for s in statements:
            db.execute(*s)
        db.commit()
        db.close()

    def now_text(self):
        """The engine's wall time, a second from now."""
        base = self.orders.base_real_ns
        t = (base + (time.time_ns() - base) * self.orders.speed) // 1000000000 + 2
        return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(t))

    def use_again(self, file):
        self.untouchable.add(file)
        self.change_rows(('UPDATE provider_file_uploads SET last_used = ? WHERE provider_file_id = ?', (self.now_text(), file)))

    def refer_again(self, file):
        self.untouchable.add(file)
        self.change_rows(('INSERT INTO files (id, storage_path, original_name) SELECT supabase_file_id, ?, ? FROM provider_file_uploads '
                          'WHERE provider_file_id = ?', ('again', 'again', file)),
                         ("INSERT INTO conversation_files (conversation_id, file_id) SELECT 'c', supabase_file_id FROM "
                          'provider_file_uploads WHERE provider_file_id = ?', (file,)))

    # ---- what must be true ----

    def durable(self):
        """What was in the log when the engine died: read from a copy, so that the next engine finds it untouched.
        (seq, kind) of the last record and id → intents."""
        if not os.path.exists(self.db):
            return (0, 'none'), {}
        with tempfile.TemporaryDirectory(dir=self.dir) as d:
            for suffix in ('', '-wal'):
                if os.path.exists(self.db + suffix):
                    shutil.copy(self.db + suffix, os.path.join(d, 'x.db' + suffix))
            db = sqlite3.connect(os.path.join(d, 'x.db'))
            last = db.execute('SELECT seq, kind FROM audit ORDER BY seq DESC LIMIT 1').fetchone()
            intents = db.execute("SELECT CAST(subject AS TEXT), count(*) FROM audit WHERE kind = 'intent' GROUP BY 1").fetchall()
            db.close()
        return last or (0, 'none'), dict(intents)

    def requests_have_intents(self):
        """At the moment of death, with nothing repaired yet."""
        last, intents = self.durable()
        ledger = self.sim.ledger()
        for lane in self.lane_names:
            for i, n in deletes(ledger, lane)[0].items():
                n -= i in self.foreign
                need(n <= intents.get(i, 0), f'{lane} {i}: {n} requests, {intents.get(i, 0)} durable intents')
        return last

    def verified(self, wire):
        v = wire.call('audit.verify')
        need(v['ok'], lambda: f'the chain: {v["why"]}')

    def items(self):
        """id → (lane, cycle, rank, state, row state) of the newest cycle that has it."""
        out = {}
        for cycle, lane, rank, i, st, row in self.sql('SELECT cycle, lane, rank, id, state, row_state FROM item_list '
                                                      'ORDER BY cycle'):
            out[i] = (self.lane_names[lane], cycle, rank, STATES[st], ROW_STATES[row])
        return out

    def nothing_ungranted(self, ended=False):
        """By id, against what the store really did: only what was planned and granted is gone, and the log knows."""
        ledger, items = self.sim.ledger(), self.items()
        granted = {(lane, c): n for lane, c, n in self.sql('SELECT lane, cycle, max(items) FROM grants GROUP BY 1, 2')}
        intents = {}
        for i, _ in self.records_of('intent'):
            intents[i] = intents.get(i, 0) + 1
        kept = {m['id'] for m in self.sim.manifest() if m['role'] in ('protected', 'tracked')}
        for lane in self.lane_names:
            asked, gone = deletes(ledger, lane)
            for i, n in asked.items():
                n -= i in self.foreign
                need(n <= intents.get(i, 0), f'{lane} {i}: {n} requests, {intents.get(i, 0)} intents')
            for i, why in gone.items():
                need(i not in kept, f'{lane} {i} is protected or referenced, and was deleted')
                if i in self.foreign:
                    continue
                need(i in items and items[i][0] == lane, f'{lane} {i} was deleted and never planned')
                _, cycle, rank, state, _ = items[i]
                same(why, i, f'{lane} {i} was deleted instead')
                need(i not in self.untouchable, f'{lane} {i} was deleted although it is in use again')
                need(not self.rehearsed, f'{lane} {i} was deleted by a rehearsal')
                need(rank <= granted.get((lane, cycle), 0), f'{lane} {i}: rank {rank}, granted {granted.get((lane, cycle), 0)}')
                need(state in HOLDS_UNIT, f'{lane} {i} is gone, the log says {state}')
                need(not ended or state in ('deleted', 'gone', 'unknown', 'restored', 'deleted, not restored'), f'{lane} {i} ended as {state}')
            for i, (where, _, _, state, _) in items.items():
                need(where != lane or state not in DELETED or i in gone or i in self.foreign, f'{lane} {i}: the log says {state}, the store has it')

    def nothing_twice(self):
        """After the end: a file is made only for an item that says it came back, once, under the id that the store gave."""
        made = [x['id'] for x in self.sim.ledger() if x.get('effect') == 'uploaded']
        known = [i for i, in self.sql('SELECT new_id FROM restored')] + [p['new_id'] for _, p in self.records_of('restore.outcome') if 'new_id' in p]
        doubt = len(self.records_of('restore.intent')) - len(self.records_of('restore.outcome'))
        need(len(set(known)) == len(known) and set(known) <= set(made), f'restored under ids that were never given: {sorted(set(known) - set(made))}')
        need(len(set(made) - set(known)) <= doubt, f'uploaded, and the log does not know: {sorted(set(made) - set(known))}, {doubt} in doubt')

    def rows_agree(self):
        """After the end: a row is soft-deleted where the log says so and its file is gone, no claim is left."""
        gone = {x['id'] for x in self.sim.ledger() if x.get('effect') == 'deleted'}
        items = self.items()
        remapped = {i for i, in self.sql('SELECT new_id FROM restored')}
        for file, status, claim in self.sql('SELECT provider_file_id, upload_status, sluice_claim FROM provider_file_uploads'
                                            if self.scenario.claims else
                                            'SELECT provider_file_id, upload_status, NULL FROM provider_file_uploads', path=self.app):
            state, row = items.get(file, ('', 0, 0, 'planned', 'untouched'))[3:]
            need(file not in remapped or status != 'deleted', f'{file} came back, and its row is deleted')
            need(status != 'deleted' or file in gone, f'the row of {file} is deleted and the file is there')
            need(status == 'deleted' or file not in gone or file in self.foreign or state == 'unknown' or row == 'conflict',
                 f'{file} is gone ({state}), its row is {status} ({row})')
            need(claim in (None, 'somebody else'), f'{file} ({state}): its row is {status} and still claimed ({row})')


class Scenario:
    def __init__(self, name, play, stores=None, faults=(), claims=True, lane=None, slow=False, extra=None):
        self.name, self.play, self.faults, self.claims, self.extra = name, play, list(faults), claims, extra
        self.stores = stores or {'alpha': 'files=24,orphan=8,unused=6,protected=2'}
        self.lane = {'timeout': '2s', **(lane or {})}
        self.slow = slow        # it waits; fewer of its points are tried


# ---- the operator ----

def go_on(wire, policy='clean', end='finish', steps=60):
    """From wherever the cycle is to its end, as an operator would who wants it finished, or aborted."""
    for n in range(steps):
        s = settled(wire)
        if s['state'] == 'ended':
            return s
        if n == steps // 2:     # a store that never answers about an item: it cannot be finished, but aborted
            end = 'abort'
        if end == 'abort' and s['plan']:
            try:
                wire.call('cycle.abort', how='keep', reason='enough')
                continue
            except Refused:
                end = 'finish'
        try:
            operate(wire, s)
        except Refused as e:
            way_out(wire, s, e)
            time.sleep(0.02)        # some of it only takes its time
    raise Short(f'the cycle cannot be ended: {s["stage"]} {s["state"]}: {s["waiting_for"]}')


def operate(wire, s):
    """The next thing to do for a cycle that waits."""
    if s['ack_needed']:
        wire.call('cycle.ack', failures=s['ack_needed'])
    elif s['stage'] == 'VALIDATING' and s['plan'] and ungranted(s):
        if wire.call('status')['engine']['mode'] != 'armed':
            wire.call('mode.set', mode='armed')
        approve(wire)
    else:
        wire.call('cycle.resume')


def ungranted(s):
    return any(x['planned'] and not x['granted'] and x['phase'] != 'excluded' for x in s['lanes'])


def way_out(wire, s, e):
    """What could not be gone on with must at least be possible to abort or cancel."""
    for method, more in (('cycle.abort', {'how': 'keep', 'reason': 'it cannot go on'}), ('cycle.cancel', {})):
        try:
            wire.call(method, **more)
            return
        except Refused as no:
            if 'is being' in no.message:
                return
    raise Short(f'{s["stage"]}: neither to be finished, aborted nor cancelled: {e}: {s["waiting_for"]}')


def granted(v, wire, items=None):
    to_plan(wire)
    wire.call('mode.set', mode='armed')
    for lane in v.lane_names:
        approve(wire, lane, items)


def fair(v):
    v.start()
    wire = v.wire()
    granted(v, wire)
    wire.call('cycle.step')
    settled(wire)
    go_on(wire)


def hands(v):
    """Holds, a wrong phrase, a partial grant, a stop and a start in the middle, steps."""
    v.start()
    wire = v.wire()
    to_plan(wire)
    wire.call('mode.set', mode='armed')
    plan = wire.call('plan.show')
    lane = plan['lanes'][0]
    try:
        wire.call('grant.approve', plan=plan['id'], lane='alpha', items=lane['items'], bytes=lane['bytes'], phrase='DELETE', reason='x')
    except Refused:
        pass
    approve(wire, 'alpha', 10)
    wire.call('cycle.step')
    settled(wire)
    wire.call('cycle.step')
    wire.call('cycle.hold', why='lunch')
    settled(wire)
    wire.call('engine.stop')
    wire.close()
    until(lambda: v.engine.poll() is not None, 'the engine does not stop')
    if v.engine.poll() == 0:
        v.start()
        go_on(v.wire())


def trouble(v):
    """Another cleaner, a row in use again, a new reference, a locked file, and the store's own faults: gone_other,
    drifted, blocked, refused, failed, gone."""
    v.start()
    wire = v.wire()
    granted(v, wire)
    ids, rows = v.planned(), v.with_row()
    bare = [i for i in ids if i not in rows]
    v.another_cleaner(bare[-2])
    v.use_again(rows[-1])
    v.refer_again(rows[-2])
    v.sim.fault(f'op=delete id={rows[1]} fault=409-in-use')
    v.sim.fault(f'op=delete id={bare[-1]} fault=500-before')
    go_on(wire)


def unknown(v):
    """Doubt that no probe can end."""
    v.start()
    wire = v.wire()
    granted(v, wire)
    ids = v.planned()
    for i in ids[4:6]:
        v.sim.fault(f'op=delete id={i} fault=cut-after')
        v.sim.fault(f'op=get id={i} fault=500-before')
    go_on(wire)


def conflict(v):
    """Somebody refers to a file that was just deleted: the row cannot be committed. And one that says 401: held."""
    v.start()
    wire = v.wire()
    granted(v, wire)
    rows = v.with_row()
    while True:
        s = settled(wire)
        if s['stage'] != 'CLEANING' and s['stage'] != 'VALIDATING' or not s['waiting_for']:
            break
        if s['stage'] == 'CLEANING' and 'cleaned' in s['waiting_for']:
            v.change_rows(("UPDATE provider_file_uploads SET sluice_claim = 'somebody else' WHERE provider_file_id = ?", (rows[0],)))
            break
        try:
            wire.call('cycle.step')
        except Refused:
            break
    go_on(wire)
    v.change_rows(("UPDATE provider_file_uploads SET sluice_claim = NULL WHERE provider_file_id = ? AND sluice_claim = 'somebody else'",
                   (rows[0],)))


def halted(v):
    """The key is revoked for some requests: the lane halts, items are held; then the cycle is aborted."""
    v.start()
    wire = v.wire()
    granted(v, wire)
    go_on(wire)


def aborted(v):
    v.start()
    wire = v.wire()
    granted(v, wire)
    wire.call('cycle.step')
    settled(wire)
    wire.call('cycle.step')
    wire.call('cycle.abort', how='keep', reason='changed our mind')
    go_on(wire)


def restored(v):
    """Copies before the plan, and an abort that brings back what was deleted."""
    copied(v)
    wire = v.wire()
    wire.call('cycle.step')
    settled(wire)
    wire.call('cycle.step')
    settled(wire)
    wire.call('cycle.abort', how='restore', reason='second thoughts')
    go_on(wire)


def brought_back(v):
    """A whole cycle with copies; then two of them are uploaded again by hand."""
    copied(v)
    wire = v.wire()
    files = v.planned()[:2]
    go_on(wire)
    for file in files:
        wire.call('escrow.restore', lane='alpha', id=file, reason='asked for by its owner')


def copied(v):
    v.start()
    wire = v.wire()
    wire.call('cycle.start', policy='clean')
    settled(wire)
    wire.call('mode.set', mode='armed')         # copies are made when it is armed
    wire.call('cycle.step')
    settled(wire)
    approve(wire, 'alpha')


def rehearsal(v):
    v.rehearsed = True
    v.start()
    wire = v.wire()
    wire.call('mode.set', mode='rehearse')
    to_plan(wire)
    for lane in v.lane_names:
        try:
            approve(wire, lane)
        except Refused:
            pass
    for _ in range(20):
        s = settled(wire)
        if s['state'] == 'ended':
            return
        try:
            if s['ack_needed']:
                wire.call('cycle.ack', failures=s['ack_needed'])
            else:
                wire.call('cycle.resume')
        except Refused:
            return


def excluded(v):
    """Two lanes, one that cannot be listed and is left out."""
    v.start()
    wire = v.wire()
    wire.call('cycle.start', policy='clean')
    settled(wire)
    wire.call('lane.exclude', lane='beta', reason='its list ends early')
    go_on(wire)


def outage(v):
    """Nothing but failures for a while: the breaker opens and closes again, the retry pass runs."""
    v.start()
    wire = v.wire()
    granted(v, wire)
    go_on(wire)


PLAIN = {'alpha': 'files=24,orphan=8,unused=6,protected=2'}
TWO = {'alpha': 'files=20,orphan=6,unused=4,protected=2', 'beta': 'files=16,orphan=5,unused=3'}
COPIED = {'alpha': 'files=24,orphan=8,unused=6,protected=2,download=all,purpose=batch'}
SCENARIOS = [
    Scenario('fair', fair),
    Scenario('hands', hands),
    Scenario('two', fair, TWO),
    Scenario('unclaimed', fair, claims=False),
    Scenario('trouble', trouble, faults=['store=alpha op=delete nth=2 fault=500-after', 'store=alpha op=delete nth=4 fault=429-bare',
                                         'store=alpha op=delete nth=6 fault=cut-after', 'store=alpha op=delete nth=7 fault=cut-before',
                                         'store=alpha op=delete nth=8 fault=broken-json']),
    Scenario('unknown', unknown, slow=True),
    Scenario('conflict', conflict),
    Scenario('halted', halted, faults=['store=alpha op=delete nth=5 fault=401', 'store=alpha op=delete nth=9 fault=429-billing']),
    Scenario('aborted', aborted),
    Scenario('restored', restored, COPIED, lane={'escrow': 'try'}, extra={'escrow': {'reserve': '1MB'}}),
    Scenario('lost_uploads', restored, COPIED, lane={'escrow': 'try'}, extra={'escrow': {'reserve': '1MB'}},
             faults=['store=alpha op=upload nth=2 fault=cut-after', 'store=alpha op=upload nth=4 fault=500-before']),
    Scenario('brought_back', brought_back, COPIED, lane={'escrow': 'try'}, extra={'escrow': {'reserve': '1MB'}}),
    Scenario('rehearsal', rehearsal),
    Scenario('excluded', excluded, TWO, faults=['store=beta op=list fault=empty-more']),
    Scenario('outage', outage, faults=['store=alpha op=delete attempt=1 from=3..14 fault=500-before'], slow=True,
             stores={'alpha': 'files=40,orphan=16,unused=8,protected=2'}),
]
