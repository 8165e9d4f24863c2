"""The safeguards, each as the change that takes it out: file, text (it occurs exactly once there, or, when it has
moved, in exactly one other file of src), replacement; and the
behaviour test that must fail then: a case of tests/integration/FILE.py against the real engine, 'simulation' for
whole cycles of the coordinator from seeds, or a script of tests/chaos with arguments. A program of cmocka tests
stands for itself. What is guarded twice is taken out twice: edits. tests/structure/safeguards reads this table, the promise mutations carries it out."""
import collections
import glob
import os

Safeguard = collections.namedtuple('Safeguard', 'name edits test')
Edit = collections.namedtuple('Edit', 'file text instead')
SAFEGUARDS = []


def found(top, edit):
    """(file, how often the text is in it): the file of the table, or the only other one that has it."""
    def count(path):
        with open(path) as f:
            return f.read().count(edit.text)
    path = os.path.join(top, edit.file)
    n = count(path) if os.path.exists(path) else 0
    if n:
        return edit.file, n
    others = [p for p in glob.glob(os.path.join(top, 'src/*/*.c')) if count(p)]
    return (os.path.relpath(others[0], top), count(others[0])) if len(others) == 1 else (edit.file, 0)


def s(name, file, text, instead, *test, also=()):
    SAFEGUARDS.append(Safeguard(name, [Edit(file, text, instead), *(Edit(*e) for e in also)], test))


# ---- durable first ----
s('an act waits for the commit of its intent', 'src/engine/deeds.c',
  '	else\n		store_commit(d->r->en->store, journal_keep(d->j), deed_done, d);\n',
  '	else {\n		store_commit(d->r->en->store, journal_keep(d->j), NULL, NULL);\n		deed_end(d, RC_OK, &(const struct err){ 0 });\n	}\n',
  'crash.py', '--kills', '150', '--scenarios', 'fair', 'two')
s('an intent is written before a send', 'src/cleanup/send.c', '	note_emit(s, AUDIT_INTENT, it->lane, item_index(s->c, it));\n', '',
  'engine_deletes', 'every_fault_comes_to_its_outcome_with_its_requests')
s('a log that cannot be written holds the cycle', 'src/cleanup/events.c', '		hold(s, "the audit log could not be written");\n', '',
  'diskfaults.py', '--kinds', 'ENOSPC', '--points', '60')
s('a send whose intent was late is taken back', 'src/engine/deeds.c', 'if (e->kind == EFF_SEND || e->kind == EFF_RESTORE)',
  'if (!e)', 'diskfaults.py', '--kinds', 'ENOSPC', '--points', '60')
s('one intent is at most one request', 'src/net/http.c', '	if (c->copies++ > 0)\n		return CURL_PREREQFUNC_ABORT;\n', '	c->copies++;\n',
  'engine_deletes', 'every_fault_comes_to_its_outcome_with_its_requests')
s('a new log is whole before it is put in place', 'src/store/db_open.c', '	if (rc == RC_OK)\n		rc = empty_log(d, e);\n', '	(void)empty_log;\n',
  'diskfaults.py', '--kinds', 'ENOSPC', '--first', '150')
s('the log is synced at every commit', 'src/store/db_open.c', 'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;',
  'PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;', 'tests/chaos/test_powerloss')
s('nothing is written after a record of somebody else', 'src/store/audit.c', '	*unmoved = rc == RC_OK && is.seq == head->seq && hash_eq(&is.hash, &head->hash);\n', '	*unmoved = rc == RC_OK;\n',
  'tests/unit/test_store_audit')

# ---- the grant ----
s('nothing is sent beyond the granted ranks', 'src/cleanup/batch.c', 'l->batch_to = (int32_t)MIN(l->n, l->batch_from + size);',
  'l->batch_to = (int32_t)MIN(l->planned, l->batch_from + size);', 'simulation')
