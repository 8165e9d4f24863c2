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
