#!/usr/bin/python3
"""A long log is verified: how far it is is told to who asked, it ends when it is told to or when nobody waits for it any more,
never with a good word; and what was changed in it is still found."""
import fcntl
import hashlib
import json
import os
import pty
import re
import select
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
import time

sys.dont_write_bytecode = True
from englib import Refused, SLOW, SLUICE, World, contains, main, same, test, true, until

RECORDS = 60000
COLUMNS = ('seq', 'wall_us', 'boot_us', 'boot', 'actor', 'uid', 'role', 'via', 'kind', 'subject', 'cycle', 'plan', 'payload', 'prev', 'hash')


def text(s):
    return b'b' + struct.pack('>Q', len(s)) + s.encode()


def number(n):
    return b'i' + struct.pack('>Qq', 8, n)


def grow(w, records=RECORDS):
    """Records of nobody behind the newest one, each hashed as store/audit.c does."""
    db = sqlite3.connect(os.path.join(w.state, 'sluice.db'))
    seq, prev = db.execute('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1').fetchone()
    head = text('sluice audit record 1') + b'b' + struct.pack('>Q', 32)
    words = ('anna', 1000, 'operator', 'rpc', 'command.refused')
    middle = number(1) + number(2) + text('b') + text('anna') + number(1000) + text('operator') + text('rpc') + text('command.refused')
    end = number(0) + text('') + text('{}')

    def rows():
        nonlocal seq, prev
        for _ in range(records):
            seq += 1
            h = hashlib.sha256(head + prev + number(seq) + middle + text(f's{seq}') + end).digest()
            yield (seq, 1, 2, 'b', *words, f's{seq}', 0, '', '{}', prev, h)
            prev = h
    db.executemany(f'INSERT INTO audit VALUES ({",".join("?" * len(COLUMNS))})', rows())
    db.commit()
    db.close()
    return seq