s('a batch ends before what its items refer to', 'src/cleanup/batch.c', 'l->batch_to = up_to_cut(l, l->batch_from, l->batch_to);', '(void)up_to_cut;',
  'engine_depends', 'what_refers_is_ranked_and_deleted_before_what_it_refers_to')
s('a circle of references is refused', 'src/cleanup/depend.c', 's->g->node[k].fate = DEPEND_CIRCLE;', 's->g->node[k].fate = DEPEND_GOES;',
  'engine_depends', 'a_circle_is_refused_by_name_and_what_it_refers_to_stays')
s('what something refers to that stays does not go', 'src/cleanup/depend.c', 'g->node[to].fate = DEPEND_HELD;', 'g->node[to].fate = DEPEND_GOES;',
  'engine_depends', 'what_something_refers_to_that_stays_does_not_go')
s('who does not hold the lease row deletes nothing', 'src/engine/commands.c', '|| !lease_forbids(en, why))', '|| en)',
  'lease', 'while_another_has_it_nothing_is_deleted_and_then_it_is_taken')
s('a lease row that is lost holds the cycle', 'src/engine/lease.c', '	hold_without(en);\n', '	(void)hold_without;\n', 'lease',
  'lost_in_the_middle_it_holds_and_does_not_resume_by_itself')
s('no cycle begins on a nearly full disk', 'src/engine/degrade.c', 'if (mb < 0 || mb >= DEGRADE_DISK_MB)', 'if (mb < DEGRADE_DISK_MB || mb >= 0)',
  'degradation', 'disk_low_what_is_open_ends_and_no_cycle_begins')
s('a unit and its bytes are reserved before a send', 'src/cleanup/send.c', 'l->bytes_charged + item_charge(l, it) <= l->bytes_granted',
  'l->bytes_granted >= 0', 'simulation')
s('what is in flight holds its unit', 'src/cleanup/cycle.c', 'return s == ITEM_SENT || s == ITEM_PROBING || s == ITEM_SETTLING || s == ITEM_DELETED',
  'return s == ITEM_PROBING || s == ITEM_SETTLING || s == ITEM_DELETED', 'simulation')
s('the phrase is exact', 'src/cleanup/grant.c', 'if (!slice_eq(phrase, buf_slice(&want)))', 'if (phrase.n != want.n)',
  'engine_grants', 'a_phrase_is_exact_or_it_is_wrong')
s('a grant names the whole plan', 'src/engine/grants.c', 'slice_is(plan, hash_hex(hex, &run->plan->id))',
  'slice_is((struct slice){ plan.p, MIN(plan.n, (size_t)8) }, (hash_hex(hex, &run->plan->id), hex[8] = 0, hex))',
  'engine_grants', 'a_grant_names_this_plan_this_lane_and_an_amount_inside_it')
s('the cap of items', 'src/cleanup/grant.c', 'if (g->items + w->spent_items > c->items)', 'if (g->items + w->spent_items > c->items + 1)',
  'engine_grants', 'the_cap_of_items_holds_at_one_below_at_it_and_one_above')
s('ceilings hold over 24 hours', 'src/engine/runner.c', '	if (!r->c->rehearsal && (e->number || e->bytes))\n', '	if (!e)\n',
  'engine_grants', 'ceilings_hold_over_24_hours_and_across_a_restart')
s('what must remain remains', 'src/cleanup/grant.c', 'if (l->listed - g->items < c->remain)', 'if (l->listed < c->remain)',
  'engine_grants', 'what_must_remain_remains')
s('a signed file is checked', 'src/engine/grants.c', 'good |= sign_verify(o->keys[i].b, buf_slice(&b), sig);', 'good |= sig != NULL;',
  'engine_grants', 'one_changed_byte_anywhere_in_a_signed_file_is_refused')
s('a signed file counts once', 'src/engine/grants.c', '		rc = used_before(en, run, g.nonce, &e);', '		rc = used_before(en, run, "", &e);',
  'engine_grants', 'a_signed_file_grants_what_it_says_once')

