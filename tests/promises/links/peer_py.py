#!/usr/bin/python3
"""python3-websockets as a server that ends connections as its path says. Prints its port. Ends with its stdin.
Usage: peer_py.py PING_SECONDS [CERT KEY]"""
import asyncio
import ssl
import sys
import time
from http import HTTPStatus

import websockets

STATUS = {int(s) for s in HTTPStatus}


async def refuse(path, headers):
    if path.startswith('/status/'):
        code = int(path.split('/')[2])
        return HTTPStatus(code), [('Location', 'ws://127.0.0.1:1/')] if code == 301 else [], b''
    return None


async def nothing(data):
    return None


def often(ws, late):
    """Who pings within 3 s of its last ping is cut off, or answered late; the others are answered."""
    last, answer = [0], ws.pong

    async def pong(data):
        before, last[0] = last[0], time.monotonic()
        if last[0] - before >= (2 if late else 3):
            await answer(data)
        elif late:
            await asyncio.sleep(0.05)
            await answer(data)
        else:
            ws.transport.abort()
    ws.pong = pong


async def end(ws, path):
    what = path.split('/')[1:]
    if what[0] == 'close':
        await ws.close(int(what[1]), 'because')
    elif what[0] == 'cut':
        ws.transport.abort()
    elif what[0] == 'nopong':
        ws.pong = nothing
    elif what[0] in ('calm', 'late'):
        often(ws, what[0] == 'late')
    elif what[0] == 'talk':
        for n in range(100):
            await ws.send('{"n": %d}' % n)
    elif what[0] == 'slow':
        ws.transport.pause_reading()
    elif what[0] == 'large':
        await ws.send('x' * (9 << 20))
    elif what[0] == 'flood':
        for n in range(50000):
            await ws.send('{"n": %d}' % n)
    elif what[0] == 'fragments':
        await ws.send(['{"n": "'] + ['x'] * 5000 + ['"}'])
    elif what[0] == 'pings':
        for n in range(5000):
            await ws.ping(b'%d' % n)
            await asyncio.sleep(0)
    await ws.wait_closed()


async def run(every, cert):
    tls = None
    if cert:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*cert)
    async with websockets.serve(end, '127.0.0.1', 0, process_request=refuse, ping_interval=every, ping_timeout=every, ssl=tls, max_size=None) as s:
        print('port', s.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_event_loop().run_in_executor(None, sys.stdin.read)

asyncio.run(run(float(sys.argv[1]) or None, sys.argv[2:4]))
