#!/usr/bin/python3
"""A small stand-in for PostgREST 13 over an SQLite file, as its documentation describes it: filters and logical trees,
select, order, limit, counts in Content-Range, the OpenAPI description, Prefer with handling=strict, max-affected and
return=representation, the server's own limit of rows, errors with their codes, one statement = one transaction. Like
the real one it changes EVERY row when a PATCH or DELETE has no filter. What it was asked is in `log`.
Serve.start(path) runs it in a thread."""
import http.server
import json
import re
import sqlite3
import threading
import urllib.parse


class Fault(Exception):
    def __init__(self, status, code, message, details=None):
        super().__init__(message)
        self.status, self.body = status, {'code': code, 'message': message, 'details': details, 'hint': None}


OPERATORS = {'eq': '=', 'neq': '<>', 'gt': '>', 'gte': '>=', 'lt': '<', 'lte': '<='}
FORMATS = {'TEXT': 'text', 'BIGINT': 'bigint', 'INTEGER': 'integer', 'UUID': 'uuid', 'TIMESTAMPTZ': 'timestamp with time zone'}


class Tree:
    """The text of a logical tree, or of a list of values, read from the left."""

    def __init__(self, text):
        self.text, self.at = text, 0

    def peek(self, what):
        return self.text.startswith(what, self.at)

    def take(self, what):
        if not self.peek(what):
            raise Fault(400, 'PGRST100', f'"failed to parse logic tree ({self.text})" (line 1, column {self.at + 1})')
        self.at += len(what)

    def value(self, stop):
        if not self.peek('"'):
            m = re.compile(f'[^{re.escape(stop)}]*').match(self.text, self.at)
            self.at = m.end()
            return m.group()
        m = re.compile(r'"((?:[^"\\]|\\.)*)"', re.S).match(self.text, self.at)
        if not m:
            self.take('"…"')
        self.at = m.end()
        return re.sub(r'\\(.)', r'\1', m.group(1), flags=re.S)

    def name(self):
        return self.value('.,()=')

    def values(self):
        self.take('(')
        out = []
        while not self.peek(')'):
            out.append(self.value(',)'))
            if not self.peek(')'):
                self.take(',')
        self.take(')')
        return out


class Query:
    def __init__(self, db, table):
        self.db, self.table, self.args = db, table, []
        self.columns = {n: t.upper() for _, n, t, *_ in db.execute(f'PRAGMA table_info({quote(table)})')}
        if not self.columns:
            raise Fault(404, 'PGRST205', f"Could not find the table 'public.{table}' in the schema cache")

    def column(self, name):
        if name not in self.columns:
            raise Fault(400, '42703', f'column {self.table}.{name} does not exist')
        return quote(name)

    def condition(self, column, op, value):
        """value: a text, or a list for `in`."""
        c = self.column(column)
        if op == 'is':
            if value not in ('null', 'true', 'false'):
                raise Fault(400, 'PGRST100', f'"failed to parse filter (is.{value})"')
            return f'{c} IS NULL' if value == 'null' else f'{c} IS {value}'
        if op == 'in':
            self.args += [self.typed(column, v) for v in value]
            return f"{c} IN ({','.join('?' * len(value))})"
        if op == 'ilike':
            self.args.append(value.replace('*', '%'))
            return f'{c} LIKE ?'
        if op not in OPERATORS:
            raise Fault(400, 'PGRST100', f'"failed to parse filter ({op}.{value})"')
        self.args.append(self.typed(column, value))
        return f'{c} {OPERATORS[op]} ?'

    def typed(self, column, value):
        kind = self.columns[column]
        if kind in ('BIGINT', 'INTEGER'):
            if not re.fullmatch(r'-?\d+', value):
                raise Fault(400, '22P02', f'invalid input syntax for type bigint: "{value}"')
            return int(value)
        if kind == 'UUID' and not re.fullmatch(r'[0-9A-Fa-f-]{36}', value):
            raise Fault(400, '22P02', f'invalid input syntax for type uuid: "{value}"')
        if kind == 'TIMESTAMPTZ' and not re.match(r'\d{4}-', value):
            raise Fault(400, '22007', f'invalid input syntax for type timestamp with time zone: "{value}"')
        return value

    def filter(self, column, text):
        """col=[not.]op.value, the value as it stands to its end."""
        negate, text = (True, text[4:]) if text.startswith('not.') else (False, text)
        op, dot, value = text.partition('.')
        if not dot:
            raise Fault(400, 'PGRST100', f'"failed to parse filter ({text})" (line 1, column 1)')
        if op == 'in':
            t = Tree(value)
            value = t.values()
        got = self.condition(column, op, value)
        return f'NOT ({got})' if negate else got

    def tree(self, t, word):
        t.take('(')
        parts = []
        while True:
            parts.append(self.node(t))
            if t.peek(')'):
                break
            t.take(',')
        t.take(')')
        return '(' + f' {word.upper()} '.join(parts) + ')'

    def node(self, t):
        for word in ('and', 'or'):
            if t.peek(word + '('):
                t.take(word)
                return self.tree(t, word)
        name = t.name()
        t.take('.')
        negate = t.peek('not.')
        if negate:
            t.take('not.')
        op = t.value('.,()')
        t.take('.')
        got = self.condition(name, op, t.values() if op == 'in' else t.value(',)'))
        return f'NOT ({got})' if negate else got

    def where(self, params):
        parts = []
        for name, value in params:
            if name in ('select', 'order', 'limit', 'offset', 'columns'):
                continue
            if name in ('and', 'or'):
                t = Tree(value)
                parts.append(self.tree(t, name))
                if t.at != len(value):
                    t.take('end')
            else:
                parts.append(self.filter(unquote(name), value))
        return ' WHERE ' + ' AND '.join(parts) if parts else ''

    def selected(self, params):
        names = list(self.columns)
        for value in (v for n, v in params if n == 'select' and v):
            t, names = Tree(value), []
            while True:
                names.append(t.value(','))
                self.column(names[-1])
                if t.at == len(value):
                    break
                t.take(',')
        return names


