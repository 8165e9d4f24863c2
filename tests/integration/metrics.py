#!/usr/bin/python3
"""What other systems read: the log, the page of metrics with few and with many links, and the pushes to a collector."""
import json
import os
import signal
import sys

sys.dont_write_bytecode = True
from collector import Collector, fell, parse                                        # noqa: E402
from englib import World, main, same, test, true, until                            # noqa: E402
from health import page                                                             # noqa: E402

SHOWN = 100                     # links with series of their own


def scraped(w):
    return parse(page(w, '/metrics')[1])


def many(n):
    """Links to a port that nobody listens on: port 1 is refused on every loopback."""
    return [{'name': f'l{i}', 'url': 'ws://127.0.0.1:1/', 'handshake': 'json-events', 'reconnect_base': '20s', 'reconnect_max': '60s',
             'notify': {'kinds': ['mode']}} for i in range(n)]


def labels(samples):
    return {k.split('link="')[1].split('"')[0] for k in samples if 'link="' in k}


@test
def a_page_is_bounded_however_many_links_there_are():
    for n in (0, 1, SHOWN, SHOWN + 1):
        with World(start=False, files=5, orphan=0, unused=0) as w:
            w.configure(links=many(n) or None)
            w.start()
            first = scraped(w)
            same(len(labels(first[1])), min(n, SHOWN) + (n > SHOWN), n)
            same(sum(v for k, v in first[1].items() if k.startswith('sluice_link_state{')), n)
            same(first[1]['sluice_links'], n)
            same(fell(first, scraped(w)), [])


@test
def a_collector_gets_what_the_page_says_and_its_answers_count():
    with Collector() as c, World(start=False, files=5, orphan=0, unused=0) as w:
        c.answers = [(503, {'retry-after': '1'}, {}), (400, {}, {}), (200, {}, {'partialSuccess': {'rejectedDataPoints': '3'}})]
        w.configure(engine={'otlp': c.url, 'otlp_interval': '1s'}, links=many(2))
        w.start()
        until(lambda: len(c.pushes) >= 4 or c.bad, 40, lambda: (len(c.pushes), c.bad))
        same(c.bad, [])
        until(lambda: scraped(w)[1]['sluice_otlp_pushes_total{result="accepted"}'] >= 2, 20)
        types, samples = scraped(w)
        got = {k.split('"')[1]: v for k, v in samples.items() if k.startswith('sluice_otlp_')}
        same((got['retried'], samples['sluice_otlp_pushes_total{result="dropped"}'], got['rejected']), (1, 1, 3), samples)
        same(samples['sluice_otlp_points_lost_total{why="dropped"}'], len(c.pushes[1][1]))
        pushed = {name for name, _ in c.pushes[-1][1]}
        same({n for n in types if n not in pushed and any(k.startswith(n) for k in samples)}, set())


@test
def a_collector_that_is_gone_is_a_warning_and_no_more():
    with World(start=False, files=5, orphan=0, unused=0) as w:
        w.configure(engine={'otlp': 'http://127.0.0.1:1/v1/metrics', 'otlp_interval': '1s'})
        w.start()
        until(lambda: '[!]otlp' in page(w, '/readyz?verbose')[1], 20, lambda: page(w, '/readyz?verbose')[1])
        same(page(w, '/readyz')[0], 200)
        true(scraped(w)[1]['sluice_otlp_pushes_total{result="retried"}'] >= 1)


def lines(path):
    try:
        with open(path) as f:
            return [json.loads(x) for x in f]
    except OSError:
        return []


@test
def the_log_is_json_if_wanted_and_is_opened_anew_by_a_hangup():
    with World(start=False, files=5, orphan=0, unused=0) as w:
        w.configure(engine={'log_format': 'json', 'log_levels': ['engine=info'], 'log_level': 'error'})
        w.start()
        path = os.path.join(w.state, 'engine.log')
        until(lambda: any(x['text'].startswith('ready at') for x in lines(path)), 20, lambda: lines(path))
        os.rename(path, path + '.1')
        w.proc.send_signal(signal.SIGHUP)
        until(lambda: [x['text'] for x in lines(path)] == ['the log was opened anew'], 20, lambda: lines(path))
        same({x['module'] for x in lines(path + '.1')}, {'engine'})
        true(w.call('status'))


if __name__ == '__main__':
    sys.exit(main(globals()))
