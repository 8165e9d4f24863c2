#!/usr/bin/python3
"""An abort that restores: what was deleted comes back from its verified copy under a new id, its row follows, what has
no copy commits as aborted; killed anywhere in between, nothing comes back twice."""
import collections
import hashlib
import signal
import sys

sys.dont_write_bytecode = True
from englib import KEY, World, contains, main, refused, same, test, true, until   # noqa: F401


def world(files=40, orphan=8, unused=16, more=',download=all,purpose=batch', **kw):
    w = World(files=files, orphan=orphan, unused=unused, more=more, lane={'escrow': 'try', **kw.pop('lane', {})}, start=False, **kw)
    w.configure(escrow={'reserve': '1MB'})
    return w


def cleaned(w, on_abort='ask'):
    """Planned, granted, the canary and a batch deleted; the rest waits."""
    s = w.discovered()
    same(s['stage'], 'DISCOVERING', s['waiting_for'])
    w.arm()
    w.call('cycle.step')
    true(w.settled()['plan'], w.status()['waiting_for'])
    w.grant(on_abort=on_abort)
    w.canary()
    w.call('cycle.step')
    s = w.settled()
    same(s['state'], 'waiting', s['waiting_for'])
    return s


def content(w, file):
    c = w.sim.conn()
    try:
        return c.ask('GET', f'/v1/files/{file}/content').body
    finally:
        c.close()


def put(w, name, content):
    """Somebody else's file; its id."""
    body = (f'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--x\r\nContent-Disposition: form-data; '
            f'name="file"; filename="{name}"\r\n\r\n').encode() + content + b'\r\n--x--\r\n'
    c = w.sim.conn()
    try:
        return c.ask('POST', '/v1/files', body, fields=['Content-Type: multipart/form-data; boundary=x']).json()['id']
    finally:
        c.close()


def copies(w):
    """id → SHA-256 of what was deleted, from its copy's index; id → name."""
    return {i: (sha, name) for i, sha, name in w.sql("SELECT id, sha256, name FROM escrow WHERE state = 'ok'")}


def uploads(w):
    """id of each file that the store made on our request."""
    return [x['id'] for x in w.sim.ledger() if x['kind'] == 'effect' and x['effect'] == 'uploaded']


def new_ids(w):
    """old id → new id, as the log has them."""
    w.durable()
    return dict(w.sql('SELECT i.id, r.new_id FROM restored r JOIN item_list i ON i.cycle = r.cycle AND i.n = r.n'))


def ended(w, want):
    s = until(lambda: (s := w.status())['state'] in ('ended', 'held') and s, 60, lambda: str(w.status()))
    same((s['end'], s['balanced']), (want, True), s['waiting_for'] + ' ' + s['equation'])
    return s


def as_before(w, gone, restored, others=()):
    """Bytes, rows and log say the same: every restored item is there once, under its new id."""
    new, have = new_ids(w), copies(w)
    same(sorted(new), sorted(restored), 'new ids')
    same(sorted(new.values()), sorted(set(uploads(w)) - set(others)), 'uploads, each once')
    for old, id_ in new.items():
        same(hashlib.sha256(content(w, id_)).hexdigest(), have[old][0], old)
    rows = collections.Counter(i for i, in w.rows('SELECT provider_file_id FROM provider_file_uploads WHERE deleted_at IS NULL'))
    dead = dict(w.rows('SELECT provider_file_id, deletion_reason FROM provider_file_uploads WHERE deleted_at IS NOT NULL'))
    same(w.rows("SELECT count(*) FROM provider_file_uploads WHERE sluice_claim IS NOT NULL"), [(0,)])
    same(w.rows("SELECT count(*) FROM provider_file_uploads WHERE created_at <> '2020-01-01T00:00:00Z'"), [(0,)], 'created_at is kept')
    tracked = {m['id'] for m in w.sim.manifest() if m['role'] == 'unused'}
    for old in gone:
        if old in new:
            same((rows[old], rows[new[old]]), (0, 1 if old in tracked else 0), old)
        elif old in tracked:
            same((rows[old], dead[old].split()[0]), (0, 'aborted'), old)
    w.verify()


@test
def an_abort_midway_brings_back_all_that_has_a_copy():
    with world().start() as w:
        s = cleaned(w)
        p = w.call('plan.show', lane='alpha', items=0)
        contains(p['if_abort'], '24 of 24 items could be restored', 'under new ids; 0 would stay deleted')
        gone = set(w.deletes()[1])
        true(2 < len(gone) < 24, s['equation'])
        w.call('cycle.abort', how='restore', reason='second thoughts')
        s = ended(w, 'ABORTED_RESTORED')
        same(s['restored'], f'restored {len(gone)} of {len(gone)}')
        same((s['rows']['committed'], w.lane(s=s)['restored'], w.lane(s=s)['deleted']), (0, len(gone), 0))
        as_before(w, gone, gone)
        same(len(w.of_cycle('compensation.baseline')), 1)
        same({k: n for k, n in collections.Counter(k for k, _, _ in w.of_cycle('compensation.intent', 'compensation.outcome')).items()},
             {'compensation.intent': len(gone), 'compensation.outcome': len(gone)})
        # the last deleted comes first
        done = [i for k, i, p in w.of_cycle('outcome') if p['outcome'] == 'deleted']
        same([i for k, i, _ in w.of_cycle('compensation.intent')], done[::-1])
        same(w.call('dead.list')['total'], 0)


