#!/usr/bin/python3
"""The lease row: of two engines that clean by the same records only the one that holds it deletes."""
import os
import sqlite3
import sys
import time

sys.dont_write_bytecode = True
import pglib                                                                    # noqa: E402
from englib import TOP, World, contains, main, refused, same, test, true, until     # noqa: E402
from pgworld import PgWorld                                                     # noqa: E402


class Leased(World):
    def __init__(self, row=True, lease_for='6s', **kw):
        super().__init__(start=False, **kw)
        self.change(open(os.path.join(TOP, 'data/schema/records-lease.sql')).read())
        if not row:
            self.change('DELETE FROM sluice_lease')
        self.conf['records'][0].update(lease='sluice_lease', lease_for=lease_for)
        self.configure()
        self.start()

    def change(self, script):
        db = sqlite3.connect(self.app, timeout=10)
        db.executescript(script)
        db.commit()
        db.close()

    def row(self):
        return self.rows('SELECT holder, token, until FROM sluice_lease')[0]

    def taken_by_other(self, seconds):
        self.change(f"UPDATE sluice_lease SET holder = 'other at host:/elsewhere', token = token + 1, until = {int(time.time()) + seconds}")


def check(w):
    return next(c for c in w.call('checks')['checks'] if c['kind'] == 'lease')


def top(w):
    return w.call('status')['engine']['lease']


@test
def it_is_taken_in_mode_armed_only_and_renewed():
    with Leased() as w:
        same((top(w), check(w)['state']), ('app: not taken', 'unknown'))
        w.planned()
        same(w.row(), ('', 0, 0), 'written in mode observe')
        contains(w.call('plan.show')['lease'], 'not taken')
        w.arm()
        until(lambda: check(w)['state'] == 'pass', 20, lambda: check(w))
        holder, token, first = w.row()
        contains(holder, 'test at ', w.state)
        same((token, top(w)), (1, 'app: ours, token 1'))
        until(lambda: w.row()[2] > first, 20, 'it is not renewed')
        same(w.row()[1], 1)
        w.grant()
        w.canary()
        same(w.finish()['end'], 'COMPLETED')
        w.kill()
        w.start()
        until(lambda: check(w)['state'] == 'pass', 20, lambda: check(w))
        same(w.row()[1], 1, 'the same engine is no new holder')


@test
def while_another_has_it_nothing_is_deleted_and_then_it_is_taken():
    with Leased() as w:
        w.taken_by_other(3600)
        w.granted()
        until(lambda: check(w)['state'] == 'fail', 20, lambda: check(w))
        refused(lambda: w.call('cycle.step'), 'held by other at host', rc='lease')
        same((w.deletes(), w.row()[0]), (({}, {}), 'other at host:/elsewhere'))
        contains(top(w), 'other at host')
        w.change("UPDATE sluice_lease SET until = 1")
        until(lambda: check(w)['state'] == 'pass', 20, lambda: check(w))
        same(w.row()[1], 2)
        w.canary()
        same(w.finish()['end'], 'COMPLETED')


@test
def lost_in_the_middle_it_holds_and_does_not_resume_by_itself():
    with Leased(more=',latency_ms=200', lane={'in_flight': 1}) as w:
        w.granted()
        until(lambda: check(w)['state'] == 'pass', 20)
        w.canary()
        w.call('cycle.resume')
        w.taken_by_other(3600)
        s = until(lambda: w.status()['state'] == 'held' and w.status(), 30, w.status)
        contains(s['waiting_for'], 'lease of records app is held by other')
        sent = len(until(lambda: not w.lane()['in_flight'] and w.deletes()[0], 30))
        true(sent < 40, sent)
        refused(lambda: w.call('cycle.resume'), 'held by other', rc='lease')
        w.change("UPDATE sluice_lease SET until = 1")
        until(lambda: check(w)['state'] == 'pass', 20)
        same(w.settled()['state'], 'held')
        same(len(w.deletes()[0]), sent)
        same(w.finish()['end'], 'COMPLETED')


@test
def one_that_cannot_be_renewed_in_time_is_lost():
    with Leased(lease_for='5s') as w:
        w.granted()
        until(lambda: check(w)['state'] == 'pass', 20)
        os.rename(w.app, w.app + '.away')
        until(lambda: check(w)['state'] == 'fail', 30, lambda: check(w))
        contains(check(w)['said'], 'cannot be taken')
        refused(lambda: w.call('cycle.step'), 'lease row', rc='lease')
        os.rename(w.app + '.away', w.app)
        until(lambda: check(w)['state'] == 'pass', 20)
        w.canary()
        same(w.finish()['end'], 'COMPLETED')


@test
def a_table_without_its_row_says_what_to_do():
    with Leased(row=False) as w:
        w.granted()
        until(lambda: check(w)['state'] == 'fail', 20, lambda: check(w))
        contains(check(w)['said'], 'no row named sluice', 'records-lease.sql')
        refused(lambda: w.call('cycle.step'), 'records-lease.sql', rc='lease')


@test
def it_is_the_same_in_postgresql():
    try:
        pglib.programs()
    except pglib.Missing:
        return
    with PgWorld(start=False) as w:
        with open(os.path.join(TOP, 'data/schema/records-lease.sql')) as f:
            w.db.sql(f.read())
        w.db.sql('GRANT SELECT, UPDATE ON sluice_lease TO writer')
        w.conf['records'][0].update(lease='sluice_lease', lease_for='5s')
        w.configure()
        w.start()
        w.db.sql(f"UPDATE sluice_lease SET holder = 'other at host:/elsewhere', token = 4, until = {int(time.time()) + 3600}")
        w.granted()
        until(lambda: check(w)['state'] == 'fail', 20, lambda: check(w))
        refused(lambda: w.call('cycle.step'), 'held by other at host', rc='lease')
        w.db.sql('UPDATE sluice_lease SET until = 1')
        until(lambda: check(w)['state'] == 'pass', 20, lambda: check(w))
        same(w.db.sql('SELECT token FROM sluice_lease'), [(5,)])
        w.canary()
        same(w.finish()['end'], 'COMPLETED')
        w.db.sql('DELETE FROM sluice_lease')
        until(lambda: check(w)['state'] == 'fail', 20, lambda: check(w))
        contains(check(w)['said'], 'no row named sluice')


@test
def without_a_lease_row_it_is_this_host_s_only():
    with World() as w:
        same(top(w), 'this host only')
        w.planned()
        same(w.call('plan.show')['lease'], 'this host only')


if __name__ == '__main__':
    sys.exit(main(globals()))