# ---- evidence ----
s('no plan of an incomplete list', 'src/cleanup/gates.c', '		if (!l->complete) {', '		if (!l->listed) {',
  'engine_discovery', 'an_empty_page_that_claims_more_makes_no_plan')
s('a list below half of what was expected', 'src/engine/discovery.c', '2 * l->r.items < l->r.expected', '200 * l->r.items < l->r.expected',
  'engine_discovery', 'a_list_below_half_of_what_was_expected_makes_no_plan_and_half_does')
s('sentinels', 'src/engine/discovery.c', '			if (!l->sentinel[i]) {', '			if (!cfg->sentinels[i]) {',
  'engine_discovery', 'a_sentinel_that_is_missing_makes_no_plan')
s('what may be the last copy stays', 'src/cleanup/policy_protect.c', 'policy_reconciled(j) == RECONCILED_LONE ?', 'policy_reconciled(j) == RECONCILED_NOWHERE ?',
  'objects', 'what_is_protected_so_is_not_deleted_and_the_plan_says_where_all_else_is')
s('an item whose row was lost is no orphan', 'src/cleanup/policy_rules.c', '	if (policy_reconciled(j) == RECONCILED_ROW_LOST) {',
  '	if (policy_reconciled(j) == RECONCILED_NOWHERE) {', 'objects', 'what_may_be_the_last_copy_stays_and_a_lost_row_makes_no_orphan')
s('objects that are not listed completely prove nothing', 'src/engine/objects.c', 'o->complete ? POLICY_OBJECTS_LISTED : POLICY_OBJECTS_UNKNOWN;',
  'POLICY_OBJECTS_LISTED;', 'objects', 'a_source_that_is_not_listed_completely_proves_nothing')
s('no object at all is a source that is not mounted', 'src/engine/objects.c', '!q->count.objects && !q->cfg->may_be_empty', '!q->count.objects && !q->cfg',
  'objects', 'a_source_that_is_not_listed_completely_proves_nothing')
s('an object that is gone by then keeps its item', 'src/engine/acts_objects.c', '		else if (rc == RC_NOT_FOUND)\n			*result = CHECK_PROTECTED;',
  '		else if (rc == RC_NOT_FOUND)\n			*result = CHECK_SAME;', 'objects', 'an_object_that_is_lost_after_the_plan_keeps_its_item')
s('a plan does not delete a copy and its only other one', 'src/engine/validate.c', '	if (rc == RC_OK && v->hidden)\n		rc = hidden_check(v->hidden, v, gone, &v->err);\n', '',
  'hidden', 'a_plan_that_deletes_the_copies_of_both_lanes_is_refused_and_one_that_leaves_one_is_not')
s('a plan does not delete the objects of what it deletes', 'src/engine/hidden.c', 'bool both = bsearch(&x->id, c->objects, c->n_objects, sizeof x->id, by_bytes) != NULL;',
  'bool both = c->n_objects > 1000000;', 'hidden', 'a_plan_that_deletes_an_item_and_its_only_object_is_refused')
s('records without a row', 'src/records/list.c', 'if (out->rows == 0 && !cfg->may_be_empty)', 'if (out->rows < 0 && !cfg->may_be_empty)',
  'engine_discovery', 'empty_records_make_no_plan_unless_that_is_declared',
  also=[('src/records/list.c', 'out->empty = out->rows == 0;', 'out->empty = false;')])
s('the self-test of references', 'src/records/list.c', 'if (ref_has(set, slice_of(ref->known_id))) {', 'if (ref_has(set, slice_of(ref->known_id)) || set) {',
  'engine_discovery', 'a_reference_table_that_fails_its_self_test_makes_no_plan')
s('protection by name', 'src/cleanup/policy_protect.c', 'policy_glob(j->p->protect.names, j->p->protect.n_names, j->item->name)',
  'policy_glob(j->p->protect.names, 0, j->item->name)',
  'crash.py', '--kills', '20', '--scenarios', 'fair')
