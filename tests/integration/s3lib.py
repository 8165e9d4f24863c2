"""An S3 store in memory that checks signatures by itself, keeps versions and locks, and goes wrong on demand; and a lane
on any S3 store driven by hand (laneprobe). Only the standard library."""
import base64
import collections
import hashlib
import hmac
import http.client
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

BUILD = os.environ.get('SLUICE_BUILD', '.')
NS = 'http://s3.amazonaws.com/doc/2006-03-01/'
ID, SECRET, REGION = 'AKIDTEST', 'secret/with+signs', 'eu-test-1'


def sha(b):
    return hashlib.sha256(b).hexdigest()


def quote(s, safe=''):
    return urllib.parse.quote(s, safe=safe + '-._~')


def signature(secret, region, method, path, query, headers, signed, body_sha, stamp):
    """AWS Signature Version 4, by the book and not by our C."""
    pairs = sorted((quote(k), quote(v)) for k, v in urllib.parse.parse_qsl(query, keep_blank_values=True))
    text = '\n'.join([method, path, '&'.join(f'{k}={v}' for k, v in pairs),
                      ''.join(f'{h}:{" ".join(headers[h].split())}\n' for h in signed), ';'.join(signed), body_sha])
    scope = f'{stamp[:8]}/{region}/s3/aws4_request'
    key = ('AWS4' + secret).encode()
    for part in (stamp[:8], region, 's3', 'aws4_request'):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, f'AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{sha(text.encode())}'.encode(), hashlib.sha256).hexdigest()


class Client:
    """Any S3 store, by http.client and the signature above."""

    def __init__(self, port, key=ID, secret=SECRET, region=REGION):
        self.port, self.key, self.secret, self.region = port, key, secret, region
        self.conn = http.client.HTTPConnection('127.0.0.1', port, timeout=60)

    def ask(self, method, path, query='', body=b'', **more):
        stamp = time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())
        h = {'host': f'127.0.0.1:{self.port}', 'x-amz-content-sha256': sha(body), 'x-amz-date': stamp, **more}
        path = quote(path, '/')
        sig = signature(self.secret, self.region, method, path, query, h, sorted(h), sha(body), stamp)
        h['Authorization'] = (f'AWS4-HMAC-SHA256 Credential={self.key}/{stamp[:8]}/{self.region}/s3/aws4_request, '
                              f'SignedHeaders={";".join(sorted(h))}, Signature={sig}')
        self.conn.request(method, path + ('?' + query if query else ''), body, h)
        r = self.conn.getresponse()
        return r.status, r.read(), dict(r.getheaders())

    def must(self, *args, **kw):
        status, body, headers = self.ask(*args, **kw)
        if status >= 300:
            raise AssertionError(f'{args[:3]}: {status} {body[:300]}')
        return body, headers

    def versioning(self, bucket, status):
        self.must('PUT', f'/{bucket}', 'versioning=', f'<VersioningConfiguration xmlns="{NS}"><Status>{status}</Status></VersioningConfiguration>'.encode())


# ---- the store ----

Version = collections.namedtuple('Version', 'id marker body when locked')


