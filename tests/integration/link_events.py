#!/usr/bin/python3
"""Messages of a link take effect once, events of ours arrive, through cuts and kills; what is counted is what is."""
import json
import os
import random
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from englib import World, main, same, test, true, until         # noqa: E402
from eventlib import CUTS                                       # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


class Peer:
    def __init__(self, window=500):
        self.proc = subprocess.Popen([sys.executable, '-B', os.path.join(HERE, 'eventlib.py'), '0', str(window)], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)
        self.port = json.loads(self.proc.stdout.readline())['port']

    def tell(self, *words):
        self.proc.stdin.write(' '.join(str(w) for w in words) + '\n')
        self.proc.stdin.flush()
        return json.loads(self.proc.stdout.readline())

    def link(self, **more):
        return {'name': 'peer', 'url': f'ws://127.0.0.1:{self.port}/', 'handshake': 'json-events', 'reconnect_base': '10ms',
                'reconnect_max': '50ms', 'breaker': {'open': '1s', 'open_max': '1s'},
                'events': {'id': 'id', 'sequence': 'sequence', 'epoch': 'epoch', 'ack': 'yes', 'window': 20000},
                'notify': {'kinds': ['mode', 'link.incident'], 'items': 50, 'bytes': '40kB', 'acked': 'yes'}, **more}

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.proc.stdin.close()
        self.proc.wait()
        self.proc.stdout.close()


def link(w):
    return w.call('links')['links'][0]


def stored(w):
    """What the database says was taken, and how many marks it holds."""
    taken = w.sql("SELECT taken FROM link_streams WHERE link = 'peer'")
    return (taken[0][0] if taken else 0), w.sql("SELECT count(*), count(DISTINCT n) FROM link_marks WHERE link = 'peer'")[0]


def newest(w):
    """The last record on disk; the engine tells a moment before it is."""
    return until(lambda: w.sql('SELECT max(seq) FROM audit')[0][0], 20, 'the log stays empty')


def wanted(w, since, kinds=('mode', 'link.incident'), upto=1 << 60):
    """Ids of the log's records that the peer wants."""
    return [f'test:{n}' for n, kind in w.sql('SELECT seq, kind FROM audit WHERE seq > ? AND seq <= ?', since, upto) if kind in kinds]


def marked(w, since):
    """Ids of what the database says needs no more sending."""
    row = w.sql("SELECT value FROM settings WHERE key = 'notify.peer'")
    return set(wanted(w, since, upto=int(row[0][0]) if row else 0))


def within(w):
    o = link(w)['outbox']
    true(o['most_items'] <= 50 and o['most_bytes'] <= 40000, o)
    return o


def troubles_of(rng, cuts, kills):
    """Cuts of every kind and kills, each at some moment or right after the peer itself has cut, which then lets nobody in before."""
    list_ = [('cut', (*CUTS, 'any')[i % 5]) for i in range(cuts)] + [('kill', ('any', 'ack', 'event')[i % 3]) for i in range(kills)]
    rng.shuffle(list_)
    return list_


