#!/usr/bin/python3
"""File stores of the simulator: its answers, every fault, and its ledger against what it said."""
import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from email.utils import parsedate_to_datetime

sys.dont_write_bytecode = True
from simlib import BINARY, KEY, WAIT, Conn, Gone, Sim, gone, main, same, test, true, wait_for


def store(*faults, files=40, more='', **kw):
    args = ['--store', f'alpha:files={files},key={KEY}{more}']
    for f in faults:
        args += ['--fault', f]
    return Sim(*args, **kw)


def deleted(sim):
    return [(x['asked'], x['id']) for x in sim.lines(kind='effect', effect='deleted')]


def asked(sim, file):
    return sim.lines(kind='request', op='delete', id=file)


# ---- the store as it should be ----

@test
def a_list_gives_every_file_once_whatever_the_page():
    with store(files=57) as sim:
        want = {x['id'] for x in sim.manifest()}
        for query in ('limit=10000', 'limit=1', 'limit=10', 'limit=57', 'limit=56', 'limit=58', 'limit=7&order=asc', 'order=desc'):
            got = [f['id'] for f in sim.listed(query=query)]
            same(len(got), 57, query)
            same(set(got), want, query)
        ages = [f['created_at'] for f in sim.listed(query='order=asc&limit=5')]
        same(ages, sorted(ages))
        batch = [f['id'] for f in sim.listed(query='purpose=batch&limit=2')]
        same(set(batch), {x['id'] for x in sim.manifest(purpose='batch')})


@test
def bad_list_parameters_are_400():
    with store() as sim:
        c = sim.conn()
        for query in ('limit=0', 'limit=10001', 'limit=x', 'order=up', 'after=file-nope'):
            a = c.ask('GET', '/v1/files?' + query)
            same((a.status, a.json()['error']['type']), (400, 'invalid_request_error'), query)
        first = c.ask('GET', '/v1/files?limit=1').json()['last_id']
        c.ask('DELETE', '/v1/files/' + first)
        same(c.ask('GET', '/v1/files?after=' + first).status, 400)
    with store(more=',deleted_cursor=accept,page_cap=3') as sim:
        c = sim.conn()
        page = c.ask('GET', '/v1/files?limit=100').json()
        same(len(page['data']), 3)
        c.ask('DELETE', '/v1/files/' + page['last_id'])
        after = c.ask('GET', '/v1/files?after=' + page['last_id']).json()
        same(len(after['data']), 3)
        true(not {f['id'] for f in after['data']} & {f['id'] for f in page['data']})


@test
def a_delete_happens_once_and_is_in_the_ledger():
    with store() as sim:
        c, file = sim.conn(), sim.ids(1)[0]
        a = c.ask('DELETE', '/v1/files/' + file)
        same((a.status, a.json()), (200, {'id': file, 'object': 'file', 'deleted': True}))
        true('date' in a.fields and a.fields['x-request-id'].startswith('req_'))
        a = c.ask('DELETE', '/v1/files/' + file)
        same(a.status, 404)
        same(a.json()['error']['message'], 'No such File object: ' + file)
        same(c.ask('GET', '/v1/files/' + file).status, 404)
        same(deleted(sim), [(file, file)])
        same([(x['nth'], x['status'], x['on_conn']) for x in asked(sim, file)], [(1, 200, 1), (2, 404, 2)])
        same(len(sim.listed()), 39)


@test
def the_ledger_has_a_line_before_its_answer_arrives():
    with store(files=200) as sim:
        c = sim.conn()
        for n, file in enumerate(sim.ids(), 1):
            c.ask('DELETE', '/v1/files/' + file)
            last = sim.ledger()[-2:]
            same([x['kind'] for x in last], ['request', 'effect'])
            same((last[1]['id'], last[1]['request'], last[0]['seq']), (file, last[0]['seq'], 2 * n - 1))


