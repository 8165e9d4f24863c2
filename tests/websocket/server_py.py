"""A WebSocket server on python3-websockets for real.py: what it does stands in the path of the url.
Prints "port N", then one JSON line for everything it saw. Usage: server_py.py [PORT]"""
import asyncio
import json
import sys

import websockets

ACK = json.dumps({"op": "hello_ack", "ok": True, "session_id": "s"})
NO = json.dumps({"op": "hello_ack", "ok": False, "error": "unauthorized"})
seen = {}


def say(**what):
    print(json.dumps(what), flush=True)


async def stay(ws):
    async for frame in ws:
        say(saw="frame", frame=frame)


async def handler(ws, path):
    seen[path] = seen.get(path, 0) + 1
    say(saw="connection", path=path, n=seen[path])
    if path == "/none":
        return await stay(ws)
    say(saw="hello", path=path, frame=await ws.recv())
    if path == "/1008":
        return await ws.close(1008, "Too many connections from your IP (10/10)")
    if path == "/4003":
        await ws.send(NO)
        return await ws.close(4003, "unauthorized")
    if path == "/jam":
        return await ws.close(1000)
    if path == "/mute":
        return await stay(ws)
    await ws.send(ACK)
    if path == "/1011" and seen[path] == 1:
        return await ws.close(1011, "keepalive ping timeout")
    if path == "/hello":
        await (await ws.ping())
        say(saw="pong", path=path)
    await stay(ws)


async def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    async with websockets.serve(handler, "127.0.0.1", port, ping_interval=None, reuse_address=True) as server:
        print("port", server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


asyncio.run(main())
