#!/usr/bin/python3
"""The verbs of the binary: a whole cycle driven with them alone, exit codes, what goes wrong around them."""
import csv
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from englib import SLOW, SLUICE, World, contains, main, same, test, true, until     # noqa: E402


def say(*args, state=None, rc=0, env=None, **kw):
    """Runs one verb without a World; what it printed and said."""
    e = {k: v for k, v in os.environ.items() if not k.startswith('SLUICE_')}
    e.update({'HOME': '/nonexistent', 'LC_ALL': 'C.UTF-8', **(env or {})})
    kw.setdefault('stdout', subprocess.PIPE)
    cmd = [SLUICE] + (['--state', state] if state else []) + list(args)
    p = subprocess.run(cmd, env=e, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=120 * SLOW, **kw)
    out, err = (p.stdout or b'').decode(), p.stderr.decode()
    same(p.returncode, rc, f'{args} said {err!r} {out[-600:]!r}')
    if rc and rc not in (3, 7, 11, 13, 15, 20):
        same(err.count('\n'), 1, f'{args}: one sentence: {err!r}')
    return out, err


class Cli(World):
    """A world whose engine is started, driven and stopped by verbs."""

    def __init__(self, files=60, orphan=20, unused=5, **kw):
        super().__init__(start=False, files=files, orphan=orphan, unused=unused, **kw)
        try:
            self.key = os.path.join(self.dir, 'alice.pem')
            line = self.out('grant', 'keygen', self.key).strip()
            same(os.stat(self.key).st_mode & 0o777, 0o600)
            self.configure(operators=[{'name': 'alice', 'uids': [os.getuid()], 'keys': [f'"{line}"']}])
        except BaseException:
            self.close()
            raise

    def run(self, *args, rc=0, **kw):
        env = {'HOME': self.dir, 'XDG_RUNTIME_DIR': self.dir}
        return say('--config', os.path.join(self.dir, 'sluice.yaml'), *args, state=self.state, rc=rc, env=env, cwd=self.dir, **kw)

    def out(self, *args, rc=0):
        return self.run(*args, rc=rc)[0]

    def err(self, *args, rc):
        return self.run(*args, rc=rc)[1]

    def json(self, *args, rc=0):
        return json.loads(self.out('--json', *args, rc=rc))

    def begin(self):
        self.out('engine', 'start')
        return self

    def cycle(self, *args, rc=0):
        return self.json('cycle', *args, '--wait', '60', rc=rc)

    def to_plan(self):
        self.begin()
        self.cycle('start', 'clean')
        self.out('mode', 'armed')
        c = self.cycle('step')
        same((c['stage'], c['state']), ('VALIDATING', 'waiting'), c['waiting_for'])
        true(c['plan']['valid'])
        return c

    def sign(self, lane='alpha', *more, rc=0):
        path = os.path.join(self.dir, f'grant-{time.monotonic_ns()}.json')
        self.run('grant', 'sign', '--lane', lane, '--reason', 'a test', '--key', self.key, '--operator', 'alice', '--out', path, *more, rc=rc)
        return path

    def grant_all(self, *more):
        for lane in self.lanes:
            self.out('grant', 'submit', self.sign(lane, *more))

    def to_end(self, rc=0):
        """Resume until the cycle has ended; the last answer."""
        c = self.json('cycle', 'step', '--wait', '60')
        for _ in range(20):
            if c['state'] == 'ended':
                break
            if c['ack_needed']:
                c = json.loads(self.run('--json', 'cycle', 'ack', str(c['ack_needed']), '--wait', '60')[0])
                continue
            p = self.cli_any('--json', 'cycle', 'resume', '--wait', '60')
            c = json.loads(p)
        same(c['state'], 'ended', c['waiting_for'])
        self.json('cycle', 'status', '--wait', '1', rc=rc)
        return c

    def cli_any(self, *args):
        """A verb whose exit code the caller does not know beforehand."""
        cmd = [SLUICE, '--state', self.state, '--config', os.path.join(self.dir, 'sluice.yaml'), *args]
        return subprocess.run(cmd, stdin=subprocess.DEVNULL, capture_output=True, timeout=120 * SLOW).stdout.decode()

    def close(self):
        if os.path.exists(os.path.join(self.state, 'engine.sock')):
            cmd = [SLUICE, '--state', self.state, 'engine', 'stop']
            subprocess.run(cmd, stdin=subprocess.DEVNULL, capture_output=True, timeout=60 * SLOW)
        super().close()

    def __exit__(self, kind, *exc):
        log = os.path.join(self.state, 'engine.log')
        if kind and os.path.exists(log):
            with open(log, errors='replace') as f:
                print('# the log: ' + f.read()[-2000:].replace('\n', '\n# '), flush=True)
        self.close()