s('a hand-picked plan holds nothing else', 'src/engine/validate.c', 'return p->v->pick && !pick_has(p->v->pick, lane, it->id) ?', 'return !p ?',
  'picked', 'nothing_but_the_picked_is_deleted_and_no_protection_is_lifted')
s('nor after the engine was killed', 'src/engine/bounds.c', '		rc = pick_restore(r->en, r->c->id, policy, &r->pick, e);\n',
  '		(void)policy;\n', 'picked', 'after_a_restart_it_is_bound_as_before')
s('a picked cycle that lost its list ends', 'src/engine/bounds.c', '	if (rc == RC_OK && !r->pick)\n', '	if (rc == RC_OK && !r)\n',
  'picked', 'a_list_that_is_lost_ends_the_cycle_and_widens_nothing')
s('a redrive that lost its letters ends', 'src/engine/bounds.c', '	if (!r->redrive)\n', '	if (!r)\n',
  'engine_dead', 'letters_that_are_lost_end_the_redrive_and_widen_nothing')
s('a copy is brought back once', 'src/engine/bring_back.c', '	if (b->rc == RC_OK && !b->again)\n', '	if (b->rc == RC_OK && b->again)\n',
  'bring_back', 'a_copy_is_uploaded_once_and_the_log_says_so')
s('what is still there is not uploaded again', 'src/engine/bring_back.c', '	if (p && p->presence == LANE_PRESENT)\n', '	if (!b)\n',
  'bring_back', 'what_is_still_there_is_not_made_twice')
s('protection by hand after the plan', 'src/engine/acts_recheck.c', '		if (*res == CHECK_SAME && b->protections)\n', '		if (*res == CHECK_SAME && b->protections && !l)\n',
  'protect', 'what_is_protected_after_the_plan_was_granted_is_not_sent')
s('what is protected by now is never sent', 'src/cleanup/batch.c', '[CHECK_PROTECTED] = ITEM_PROTECTED', '[CHECK_PROTECTED] = ITEM_CLAIMING',
  'simulation')
s('what a rule cannot know is not turned by not', 'src/cleanup/policy_rules.c', 'if (!negate || found == POLICY_CANNOT_KNOW)', 'if (!negate)',
  'policies', 'what_nobody_knows_is_not_planned_by_a_rule_that_is_turned_nor_by_a_group_that_is')
s("a policy's own canary", 'src/cleanup/batch.c', 'return l->o.canary > 0 ? MIN(n, l->o.canary) : n;', 'return n;',
  'policies', 'canary_and_ramp_of_a_policy_are_the_batches_that_go_out')
s('a soft-deleted row that is referred to keeps its file', 'src/records/batch.c', ' || (f->referenced && c->g->s->cfg->deleted_too);', ';',
  'policies', 'a_soft_deleted_row_that_came_back_keeps_its_file')
s('a row used since the list is not claimed', 'src/records/batch.c', 'return touched_since(c, own) ? RECORDS_CHANGED : RECORDS_DONE;',
  'return RECORDS_DONE;', 'engine_deletes', 'an_item_that_was_attached_since_is_blocked_and_one_that_changed_is_drifted')
s('nor after a restart', 'src/engine/recover.c', '		if (rc == RC_OK)\n			restore_listed(r);\n', '		(void)restore_listed;\n',
  'engine_restart', 'a_row_used_again_since_the_plan_is_not_deleted_after_a_restart_either')
s('nothing is sent on old facts', 'src/cleanup/send.c', 'if (s->now.boot_us - it->checked_us > l->o.list_max_age_us) {', 'if (!it) {',
  'simulation')

# ---- doubt ----
s('doubt is probed before anything is repeated', 'src/cleanup/send.c', '	item_set(s, it, ITEM_PROBING);\n	outcome(s, it, "unclear", a);\n	emit(s, EFF_PROBE, it->lane, item_index(s->c, it));\n',
  '	again_later(s, lane_of(s->c, it), it, 0, a);\n', 'simulation')
