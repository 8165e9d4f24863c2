#!/usr/bin/python3
"""Links of the simulator, talked to with the WebSocket library of the daemon that it plays."""
import asyncio
import json
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True
from simlib import WAIT, Conn, Sim, main, same, test, true, wait_for

try:
    import websockets
except ImportError:
    websockets = None

HELLO = json.dumps({'op': 'hello', 'session_id': 'test-1', 'token': 'tok-0123456789abcdef'})


def links(*links_, faults=()):
    args = ['--store', 'alpha:files=1']
    for x in links_:
        args += ['--link', x]
    for f in faults:
        args += ['--fault', f]
    return Sim(*args)


def on(coro):
    async def bounded():
        return await asyncio.wait_for(coro, WAIT)
    return asyncio.run(bounded())


def dial(sim, name='beta', **kw):
    kw = {'ping_interval': None, 'compression': None, 'open_timeout': WAIT, 'close_timeout': 0.3, **kw}
    return websockets.connect(sim.url[name], **kw)


async def ended(ws):
    try:
        while True:
            await ws.recv()
    except websockets.ConnectionClosed:
        return ws.close_code, ws.close_reason


async def greeted(sim, first=HELLO, name='beta', **kw):
    """Says first; the frames that came until the end, and how it ended."""
    frames = []
    async with dial(sim, name, **kw) as ws:
        await ws.send(first)
        try:
            while True:
                frames.append(json.loads(await ws.recv()))
        except websockets.ConnectionClosed:
            return frames, ws.close_code, ws.close_reason


def events(sim, link='beta'):
    return [x['event'] for x in sim.lines(kind='link', link=link)]


@test
def hello_list_tools_and_errors_are_the_daemons():
    async def talk(sim, name):
        async with dial(sim, name) as ws:
            await ws.send(HELLO)
            out = [json.loads(await ws.recv())]
            for op in ('list_tools', 'ping', 'health'):
                await ws.send(json.dumps({'op': op, 'request_id': 'r1'}))
                out.append(json.loads(await ws.recv()))
            return out
    with links('beta:token=tok-0123456789abcdef,tools=3', 'gamma:version=new') as sim:
        ack, tools, ping, health = on(talk(sim, 'beta'))
        same(ack, {'op': 'hello_ack', 'ok': True, 'session_id': 'test-1'})
        same((tools['op'], len(tools['tools']), 'request_id' in tools), ('list_tools_res', 3, False))
        same((ping['op'], ping['error']['message']), ('error', 'Unknown operation: ping'))
        same(health['error']['code'], 'INVALID_REQUEST')
        ack, tools, ping, health = on(talk(sim, 'gamma'))
        same((tools['request_id'], ping['op'], ping['request_id']), ('r1', 'pong', 'r1'))
        wait_for(lambda: events(sim)[-1] == 'end')
        same(events(sim), ['open', 'hello', 'hello_ack', 'call', 'call', 'call', 'close_received', 'end'])


@test
def refused_hellos_close_as_the_daemon_does():
    with links('beta:token=tok-0123456789abcdef,hello_timeout_ms=100', 'gamma:version=new') as sim:
        same(on(greeted(sim, 'no json')), ([{'op': 'hello_ack', 'ok': False, 'error': 'invalid_hello'}], 4000, 'invalid hello'))
        same(on(greeted(sim, '{"op":"hi"}')), ([{'op': 'hello_ack', 'ok': False, 'error': 'missing_hello'}], 4001, 'missing hello'))
        same(on(greeted(sim, '{"op":"hello","token":"x"}')), ([{'op': 'hello_ack', 'ok': False, 'error': 'unauthorized'}], 4003, 'unauthorized'))
        same(on(greeted(sim, 'no json', name='gamma')), ([], 4000, 'invalid message'))

        async def silent():
            async with dial(sim) as ws:
                return await ended(ws)
        same(on(silent()), (4002, 'hello timeout or disconnect'))
        same([x['code'] for x in sim.lines(event='close_sent')], [4000, 4001, 4003, 4000, 4002])