@test
def without_the_key_everything_is_401():
    with store() as sim:
        file = sim.ids(1)[0]
        for key in (None, 'wrong', KEY + 'x', KEY[:-1]):
            c = sim.conn()
            for method, path in (('GET', '/v1/files'), ('GET', '/v1/files/' + file), ('DELETE', '/v1/files/' + file)):
                a = c.ask(method, path, key=key)
                same((a.status, a.json()['error']['code']), (401, 'invalid_api_key'))
                true(KEY not in a.body.decode())
        same(deleted(sim), [])
        true(KEY not in open(sim.ledger_path).read())
    with tempfile.TemporaryDirectory() as at:
        path = os.path.join(at, 'key')
        with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), 'w') as f:
            f.write(KEY + '\n')
        with Sim('--store', f'alpha:files=1,key_file={path}') as sim:
            same(sim.conn().ask('GET', '/v1/files').status, 200)
            same(sim.conn().ask('GET', '/v1/files', key='x').status, 401)


def multipart(fields, file=None, boundary='XbX'):
    out = b''
    for k, v in fields.items():
        out += f'--{boundary}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode()
    if file is not None:
        out += f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'.encode() + file + b'\r\n'
    return out + f'--{boundary}--\r\n'.encode()


@test
def an_upload_comes_back_byte_for_byte():
    kind = ['Content-Type: multipart/form-data; boundary=XbX']
    with store(files=2, more=',download=all') as sim:
        c = sim.conn()
        data = bytes(range(256)) * 5000 + b'\r\n--Xb'
        a = c.ask('POST', '/v1/files', body=multipart({'purpose': 'batch'}, data), fields=kind)
        same((a.status, a.json()['bytes'], a.json()['filename']), (200, len(data), 'a.txt'))
        file = a.json()['id']
        same(c.ask('GET', f'/v1/files/{file}/content').body, data)
        body = multipart({'purpose': 'vision'}, b'chunked')
        c.raw(f'POST /v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nTransfer-Encoding: chunked\r\n{kind[0]}\r\n\r\n'.encode())
        for i in range(0, len(body), 7):
            piece = body[i:i + 7]
            c.raw(f'{len(piece):x}\r\n'.encode() + piece + b'\r\n')
        c.raw(b'0\r\n\r\n')
        b = c.answer()
        same(c.ask('GET', f'/v1/files/{b.json()["id"]}/content').body, b'chunked')
        same(sim.listed()[0]['id'], b.json()['id'])
        same(c.ask('DELETE', '/v1/files/' + file).status, 200)
        same(c.ask('GET', f'/v1/files/{file}/content').status, 404)
        for bad in (multipart({}, b'x'), multipart({'purpose': 'nope'}, b'x'), multipart({'purpose': 'batch'}), multipart({'purpose': 'batch'}, b''), b'x'):
            same(c.ask('POST', '/v1/files', body=bad, fields=kind).status, 400)
        same([x['id'] for x in sim.lines(effect='uploaded')], [file, b.json()['id']])


@test
def content_is_what_the_manifest_hashed():
    with store(files=60, more=',download=all') as sim:
        c = sim.conn()
        for x in sim.manifest():
            body = c.ask('GET', f'/v1/files/{x["id"]}/content').body
            same((len(body), hashlib.sha256(body).hexdigest()), (x['bytes'], x['sha256']))
    with store(files=60) as sim:
        c = sim.conn()
        for x in sim.manifest():
            a = c.ask('GET', f'/v1/files/{x["id"]}/content')
            allowed = x['purpose'] in ('batch', 'batch_output', 'vision', 'fine-tune-results')
            same(a.status, 200 if allowed else 400, x['purpose'])


@test
def roles_show_in_the_list_as_they_should():
    with store(files=100, more=',orphan=20,unused=10,protected=10,hostile=25,hostile_bytes=5,no_created=10,unknown_size=10') as sim:
        listed, c = {}, sim.conn()
        raw = c.ask('GET', '/v1/files').body
        for f in json.loads(raw.decode('utf-8', 'surrogateescape'))['data']:
            listed[f['id']] = f
        for x in sim.manifest():
            f = listed[x['id']]
            name = base64.b64decode(x['name_b64']) if 'name_b64' in x else x['name'].encode()
            same(f['filename'].encode('utf-8', 'surrogateescape'), name)
            same('name_b64' in x, x['role'] == 'hostile_bytes')
            same(f.get('created_at'), None if x['role'] == 'no_created' else x['created_at'])
            same(f.get('bytes'), None if x['role'] == 'unknown_size' else x['bytes'])
            same(name.startswith(b'keep-'), x['role'] == 'protected')
        same({r: len(sim.manifest(role=r)) for r in ('tracked', 'orphan', 'hostile')}, {'tracked': 10, 'orphan': 20, 'hostile': 25})
        seen = b''.join(x['name'].encode() for x in sim.manifest(role='hostile'))
        true(b'\x1b' in seen and b'\n' in seen)