s('present counts after the settling time only', 'src/cleanup/send.c', 'it->sent_us + l->o.settle_us;', 'it->sent_us;', 'simulation')
s('an intent found at a restart is probed', 'src/cleanup/cycle_body.c', '	[ITEM_SENT] = ASK, [ITEM_PROBING] = ASK,', '	[ITEM_SENT] = BACK_TO_PLAN, [ITEM_PROBING] = ASK,',
  'engine_restart', 'killed_around_a_send_what_has_no_outcome_is_probed_and_held')
s('a canary item that is still there', 'src/cleanup/canary.c', '	} else if (f.lies) {', '	} else if (f.lies < 0) {', 'tests/cleanup/test_lane')
s('a control item that is gone halts the lane', 'src/cleanup/canary.c', '	if (f.gone) {', '	if (f.gone < 0) {', 'tests/cleanup/test_lane')
s('a canary of a link that is worse is told by the margin', 'src/guard/canary.c',
  '	return a >= least && above(a, na, b, nb, o);', '	return a < 0 && above(a, na, b, nb, o);', 'tests/unit/test_canary')
s('a worse canary of a link is rolled back by itself', 'src/engine/features.c', '!= CANARY_WORSE)\n		return;', '!= CANARY_FEW || a->i + 1)\n		return;',
  'link_features', 'a_canary_that_is_dropped_is_rolled_back_by_the_engine')
s('a smaller window for repeats is tried beside the larger one', 'src/engine/delivery_trial.c', 'b = m == FEATURE_CANARY ? most : ', 'b = m == FEATURE_CANARY ? feature_dedup(l->cfg, m, true) : ',
  'link_flags', 'a_window_that_is_too_small_is_rolled_back_and_nothing_takes_effect_twice')
s('a window for repeats that shrinks forgets nothing', 'src/link/dedup.c', 'bool all = oldest && oldest->at_us <= d->since_us', 'bool all = oldest && d->since_us == INT64_MAX',
  'tests/unit/test_dedup')
s('a message that the tried window would take twice is counted', 'src/engine/delivery_trial.c', '+= !dedup_reaches(', '+= dedup_reaches(',
  'link_flags', 'a_window_that_is_too_small_is_rolled_back_and_nothing_takes_effect_twice')
s('a queue that shrinks keeps what waits', 'src/engine/delivery_trial.c', '		queue_move(l->queue, l->tried);\n', '',
  'link_flags', 'a_queue_that_shrinks_drains_first')
s('an event that the tried queue has no room for goes to the others', 'src/engine/delivery_trial.c', 'queue_fits(other, frame.n) ? other : q', 'q',
  'link_flags', 'a_queue_that_is_too_small_is_rolled_back_and_loses_nothing')
s('connections that the peer has no room for are rolled back', 'src/link/pool.c', '	while (p->n > n)\n		drop_last(p);\n', '',
  'link_flags', 'a_pool_that_the_peer_has_no_room_for_is_rolled_back_and_the_others_stay')
s('what waits on a connection that is taken away waits again', 'src/link/pool.c', '	p->n--;\n	if (m->state == LINK_UP && p->h.cut)\n		p->h.cut(p->h.ctx, p);\n',
  '	p->n--;\n', 'link_pool', 'what_waits_on_connections_that_go_leaves_on_the_others')
s('added connections go by the keepalive in force', 'src/link/pool.c', '		keepalive(m, p->trial[CANARY_KEEPALIVE]->mode);\n', '		keepalive(m, FEATURE_OFF);\n',
  'link_pool', 'added_connections_go_by_the_keepalive_that_was_promoted')
s('what connections that went had counted stays counted', 'src/link/pool.c', '	if (f == CANARY_POOL || !p->any_gone) ', '	if (p->n) ',
  'link_pool', 'figures_of_another_feature_stay_true_when_connections_go')