@test
def too_many_connections_are_1008():
    async def crowd(sim):
        first = [await dial(sim) for _ in range(2)]
        async with dial(sim) as ws:
            end = await ended(ws)
        for ws in first:
            await ws.close()
        return end
    with links('beta:max_per_ip=2') as sim:
        same(on(crowd(sim)), (1008, 'Too many connections from your IP (2/2)'))


@test
def a_jammed_daemon_closes_1000_without_ack():
    with links('beta:jam=yes') as sim:
        same(on(greeted(sim)), ([], 1000, ''))
        true('hello_ack' not in events(sim))
    with links('beta', faults=['link=beta fault=jam times=1']) as sim:
        same(on(greeted(sim)), ([], 1000, ''))


@test
def a_flapping_daemon_closes_1011_every_time():
    with links('beta:flap=1', 'gamma:handshake=none', faults=['link=gamma fault=flap=1']) as sim:
        async def both():
            return await asyncio.gather(greeted(sim), greeted(sim), greeted(sim, name='gamma'))
        for frames, code, reason in on(both()):
            same((code, reason), (1011, 'keepalive ping timeout'))
        same(sim.stats('beta')['closes_sent'], 2)


@test
def close_faults_have_their_codes():
    rows = (('1011', 1011), ('1008', 1008), ('4003', 4003), ('close=1012', 1012), ('close=3000', 3000))
    for name, code in rows:
        with links('beta', faults=[f'link=beta op=hello fault={name}']) as sim:
            frames, got, _ = on(greeted(sim))
            same((got, [x for x in frames if x.get('ok')]), (code, []))
            same(sim.lines(event='close_sent')[0]['code'], code)


@test
def a_cut_link_ends_without_close():
    for end in ('fin', 'rst'):
        with links('beta', faults=[f'link=beta op=call fault=cut arg={end}']) as sim:
            async def talk():
                async with dial(sim) as ws:
                    await ws.send(HELLO)
                    await ws.recv()
                    await ws.send('{"op":"list_tools"}')
                    return await ended(ws)
            same(on(talk())[0], 1006)
            true('close_sent' not in events(sim))


async def pongs(sim, name='beta', first=None):
    async with dial(sim, name) as ws:
        if first:
            await ws.send(first)
        try:
            await asyncio.wait_for(await ws.ping(), 0.2)
            return True
        except asyncio.TimeoutError:
            return False


@test
def silence_and_missing_pongs_are_just_that():
    with links('beta', 'gamma', 'delta', faults=['link=gamma fault=no-pong', 'link=delta fault=silence']) as sim:
        same([on(pongs(sim, n, HELLO)) for n in ('beta', 'gamma', 'delta')], [True, False, False])


@test
def keepalive_closes_1011_on_a_dead_peer():
    with links('beta:ping_ms=50,pong_ms=50') as sim:
        s = socket.create_connection(('127.0.0.1', sim.port['beta']), WAIT)
        s.sendall(b'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
                  b'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')
        got = b''
        while b'keepalive ping timeout' not in got:
            got += s.recv(4096)
        true(b's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' in got)
        true(b'\x89\x04keep' in got and struct.pack('>H', 1011) in got)
        s.close()

    async def alive(sim):
        async with dial(sim) as ws:
            await asyncio.sleep(0.4)
            return ws.open
    with links('beta:ping_ms=50,pong_ms=200,handshake=none') as sim:
        true(on(alive(sim)))