@test
def the_same_seed_gives_the_same_files():
    rows = []
    for seed in (5, 5, 6):
        with store(files=30, seed=seed) as sim:
            rows.append(sim.manifest())
    same(rows[0], rows[1])
    true(rows[0] != rows[2])


@test
def pipelined_requests_are_answered_in_order():
    with store() as sim:
        c, ids = sim.conn(), sim.ids()
        for file in ids:
            c.send('DELETE', '/v1/files/' + file)
        for file in ids:
            same(c.answer().json()['id'], file)
        same([x[0] for x in deleted(sim)], ids)


@test
def requests_may_come_in_pieces():
    with store() as sim:
        c, file = sim.conn(), sim.ids(1)[0]
        for b in f'DELETE /v1/files/{file} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n\r\n'.encode():
            c.raw(bytes([b]))
        same(c.answer().status, 200)


@test
def what_is_not_http_ends_the_connection():
    with store(more=',max_upload=100') as sim:
        for raw, status in ((b'HELLO\r\n\r\n', 400), (b'GET / HTTP/1.1\r\nX: ' + b'y' * 40000, 431),
                            (b'POST /v1/files HTTP/1.1\r\nContent-Length: 101\r\n\r\n', 413),
                            (b'POST /v1/files HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n', 413)):
            c = sim.conn()
            c.raw(raw)
            same(c.answer().status, status)
            gone(c.answer, 'fin')
        same([x['status'] for x in sim.lines(kind='bad_request')], [400, 431, 413, 413])
        c = sim.conn()
        same([c.ask(*x).status for x in (('GET', '/'), ('PUT', '/v1/files'), ('GET', '/v1/files/x/y'), ('POST', '/v1/files/x'))], [404, 405, 404, 405])


@test
def latency_is_kept():
    with store(more=',latency_ms=60..90') as sim:
        c = sim.conn()
        start = time.monotonic()
        for file in sim.ids(3):
            same(c.ask('DELETE', '/v1/files/' + file).status, 200)
        true(time.monotonic() - start >= 0.18)


# ---- faults of the store ----

@test
def every_error_fault_says_what_it_should():
    rows = {
        '429': (429, 'rate_limit_exceeded'), '429-date': (429, 'rate_limit_exceeded'), '429-ms': (429, 'rate_limit_exceeded'),
        '429-reset': (429, 'rate_limit_exceeded'), '429-bare': (429, 'rate_limit_exceeded'), '429-billing': (429, 'insufficient_quota'),
        '401': (401, 'invalid_api_key'), '403': (403, 'insufficient_permissions'), '403-in-use': (403, 'file_in_use'), '404-lie': (404, None),
        '409-in-use': (409, 'file_in_use'), '423': (423, 'resource_locked'), '500-before': (500, None), '503': (503, 'server_is_overloaded'),
    }
    with store() as sim:
        c, file = sim.conn(), sim.ids(1)[0]
        for name, (status, code) in rows.items():
            sim.no_faults()
            sim.fault(f'store=alpha op=delete fault={name}')
            a = c.ask('DELETE', '/v1/files/' + file)
            same((a.status, a.json()['error']['code']), (status, code), name)
            wait = {k: v for k, v in a.fields.items() if k.startswith('retry') or 'ratelimit-reset' in k}
            want = {'429': {'retry-after': '1'}, '429-ms': {'retry-after-ms': '200'}, '429-reset': {'x-ratelimit-reset-requests': '500ms'}}
            if name == '429-date':
                true(0 <= parsedate_to_datetime(wait['retry-after']).timestamp() - time.time() <= 2.5, wait)
            else:
                same(wait, want.get(name, {}), name)
        same(deleted(sim), [])
        same([(x['fault'], x['status']) for x in asked(sim, file)], [(n, s) for n, (s, _) in rows.items()])
        same([x['nth'] for x in asked(sim, file)], list(range(1, len(rows) + 1)))


