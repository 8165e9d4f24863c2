#!/usr/bin/python3
"""The floors of ARCHITECTURE.md: every #include is an arrow that must be drawn there. TAP output.

Also: library headers only in their rooms, every header compiles alone, every .c is listed in a
local.mk, no file has grown past reading. Ends by planting wrong includes in a copy of the rules'
input and checking that each is found."""
import os, re, subprocess, sys, tempfile

TOP = os.environ.get("SLUICE_TOP") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BELOW = {}
ORDER = [["base"], ["guard"], ["store"], ["net"], ["config"], ["link", "lane", "records"], ["cleanup"], ["engine"], ["api"], ["cli"]]
NARROW = {"guard": {"base"}, "store": {"base", "guard"}, "net": {"base", "guard"}}
seen = set()
for floor in ORDER:
    for room in floor:
        BELOW[room] = NARROW.get(room, set(seen)) | {room}
    seen |= set(floor)
BELOW["cli"] |= {"ui"}
BELOW["ui"] = {"base", "net", "ui"}
BELOW["sim"] = {"base", "net", "sim"}

LIBRARIES = [  # header pattern, who may
    (r"uv\.h|libwebsockets\.h|curl/.*", r"src/net/.*"),
    (r"sqlite3\.h", r"src/store/.*|src/records/sqlite.*"),
    (r"cjson/.*|cJSON\.h", r"src/base/json.*"),
    (r"openssl/.*", r"src/base/hash.*|src/base/secret.*"),
    (r"cyaml/.*|yaml\.h", r"src/config/.*"),
    (r"n?curses.*\.h|term\.h|ncursesw/.*", r"ui/term_curses\.c"),
]
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)
MAX_LINES = 700


def room_of(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "src" else parts[0]


def wrong_arrows(path, text):
    found = []
    room = room_of(path)
    for kind, name in INCLUDE.findall(text):
        if kind == '"' and name != "config.h":
            target = name.split("/")[0]
            if "/" not in name or target not in BELOW:
                found.append(f'{path}: "{name}" does not say its room')
            elif target not in BELOW[room]:
                found.append(f"{path}: {room} may not include {target} ({name})")
            elif name.endswith("internal.h") or name.endswith("_impl.h") or name.endswith("_op.h"):
                if target != room:
                    found.append(f"{path}: {name} is the inside of {target}")
        for pattern, rooms in LIBRARIES:
            if re.fullmatch(pattern, name) and kind == "<" and not re.fullmatch(rooms, path):
                found.append(f"{path}: <{name}> outside its room")
    return found


def sources():
    for top in ("src", "ui", "sim"):
        for d, _, files in os.walk(os.path.join(TOP, top)):
            for f in sorted(files):
                if f.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(d, f), TOP)


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return f.read()


def cflags():
    libs = ["libuv", "libwebsockets", "libcurl", "libcjson", "sqlite3", "libcrypto", "libcyaml", "yaml-0.1", "ncursesw"]
    out = subprocess.run(["pkg-config", "--cflags", *libs], capture_output=True, text=True, check=True)
    return out.stdout.split()


def headers_alone():
    bad = []
    flags = ["-std=gnu17", "-D_GNU_SOURCE", "-fsyntax-only", "-I" + TOP + "/src", "-I" + TOP, "-x", "c", *cflags()]
    headers = [p for p in sources() if p.endswith(".h")]
    cc = os.environ.get("CC", "cc").split()
    for h in headers:
        name = h[4:] if h.startswith("src/") else h
        r = subprocess.run([*cc, *flags, "-"], input=f'#include "{name}"\n#include "{name}"\n', text=True, capture_output=True)
        if r.returncode:
            bad.append(f"{h} does not compile alone: {r.stderr.splitlines()[0] if r.stderr else ''}")
    return bad


def unlisted():
    lists = ""
    for top in ("src", "ui", "sim", "tests"):
        for d, _, files in os.walk(os.path.join(TOP, top)):
            lists += "".join(read(os.path.relpath(os.path.join(d, f), TOP)) for f in files if f == "local.mk")
    return [f"{p} is in no local.mk" for p in sources() if p not in lists]


def too_long():
    return [f"{p} has {n} lines" for p in sources() if (n := read(p).count("\n")) > MAX_LINES and not p.endswith("_table.h")]


PLANTED = [
    ("src/base/str.c", '#include "store/db.h"\n'), ("src/store/db.c", '#include "net/loop.h"\n'),
    ("src/lane/lane.c", '#include "records/records.h"\n'), ("src/guard/matrix.c", '#include "config/config.h"\n'),
    ("ui/client.c", '#include "engine/engine.h"\n'), ("sim/store.c", '#include "lane/lane.h"\n'),
    ("src/engine/engine.c", "#include <uv.h>\n"), ("src/cleanup/plan.c", "#include <sqlite3.h>\n"),
    ("ui/grid.c", "#include <curses.h>\n"), ("src/engine/engine.c", '#include "store/journal_op.h"\n'),
    ("src/api/rpc.c", '#include "str.h"\n'), ("src/api/rpc.c", '#include "cli/client.h"\n'),
]

checks = [
    ("every include is an arrow that the floors allow", lambda: [w for p in sources() for w in wrong_arrows(p, read(p))]),
    ("every header compiles alone", headers_alone),
    ("every source is listed in a local.mk", unlisted),
    (f"no file is longer than {MAX_LINES} lines", too_long),
    ("a planted wrong include is found", lambda: [f"not found: {p}: {t.strip()}" for p, t in PLANTED if not wrong_arrows(p, t)]),
    ("a right include is not called wrong", lambda: wrong_arrows("src/store/db.c", '#include "base/str.h"\n#include <sqlite3.h>\n')),
]
failed = 0
for n, (name, check) in enumerate(checks, 1):
    bad = check()
    failed += bool(bad)
    print(("not ok" if bad else "ok"), n, "-", name)
    for b in bad[:40]:
        print("#", b)
print(f"1..{len(checks)}")
print(f"# {sum(1 for _ in sources())} files")
sys.exit(1 if failed else 0)
