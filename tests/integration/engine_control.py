#!/usr/bin/python3
"""Who decides, and when: hold, resume, abort, cancel, lapse; modes; watchers and subscribers; the end."""
import asyncio
import hashlib
import json
import os
import signal
import socket
import sqlite3
import sys
import time

sys.dont_write_bytecode = True
from englib import KEY, World, contains, main, refused, same, test, true, until
from engine_discovery import set_shift, shift

SLOW_STORE = ',latency_ms=25'
PACED = {'in_flight': 4}


def digest(path):
    db = sqlite3.connect(f'file:{path}?mode=ro', uri=True)
    dump = '\n'.join(db.iterdump())
    db.close()
    with open(path, 'rb') as f:
        return hashlib.sha256(f.read()).hexdigest(), dump


def cleaning(w):
    """In the middle of the second batch."""
    w.canary()
    w.call('cycle.resume')
    until(lambda: len(w.deletes()[0]) > 14)


# ---- hold ----

def held_midway(hold, word, undo=None):
    with World(files=200, orphan=50, unused=50, more=SLOW_STORE, lane=PACED) as w:
        w.granted()
        cleaning(w)
        hold(w)
        until(lambda: w.status()['state'] == 'held')
        until(lambda: w.lane()['in_flight'] == 0)
        s = w.settled()
        contains(s['waiting_for'], 'held', word)
        asked = w.deletes()[0]
        true(14 < len(asked) < 90, len(asked))
        settled = sum(w.lane(s=s)[k] for k in ('deleted', 'gone', 'failed', 'unknown'))
        same(settled, len(asked), 'what was in flight has settled')
        time.sleep(0.2)                 # three times what a request takes
        same(w.deletes()[0], asked, 'sent while held')
        same([p['why'] for _, _, p in w.audit('hold')][-1:], [s['waiting_for'][6:]])
        if undo:
            undo(w)
            same(w.status()['state'], 'held', 'nothing resumes by itself')
        s = w.finish()
        same((s['end'], w.lane(s=s)['deleted']), ('COMPLETED', 100))
        w.compare()


@test
def hold_by_command_lets_what_is_in_flight_settle_and_sends_nothing_new():
    held_midway(lambda w: w.call('cycle.hold', why='lunch'), 'lunch')


@test
def hold_by_SIGUSR1_does_the_same():
    held_midway(lambda w: w.proc.send_signal(signal.SIGUSR1), 'SIGUSR1')


@test
def hold_by_a_file_does_the_same_and_removing_it_does_not_resume():
    def make(w):
        open(os.path.join(w.state, 'HOLD'), 'w').close()

    def undo(w):
        refused(lambda: w.call('cycle.resume'), 'HOLD')
        refused(lambda: w.call('cycle.step'), 'HOLD')
        os.remove(os.path.join(w.state, 'HOLD'))
    held_midway(make, 'HOLD', undo)


@test
def hold_is_never_refused_to_an_operator():
    with World() as w:
        same(w.call('cycle.hold'), {'held': False})
        w.discovered()
        w.call('cycle.hold', why='before anything')
        w.call('cycle.hold', why='twice')
        same(w.status()['state'], 'held')
        w.call('cycle.step')
        w.settled()
        w.call('cycle.cancel')
        w.call('cycle.hold', why='after the end')


@test
def hold_while_rows_are_committed_stops_before_the_next_call():
    with World(files=2400, orphan=0, unused=2000) as w:
        w.granted()
        w.canary()
        w.call('cycle.resume')
        same(w.settled()['waiting_for'], 'cleaned: step to commit the rows')
        one, two = w.wires[-1].send('cycle.step'), w.wires[-1].send('cycle.hold', why='rows')
        w.wires[-1].answer(one)
        w.wires[-1].answer(two)
        s = w.settled()
        same((s['stage'], s['state']), ('COMMITTING', 'held'))
        true(s['rows']['committed'] < 2000, s['rows'])
        s = w.finish()
        same((s['end'], s['rows']['committed']), ('COMPLETED', 2000))


# ---- abort, cancel, lapse ----

