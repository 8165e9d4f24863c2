#!/usr/bin/python3
"""Links against WebSocket servers that other people wrote: python3-websockets and npm's ws.
Every promise is asked of both. Prints TAP. A server that is not installed is skipped by name.
The npm module is looked for in NODE_PATH and where Debian's node-ws puts it."""
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("SLUICE_BUILD", os.getcwd())
PROBE = os.environ.get("LINKPROBE", os.path.join(BUILD, "tests/websocket/linkprobe"))
TOKEN = "real-token-0123456789-" + os.urandom(4).hex()
DEADLINE_S = 20


class Lines:
    """A child whose JSON lines are waited for, never slept for."""

    def __init__(self, argv):
        self.child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.queue = queue.Queue()
        self.all = []
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.child.stdout:
            self.queue.put(line.decode())
        self.queue.put(None)

    def next(self):
        line = self.queue.get(timeout=DEADLINE_S)
        if line is None:
            raise AssertionError("%s ended; it said %s" % (self.child.args[0], self.all[-3:]))
        self.all.append(line.strip())
        return line

    def until(self, what):
        """The first line from here on for which what(line) holds."""
        while True:
            try:
                line = json.loads(self.next())
            except queue.Empty:
                raise AssertionError("waited in vain; last lines: %s" % self.all[-5:]) from None
            if what(line):
                return line

    def state(self, name):
        return self.until(lambda m: m["event"] == "state" and m["state"] == name)

    def stop(self):
        try:
            self.child.send_signal(signal.SIGCONT)
            self.child.stdin.close()
            self.child.wait(2 if "linkprobe" in self.child.args[0] else 0.01)
        except (subprocess.TimeoutExpired, OSError):
            self.child.kill()
        self.child.wait()
        return self.child.returncode


class Server(Lines):
    def __init__(self, argv, port=None):
        super().__init__(argv + ([str(port)] if port else []))
        self.port = int(self.next().split()[1])

    def url(self, path):
        return "ws://127.0.0.1:%d%s" % (self.port, path)


def check(what, why):
    if not what:
        raise AssertionError(why)


def hello(server, probe):
    p = probe("/hello", "session=console-1")
    p.state("up")
    frame = json.loads(server.until(lambda m: m["saw"] == "hello")["frame"])
    check(frame == {"op": "hello", "session_id": "console-1", "token": TOKEN}, "hello was %s" % frame)
    server.until(lambda m: m["saw"] == "pong")


def ping(server, probe):
    p = probe("/none", handshake="none")
    line = p.until(lambda m: m["pongs"] >= 3)
    check(line["rtt_us"] > 0, "round-trip time %s" % line)


def close_1011(server, probe):
    p = probe("/1011")
    p.state("up")
    line = p.state("waiting")
    check(line["close_code"] == 1011 and "keepalive" in line["sentence"] and line["tries_again"], line)
    check(p.state("up")["ups"] == 2, "did not come back")


def close_1008(server, probe):
    line = probe("/1008").state("waiting")
    check(line["close_code"] == 1008 and "(10/10)" in line["sentence"] and line["failed_rung"] == "hello", line)


def close_4003(server, probe):
    p = probe("/4003")
    line = p.state("given up")
    check(line["close_code"] == 4003 and "token_file" in line["sentence"] and not line["tries_again"], line)
    p.child.stdin.write(b"diagnose\n")
    p.child.stdin.flush()
    check(p.state("given up")["attempts"] == 2, "diagnose did not try")


def silence(server, probe):
    p = probe("/stay", "pong=300")
    p.state("up")
    p.until(lambda m: m["pongs"] >= 1)
    server.child.send_signal(signal.SIGSTOP)
    line = p.state("closing")
    check("no pong for 300 ms" in line["sentence"], line)
    server.child.send_signal(signal.SIGCONT)
    check(p.state("up")["ups"] == 2, "did not come back")


def mute(server, probe):
    line = probe("/mute", "hello=200").state("waiting")
    check("no answer to the hello for 200 ms" in line["sentence"], line)


def cut(server, probe):
    p = probe("/stay")
    p.state("up")
    server.child.kill()
    server.child.wait()
    line = p.state("waiting")
    check(line["close_code"] == 1006 and "cut" in line["sentence"], line)
    line = p.state("waiting")
    check(line["failed_rung"] == "connect" and "is the server running" in line["sentence"], line)
    again = Server(server.argv, server.port)
    try:
        check(p.state("up")["ups"] == 2, "did not come back")
    finally:
        again.stop()


def jam(server, probe):
    p = probe("/jam")
    line = p.state("jammed")
    check(line["close_code"] == 1000 and "restart the daemon" in line["sentence"] and line["tries_again"], line)
    check(p.state("jammed")["attempts"] == 2, "a jammed daemon is tried again")


PROMISES = [hello, ping, close_1011, close_1008, close_4003, silence, mute, cut, jam]


def ws_module():
    for d in os.environ.get("NODE_PATH", "").split(":") + [os.path.join(BUILD, "node/node_modules"), "/usr/share/nodejs"]:
        if d and os.path.isfile(os.path.join(d, "ws/package.json")):
            return os.path.abspath(os.path.join(d, "ws"))
    return None


def node_program():
    ours = os.environ.get("SLUICE_NODE", "")
    return ours if os.access(ours, os.X_OK) else shutil.which("node") or shutil.which("nodejs")


def servers():
    """(name, argv or None, why not)"""
    module, node = ws_module(), node_program()
    try:
        import websockets  # noqa: F401
        yield "python3-websockets", [sys.executable, os.path.join(HERE, "server_py.py")], None
    except ImportError:
        yield "python3-websockets", None, "the package python3-websockets is not installed"
    if node and module:
        yield "npm ws", [node, os.path.join(HERE, "server_ws.js"), module], None
    else:
        yield "npm ws", None, "node or its module ws is not installed: npm i ws, with its node_modules in NODE_PATH"


def run_one(promise, argv, token_file):
    children = []
    server = Server(argv)
    server.argv = argv

    def probe(path, *options, handshake="exai"):
        p = Lines([PROBE, server.url(path), handshake, "token_file=" + token_file, *options])
        children.append(p)
        return p
    try:
        promise(server, probe)
    finally:
        codes = [p.stop() for p in children]
        server.stop()
    check(codes == [0] * len(codes), "linkprobe ended with %s" % codes)


def main():
    bad = n = 0
    print("1..%d" % (2 * len(PROMISES)), flush=True)
    with tempfile.TemporaryDirectory() as d:
        token_file = os.path.join(d, "token")
        with open(os.open(token_file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(TOKEN + "\n")
        for name, argv, why in servers():
            for promise in PROMISES:
                n += 1
                title = "%d - %s: %s" % (n, name, promise.__name__)
                if not argv:
                    print("ok " + title + " # SKIP " + why, flush=True)
                    continue
                try:
                    run_one(promise, argv, token_file)
                    print("ok " + title, flush=True)
                except (AssertionError, OSError, KeyError) as e:
                    bad += 1
                    print("not ok " + title + "\n# " + str(e).replace("\n", "\n# "), flush=True)
    return 1 if bad else 0


sys.exit(main())
