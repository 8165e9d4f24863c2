noinst_LIBRARIES += libsluice_link.a
libsluice_link_a_SOURCES = \
	src/link/hello.c src/link/hello.h \
	src/link/link.c src/link/link.h