@test
def five_hundred_after_has_acted():
    with store('op=delete fault=500-after') as sim:
        file = sim.ids(1)[0]
        same(sim.conn().ask('DELETE', '/v1/files/' + file).status, 500)
        same(deleted(sim), [(file, file)])


@test
def a_cut_happens_on_a_warm_connection_only():
    for act in ('before', 'after'):
        for end in ('fin', 'rst'):
            with store(f'op=delete fault=cut-{act} arg={end}') as sim:
                cold, warm = sim.ids(2)
                same(sim.conn().ask('DELETE', '/v1/files/' + cold).status, 200)
                c = sim.warm()
                gone(lambda: c.ask('DELETE', '/v1/files/' + warm), end)
                same(len(asked(sim, warm)), 1)
                same((asked(sim, warm)[0]['status'], asked(sim, warm)[0]['on_conn']), ('cut', 2))
                same(deleted(sim), [(cold, cold)] + ([(warm, warm)] if act == 'after' else []))
    with store('op=delete conn=cold fault=cut-after') as sim:
        file = sim.ids(1)[0]
        gone(lambda: sim.conn().ask('DELETE', '/v1/files/' + file), 'fin')
        same(deleted(sim), [(file, file)])


@test
def a_timeout_holds_until_the_client_gives_up():
    for act in ('before', 'after'):
        with store(f'op=delete fault=timeout-{act}') as sim:
            c, file = sim.conn(timeout=0.15), sim.ids(1)[0]
            same(gone(lambda: c.ask('DELETE', '/v1/files/' + file), 'timeout'), b'')
            same(asked(sim, file)[0]['status'], 'timeout')
            same(deleted(sim), [(file, file)] if act == 'after' else [])
            c.close()
            wait_for(lambda: sim.lines(kind='gave_up', conn=asked(sim, file)[0]['conn']))


@test
def bodies_that_lie_are_not_what_happened():
    with store(files=20) as sim:
        ids, c = sim.ids(), sim.conn()
        sim.fault('op=delete fault=broken-json times=1')
        a = c.ask('DELETE', '/v1/files/' + ids[0])
        same(a.status, 200)
        try:
            a.json()
            raise AssertionError('it is JSON')
        except ValueError:
            pass
        sim.fault('op=delete fault=empty-body times=1')
        a = c.ask('DELETE', '/v1/files/' + ids[1])
        same((a.status, a.body), (200, b''))
        sim.fault('op=delete fault=deleted-false times=1')
        same(c.ask('DELETE', '/v1/files/' + ids[2]).json(), {'id': ids[2], 'object': 'file', 'deleted': False})
        sim.fault('op=delete fault=wrong-id times=1')
        a = c.ask('DELETE', '/v1/files/' + ids[3]).json()
        true(a['deleted'] and a['id'] != ids[3] and a['id'] in ids)
        sim.fault('op=delete fault=broken-json act=no times=1')
        same(c.ask('DELETE', '/v1/files/' + ids[4]).status, 200)
        sim.fault('op=delete fault=oversized-body arg=300000 times=1')
        a = c.ask('DELETE', '/v1/files/' + ids[5])
        true(len(a.body) > 300000 and a.json()['deleted'])
        same([x[1] for x in deleted(sim)], [ids[0], ids[1], ids[3], ids[5]])


@test
def the_lies_are_in_the_ledger():
    with store('op=delete nth=1 fault=says-deleted-was-not', 'op=delete nth=2 fault=deletes-another') as sim:
        ids, c = sim.ids(), sim.conn()
        same(c.ask('DELETE', '/v1/files/' + ids[0]).json(), {'id': ids[0], 'object': 'file', 'deleted': True})
        same(deleted(sim), [])
        same(c.ask('GET', '/v1/files/' + ids[0]).status, 200)
        same(c.ask('DELETE', '/v1/files/' + ids[1]).json(), {'id': ids[1], 'object': 'file', 'deleted': True})
        (was_asked, victim), = deleted(sim)
        same(was_asked, ids[1])
        true(victim != ids[1] and victim in ids)
        same([c.ask('GET', '/v1/files/' + x).status for x in (ids[1], victim)], [200, 404])
        sim.fault('op=delete fault=deletes-another arg=' + ids[30])
        c.ask('DELETE', '/v1/files/' + ids[10])
        same(deleted(sim)[-1], (ids[10], ids[30]))


