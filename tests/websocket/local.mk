# tests of this folder
net_tests = tests/websocket/test_http tests/websocket/test_ws tests/unit/test_loop
NET_TEST_LIBS = libsluice_net.a $(UNIT_BASE) $(NET_LIBS)
check_PROGRAMS += $(net_tests)
TESTS += $(net_tests)

tests_unit_test_loop_SOURCES = tests/unit/test_loop.c
tests_unit_test_loop_LDADD = $(NET_TEST_LIBS)
tests_websocket_test_http_SOURCES = tests/websocket/test_http.c tests/websocket/net_helper.h
tests_websocket_test_http_LDADD = $(NET_TEST_LIBS)
tests_websocket_test_ws_SOURCES = tests/websocket/test_ws.c tests/websocket/net_helper.h
tests_websocket_test_ws_LDADD = $(NET_TEST_LIBS)

# Links: against a peer that misbehaves, and against servers that other people wrote.
check_PROGRAMS += tests/websocket/test_link tests/websocket/linkprobe
TESTS += tests/websocket/test_link tests/websocket/real.py
dist_check_SCRIPTS += tests/websocket/real.py
EXTRA_DIST += tests/websocket/server_py.py tests/websocket/server_ws.js

tests_websocket_test_link_SOURCES = tests/websocket/test_link.c tests/websocket/peer.h tests/websocket/net_helper.h
tests_websocket_test_link_LDADD = libsluice_link.a $(UNIT_NET)
tests_websocket_linkprobe_SOURCES = tests/websocket/linkprobe.c
tests_websocket_linkprobe_LDADD = libsluice_link.a libsluice_net.a libsluice_guard.a libsluice_base.a $(BASE_LIBS) $(NET_LIBS)

# Thousands of connections at once.
check_PROGRAMS += tests/websocket/stormd
tests_websocket_stormd_SOURCES = tests/websocket/stormd.c sim/sha1.c sim/sha1.h

# What the library alone takes for the same.
check_PROGRAMS += tests/websocket/barelws
tests_websocket_barelws_SOURCES = tests/websocket/barelws.c
tests_websocket_barelws_LDADD = $(NET_LIBS)
