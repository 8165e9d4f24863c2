noinst_LIBRARIES += libsluice_engine.a
libsluice_engine_a_SOURCES = \
	src/engine/acts.c \
	src/engine/commands.c \
	src/engine/discovery.c \
	src/engine/engine.c src/engine/engine.h \
	src/engine/internal.h \
	src/engine/jobs.c \
	src/engine/plan_make.c \
	src/engine/recover.c \
	src/engine/runner.c \
	src/engine/validate.c
