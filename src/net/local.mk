noinst_LIBRARIES += libsluice_net.a
libsluice_net_a_SOURCES = \
	src/net/child.c src/net/child.h \
	src/net/climb.c src/net/climb.h \
	src/net/http.c src/net/http.h src/net/http_internal.h \
	src/net/http_easy.c src/net/http_easy.h \
	src/net/http_headers.c src/net/http_headers.h \
	src/net/http_sock.c src/net/http_sock.h \
	src/net/http_url.c \
	src/net/loop.c src/net/loop.h src/net/loop_internal.h src/net/loop_step.c src/net/loop_fine.c src/net/loop_timer.c \
	src/net/tcp.c src/net/tcp.h \
	src/net/why.c src/net/why.h \
	src/net/ws.c src/net/ws.h src/net/ws_internal.h \
	src/net/ws_client.c src/net/ws_listen.c src/net/ws_peer.c src/net/ws_server.c src/net/ws_target.c
NET_LIBS = $(LWS_LIBS) $(CURL_LIBS) $(UV_LIBS)
