# One program per module: tests/unit/test_NAME.c. UNIT_BASE is what every one of them links.
UNIT_BASE = libsluice_base.a $(BASE_LIBS) $(CMOCKA_LIBS)

unit_base_tests = \
	tests/unit/test_err \
	tests/unit/test_hash \
	tests/unit/test_json \
	tests/unit/test_keysort \
	tests/unit/test_log \
	tests/unit/test_mem \
	tests/unit/test_point \
	tests/unit/test_query \
	tests/unit/test_rng \
	tests/unit/test_secret \
	tests/unit/test_str \
	tests/unit/test_text \
	tests/unit/test_time
unit_guard_tests = \
	tests/unit/test_backoff \
	tests/unit/test_breaker \
	tests/unit/test_bucket \
	tests/unit/test_canary \
	tests/unit/test_pace \
	tests/unit/test_matrix \
	tests/unit/test_retry \
	tests/unit/test_trigger \
	tests/unit/test_window

unit_config_tests = \
	tests/unit/test_config \
	tests/unit/test_paths

check_PROGRAMS += $(unit_base_tests) $(unit_guard_tests) $(unit_config_tests)
TESTS += $(unit_base_tests) $(unit_guard_tests) $(unit_config_tests)

tests_unit_test_err_SOURCES = tests/unit/test_err.c tests/unit/unit.h
tests_unit_test_err_LDADD = $(UNIT_BASE)
tests_unit_test_hash_SOURCES = tests/unit/test_hash.c
tests_unit_test_hash_LDADD = $(UNIT_BASE)
tests_unit_test_json_SOURCES = tests/unit/test_json.c
tests_unit_test_json_LDADD = $(UNIT_BASE)
tests_unit_test_keysort_SOURCES = tests/unit/test_keysort.c
tests_unit_test_keysort_LDADD = $(UNIT_BASE)
tests_unit_test_log_SOURCES = tests/unit/test_log.c
tests_unit_test_log_LDADD = $(UNIT_BASE)
tests_unit_test_mem_SOURCES = tests/unit/test_mem.c
tests_unit_test_mem_LDADD = $(UNIT_BASE)
tests_unit_test_point_SOURCES = tests/unit/test_point.c
tests_unit_test_point_LDADD = $(UNIT_BASE)
tests_unit_test_query_SOURCES = tests/unit/test_query.c
tests_unit_test_query_LDADD = $(UNIT_BASE)
tests_unit_test_rng_SOURCES = tests/unit/test_rng.c
tests_unit_test_rng_LDADD = $(UNIT_BASE)
tests_unit_test_secret_SOURCES = tests/unit/test_secret.c
tests_unit_test_secret_LDADD = $(UNIT_BASE)
tests_unit_test_str_SOURCES = tests/unit/test_str.c
tests_unit_test_str_LDADD = $(UNIT_BASE)
tests_unit_test_text_SOURCES = tests/unit/test_text.c
tests_unit_test_text_LDADD = $(UNIT_BASE)
tests_unit_test_time_SOURCES = tests/unit/test_time.c
tests_unit_test_time_LDADD = $(UNIT_BASE)

tests_unit_test_backoff_SOURCES = tests/unit/test_backoff.c
tests_unit_test_backoff_LDADD = libsluice_guard.a $(UNIT_BASE)
tests_unit_test_breaker_SOURCES = tests/unit/test_breaker.c
tests_unit_test_breaker_LDADD = libsluice_guard.a $(UNIT_BASE)
tests_unit_test_pace_SOURCES = tests/unit/test_pace.c
tests_unit_test_pace_LDADD = libsluice_guard.a $(UNIT_BASE)
tests_unit_test_bucket_SOURCES = tests/unit/test_bucket.c
tests_unit_test_bucket_LDADD = libsluice_guard.a $(UNIT_BASE)
tests_unit_test_matrix_SOURCES = tests/unit/test_matrix.c tests/unit/matrix_table.h
tests_unit_test_matrix_LDADD = libsluice_guard.a $(UNIT_BASE)
tests_unit_test_canary_SOURCES = tests/unit/test_canary.c
tests_unit_test_canary_LDADD = $(UNIT_LINK)
tests_unit_test_trigger_SOURCES = tests/unit/test_trigger.c
tests_unit_test_trigger_LDADD = libsluice_guard.a $(UNIT_BASE)
tests_unit_test_retry_SOURCES = tests/unit/test_retry.c
tests_unit_test_retry_LDADD = libsluice_guard.a $(UNIT_BASE)
tests_unit_test_window_SOURCES = tests/unit/test_window.c
tests_unit_test_window_LDADD = libsluice_guard.a $(UNIT_BASE)

