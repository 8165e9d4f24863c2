# The pure coordinator, plan, grant and policy: what each promises, and seeded runs of whole cycles.
CLEANUP_LIBS = libsluice_cleanup.a libsluice_guard.a $(UNIT_BASE)

check_PROGRAMS += tests/cleanup/test_simulation
TESTS += tests/cleanup/test_simulation
tests_cleanup_test_simulation_SOURCES = tests/cleanup/test_simulation.c tests/cleanup/sim.c tests/cleanup/sim.h
tests_cleanup_test_simulation_LDADD = $(CLEANUP_LIBS)

check_PROGRAMS += tests/cleanup/test_cycle
TESTS += tests/cleanup/test_cycle
tests_cleanup_test_cycle_SOURCES = tests/cleanup/test_cycle.c tests/cleanup/drive.c tests/cleanup/drive.h
tests_cleanup_test_cycle_LDADD = $(CLEANUP_LIBS)

# More seeds than make check runs: SEEDS=1000000 make check-simulation
check-simulation: tests/cleanup/test_simulation
	@SEEDS=$${SEEDS-100000} ./tests/cleanup/test_simulation

.PHONY: check-simulation