@test
def abort_keep_midway_commits_what_is_gone_as_aborted_and_releases_the_rest():
    with World(files=200, orphan=50, unused=50, more=SLOW_STORE, lane=PACED) as w:
        w.granted()
        cleaning(w)
        refused(lambda: w.call('cycle.cancel'), 'abort')
        refused(lambda: w.call('cycle.abort', how='keep', reason=''), 'reason')
        refused(lambda: w.call('cycle.abort', how='perhaps', reason='x'), 'keep or restore')
        refused(lambda: w.call('cycle.abort', how='restore', reason='x'), 'escrow')
        w.call('cycle.abort', how='keep', reason='wrong policy')
        refused(lambda: w.call('cycle.abort', how='keep', reason='again'))
        s = w.finish()
        same(s['end'], 'ABORTED_KEPT')
        asked, gone = w.compare()
        true(14 < len(gone) < 90, len(gone))
        with_row = {i for i, r in w.sql("SELECT id, row FROM items WHERE row <> ''")} & set(gone)
        rows = dict((i, (status, reason)) for i, status, reason in
                    w.rows('SELECT provider_file_id, upload_status, deletion_reason FROM provider_file_uploads'))
        same({i for i, (status, _) in rows.items() if status == 'deleted'}, with_row)
        true(all('aborted' in rows[i][1] for i in with_row), rows)
        same(w.rows('SELECT count(*) FROM provider_file_uploads WHERE sluice_claim IS NOT NULL AND deleted_at IS NULL'), [(0,)])
        same([p['why'] for _, _, p in w.audit('abort')], ['wrong policy'])
        true(w.audit('claim.release'))
        w.verify()


@test
def a_cycle_can_be_cancelled_at_every_gate_before_the_first_intent():
    with World() as w:
        for steps in range(3):
            s = w.discovered()
            if steps:
                w.call('cycle.step')
                s = w.settled()
            if steps == 2:
                w.arm()
                w.grant()
            plan = s['plan'] and s['plan']['id']
            w.call('cycle.cancel')
            s = w.status()
            same((s['stage'], s['end']), ('ENDED', 'CANCELLED'))
            for method in ('cycle.step', 'cycle.resume', 'cycle.cancel'):
                refused(lambda m=method: w.call(m), 'no cycle is open')
            if plan:
                refused(lambda: w.call('grant.reject', plan=plan, reason='late'), 'no such plan')
        w.planned()
        w.call('grant.reject', plan=w.call('plan.show')['id'], reason='not today')
        same(w.status()['end'], 'CANCELLED')
        same(w.audit('grant.rejected')[-1][2]['why'], 'not today')
        same(w.deletes(), ({}, {}))
        same(w.sql('SELECT count(*) FROM cycles WHERE closed_us IS NULL'), [(0,)])


@test
def a_plan_that_waited_too_long_lapses_with_its_grant_and_a_clock_jump_voids_it():
    if os.environ.get('SLUICE_WRAP') or 'fsanitize' in os.environ.get('SLUICE_CC', ''):
        return
    for policy, seconds, word in (({'plan_for': '1m'}, 100, 'ran out'), ({}, 1000, 'clock')):
        with World(start=False, policy=policy) as w:
            at, env = shift(w)
            w.start(**env)
            w.granted()
            set_shift(at, seconds)
            if word == 'ran out':
                refused(lambda: w.call('cycle.step'), 'run out')
                w.call('cycle.hold', why='time')
            until(lambda: w.status()['state'] == 'ended', 5, w.status()['waiting_for'])
            same(w.status()['end'], 'LAPSED')
            until(lambda: w.sql('SELECT count(*) FROM cycles WHERE closed_us IS NULL') == [(0,)])       # told before it is durable
            contains(w.audit('grant.lapsed')[0][2]['why'], word)
            same(len(w.audit('clock.jump')), int(word == 'clock'))
            same(w.deletes(), ({}, {}))


# ---- modes ----

