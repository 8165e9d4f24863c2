noinst_LIBRARIES += libsluice_link.a
libsluice_link_a_SOURCES = \
	src/link/adapter.c src/link/adapter.h \
	src/link/dedup.c src/link/dedup.h src/link/facts.c src/link/facts.h src/link/queue.c src/link/queue.h \
	src/link/said.c src/link/said.h \
	src/link/causes.c src/link/causes.h \
	src/link/feature.c src/link/feature.h \
	src/link/gate.c src/link/gate.h \
	src/link/diagnose.c src/link/diagnose.h \
	src/link/hello.c src/link/hello.h \
	src/link/ladder.c src/link/ladder.h \
	src/link/link.c src/link/link.h \
	src/link/pool.c src/link/pool.h \
	src/link/state.c \
	src/link/turns.c src/link/turns.h