class Voyage:
    """Delivers messages to an engine and takes its events, through cuts and kills."""

    def __init__(self, peer, w, seed):
        self.peer, self.w, self.rng = peer, w, random.Random(seed)
        self.since = newest(w)
        self.duplicates = 0             # counted by engines that were killed
        self.rehearse = False
        self.lost_acks = 0              # acks of messages that the peer lost

    def say(self):
        """An event of ours."""
        self.rehearse = not self.rehearse
        self.w.call('mode.set', mode='rehearse' if self.rehearse else 'observe')

    def anywhere(self, goal, before):
        """To some moment in what is under way."""
        self.peer.tell('total', goal)
        want = before['acked'] + self.rng.randrange(0, max(1, goal - before['acked']))
        until(lambda: self.peer.tell('look')['acked'] >= want, 60, lambda: (self.peer.tell('look'), link(self.w)))

    def sprung(self, kind, goal, before, *how):
        """To a cut of the peer's own, at a message it has not sent yet or at the next event."""
        n = self.rng.randint(before['total'] + 1, goal)
        self.peer.tell('trap', kind, n, *how)
        self.peer.tell('total', goal)
        if kind in ('event', 'said'):
            self.say()
        self.lost_acks += kind == 'ack'
        seen = len(before['sprung'])
        until(lambda: len(self.peer.tell('look')['sprung']) > seen, 60, lambda: (kind, n, self.peer.tell('look'), link(self.w)))

    def again(self):
        """All that the peer cut off was sent again, and taken or known."""
        until(lambda: all(acked for *_, acked in self.peer.tell('look')['again']), 60, lambda: (self.peer.tell('look')['again'], link(self.w)))

    def kill(self):
        self.duplicates += link(self.w)['inbox']['duplicates']
        self.w.kill()
        lost = marked(self.w, self.since) - set(self.peer.tell('look')['events'])
        true(not lost, ('marked as sent, but the peer never got', lost))
        self.peer.tell('open')
        self.w.start()

    def trouble(self, what, kind, goal):
        before = self.peer.tell('look')
        until(lambda: link(self.w)['state'] == 'up', 60, lambda: link(self.w))
        if kind == 'any':
            self.anywhere(goal, before)
        else:
            self.sprung(kind, goal, before, *(['stay-away'] if what == 'kill' else []))
        within(self.w)
        if what == 'kill':
            self.kill()
        elif kind == 'any':
            self.peer.tell('cut')
            self.say()
        self.again()

    def arrive(self, messages):
        """Everything is through; the peer's figures."""
        self.peer.tell('total', messages)
        until(lambda: self.peer.tell('look')['acked'] == messages, 120, lambda: (self.peer.tell('look'), link(self.w)))
        ids = set(wanted(self.w, self.since))
        until(lambda: ids <= set(self.peer.tell('look')['events']), 60, lambda: (ids - set(self.peer.tell('look')['events']), link(self.w)))
        until(lambda: link(self.w)['outbox']['items'] == 0, 60, lambda: link(self.w))
        until(lambda: marked(self.w, self.since) >= ids, 20, 'what was sent is not marked')
        self.duplicates += link(self.w)['inbox']['duplicates']
        return self.peer.tell('look')


def repeated(seen, v):
    """What the peer cut off was repeated, each of it: otherwise the voyage shows nothing."""
    once = [m for m in seen['again'] if m[2] < 2]
    true(not once, ('cut off by the peer and sent once', once))
    cut = [what for kind, what in seen['sprung'] if kind == 'event']
    once = {i for i in cut if seen['events'][i] <= cut.count(i)}
    true(not once, ('events the peer did not acknowledge, and that never came again', once))
    true(v.duplicates >= v.lost_acks > 0, f'{v.duplicates} repeats seen by the engine, {v.lost_acks} acks of its lost')