@test
def a_drip_comes_byte_by_byte():
    with store('op=delete fault=slow-drip arg=2') as sim:
        c, file = sim.conn(), sim.ids(1)[0]
        start = time.monotonic()
        a = c.ask('DELETE', '/v1/files/' + file)
        same(a.json()['id'], file)
        true(time.monotonic() - start > 0.002 * (len(a.body) - 1))
        same(c.ask('GET', '/v1/files?limit=1').status, 200)
    with store('op=delete fault=delay arg=80') as sim:
        start = time.monotonic()
        same(sim.conn().ask('DELETE', '/v1/files/' + sim.ids(1)[0]).status, 200)
        true(time.monotonic() - start >= 0.08)


@test
def list_faults_break_the_walk():
    with store(files=30) as sim:
        c = sim.conn()
        first = c.ask('GET', '/v1/files?limit=10').json()
        path = '/v1/files?limit=10&after=' + first['last_id']
        sim.fault('fault=repeated-cursor')
        same(c.ask('GET', '/v1/files?limit=10').json(), first)
        again = c.ask('GET', path).json()
        same((again['data'], again['last_id'], again['has_more']), (first['data'], first['last_id'], True))
        sim.no_faults()
        sim.fault('fault=empty-more')
        same(c.ask('GET', path).json(), {'object': 'list', 'data': [], 'first_id': None, 'last_id': None, 'has_more': True})
        sim.no_faults()
        sim.fault('fault=duplicate-id')
        page = [f['id'] for f in c.ask('GET', path).json()['data']]
        same((len(page), len(set(page))), (11, 10))
        sim.no_faults()
        sim.fault('fault=short-page')
        got = gone(lambda: c.ask('GET', path), 'fin')
        true(got.startswith(b'{"object":"list"') and not got.endswith(b'}'))
        for name, status in (('list-500', 500), ('list-401', 401)):
            sim.no_faults()
            sim.fault(f'fault={name}')
            same(sim.conn().ask('GET', path).status, status)
            same(sim.conn().ask('GET', '/v1/files/' + page[0]).status, 200)


@test
def the_same_seed_hits_the_same_files():
    hits = []
    for order in (1, -1):
        with store('op=delete rate=0.2 fault=500-before', files=100) as sim:
            c = sim.conn()
            hits.append({f for f in sim.ids()[::order] if c.ask('DELETE', '/v1/files/' + f).status == 500})
            same(len(deleted(sim)), 100 - len(hits[-1]))
    same(hits[0], hits[1])
    true(5 <= len(hits[0]) <= 40)


@test
def rules_change_while_it_runs():
    with store() as sim:
        c, ids = sim.conn(), sim.ids()
        rules = sim.fault('# two at once\nop=delete nth=1 fault=503\nop=get fault=429\n')['rules']
        same([r['rule'] for r in rules], ['op=delete nth=1 fault=503', 'op=get fault=429'])
        same([c.ask('DELETE', '/v1/files/' + ids[0]).status for _ in range(2)], [503, 200])
        same(c.ask('GET', '/v1/files/' + ids[1]).status, 429)
        bad = sim.fault('op=get fault=nope', status=400)
        true('"nope"' in bad['error'])
        true('"beta"' in sim.fault('store=beta fault=429', status=400)['error'])
        same([r['fired'] for r in c.ask('GET', '/__sim/faults').json()['rules']], [1, 1])
        sim.no_faults()
        same(c.ask('GET', '/v1/files/' + ids[1]).status, 200)
        st = sim.stats()
        same((st['deleted'], st['live'], st['requests']['delete'], st['requests']['get'], st['faults']), (1, 39, 2, 2, 2))
        text = c.ask('GET', '/__sim/ledger').body
        same([json.loads(x) for x in text.splitlines()], sim.ledger())
        same(c.ask('GET', '/__sim/ledger?from=10&max=5').body, text[10:15])
        same(c.ask('GET', '/__sim/nothing').status, 404)


