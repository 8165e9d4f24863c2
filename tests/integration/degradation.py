#!/usr/bin/python3
"""What still works: every part in the table of docs/degradation.md is broken from outside, each cell of its row is seen to be
true, the program says the row's words meanwhile, and it comes back as the row says."""
import os
import signal
import sqlite3
import subprocess
import sys

sys.dont_write_bytecode = True
import objects                                                                              # noqa: E402
import escrow                                                                               # noqa: E402
from collector import Collector                                                             # noqa: E402
from englib import SLOW, TOP, Refused, World, contains, limit_files, main, refused, same, test, true, until     # noqa: E402
from engine_discovery import set_shift, shift                                               # noqa: E402
from health import doctor, page, written                                                    # noqa: E402
from lease import Leased                                                                     # noqa: E402
from simlib import Sim                                                                      # noqa: E402
from stormlib import Storm                                                                  # noqa: E402

NO_CLOCK = os.environ.get('SLUICE_WRAP') or 'fsanitize' in os.environ.get('SLUICE_CC', '')
shown = set()                   # parts whose rows were seen


def table():
    """part → (told by, broken, works, stops, back) as the document has it."""
    with open(os.path.join(TOP, 'docs/degradation.md')) as f:
        lines = [x.strip().strip('|').split(' | ') for x in f if x.startswith('| ')]
    return {x[0].strip(): tuple(c.strip() for c in x[1:]) for x in lines[1:]}


ROWS = table()


def check(w, kind, name=''):
    return next(c for c in w.call('checks')['checks'] if (c['kind'], c['name']) == (kind, name))


def lost(w, part, name='', also_doctor=False):
    """The check of this row is in its state, and method and page say the row's words beside it."""
    told, _, works, stops, back = ROWS[part]
    kind, state = told.replace('`', '').split()
    until(lambda: check(w, kind, name)['state'] == state, 30, lambda: check(w, kind, name))
    c = check(w, kind, name)
    same((c['works'], c['stops'], c['back']), (works, stops, back))
    ident = f'{kind}:{name}' if name else kind
    words = f'   still works: {works}\n   does not: {stops}\n   comes back: {back}\n'
    status, body, _ = page(w, '/readyz?verbose')
    contains(body[body.index(f'{ident} {state}'):], words)
    same(status == 503, state == 'fail' or '[-]' in body, part)
    if also_doctor:
        out = doctor(w)[1]
        contains(out, f'still works: {works}', f'does not: {stops}', f'comes back: {back}')
    shown.add(part)


def whole(w, kind, name='', state='pass'):
    until(lambda: check(w, kind, name)['state'] == state, 30, lambda: check(w, kind, name))
    same([check(w, kind, name)[k] for k in ('works', 'stops', 'back')], [None] * 3)


def looks(w):
    """Everything that only looks answers."""
    for method in ('status', 'cycle.status', 'lanes', 'links', 'candidates', 'audit.tail', 'checks', 'dead.list', 'plan.show'):
        w.call(method)
    w.call('candidates', offset=0, limit=5)
    contains(page(w, '/metrics')[1], 'sluice_')
    same(page(w, '/livez')[0], 200)


def cleaned(w):
    """From a granted plan to the end."""
    w.canary()
    s = w.finish()
    same(s['end'], 'COMPLETED', s['equation'])


def refuses_to_start(w, *words):
    p = w.launch()
    try:
        true(p.wait(30 * SLOW) != 0, 'it started')
    finally:
        if p.poll() is None:
            p.kill()
            p.wait()
    contains(w.said(), *words)


# ---- the log ----

@test
def audit_log_unwritable_looking_goes_on_and_nothing_is_sent():
    with World() as w:
        w.granted()
        limit_files(w.proc, 1)
        until(lambda: not written(w), 20)
        lost(w, 'audit log', also_doctor=True)
        looks(w)
        refused(lambda: w.call('cycle.step'), 'audit log cannot be written', rc='audit')
        refused(lambda: w.call('cycle.cancel'), 'audit log cannot be written', rc='audit')
        same(w.deletes(), ({}, {}))
        s = w.status()
        contains(s['can']['step'], 'audit log')
        same(s['can']['hold'], None)
        limit_files(w.proc, None)
        whole(w, 'audit-log')
        until(lambda: written_mode(w), 20)
        cleaned(w)


def written_mode(w):
    """It can be decided again; armed as before."""
    try:
        w.call('mode.set', mode='armed')
        return True
    except Refused:
        return False


