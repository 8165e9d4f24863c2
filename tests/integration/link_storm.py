#!/usr/bin/python3
"""Many connections per link: all come up, a cut brings no storm, the floor comes first, what is shown is what is."""
import sys

sys.dont_write_bytecode = True
from englib import main, same, test, true, until         # noqa: E402
from stormlib import Storm, gaps, most_in_a_second, watching      # noqa: E402

RATE = 40


def pool(w, i=0):
    return w.call('links')['links'][i]['pool']


def all_up(w, storm, n, limit=60):
    until(lambda: storm.tell('look')['up'] == n and sum(k['pool']['up'] for k in w.call('links')['links']) == n, limit,
          lambda: f'{storm.tell("look")}, {w.call("links")["links"]}')


@test
def fifty_are_cut_at_once_and_come_back_one_by_one():
    with Storm() as storm:
        links = [storm.link('many', 49, floor=10, spread='1s'), storm.link('one', 1)]
        with watching(links, f'{RATE}/s') as w:
            all_up(w, storm, 50)
            first = storm.tell('times')
            same(len(first), 50)
            before = pool(w)
            same((before['configured'], before['floor'], before['asking']), (49, 10, 0))
            storm.tell('cut')
            all_up(w, storm, 50)
            again = storm.tell('times')
            same(len(again), 50, 'attempts after the cut')
            true(most_in_a_second(again) <= RATE, f'{most_in_a_second(again)} handshakes in a second')
            g = gaps(again)
            true(max(g) > 1.02 * min(g), f'a metronome: {g}')
            after = pool(w)
            true(after['generation'] >= before['generation'] + 49, f'{before} {after}')
            shown = [c['generation'] for c in after['connections']]
            same(len(set(shown)), len(shown), 'generations are not unique')
            k = w.call('links')['links'][0]
            same((k['state'], k['reconnects']), ('up', 49))


@test
def a_link_is_up_from_its_floor_on_and_says_so():
    with Storm() as storm:
        with watching([storm.link('slow', 6, floor=2, spread='0s')], '2/s') as w:
            def now():
                k = w.call('links')['links'][0]
                return k['state'], k['pool']['up']
            seen = set()
            until(lambda: seen.add(now()) or ('up', 6) in seen, 60, lambda: str(seen))
            for state, up in seen:
                same(state == 'up', up >= 2, str(seen))
            told = w.audit('link.incident')
            same([(p['state'], p['floor'], p['connections']) for _, _, p in told], [('up', 2, 6)])


@test
def a_single_connection_needs_no_pool_to_be_up():
    with Storm() as storm:
        with watching([{'name': 'plain', 'url': f'ws://127.0.0.1:{storm.port}/'}]) as w:
            until(lambda: w.call('links')['links'][0]['state'] == 'up', 10)
            p = pool(w)
            same((p['up'], p['floor'], p['configured']), (1, 1, 1))


if __name__ == '__main__':
    sys.exit(main(globals()))
