"""The bare server (tests/websocket/stormd) and what its handshake times say."""
import json
import os
import subprocess

from englib import BUILD, World


class Storm:
    def __init__(self, port=0):
        self.proc = subprocess.Popen([os.path.join(BUILD, 'tests/websocket/stormd'), str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = json.loads(self.proc.stdout.readline())['port']

    def tell(self, line):
        self.proc.stdin.write(line + '\n')
        self.proc.stdin.flush()
        return json.loads(self.proc.stdout.readline())

    def link(self, name, connections, **more):
        return {'name': name, 'url': f'ws://127.0.0.1:{self.port}/', 'connections': connections, 'reconnect_base': '200ms',
                'reconnect_max': '2s', 'min_uptime': '0s', **more}

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.end()

    def end(self):
        if self.proc.stdin.closed:
            return
        self.proc.stdin.close()
        self.proc.wait()
        self.proc.stdout.close()


def most_in_a_second(times):
    """The most handshakes in any span of one second."""
    most = first = 0
    for n, t in enumerate(times):
        while t - times[first] >= 1000000:
            first += 1
        most = max(most, n - first + 1)
    return most


def gaps(times):
    return [b - a for a, b in zip(times, times[1:])]


def together(times, within_us):
    """Handshakes that came within so little of the one before."""
    return sum(g < within_us for g in gaps(times))


def watching(links, handshakes='50/s', **more):
    """An engine with these links; it is up."""
    w = World(files=3, orphan=1, unused=1, records=False, start=False, engine={'handshakes': handshakes}, **more)
    w.configure(links=links)
    return w.start()