class Store:
    """One bucket. keys: key → versions, newest first. fault: a function (what, names) → None or what to do instead:
    a number (status with code), 'cut', 'cut-before', 'silent', or bytes (the body of a 200)."""

    def __init__(self, bucket='things', status='', page=1000):
        self.bucket, self.status, self.page = bucket, status, page
        self.keys, self.n, self.log, self.lock = {}, 0, [], threading.RLock()
        self.fault = lambda what, names: None
        self.key_fault = {}             # key → code, in a bulk delete
        self.meta = {}                  # key → headers kept with its bytes
        self.conditional = True         # a store that does not know If-None-Match takes it for nothing
        self.silent = threading.Event()
        self.skew = 0
        store = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def log_message(self, *a):
                pass

            def do_GET(self):
                store.handle(self)
            do_POST = do_PUT = do_DELETE = do_GET

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self.http = Server(('127.0.0.1', 0), Handler)
        self.port = self.http.server_port
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self):
        self.silent.set()
        self.http.shutdown()
        self.http.server_close()

    def put(self, key, body=b'x', when=None, locked=False):
        with self.lock:
            self.n += 1
            vid = f'v{self.n:06}' if self.status == 'Enabled' else 'null'
            old = [v for v in self.keys.get(key, []) if v.id != vid]
            self.keys[key] = [Version(vid, False, body, when or time.time(), locked)] + old
            return vid

    def current(self):
        with self.lock:
            return {k for k, v in self.keys.items() if v and not v[0].marker}

    def asked(self, what):
        return [x for x in self.log if x[0] == what]

    # ---- one request ----

    def handle(self, h):
        body = h.rfile.read(int(h.headers.get('content-length') or 0))
        parts = urllib.parse.urlsplit(h.path)
        query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        refusal = self.check(h, parts, body)
        key = urllib.parse.unquote(parts.path[len(self.bucket) + 2:])
        what = ('object_' + h.command.lower() if key else 'delete' if 'delete' in query else 'versioning' if 'versioning' in query else 'versions' if 'versions' in query
                else 'list' if query.get('list-type') == '2' else h.command)
        names = [(key, query.get('versionId', ''))] if key else [(o.findtext('{*}Key'), o.findtext('{*}VersionId') or '') for o in ET.fromstring(body).iter(f'{{{NS}}}Object')] \
            if what == 'delete' and not refusal else []
        with self.lock:
            self.log.append((what, names, query))
        if refusal:
            return self.error(h, *refusal)
        fault = self.fault(what, names)
        if isinstance(fault, tuple):
            return self.error(h, *fault)
        if isinstance(fault, bytes):
            return self.answer(h, 200, fault)
        if fault == 'cut-before':
            return self.cut(h)
        with self.lock:
            more = {}
            if key:
                status, out, more = self.one_object(what, key, query, h.headers, body)
            else:
                status, out = getattr(self, 'do_' + what, self.do_unknown)(query, names, body)
        if fault == 'silent':
            self.silent.wait(60)
        if fault in ('cut', 'silent'):
            return self.cut(h)
        self.answer(h, status, fault(out) if callable(fault) else out, **more)

    @staticmethod
    def cut(h):
        h.close_connection = True
        h.connection.shutdown(socket.SHUT_RDWR)

    def answer(self, h, status, out, **more):
        h.send_response(status)
        for k, v in more.items():
            h.send_header(k, v)
        h.send_header('Content-Length', str(len(out)))
        h.send_header('x-amz-request-id', 'REQ')
        h.end_headers()
        h.wfile.write(out)

    def error(self, h, status, code, more=''):
        self.answer(h, status, f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>m</Message>{more}</Error>'.encode())

    def date_time_string(self):
        return self.http.date_time_string()

    def check(self, h, parts, body):
        m = re.fullmatch(r'AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(\w+)',
                         h.headers.get('authorization', ''))
        if not m:
            return 403, 'AccessDenied'
        key, day, region, signed, sig = m.groups()
        headers = {k.lower(): v for k, v in h.headers.items()}
        stamp = headers.get('x-amz-date', '')
        if region != REGION:
            return 400, 'AuthorizationHeaderMalformed', f'<Region>{REGION}</Region>'
        if key != ID:
            return 403, 'InvalidAccessKeyId'
        if headers.get('x-amz-content-sha256') != sha(body) or not {'host', 'x-amz-date', 'x-amz-content-sha256'} <= set(signed.split(';')):
            return 400, 'XAmzContentSHA256Mismatch'
        if sig != signature(SECRET, region, h.command, parts.path, parts.query, headers, signed.split(';'), sha(body), stamp):
            return 403, 'SignatureDoesNotMatch'
        if abs(time.mktime(time.strptime(stamp, '%Y%m%dT%H%M%SZ')) - time.timezone - time.time() - self.skew) > 900:
            return 403, 'RequestTimeTooSkewed'
        if h.command == 'POST' and headers.get('content-md5') != base64.b64encode(hashlib.md5(body).digest()).decode():
            return 400, 'InvalidDigest'
        if {k for k in headers if k.startswith('x-amz-')} - set(signed.split(';')):
            return 403, 'AccessDenied'
        if parts.path != f'/{self.bucket}' and not parts.path.startswith(f'/{self.bucket}/'):
            return 404, 'NoSuchBucket'
        return None

    def one_object(self, what, key, query, headers, body):
        """GET and PUT of one object."""
        versions = self.keys.get(key, [])
        if what == 'object_get':
            code = self.key_fault.get(key)
            if code:
                return 403, f'<Error><Code>{code}</Code><Message>m</Message></Error>'.encode(), {}
            wanted = [v for v in versions if v.id == query['versionId']] if 'versionId' in query else versions[:1]
            if not wanted or wanted[0].marker:
                return 404, b'<Error><Code>NoSuchKey</Code><Message>m</Message></Error>', {}
            return 200, wanted[0].body, {'content-type': 'binary/octet-stream', **self.meta.get(key, {})}
        if what == 'object_put':
            if self.conditional and headers.get('if-none-match') == '*' and versions and not versions[0].marker:
                return 412, b'<Error><Code>PreconditionFailed</Code><Message>m</Message></Error>', {}
            self.put(key, body)
            self.meta[key] = {k.lower(): v for k, v in headers.items() if k.lower().startswith(('x-amz-meta-', 'cache-', 'expires', 'content-'))
                              and k.lower() != 'content-length'}
            return 200, b'', {}
        return 501, b'<Error><Code>NotImplemented</Code></Error>', {}

    def do_unknown(self, query, names, body):
        return 501, b'<Error><Code>NotImplemented</Code></Error>'

    def do_versioning(self, query, names, body):
        status = f'<Status>{self.status}</Status>' if self.status else ''
        return 200, f'<VersioningConfiguration xmlns="{NS}">{status}</VersioningConfiguration>'.encode()

    @staticmethod
    def entry(tag, key, v, latest, versions):
        when = time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(v.when)) + f'.{int(v.when % 1 * 1000):03}Z'
        return (f'<{tag}><Key>{urllib.parse.quote_plus(key)}</Key><LastModified>{when}</LastModified>' +
                (f'<VersionId>{v.id}</VersionId><IsLatest>{"true" if latest else "false"}</IsLatest>' if versions else '') +
                ('' if v.marker else f'<ETag>"e"</ETag><Size>{len(v.body)}</Size>') + f'</{tag}>')

    def do_list(self, query, names, body):
        after = base64.urlsafe_b64decode(query['continuation-token']).decode() if query.get('continuation-token') else ''
        keys = sorted((k for k in self.current() if k.startswith(query.get('prefix', '')) and k > after), key=str.encode)
        n = min(int(query.get('max-keys', 1000)), self.page)
        more = len(keys) > n
        token = base64.urlsafe_b64encode(keys[n - 1].encode()).decode() if more else ''
        out = ''.join(self.entry('Contents', k, self.keys[k][0], True, False) for k in keys[:n])
        return 200, (f'<?xml version="1.0"?><ListBucketResult xmlns="{NS}"><EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>'
                     + (f'<NextContinuationToken>{token}</NextContinuationToken>' if more else '') + out + '</ListBucketResult>').encode()

    def do_versions(self, query, names, body):
        flat = [(k, v, i == 0) for k in sorted(self.keys, key=str.encode) if k.startswith(query.get('prefix', '')) for i, v in enumerate(self.keys[k])]
        if 'key-marker' in query:
            at = [i for i, (k, v, _) in enumerate(flat) if (k, v.id) == (query['key-marker'], query.get('version-id-marker'))]
            flat = flat[at[0] + 1:] if at else [x for x in flat if x[0] > query['key-marker']]
        n = min(int(query.get('max-keys', 1000)), self.page)
        more, out = len(flat) > n, ''
        for k, v, latest in flat[:n]:
            out += self.entry('DeleteMarker' if v.marker else 'Version', k, v, latest, True)
        if more:
            k, v, _ = flat[n - 1]
            out += f'<NextKeyMarker>{urllib.parse.quote_plus(k)}</NextKeyMarker><NextVersionIdMarker>{v.id}</NextVersionIdMarker>'
        return 200, (f'<ListVersionsResult xmlns="{NS}"><EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>{out}'
                     '</ListVersionsResult>').encode()

    def do_delete(self, query, names, body):
        if len(names) > 1000:
            return 400, b'<Error><Code>MalformedXML</Code></Error>'
        out = ''.join(reversed([self.delete_one(k, v) for k, v in names]))      # another order than asked
        return 200, f'<DeleteResult xmlns="{NS}">{out}</DeleteResult>'.encode()

    def delete_one(self, key, vid):
        shown = f'<Key>{escape(key, {chr(13): "&#13;"})}</Key>' + (f'<VersionId>{vid}</VersionId>' if vid else '')
        code = self.key_fault.get(key)
        if code == 'silence':
            return ''
        if code:
            return f'<Error>{shown}<Code>{code}</Code><Message>m</Message></Error>'
        versions = self.keys.setdefault(key, [])
        if vid:
            if any(v.id == vid and v.locked for v in versions):
                return f'<Error>{shown}<Code>AccessDenied</Code><Message>locked</Message></Error>'
            self.keys[key] = [v for v in versions if v.id != vid]
        elif self.status:
            self.n += 1
            marker = f'm{self.n:06}' if self.status == 'Enabled' else 'null'
            self.keys[key] = [Version(marker, True, b'', time.time(), False)] + [v for v in versions if v.id != marker]
            shown += f'<DeleteMarker>true</DeleteMarker><DeleteMarkerVersionId>{marker}</DeleteMarkerVersionId>'
        else:
            del self.keys[key]
        return f'<Deleted>{shown}</Deleted>'