def tamper(w, actor):
    db = sqlite3.connect(os.path.join(w.state, 'sluice.db'))
    trigger = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'audit_no_update'").fetchone()[0]
    was = db.execute('SELECT actor FROM audit WHERE seq = 3').fetchone()[0]
    db.execute('DROP TRIGGER audit_no_update')
    db.execute('UPDATE audit SET actor = ? WHERE seq = 3', (actor,))
    db.execute(trigger)
    db.commit()
    db.close()
    return was


@test
def audit_chain_broken_it_only_observes():
    with World() as w:
        w.planned()
        w.call('cycle.cancel')
        w.settled()
        w.kill()
        was = tamper(w, 'mallory')
        w.start()
        lost(w, 'audit chain')
        signed = len(w.audit('checkpoint'))
        w.planned()
        looks(w)
        refused(w.arm, 'does not verify')
        same(w.call('cycle.hold', why='test') is not None, True)
        same(w.status()['can']['hold'], None)
        w.call('cycle.cancel')
        w.settled()
        same(len(w.audit('checkpoint')), signed, 'it signs what does not verify')
        w.kill()
        tamper(w, was)
        w.start()
        whole(w, 'audit-chain')
        w.granted()
        cleaned(w)


@test
def anchors_unwritable_everything_goes_on():
    with World(start=False) as w:
        w.configure(engine={'anchor_file': 'vault/anchors'})
        w.start()
        w.granted()
        cleaned(w)
        lost(w, 'anchors')
        looks(w)
        true(w.verify()['ok'])
        os.mkdir(os.path.join(w.dir, 'vault'), 0o700)
        w.discovered()
        whole(w, 'audit-chain')


# ---- rooms ----

def mounted(path, size):
    os.makedirs(path, 0o700, exist_ok=True)
    subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size},mode=700', 'none', path], check=True)


def fill(path, leave):
    s = os.statvfs(path)
    name = os.path.join(path, 'ballast')
    with open(name, 'wb') as f:
        os.posix_fallocate(f.fileno(), 0, max(1, s.f_bavail * s.f_frsize - leave))
    return name


def disk_inside():
    w = World(start=False)
    try:
        mounted(w.state, '600M')
        w.start()
        w.granted()
        ballast = fill(w.state, 30 << 20)
        lost(w, 'disk', also_doctor=True)
        looks(w)
        cleaned(w)                              # what is open goes on
        refused(lambda: w.call('cycle.start', policy='clean'), 'MB are free', 'no new cycle', 'free space', rc='refused')
        contains(w.call('status')['can']['cycle.start'], 'MB are free')
        os.unlink(ballast)
        same(w.call('status')['can']['cycle.start'], None)
        w.discovered()
        whole(w, 'disk')
        w.stop()
    finally:
        w.close()


def room_inside(how):
    part = {'try': 'escrow, tried', 'required': 'escrow, required'}[how]
    with escrow.world(how, files=20, orphan=6, unused=0) as w:
        escrow.plan(w)
        kept = sorted(escrow.index(w))
        same(len(kept), 6)
        w.call('cycle.cancel')
        w.settled()
        mounted(os.path.join(w.state, 'escrow'), '900k')
        lost(w, part)
        escrow.plan(w)
        same({c for c, _ in escrow.planned(w).values()}, {0} if how == 'try' else set())
        subprocess.run(['umount', os.path.join(w.state, 'escrow')], check=True)
        whole(w, 'escrow-room')
        if w.settled()['state'] != 'ended':     # a plan of nothing ends its cycle
            w.call('cycle.cancel')
            w.settled()
        escrow.plan(w)
        same({c for c, _ in escrow.planned(w).values()}, {1})