UNIT_CONFIG = libsluice_config.a libsluice_guard.a libsluice_base.a $(CYAML_LIBS) $(YAML_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_config_SOURCES = tests/unit/test_config.c
tests_unit_test_config_LDADD = $(UNIT_CONFIG)
tests_unit_test_paths_SOURCES = tests/unit/test_paths.c
tests_unit_test_paths_LDADD = $(UNIT_CONFIG)

EXTRA_DIST += tests/unit/gen-matrix-table.py

unit_sim_tests = \
	tests/unit/test_sim_fault \
	tests/unit/test_sim_files \
	tests/unit/test_sim_frame \
	tests/unit/test_sim_http \
	tests/unit/test_sim_options
check_PROGRAMS += $(unit_sim_tests)
TESTS += $(unit_sim_tests)

tests_unit_test_sim_fault_SOURCES = tests/unit/test_sim_fault.c
tests_unit_test_sim_fault_LDADD = libsluice_sim.a $(UNIT_BASE)
tests_unit_test_sim_files_SOURCES = tests/unit/test_sim_files.c
tests_unit_test_sim_files_LDADD = libsluice_sim.a $(UNIT_BASE)
tests_unit_test_sim_frame_SOURCES = tests/unit/test_sim_frame.c
tests_unit_test_sim_frame_LDADD = libsluice_sim.a $(UNIT_BASE)
tests_unit_test_sim_http_SOURCES = tests/unit/test_sim_http.c
tests_unit_test_sim_http_LDADD = libsluice_sim.a libsluice_net.a $(UV_LIBS) $(UNIT_BASE)
tests_unit_test_sim_options_SOURCES = tests/unit/test_sim_options.c
tests_unit_test_sim_options_LDADD = libsluice_sim.a $(UNIT_BASE)

unit_store_tests = \
	tests/unit/test_escrow \
	tests/unit/test_audit_words \
	tests/unit/test_store_audit \
	tests/unit/test_store_checkpoint \
	tests/unit/test_store_catalog \
	tests/unit/test_store_crash \
	tests/unit/test_store_db \
	tests/unit/test_store_journal \
	tests/unit/test_store_thread
check_PROGRAMS += $(unit_store_tests)
TESTS += $(unit_store_tests)

UNIT_STORE = libsluice_store.a libsluice_base.a $(SQLITE_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_escrow_SOURCES = tests/unit/test_escrow.c tests/unit/unit_store.h
tests_unit_test_escrow_LDADD = libsluice_escrow.a $(UNIT_STORE)
tests_unit_test_audit_words_SOURCES = tests/unit/test_audit_words.c
tests_unit_test_audit_words_LDADD = $(UNIT_STORE)
tests_unit_test_store_audit_SOURCES = tests/unit/test_store_audit.c tests/unit/unit_store.h
tests_unit_test_store_audit_LDADD = $(UNIT_STORE)
tests_unit_test_store_checkpoint_SOURCES = tests/unit/test_store_checkpoint.c tests/unit/unit_store.h
tests_unit_test_store_checkpoint_LDADD = $(UNIT_STORE)
tests_unit_test_store_catalog_SOURCES = tests/unit/test_store_catalog.c
tests_unit_test_store_catalog_LDADD = $(UNIT_STORE)
tests_unit_test_store_crash_SOURCES = tests/unit/test_store_crash.c
tests_unit_test_store_crash_LDADD = $(UNIT_STORE)
tests_unit_test_store_db_SOURCES = tests/unit/test_store_db.c
tests_unit_test_store_db_LDADD = $(UNIT_STORE)
tests_unit_test_store_journal_SOURCES = tests/unit/test_store_journal.c
tests_unit_test_store_journal_LDADD = $(UNIT_STORE)
tests_unit_test_store_thread_SOURCES = tests/unit/test_store_thread.c
tests_unit_test_store_thread_LDADD = $(UNIT_STORE)

unit_outside_tests = \
	tests/unit/test_dialect \
	tests/unit/test_exec \
	tests/unit/test_lane \
	tests/unit/test_records \
	tests/unit/test_s3
check_PROGRAMS += $(unit_outside_tests)
TESTS += $(unit_outside_tests)

UNIT_NET = libsluice_net.a libsluice_guard.a $(UNIT_BASE) $(NET_LIBS)
tests_unit_test_dialect_SOURCES = tests/unit/test_dialect.c
tests_unit_test_dialect_LDADD = libsluice_lane.a $(UNIT_NET) $(EXPAT_LIBS)
tests_unit_test_exec_SOURCES = tests/unit/test_exec.c tests/websocket/net_helper.h
tests_unit_test_exec_LDADD = libsluice_lane.a $(UNIT_NET) $(EXPAT_LIBS)
tests_unit_test_lane_SOURCES = tests/unit/test_lane.c tests/websocket/net_helper.h
tests_unit_test_lane_LDADD = libsluice_lane.a $(UNIT_NET) $(EXPAT_LIBS)
tests_unit_test_s3_SOURCES = tests/unit/test_s3.c
tests_unit_test_s3_LDADD = libsluice_lane.a $(UNIT_NET) $(EXPAT_LIBS)
tests_unit_test_records_SOURCES = tests/unit/test_records.c
tests_unit_test_records_LDADD = libsluice_records.a libsluice_config.a $(UNIT_NET) $(SQLITE_LIBS) $(PQ_LIBS) $(CYAML_LIBS) $(YAML_LIBS)

unit_cli_tests = \
	tests/unit/test_cli \
	tests/unit/test_documents \
	tests/unit/test_verbs
check_PROGRAMS += $(unit_cli_tests)
TESTS += $(unit_cli_tests)
UNIT_CLI = libsluice_cli.a libsluice_ui.a $(SLUICE_ROOMS) $(SLUICE_LIBS) $(NCURSES_LIBS) $(CMOCKA_LIBS)
tests_unit_test_cli_SOURCES = tests/unit/test_cli.c tests/unit/unit.h
tests_unit_test_cli_LDADD = $(UNIT_CLI)
tests_unit_test_documents_SOURCES = tests/unit/test_documents.c tests/unit/documents.c tests/unit/documents.h tests/unit/unit.h
tests_unit_test_documents_LDADD = $(UNIT_CLI)
tests_unit_test_verbs_SOURCES = tests/unit/test_verbs.c
tests_unit_test_verbs_LDADD = $(UNIT_CLI)

unit_tests += tests/unit/test_policy
tests_unit_test_policy_SOURCES = tests/unit/test_policy.c
tests_unit_test_policy_LDADD = libsluice_cleanup.a libsluice_config.a libsluice_store.a libsluice_guard.a $(UNIT_BASE) $(SQLITE_LIBS) $(CYAML_LIBS) $(YAML_LIBS)

unit_tests += tests/unit/test_reconcile
tests_unit_test_reconcile_SOURCES = tests/unit/test_reconcile.c
tests_unit_test_reconcile_LDADD = libsluice_cleanup.a libsluice_config.a libsluice_escrow.a libsluice_store.a libsluice_guard.a $(UNIT_BASE) $(SQLITE_LIBS) $(CYAML_LIBS) $(YAML_LIBS)

unit_link_tests = \
	tests/unit/test_adapter \
	tests/unit/test_dedup \
	tests/unit/test_facts \
	tests/unit/test_queue \
	tests/unit/test_said \
	tests/unit/test_turns
check_PROGRAMS += $(unit_link_tests)
TESTS += $(unit_link_tests)
UNIT_LINK = libsluice_link.a $(UNIT_NET)
tests_unit_test_adapter_SOURCES = tests/unit/test_adapter.c
tests_unit_test_adapter_LDADD = $(UNIT_LINK)
tests_unit_test_dedup_SOURCES = tests/unit/test_dedup.c
tests_unit_test_dedup_LDADD = $(UNIT_LINK)
tests_unit_test_queue_SOURCES = tests/unit/test_queue.c
tests_unit_test_queue_LDADD = $(UNIT_LINK)
tests_unit_test_said_SOURCES = tests/unit/test_said.c
tests_unit_test_said_LDADD = $(UNIT_LINK)
tests_unit_test_turns_SOURCES = tests/unit/test_turns.c
tests_unit_test_turns_LDADD = $(UNIT_LINK)
tests_unit_test_facts_SOURCES = tests/unit/test_facts.c
tests_unit_test_facts_LDADD = $(UNIT_LINK)

unit_tests += tests/unit/test_plan
tests_unit_test_plan_SOURCES = tests/unit/test_plan.c
tests_unit_test_plan_LDADD = libsluice_cleanup.a $(UNIT_BASE)
unit_tests += tests/unit/test_depend
tests_unit_test_depend_SOURCES = tests/unit/test_depend.c
tests_unit_test_depend_LDADD = libsluice_cleanup.a $(UNIT_BASE)

unit_tests += tests/unit/test_outgoing
tests_unit_test_outgoing_SOURCES = tests/unit/test_outgoing.c
tests_unit_test_outgoing_LDADD = libsluice_cleanup.a libsluice_guard.a $(UNIT_BASE)
