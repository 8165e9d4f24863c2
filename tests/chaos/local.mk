# Engines that are killed and made to fail, against the simulator's ledger.
script_tests += tests/chaos/crash.py
EXTRA_DIST += tests/chaos/voyage.py tests/chaos/callshim.c

# All of it: KILLS=10000 RECOVERY=1000 make check-crash
check-crash: all $(check_PROGRAMS)
	@$(sluice_env) /usr/bin/python3 $(srcdir)/tests/chaos/crash.py --kills $${KILLS-10000} --recovery $${RECOVERY-1000}

.PHONY: check-crash
