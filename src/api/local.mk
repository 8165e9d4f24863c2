noinst_LIBRARIES += libsluice_api.a
libsluice_api_a_SOURCES = \
	src/api/api.c src/api/api.h \
	src/api/internal.h \
	src/api/methods.c \
	src/api/pages.c \
	src/api/rpc.c
EXTRA_DIST += src/api/PROTOCOL.md
