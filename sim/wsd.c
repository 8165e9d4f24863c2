#include "sim/wsd.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "sim/httpd.h"
#include "sim/sha1.h"

enum { CLOSE_WAIT_MS = 1000 };

struct wsd {
	struct loop *loop;
	struct outbox *box;
	struct tcp_server *tcp;
	size_t max_message;
	struct wsd_handler h;
	void *ctx;
};

struct wsd_conn {
	struct wsd *s;
	struct out out;
	int64_t number;
	void *cc;                       /* NULL until the upgrade */
	bool open, deaf, close_sent;
	struct buf in, message;
	int message_opcode;             /* of the message under way, 0 none */
	struct loop_timer *timer;
};

/* ---- sending ---- */

bool wsd_closing(const struct wsd_conn *c)
{
	return c->close_sent || out_ending(&c->out);
}

struct buf *wsd_raw(struct wsd_conn *c)
{
	return wsd_closing(c) ? NULL : out_bytes(&c->out);
}

void wsd_text(struct wsd_conn *c, struct slice msg)
{
	if (!wsd_closing(c))
		frame_write(out_bytes(&c->out), true, FRAME_TEXT, msg, NULL);
}

void wsd_control(struct wsd_conn *c, int opcode, struct slice payload)
{
	if (!wsd_closing(c))
		frame_write(out_bytes(&c->out), true, opcode, payload, NULL);
}

static void waited(void *ctx)
{
	struct wsd_conn *c = ctx;
	out_end(&c->out, OUT_CLOSES);
}

void wsd_close(struct wsd_conn *c, int code, struct slice reason)
{
	if (wsd_closing(c))
		return;
	frame_write_close(out_bytes(&c->out), code, reason);
	c->close_sent = true;
	c->timer = loop_timer_new(c->s->loop, waited, c);
	loop_timer_start(c->timer, CLOSE_WAIT_MS, 0);
}

void wsd_cut(struct wsd_conn *c, bool reset)
{
	out_end(&c->out, reset ? OUT_RESETS : OUT_CLOSES);
}

void wsd_deaf(struct wsd_conn *c)
{
	c->deaf = true;
	buf_done(&c->in);
}

/* ---- the upgrade ---- */

static void refuse(struct wsd_conn *c, int status)
{
	struct buf *b = out_bytes(&c->out);
	buf_addf(b, "HTTP/1.1 %d %s\r\nContent-Length: 0\r\nConnection: close\r\n%s\r\n", status, http_phrase(status),
		 status == 426 ? "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" : "");
	out_end(&c->out, OUT_CLOSES);
}

static bool asks_upgrade(const struct head *h, struct slice *key)
{
	struct buf raw = { 0 };
	*key = head_get(h, "sec-websocket-key");
	bool ok = slice_is(h->method, "GET") && !h->http10 && head_has(h, "upgrade", "websocket") && head_has(h, "connection", "upgrade") &&
		  slice_is(head_get(h, "sec-websocket-version"), "13") && base64_decode(&raw, *key) && raw.n == 16;
	buf_done(&raw);
	return ok;
}