@test
def what_has_no_copy_stays_deleted_and_its_row_says_aborted():
    with world(faults=['store=alpha op=content fault=404-lie times=6']).start() as w:
        cleaned(w)
        gone, have = set(w.deletes()[1]), copies(w)
        lost = gone - set(have)
        true(lost and gone - lost, f'{len(gone)} gone, {len(have)} copies')
        w.call('cycle.abort', how='restore', reason='second thoughts')
        s = ended(w, 'ABORTED_PARTLY_RESTORED')
        same(s['restored'], f'restored {len(gone - lost)} of {len(gone)}; {len(lost)} cannot be restored')
        as_before(w, gone, gone - lost)


@test
def without_copies_a_restore_is_refused_and_so_is_such_a_grant():
    with World() as w:
        w.planned()
        w.arm()
        refused(lambda: w.grant(on_abort='restore'), 'escrow', rc='grant')
        w.grant()
        w.canary()
        refused(lambda: w.call('cycle.abort', how='restore', reason='x'), '0 of them can be restored')
        w.call('cycle.abort', how='keep', reason='x')
        same(ended(w, 'ABORTED_KEPT')['restored'], None)


@test
def every_answer_to_an_upload_comes_to_one_file():
    for fault in ('429', '500-before', '500-after', 'cut-before', 'cut-after', 'broken-json', 'empty-body'):
        with world(files=20, orphan=4, unused=6, faults=[f'store=alpha op=upload fault={fault} times=1']).start() as w:
            cleaned(w)
            gone = set(w.deletes()[1])
            w.call('cycle.abort', how='restore', reason='second thoughts')
            ended(w, 'ABORTED_RESTORED')
            as_before(w, gone, gone)


@test
def a_full_lane_holds_and_the_operator_may_keep_the_rest():
    with world(lane={'quota_items': 39}).start() as w:
        cleaned(w)
        gone = set(w.deletes()[1])
        for n in range(len(gone)):      # somebody else fills it up meanwhile
            put(w, f'other-{n}', b'bytes')
        others = len(uploads(w))
        w.call('cycle.abort', how='restore', reason='second thoughts')
        s = until(lambda: (s := w.status())['state'] == 'held' and s, 20)
        contains(s['waiting_for'], 'nothing can be restored to alpha yet', 'quota is 39 files')
        same(len(uploads(w)), others)
        w.call('cycle.abort', how='keep', reason='there is no room')
        ended(w, 'ABORTED_KEPT')
        same(len(uploads(w)), others)



@test
def killed_anywhere_in_a_restore_nothing_comes_back_twice():
    for point in ('restore.before:2', 'restore.after', 'restore.after:3', 'audit.compensation.baseline.before',
                  'audit.compensation.baseline.after', 'audit.compensation.intent.after:2', 'audit.compensation.outcome.before',
                  'audit.compensation.outcome.after:2', 'records.remap.before', 'records.remap.after'):
        with world(files=20, orphan=4, unused=6) as w:
            w.start(SLUICE_KILL_AT=point)
            cleaned(w)
            gone = set(w.deletes()[1])
            try:
                w.call('cycle.abort', how='restore', reason='second thoughts')
            except Exception:
                pass                    # it was killed before it could answer
            w.ended(-signal.SIGKILL)
            w.start()
            ended(w, 'ABORTED_RESTORED')
            as_before(w, gone, gone)


@test
def a_copy_that_is_damaged_is_not_uploaded():
    with world().start() as w:
        cleaned(w)
        gone = set(w.deletes()[1])
        bad, path = w.sql("SELECT id, path FROM escrow WHERE state = 'ok' AND id IN (%s)" % ','.join('?' * len(gone)), *gone)[0]
        with open(path, 'r+b') as f:
            first = f.read(1)
            f.seek(0)
            f.write(bytes([first[0] ^ 1]))
        w.call('cycle.abort', how='restore', reason='second thoughts')
        ended(w, 'ABORTED_PARTLY_RESTORED')
        as_before(w, gone, gone - {bad})
        letters = w.call('dead.list')['letters']
        same([(l['id'], l['belief'], l['phase']) for l in letters], [(bad, 'not_restored', 'restoring')])


@test
def a_file_that_was_there_before_is_not_taken_for_an_upload():
    with world(files=20, orphan=4, unused=6).start() as w:
        cleaned(w)
        gone = set(w.deletes()[1])
        others = [put(w, name, b'x' * size) for name, size in
                  w.sql("SELECT name, bytes FROM escrow WHERE state = 'ok' AND id IN (%s)" % ','.join('?' * len(gone)), *gone)]
        w.sim.fault('store=alpha op=upload fault=cut-before times=1')
        w.call('cycle.abort', how='restore', reason='second thoughts')
        ended(w, 'ABORTED_RESTORED')
        as_before(w, gone, gone, others)


@test
def of_several_that_may_be_it_none_is_taken():
    with world(files=20, orphan=4, unused=6) as w:
        w.start(SLUICE_KILL_AT='restore.after')
        cleaned(w)
        gone = set(w.deletes()[1])
        try:
            w.call('cycle.abort', how='restore', reason='second thoughts')
        except Exception:
            pass
        w.ended(-signal.SIGKILL)
        (item,), = w.sql("SELECT subject FROM audit WHERE kind = 'compensation.intent'")
        name, size = w.sql('SELECT name, bytes FROM escrow WHERE id = ?', item)[0]
        mine = uploads(w)
        others = [put(w, name, b'x' * size)]
        w.start()
        s = ended(w, 'ABORTED_PARTLY_RESTORED')
        same(s['restored'], f'restored {len(gone) - 1} of {len(gone)}; 1 cannot be restored')
        as_before(w, gone, gone - {item}, others + mine)
        same([(l['id'], l['belief']) for l in w.call('dead.list')['letters']], [(item, 'maybe_restored_twice')])


if __name__ == '__main__':
    sys.exit(main(globals()))
