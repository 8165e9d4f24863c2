/* A WebSocket server of our own over net/tcp.h that can misbehave, for tests of the client side. One
 * connection at a time is looked at; every frame is written by hand. */
#ifndef SLUICE_TESTS_PEER_H
#define SLUICE_TESTS_PEER_H

#include <openssl/evp.h>

#include "net_helper.h"

#include "net/tcp.h"

struct peer {
	/* script */
	const char *upgrade;            /* NULL = accept; "" = silence; "cut"; else a whole HTTP answer */
	const char *answer;             /* to the first text frame; NULL = silence */
	int close_code;                 /* after the answer, or instead of it; 0 = stay */
	const char *close_text;
	int close_at_once;              /* right after the upgrade */
	bool no_pong, wrong_pong;
	/* what was seen */
	int conns, upgrades, frames, pings;
	int their_close;                /* code of the client's Close */
	char first[2000];               /* first text frame of the last connection */
	struct tcp_server *server;
	struct tcp_conn *conn;
	struct buf in;
	bool up;
};

static inline void peer_frame(struct peer *p, int opcode, const void *data, size_t n)
{
	struct buf b = { 0 };
	assert_true(n < 65536);
	buf_addc(&b, (char)(0x80 | opcode));
	if (n < 126) {
		buf_addc(&b, (char)n);
	} else {
		buf_addc(&b, 126);
		buf_addc(&b, (char)(n >> 8));
		buf_addc(&b, (char)n);
	}
	buf_add(&b, data, n);
	tcp_send(p->conn, buf_slice(&b));
	buf_done(&b);
}

static inline void peer_text(struct peer *p, const char *text)
{
	peer_frame(p, 1, text, strlen(text));
}

static inline void peer_close(struct peer *p, int code, const char *text)
{
	char data[125] = { (char)(code >> 8), (char)code };
	size_t n = text ? strlen(text) : 0;
	memcpy(data + 2, text ? text : "", n);
	peer_frame(p, 8, data, n + 2);
}

static inline void peer_accept(struct peer *p, const char *key, size_t n)
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	unsigned char sum[EVP_MAX_MD_SIZE], b64[64];
	char text[128];
	unsigned len;
	snprintf(text, sizeof text, "%.*s%s", (int)n, key, guid);
	assert_int_equal(EVP_Digest(text, strlen(text), sum, &len, EVP_sha1(), NULL), 1);
	EVP_EncodeBlock(b64, sum, (int)len);
	char head[300];
	snprintf(head, sizeof head, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", b64);
	tcp_send(p->conn, slice_of(head));
	p->up = true;
	p->upgrades++;
}

static inline void peer_upgrade(struct peer *p)
{
	const char *end = memmem(p->in.p, p->in.n, "\r\n\r\n", 4);
	const char *key = p->in.n ? strcasestr(buf_z(&p->in), "Sec-WebSocket-Key: ") : NULL;
	if (!end || !key)
		return;
	if (p->upgrade) {
		if (strcmp(p->upgrade, "cut") == 0)
			tcp_reset(p->conn);
		else if (*p->upgrade) {
			tcp_send(p->conn, slice_of(p->upgrade));
			tcp_close(p->conn);
		}
		buf_clear(&p->in);
		return;
	}
	key += strlen("Sec-WebSocket-Key: ");
	peer_accept(p, key, strcspn(key, "\r\n"));
	buf_clear(&p->in);
	if (p->close_at_once)
		peer_close(p, p->close_at_once, p->close_text);
}

static inline void peer_frame_in(struct peer *p, int opcode, const char *data, size_t n)
{
	char wrong[125];
	switch (opcode) {
	case 1:
		if (p->frames++ == 0)
			snprintf(p->first, sizeof p->first, "%.*s", (int)n, data);
		if (p->answer)
			peer_text(p, p->answer);
		if (p->close_code)
			peer_close(p, p->close_code, p->close_text);
		return;
	case 8:
		p->their_close = n >= 2 ? (unsigned char)data[0] << 8 | (unsigned char)data[1] : 1005;
		if (!p->no_pong) {
			peer_frame(p, 8, data, n);
			tcp_close(p->conn);
		}
		return;
	case 9:
		p->pings++;
		memcpy(wrong, data, n);
		if (n)
			wrong[0] ^= 1;
		if (!p->no_pong)
			peer_frame(p, 10, p->wrong_pong ? wrong : data, n);
		return;
	default:
		return;
	}
}

/* One masked client frame from the front of p->in; false if it is not all there. */
static inline bool peer_take(struct peer *p)
{
	const unsigned char *b = (const unsigned char *)p->in.p;
	size_t head = 2, n;
	if (p->in.n < 2)
		return false;
	n = b[1] & 0x7f;
	if (n == 126) {
		head = 4;
		if (p->in.n < 4)
			return false;
		n = (size_t)b[2] << 8 | b[3];
	}
	assert_true(b[1] & 0x80);
	if (p->in.n < head + 4 + n)
		return false;
	char *data = xcalloc(1, n + 1);
	for (size_t i = 0; i < n; i++)
		data[i] = (char)(b[head + 4 + i] ^ b[head + (i & 3)]);
	int opcode = b[0] & 15;
	size_t all = head + 4 + n;
	memmove(p->in.p, p->in.p + all, p->in.n - all);
	p->in.n -= all;
	peer_frame_in(p, opcode, data, n);
	free(data);
	return true;
}

static inline void *peer_on_accept(void *ctx, struct tcp_conn *c)
{
	struct peer *p = ctx;
	p->conn = c;
	p->conns++;
	p->up = false;
	p->frames = 0;
	buf_clear(&p->in);
	return p;
}

static inline void peer_on_data(void *ctx, struct tcp_conn *c, struct slice bytes)
{
	struct peer *p = ctx;
	if (c != p->conn)
		return;
	buf_add(&p->in, bytes.p, bytes.n);
	if (!p->up)
		peer_upgrade(p);
	else
		while (p->conn && peer_take(p))
			;
}

static inline void peer_on_end(void *ctx)
{
	(void)ctx;
}

static inline void peer_start(struct peer *p, struct loop *l)
{
	static const struct tcp_handler h = { peer_on_accept, peer_on_data, peer_on_end };
	struct err e = { 0 };
	*p = (struct peer){ 0 };
	assert_int_equal(tcp_listen(&p->server, l, "127.0.0.1", 0, &h, p, &e), RC_OK);
}

static inline void peer_stop(struct peer *p)
{
	if (p->server)
		tcp_server_free(p->server);
	p->server = NULL;
	buf_done(&p->in);
}

#endif