@test
def wrong_frames_are_wrong():
    async def talk(sim):
        async with dial(sim, max_size=None) as ws:
            await ws.send(HELLO)
            try:
                return await ws.recv()
            except websockets.ConnectionClosed:
                return ws.close_code
    for name, want in (('bad-utf8', 1007), ('masked', 1002), ('bad-opcode', 1002)):
        with links('beta', faults=[f'link=beta fault={name}']) as sim:
            on(talk(sim))
            wait_for(lambda: sim.lines(event='close_received'))
            same(sim.lines(event='close_received')[0]['code'], want, name)
    with links('beta', faults=['link=beta fault=bad-json']) as sim:
        try:
            json.loads(on(talk(sim)))
            raise AssertionError('it is JSON')
        except ValueError:
            pass
    with links('beta', faults=['link=beta op=hello fault=huge arg=3000000']) as sim:
        same(len(on(talk(sim))), 3000000)
    with links('beta', faults=['link=beta fault=fragments arg=7']) as sim:
        same(json.loads(on(talk(sim)))['session_id'], 'test-1')
    with links('beta', faults=['link=beta fault=late arg=80']) as sim:
        start = time.monotonic()
        same(json.loads(on(talk(sim)))['ok'], True)
        true(time.monotonic() - start >= 0.08)


@test
def upgrades_can_be_refused():
    for rule, error in (('refuse=503', 'InvalidStatusCode'), ('bad-accept', 'InvalidHandshake')):
        with links('beta', faults=[f'link=beta times=1 fault={rule}']) as sim:
            async def talk():
                try:
                    async with dial(sim):
                        return 'open'
                except websockets.InvalidHandshake as e:
                    return [c.__name__ for c in type(e).__mro__]
            true(error in on(talk()), rule)
            same(on(greeted_ack(sim)), True)
    with links('beta') as sim:
        c = Conn(sim.port['beta'])
        same(c.ask('GET', '/').status, 426)
        same(sim.lines(event='refused')[0]['status'], 426)


async def greeted_ack(sim):
    async with dial(sim) as ws:
        await ws.send(HELLO)
        return json.loads(await ws.recv())['ok']


@test
def a_fault_can_hit_open_connections_now():
    async def talk(sim):
        async with dial(sim) as a, dial(sim) as b:
            for ws in (a, b):
                await ws.send(HELLO)
                await ws.recv()
            await asyncio.get_running_loop().run_in_executor(None, sim.fault, 'link=beta op=now fault=1011')
            return [await ended(a), await ended(b)]
    with links('beta') as sim:
        same(on(talk(sim)), [(1011, 'keepalive ping timeout')] * 2)


@test
def echo_and_ticks_work():
    async def talk(sim):
        async with dial(sim) as ws:
            await ws.send('x' * 70000)
            await ws.send('')
            return len(await ws.recv())

    async def ticks(sim):
        async with dial(sim, 'gamma') as ws:
            return [json.loads(await ws.recv())['number'] for _ in range(3)]
    with links('beta:handshake=echo', 'gamma:handshake=none,tick_ms=20') as sim:
        same(on(talk(sim)), 70000)
        same(on(ticks(sim)), [1, 2, 3])


@test
def frames_that_break_the_rules_are_answered_with_their_code():
    mask = b'\x00\x00\x00\x00'
    rows = ((b'\x81\x01x', 1002), (b'\xc1\x81' + mask + b'x', 1002), (b'\x83\x80' + mask, 1002), (b'\x80\x80' + mask, 1002),
            (b'\x81\x82' + mask + b'\xc3\x28', 1007), (b'\x09\x80' + mask, 1002), (b'\x88\x81' + mask + b'x', 1002),
            (b'\x88\x82' + mask + b'\x03\xed', 1002), (b'\x82\xfe\x03\xe9' + mask, 1009))
    with links('beta:handshake=none,max_bytes=1000') as sim:
        for frame, code in rows:
            s = socket.create_connection(('127.0.0.1', sim.port['beta']), WAIT)
            s.sendall(b'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n'
                      b'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n' + frame)
            got = tail = b''
            while len(tail) < 4:
                got += s.recv(4096)
                tail = got.partition(b'\r\n\r\n')[2]
            same((tail[0], struct.unpack('>H', tail[2:4])[0]), (0x88, code), frame)
            s.close()


if __name__ == '__main__':
    sys.exit(main(globals(), '' if websockets else 'python3-websockets is not installed'))
