# Engines that are killed and made to fail, against the simulator's ledger.
script_tests += tests/chaos/crash.py tests/chaos/diskfaults.py
check_PROGRAMS += tests/chaos/test_powerloss
TESTS += tests/chaos/test_powerloss
tests_chaos_test_powerloss_SOURCES = tests/chaos/test_powerloss.c tests/chaos/crash_vfs.c tests/chaos/crash_vfs.h tests/unit/unit_store.h
tests_chaos_test_powerloss_LDADD = $(UNIT_STORE)
EXTRA_DIST += tests/chaos/voyage.py tests/chaos/callshim.c

# All of it, about 25 minutes on two cores: 10,000 kills, 1,000 of them during recovery, a fault at every call,
# 100,000 power failures. KILLS, RECOVERY, POINTS (0 = every call) and STATES ask for less.
check-crash: all $(check_PROGRAMS)
	@$(sluice_env) /usr/bin/python3 $(srcdir)/tests/chaos/crash.py --kills $${KILLS-10000} --recovery $${RECOVERY-1000}
	@$(sluice_env) /usr/bin/python3 $(srcdir)/tests/chaos/diskfaults.py --points $${POINTS-0}
	@STATES=$${STATES-100000} ./tests/chaos/test_powerloss

.PHONY: check-crash