# ---- a lane ----

class Lane:
    """The lane on its own, outside the engine."""

    def __init__(self, port, bucket='things', key=f'{ID}:{SECRET}', region=REGION, reads=False, **more):
        self.dir = tempfile.mkdtemp(prefix='sluice-lane-')
        self.file('key', key + '\n')
        conf = {'dialect': 's3', 'url': f'http://127.0.0.1:{port}', 'bucket': bucket, 'region': region, 'key_file': 'key', 'timeout': '20s', **more}
        self.file('sluice.yaml', 'name: test\noperators: [{name: a, uids: [0]}]\nlanes:\n  - name: store\n' +
                  ''.join(f'    {k}: {v}\n' for k, v in conf.items()))
        self.proc = subprocess.Popen([os.path.join(BUILD, 'tests/integration/laneprobe'), os.path.join(self.dir, 'sluice.yaml'), 'store'] + ['reads'] * reads,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def file(self, name, text):
        with open(os.open(os.path.join(self.dir, name), os.O_CREAT | os.O_WRONLY, 0o600), 'w') as f:
            f.write(text)

    def send(self, op, **q):
        self.proc.stdin.write(json.dumps({'op': op, **q}).encode() + b'\n')
        self.proc.stdin.flush()

    def answer(self):
        line = self.proc.stdout.readline()
        if not line:
            raise AssertionError(f'laneprobe ended with {self.proc.wait()}')
        return json.loads(line)

    def ask(self, op, **q):
        self.send(op, **q)
        return self.answer()

    def delete(self, *ids, **q):
        """id → its answer"""
        return {a['id']: a for a in self.ask('deletes', ids=ids, **q)['answers']}

    def __enter__(self):
        return self

    def __exit__(self, kind, *exc):
        self.proc.stdin.close()
        try:
            rc = self.proc.wait(30)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            rc = self.proc.wait()
        shutil.rmtree(self.dir, ignore_errors=True)
        if not kind and rc:
            raise AssertionError(f'laneprobe ended with {rc}')


class Run:
    """with Run(status='Enabled') as (store, lane)"""

    def __init__(self, lane=None, **store):
        self.store, self.lane_args = Store(**store), lane or {}

    def __enter__(self):
        try:
            self.lane = Lane(self.store.port, **self.lane_args)
        except BaseException:
            self.store.stop()
            raise
        return self.store, self.lane.__enter__()

    def __exit__(self, *exc):
        try:
            self.lane.__exit__(*exc)
        finally:
            self.store.stop()


sys.dont_write_bytecode = True
