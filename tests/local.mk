# The harness: every test speaks TAP to automake's TAP driver, through tests/run, which stops a test
# that hangs and speaks for a script that only exits 0, 1 or 77.
#
# A new unit test is one line in tests/unit/local.mk (its file is tests/unit/test_NAME.c):
#	unit_tests += tests/unit/test_NAME
# It links every room; give it a tests_unit_test_NAME_LDADD to link only some.
# A new script is one line:	script_tests += tests/integration/NAME.sh	(or .py)
unit_tests =
script_tests = tests/structure/floors tests/structure/harness.sh tests/structure/safeguards tests/structure/service.sh

include tests/unit/local.mk
include tests/websocket/local.mk
include tests/cleanup/local.mk
include tests/integration/local.mk
include tests/chaos/local.mk
include tests/security/local.mk
include tests/performance/local.mk
include tests/ui/local.mk
include tests/fuzz/local.mk
include tests/promises/local.mk

check_PROGRAMS += $(unit_tests)
dist_check_SCRIPTS += $(script_tests)
TESTS += $(unit_tests) $(script_tests)

TEST_EXTENSIONS = .sh .py
AM_TESTS_ENVIRONMENT = TZ=UTC; LC_ALL=C.UTF-8; CMOCKA_MESSAGE_OUTPUT=TAP; $(sluice_env) export TZ LC_ALL CMOCKA_MESSAGE_OUTPUT;
sluice_env = \
	SLUICE_TOP='$(abs_top_srcdir)'; SLUICE_BUILD='$(abs_top_builddir)'; \
	SLUICE_NODE='$(abs_top_builddir)/node/bin/node'; NODE_PATH='$(abs_top_builddir)/node/node_modules'; \
	SLUICE_CC='$(CC)'; SLUICE_CPPFLAGS='$(floors_cppflags)'; \
	UBSAN_OPTIONS="$${UBSAN_OPTIONS-print_stacktrace=1:halt_on_error=1}"; \
	PYTHONDONTWRITEBYTECODE=1; \
	export SLUICE_TOP SLUICE_BUILD SLUICE_NODE NODE_PATH SLUICE_CC SLUICE_CPPFLAGS UBSAN_OPTIONS PYTHONDONTWRITEBYTECODE;
floors_cppflags = -std=gnu17 -I$(abs_top_builddir) -I$(abs_top_srcdir)/src -I$(abs_top_srcdir) -D_GNU_SOURCE \
	$(UV_CFLAGS) $(LWS_CFLAGS) $(CURL_CFLAGS) $(CJSON_CFLAGS) $(SQLITE_CFLAGS) $(CRYPTO_CFLAGS) $(CYAML_CFLAGS) \
	$(YAML_CFLAGS) $(EXPAT_CFLAGS) $(NCURSES_CFLAGS) $(PQ_CFLAGS)

LOG_DRIVER = $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
PY_LOG_DRIVER = $(LOG_DRIVER)
LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/run
SH_LOG_COMPILER = $(LOG_COMPILER) $(SHELL)
PY_LOG_COMPILER = $(LOG_COMPILER) /usr/bin/python3
EXTRA_DIST += tests/run tests/summary tests/structure/lint tests/peers/package.json tests/peers/package-lock.json tests/peers/postgrest.py

if !HAVE_TEST_LIBS
check_DATA += need-test-libs
need-test-libs:
	@echo "make check: install these Debian packages and configure again:$(TEST_MISSING)" >&2; exit 1
endif

# Failures by name and the last line "N passed, N failed", from the results of the last make check.
summary:
	@$(SHELL) $(srcdir)/tests/summary --status '$(MAKE_CHECK_STATUS)' $(TEST_LOGS)

# What a release promises, one line each; NAMES="demo kill" asks for some.
promises-line promises-trust promises-console promises-links: all $(check_PROGRAMS)
	@$(sluice_env) $(SHELL) $(srcdir)/tests/promises/run $(@:promises-%=%) $(NAMES)

# Figures beside their yardsticks, one JSON line each.
bench: all $(bench_programs)
	@$(sluice_env) $(SHELL) $(srcdir)/tests/run --plain $(srcdir)/tests/performance/bench

# Pictures of the running demo, written to screenshots/.
screenshots: all $(screenshot_programs)
	@$(sluice_env) $(SHELL) $(srcdir)/tests/run --plain $(srcdir)/tests/ui/screenshots

lint:
	@SLUICE_TOP='$(abs_top_srcdir)' $(SHELL) $(srcdir)/tests/structure/lint

.PHONY: summary promises-line promises-trust promises-console promises-links bench screenshots lint need-test-libs
