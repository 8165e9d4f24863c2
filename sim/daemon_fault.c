#include "sim/daemon_impl.h"

#include <string.h>

#include "base/mem.h"

static void send_truth(struct session *s, const struct answer *truth)
{
	if (truth && truth->text.n)
		wsd_text(s->c, buf_slice(&truth->text));
	if (truth && truth->close_code)
		session_close(s, truth->close_code, truth->close_reason);
}

static void say_close(struct session *s, const struct fault_rule *r, enum fault_op op)
{
	const struct fault_kind *k = r->kind;
	int code = k->arg == ARG_CODE ? (int)r->arg : k->status;
	if (code == 4003 && op == OP_HELLO)
		wsd_text(s->c, SLICE_LIT("{\"op\":\"hello_ack\",\"ok\":false,\"error\":\"unauthorized\"}"));
	session_close(s, code, k->message);
}

static void one_frame(struct session *s, int opcode, struct slice payload, const uint8_t *mask)
{
	struct buf *b = wsd_raw(s->c);
	if (b)
		frame_write(b, true, opcode, payload, mask);
}

static void huge(struct session *s, int64_t bytes)
{
	struct buf m = { 0 };
	char piece[4096];
	memset(piece, ' ', sizeof(piece));
	buf_adds(&m, "{\"op\":\"stream_chunk\",\"chunk\":\"");
	while ((int64_t)m.n < bytes - 2)
		buf_add(&m, piece, (size_t)MIN(bytes - 2 - (int64_t)m.n, (int64_t)sizeof(piece)));
	buf_adds(&m, "\"}");
	wsd_text(s->c, buf_slice(&m));
	buf_done(&m);
}

static void fragments(struct session *s, int64_t n, struct slice text)
{
	struct buf *b = wsd_raw(s->c);
	for (int64_t i = 0; b && i < n; i++) {
		size_t from = (size_t)((__int128)text.n * i / n), to = (size_t)((__int128)text.n * (i + 1) / n);
		frame_write(b, i + 1 == n, i ? FRAME_CONT : FRAME_TEXT, (struct slice){ text.p + from, to - from }, NULL);
		if (i + 1 < n)
			frame_write(b, true, FRAME_PING, SLICE_LIT("between"), NULL);
	}
}

static void on_late(void *ctx)
{
	struct session *s = ctx;
	struct buf *b = wsd_raw(s->c);
	if (b)
		buf_add(b, s->later.p, s->later.n);
	buf_clear(&s->later);
}

static void late(struct session *s, int64_t ms, const struct answer *truth)
{
	if (!truth || !truth->text.n)
		return;
	frame_write(&s->later, true, FRAME_TEXT, buf_slice(&truth->text), NULL);
	session_start_timer(s, &s->late, on_late, ms, 0);
}

static struct slice text_of(const struct answer *truth)
{
	return truth && truth->text.n ? buf_slice(&truth->text) : slice_of("{}");
}

void daemon_fault(struct session *s, const struct fault_rule *r, enum fault_op op, const struct answer *truth)
{
	static const uint8_t mask[4] = { 1, 2, 3, 4 };
	struct jw *w = daemon_event(s->d, "fault", s->conn);
	jw_kz(w, "fault", r->kind->name);
	jw_kz(w, "op", fault_op_name(op));
	jw_ki64(w, "rule", r->number);
	daemon_event_end(s->d);
	s->d->faults++;
	switch (r->kind->say) {
	case SAY_CLOSE:
		say_close(s, r, op);
		return;
	case SAY_TCP_END:
		wsd_cut(s->c, r->reset);
		return;
	case SAY_NEVER:
		wsd_deaf(s->c);
		loop_timer_free(s->ping);
		loop_timer_free(s->tick);
		loop_timer_free(s->hello);
		s->ping = s->tick = s->hello = NULL;
		return;
	case SAY_NO_PONG:
		s->no_pong |= op != OP_PING;
		send_truth(s, truth);
		return;
	case SAY_FLAP:
		session_flap(s, r->arg);
		send_truth(s, truth);
		return;
	case SAY_BAD_JSON:
		wsd_text(s->c, SLICE_LIT("{\"op\":\"hello_ack\",\"ok\":tru"));
		return;
	case SAY_BAD_UTF8:
		one_frame(s, FRAME_TEXT, SLICE_LIT("{\"op\":\"\xC3\x28\xFF\"}"), NULL);
		return;
	case SAY_HUGE_FRAME:
		huge(s, r->arg);
		return;
	case SAY_FRAGMENTS:
		fragments(s, r->arg, text_of(truth));
		return;
	case SAY_MASKED:
		one_frame(s, FRAME_TEXT, text_of(truth), mask);
		return;
	case SAY_BAD_OPCODE:
		one_frame(s, 3, text_of(truth), NULL);
		return;
	case SAY_LATE:
		late(s, r->arg, truth);
		return;
	case SAY_REFUSE:
	case SAY_BAD_ACCEPT:
	case SAY_TRUTH:
	case SAY_ERROR:
	case SAY_NOTHING:
	case SAY_BROKEN:
	case SAY_NOT_DELETED:
	case SAY_WRONG_ID:
	case SAY_HUGE:
	case SAY_DELETED:
	case SAY_SAME_PAGE:
	case SAY_EMPTY_PAGE:
	case SAY_TWICE:
	case SAY_OTHER_BYTE:
	case SAY_ONE_MORE:
		return;
	}
}
