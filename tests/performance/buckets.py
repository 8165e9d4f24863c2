"""A bucket emptied by a whole cycle, by s3cmd and by rclone: the same objects of the same server (bucket.c), whose own
count at the end says whether every key is gone, each exactly once, and the kept ones stand."""
import json
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../promises'))
from rig import BUILD, Rig, approve, need, settled  # noqa: E402

BUCKET = os.path.join(BUILD, 'tests/performance/bucket')
KEPT = 5                        # objects that stay, so that the canary has something to look at
IN_FLIGHT = 1000                # the most a lane takes: one bulk request carries that many keys
PEERS = {'s3cmd': ['s3cmd', '-c', '/dev/null', '--access_key=a', '--secret_key=b', '--no-ssl', '--host=127.0.0.1:PORT',
                   '--host-bucket=127.0.0.1:PORT', '-q', 'del', '--recursive', '--force', 's3://things/gone/'],
         'rclone': ['rclone', '--config', '/dev/null', 'delete', '--transfers', '64', '--checkers', '64',
                    ':s3,provider=Other,access_key_id=a,secret_access_key=b,endpoint="http://127.0.0.1:PORT":things/gone']}


class Bucket:
    """with Bucket(10000, 50) as b: … b.port; afterwards b.emptied()"""

    def __init__(self, objects, delay):
        self.objects = objects
        self.proc = subprocess.Popen([BUCKET, str(objects), str(KEPT), str(delay)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = json.loads(self.proc.stdout.readline())['port']

    def emptied(self):
        self.proc.stdin.close()
        seen = json.loads(self.proc.stdout.read())
        need((seen['deleted'], seen['missing'], seen['left'], seen['kept']) == (self.objects, 0, 0, KEPT), f'the bucket saw {seen}')
        return seen

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.proc.stdin.close()
        self.proc.wait()


def burnt(pid):
    """Processor seconds of a process so far, by its own clock and not by ticks."""
    return time.clock_gettime(~pid << 3 | 2)


def ours(objects, delay):
    """A cycle from its opening to its end. seconds: the listing, and from the order to go on after the canary until the last
    outcome is on disk; the rest is people, and the wait that a canary is. cpu: of the engine, after the canary, all of it:
    claims, intents, requests, answers, outcomes."""
    with Bucket(objects, delay) as b:
        lane = {'dialect': 's3', 'bucket': 'things', 'rate': '1000000/s', 'burst': 10000, 'in_flight': IN_FLIGHT}
        with Rig(lanes={'alpha': f'http://127.0.0.1:{b.port}'}, records=False, lane=lane, policy={
                'protect': {'names': ['"keep/*"']}, 'caps': {'items': objects, 'bytes': '9TB', 'share': '100%'}}) as rig:
            with open(rig.key_file, 'w') as f:
                f.write('a:b\n')
            rig.start()
            wire = rig.wire()
            wire.call('cycle.start', policy='clean')
            while not settled(wire)['plan']:
                wire.call('cycle.step')
            wire.call('mode.set', mode='armed')
            approve(wire)
            wire.call('cycle.resume')
            s = settled(wire)
            need('canary passed' in s['waiting_for'], f'{s["state"]}: {s["waiting_for"]}')
            left, before, began = objects - s['lanes'][0]['deleted'], burnt(rig.engine.pid), time.time() * 1e6
            wire.call('cycle.resume')
            s = settled(wire)
            cpu = burnt(rig.engine.pid) - before
            while s['state'] != 'ended':
                wire.call('cycle.resume')
                s = settled(wire)
            need(s['end'] == 'COMPLETED' and s['lanes'][0]['deleted'] == objects, f'the cycle ended {s["end"]}: {s["equation"]}')
            wall = {k: (a, z) for k, a, z in rig.sql('SELECT kind, min(wall_us), max(wall_us) FROM audit GROUP BY kind')}
            told = rig.sql("SELECT count(DISTINCT subject) FROM audit WHERE kind = 'outcome' AND payload LIKE '%\"deleted\"%'")[0][0]
            need(told == objects, f'{told} of {objects} keys have the outcome deleted in the log')
        b.emptied()
    deleting, listing = (wall['outcome'][1] - began) / 1e6, (wall['discovery'][1] - wall['cycle.open'][0]) / 1e6
    return {'seconds': listing + deleting * objects / left, 'deleting': deleting, 'listing': listing, 'cpu': cpu * objects / left}


def peer(name, objects, delay):
    """Seconds that it took, all of it."""
    with Bucket(objects, delay) as b:
        env = {'PATH': os.environ['PATH'], 'HOME': '/nonexistent', 'LC_ALL': 'C.UTF-8'}
        began = time.perf_counter()
        p = subprocess.run([w.replace('PORT', str(b.port)) for w in PEERS[name]], env=env, stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, timeout=300)
        took = time.perf_counter() - began
        need(p.returncode == 0, f'{name}: {p.stderr.strip()[-300:]}')
        b.emptied()
    return took


def here(name):
    return shutil.which(name) is not None