s('added connections that push out the others are rolled back', 'src/guard/canary.c', '|| (f->pushes && pushed(&x, why))', '|| (f->pushes && pushed(&x, why) && !c)', 'tests/unit/test_canary')
s('two features of a link are not tried at once', 'src/engine/features.c', 'trying != CANARY_FEATURES)\n		return "another', 'trying > CANARY_FEATURES)\n		return "another',
  'link_flags', 'one_is_tried_at_a_time')
s('more than a fifth that failed stops the lane', 'src/guard/matrix.c', 'return 100 * f > HIGH * t ? MATRIX_ABORT : MATRIX_RETRY;', 'return MATRIX_RETRY;',
  'tests/cleanup/test_verdict')
s('an open breaker finds its way by time', 'src/guard/breaker.c', '	case BREAKER_OPEN:\n		if (now_us < b->until_us)\n			return false;\n',
  '	case BREAKER_OPEN:\n		if (now_us < b->until_us || b->opened_in_row > 1)\n			return false;\n', 'simulation')
s('what was gone before waits for a complete list', 'src/cleanup/commit.c', 'it->confirmed = ev->ok && k < ev->n && ev->results[k] == ABSENT;',
  'it->confirmed = true;', 'tests/cleanup/test_recovery')

# ---- rows and claims ----
s('claims are given back', 'src/cleanup/commit.c', 'return c->stage >= STAGE_COMMITTING ? !row_due(c, it) && !restore_due(c, it) : it->state == ITEM_PLANNED;',
  'return c->stage < STAGE_COMMITTING && it->state == ITEM_PLANNED;', 'simulation')
s('rows only after their file', 'src/cleanup/commit.c', 'return item_deleted(it->state) || it->state == ITEM_RESTORED || (it->state == ITEM_GONE_OTHER && it->confirmed);',
  'return item_settled(it->state);', 'simulation')
s('a rehearsal changes no row', 'src/engine/engine.c', '[MODE_REHEARSE] = RECORDS_REHEARSE', '[MODE_REHEARSE] = RECORDS_ALL',
  'engine_control', 'a_rehearsal_changes_nothing_outside_and_says_so_in_every_record')

# ---- an abort that restores ----
s('an upload has its intent', 'src/cleanup/restore.c', '	note_emit(s, AUDIT_COMPENSATION_INTENT, it->lane, item_index(s->c, it));\n', '	jw_end_obj(&s->w);\n',
  'simulation')
s('nothing is uploaded before the lane was listed', 'src/cleanup/restore.c', '	if (!l->based) {', '	if (!l) {', 'simulation')
s('claims on what was not deleted are given back first', 'src/cleanup/restore.c', ' || !c->undeleted_free)', ')', 'simulation',
  also=[('src/cleanup/commit.c', '(back && release_next(s)))', '!c)')])
s('an upload without an answer is looked for', 'src/cleanup/restore.c', '		item_set(s, it, ITEM_SEEKING);\n		outcome(s, it, "unclear", ev->text, NULL);\n',
  '		again(s, l, it, -1, ev->text);\n', 'simulation')
s('an upload is given its time', 'src/cleanup/restore.c', '		wait_us(s, l, l->o.settle_us);', '		wait_us(s, l, 0);', 'simulation')
s('an upload found at a restart is looked for', 'src/cleanup/restore.c', '	item_set(s, it, ITEM_SEEKING);\n	wait_us(s, l, MAX(', '	wait_us(s, l, MAX(',
  'simulation')
s('of several that may be it none is taken', 'src/cleanup/restore.c', '	else if (ev->number == 1)', '	else if (ev->number >= 1)', 'simulation')
s('what is to be restored keeps its row', 'src/cleanup/commit.c', '	if (restore_due(c, it))\n		return false;\n	return item_deleted', '	(void)c;\n	return item_deleted', 'simulation')