def inside(what):
    """A process in a mount namespace of its own does it, where a small file system gets full."""
    env = {**os.environ, 'SLUICE_INSIDE': what}
    p = subprocess.run(['unshare', *([] if os.getuid() == 0 else ['-r']), '-m', sys.executable, '-B', os.path.abspath(__file__)],
                       env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    same(p.returncode, 0, p.stdout)
    shown.update(p.stdout.split('seen: ')[1].strip().split('; '))


@test
def disk_low_what_is_open_ends_and_no_cycle_begins():
    inside('disk')


@test
def escrow_full_tried_copies_are_left_out_and_required_ones_leave_the_plan():
    inside('try')
    inside('required')


@test
def a_damaged_copy_stops_its_plan_and_no_other():
    with escrow.world(files=20, orphan=6, unused=0) as w:
        escrow.plan(w)
        w.grant()
        bad = sorted(escrow.index(w))[2]
        escrow.spoil(escrow.index(w)[bad]['path'], 'changed')
        refused(lambda: w.call('cycle.step'), '1 of 6 copies', bad, rc='stale')
        lost(w, 'a copy')
        same(w.deletes()[1], {})
        w.call('cycle.cancel')
        w.settled()
        escrow.plan(w)
        w.grant()
        w.call('cycle.step')
        w.finish()
        same(w.states(), {'deleted': 6})
        whole(w, 'escrow')


# ---- what lanes, links and records stand on ----

@test
def a_lane_down_the_others_go_on():
    with World(beta='files=20,orphan=10') as w:
        w.sim.fault('store=beta op=list fault=list-401')
        s = w.discovered()
        lost(w, 'a lane', 'beta', also_doctor=True)
        contains(s['waiting_for'], 'lane beta is not completely listed')
        refused(lambda: w.call('cycle.step'), 'beta')
        w.call('lane.exclude', lane='beta', reason='its key is gone')
        w.call('cycle.step')
        w.settled()
        w.arm()
        w.grant('alpha')
        cleaned(w)
        true(w.deletes('alpha')[1])
        same(w.deletes('beta'), ({}, {}))
        w.sim.no_faults()
        w.discovered()
        whole(w, 'lane', 'beta')


@test
def a_lane_that_refuses_while_cleaning_halts_alone():
    with World(beta='files=20,orphan=10') as w:
        w.granted()
        w.sim.fault('store=beta op=delete fault=401')
        s = w.canary()
        while not w.lane('alpha')['phase'] == 'settled':
            w.call('cycle.step')
            s = w.settled()
        lost(w, 'a lane', 'beta')
        contains(w.lane('beta')['halted'], '401')
        true(w.lane('alpha')['deleted'] > 0 and w.lane('alpha')['planned'] == w.lane('alpha')['deleted'], s)
        same(w.deletes('beta')[1], {})
        w.sim.no_faults()
        w.call('cycle.resume')
        w.finish()
        whole(w, 'lane', 'beta')


@test
def a_key_or_token_whose_file_is_wrong_only_stops_the_next_start():
    with World(start=False) as w:
        token = w.private('token', 'a-token-of-the-link-0123456789\n')
        sim = Sim('--link', 'daemon')
        try:
            w.configure(links=[{'name': 'daemon', 'url': sim.url['daemon'], 'handshake': 'exai', 'token_file': 'token', 'reconnect_base': '100ms',
                                'reconnect_max': '1s'}])
            w.start()
            until(lambda: check(w, 'link', 'daemon')['state'] == 'pass', 20)
            key = os.path.join(w.dir, 'key')
            os.rename(key, key + '.away')
            os.chmod(token, 0o644)
            lost(w, "a lane's key", 'alpha')
            lost(w, "a link's token", 'daemon')
            port = sim.port['daemon']
            sim.stop()
            until(lambda: check(w, 'link', 'daemon')['state'] == 'fail', 20)
            sim = Sim('--link', f'daemon:port={port}')
            until(lambda: check(w, 'link', 'daemon')['state'] == 'pass', 60)
            w.granted()
            cleaned(w)
            w.stop()
            refuses_to_start(w, 'credential of lane alpha')
            os.rename(key + '.away', key)
            refuses_to_start(w, 'token of link daemon')
            os.chmod(token, 0o600)
            w.start()
            whole(w, 'lane-key', 'alpha')
            whole(w, 'link-token', 'daemon')
        finally:
            sim.stop()


def states(w):
    return {l['name']: l['state'] for l in w.call('links')['links']}


@test
def a_link_down_holds_the_lanes_that_depend_on_it():
    app, other = Storm(), Storm()
    with app, other, World(files=100, orphan=30, unused=30, more=',latency_ms=100', lane={'in_flight': 4, 'depends_on': ['app']}, start=False) as w:
        w.configure(links=[app.link('app', 1), other.link('other', 1)])
        w.start()
        until(lambda: states(w) == {'app': 'up', 'other': 'up'}, 20)
        w.granted()
        w.canary()
        w.call('cycle.resume')
        app.end()
        lost(w, 'a link', 'app')
        s = until(lambda: w.status()['state'] == 'held' and w.status(), 20)
        contains(s['waiting_for'], 'link app', 'lane alpha depends on')
        same(states(w)['other'], 'up')
        looks(w)
        refused(lambda: w.call('cycle.resume'), 'link app', 'resume when it is up again', rc='held')
        with Storm(app.port):
            whole(w, 'link', 'app')
            same(w.settled()['state'], 'held', 'it resumed by itself')
            same(w.finish()['end'], 'COMPLETED')


@test
def a_link_down_leaves_lanes_alone_that_do_not_depend_on_it():
    storm = Storm()
    with storm, World(start=False) as w:
        w.configure(links=[storm.link('app', 1)])
        w.start()
        until(lambda: states(w) == {'app': 'up'}, 20)
        w.granted()
        storm.end()
        lost(w, 'a link', 'app')
        cleaned(w)


@test
def records_down_candidates_are_shown_and_nothing_is_planned():
    with World() as w:
        w.planned()
        w.call('cycle.cancel')
        w.settled()
        seen = w.call('candidates', limit=100, verdict='candidate')
        true(seen['total'] > 0, seen)
        os.rename(w.app, w.app + '.away')
        same(w.call('candidates', limit=100, verdict='candidate')['total'], seen['total'])
        s = w.discovered()
        lost(w, 'records', 'app', also_doctor=True)
        contains(s['waiting_for'], 'records: ')
        refused(lambda: w.call('cycle.step'), 'records: ')
        same(s['plan'], None)
        true(w.call('candidates', limit=100)['total'] >= seen['total'], 'what the lanes hold is not shown')
        refused(w.arm, 'records app')
        looks_without_plan(w)
        os.rename(w.app + '.away', w.app)
        refused(lambda: w.call('cycle.step'), 'records: ')
        w.call('cycle.cancel')
        w.planned()
        whole(w, 'records', 'app')


@test
def objects_gone_what_hangs_on_them_is_not_eligible_and_all_else_is():
    with objects.Kept(files=30, orphan=0, unused=20) as w:
        w.conf['records'][0]['references'] = None
        w.stop()
        w.configure()
        w.start()
        nameless = objects.roles(w, 'unused')[:4]
        for i in nameless:
            w.change('UPDATE provider_file_uploads SET supabase_file_id = NULL WHERE provider_file_id = ?', i)
        w.planned()
        whole(w, 'objects', 'uploads')
        w.call('cycle.cancel')
        w.settled()
        os.rename(w.root, w.root + '.away')
        w.planned()
        lost(w, 'objects', 'uploads', also_doctor=True)
        looks(w)
        same({i for i, (verdict, *_) in w.seen().items() if verdict == 'candidate'}, set(nameless))
        w.call('cycle.hold')
        os.rename(w.root + '.away', w.root)
        w.call('cycle.cancel')
        w.settled()
        w.granted()
        whole(w, 'objects', 'uploads')
        w.canary()
        os.rename(w.root, w.root + '.away')
        before = set(w.deletes()[0])
        w.call('cycle.resume')
        w.settled()
        true(not (set(w.deletes()[0]) - before) - set(nameless), 'sent without a look at its object')
        os.rename(w.root + '.away', w.root)
        w.finish()


def looks_without_plan(w):
    for method in ('status', 'cycle.status', 'lanes', 'links', 'candidates', 'audit.tail', 'checks', 'dead.list'):
        w.call(method)
    same(w.status()['can']['hold'], None)


@test
def lease_row_of_another_nothing_is_deleted():
    with Leased() as w:
        w.taken_by_other(3600)
        w.granted()
        lost(w, 'lease row', 'app')
        looks(w)
        refused(lambda: w.call('cycle.step'), 'held by other', rc='lease')
        same(w.deletes(), ({}, {}))
        w.change('UPDATE sluice_lease SET until = 1')
        whole(w, 'lease', 'app')
        cleaned(w)


@test
def every_check_that_can_fail_has_its_row():
    with Collector() as c, Sim('--link', 'daemon') as sim, objects.Kept(files=5, orphan=2, unused=2) as w:
        w.private('token', 'a-token-of-the-link-0123456789\n')
        w.conf['lanes'][0]['escrow'] = 'try'
        w.conf['records'][0]['lease'] = 'sluice_lease'
        w.configure(engine={'otlp': c.url}, links=[{'name': 'daemon', 'url': sim.url['daemon'], 'handshake': 'exai', 'token_file': 'token'}])
        w.stop()
        w.start()
        told = {r[0].split()[0].strip('`') for r in ROWS.values()}
        same({x['kind'] for x in w.call('checks')['checks']} - told, set())


# ---- time ----

@test
def clock_jump_holds_what_runs_and_voids_what_waits():
    if NO_CLOCK:
        shown.add('clock')
        return
    with World(start=False, policy={'canary': 2}) as w:
        at, env = shift(w)
        w.start(**env)
        w.granted()
        set_shift(at, 1000)
        until(lambda: w.status()['state'] == 'ended', 20, w.status)
        same(w.status()['end'], 'LAPSED')
        contains(w.audit('grant.lapsed')[0][2]['why'], 'clock')
        same(w.deletes(), ({}, {}))
        set_shift(at, 0)
        until(lambda: len(w.audit('clock.jump')) == 2, 20)
        w.granted()
        w.canary()
        before = len(w.deletes()[0])
        true(before)
        set_shift(at, 1000)
        lost(w, 'clock')
        same(w.status()['state'], 'held')
        looks(w)
        same(len(w.deletes()[0]), before)
        set_shift(at, 0)
        until(lambda: len(w.audit('clock.jump')) == 3, 20)
        same(w.finish()['end'], 'COMPLETED')
        true(check(w, 'clock')['state'] != 'fail')


@test
def the_machine_late_or_unsynchronised_is_said():
    with Collector() as c, World(start=False) as w:
        w.configure(engine={'otlp': c.url, 'otlp_interval': '1s'})
        w.start()
        if check(w, 'clock')['state'] == 'warn':
            lost(w, 'clock, unsynchronised')
        shown.add('clock, unsynchronised')      # the kernel's word: it cannot be made to say the other
        w.granted()
        cleaned(w)
        collector_refuses(w, c)
        few_descriptors(w)
        stalled(w)
        looks(w)


def collector_refuses(w, c):
    c.answers = [(400, {}, {})] * 1000
    lost(w, 'collector')
    until(lambda: 'sluice_otlp_pushes_total{result="dropped"} 0\n' not in page(w, '/metrics')[1], 20)
    looks(w)
    c.answers = []
    whole(w, 'otlp')


def few_descriptors(w):
    import resource
    soft, hard = resource.prlimit(w.proc.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(w.proc.pid, resource.RLIMIT_NOFILE, (len(os.listdir(f'/proc/{w.proc.pid}/fd')) + 30, hard))
    lost(w, 'descriptors')
    looks(w)
    resource.prlimit(w.proc.pid, resource.RLIMIT_NOFILE, (soft, hard))
    whole(w, 'descriptors')


def stalled(w):
    """It stands still for 1.6 s; the second after it knows. Seen by a connection that is open."""
    import time
    os.kill(w.proc.pid, signal.SIGSTOP)
    try:
        time.sleep(1.6)                 # what is done to it, nothing is waited for
    finally:
        os.kill(w.proc.pid, signal.SIGCONT)
    row = ROWS['the machine']
    c = until(lambda: [x for x in [check(w, 'loop')] if x['state'] == 'fail'], 10, 'a loop that stood still is not told')[0]
    same((c['works'], c['stops'], c['back']), row[2:])
    shown.add('the machine')
    until(lambda: check(w, 'loop')['state'] == 'pass', 30)


# ---- two engines ----

@test
def a_second_engine_does_not_start_even_without_the_lock_file():
    with World() as w:
        def second():
            p = w.launch()
            return p.wait(30 * SLOW)
        same(second(), 8)
        os.unlink(os.path.join(w.state, 'lock'))
        same(second(), 8)
        w.granted()
        cleaned(w)
        w.stop()
        w.start()
        same(ROWS['lease'][0], 'exit 8')
        shown.add('lease')


@test
def every_row_of_the_table_was_broken_here():
    if len(sys.argv) > 1:
        return
    same(sorted(ROWS), sorted(shown))


INSIDE = {'disk': disk_inside, 'try': lambda: room_inside('try'), 'required': lambda: room_inside('required')}

if __name__ == '__main__':
    if os.environ.get('SLUICE_INSIDE'):
        INSIDE[os.environ['SLUICE_INSIDE']]()
        print('seen: ' + '; '.join(sorted(shown)))
        sys.exit(0)
    sys.exit(main(globals()))
