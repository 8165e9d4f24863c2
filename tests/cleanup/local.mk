# The pure coordinator, plan, grant and policy: what each promises, and seeded runs of whole cycles.
CLEANUP_LIBS = libsluice_cleanup.a libsluice_guard.a $(UNIT_BASE)

cleanup_tests = \
	tests/cleanup/test_cycle \
	tests/cleanup/test_lane \
	tests/cleanup/test_matrix_lanes \
	tests/cleanup/test_recovery \
	tests/cleanup/test_restore \
	tests/cleanup/test_simulation \
	tests/cleanup/test_slices \
	tests/cleanup/test_verdict
check_PROGRAMS += $(cleanup_tests)
TESTS += $(cleanup_tests)

CLEANUP_DRIVE = tests/cleanup/drive.c tests/cleanup/drive.h tests/unit/unit.h
tests_cleanup_test_cycle_SOURCES = tests/cleanup/test_cycle.c $(CLEANUP_DRIVE)
tests_cleanup_test_cycle_LDADD = $(CLEANUP_LIBS)
tests_cleanup_test_lane_SOURCES = tests/cleanup/test_lane.c $(CLEANUP_DRIVE)
tests_cleanup_test_lane_LDADD = $(CLEANUP_LIBS)
tests_cleanup_test_matrix_lanes_SOURCES = tests/cleanup/test_matrix_lanes.c tests/cleanup/matrix_lanes.h $(CLEANUP_DRIVE)
tests_cleanup_test_matrix_lanes_LDADD = $(CLEANUP_LIBS)
EXTRA_DIST += tests/cleanup/gen-matrix-lanes.py
tests_cleanup_test_recovery_SOURCES = tests/cleanup/test_recovery.c $(CLEANUP_DRIVE)
tests_cleanup_test_recovery_LDADD = $(CLEANUP_LIBS)
tests_cleanup_test_restore_SOURCES = tests/cleanup/test_restore.c $(CLEANUP_DRIVE)
tests_cleanup_test_restore_LDADD = $(CLEANUP_LIBS)
tests_cleanup_test_simulation_SOURCES = tests/cleanup/test_simulation.c tests/cleanup/sim.c tests/cleanup/sim.h
tests_cleanup_test_simulation_LDADD = $(CLEANUP_LIBS)
tests_cleanup_test_slices_SOURCES = tests/cleanup/test_slices.c $(CLEANUP_DRIVE)
tests_cleanup_test_slices_LDADD = $(CLEANUP_LIBS)
tests_cleanup_test_verdict_SOURCES = tests/cleanup/test_verdict.c $(CLEANUP_DRIVE)
tests_cleanup_test_verdict_LDADD = $(CLEANUP_LIBS)

# More seeds than make check runs: SEEDS=1000000 make check-simulation
check-simulation: tests/cleanup/test_simulation
	@SEEDS=$${SEEDS-100000} ./tests/cleanup/test_simulation

.PHONY: check-simulation