@test
def a_million_files_can_be_held():
    with Sim('--store', 'alpha:files=1000000,hash=no,age=1d..300d') as sim:
        true(sim.stats()['memory_bytes'] <= 100 * 1000000)
        page = sim.conn().ask('GET', '/v1/files').json()
        same((len(page['data']), page['has_more']), (10000, True))


# ---- life ----

@test
def it_ends_on_sigterm_with_a_summary():
    for sig in (signal.SIGTERM, signal.SIGINT):
        with store(pipe=False) as sim:
            sim.conn().ask('DELETE', '/v1/files/' + sim.ids(1)[0])
            sim.proc.send_signal(sig)
            same(sim.proc.wait(WAIT), 0)
            last = sim.ledger()[-1]
            same((last['kind'], last['stores'][0]['deleted'], last['seq']), ('summary', 1, last['lines']))


@test
def it_ends_with_its_parent():
    with store() as sim:
        sim.proc.stdin.close()
        same(sim.proc.wait(WAIT), 0)


@test
def bad_command_lines_are_2_and_name_the_token():
    with tempfile.TemporaryDirectory() as at:
        there = os.path.join(at, 'there')
        open(there, 'w').close()
        for args, token in ((['--store', 'a:fles=1'], '"fles=1"'), (['--fault', 'fault=x', '--store', 'a'], '"x"'), ([], 'nothing'),
                            (['--store', 'a', '--ledger', there], 'exists already'), (['--store', 'a:key_file=/nonexistent'], '/nonexistent'),
                            (['--wat'], '"--wat"')):
            p = subprocess.run([BINARY, *args], capture_output=True, text=True, timeout=WAIT, stdin=subprocess.DEVNULL)
            same(p.returncode, 2, p.stderr)
            true(token in p.stderr and p.stderr.count('\n') == 1, p.stderr)
        p = subprocess.run([BINARY, '--store', 'a:files=1', '--ready', os.path.join(at, 'no', 'dir')], capture_output=True, text=True, timeout=WAIT)
        true(p.returncode == 1 and 'no/dir' in p.stderr, p.stderr)


@test
def an_occupied_port_is_named():
    with store() as sim:
        p = subprocess.run([BINARY, '--store', f'b:port={sim.port["alpha"]}'], capture_output=True, text=True, timeout=WAIT)
        true(p.returncode == 1 and 'store b' in p.stderr and str(sim.port['alpha']) in p.stderr, p.stderr)


@test
def a_full_ledger_stops_every_answer():
    with tempfile.TemporaryDirectory() as at:
        ready = os.path.join(at, 'ready')
        ledger = os.path.join(at, 'ledger')
        p = subprocess.Popen(['/bin/sh', '-c', 'ulimit -f 8; exec "$@"', 'sh', BINARY, '--store', 'a:files=200', '--ready', ready, '--ledger', ledger],
                             stderr=subprocess.PIPE, text=True)
        try:
            wait_for(lambda: os.path.exists(ready))
            with open(ready) as f:
                c = Conn(int(json.load(f)['stores'][0]['url'].split(':')[2].split('/')[0]))
            answered = 0
            ids = [f['id'] for f in c.ask('GET', '/v1/files', key=None).json()['data']]
            try:
                for file in ids:
                    same(c.ask('DELETE', '/v1/files/' + file, key=None).status, 200)
                    answered += 1
                raise AssertionError('all were answered')
            except Gone:
                pass
            same(p.wait(WAIT), 1)
            true('nothing more is answered' in p.stderr.read())
            with open(ledger) as f:
                recorded = sum('"effect":"deleted"' in x and x.endswith('}\n') for x in f)
            true(answered <= recorded <= answered + 1, (answered, recorded))
        finally:
            if p.poll() is None:
                p.kill()
            p.wait()
            p.stderr.close()


if __name__ == '__main__':
    sys.exit(main(globals()))
