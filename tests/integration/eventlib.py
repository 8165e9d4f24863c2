"""A peer that speaks json-events (python3-websockets): it sends numbered messages until each is acknowledged, on every new
connection all that are not from the start; it acknowledges the events that come; it cuts when told, or by itself at a message or
event it was told of (CUTS). One process, told by lines."""
import asyncio
import json
import sys

import websockets


# Where it cuts by itself, once: right after it sent message n, so that no ack of it can have come; when the ack of n comes, which is
# lost; when an event of ours comes, which gets no ack; right after the ack of an event, which arrives or does not.
CUTS = ('after', 'ack', 'event', 'said')


class Peer:
    def __init__(self, port, window):
        self.port, self.window = port, window
        self.total = 0                  # messages to deliver: 1 … total
        self.acked = set()
        self.got = {}                   # our events by id: how often
        self.conns = set()
        self.sent = self.connections = 0
        self.mute = False               # true: it acknowledges nothing
        self.trap = None                # (one of CUTS, n)
        self.stay_away = False          # once the trap sprang nobody comes in until told
        self.shut = False
        self.sprung = []                # [one of CUTS, number of the message or id of the event]
        self.times = {}                 # how often each message was sent

    def springs(self, ws, kind, what):
        """Whether it cuts here and now."""
        if not self.trap or self.trap[0] != kind or (kind in ('after', 'ack') and self.trap[1] != what):
            return False
        self.sprung.append([kind, what])
        self.trap, self.shut = None, self.stay_away
        self.conns.discard(ws)
        ws.transport.abort()
        return True

    async def feed(self, ws):
        """Repeats what is not acknowledged from the first on, then what is new."""
        at = 0
        while True:
            waiting = [n for n in range(at + 1, self.total + 1) if n not in self.acked][:self.window]
            for n in waiting:
                await ws.send(json.dumps({'id': f'm{n}', 'type': 'thing', 'sequence': n, 'epoch': 'e1'}))
                self.sent += 1
                self.times[n] = self.times.get(n, 0) + 1
                at = n
                if self.springs(ws, 'after', n):
                    return
            await asyncio.sleep(0.002)

    async def heard(self, ws, m):
        """False: the connection is cut."""
        if m['type'] == 'ack':
            n = int(m['id'][1:]) if m['id'][1:].isdigit() else m['id']
            # sending may wait, so that the ack is here before the cut behind the message
            if self.springs(ws, 'ack', n) or self.springs(ws, 'after', n):
                return False
            self.acked.add(n)
        elif m['type'] == 'event':
            self.got[m['id']] = self.got.get(m['id'], 0) + 1
            if self.springs(ws, 'event', m['id']):
                return False
            if not self.mute:
                await ws.send(json.dumps({'type': 'ack', 'id': m['id']}))
                return not self.springs(ws, 'said', m['id'])
        return True

    async def serve(self, ws, path=None):
        if self.shut:
            ws.transport.abort()
            return
        self.conns.add(ws)
        self.connections += 1
        task = asyncio.ensure_future(self.feed(ws))
        try:
            async for text in ws:
                # what came before a cut of its own and was not read yet is lost with it
                if ws not in self.conns or not await self.heard(ws, json.loads(text)):
                    break
        except websockets.ConnectionClosed:
            pass
        finally:
            task.cancel()
            self.conns.discard(ws)

    async def told(self, words):
        if words[0] == 'total':
            self.total = int(words[1])
        elif words[0] == 'mute':
            self.mute = words[1] == 'yes'
        elif words[0] == 'trap':        # KIND N and what follows
            self.trap, self.stay_away = (words[1], int(words[2])), words[3:] == ['stay-away']
        elif words[0] == 'open':
            self.shut = False
        elif words[0] == 'cut':         # without a Close, in the middle of whatever is said
            for ws in list(self.conns):
                ws.transport.abort()
        elif words[0] == 'send':        # one frame as it is
            for ws in list(self.conns):
                await ws.send(' '.join(words[1:]))
        return {'total': self.total, 'acked': len(self.acked), 'sent': self.sent, 'connections': self.connections,
                'open': len(self.conns), 'events': self.got, 'sprung': self.sprung,
                'again': [[kind, what, self.times[what], what in self.acked] for kind, what in self.sprung if kind in ('after', 'ack')]}

    async def run(self):
        server = await websockets.serve(self.serve, '127.0.0.1', self.port, ping_interval=None, max_queue=None, close_timeout=1)
        print(json.dumps({'port': server.sockets[0].getsockname()[1]}), flush=True)
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while True:
            line = await lines.readline()
            if not line:
                return
            print(json.dumps(await self.told(line.decode().split())), flush=True)


class Daemon(Peer):
    """The older exai daemon as far as it answers a hello and ops; mute: it answers no op any more, but pings."""

    async def serve(self, ws, path=None):
        self.conns.add(ws)
        try:
            async for text in ws:
                m = json.loads(text)
                if m['op'] == 'hello':
                    await ws.send('{"op":"hello_ack","ok":true,"session_id":"s"}')
                elif m['op'] == 'list_tools' and not self.mute:
                    await ws.send('{"op":"list_tools_res","tools":[{"name":"chat"},{"name":"plan"}],"timestamp":1.5}')
                elif not self.mute:
                    await ws.send(json.dumps({'op': 'error', 'error': {'code': 'INVALID_REQUEST', 'message': f'Unknown operation: {m["op"]}'}}))
        except websockets.ConnectionClosed:
            pass
        finally:
            self.conns.discard(ws)


class Dashboard(Peer):
    """Its monitoring: says where it stands at once; the test pushes the rest."""

    async def serve(self, ws, path=None):
        self.conns.add(ws)
        try:
            await ws.send(json.dumps({'type': 'initial_stats', 'stats': {}, 'session_metrics': {'active_sessions': 0, 'total_sessions': 3},
                                      'semaphore_metrics': {'ports': {'8079': {'current': 1, 'limit': 24}}, 'total_leaks_detected': 0},
                                      'websocket_health': {}, 'recent_events': []}))
            async for _ in ws:
                pass
        except websockets.ConnectionClosed:
            pass
        finally:
            self.conns.discard(ws)


if __name__ == '__main__':
    ROLES = {'exai': Daemon, 'dashboard': Dashboard}
    asyncio.run(ROLES.get(sys.argv[2], Peer)(int(sys.argv[1]), 0 if sys.argv[2] in ROLES else int(sys.argv[2])).run())
