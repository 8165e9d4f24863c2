#!/usr/bin/python3
"""python3-websockets as a peer that speaks json-events for links that try something: on every connection it says N messages of its
own, each again after BACK others, over and over until each was acknowledged; it acknowledges our events, or leaves them lying.
At most LIMIT connections at once: who comes then is turned away, or (`push yes`) pushes out the oldest. Prints its port, then answers
`look`, `mute yes|no`, `go N`, `limit N`, `push yes|no` (a line each). Usage: flagpeer.py BACK"""
import asyncio
import json
import sys

import websockets


class Peer:
    def __init__(self, back):
        self.back = back
        self.goal = 0                   # messages of each connection
        self.mute = False
        self.said, self.acked = set(), set()
        self.repeats = 0
        self.got, self.left = {}, []    # events: how often; not acknowledged yet
        self.by = set()                 # connections that brought one
        self.names = 0
        self.limit, self.push, self.open = 1000, False, []

    async def say(self, ws, name, n):
        await ws.send(json.dumps({'id': f'{name}-{n}', 'type': 'thing'}))
        self.repeats += f'{name}-{n}' in self.said
        self.said.add(f'{name}-{n}')

    async def talk(self, ws, name):
        n = 0
        while True:
            while n < self.goal:
                await self.say(ws, name, n)
                if n >= self.back:
                    await self.say(ws, name, n - self.back)
                n += 1
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.02)

    async def ack(self, ws, event):
        try:
            await ws.send(json.dumps({'type': 'ack', 'id': event}))
        except websockets.ConnectionClosed:
            pass                        # it comes again on another

    async def serve(self, ws, path=None):
        if len(self.open) >= self.limit:
            if not self.push:
                await ws.close(1013, 'enough')
                return
            self.open.pop(0).transport.abort()
        self.open.append(ws)
        self.names += 1
        task = asyncio.ensure_future(self.talk(ws, f'c{self.names}'))
        try:
            async for text in ws:
                m = json.loads(text)
                if m['type'] == 'ack':
                    self.acked.add(m['id'])
                elif m['type'] == 'event':
                    self.by.add(ws)
                    self.got[m['id']] = self.got.get(m['id'], 0) + 1
                    self.left.append((ws, m['id']))
                    await self.settle()
        except websockets.ConnectionClosed:
            pass
        finally:
            task.cancel()
            if ws in self.open:
                self.open.remove(ws)

    async def settle(self):
        while self.left and not self.mute:
            await self.ack(*self.left.pop(0))

    async def told(self, words):
        if words[0] == 'go':
            self.goal = int(words[1])
        elif words[0] == 'limit':
            self.limit = int(words[1])
        elif words[0] == 'push':
            self.push = words[1] == 'yes'
        elif words[0] == 'mute':
            self.mute = words[1] == 'yes'
            await self.settle()
        return {'said': len(self.said), 'acked': len(self.acked), 'repeats': self.repeats, 'connections': self.names, 'open': len(self.open),
                'events': len(self.got), 'by': len(self.by), 'twice': sum(n > 1 for n in self.got.values())}

    async def run(self):
        server = await websockets.serve(self.serve, '127.0.0.1', 0, ping_interval=None, max_queue=None, close_timeout=1)
        print(json.dumps({'port': server.sockets[0].getsockname()[1]}), flush=True)
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while True:
            line = await lines.readline()
            if not line:
                return
            print(json.dumps(await self.told(line.decode().split())), flush=True)


if __name__ == '__main__':
    asyncio.run(Peer(int(sys.argv[1])).run())
