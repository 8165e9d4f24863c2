#!/usr/bin/python3
"""sluice escrow restore: a copy into a file, or uploaded again long after its cycle; never twice unless that is meant."""
import hashlib
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
from websockets.exceptions import ConnectionClosed
from englib import SLUICE, World, contains, main, refused, same, test, true, until   # noqa: F401
from restore import content, put, uploads, world


def cleaned(w):
    """A whole cycle is over and its copies are kept; id → (SHA-256, path)."""
    w.discovered()
    w.arm()
    w.call('cycle.step')
    w.settled()
    w.grant()
    w.call('cycle.step')
    same(w.finish()['end'], 'COMPLETED')
    w.durable()
    return {i: (sha, path) for i, sha, path in w.sql("SELECT id, sha256, path FROM escrow WHERE state = 'ok' ORDER BY id")}


def small(**kw):
    return world(files=20, orphan=6, unused=0, **kw)


def say(w, *words):
    got = subprocess.run([SLUICE, '--state', w.state, '--config', os.path.join(w.dir, 'sluice.yaml'), 'escrow', 'restore', *words],
                         capture_output=True, text=True, timeout=60)
    return got.returncode, got.stdout, got.stderr


def back(w, id_, **more):
    return w.call('escrow.restore', lane='alpha', id=id_, reason='asked for by its owner', **more)


@test
def a_copy_is_uploaded_once_and_the_log_says_so():
    with small().start() as w:
        have = cleaned(w)
        one, two = sorted(have)[:2]
        same(say(w, one)[0], 2)
        rc, out, err = say(w, one, '--reason', 'asked for', '--json')
        same(rc, 0, err)
        new = json.loads(out)['new_id']
        same(uploads(w), [new])
        same(hashlib.sha256(content(w, new)).hexdigest(), have[one][0])
        log = w.audit('restore.intent', 'restore.outcome')
        same([(k, s) for k, s, _ in log], [('restore.intent', one), ('restore.outcome', one)])
        same((log[0][2]['sha256'], log[0][2]['reason'], log[1][2]['new_id']), (have[one][0], 'asked for', new))
        rc, _, err = say(w, one, '--reason', 'again')
        contains(err, 'came back before', new, '--again')
        true(rc not in (0, 1), rc)
        same(uploads(w), [new], 'nothing is uploaded a second time')
        same(say(w, one, '--reason', 'meant', '--again')[0], 0)
        back(w, two)
        same(len(uploads(w)), 3)
        w.verify()


@test
def into_a_file_nothing_is_uploaded_and_nothing_overwritten():
    with small().start() as w:
        have = cleaned(w)
        one, two = sorted(have)[:2]
        path = os.path.join(w.dir, 'back')
        same(say(w, one, '--to', path)[0], 0)
        with open(path, 'rb') as f:
            same(hashlib.sha256(f.read()).hexdigest(), have[one][0])
        same(os.stat(path).st_mode & 0o777, 0o600)
        rc, _, err = say(w, two, '--to', path)
        contains(err, 'there already')
        with open(path, 'rb') as f:
            same(hashlib.sha256(f.read()).hexdigest(), have[one][0], 'what was there stays')
        with open(have[two][1], 'r+b') as f:
            f.write(b'spoilt')
        rc, _, err = say(w, two, '--to', path + '2')
        same((rc, os.path.exists(path + '2')), (3, False), err)
        same(uploads(w), [])


@test
def what_cannot_be_right_is_refused_before_anything_is_sent():
    with small().start() as w:
        have = cleaned(w)
        one, two, three = sorted(have)[:3]
        with open(have[one][1], 'r+b') as f:
            f.write(b'spoilt')
        refused(lambda: back(w, one), 'not')
        refused(lambda: back(w, 'file-nobody'), 'no')
        refused(lambda: w.call('escrow.restore', lane='beta', id=two, reason='x'), 'no lane')
        refused(lambda: w.call('escrow.restore', lane='alpha', id=two, reason=''), 'reason')
        w.call('cycle.start', policy='clean')
        w.settled()
        refused(lambda: back(w, two), 'a cycle is open')
        w.call('cycle.cancel')
        w.call('mode.set', mode='observe')
        refused(lambda: back(w, two), 'armed')
        same((uploads(w), w.audit('restore.intent')), ([], []))


@test
def what_is_still_there_is_not_made_twice():
    with small().start() as w:
        w.discovered()
        w.arm()
        w.call('cycle.step')
        w.settled()
        one = sorted(i for i, in w.sql("SELECT id FROM escrow WHERE state = 'ok'"))[0]
        w.call('cycle.cancel')
        until(lambda: w.status()['state'] == 'ended')
        refused(lambda: back(w, one), 'still in the lane')
        same((uploads(w), w.audit('restore.intent')), ([], []))


@test
def an_upload_that_failed_may_be_repeated_one_in_doubt_only_when_meant():
    with small().start() as w:
        have = cleaned(w)
        one, two = sorted(have)[:2]
        w.sim.fault('store=alpha op=upload fault=429 times=1')
        refused(lambda: back(w, one), 'not uploaded')
        back(w, one)
        same(len(uploads(w)), 1)
        w.sim.fault('store=alpha op=upload fault=cut-after times=1')
        refused(lambda: back(w, two), 'nobody knows')
        same(len(uploads(w)), 2)
        refused(lambda: back(w, two), 'look for its name', '--again')
        same(len(uploads(w)), 2)
        same([p['outcome'] for _, _, p in w.audit('restore.outcome')], ['failed', 'restored', 'unknown'])


@test
def killed_before_its_outcome_is_on_disk_it_is_in_doubt():
    for point, sent in ('audit.restore.intent.after', 0), ('restore.after', 1):
        with small().start() as w:
            have = cleaned(w)
            one = sorted(have)[0]
            w.stop()
            w.start(SLUICE_KILL_AT=point)
            w.discovered()
            w.call('cycle.cancel')
            w.arm()
            try:
                back(w, one)
                raise AssertionError(f'{point} was not passed')
            except (OSError, ConnectionClosed):
                pass
            w.ended(-9)
            same(len(uploads(w)), sent, point)
            w.start()
            w.discovered()
            w.call('cycle.cancel')
            w.arm()
            refused(lambda: back(w, one), 'nobody knows whether it arrived')
            back(w, one, again=True)
            same(len(uploads(w)), sent + 1, point)
            w.verify()


@test
def what_an_abort_brought_back_is_not_brought_back_again():
    with small().start() as w:
        w.discovered()
        w.arm()
        w.call('cycle.step')
        w.settled()
        w.grant(on_abort='ask')
        w.canary()
        w.call('cycle.abort', how='restore', reason='second thoughts')
        until(lambda: w.status()['state'] == 'ended', 60)
        w.durable()
        old, new = w.sql('SELECT i.id, r.new_id FROM restored r JOIN item_list i ON i.cycle = r.cycle AND i.n = r.n')[0]
        refused(lambda: back(w, old), 'came back before', new)


if __name__ == '__main__':
    sys.exit(main(globals()))