@test
def a_rehearsal_changes_nothing_outside_and_says_so_in_every_record():
    with World() as w:
        before = digest(w.app)
        w.call('mode.set', mode='rehearse')
        s = w.planned()
        true(s['rehearsal'] and w.call('plan.show')['rehearsal'])
        s = w.finish()
        same((s['end'], w.lane(s=s)['rehearsed'], w.lane(s=s)['deleted']), ('COMPLETED', 40, 0))
        same({x['method'] for x in w.sim.lines(kind='request')}, {'GET'})
        same(w.sim.lines(kind='effect'), [])
        same(digest(w.app), before)
        same(w.sql('SELECT count(*) FROM lane_spent'), [(0,)])
        same(w.sql('SELECT listed_items FROM lanes'), [])
        same([k for k, _, p in w.audit('cycle.open', 'discovery', 'plan.frozen', 'gate', 'intent', 'outcome', 'matrix', 'claim.intent',
                                       'claim.outcome', 'row.intent', 'row.outcome', 'cycle.close') if p.get('rehearsal') is not True], [])
        same(len(w.audit('intent')), 40)
        # and then in earnest
        w.granted()
        same(w.finish()['end'], 'COMPLETED')
        w.compare()


@test
def in_observe_and_in_rehearse_a_real_cycle_stops_before_cleaning():
    with World() as w:
        before = digest(w.app)
        w.planned()
        for mode in ('observe', 'rehearse'):
            w.call('mode.set', mode=mode)
            refused(w.grant, mode)
            for method in ('cycle.step', 'cycle.resume'):
                refused(lambda m=method: w.call(m), 'not armed')
        contains(w.status()['can']['approve'], 'not armed')
        same({x['method'] for x in w.sim.lines(kind='request')}, {'GET'})
        same(digest(w.app), before)


@test
def arming_needs_a_complete_discovery_and_leaving_it_needs_a_hold():
    with World(beta='files=20,orphan=20', policy={'lanes': ['alpha']}, more=SLOW_STORE, lane=PACED, files=200, orphan=50, unused=50) as w:
        refused(lambda: w.call('mode.set', mode='armed'), 'lane alpha', 'start a cycle')
        contains(w.call('status')['can']['mode.armed'], 'lane alpha')
        refused(lambda: w.call('mode.set', mode='loud'), 'observe, rehearse or armed')
        w.lanes = ['alpha']             # beta is in no policy: it need not be listed
        w.granted()
        cleaning(w)
        refused(lambda: w.call('mode.set', mode='observe'), 'hold')
        w.call('cycle.hold')
        until(lambda: w.lane()['in_flight'] == 0)
        w.call('mode.set', mode='observe')
        refused(lambda: w.call('cycle.resume'), 'not armed')
        w.call('mode.set', mode='armed')
        same(w.finish()['end'], 'COMPLETED')
        same([p['to'] for _, _, p in w.audit('mode')], ['armed', 'observe', 'armed'])


def mode(w):
    return w.call('status')['engine']['mode']


@test
def a_changed_configuration_falls_back_to_observe_and_stays_there_when_it_is_put_back():
    with World() as w:
        w.discovered()
        w.arm()
        w.stop()
        w.start()
        same(mode(w), 'armed')
        rate = w.conf['lanes'][0]['rate']
        w.stop()
        w.conf['lanes'][0]['rate'] = '99/s'
        w.configure()
        w.start()
        same(mode(w), 'observe')
        contains(w.call('status')['engine']['notice'], 'configuration changed')
        same(w.audit('mode')[-1][2]['why'], 'the configuration changed')
        w.stop()
        w.conf['lanes'][0]['rate'] = rate
        w.configure()
        w.start()
        same(mode(w), 'observe')


@test
def another_policy_voids_a_plan_that_has_not_begun_and_lets_a_begun_one_be_finished():
    with World(files=200, orphan=50, unused=50, more=SLOW_STORE, lane=PACED) as w:
        w.granted()
        cleaning(w)
        w.stop()
        w.conf['policies'][0]['order'] = 'largest'
        w.configure()
        w.start()
        s = w.status()
        same((mode(w), s['stage'], s['state']), ('observe', 'CLEANING', 'held'))
        refused(lambda: w.call('cycle.resume'), 'not armed')
        w.arm()
        same(w.finish()['end'], 'COMPLETED')
        w.compare()
        w.granted_before = w.discovered()
        w.stop()
        w.conf['policies'][0]['order'] = 'oldest'
        w.configure()
        w.start()
        same(w.settled()['stage'], 'DISCOVERING')       # it starts over
        w.call('cycle.cancel')


