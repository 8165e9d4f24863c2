#!/usr/bin/python3
"""Links whose peers fail in one way each: the ladder, the sentence and the metrics name the cause; a second look
names what the link itself could not; a watcher may ask for one, and none comes more often than allowed."""
import os
import sys
import tempfile

sys.dont_write_bytecode = True
from linkpeers import Certs, Raw, Row, accept, closed_port, closing, drain, engine_with, frame, polite, says, status, upgraded, watch_rows
from rig import Refused, need, same, until
from simlib import main, test

PEERS = []


def raw(act, **kw):
    PEERS.append(Raw(act, **kw))
    return PEERS[-1]


def wrong_key(c, r):
    c.sendall(upgraded(r).replace(accept(r), b's3pPLMBiTxaQ9kYGzzhZRbK+xOo='))
    drain(c)


def unasked_protocol(c, r):
    c.sendall(upgraded(r, b'Sec-WebSocket-Protocol: mqtt\r\n'))
    drain(c)


def quick_rows(certs):
    tls = {n: raw(polite, tls=certs.server(n)) for n in ('good', 'expired', 'future', 'other', 'stranger')}
    ca = {'ca_file': certs.p('ca.pem')}
    rows = [
        Row('dns', 'ws://no-such-host.invalid/', 'resolve', 'resolve', ['does not resolve', 'check the url']),
        Row('refused', f'ws://127.0.0.1:{closed_port()}/', 'refused', 'connect', ['refused', 'is the server running']),
        Row('silence', raw(lambda c, r: drain(c)).url(), 'upgrade_timeout', 'upgrade', ['accepts connections, then is silent'], connect_timeout='2s'),
        Row('cut', raw(lambda c, r: c.close()).url(), 'upgrade_cut', 'upgrade', ['cuts it unanswered']),
        Row('not-http', raw(lambda c, r: c.sendall(b'SSH-2.0-OpenSSH_9.2\r\n')).url(), 'not_http', 'upgrade', ['not HTTP']),
        Row('tls-expired', tls['expired'].url('localhost'), 'tls_expired', 'tls', ['expired', 'renew'], **ca),
        Row('tls-future', tls['future'].url('localhost'), 'tls_not_yet_valid', 'tls', ['not valid yet', 'clock'], **ca),
        Row('tls-host', tls['other'].url('localhost'), 'tls_wrong_host', 'tls', ['another name'], **ca),
        Row('tls-ca', tls['stranger'].url('localhost'), 'tls_unknown_ca', 'tls', ['ca_file'], **ca),
        Row('tls-plain', raw(status(400), eager=True).url('localhost').replace('ws:', 'wss:'), 'tls_plain_port', 'tls', ['not TLS', 'ws://'], **ca),
        Row('wrong-key', raw(wrong_key).url(), 'accept_key', 'upgrade', ['key is wrong']),
        Row('subprotocol', raw(unasked_protocol).url(), 'subprotocol', 'upgrade', ['not asked for']),
        Row('utf8', raw(says(frame(1, b'\xff\xfe'))).url(), 'invalid_text', None, ['closed 1007', 'not UTF-8']),
        Row('frames', raw(says(frame(3, b'x'))).url(), 'invalid_frames', None, ['broke the rules']),
        Row('large', raw(says(frame(1, b'x' * (9 << 20)))).url(), 'message_too_large', None, ['closed 1009', '8 MiB']),
        Row('no-close', raw(says(stay=False)).url(), 'no_close_frame', None, ['closed 1006', 'cut without a Close']),
        Row('pong', raw(lambda c, r: (c.sendall(upgraded(r)), drain(c))).url(), 'pong_missing', None, ['no pong for 1000 ms', 'loop lag here'], pong_timeout='1s'),
        Row('keepalive', raw(says(closing(1011, 'keepalive ping timeout'))).url(), 'keepalive_peer', None, ['closed 1011', 'loop lag here']),
        Row('mute', raw(says()).url(), 'hello_timeout', 'hello', ['no answer to the hello for 1000 ms'], handshake='exai', hello_timeout='1s'),
        Row('jammed', raw(says(closing(1000))).url(), 'jammed', 'hello', ['restart the daemon'], ('jammed',), handshake='exai'),
    ]
    for code, cause, states, words in ((301, 'http_redirect', ('given up',), 'final address'), (401, 'http_401', ('given up',), 'token'),
                                       (403, 'http_403', ('given up',), 'rights'), (404, 'http_404', ('waiting',), 'check the url'),
                                       (429, 'http_429', ('waiting',), 'waits longer'), (500, 'http_500', ('waiting',), 'its log'),
                                       (503, 'http_503', ('waiting',), 'not ready')):
        more = 'Location: ws://127.0.0.1:1/\r\n' if code == 301 else ''
        rows.append(Row(f'http-{code}', raw(status(code, more)).url(), cause, 'upgrade', [f'HTTP {code}', words], states))
    for code in (1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4000, 4003):
        cause = 'close_1002_or_1012_1014' if code in (1002, 1012, 1013, 1014) else f'close_{code}'
        word = 'closed 1002 (or 1012–1014) “because”' if 'or' in cause else f'closed {code} “because”'
        rows.append(Row(f'close-{code}', raw(says(closing(code, 'because'))).url(), cause, None, [word], ('given up',) if code == 3000 else ('waiting',)))
    return rows, tls['good'].url('localhost'), ca


