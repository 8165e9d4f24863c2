"""A small OTLP/HTTP JSON collector: takes POST /v1/metrics, checks every key, type and integer-as-string of it, remembers the
series, and answers as it is told to. And what readers of the Prometheus text need."""
import http.server
import json
import re
import threading

NUMBER = re.compile(r'-?[0-9]+\Z')


class Bad(Exception):
    pass


def need(what, *why):
    if not what:
        raise Bad(' '.join(str(w) for w in why))


def members(v, required, optional, where):
    need(isinstance(v, dict), where, 'is no object')
    need(set(required) <= set(v), where, 'lacks', set(required) - set(v))
    need(set(v) <= set(required) | set(optional), where, 'has', set(v) - set(required) - set(optional))


def i64(v, where):
    need(isinstance(v, str) and NUMBER.match(v) and -2**63 <= int(v) < 2**63, where, 'is no 64-bit integer as a text:', repr(v))
    return int(v)


def attributes(v, where):
    need(isinstance(v, list), where, 'is no list')
    out = {}
    for a in v:
        members(a, ['key', 'value'], [], where)
        members(a['value'], ['stringValue'], [], where)
        need(isinstance(a['key'], str) and isinstance(a['value']['stringValue'], str), where, 'is not text')
        need(a['key'] not in out, where, 'has', a['key'], 'twice')
        out[a['key']] = a['value']['stringValue']
    return out


def points(m, out):
    kind = 'sum' if 'sum' in m else 'gauge'
    members(m, ['name', 'description', kind], ['unit'], m.get('name'))
    need(re.fullmatch(r'[a-z][a-z0-9_.]*', m['name']), m['name'], 'is no name')
    body = m[kind]
    members(body, ['dataPoints'] + ['aggregationTemporality', 'isMonotonic'] * (kind == 'sum'), [], m['name'])
    if kind == 'sum':
        need(type(body['aggregationTemporality']) is int and body['aggregationTemporality'] == 2, m['name'], 'is not cumulative')
        need(body['isMonotonic'] is True, m['name'], 'is not monotonic')
    need(body['dataPoints'], m['name'], 'has no points')
    for p in body['dataPoints']:
        members(p, ['attributes', 'startTimeUnixNano', 'timeUnixNano'], ['asInt', 'asDouble'], m['name'])
        need(('asInt' in p) != ('asDouble' in p), m['name'], 'has not one value')
        if 'asDouble' in p:
            need(type(p['asDouble']) in (int, float), m['name'], 'asDouble is', repr(p['asDouble']))
        value = i64(p['asInt'], m['name']) if 'asInt' in p else p['asDouble']
        start, at = i64(p['startTimeUnixNano'], m['name']), i64(p['timeUnixNano'], m['name'])
        need(0 < start <= at, m['name'], 'begins after it ends')
        key = (m['name'], tuple(sorted(attributes(p['attributes'], m['name']).items())))
        need(key not in out, key, 'is there twice')
        out[key] = (kind, value, start)


def check(body):
    """Every series of a request: {(name, labels): (kind, value, start)}."""
    out = {}
    members(body, ['resourceMetrics'], [], 'the body')
    for r in body['resourceMetrics']:
        members(r, ['resource', 'scopeMetrics'], [], 'resourceMetrics')
        members(r['resource'], ['attributes'], [], 'resource')
        who = attributes(r['resource']['attributes'], 'resource')
        need({'service.name', 'service.version', 'service.instance.id'} <= set(who), 'resource', who)
        for s in r['scopeMetrics']:
            members(s, ['scope', 'metrics'], [], 'scopeMetrics')
            members(s['scope'], ['name', 'version'], [], 'scope')
            for m in s['metrics']:
                points(m, out)
    return out


class Collector:
    def __init__(self):
        self.pushes, self.bad, self.answers = [], [], []      # answers: (status, headers, body) to give first
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):
                outer.take(self)

            def log_message(self, *a):
                pass
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.url = f'http://127.0.0.1:{self.server.server_address[1]}/v1/metrics'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, h):
        text = h.rfile.read(int(h.headers['content-length']))
        status, headers, body = self.answers.pop(0) if self.answers else (200, {}, {'partialSuccess': {}})
        try:
            need(h.path == '/v1/metrics', 'path', h.path)
            need(h.headers['content-type'] == 'application/json', 'content type', h.headers['content-type'])
            series = check(json.loads(text, parse_constant=lambda c: need(False, c)))
            if self.pushes:
                for key, (kind, value, start) in self.pushes[-1][1].items():
                    if kind == 'sum' and key in series:
                        need(series[key][1] >= value, key, 'fell from', value, 'to', series[key][1])
                        need(series[key][2] == start, key, 'begins anew')
            self.pushes.append((status, series))
        except (Bad, ValueError, TypeError) as e:
            self.bad.append(str(e))
        out = json.dumps(body).encode()
        h.send_response(status)
        for k, v in {'content-type': 'application/json', 'content-length': str(len(out)), **headers}.items():
            h.send_header(k, v)
        h.end_headers()
        h.wfile.write(out)

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def parse(page):
    """Families {name: type} and samples {'name{labels}': value} of Prometheus text; strict."""
    types, samples, current = {}, {}, None
    need(page.endswith('\n'), 'the page does not end with a line')
    for line in page.split('\n')[:-1]:
        if line.startswith('# HELP '):
            current = line.split(' ')[2]
            need(current not in types, current, 'has two families')
        elif line.startswith('# TYPE '):
            need(line.split(' ')[2] == current, 'TYPE of another family:', line)
            types[current] = line.split(' ')[3]
        else:
            name, value = line.rsplit(' ', 1)
            need(re.match(r'[a-z_]+', name).group(0) == current, 'a sample outside its family:', line)
            need(name not in samples, name, 'is there twice')
            samples[name] = float(value)
    return types, samples


def fell(before, after):
    """Counters that are less, or gone, in the second page."""
    types, old = before
    return [k for k, v in old.items() if types[re.match(r'[a-z_]+', k).group(0)] == 'counter' and not after[1].get(k, -1) >= v]