# ---- who asks ----

def snapshot(w):
    return [w.sql('SELECT count(*) FROM cycles'), w.sql('SELECT * FROM settings'), w.sql('SELECT * FROM item_states'), mode(w)]


@test
def a_watcher_is_refused_everything_that_is_not_read():
    with World() as w:
        w.planned()
        methods = w.call('methods')['methods']
        watcher = w.wire('/watch')
        same(watcher.call('hello', client='console')['role'], 'watcher')
        until(lambda: w.sql('SELECT count(*) FROM item_states') != [(0,)])      # the plan is shown a moment before it is durable
        before = snapshot(w)
        tried = 0
        for m in methods:
            if m['flag'] == 'READ':
                continue
            p = {a['name']: {'string': 'alpha', 'integer': 1, 'boolean': True, 'object': {}, 'array': []}[a['type']] for a in m['params']}
            refused(lambda: watcher.call(m['name'], **p), 'watcher', rc='refused')
            tried += 1
        true(tried >= 13, tried)
        same(snapshot(w), before)
        until(lambda: len(w.audit('command.refused')) == tried)
        for m in ('status', 'cycle.status', 'lanes', 'candidates', 'plan.show', 'audit.tail'):
            watcher.call(m)
        w.wires.remove(watcher)
        watcher.close()


@test
def an_uid_that_is_no_operator_may_look_and_nothing_else():
    with World(operators=[{'name': 'bob', 'uids': [4711]}]) as w:
        same(w.call('hello')['role'], 'nobody')
        for m in ('cycle.hold', 'cycle.start', 'mode.set', 'engine.stop'):
            refused(lambda n=m: w.call(n, **({'policy': 'clean'} if n == 'cycle.start' else {'mode': 'armed'} if n == 'mode.set' else {})),
                    'no operator')
        w.call('status')
        w.proc.terminate()
        w.ended()


@test
def what_is_not_a_request_is_answered_and_changes_nothing():
    with World() as w:
        wire = w.wires[-1]

        def raw(text):
            wire.run(wire.ws.send(text))
            return wire.message()
        for text, code in (('{', -32700), ('[]', -32600), ('"x"', -32600), ('{"jsonrpc":"2.0","id":1}', -32600), ('{"jsonrpc":"1.0","id":1,"method":"status"}', -32600),
                           ('{"jsonrpc":"2.0","id":1,"method":"rm"}', -32601), ('{"jsonrpc":"2.0","id":1,"method":"cycle.start"}', -32602),
                           ('{"jsonrpc":"2.0","id":1,"method":"cycle.start","params":{"policy":7}}', -32602),
                           ('{"jsonrpc":"2.0","id":1,"method":"cycle.start","params":{"policy":"clean","now":true}}', -32602),
                           ('{"jsonrpc":"2.0","id":1,"method":"cycle.start","params":["clean"]}', -32602),
                           ('{"jsonrpc":"2.0","id":{},"method":"status"}', -32600),
                           ('{"jsonrpc":"2.0","id":1,"id":2,"method":"status"}', -32700)):
            same(raw(text)['error']['code'], code, text)
        refused(lambda: w.call('cycle.start', policy='dirty'), 'no policy dirty')
        same(w.sql('SELECT count(*) FROM cycles'), [(0,)])


# ---- those who look on ----