static void accept_key(struct buf *out, struct slice key, bool wrong)
{
	struct buf text = { 0 };
	uint8_t sum[20];
	buf_add(&text, key.p, key.n);
	buf_adds(&text, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
	sha1(sum, text.p, text.n);
	sum[0] ^= wrong;
	base64_encode(out, sum, sizeof(sum));
	buf_done(&text);
}

/* The request at the start of in; false while it is not complete or when the connection is ending. */
static bool upgrade(struct wsd_conn *c, struct slice *in)
{
	struct head h;
	struct slice key;
	enum head_result r = head_parse(*in, &h);
	if (r == HEAD_MORE)
		return false;
	int status = r != HEAD_OK ? 400 : !asks_upgrade(&h, &key) ? 426 : 0;
	if (status) {
		c->s->h.on_refused(c->s->ctx, c->number, status);
		return refuse(c, status), false;
	}
	status = c->s->h.on_upgrade(c->s->ctx, c->number);
	if (status > 0)
		return refuse(c, status), false;
	struct buf *b = out_bytes(&c->out);
	buf_adds(b, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ");
	accept_key(b, key, status == WSD_ACCEPT_WRONGLY);
	buf_adds(b, "\r\n\r\n");
	*in = (struct slice){ in->p + h.bytes, in->n - h.bytes };
	c->open = true;
	c->cc = c->s->h.on_open(c->s->ctx, c, c->number);
	return true;
}

/* ---- frames ---- */

static void protocol_error(struct wsd_conn *c, int code, const char *reason)
{
	if (!c->close_sent)
		c->s->h.on_close(c->cc, code, slice_of(reason), true);
	wsd_close(c, code, slice_of(reason));
	wsd_deaf(c);
}

static void peer_close(struct wsd_conn *c, struct slice payload)
{
	const unsigned char *p = (const unsigned char *)payload.p;
	int code = payload.n >= 2 ? p[0] << 8 | p[1] : 1005;
	struct slice reason = payload.n >= 2 ? (struct slice){ payload.p + 2, payload.n - 2 } : slice_of("");
	if (payload.n == 1 || (payload.n && !frame_close_code_ok(code)))
		return protocol_error(c, 1002, "bad close");
	if (!utf8_valid(reason))
		return protocol_error(c, 1007, "bad close reason");
	c->s->h.on_close(c->cc, code, reason, false);
	if (!wsd_closing(c))
		frame_write_close(out_bytes(&c->out), payload.n ? code : 0, slice_of(""));
	c->close_sent = true;
	out_end(&c->out, OUT_CLOSES);
}

static void data_frame(struct wsd_conn *c, const struct frame *f, struct slice payload)
{
	if ((f->opcode == FRAME_CONT) != (c->message_opcode != 0))
		return protocol_error(c, 1002, "continuation out of place");
	if (f->opcode != FRAME_CONT)
		c->message_opcode = f->opcode;
	if (payload.n > c->s->max_message - c->message.n)
		return protocol_error(c, 1009, "message too big");
	buf_add(&c->message, payload.p, payload.n);
	if (!f->fin)
		return;
	struct buf whole = c->message;
	bool text = c->message_opcode == FRAME_TEXT;
	c->message_opcode = 0;
	buf_init(&c->message);
	if (text && !utf8_valid(buf_slice(&whole)))
		protocol_error(c, 1007, "invalid UTF-8");
	else if (!c->close_sent)
		c->s->h.on_message(c->cc, buf_slice(&whole), !text);
	buf_done(&whole);
}

static void whole_frame(struct wsd_conn *c, const struct frame *f, struct slice payload)
{
	if (!f->masked || f->rsv)
		return protocol_error(c, 1002, f->masked ? "reserved bits" : "not masked");
	switch (f->opcode) {
	case FRAME_CONT:
	case FRAME_TEXT:
	case FRAME_BINARY:
		data_frame(c, f, payload);
		return;
	case FRAME_CLOSE:
		peer_close(c, payload);
		return;
	case FRAME_PING:
		c->s->h.on_ping(c->cc, payload);
		return;
	case FRAME_PONG:
		c->s->h.on_pong(c->cc, payload);
		return;
	default:
		protocol_error(c, 1002, "unknown opcode");
	}
}

/* One frame from the front of c->in; false when there is none. */
static bool one_frame(struct wsd_conn *c, size_t *at)
{
	struct frame f;
	struct slice in = { c->in.p + *at, c->in.n - *at };
	switch (frame_read(in, c->s->max_message, &f)) {
	case FRAME_MORE:
		return false;
	case FRAME_BAD:
		protocol_error(c, 1002, "malformed frame");
		return false;
	case FRAME_TOO_LARGE:
		protocol_error(c, 1009, "message too big");
		return false;
	case FRAME_OK:
		break;
	}
	char *payload = c->in.p + *at + f.head;
	frame_unmask(&f, payload);
	*at += f.head + f.payload;
	whole_frame(c, &f, (struct slice){ payload, f.payload });
	return true;
}

static void on_data(void *ctx, struct tcp_conn *tc, struct slice bytes)
{
	struct wsd_conn *c = ctx;
	size_t at = 0;
	(void)tc;
	if (c->deaf || out_ending(&c->out))
		return;
	buf_add(&c->in, bytes.p, bytes.n);
	if (!c->open) {
		struct slice in = buf_slice(&c->in);
		if (!upgrade(c, &in))
			return;
		at = c->in.n - in.n;
	}
	while (!c->deaf && !out_ending(&c->out) && one_frame(c, &at))
		;
	if (c->deaf || at == 0)
		return;
	memmove(c->in.p, c->in.p + at, c->in.n - at);
	c->in.n -= at;
}

/* ---- life ---- */

static void *on_accept(void *ctx, struct tcp_conn *tc)
{
	struct wsd *s = ctx;
	struct wsd_conn *c = xcalloc(1, sizeof(*c));
	c->s = s;
	c->number = conn_number();
	out_init(&c->out, s->box, tc);
	return c;
}

static void on_end(void *ctx)
{
	struct wsd_conn *c = ctx;
	if (c->open)
		c->s->h.on_end(c->cc);
	loop_timer_free(c->timer);
	out_done(&c->out);
	buf_done(&c->in);
	buf_done(&c->message);
	free(c);
}

enum rc wsd_listen(struct wsd **out, struct loop *l, struct outbox *box, int port, size_t max_message,
		   const struct wsd_handler *h, void *ctx, struct err *e)
{
	static const struct tcp_handler tcp = { on_accept, on_data, on_end };
	struct wsd *s = xcalloc(1, sizeof(*s));
	s->loop = l;
	s->box = box;
	s->max_message = max_message;
	s->h = *h;
	s->ctx = ctx;
	enum rc rc = tcp_listen(&s->tcp, l, "127.0.0.1", port, &tcp, s, e);
	if (rc != RC_OK) {
		free(s);
		return rc;
	}
	*out = s;
	return RC_OK;
}

int wsd_port(const struct wsd *s)
{
	return tcp_port(s->tcp);
}

void wsd_free(struct wsd *s)
{
	if (!s)
		return;
	tcp_server_free(s->tcp);
	free(s);
}
