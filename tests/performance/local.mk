# make bench: our figures beside a bare program that does the same work, and a peer where npm has it.
bench_programs = tests/performance/yardstick$(EXEEXT) tests/performance/bare$(EXEEXT) tests/performance/chain$(EXEEXT) \
	tests/performance/decide$(EXEEXT) tests/performance/bucket$(EXEEXT)
check_PROGRAMS += tests/performance/yardstick tests/performance/bare tests/performance/chain tests/performance/decide \
	tests/performance/bucket
tests_performance_bare_SOURCES = tests/performance/bare.c
tests_performance_bare_LDADD = $(SQLITE_LIBS) $(NCURSES_LIBS)
tests_performance_bucket_SOURCES = tests/performance/bucket.c
tests_performance_bucket_LDADD =
tests_performance_chain_SOURCES = tests/performance/chain.c
tests_performance_chain_LDADD = $(SQLITE_LIBS) $(CRYPTO_LIBS)
tests_performance_decide_SOURCES = tests/performance/decide.c
tests_performance_decide_LDADD = $(SQLITE_LIBS) $(CRYPTO_LIBS)
tests_performance_yardstick_SOURCES = tests/performance/yardstick.c
tests_performance_yardstick_LDADD = $(UV_LIBS) $(CURL_LIBS) $(CJSON_LIBS) $(SQLITE_LIBS)
EXTRA_DIST += tests/performance/bench tests/performance/buckets.py tests/performance/peer.mjs