def tamper(w, seq):
    db = sqlite3.connect(os.path.join(w.state, 'sluice.db'))
    triggers = [t for t, in db.execute("SELECT sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY rowid")]
    names = [n for n, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY rowid")]
    for n in names:
        db.execute(f'DROP TRIGGER {n}')
    db.execute("UPDATE audit SET subject = 'another' WHERE seq = ?", (seq,))
    for t in triggers:
        db.execute(t)
    db.commit()
    db.close()


def long_log():
    """A log of its own, to be changed."""
    w = World(files=4, orphan=1, unused=1)
    w.stop()
    w.of = grow(w)
    w.start()
    until(lambda: w.call('status')['chain']['verified_seq'], 60, 'the log is not verified after the start')
    return w


class Shared:
    """One that nobody changes; its engine runs."""
    world = None

    def __enter__(self):
        Shared.world = Shared.world or long_log()
        Shared.world.wire()
        return Shared.world

    def __exit__(self, kind, *exc):
        if kind:
            print('# the engine said: ' + Shared.world.said().replace('\n', '\n# '), flush=True)
        Shared.world.drop_wires()


def moving(asker, query, verify):
    """Two figures of a verification, the second larger; None if its answer came before."""
    first = None
    while True:
        ask = asker.send('audit.progress', query=query)
        while (m := asker.message()).get('id') != ask:
            if m.get('id') == verify:
                asker.answer(ask)
                true(m['result']['ok'], m)
                return None
        p = m['result']
        if p['done'] and first is None:
            first = p
        elif p['done'] and p['done'] > first['done']:
            return first, p


def caught(asker, end):
    """Until a verification was caught under way and `end` ended it: its figures and its refusal."""
    for k in range(20):
        verify = asker.send('audit.verify', query=f'v{k}')
        seen = moving(asker, f'v{k}', verify)
        if seen:
            end(f'v{k}')
            try:
                v = asker.answer(verify)
                true(v['ok'], v)        # it was at its end already
                continue
            except Refused as e:
                return seen, e
    raise AssertionError('no verification of 20 was caught under way')


@test
def it_tells_how_far_it_is_and_ends_when_it_is_told_to():
    with Shared() as w:
        mine, other = w.wire(), w.wire()
        before = w.call('status')['chain']
        (first, second), e = caught(mine, lambda q: mine.send('audit.stop', query=q))
        true(0 < first['done'] < second['done'] <= second['of'], (first, second))
        true(w.of <= second['of'] <= w.of + 100, second)
        same(e.rc, 'cancelled', str(e))
        n, of = map(int, re.search(r'cancelled after (\d+) of (\d+) records: nothing is known', str(e)).groups())
        true(second['done'] <= n < of == second['of'], str(e))
        after = w.call('status')['chain']
        true(after['verified_seq'] >= before['verified_seq'], after)
        # nobody else asks about it or ends it
        v = mine.send('audit.verify', query='mine')
        same(other.call('audit.progress', query='mine'), {'running': False, 'done': None, 'of': None})
        same(other.call('audit.stop', query='mine')['running'], False)
        true(mine.answer(v)['ok'])
        # without a name nothing is known of it
        same(mine.call('audit.progress', query='')['running'], False)
        same(mine.call('audit.stop', query='')['running'], False)


@test
def several_ask_at_once_and_the_engine_goes_on():
    with Shared() as w:
        wires = [w.wire() for _ in range(4)]
        asked = [(x, x.send('audit.verify', query='same')) for x in wires]
        stop = wires[3].send('audit.stop', query='same')        # it may still wait for its turn
        for wire, n in asked[:3]:
            v = wire.answer(n)
            true(v['ok'] and v['records'] >= w.of, v)
        x, n = asked[3]
        got = {}
        while len(got) < 2:
            m = x.message()
            got[m.get('id')] = m
        same(got[stop]['result']['running'], True)
        same(got[n]['error']['data']['rc'], 15, got[n])
        contains(got[n]['error']['message'], 'cancelled after')


@test
def nobody_waits_and_it_ends():
    with Shared() as w:
        gone, other = w.wire(), w.wire()
        at = time.monotonic()
        true(other.call('audit.verify')['ok'])
        one = time.monotonic() - at
        many = 100
        for k in range(many):
            gone.send('audit.verify', query=f'g{k}')
        same(gone.call('audit.progress', query=f'g{many - 1}'), {'running': True, 'done': None, 'of': None})
        gone.close()
        at = time.monotonic()
        true(other.call('audit.verify')['ok'])
        took = time.monotonic() - at
        true(took < one * many / 4, f'one takes {one:.2f} s, and {took:.2f} s behind {many} that nobody waits for')


@test
def a_change_in_a_long_log_is_found_at_its_record():
    with long_log() as w:
        w.stop()
        seq = w.of - RECORDS // 3
        tamper(w, seq)
        w.start()
        mine = w.wire()
        v = mine.call('audit.verify', query='v')
        same((v['ok'], v['first_bad']), (False, seq), v)
        contains(v['why'], f'record {seq}: its hash does not match')
        # the same one, told to end at once: that, or cancelled, and never a good word
        for k in range(5):
            n, stop = mine.send('audit.verify', query=f's{k}'), mine.send('audit.stop', query=f's{k}')
            got = {}
            while len(got) < 2:
                m = mine.message()
                got[m.get('id')] = m
            m = got[n]
            true('error' in m and m['error']['data']['rc'] == 15 or not m['result']['ok'], m)
            true(got[stop]['result'], got)


# ---- the command line ----

class Cli:
    """The program with a terminal as its standard error, or a pipe."""

    def __init__(self, w, *args, terminal=True):
        env = {k: v for k, v in os.environ.items() if not k.startswith('SLUICE_')}
        self.master, slave = pty.openpty() if terminal else os.pipe()
        self.p = subprocess.Popen([SLUICE, '--state', w.state, '--config', os.path.join(w.dir, 'sluice.yaml'), *args],
                                  env={**env, 'LC_ALL': 'C.UTF-8'}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=slave)
        os.close(slave)
        self.said = ''

    def listen(self, ms=0):
        """What stands on the standard error so far; False when it has ended."""
        while select.select([self.master], [], [], ms / 1000)[0]:
            try:
                part = os.read(self.master, 65536)
            except OSError:
                part = b''
            if not part:
                return False
            self.said += part.decode()
            ms = 0
        return True

    def catches(self):
        """It takes SIGINT itself."""
        with open(f'/proc/{self.p.pid}/status') as f:
            mask = next(line for line in f if line.startswith('SigCgt'))
        return int(mask.split()[1], 16) >> (signal.SIGINT - 1) & 1

    def has_open(self, name):
        try:
            return any(os.readlink(f'/proc/{self.p.pid}/fd/{fd}').endswith(name) for fd in os.listdir(f'/proc/{self.p.pid}/fd'))
        except OSError:
            return False

    def end(self):
        out = self.p.stdout.read().decode()
        rc = self.p.wait(60 * SLOW)
        while self.listen(1000):
            pass
        os.close(self.master)
        return rc, out, self.said


@test
def ctrl_c_ends_what_the_engine_proves():
    with Shared() as w:
        busy, other = w.wire(), w.wire()
        for k in range(60):                     # its turn does not come by itself
            busy.send('audit.verify', query=f'b{k}')
        same(busy.call('audit.progress', query='b59')['done'], None)
        c = Cli(w, 'audit', 'verify', terminal=False)
        until(c.catches, 20, 'it does not take the signal')
        c.p.send_signal(signal.SIGINT)
        rc, out, err = c.end()
        same((rc, out), (15, ''), err)
        true(re.fullmatch(r'sluice: cancelled after \d+ of \d+ records: nothing is known of the log\n', err), err)
        busy.close()
        rc, out, err = Cli(w, 'audit', 'verify', terminal=False).end()
        same((rc, err), (0, ''), out)
        contains(out, 'ok: ', ' records')
        true(other.call('audit.verify')['ok'])


def caught_offline(w, *args):
    """Stopped in the middle for longer than the first line takes to come, and then ended by Ctrl-C."""
    for _ in range(20):
        c = Cli(w, 'audit', 'verify', *args)
        while c.p.poll() is None and not (c.catches() and c.has_open('sluice.db')):
            pass
        c.p.send_signal(signal.SIGSTOP)
        time.sleep(0.4)
        c.p.send_signal(signal.SIGCONT)
        while c.listen(10000) and 'records, ' not in c.said:
            pass
        if c.p.poll() is None:
            c.p.send_signal(signal.SIGINT)
        rc, out, err = c.end()
        if 'records, ' in err and rc == 15:
            return out, err
    raise AssertionError(f'20 were never caught under way: {rc} {out} {err}')


@test
def without_an_engine_a_terminal_sees_it_move_and_ctrl_c_ends_it():
    with long_log() as w:
        w.stop()
        out, err = caught_offline(w, '--offline')
        done, of, part = map(int, re.search(r'\rverifying: (\d+) of (\d+) records, (\d+) %; Ctrl-C cancels', err).groups())
        true(0 <= done < of and part == done * 100 // of and of >= w.of, err)
        n = int(re.search(r'sluice: cancelled after (\d+) records: nothing is known of the log', err).group(1))
        true(done <= n < of, err)
        same(out, '')
        # and nowhere else
        rc, out, err = Cli(w, 'audit', 'verify', '--offline', terminal=False).end()
        same((rc, err), (0, ''), out)
        seq = w.of - RECORDS // 4
        tamper(w, seq)
        rc, out, err = Cli(w, 'audit', 'verify', '--offline', terminal=False).end()
        same(rc, 12, err)
        contains(err, f'record {seq}: its hash does not match')


def beside(path):
    return [n for n in os.listdir(os.path.dirname(path)) if n.startswith(os.path.basename(path))]


@test
def an_export_has_its_name_when_it_is_whole():
    with Shared() as w:
        to = os.path.join(w.dir, 'log.jsonl')
        for _ in range(20):
            c = Cli(w, 'audit', 'export', '--signed', '--to', to)
            until(lambda: beside(to) or c.p.poll() is not None, 20, 'it does not begin')
            same([n for n in beside(to) if n == 'log.jsonl'], [])
            c.p.send_signal(signal.SIGINT)
            rc, out, err = c.end()
            if rc == 15:
                break
            os.unlink(to)
        same((rc, out, beside(to)), (15, '', []), err)
        n, of = map(int, re.search(r'cancelled after (\d+) of (\d+) records: .*log.jsonl was not made', err).groups())
        true(n < of or n == of == 0, err)
        rc, out, err = Cli(w, 'audit', 'export', '--signed', '--to', to, terminal=False).end()
        same((rc, err, beside(to)), (0, '', ['log.jsonl']), out)
        same(os.stat(to).st_mode & 0o777, 0o600)
        contains(out, ' records, signed at their end, are in the new file')
        with open(to) as f:
            lines = f.read().splitlines()
        true(len(lines) > w.of and 'checkpoint' in json.loads(lines[-1]), len(lines))
        same(int(out.split()[0]), len(lines) - 1)
        rc, out, err = Cli(w, 'audit', 'verify', '--file', to, terminal=False).end()
        same((rc, err), (0, ''), out)
        # nothing is overwritten
        rc, out, err = Cli(w, 'audit', 'export', '--to', to, terminal=False).end()
        same((rc, out, beside(to)), (1, '', ['log.jsonl']), err)
        contains(err, 'there already, and nothing is overwritten')
        with open(to) as f:
            same(len(f.readlines()), len(lines))


@test
def an_export_into_a_pipe_that_nobody_reads_ends_too():
    with Shared() as w:
        c = Cli(w, 'audit', 'export')
        until(c.catches, 20, 'it does not take the signal')
        true(c.p.stdout.read(70000))
        time.sleep(0.4)
        while 'Ctrl-C' not in c.said:           # a line comes with every page that is read
            true(c.p.stdout.read(70000), 'it ended without a line')
            c.listen()
        true(re.search(r'\rexporting: \d+ of \d+ records, \d+ %; Ctrl-C cancels', c.said), c.said)
        c.p.send_signal(signal.SIGINT)
        same(c.p.wait(30 * SLOW), 15)
        c.p.stdout.close()
        while c.listen(1000):
            pass
        contains(c.said, 'what was written is not the whole log')


# ---- the console ----

@test
def the_console_shows_it_and_esc_ends_it():
    with Shared() as w:
        busy = w.wire()
        for k in range(60):                     # its turn does not come by itself
            busy.send('audit.verify', query=f'b{k}')
        same(busy.call('audit.progress', query='b59')['done'], None)
        env = {k: v for k, v in os.environ.items() if not k.startswith('SLUICE_')}
        master, tty = pty.openpty()
        fcntl.ioctl(tty, termios.TIOCSWINSZ, struct.pack('HHHH', 30, 100, 0, 0))
        p = subprocess.Popen([SLUICE, '--state', w.state, '--config', os.path.join(w.dir, 'sluice.yaml')], stdin=tty, stdout=tty, stderr=tty,
                             env={**env, 'LC_ALL': 'C.UTF-8', 'TERM': 'xterm-256color'}, start_new_session=True,
                             preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(tty)
        said = b''

        def shows(words, keys=b''):
            nonlocal said
            os.write(master, keys)
            while words.encode() not in said:
                true(select.select([master], [], [], 30 * SLOW)[0], f'{words} is not shown: {said[-2000:]}')
                said += os.read(master, 65536)
            said = said[said.index(words.encode()) + len(words.encode()):]
        try:
            shows('Overview')
            shows('actor', b'7')
            shows('verifying', b'v')
            shows('cancelled after ', b'\x1b')
            shows(' records: nothing is known of the log')
            busy.close()
            shows('unbroken', b'v')
            os.write(master, b'q')
            while True:                         # it is not kept from its last words
                try:
                    if not os.read(master, 65536):
                        break
                except OSError:
                    break
            same(p.wait(30 * SLOW), 0)
        finally:
            p.kill()
            p.wait()
            os.close(master)


if __name__ == '__main__':
    try:
        status = main(globals())
        if Shared.world:
            Shared.world.wire()
            Shared.world.stop()
    finally:
        if Shared.world:
            Shared.world.close()
    sys.exit(status)