@test
def every_cause_is_named_in_the_ladder_the_sentence_and_the_metrics():
    with tempfile.TemporaryDirectory() as d:
        certs = Certs(d)
        rows, good, ca = quick_rows(certs)
        up = Row('up', good, None, None, **ca)
        with engine_with(rows + [up]) as rig:
            wire, watcher = rig.wire(), rig.wire('/watch')
            bad = watch_rows(wire, rows)
            need(not bad, f'{len(bad)} of {len(rows)} rows: {bad}')
            one_that_is_up(wire)
            second_looks(rig, wire, watcher)
            by_hand(rig, wire)
            same(rig.stop_engine(), 0, 'exit status of the engine')


def link(wire, name):
    return next(k for k in wire.call('links')['links'] if k['name'] == name)


def one_that_is_up(wire):
    k = until(lambda: (k := link(wire, 'up'))['state'] == 'up' and k['rtt_us'] and k, 'the good one is not up')
    same([r['state'] for r in k['rungs']], ['passed'] * 5 + ['skipped'], 'rungs of the good one')
    need(all(r['us'] >= 0 for r in k['rungs'][:5]), k['rungs'])
    same((k['cause'], k['class'], k['http_status']), (None, None, 101), 'cause, class and status of the good one')
    same((k['certificate']['issuer'].split('=')[-1].strip(), k['certificate']['subject'].split('=')[-1].strip()), ('authority ca', 'localhost'), 'certificate')
    same(k['certificate']['expires_us'], 2493072000 * 1000000, 'expiry')


def second_looks(rig, wire, watcher):
    """The certificate of a server whose certificate is refused is told; a watcher may look; looks are limited."""
    k = until(lambda: (k := link(wire, 'tls-expired'))['certificate'] and k, 'no certificate of the expired one', 15)
    same(k['certificate']['expires_us'], 1580515200 * 1000000, 'expiry of the expired one')
    d = watcher.call('links.diagnose', link='http-403')
    same((d['cause'], d['http_status'], d['class']), ('http_403', 403, 'terminal'), 'what a watcher is told')
    peer = next(p for p in PEERS if link(wire, 'http-403')['url'] == p.url())
    seen = len(peer.conns)
    same([watcher.call('links.diagnose', link='http-403')['fresh'] for _ in range(5)], [False] * 5, 'looks within five seconds')
    same(len(peer.conns), seen, 'connections for looks within five seconds')
    d = wire.call('links.diagnose', link='up')
    same((d['cause'], [r['state'] for r in d['rungs'][:4]], d['http_status']), (None, ['passed'] * 4, 101), 'a look at the good one')
    same(link(wire, 'up')['reconnects'], 0, 'a look touches the link')
    try:
        wire.call('links.diagnose', link='nobody')
        need(False, 'a link that is not there was looked at')
    except Refused as e:
        need('no link is named so' in str(e), str(e))


def by_hand(rig, wire):
    out = rig.cli('links', 'diagnose', 'tls-expired', want=3)
    need('tls_expired' in out and '2020-02-01' in out and 'renew it there' in out, out)
    out = rig.cli('links', 'diagnose', 'up')
    need('cause        none' in out, out)
    before = link(wire, 'http-401')['attempts']
    rig.cli('links', 'retry', 'http-401')
    until(lambda: (k := link(wire, 'http-401'))['attempts'] == before + 1 and k['state'] == 'given up', 'a link that gave up is not tried again')
    watcher = rig.wire('/watch')
    try:
        watcher.call('links.retry', link='http-401')
        need(False, 'a watcher had a link tried')
    except Refused as e:
        need('watcher' in str(e), str(e))


if __name__ == '__main__':
    sys.exit(main(globals()))