s('a copy is verified before it is uploaded', 'src/engine/restoring.c', '	if (b->rc != RC_OK) {\n		no_copy(b);\n		return;\n	}\n	POINT(',
  '	if (b->rc != RC_OK)\n		b->fd = open(b->path, 0);\n	POINT(', 'restore', 'a_copy_that_is_damaged_is_not_uploaded',
  also=[('src/engine/restoring.c', '#include <inttypes.h>\n', '#include <fcntl.h>\n#include <inttypes.h>\n')])
s('a file that was there before is no upload of ours', 'src/engine/restoring.c', 'if (!fits || ids_have(&x->baseline[k->r->c->item[k->item].lane], it->id) ||',
  'if (!fits ||',
  'restore', 'a_file_that_was_there_before_is_not_taken_for_an_upload')

# ---- who, when, where ----
s('a watcher changes nothing', 'src/api/rpc.c', '	if (c->who.watching)\n', '	if (c->who.watching && !c->who.name[0])\n',
  'engine_control', 'a_watcher_is_refused_everything_that_is_not_read')
s('hold stops what was not sent', 'src/cleanup/clean.c', 'return c->held || c->store_failed || c->aborting || l->halted',
  'return c->store_failed || c->aborting || l->halted', 'simulation')
s('deletes wait for an operator after a restart', 'src/cleanup/cycle_body.c', '	if (!c->aborting && !c->cleaned)\n		hold(', '	if (!c)\n		hold(',
  'engine_restart', 'killed_around_claims_and_the_first_batch_it_goes_on')
s('one engine on one state directory', 'src/store/store_lock.c', '	if (flock(fd, LOCK_EX | LOCK_NB) != 0)\n		return held(fd, shown, e);\n', '	(void)held;\n',
  'tests/unit/test_store_crash')
s('another target is refused after a restart', 'src/engine/recover.c', 'if (!slice_eq(p->lane[i].identity, buf_slice(&id)))', 'if (!p->lane[i].identity.n)',
  'engine_restart', 'another_target_or_account_is_refused_until_the_old_one_is_back')
s('a broken chain arms nothing', 'src/engine/engine.c', '	v = &en->verified;\n	if (whole) {', '	v = &en->verified;\n	en->verified.ok = true;\n	if (whole) {',
  'engine_restart', 'a_broken_chain_is_shown_with_its_first_record_and_nothing_is_armed')
s('a plan lapses', 'src/cleanup/gates.c', 'if (c->plan_frozen && !c->first_intent && (', 'if (!c->plan_frozen && !c->first_intent && (',
  'tests/cleanup/test_cycle')

# ---- escrow ----
s('an intent is written before a copy', 'src/engine/copying_item.c', '	record(t, j, AUDIT_ESCROW_INTENT, NULL, t->item->bytes, "", NULL);\n', '',
  'escrow', 'what_the_store_gives_back_is_R1_and_its_bytes_are_on_disk')
s('a copy is as long as the lane says', 'src/escrow/copy.c', 'if (bytes >= 0 && c->bytes != bytes)', 'if (bytes < -1)',
  'escrow', 'what_does_not_come_back_whole_stays_R0_with_the_reason')
s('a copy has the hash of its row', 'src/escrow/copy.c', 'if (sha256 && !hash_eq(received, sha256))', 'if (sha256 && !received)',
  'escrow', 'a_byte_that_is_not_the_rows_is_found_by_the_rows_hash')
s('required and not copied is no candidate', 'src/engine/validate.c', 'gone[it->nth] = falls_out(v, it);', 'gone[it->nth] = falls_out(v, it) && !v->plan;',
  'escrow', 'where_it_is_required_what_has_no_copy_is_no_candidate')
s('nothing is copied before arming', 'src/engine/copying.c', 'return x->en->mode == MODE_ARMED ? NULL', 'return x->en->mode <= MODE_ARMED ? NULL',
  'escrow', 'nothing_is_copied_in_a_rehearsal_or_before_arming')
