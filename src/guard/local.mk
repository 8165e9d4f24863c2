noinst_LIBRARIES += libsluice_guard.a
libsluice_guard_a_SOURCES = \
	src/guard/backoff.c src/guard/backoff.h \
	src/guard/breaker.c src/guard/breaker.h \
	src/guard/bucket.c src/guard/bucket.h \
	src/guard/canary.c src/guard/canary.h \
	src/guard/matrix.c src/guard/matrix.h \
	src/guard/pace.c src/guard/pace.h \
	src/guard/retry.c src/guard/retry.h \
	src/guard/trigger.c src/guard/trigger.h \
	src/guard/window.c src/guard/window.h
