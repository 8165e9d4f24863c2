#!/usr/bin/python3
"""Whole cycles through a wrapped script that talks to the simulator by itself: sluice-exec(7) from outside."""
import os
import subprocess
import sys

sys.dont_write_bytecode = True
from englib import KEY, SLUICE, World, contains, main, same, test, true

# A cleanup script as people have them, with the loop of the contract around it.
SCRIPT = '''#!/usr/bin/python3
import json, os, sys, time, urllib.error, urllib.parse, urllib.request
url, extra = sys.argv[1:]
log = open(os.path.join(os.path.dirname(__file__), 'script.log'), 'a')

def ask(method, path):
    r = urllib.request.Request(url + path, method=method, headers={'Authorization': 'Bearer KEY'})
    try:
        with urllib.request.urlopen(r, timeout=5) as a:
            return a.status, json.load(a)
    except urllib.error.HTTPError as e:
        return e.code, {}

def say(q, **answer):
    print(json.dumps({'id': q['id'], **answer}), flush=True)

def listing(q):
    after = '&after=' + q['cursor'] if q['cursor'] else ''
    status, page = ask('GET', '/files?limit=50' + after)
    if status != 200:
        return say(q, answer='unknown', why='auth' if status == 401 else 'network')
    items = [{'id': f['id'], 'name': f['filename'], 'bytes': f['bytes'], 'created_at': f['created_at'], 'purpose': f['purpose']}
             for f in page['data']]
    say(q, answer='yes', items=items, **({'cursor': page['last_id']} if page['has_more'] else {'last': True}))

def delete(q):
    status, body = ask('DELETE', '/files/' + urllib.parse.quote(q['item'], safe=''))
    if extra == 'dies' and not os.path.exists(log.name + '.dead'):
        open(log.name + '.dead', 'w').close()
        os._exit(9)
    if status == 200 and body.get('deleted') is True:
        say(q, item=q['item'], answer='yes')
    elif status == 404:
        say(q, item=q['item'], answer='no', why='missing')
    elif status == 409:
        say(q, item=q['item'], answer='no', why='refused', message='attached')
    elif status == 429:
        say(q, item=q['item'], answer='no', why='paced', wait_ms=20)
    else:
        say(q, item=q['item'], answer='unknown', message='HTTP %d' % status)

def probe(q):
    status, body = ask('GET', '/files/' + urllib.parse.quote(q['item'], safe=''))
    say(q, item=q['item'], answer={200: 'yes', 404: 'no'}.get(status, 'unknown'))

for line in sys.stdin:
    q = json.loads(line)
    print(json.dumps({k: v for k, v in q.items() if k != 'cursor'}), file=log, flush=True)
    if q['op'] == 'hello':
        say(q, answer='yes', version=1, probe=extra != 'no-probe')
    else:
        {'list': listing, 'probe': probe, 'delete': delete}[q['op']](q)
'''


def world(extra, **kw):
    """The lane is given by a file next to the configuration: the script's own credential is in the script."""
    w = World(files=60, start=False, **kw)
    path = os.path.join(w.dir, 'wrapped')
    with open(path, 'w') as f:
        f.write(SCRIPT.replace('KEY', KEY))
    os.chmod(path, 0o700)
    w.conf['lanes'][0].update(dialect='exec', url=None, key_file=None, command=[path, w.sim.url['alpha'], extra], in_flight=4, timeout='8s')
    w.configure()
    return w.start(OPENAI_API_KEY='sk-from-the-engine')


def script_log(w):
    with open(os.path.join(w.dir, 'script.log')) as f:
        return f.read()


@test
def a_cycle_through_a_script():
    with world('plain') as w:
        w.planned()
        true('"op": "delete"' not in script_log(w) and '"deletes": true' not in script_log(w), 'observe mode')
        w.arm()
        w.grant()
        ids = [i for i, in w.sql('SELECT id FROM items ORDER BY rank')]
        for file, fault in zip(ids[10:], ('429-bare', '409-in-use', '500-after', '500-before', '404-lie')):
            w.sim.fault(f'store=alpha op=delete id={file} times=1 fault={fault}')
        w.canary()
        same(w.finish()['end'], 'COMPLETED_WITH_FAILURES')
        w.compare()
        items = w.items()
        same([items[i][0] for i in ids[10:15]], ['deleted', 'refused', 'gone', 'failed', 'gone_other'])
        same(w.states()['deleted'], 36)
        true('"op": "probe"' in script_log(w))
        w.verify()


@test
def a_script_that_dies_over_a_delete_that_worked_is_looked_at_and_gone():
    with world('dies') as w:
        w.granted()
        w.canary()
        same(w.finish()['end'], 'COMPLETED')
        asked, gone = w.compare(exact=False)     # lines that it had not read when it died
        same((w.states().get('gone'), w.states().get('deleted'), len(gone)), (1, 39, 40))
        same(set(asked.values()), {1})


@test
def a_script_without_probe_is_listed():
    with world('no-probe') as w:
        w.granted()
        w.sim.fault('store=alpha op=delete nth=12 fault=500-after')
        w.canary()
        same(w.finish()['end'], 'COMPLETED')
        w.compare()
        true('"op": "probe"' not in script_log(w))


@test
def a_script_that_others_may_change_stops_the_engine_s_start():
    with World(files=10, orphan=5, unused=0, start=False) as w:
        path = os.path.join(w.dir, 'wrapped')
        with open(path, 'w') as f:
            f.write('#!/bin/sh\n')
        os.chmod(path, 0o777)
        w.conf['lanes'][0].update(dialect='exec', url=None, key_file=None, command=[path])
        w.configure()
        check = subprocess.run([SLUICE, '--config', os.path.join(w.dir, 'sluice.yaml'), 'config', 'check'], capture_output=True, text=True)
        contains(check.stdout + check.stderr, 'lanes[0].command', 'chmod go-w')
        true(check.returncode != 0)
        p = w.launch()
        true(p.wait(20) != 0)
        contains(w.said(), 'chmod go-w')


if __name__ == '__main__':
    sys.exit(main(globals()))