@test
def a_whole_cycle_is_driven_with_verbs_alone():
    with Cli(files=80, orphan=20, unused=20, beta='files=60,orphan=10,unused=10') as w:
        contains(w.out('engine', 'start'), 'engine started')
        s = w.json('status')
        same((s['engine']['mode'], s['cycle']), ('observe', None))
        c = w.cycle('start', 'clean')
        same((c['stage'], c['state'], c['plan']), ('DISCOVERING', 'waiting', None))
        lanes = {l['name']: l for l in w.json('lanes')['lanes']}
        same((lanes['alpha']['listed'], lanes['alpha']['complete'], lanes['beta']['listed']), (80, True, 60))
        same(w.json('mode', 'armed'), {'mode': 'armed'})
        same(w.json('mode'), {'mode': 'armed'})
        c = w.cycle('step')
        same(c['stage'], 'VALIDATING')
        some = w.json('candidates', '--lane', 'alpha', '--verdict', 'candidate', '--limit', '7')
        same(len(some['rows']), 7)
        every = w.json('candidates', '--limit', '1000')['rows']
        for text, fits in (('lane:beta', lambda x: x['lane'] == 'beta'), ('lane:alpha candidate', lambda x: (x['lane'], x['verdict']) == ('alpha', 'candidate')),
                           ('!candidate', lambda x: x['verdict'] != 'candidate'), ('planned', lambda x: x['rank'] is not None),
                           ('size>1kB size<=1MB', lambda x: 1000 < x['bytes'] <= 1000000), ('age>1d', lambda x: x['created_us'] < (time.time() - 86400) * 1e6),
                           ('class:R0 rule:orphan', lambda x: x['class'] == 'R0' and 'orphan' in x['rule'].split('+')),
                           ('name~"' + every[0]['name'][:3] + '"', lambda x: every[0]['name'][:3] in x['name'])):
            got = w.json('candidates', '--limit', '1000', '--filter', text)
            same(sorted(x['id'] for x in got['rows']), sorted(x['id'] for x in every if fits(x)), text)
            same(got['total'], len(got['rows']), text)
        for method in ('candidates.progress', 'candidates.stop'):
            same(w.json('rpc', method, '{"query": "nobody"}')['running'], False, method)
        for text, why in (('lane:nobody', 'no lane nobody'), ('age>30', 'column 5: age takes'), ('kept colour:red', 'column 6: there is no such key')):
            contains(w.err('candidates', '--filter', text, rc=2), why)
        one = w.json('candidates', '--id', some['rows'][0]['id'])
        true(one['evidence'], one)
        plan = w.json('plan', 'show', '--lane', 'alpha', '--items', '3')
        same(plan['id'], c['plan']['id'])
        same(next(l for l in plan['lanes'] if l['lane'] == 'alpha')['grant']['items'], 3)
        same(len(w.json('plan', 'items', 'largest', '--limit', '4')['rows']), 4)
        w.err('cycle', 'step', rc=5)
        w.grant_all()
        same([g['state'] for g in w.json('grant', 'list')['grants']].count('valid') >= 0, True)
        end = w.to_end()
        same((end['end'], end['balanced']), ('COMPLETED', True), end['equation'])
        really = {(x['store'], x['id']) for x in w.sim.lines(kind='effect', effect='deleted')}
        same(len(really), c['plan']['items'])
        records = [json.loads(line) for line in w.out('audit', 'export').splitlines()]
        same([r['seq'] for r in records], list(range(1, len(records) + 1)))
        said = {r['subject'] for r in records if r['kind'] == 'outcome' and r['payload']['outcome'] in ('deleted', 'gone')}
        same(said, {i for _, i in really})
        asked = len(w.sim.lines(kind='request', op='delete'))
        same(asked, sum(r['kind'] == 'intent' for r in records), 'one request per audited attempt')
        rows = list(csv.DictReader(io.StringIO(w.out('audit', 'export', '--format', 'csv'))))
        same([r['hash'] for r in rows][:len(records)], [r['hash'] for r in records])
        v = w.json('audit', 'verify')
        same(v['ok'], True)
        true(v['records'] >= len(records))
        contains(w.out('engine', 'stop'), 'stopped')
        off = w.json('audit', 'verify', '--offline')
        same((off['ok'], off['first_bad'], sorted(off)), (True, None, sorted(v)))