s('a copy that was there is read again', 'src/engine/copying_item.c', '? escrow_open_verified(path, t->old.bytes, &t->made, &fd, &t->err) : RC_FORMAT',
  '? (fd = dup(2), RC_OK) : RC_FORMAT', 'escrow', 'a_whole_copy_is_verified_and_used_again_a_damaged_one_is_made_again')
s('the gate into cleaning reads copies again', 'src/engine/keeping.c', 'if (!next || proved(r))', 'if (!next || proved(r) || r->plan)',
  'escrow', 'the_gate_into_cleaning_reads_every_copy_again')
s('a copy is the one that the plan counts on', 'src/engine/keeping.c', '(want && (want->bytes != x->bytes || !hash_eq(&want->sha, &sha)))', '(want && want->bytes < -1)',
  'escrow', 'the_gate_into_cleaning_reads_every_copy_again')
s('there is room before the first copy', 'src/escrow/dir.c', 'if (bytes > free_bytes - s->reserve)', 'if (bytes > free_bytes)',
  'escrow', 'no_room_means_no_copy_and_the_reason')
s('nothing is deleted before its copy is proved in the bucket', 'src/lane/s3_upload.c',
  'if (c->trouble == LANE_FINE && p->came == p->bytes && hash_eq(&now, &p->sha256)) {', 'if (c->trouble == LANE_FINE && p->came >= 0) {',
  'escrow_bucket', 'what_is_not_proved_in_the_bucket_is_not_deleted')
s('what the bucket did not take is no copy', 'src/engine/copying_bucket.c', '	if (rc != RC_OK) {\n		t->rc = err_set(', '	if (rc == RC_CANCELLED) {\n		t->rc = err_set(',
  'escrow_bucket', 'a_bucket_that_takes_nothing_stops_the_copying_and_says_why')
s('the gate reads copies in the bucket again', 'src/engine/vault.c', 'else if (a->trouble == LANE_FINE && t->came == t->copy.bytes && hash_eq(&now, &t->copy.sha256))',
  'else if (a->trouble == LANE_FINE && t->came >= 0)', 'escrow_bucket', 'the_gate_reads_the_bucket_and_a_bucket_that_is_silent_holds')
s('there is room in the bucket', 'src/engine/copying_bucket.c', 'm->items + x->need_items > l->quota_items', 'x->need_items > l->quota_items',
  'escrow_bucket', 'there_is_room_in_the_bucket_or_nothing_is_put')
s('copies leave the bucket only in mode armed', 'src/engine/keeping_expire.c', 'if (vault_holds(x->path) && !q->armed)', 'if (vault_holds(x->path) && q->n < 0)',
  'escrow_bucket', 'old_copies_leave_the_bucket_only_in_mode_armed')

# ---- the proof of the log ----
s('a proof that was stopped is no verdict', 'src/engine/verifying.c', 'if (q->rc == RC_OK && q->verdict.stopped)', 'if (q->rc == RC_OK && q->verdict.stopped && q->ctx == NULL)',
  'verifying', 'several_ask_at_once_and_the_engine_goes_on')
s('a proof that nobody waits for ends', 'src/api/api.c', 'engine_asker_gone(c->api->en, c);', 'engine_asker_gone(c->api->en, NULL);', 'verifying', 'nobody_waits_and_it_ends')

# ---- written ahead ----
s('what is written ahead does not leave while held', 'src/cleanup/outgoing.c', 'if (blocked(&s, l))', 'if (now.boot_us < 0 && blocked(&s, l))',
  'simulation')
s('what is written ahead does not wait for long', 'src/cleanup/outgoing.c', 'if (now.boot_us - ready_us > OUTGOING_MAX_US)',
  'if (now.boot_us - ready_us > 100 * (int64_t)OUTGOING_MAX_US)', 'simulation')
s('a lost delete may be as young as its turn', 'src/cleanup/cycle_body.c', 's->now.wall_us - it->sent_wall_us - OUTGOING_MAX_US, 0)',
  's->now.wall_us - it->sent_wall_us, 0)', 'simulation')
