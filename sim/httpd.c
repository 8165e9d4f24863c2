#include "sim/httpd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

enum { WAITING_MAX = 1 << 20 };         /* pipelined bytes kept while an answer is under way */

struct httpd {
	struct loop *loop;
	struct outbox *box;
	struct tcp_server *tcp;
	size_t max_body;
	struct httpd_handler h;
	void *ctx;
	struct httpd_reply reply;       /* its buffers are reused */
	struct buf body;
	int64_t open, accepted;
	int64_t date_s;
	char date[32];
};

struct conn {
	struct httpd *s;
	struct out out;
	int64_t number, served;
	struct buf in;                  /* what no complete request was made of yet */
	size_t need;                    /* bytes of `in` that complete the request at its start, 0 unknown */
	bool busy;                      /* an answer is held, late or dripping */
	bool continued;                 /* 100 Continue was sent for the request at the start of `in` */
	struct loop_timer *timer;
	struct buf late;                /* what the timer sends */
	size_t late_at;
	int64_t drip_ms;                /* 0: all at once */
	bool late_close;
};

int64_t conn_number(void)
{
	static int64_t last;
	return ++last;
}

const char *http_phrase(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} phrases[] = {
		{ 200, "OK" }, { 201, "Created" }, { 204, "No Content" }, { 400, "Bad Request" }, { 401, "Unauthorized" },
		{ 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" }, { 409, "Conflict" },
		{ 413, "Content Too Large" }, { 423, "Locked" }, { 426, "Upgrade Required" }, { 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" }, { 500, "Internal Server Error" }, { 503, "Service Unavailable" },
	};
	for (size_t i = 0; i < ARRAY_LEN(phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "Status";
}

const char *http_date(char dst[32], int64_t unix_s)
{
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t t = (time_t)unix_s;
	struct tm tm;
	gmtime_r(&t, &tm);
	snprintf(dst, 32, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT", days + 3 * tm.tm_wday, (unsigned)tm.tm_mday % 100u,
		 months + 3 * tm.tm_mon, (unsigned)(tm.tm_year + 1900) % 10000u, (unsigned)tm.tm_hour % 100u, (unsigned)tm.tm_min % 100u,
		 (unsigned)tm.tm_sec % 100u);
	return dst;
}

/* ---- the answer ---- */

static void add_number(struct buf *b, size_t v)
{
	char digits[24];
	size_t at = sizeof(digits);
	do
		digits[--at] = (char)('0' + v % 10);
	while (v /= 10);
	buf_add(b, digits + at, sizeof(digits) - at);
}

static const char *date_now(struct httpd *s)
{
	int64_t now = now_read().wall_us / 1000000;
	if (now != s->date_s)
		http_date(s->date, s->date_s = now);
	return s->date;
}

static void put_head(struct httpd *s, struct buf *b, const struct httpd_reply *r)
{
	buf_adds(b, "HTTP/1.1 ");
	add_number(b, (size_t)r->status);
	buf_addc(b, ' ');
	buf_adds(b, http_phrase(r->status));
	buf_adds(b, "\r\nDate: ");
	buf_adds(b, date_now(s));
	if (r->type) {
		buf_adds(b, "\r\nContent-Type: ");
		buf_adds(b, r->type);
	}
	buf_adds(b, "\r\nContent-Length: ");
	add_number(b, r->body.n + r->padding);
	buf_adds(b, r->close ? "\r\nConnection: close\r\n" : "\r\n");
	buf_add(b, r->fields.p, r->fields.n);
	buf_adds(b, "\r\n");
}

static void put_body(struct buf *b, const struct httpd_reply *r, size_t n)
{
	static const char spaces[4096 + 1] = { [0 ... 4095] = ' ' };
	size_t pad = MIN(r->padding, n);
	for (size_t left = pad; left > 0; left -= MIN(left, (size_t)4096))
		buf_add(b, spaces, MIN(left, (size_t)4096));
	buf_add(b, r->body.p, n - pad);
}

static void process(struct conn *c, struct slice *in);

static void resume(struct conn *c)
{
	c->busy = false;
	struct slice in = buf_slice(&c->in);
	size_t had = in.n;
	process(c, &in);
	size_t used = had - in.n;
	if (used) {
		memmove(c->in.p, c->in.p + used, c->in.n - used);
		c->in.n -= used;
	}
}

static void on_timer(void *ctx)
{
	struct conn *c = ctx;
	size_t n = c->drip_ms ? MIN((size_t)1, c->late.n - c->late_at) : c->late.n - c->late_at;
	buf_add(out_bytes(&c->out), c->late.p + c->late_at, n);
	c->late_at += n;
	if (c->late_at < c->late.n) {
		loop_timer_start(c->timer, c->drip_ms, 0);
		return;
	}
	buf_done(&c->late);
	if (c->late_close)
		out_end(&c->out, OUT_CLOSES);
	else
		resume(c);
}

static void answer_later(struct conn *c, const struct httpd_reply *r, size_t body_n)
{
	bool drips = r->how == HTTPD_DRIP;
	c->busy = true;
	c->late_at = 0;
	c->drip_ms = drips ? MAX(r->drip_ms, 1) : 0;
	c->late_close = r->close || r->how == HTTPD_SHORT;
	put_head(c->s, drips && !r->delay_ms ? out_bytes(&c->out) : &c->late, r);
	put_body(&c->late, r, body_n);
	if (!c->timer)
		c->timer = loop_timer_new(c->s->loop, on_timer, c);
	loop_timer_start(c->timer, MAX(r->delay_ms, c->drip_ms), 0);
}

static void answer(struct conn *c, const struct httpd_reply *r)
{
	size_t body_n = r->body.n + r->padding;
	switch (r->how) {
	case HTTPD_CUT:
	case HTTPD_RESET:
		out_end(&c->out, r->how == HTTPD_RESET ? OUT_RESETS : OUT_CLOSES);
		return;
	case HTTPD_HOLD:
		c->busy = true;
		outbox_touch(c->s->box);
		return;
	case HTTPD_SHORT:
		body_n /= 2;
		break;
	case HTTPD_ANSWER:
	case HTTPD_DRIP:
		break;
	}
	if (r->delay_ms || r->how == HTTPD_DRIP) {
		answer_later(c, r, body_n);
		return;
	}
	put_head(c->s, out_bytes(&c->out), r);
	put_body(out_bytes(&c->out), r, body_n);
	if (r->close || r->how == HTTPD_SHORT)
		out_end(&c->out, OUT_CLOSES);
}

static struct httpd_reply *fresh_reply(struct httpd *s)
{
	struct httpd_reply *r = &s->reply;
	if (r->body.cap > 1 << 22)
		buf_done(&r->body);
	buf_clear(&r->body);
	buf_clear(&r->fields);
	*r = (struct httpd_reply){ .status = 200, .body = r->body, .fields = r->fields };
	return r;
}

/* What is not HTTP is told so, and the connection ends. */
static void refuse(struct conn *c, int status)
{
	struct httpd_reply *r = fresh_reply(c->s);
	r->status = status;
	r->close = true;
	if (c->s->h.on_refused)
		c->s->h.on_refused(c->s->ctx, c->number, status);
	answer(c, r);
}

/* ---- the request ---- */

/* The request at the start of in: HEAD_OK with its whole length in *used and its body in *body. */
static enum head_result take_body(struct conn *c, const struct head *h, struct slice in, struct slice *body, size_t *used)
{
	struct slice rest = { in.p + h->bytes, in.n - h->bytes };
	if (h->chunked) {
		buf_clear(&c->s->body);
		enum head_result r = chunks_parse(rest, c->s->max_body, &c->s->body, used);
		*body = buf_slice(&c->s->body);
		*used += h->bytes;
		return r;
	}
	if ((uint64_t)h->length > c->s->max_body)
		return HEAD_TOO_LARGE;
	*used = h->bytes + (size_t)h->length;
	*body = (struct slice){ rest.p, (size_t)h->length };
	if (in.n < *used)
		c->need = *used;
	return in.n < *used ? HEAD_MORE : HEAD_OK;
}

static void give_way(struct conn *c, const struct head *h)
{
	if (h->expects_continue && !c->continued)
		buf_adds(out_bytes(&c->out), "HTTP/1.1 100 Continue\r\n\r\n");
	c->continued = true;
}

/* One request from the front of *in; false when there is none yet or the connection is ending. */
static bool one_request(struct conn *c, struct slice *in)
{
	struct head h;
	struct slice body;
	size_t used = 0;
	if (in->n < c->need)
		return false;
	c->need = 0;
	enum head_result r = head_parse(*in, &h);
	if (r == HEAD_OK) {
		r = take_body(c, &h, *in, &body, &used);
		if (r == HEAD_MORE)
			give_way(c, &h);
		if (r == HEAD_TOO_LARGE)
			return refuse(c, 413), false;
	}
	if (r == HEAD_MORE)
		return false;
	if (r != HEAD_OK)
		return refuse(c, r == HEAD_TOO_LARGE ? 431 : 400), false;
	struct httpd_request rq = { .head = &h, .body = body, .conn = c->number, .on_conn = ++c->served };
	struct httpd_reply *reply = fresh_reply(c->s);
	reply->close = h.close;
	c->continued = false;
	c->s->h.on_request(c->s->ctx, &rq, reply);
	*in = (struct slice){ in->p + used, in->n - used };
	answer(c, reply);
	return true;
}

static void process(struct conn *c, struct slice *in)
{
	while (in->n && !c->busy && !out_ending(&c->out))
		if (!one_request(c, in))
			break;
}

static void on_data(void *ctx, struct tcp_conn *tc, struct slice bytes)
{
	struct conn *c = ctx;
	(void)tc;
	if (out_ending(&c->out))
		return;
	if (c->busy || c->in.n) {
		buf_add(&c->in, bytes.p, bytes.n);
		if (c->busy && c->in.n > WAITING_MAX)
			out_end(&c->out, OUT_RESETS);
		else if (!c->busy)
			resume(c);
		return;
	}
	process(c, &bytes);
	buf_add(&c->in, bytes.p, bytes.n);
}

static void *on_accept(void *ctx, struct tcp_conn *tc)
{
	struct httpd *s = ctx;
	struct conn *c = xcalloc(1, sizeof(*c));
	c->s = s;
	c->number = conn_number();
	out_init(&c->out, s->box, tc);
	s->open++;
	s->accepted++;
	return c;
}

static void on_end(void *ctx)
{
	struct conn *c = ctx;
	c->s->open--;
	if (c->busy && c->s->h.on_gave_up)
		c->s->h.on_gave_up(c->s->ctx, c->number);
	loop_timer_free(c->timer);
	out_done(&c->out);
	buf_done(&c->in);
	buf_done(&c->late);
	free(c);
}

enum rc httpd_listen(struct httpd **out, struct loop *l, struct outbox *box, int port, size_t max_body,
		     const struct httpd_handler *h, void *ctx, struct err *e)
{
	static const struct tcp_handler tcp = { on_accept, on_data, on_end };
	struct httpd *s = xcalloc(1, sizeof(*s));
	s->loop = l;
	s->box = box;
	s->max_body = max_body;
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

int httpd_port(const struct httpd *s)
{
	return tcp_port(s->tcp);
}

void httpd_free(struct httpd *s)
{
	if (!s)
		return;
	s->h.on_gave_up = NULL;
	tcp_server_free(s->tcp);
	buf_done(&s->reply.body);
	buf_done(&s->reply.fields);
	buf_done(&s->body);
	free(s);
}

int64_t httpd_open(const struct httpd *s)
{
	return s->open;
}

int64_t httpd_accepted(const struct httpd *s)
{
	return s->accepted;
}