@test
def a_slow_subscriber_is_let_go_and_a_fast_one_sees_every_change_in_order():
    with World(files=3000, orphan=1500, unused=0) as w:
        fast = w.wire()
        w.wires.reverse()               # commands go through the other one
        s = fast.call('subscribe', topics=['overview', 'cycle'])
        slow = socket.socket(socket.AF_UNIX)
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(os.path.join(w.state, 'engine.sock'))
        slow.sendall(b'GET /operate HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                     b'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n')
        while b'\r\n\r\n' not in slow.recv(4096):
            pass
        ask = json.dumps({'jsonrpc': '2.0', 'id': 1, 'method': 'candidates', 'params': {'limit': 1000}}).encode()
        frame = b'\x81\xfe' + len(ask).to_bytes(2, 'big') + b'\0\0\0\0' + ask if len(ask) > 125 else b'\x81' + bytes([0x80 | len(ask)]) + b'\0\0\0\0' + ask
        seq, seen, clients = s['seq'], 0, []
        w.planned()
        slow.setblocking(False)
        for _ in range(400):            # it asks and never reads
            try:
                slow.sendall(frame)
            except (BlockingIOError, BrokenPipeError, ConnectionResetError):
                break
        w.arm()
        w.grant()
        w.canary()
        w.finish()
        try:
            while True:
                m = fast.message(0.3)
                same((m['method'], m['params']['epoch'], m['params']['seq']), ('changed', s['epoch'], seq + 1))
                seq, seen = seq + 1, seen + 1
                clients.append(m['params']['data'])
        except asyncio.TimeoutError:
            pass
        true(seen >= 4, seen)
        same([d for d in clients if d and d.get('stage')][-1]['end'], 'COMPLETED')
        until(lambda: w.call('status')['engine']['clients'] == 2, 10, 'the slow reader is kept')
        slow.close()


# ---- the end ----

def refusal(call):
    """Which refusal it was: 'stopping', or another."""
    try:
        call()
    except Exception as e:
        return 'stopping' if 'stopping' in str(e) else 'another'
    return 'none'


@test
def stopping_drains_and_the_cycle_goes_on_after_it():
    with World(files=200, orphan=50, unused=50, more=SLOW_STORE, lane=PACED) as w:
        w.granted()
        cleaning(w)
        second = w.wire()
        w.wires[-2].send('engine.stop')
        until(lambda: refusal(lambda: second.call('cycle.resume')) == 'stopping', 10)   # it may be read first
        w.ended()
        same(w.audit('engine.stop')[-1][2], {'drained': True})
        asked = w.deletes()[0]
        same(sum(w.states().get(k, 0) for k in ('deleted', 'gone')), len(asked))
        same(w.states().get('sent', 0), 0)
        w.start()
        s = w.status()
        same((s['stage'], s['state']), ('CLEANING', 'held'))
        same(w.finish()['end'], 'COMPLETED')
        w.compare()


@test
def stopping_does_not_wait_longer_than_its_grace_for_a_store_that_is_silent():
    with World(engine={'grace': '1s'}) as w:
        w.granted()
        w.canary()
        w.sim.fault('store=alpha op=delete fault=timeout-after')
        w.call('cycle.resume')
        until(lambda: w.lane()['in_flight'] > 0)
        begin = time.monotonic()
        w.proc.terminate()
        w.ended()
        true(time.monotonic() - begin < 8)
        same(w.audit('engine.stop')[-1][2], {'drained': False})
        w.sim.no_faults()
        w.start()
        s = w.finish()
        same((s['end'], w.lane(s=s)['gone'] > 0), ('COMPLETED', True))
        w.compare(exact=False)


@test
def stopping_in_every_stage_is_clean():
    with World(files=400, more=SLOW_STORE, lane={'page_items': 1}) as w:
        w.call('cycle.start', policy='clean')
        w.stop()
        w.start()
        same(w.status()['stage'], 'DISCOVERING')
    with World(faults=['store=alpha op=list fault=timeout-before']) as w:
        w.call('cycle.start', policy='clean')
        w.proc.send_signal(signal.SIGINT)
        w.ended(limit=20)
    with World(faults=['store=alpha op=list fault=429 arg=30']) as w:
        w.call('cycle.start', policy='clean')
        until(lambda: w.sim.lines(kind='request', op='list'))
        w.proc.terminate()
        w.ended(limit=3)


if __name__ == '__main__':
    sys.exit(main(globals()))