@test
def every_verb_answers_in_json_when_asked():
    with Cli() as w:
        w.to_plan()
        for verb in (['status'], ['cycle', 'status'], ['lanes'], ['links'], ['policies'], ['policy', 'check'], ['candidates'], ['plan', 'show'], ['plan', 'items', 'all'],
                     ['grant', 'list'], ['audit', 'tail'], ['audit', 'verify'], ['audit', 'verify', '--offline'], ['mode'], ['paths'],
                     ['rpc', 'hello'], ['engine', 'start'], ['cycle', 'hold'], ['cycle', 'cancel'], ['engine', 'stop']):
            true(isinstance(w.json(*verb), dict), verb)


@test
def without_an_engine_a_verb_ends_14_and_says_what_to_do():
    with tempfile.TemporaryDirectory() as d:
        for verb in ('status', 'cycle start x', 'cycle status', 'cycle step', 'cycle resume', 'cycle hold', 'cycle ack 1', 'cycle cancel',
                     'cycle abort --how keep --reason x', 'lane exclude a --reason x', 'plan show', 'plan items all', 'grant list',
                     'grant sign --lane a --reason x --key k --operator o', 'candidates', 'lanes', 'links', 'policies', 'policy explain p i', 'audit tail', 'audit verify',
                     'audit export', 'mode', 'mode armed', 'rpc hello', 'engine stop', 'watch --dump-screen overview'):
            _, err = say(*verb.split(), state=d, rc=14)
            contains(err, 'engine')
        contains(say('status', state=d, rc=14)[1], 'sluice engine start')


@test
def paths_and_the_offline_proof_need_no_engine():
    with Cli() as w:
        contains(w.out('paths'), w.state)
        same(w.json('paths')['socket'], os.path.join(w.state, 'engine.sock'))
        true(w.run('audit', 'verify', '--offline', rc=2 if not os.path.exists(w.state) else 0)[1])
        w.begin()
        w.out('engine', 'stop')
        contains(w.out('audit', 'verify', '--offline'), 'ok: ')


@test
def usage_errors_end_2_with_one_sentence():
    with tempfile.TemporaryDirectory() as d:
        for line, word in (('frobnicate', 'frobnicate'), ('grant', 'needs a verb'), ('grant frobnicate', 'frobnicate'), ('cycle start', 'POLICY'),
                           ('cycle start a b', 'too many'), ('lanes --bogus', '--bogus'), ('--bogus', '--bogus'), ('status --state', 'needs a value'),
                           ('status --json=yes', 'takes no value'), ('candidates --lane a --lane b', 'twice'), ('candidates --limit x', 'whole number'),
                           ('cycle step --wait=soon', '--wait'), ('cycle ack many', 'number'), ('audit export --format xml', 'jsonl'),
                           ('cycle abort --how keep', '--reason'), ('grant sign --lane a', '--reason'), ('help frobnicate', 'frobnicate'),
                           ('mode Armed!', 'mode is'), ('rpc ../etc', 'method'), ('demo --seed x', '--seed'), ('demo --until never', 'armed'),
                           ('demo --files 1', '--files')):
            _, err = say(*line.split(), state=d, rc=2)
            contains(err, word)
            true(err.startswith('sluice: '), err)
        contains(say('rpc', 'status', '{', state=d, rc=2)[1], 'parameters')
        contains(say('demo', state=d, rc=2)[1], '--headless')


@test
def help_and_version_need_nothing():
    contains(say('--version')[0], 'sluice ')
    text = say('--help')[0]
    contains(text, 'sluice cycle start', 'sluice grant sign', '--state DIR', 'sluice demo')
    same(say('help')[0], text)
    contains(say('grant', 'sign', '--help')[0], '--operator')
    contains(say('help', 'grant', 'sign')[0], '--operator')
    contains(say('help', 'audit')[0], 'audit tail', 'audit verify', 'audit export')


