/* The functions behind the table in verbs.c. Each fits struct verb. */
#ifndef SLUICE_CLI_VERBS_H
#define SLUICE_CLI_VERBS_H

#include "cli/cli.h"

enum rc verb_console(struct cli *c, struct err *e);
enum rc verb_watch(struct cli *c, struct err *e);
enum rc verb_status(struct cli *c, struct err *e);
enum rc verb_engine_run(struct cli *c, struct err *e);
enum rc verb_engine_start(struct cli *c, struct err *e);
enum rc verb_engine_stop(struct cli *c, struct err *e);
enum rc verb_cycle_start(struct cli *c, struct err *e);
enum rc verb_cycle_status(struct cli *c, struct err *e);
enum rc verb_cycle_step(struct cli *c, struct err *e);
enum rc verb_cycle_resume(struct cli *c, struct err *e);
enum rc verb_cycle_hold(struct cli *c, struct err *e);
enum rc verb_cycle_ack(struct cli *c, struct err *e);
enum rc verb_cycle_cancel(struct cli *c, struct err *e);
enum rc verb_cycle_abort(struct cli *c, struct err *e);
enum rc verb_lane_exclude(struct cli *c, struct err *e);
enum rc verb_breaker(struct cli *c, struct err *e);
enum rc verb_plan_show(struct cli *c, struct err *e);
enum rc verb_plan_items(struct cli *c, struct err *e);
enum rc verb_grant_keygen(struct cli *c, struct err *e);
enum rc verb_grant_sign(struct cli *c, struct err *e);
enum rc verb_grant_submit(struct cli *c, struct err *e);
enum rc verb_grant_list(struct cli *c, struct err *e);
enum rc verb_grant_verify(struct cli *c, struct err *e);
enum rc verb_grant_revoke(struct cli *c, struct err *e);
enum rc verb_candidates(struct cli *c, struct err *e);
enum rc verb_doctor(struct cli *c, struct err *e);
enum rc verb_lanes(struct cli *c, struct err *e);
enum rc verb_links(struct cli *c, struct err *e);
enum rc verb_links_diagnose(struct cli *c, struct err *e);
void links_below(const struct json *links);
enum rc verb_links_feature(struct cli *c, struct err *e);
enum rc verb_links_retry(struct cli *c, struct err *e);
enum rc verb_policies(struct cli *c, struct err *e);
enum rc verb_policy_check(struct cli *c, struct err *e);
enum rc verb_policy_explain(struct cli *c, struct err *e);
enum rc verb_policy_try(struct cli *c, struct err *e);
enum rc verb_protect_list(struct cli *c, struct err *e);
enum rc verb_protect_add(struct cli *c, struct err *e);
enum rc verb_protect_remove(struct cli *c, struct err *e);
enum rc verb_dead_list(struct cli *c, struct err *e);
enum rc verb_dead_redrive(struct cli *c, struct err *e);
enum rc verb_dead_dismiss(struct cli *c, struct err *e);
enum rc verb_escrow_list(struct cli *c, struct err *e);
enum rc verb_escrow_verify(struct cli *c, struct err *e);
enum rc verb_escrow_restore(struct cli *c, struct err *e);
enum rc verb_audit_tail(struct cli *c, struct err *e);
enum rc verb_audit_verify(struct cli *c, struct err *e);
enum rc verb_audit_show(struct cli *c, struct err *e);
enum rc verb_audit_seal(struct cli *c, struct err *e);
enum rc verb_audit_key(struct cli *c, struct err *e);
enum rc verb_audit_export(struct cli *c, struct err *e);
enum rc verb_mode(struct cli *c, struct err *e);
enum rc verb_rpc(struct cli *c, struct err *e);
enum rc verb_paths(struct cli *c, struct err *e);
enum rc verb_config_check(struct cli *c, struct err *e);
enum rc verb_demo(struct cli *c, struct err *e);

#endif