def quote(name):
    return '"' + name.replace('"', '""') + '"'


def unquote(name):
    return re.sub(r'\\(.)', r'\1', name[1:-1]) if name.startswith('"') else name


def preferences(header):
    """The Prefer header: applied ones, and those that strict handling refuses."""
    known = {'handling': ('strict', 'lenient'), 'count': ('exact', 'planned', 'estimated'), 'return': ('representation', 'minimal', 'headers-only'),
             'max-affected': None, 'resolution': None, 'missing': None, 'tx': ('commit', 'rollback'), 'timezone': None}
    got, bad = {}, []
    for part in filter(None, (p.strip() for p in (header or '').split(','))):
        k, _, v = part.partition('=')
        if k not in known or (known[k] and v not in known[k]) or (k == 'max-affected' and not v.isdigit()):
            bad.append(part)
        else:
            got.setdefault(k, v)
    if bad and got.get('handling') == 'strict':
        raise Fault(400, 'PGRST122', 'Invalid preferences given with handling=strict', 'Invalid preferences: ' + ', '.join(bad))
    return got


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def log_message(self, *a):
        pass

    def send(self, status, body, **headers):
        data = b'' if body is None else json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        if body is not None:
            self.send_header('Content-Type', 'application/json; charset=utf-8')
        for k, v in headers.items():
            self.send_header(k.replace('_', '-'), v)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def run(self):
        server = self.server
        length = int(self.headers.get('Content-Length') or 0)
        body = self.rfile.read(length)
        path, _, query = self.path.partition('?')
        db = sqlite3.connect(server.path, timeout=server.busy_s, isolation_level=None)
        try:
            params = [(urllib.parse.unquote(k, errors='strict'), urllib.parse.unquote(v, errors='strict'))
                      for k, _, v in (p.partition('=') for p in query.split('&') if p)]
            with server.lock:
                server.log.append((self.command, path, params, self.headers.get('Prefer'), self.headers.get('Authorization')))
            self.authorised()
            prefer = preferences(self.headers.get('Prefer'))
            if path in ('', '/'):
                return self.send(200, description(db))
            q = Query(db, urllib.parse.unquote(path[1:]))
            if self.command == 'GET':
                return self.read_rows(db, q, params, prefer)
            return self.change(db, q, params, prefer, json.loads(body) if body else {})
        except UnicodeDecodeError:
            self.send(400, {'code': 'PGRST100', 'message': 'invalid UTF-8 in the URL', 'details': None, 'hint': None})
        except Fault as e:
            self.send(e.status, e.body)
        except sqlite3.OperationalError as e:
            if 'locked' not in str(e):
                raise
            self.send(504, {'code': '57014', 'message': 'canceling statement due to statement timeout', 'details': None, 'hint': None})
        except sqlite3.IntegrityError as e:
            self.send(409, {'code': '23514', 'message': str(e), 'details': None, 'hint': None})
        finally:
            db.close()

    do_GET = do_PATCH = do_DELETE = run

    def authorised(self):
        keys = self.server.keys
        if not keys:
            return
        key = (self.headers.get('Authorization') or '').removeprefix('Bearer ')
        if key not in keys or self.headers.get('apikey') != key:
            raise Fault(401, 'PGRST301', 'No suitable key or wrong key type')
        if self.command != 'GET' and keys[key] != 'writer':
            raise Fault(403, '42501', 'permission denied for table provider_file_uploads')

    def read_rows(self, db, q, params, prefer):
        names, where = q.selected(params), q.where(params)
        one = dict(params)
        order = ''
        if one.get('order'):
            t = Tree(one['order'])
            order = f' ORDER BY {q.column(t.name())}' + (' DESC' if one['order'].endswith('.desc') else '')
        limit = min(int(one.get('limit', self.server.max_rows)), self.server.max_rows)
        rows = db.execute(f"SELECT {','.join(map(quote, names))} FROM {quote(q.table)}{where}{order} LIMIT {limit} OFFSET {int(one.get('offset', 0))}",
                          q.args).fetchall()
        total = db.execute(f'SELECT count(*) FROM {quote(q.table)}{where}', q.args).fetchone()[0] if prefer.get('count') == 'exact' else None
        first = int(one.get('offset', 0))
        span = f'{first}-{first + len(rows) - 1}' if rows else '*'
        self.send(206 if total is not None and total > len(rows) else 200, [dict(zip(names, r)) for r in rows],
                  Content_Range=f"{span}/{'*' if total is None else total}")

    def change(self, db, q, params, prefer, body):
        names, where = q.selected(params), q.where(params)
        returning = ','.join(map(quote, names))
        if self.command == 'PATCH':
            sets = [f'{q.column(k)} = ?' for k in body]
            sql, args = f"UPDATE {quote(q.table)} SET {','.join(sets)}{where} RETURNING {returning}", [*body.values(), *q.args]
        else:
            sql, args = f'DELETE FROM {quote(q.table)}{where} RETURNING {returning}', q.args
        db.execute('BEGIN IMMEDIATE')
        rows = db.execute(sql, args).fetchall()
        most = prefer.get('max-affected')
        if most and prefer.get('handling') == 'strict' and len(rows) > int(most):
            db.execute('ROLLBACK')
            raise Fault(400, 'PGRST124', 'Query result exceeds max-affected preference constraint', f'The query affects {len(rows)} rows')
        db.execute('COMMIT')
        if prefer.get('return') == 'representation':
            self.send(200, [dict(zip(names, r)) for r in rows], Content_Range=f"{'0-' + str(len(rows) - 1) if rows else '*'}/*")
        else:
            self.send(204, None, Content_Range=f"{'0-' + str(len(rows) - 1) if rows else '*'}/*")


def description(db):
    """OpenAPI 2, as far as tables go."""
    out = {}
    for table, in db.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall():
        columns = db.execute(f'PRAGMA table_info({quote(table)})').fetchall()
        out[table] = {'type': 'object', 'required': [n for _, n, _, notnull, *_ in columns if notnull],
                      'properties': {n: {'format': FORMATS.get(t.upper(), t.lower()), 'type': 'integer' if 'INT' in t.upper() else 'string'}
                                     for _, n, t, *_ in columns}}
    return {'swagger': '2.0', 'info': {'title': 'PostgREST API', 'version': '13'}, 'definitions': out, 'paths': {}}


class Serve(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, path, max_rows=1000, busy_s=10.0, keys=None):
        super().__init__(('127.0.0.1', 0), Handler)
        self.path, self.max_rows, self.busy_s, self.keys = path, max_rows, busy_s, keys
        self.log, self.lock = [], threading.Lock()
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request, client_address):
        import sys
        if not isinstance(sys.exc_info()[1], (ConnectionError, BrokenPipeError)):
            super().handle_error(request, client_address)

    def stop(self):
        self.shutdown()
        self.server_close()