@test
def engine_start_is_idempotent_and_of_many_one_wins():
    with Cli() as w:
        cmd = [SLUICE, '--state', w.state, '--config', os.path.join(w.dir, 'sluice.yaml'), 'engine', 'start']
        many = [subprocess.Popen(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(6)]
        said = [p.communicate(timeout=60 * SLOW) for p in many]
        same([p.returncode for p in many], [0] * 6, said)
        same(sum(b'engine started' in o for o, _ in said), 1, said)
        contains(w.out('engine', 'start'), 'an engine answers')


@test
def engine_stop_returns_when_the_lock_is_free():
    with Cli() as w:
        for _ in range(5):
            contains(w.out('engine', 'start'), 'engine started')
            w.out('engine', 'stop')
            true(not os.path.exists(os.path.join(w.state, 'engine.sock')))


@test
def a_second_engine_ends_8_and_leaves_the_first_alone():
    with Cli() as w:
        w.begin()
        pid = w.json('status')['engine']['pid']
        contains(w.err('engine', 'run', rc=8), str(pid))
        same(w.json('status')['engine']['pid'], pid)


@test
def an_occupied_socket_is_never_taken():
    with Cli() as w:
        path = os.path.join(w.dir, 'taken.sock')
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(path)
            s.listen(1)
            for verb in ('run', 'start'):
                _, err = w.run('--socket', path, 'engine', verb, rc=8)
                contains(err, path)
            true(os.path.exists(path))
        w.run('--socket', path, 'engine', 'start')          # nobody listens there any more
        w.run('--socket', path, 'status')
        w.run('--socket', path, 'engine', 'stop')
        with open(path, 'w') as f:
            f.write('precious')
        contains(w.run('--socket', path, 'engine', 'start', rc=2)[1], path)
        with open(path) as f:
            same(f.read(), 'precious')


@test
def engine_start_hands_on_what_the_engine_said():
    with Cli() as w:
        os.chmod(os.path.join(w.dir, 'key'), 0o644)
        contains(w.err('engine', 'start', rc=2), 'key')
        os.chmod(os.path.join(w.dir, 'key'), 0o600)
        w.configure(lanes=[{**w.conf['lanes'][0], 'rate': '010/s'}])
        contains(w.err('engine', 'start', rc=2), 'sluice.yaml:', 'rate')
        true(not os.path.exists(os.path.join(w.state, 'engine.sock')))


@test
def a_terminal_that_went_away_does_not_take_the_engine_along():
    with Cli() as w:
        pid = os.fork()
        if pid == 0:
            os.setsid()
            os.execv(SLUICE, [SLUICE, '--state', w.state, '--config', os.path.join(w.dir, 'sluice.yaml'), 'engine', 'start'])
        same(os.waitpid(pid, 0)[1], 0)
        try:
            os.killpg(pid, signal.SIGHUP)
        except ProcessLookupError:
            pass
        e = w.json('status')['engine']
        same(os.getsid(e['pid']), e['pid'], 'a session of its own')
        for fd in (0, 1):
            same(os.readlink(f'/proc/{e["pid"]}/fd/{fd}'), '/dev/null')
        same(os.readlink(f'/proc/{e["pid"]}/fd/2'), os.path.join(w.state, 'engine.log'))


@test
def a_closed_standard_output_is_an_error_and_no_accident():
    with Cli() as w:
        w.to_plan()
        base = [SLUICE, '--state', w.state, '--config', os.path.join(w.dir, 'sluice.yaml')]

        def ends(how, *args):
            p = subprocess.run(['/bin/sh', '-c', f'"$@" {how}', 'sh', *base, *args], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60 * SLOW)
            same(p.returncode, 1, (how, args, p.stderr))
            contains(p.stderr.decode(), 'standard output')
        for args in (['status'], ['audit', 'export'], ['candidates', '--json'], ['--help'], ['paths']):
            ends('>&-', *args)
            ends('>/dev/full', *args)
            r, wr = os.pipe()
            os.close(r)
            p = subprocess.run([*base, *args], stdout=wr, stderr=subprocess.PIPE, timeout=60 * SLOW)
            os.close(wr)
            same(p.returncode, 1, args)
        same(subprocess.run(['/bin/sh', '-c', '"$@" <&- >&- 2>&-', 'sh', *base, 'status'], timeout=60 * SLOW).returncode, 1)
        same(subprocess.run(['/bin/sh', '-c', '"$@" <&- >&- 2>&-', 'sh', *base, 'engine', 'stop'], timeout=60 * SLOW).returncode, 1)
        subprocess.run(['/bin/sh', '-c', '"$@" <&- >&- 2>&-', 'sh', *base, 'engine', 'start'], timeout=60 * SLOW)
        w.out('status')
        w.out('audit', 'verify')


@test
def an_incomplete_list_ends_13():
    with Cli(faults=['store=alpha op=list fault=500-before']) as w:
        w.begin()
        c = w.cycle('start', 'clean', rc=13)
        contains(c['waiting_for'], 'not completely listed')
        w.err('cycle', 'step', rc=2)
        w.sim.no_faults()
        w.out('cycle', 'cancel')


@test
def grants_are_refused_with_4_and_5():
    with Cli(policy={'caps': {'items': 5, 'bytes': '1TB', 'share': '100%'}}) as w:
        n = w.to_plan()['plan']['items']
        contains(w.err('cycle', 'step', rc=5), 'grant')
        w.sign('alpha', '--items', str(n + 1), rc=4)
        w.sign('nolane', rc=5)
        g = w.sign('alpha')
        if n > 5:
            contains(w.err('grant', 'submit', g, rc=4), 'cap items')
        g = w.sign('alpha', '--items', '3')
        with open(g) as f:
            text = f.read()
        with open(g + '.changed', 'w') as f:
            f.write(text.replace('"items":3', '"items":4'))
        contains(w.err('grant', 'submit', g + '.changed', rc=5), 'signature')
        w.out('grant', 'submit', g)
        contains(w.err('grant', 'submit', g, rc=5), 'before')
        w.err('grant', 'submit', os.path.join(w.dir, 'key'), rc=2)
        w.err('grant', 'submit', '/nonexistent', rc=2)
        w.err('grant', 'keygen', w.key, rc=2)


@test
def a_held_cycle_ends_11_a_cancelled_one_15():
    with Cli() as w:
        w.to_plan()
        same(w.cycle('hold', 'lunch', rc=11)['state'], 'held')
        same(w.cycle('resume')['state'], 'waiting')
        w.out('cycle', 'cancel')
        same(w.cycle('status', rc=15)['end'], 'CANCELLED')
        contains(w.err('cycle', 'step', rc=2), 'cycle')
        contains(w.err('cycle', 'start', 'nope', rc=2), 'nope')


@test
def an_abort_that_keeps_ends_7():
    with Cli(files=60, orphan=40) as w:
        w.to_plan()
        w.grant_all()
        w.cycle('step')
        c = w.cycle('abort', '--how', 'keep', '--reason', 'changed our mind', rc=7)
        same((c['end'], c['balanced']), ('ABORTED_KEPT', True), c['equation'])


@test
def failures_are_acknowledged_by_count_and_end_3():
    with Cli(files=120, orphan=60, faults=['store=alpha op=delete from=30..34 fault=500-before', 'store=alpha op=delete attempt=2 fault=500-before',
                                           'store=alpha op=delete attempt=3 fault=500-before', 'store=alpha op=delete attempt=4 fault=500-before',
                                           'store=alpha op=delete attempt=5 fault=500-before', 'store=alpha op=delete attempt=6 fault=500-before']) as w:
        w.to_plan()
        w.grant_all()
        c = w.to_end(rc=3)
        same((c['end'], c['balanced']), ('COMPLETED_WITH_FAILURES', True), c['equation'])


@test
def a_rehearsal_with_candidates_ends_20_and_deletes_nothing():
    with Cli() as w:
        w.begin()
        w.out('mode', 'rehearse')
        c = w.cycle('start', 'clean')
        for _ in range(20):
            if c['state'] == 'ended':
                break
            c = json.loads(w.cli_any('--json', 'cycle', 'resume', '--wait', '60') or w.cli_any('--json', 'cycle', 'status'))
        same((c['state'], c['rehearsal']), ('ended', True), c['waiting_for'])
        w.cycle('status', rc=20)
        same(w.sim.lines(kind='request', op='delete'), [])


@test
def a_log_that_was_changed_ends_12():
    with Cli() as w:
        w.to_plan()
        w.out('engine', 'stop')
        import sqlite3
        db = sqlite3.connect(os.path.join(w.state, 'sluice.db'))
        triggers = db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            db.execute(f'DROP TRIGGER {name}')
        db.execute("UPDATE audit SET subject = 'somebody else' WHERE seq = 3")
        db.commit()
        db.close()
        v = w.json('audit', 'verify', '--offline', rc=12)
        same((v['ok'], v['first_bad']), (False, 3), v['why'])


@test
def a_watchers_connection_changes_nothing():
    with Cli() as w:
        w.begin()
        contains(w.err('rpc', '--watch', 'mode.set', '{"mode":"rehearse"}', rc=2), 'watcher')
        same(w.json('mode')['mode'], 'observe')
        same(json.loads(w.out('rpc', '--watch', 'hello'))['role'], 'watcher')


@test
def hostile_names_reach_no_terminal_as_they_are():
    with Cli(files=100, orphan=30, more=',hostile=20') as w:
        w.to_plan()
        for verb in (['candidates', '--limit', '100'], ['plan', 'items', 'all', '--limit', '100'], ['candidates', '--limit', '100', '--json'],
                     ['audit', 'tail', '--limit', '100'], ['status'], ['cycle', 'status']):
            text = w.out(*verb)
            bad = [hex(ord(ch)) for ch in text if ch != '\n' and (ord(ch) < 32 or 127 <= ord(ch) < 160 or 0x202a <= ord(ch) <= 0x202e
                   or 0x2066 <= ord(ch) <= 0x2069 or 0x200b <= ord(ch) <= 0x200f or 0xe0000 <= ord(ch) <= 0xe007f)]
            same(bad, [], verb)
        lines = w.out('candidates', '--limit', '100').splitlines()
        same(len(lines), len(w.json('candidates', '--limit', '100')['rows']) + 1, 'one line an item')


@test
def the_headless_demo_agrees_with_the_ledger_and_leaves_nothing():
    with tempfile.TemporaryDirectory() as d:
        out, _ = say('demo', '--headless', '--seed', '3', '--print-metrics', env={'TMPDIR': d})
        contains(out, 'discover ', 'validate ', 'grant ', 'commit ', 'audit ', ' planned = ', '0 ids differ', 'sluice_')
        same(os.listdir(d), [])
        keep = os.path.join(d, 'kept')
        out, _ = say('demo', '--headless', '--keep', keep, '--no-faults')
        contains(out, '\nCOMPLETED\n', '0 failed + 0 unknown')
        contains(say('audit', 'verify', '--offline', state=os.path.join(keep, 'state'))[0], 'ok: ')
        contains(say('demo', '--headless', '--keep', keep, rc=2)[1], 'empty')


@test
def a_liar_is_named_by_id():
    for lie in ('says-deleted-was-not', 'deletes-another'):
        with tempfile.TemporaryDirectory() as d:
            keep = os.path.join(d, 'kept')
            out, err = say('demo', '--headless', '--keep', keep, '--fault', f'store=openai op=delete nth=20 fault={lie}', rc=1)
            with open(os.path.join(keep, 'ledger.jsonl')) as f:
                ledger = [json.loads(line) for line in f]
            asked = [x['id'] for x in ledger if x['kind'] == 'request' and x.get('op') == 'delete' and x['store'] == 'openai'][19]
            contains(out, f'DIFFERS      openai/{asked}: ')
            contains(err, 'differ')
            contains(out, 'was deleted and nobody here intended it') if lie == 'deletes-another' else None


@test
def a_demo_that_is_told_to_stop_leaves_nothing():
    for args, when in ((['--headless'], 'engine.sock'), (['--headless'], 'manifest.jsonl'), (['--until', 'armed'], 'engine.sock')):
        with tempfile.TemporaryDirectory() as d:
            e = dict(os.environ, TMPDIR=d)
            p = subprocess.Popen([SLUICE, 'demo', *args], env=e, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
            until(lambda: any(when in f for _, _, f in os.walk(d)), 20)
            p.send_signal(signal.SIGTERM)
            same(p.wait(30 * SLOW), -signal.SIGTERM)
            p.stdin.close()
            same(os.listdir(d), [])
            left = [x for x in os.listdir('/proc') if x.isdigit() and d.encode() in cmdline(x)]
            same(left, [], 'no child is left')


def cmdline(pid):
    try:
        with open(f'/proc/{pid}/cmdline', 'rb') as f:
            return f.read()
    except OSError:
        return b''


if __name__ == '__main__':
    sys.exit(main(globals()))
