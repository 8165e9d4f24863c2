noinst_LIBRARIES += libsluice_net.a
libsluice_net_a_SOURCES = \
	src/net/loop.c src/net/loop.h
