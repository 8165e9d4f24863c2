# tests of this folder
dist_check_SCRIPTS += tests/integration/sim.py tests/integration/sim_links.py
TESTS += tests/integration/sim.py tests/integration/sim_links.py
EXTRA_DIST += tests/integration/simlib.py
# The engine against the simulator, driven through the protocol.
script_tests += tests/integration/engine_dead.py tests/integration/engine_discovery.py tests/integration/engine_deletes.py tests/integration/engine_control.py \
	tests/integration/engine_grants.py tests/integration/engine_restart.py tests/integration/engine_slices.py tests/integration/engine_log.py tests/integration/health.py tests/integration/policies.py \
	tests/integration/policy_verbs.py
script_tests += tests/integration/engine_anchors.py tests/integration/link_events.py tests/integration/link_storm.py tests/integration/link_triggers.py tests/integration/breakers.py tests/integration/link_features.py tests/integration/link_flags.py
EXTRA_DIST += tests/integration/englib.py tests/integration/eventlib.py tests/integration/flagpeer.py tests/integration/stormlib.py
# One contract for every kind of records.
check_PROGRAMS += tests/integration/recprobe
tests_integration_recprobe_SOURCES = tests/integration/recprobe.c
tests_integration_recprobe_LDADD = libsluice_records.a libsluice_config.a $(UNIT_NET) $(SQLITE_LIBS) $(PQ_LIBS) $(CYAML_LIBS) $(YAML_LIBS)
script_tests += tests/integration/records.py tests/integration/engine_postgres.py
EXTRA_DIST += tests/integration/reclib.py tests/integration/pglib.py tests/integration/pgworld.py
# The binary itself, from outside.
script_tests += tests/integration/engine_dialects.py tests/integration/engine_exec.py tests/integration/engine_referrers.py tests/integration/escrow.py tests/integration/restore.py tests/integration/bring_back.py tests/integration/picked.py
script_tests += tests/integration/cli.py tests/integration/degradation.py tests/integration/verifying.py
# What other systems read.
script_tests += tests/integration/metrics.py tests/integration/metrics_census.py
EXTRA_DIST += tests/integration/collector.py
script_tests += tests/integration/protect.py tests/integration/engine_depends.py tests/integration/lease.py tests/integration/objects.py tests/integration/hidden.py
# Links whose peers fail in one way each.
script_tests += tests/integration/link_causes.py tests/integration/link_says.py
EXTRA_DIST += tests/integration/linkpeers.py
# The s3 lane against a store of its own kind.
check_PROGRAMS += tests/integration/laneprobe
tests_integration_laneprobe_SOURCES = tests/integration/laneprobe.c
tests_integration_laneprobe_LDADD = libsluice_lane.a libsluice_config.a $(UNIT_NET) $(EXPAT_LIBS) $(CYAML_LIBS) $(YAML_LIBS)
script_tests += tests/integration/s3_lane.py tests/integration/s3_content.py tests/integration/escrow_s3.py tests/integration/escrow_bucket.py tests/integration/engine_s3.py
EXTRA_DIST += tests/integration/s3lib.py

script_tests += tests/integration/link_pool.py
