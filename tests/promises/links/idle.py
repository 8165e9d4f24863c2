#!/usr/bin/python3
"""idle.py PORT N WANT: N connections of python3-websockets with a ping every 20 s; says "up" when all are, then counts what
comes on them: each JSON message once by its id, and only when the marks of its turn of the loop are on disk. Ends with stdin."""
import asyncio
import json
import os
import sys
import tempfile
import time

import websockets


async def main(port, n):
    seen, first, marks = set(), None, []
    conns = []
    loop = asyncio.get_running_loop()
    log = tempfile.TemporaryFile()

    def durable():
        os.write(log.fileno(), ('\n'.join(marks) + '\n').encode())
        os.fdatasync(log.fileno())
        seen.update(marks)
        marks.clear()
        if len(seen) == want:
            print(json.dumps({'messages': len(seen), 'seconds': time.monotonic() - first}), flush=True)

    async def read(ws):
        nonlocal first
        async for text in ws:
            first = first or time.monotonic()
            m = json.loads(text)
            if m['id'] in seen:
                continue
            if not marks:
                loop.call_soon(durable)
            marks.append(m['id'])

    want = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    for at in range(0, n, 50):
        conns += await asyncio.gather(*(websockets.connect(f'ws://127.0.0.1:{port}/', ping_interval=20, compression=None)
                                        for _ in range(min(50, n - at))))
    tasks = [asyncio.ensure_future(read(ws)) for ws in conns]
    print('up', flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for t in tasks:
        t.cancel()


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