def voyage(peer, w, messages, cuts, kills, seed=1):
    """Delivers messages through cuts and kills; the peer's own figures at the end, and how many repeats the engine knew."""
    v = Voyage(peer, w, seed)
    list_ = troubles_of(v.rng, cuts, kills)
    for i, (what, kind) in enumerate(list_):
        v.trouble(what, kind, messages * (i + 1) // (len(list_) + 1))
    seen = v.arrive(messages)
    repeated(seen, v)
    return {**seen, 'duplicates': v.duplicates, 'lost_acks': v.lost_acks}, within(w)


@test
def each_message_takes_effect_once_through_cuts_and_kills():
    with Peer() as peer, World(start=False, files=5, orphan=0, unused=0) as w:
        w.configure(links=[peer.link()])
        w.start()
        until(lambda: link(w)['state'] == 'up', 30)
        seen, out = voyage(peer, w, 300, 10, 3)
        same(stored(w), (300, (300, 300)))
        same(link(w)['inbox']['taken'], 300)
        true(seen['sent'] > 300, seen)
        same(out['expired'] + out['too_large'], 0)


@test
def a_repeat_is_counted_and_changes_nothing():
    with Peer() as peer, World(start=False, files=5, orphan=0, unused=0) as w:
        w.configure(links=[peer.link()])
        w.start()
        until(lambda: link(w)['state'] == 'up', 30)
        say = [{'id': 'a', 'sequence': 1, 'epoch': 'e'}, {'id': 'b', 'sequence': 2, 'epoch': 'e'}]
        for m in say:
            peer.tell('send', json.dumps(m, separators=(',', ':')))
        until(lambda: link(w)['inbox']['taken'] == 2, 20, lambda: link(w))
        for m in say + [{'id': 'd', 'sequence': 5, 'epoch': 'e'}, {'id': 'c', 'sequence': 4, 'epoch': 'e'}, {'id': 'a', 'sequence': 1, 'epoch': 'f'}, {}]:
            peer.tell('send', json.dumps(m, separators=(',', ':')))
        want = {'taken': 6, 'duplicates': 2, 'gaps': 2, 'reordered': 1, 'epochs': 1, 'nowhere': 1, 'refused': 0, 'marks': 5, 'pending': 0}
        until(lambda: link(w)['inbox'] == want, 20, lambda: link(w)['inbox'])
        w.kill()
        w.start()
        until(lambda: link(w)['state'] == 'up', 30)
        same({k: link(w)['inbox'][k] for k in ('taken', 'marks')}, {'taken': 6, 'marks': 5})
        peer.tell('send', '{"id":"a","sequence":1,"epoch":"f"}')
        until(lambda: link(w)['inbox']['duplicates'] == 1, 20, lambda: link(w)['inbox'])
        same(stored(w)[0], 6)


@test
def what_nobody_acknowledges_is_not_sent_and_goes_out_again():
    with Peer() as peer, World(start=False, files=5, orphan=0, unused=0) as w:
        conf = peer.link()
        conf['notify']['kinds'] = ['mode']
        w.configure(links=[conf])
        w.start()
        until(lambda: link(w)['state'] == 'up', 30)
        peer.tell('mute', 'yes')
        since = newest(w)
        w.call('mode.set', mode='rehearse')
        until(lambda: len(peer.tell('look')['events']) == 1, 20)
        same((link(w)['outbox']['sent'], link(w)['outbox']['out']), (0, 1))
        peer.tell('cut')
        until(lambda: list(peer.tell('look')['events'].values()) == [2], 20, lambda: peer.tell('look'))
        same(link(w)['outbox']['repeated'], 1)
        w.kill()
        peer.tell('mute', 'no')
        w.start()
        until(lambda: link(w)['outbox']['sent'] == 1, 20, lambda: link(w))
        seen = peer.tell('look')['events']
        same(list(seen), wanted(w, since, ['mode']))
        same(list(seen.values()), [3])


def crowd(peer, w, events=120):
    """More events than the queue holds while the peer says nothing; all come, in order, when it does. The most it held."""
    since = newest(w)
    peer.tell('mute', 'yes')
    for i in range(events):
        w.call('mode.set', mode='observe' if i % 2 else 'rehearse')
    until(lambda: link(w)['outbox']['items'] == 50, 30, lambda: link(w)['outbox'])
    within(w)
    peer.tell('mute', 'no')
    peer.tell('cut')
    until(lambda: link(w)['outbox']['items'] == 0 and set(wanted(w, since)) <= set(peer.tell('look')['events']), 60, lambda: link(w)['outbox'])
    ids = [i for i in peer.tell('look')['events'] if int(i.split(':')[1]) > since]
    same(ids, sorted(ids, key=lambda i: int(i.split(':')[1])))
    return within(w)


@test
def what_does_not_fit_the_queue_waits_in_the_log():
    with Peer() as peer, World(start=False, files=5, orphan=0, unused=0) as w:
        w.configure(links=[peer.link()])
        w.start()
        until(lambda: link(w)['state'] == 'up', 30)
        out = crowd(peer, w)
        same((out['most_items'], out['expired'], out['too_large']), (50, 0, 0))


@test
def an_event_too_old_is_dropped_and_counted():
    with Peer() as peer, World(start=False, files=5, orphan=0, unused=0) as w:
        conf = peer.link()
        conf['notify'].update(kinds=['mode'], age='1s')
        w.configure(links=[conf])
        w.start()
        until(lambda: link(w)['state'] == 'up', 30)
        peer.tell('mute', 'yes')
        w.call('mode.set', mode='rehearse')
        until(lambda: link(w)['outbox']['expired'] == 1, 20, lambda: link(w))
        same((link(w)['outbox']['items'], link(w)['outbox']['sent']), (0, 0))


@test
def a_daemon_that_answers_pings_but_no_ops_is_not_healthy():
    with Peer('exai') as peer, World(start=False, files=5, orphan=0, unused=0) as w:
        w.configure(links=[{'name': 'daemon', 'url': f'ws://127.0.0.1:{peer.port}/', 'handshake': 'exai', 'probe': 'ping', 'probe_interval': '1s',
                            'probe_timeout': '1s'}])
        w.start()
        # this daemon does not know ping: it is asked for its tools instead
        until(lambda: link(w)['reported'] and link(w)['reported']['tools'] == 2, 20, lambda: link(w))
        said = link(w)
        true(said['probe']['took_us'] > 0, said['probe'])
        same((said['probe']['failed'], said['probe']['trouble'], said['reported']['sessions_active']), (0, '', None))
        peer.tell('mute', 'yes')
        until(lambda: 'answers pings, but not list_tools' in link(w)['probe']['trouble'], 20, lambda: link(w)['probe'])
        same(link(w)['state'], 'up')
        check = next(c for c in w.call('checks')['checks'] if c['kind'] == 'link')
        same(check['state'], 'fail', check)
        peer.tell('mute', 'no')
        until(lambda: link(w)['probe']['trouble'] == '', 20, lambda: link(w)['probe'])
        until(lambda: next(c for c in w.call('checks')['checks'] if c['kind'] == 'link')['state'] == 'pass', 20)


@test
def an_old_health_file_is_a_warning_and_its_figures_are_unknown():
    with Peer('exai') as peer, World(start=False, files=5, orphan=0, unused=0) as w:
        path = os.path.join(w.dir, 'health.json')

        def write(age):
            with open(path + '.new', 'w') as f:
                json.dump({'t': time.time() - age, 'pid': 1, 'sessions': 4, 'global_capacity': 24, 'global_inflight': 2, 'tool_count': 29}, f)
            os.rename(path + '.new', path)

        def check():
            return next(c for c in w.call('checks')['checks'] if c['kind'] == 'link')
        write(100)
        w.configure(links=[{'name': 'daemon', 'url': f'ws://127.0.0.1:{peer.port}/', 'handshake': 'exai', 'health_file': path}])
        w.start()
        until(lambda: check()['state'] == 'warn' and 'health file was written' in check()['said'], 30, check)
        same(link(w)['reported']['sessions_active'], None)
        write(0)
        until(lambda: check()['state'] == 'pass', 30, check)
        same([link(w)['reported'][k] for k in ('sessions_active', 'capacity', 'in_flight', 'tools')], [4, 24, 2, 29])


@test
def what_a_dashboard_does_not_report_is_not_zero():
    with Peer('dashboard') as peer, World(start=False, files=5, orphan=0, unused=0) as w:
        w.configure(links=[{'name': 'watch', 'url': f'ws://127.0.0.1:{peer.port}/ws', 'handshake': 'exai-dashboard'}])
        w.start()
        until(lambda: link(w)['reported'] and link(w)['reported']['at_us'], 20, lambda: link(w))
        said = link(w)['reported']
        want = {'sessions_active': 0, 'sessions_total': 3, 'semaphore_current': 1, 'semaphore_limit': 24, 'semaphore_leaks': 0,
                'websocket_connections': None, 'events': None, 'events_failed': None}
        same({k: said[k] for k in want}, want)
        for push in ({'type': 'semaphore_metrics', 'data': {}}, {'type': 'event', 'data': {'direction': 'error', 'error': 'boom'}}):
            peer.tell('send', json.dumps(push, separators=(',', ':')))
        want.update(semaphore_current=None, semaphore_limit=None, semaphore_leaks=None, events=1, events_failed=1)
        until(lambda: {k: link(w)['reported'][k] for k in want} == want, 20, lambda: link(w)['reported'])


if __name__ == '__main__':
    sys.exit(main(globals()))
