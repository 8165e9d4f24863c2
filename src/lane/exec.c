/* Lanes whose store is behind a script: requests and answers as lines of JSON (sluice-exec(7)). The
 * script is started when it is first needed and stays; when it ends, what it was asked and did not
 * answer is unknown. */
#include "lane/lane_impl.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "lane/exec_read.h"
#include "lane/exec_script.h"
#include "lane/probe_list.h"
#include "net/child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 1 << 20, RESTART_MS = 1000, GRACE_MS = 2000 };

enum exec_op { EXEC_HELLO, EXEC_LIST, EXEC_PROBE, EXEC_DELETE, EXEC_REFS };
static const char *const op_words[] = { [EXEC_HELLO] = "hello", [EXEC_LIST] = "list", [EXEC_PROBE] = "probe", [EXEC_DELETE] = "delete",
	[EXEC_REFS] = "refs" };

struct ask {
	struct ask *next;
	int64_t id;
	enum exec_op op;
	struct buf subject;             /* the item, or the cursor of a list */
	union {
		lane_page_fn *page;
		lane_answer_fn *answer;
		lane_probe_fn *probe;
		lane_refs_fn *refs;
	} fn;
	void *ctx;
	bool written;
	int64_t made_us, written_us, due_us;
};

struct exec_lane {
	struct lane base;
	struct exec_script *script;
	struct child *child;
	bool ready, can_probe;          /* the hello was answered */
	bool for_deletes;               /* it was started for more than reads */
	bool stopping, freed;
	char why_stopped[160];
	int64_t heard_us, started_us;
	enum http_permit permit;
	struct ask *asks, **tail;       /* in the order in which they came */
	int64_t ids, sent;
	struct probe_list *lists;
	struct loop_timer *timer;
};

static struct exec_lane *self(struct lane *ln) { return (struct exec_lane *)ln; }
static const struct exec_lane *self_const(const struct lane *ln) { return (const struct exec_lane *)ln; }

static void pump(struct exec_lane *ln);

static int64_t limit_us(const struct exec_lane *ln, enum exec_op op)
{
	return (op == EXEC_LIST || op == EXEC_REFS ? ln->base.cfg->list_timeout_ms : ln->base.cfg->timeout_ms) * 1000;
}

/* ---- questions ---- */

static struct ask *ask_new(struct exec_lane *ln, enum exec_op op, struct slice subject, void *ctx)
{
	struct ask *q = xcalloc(1, sizeof *q);
	q->id = ln->ids++;
	q->op = op;
	q->ctx = ctx;
	q->made_us = now_read().boot_us;
	q->due_us = q->made_us + limit_us(ln, op);
	buf_add(&q->subject, subject.p, subject.n);
	*ln->tail = q;
	ln->tail = &q->next;
	return q;
}

static void ask_unlink(struct exec_lane *ln, struct ask *q)
{
	struct ask **at = &ln->asks;
	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	if (!q->next)
		ln->tail = at;
}

static void ask_free(struct ask *q)
{
	buf_done(&q->subject);
	free(q);
}

/* The answer to a question that the script did not answer. */
static void give_up(struct exec_lane *ln, struct ask *q, enum lane_trouble t, const char *why)
{
	enum lane_trouble trouble = q->written || t == LANE_NOT_PERMITTED ? t : LANE_NETWORK;
	struct lane_answer a = { .kind = q->written ? LANE_UNCLEAR : LANE_NOT_SENT, .trouble = trouble, .left = q->written, .wait_ms = -1,
		.class_ = q->written ? RETRY_TIMEOUT : t == LANE_NOT_PERMITTED ? RETRY_NONE_CLASS : RETRY_NETWORK,
		.took_us = now_read().boot_us - q->made_us };
	struct lane_page page = { .trouble = trouble, .wait_ms = -1, .date_us = -1 };
	struct lane_probe probe = { .presence = LANE_NO_ANSWER, .trouble = trouble, .wait_ms = -1, .took_us = a.took_us };
	struct lane_refs refs = { .trouble = trouble, .wait_ms = -1 };
	ask_unlink(ln, q);
	snprintf(a.detail, sizeof a.detail, "%.190s", why);
	memcpy(page.detail, a.detail, sizeof page.detail);
	memcpy(probe.detail, a.detail, sizeof probe.detail);
	memcpy(refs.detail, a.detail, sizeof refs.detail);
	switch (q->op) {
	case EXEC_HELLO: break;
	case EXEC_LIST: q->fn.page(q->ctx, &page); break;
	case EXEC_PROBE: q->fn.probe(q->ctx, &probe); break;
	case EXEC_DELETE: q->fn.answer(q->ctx, &a); break;
	case EXEC_REFS: q->fn.refs(q->ctx, &refs); break;
	}
	ask_free(q);
}

/* Everybody who asked up to now, or only those whose question was written; who asks from the
 * callbacks waits for the next script. */
static void give_up_all(struct exec_lane *ln, bool only_written, enum lane_trouble t, const char *why)
{
	int64_t before = ln->ids;
	for (struct ask *q = ln->asks; q && q->id < before;) {
		if (only_written && !q->written) {
			q = q->next;
			continue;
		}
		give_up(ln, q, t, why);
		q = ln->asks;
	}
}

static bool any_written(const struct exec_lane *ln)
{
	for (const struct ask *q = ln->asks; q; q = q->next)
		if (q->written)
			return true;
	return false;
}

/* ---- the clock ---- */

static void set_timer(struct exec_lane *ln)
{
	int64_t due = INT64_MAX, now = now_read().boot_us;
	for (const struct ask *q = ln->asks; q; q = q->next)
		due = MIN(due, q->due_us);
	if (ln->asks && !ln->child)
		due = MIN(due, ln->started_us + RESTART_MS * 1000);
	if (due == INT64_MAX)
		loop_timer_stop(ln->timer);
	else
		loop_timer_start(ln->timer, MAX((due - now + 999) / 1000, 0), 0);
}

static void stop_script(struct exec_lane *ln, const char *why)
{
	if (!ln->child || ln->stopping)
		return;
	ln->stopping = true;
	snprintf(ln->why_stopped, sizeof ln->why_stopped, "%s", why);
	child_stop(ln->child, GRACE_MS);
}

/* A script that answers nobody else either is stuck; one that answers others goes on. */
static void on_timer(void *ctx)
{
	struct exec_lane *ln = ctx;
	int64_t now = now_read().boot_us;
	struct ask *next;
	for (struct ask *q = ln->asks; q; q = next) {
		next = q->next;
		if (q->due_us > now)
			continue;
		if (q->written && ln->heard_us < q->written_us)
			stop_script(ln, "the script did not answer in time and was ended");
		if (q->op == EXEC_HELLO)
			q->due_us = INT64_MAX;
		else
			give_up(ln, q, LANE_TIMEOUT, q->written ? "no answer of the script in time" : "the script was not ready in time");
		next = ln->asks;        /* the callback may have asked */
	}
	pump(ln);
}

/* ---- the script ---- */

static void write_ask(struct exec_lane *ln, struct ask *q)
{
	struct buf b = { 0 };
	struct jw w;
	jw_init(&w, &b);
	jw_obj(&w);
	jw_ki64(&w, "id", q->id);
	jw_kz(&w, "op", op_words[q->op]);
	if (q->op == EXEC_HELLO) {
		jw_ki64(&w, "version", EXEC_VERSION);
		jw_kz(&w, "lane", ln->base.cfg->name);
		jw_kz(&w, "account", ln->base.cfg->account);
		jw_kbool(&w, "deletes", ln->for_deletes);
	} else if (q->op == EXEC_LIST || q->op == EXEC_REFS) {
		jw_kstr(&w, "cursor", buf_slice(&q->subject));
		jw_ki64(&w, "limit", ln->base.cfg->page_items);
	} else {
		jw_kstr(&w, "item", buf_slice(&q->subject));
	}
	jw_end_obj(&w);
	buf_addc(&b, '\n');
	q->written = true;
	q->written_us = now_read().boot_us;
	q->due_us = q->written_us + limit_us(ln, q->op);
	ln->sent += q->op != EXEC_HELLO;
	child_send(ln->child, buf_slice(&b));
	buf_done(&b);
}

static void answer(struct exec_lane *ln, struct ask *q, const struct exec_said *s)
{
	int64_t took = now_read().boot_us - q->made_us;
	struct slice subject = buf_slice(&q->subject);
	struct lane_answer a;
	struct lane_page page;
	struct lane_probe probe;
	struct lane_item *items = NULL;
	struct lane_refs found;
	struct lane_ref *refs = NULL;
	ask_unlink(ln, q);
	switch (q->op) {
	case EXEC_HELLO:
		break;
	case EXEC_LIST:
		exec_read_page(s, &page, &items);
		q->fn.page(q->ctx, &page);
		break;
	case EXEC_PROBE:
		exec_read_probe(s, subject, &probe);
		probe.took_us = took;
		q->fn.probe(q->ctx, &probe);
		break;
	case EXEC_DELETE:
		exec_read_delete(s, subject, &a);
		a.took_us = took;
		q->fn.answer(q->ctx, &a);
		break;
	case EXEC_REFS:
		exec_read_refs(s, &found, &refs);
		q->fn.refs(q->ctx, &found);
		break;
	}
	free(refs);
	free(items);
	ask_free(q);
}

static enum rc take_answer(struct exec_lane *ln, const struct exec_said *s, struct err *e)
{
	struct ask *q = ln->asks;
	if (s->id >= ln->ids)
		return err_set(e, RC_FORMAT, "the script answers a question that nobody asked");
	while (q && q->id != s->id)
		q = q->next;
	if (!q)
		return RC_OK;           /* too late: it was given up */
	if (!q->written)
		return err_set(e, RC_FORMAT, "the script answers a question before it was asked");
	if (q->op == EXEC_HELLO) {
		enum rc rc = exec_read_hello(s, &ln->can_probe, e);
		if (rc != RC_OK)
			return rc;
		ln->ready = true;
	}
	answer(ln, q, s);
	return RC_OK;
}

static void on_line(void *ctx, struct slice line)
{
	struct exec_lane *ln = ctx;
	struct exec_said s;
	struct err e = { 0 };
	if (ln->stopping)
		return;
	ln->heard_us = now_read().boot_us;
	enum rc rc = exec_read_line(&s, line, &e);
	if (rc == RC_OK)
		rc = take_answer(ln, &s, &e);
	exec_said_done(&s);
	if (rc != RC_OK)
		stop_script(ln, e.text);
	pump(ln);
}

static void on_ended(void *ctx, const struct child_end *end)
{
	struct exec_lane *ln = ctx;
	struct buf b = { 0 };
	if (ln->stopping)
		buf_adds(&b, ln->why_stopped);
	else if (end->too_long)
		buf_addf(&b, "the script wrote a line above %d bytes and was ended", LINE_MAX_BYTES);
	else if (end->signal)
		buf_addf(&b, "the script was ended by signal %d", end->signal);
	else
		buf_addf(&b, "the script ended with %d", end->exit_status);
	if (end->last_words[0])
		buf_addf(&b, "; it said: %s", end->last_words);
	bool was_ready = ln->ready;
	child_free(ln->child);
	ln->child = NULL;
	ln->ready = ln->stopping = false;
	give_up_all(ln, was_ready, LANE_CUT, buf_z(&b));
	buf_done(&b);
	pump(ln);
}

static enum rc start_script(struct exec_lane *ln, struct err *e)
{
	static const struct child_handler h = { on_line, on_ended };
	struct child_opts o = { .argv = exec_script_argv(ln->script), .env = exec_script_env(ln->script), .max_line = LINE_MAX_BYTES };
	ln->started_us = now_read().boot_us;
	enum rc rc = exec_script_check(ln->script, e);
	if (rc == RC_OK)
		rc = child_start(&ln->child, ln->base.loop, &o, &h, ln, e);
	if (rc != RC_OK)
		return rc;
	ln->for_deletes = ln->permit == HTTP_ALL;
	struct ask *hello = ask_new(ln, EXEC_HELLO, slice_of(NULL), NULL);
	write_ask(ln, hello);
	return RC_OK;
}

/* Every question that may be written now. A script that was started for reads never sees a delete, and
 * one that was started for deletes is not asked where the mode allows reads only. */
static void write_all(struct exec_lane *ln)
{
	struct ask *next;
	for (struct ask *q = ln->asks; q; q = next) {
		next = q->next;
		if (q->written)
			continue;
		if (q->op == EXEC_DELETE && ln->permit != HTTP_ALL) {
			give_up(ln, q, LANE_NOT_PERMITTED, "not sent: the mode no longer allows deletes");
			next = ln->asks;
			continue;
		}
		if (ln->permit == HTTP_ALL ? q->op == EXEC_DELETE && !ln->for_deletes : ln->for_deletes) {
			if (!any_written(ln))
				stop_script(ln, "the script is started again in the other mode");
			return;
		}
		if (q->op == EXEC_PROBE && !ln->can_probe) {
			ask_unlink(ln, q);
			probe_list_ask(ln->lists, buf_slice(&q->subject), q->fn.probe, q->ctx);
			ask_free(q);
			continue;
		}
		write_ask(ln, q);
	}
}

static void pump(struct exec_lane *ln)
{
	struct err e = { 0 };
	if (ln->freed)
		return;
	bool may_start = ln->asks && !ln->child && now_read().boot_us >= ln->started_us + RESTART_MS * 1000;
	if (may_start && start_script(ln, &e) != RC_OK)
		give_up_all(ln, false, LANE_NETWORK, e.text);
	if (ln->ready && !ln->stopping)
		write_all(ln);
	set_timer(ln);
}

/* Never from inside the call that asks. */
static void pump_soon(struct exec_lane *ln)
{
	loop_timer_start(ln->timer, 0, 0);
}

/* ---- the lane ---- */

static bool exec_speaks(struct slice dialect) { return slice_is(dialect, "exec"); }
static void exec_names(struct buf *out) { buf_adds(out, "exec"); }
static bool exec_can_get(const struct lane *ln) { return self_const(ln)->ready && self_const(ln)->can_probe; }
static int64_t exec_requests_sent(const struct lane *ln) { return self_const(ln)->sent; }
static void exec_permit(struct lane *ln, enum http_permit p) { self(ln)->permit = p; }
static void exec_identity(const struct lane *ln, struct buf *out) { exec_script_identity(self_const(ln)->script, out); }

/* ---- which items refer to which ---- */

static const struct dialect_place items_place = { .dialect = "exec", .name = "items", .word = "item", .of_items = true };

static enum rc check_places(const struct cfg_lane *cfg, struct err *e)
{
	if (cfg->n_referrers > 1 || (cfg->n_referrers && strcmp(cfg->referrers[0], items_place.name)))
		return err_set(e, RC_USAGE, "lane %s: a script can be asked for the references among its items, nothing else; write "
			       "`referrers: [items]` or remove it", cfg->name);
	return RC_OK;
}

static size_t exec_places(const struct lane *ln) { return ln->cfg->n_referrers; }

static const struct dialect_place *exec_place(const struct lane *ln, size_t place)
{
	(void)ln, (void)place;
	return &items_place;
}

static void exec_refs(struct lane *base, size_t place, struct slice parent, struct slice cursor, lane_refs_fn *fn, void *ctx)
{
	(void)place, (void)parent;
	ask_new(self(base), EXEC_REFS, cursor, ctx)->fn.refs = fn;
	pump_soon(self(base));
}

static enum rc exec_new(struct lane **out, struct loop *l, const struct cfg_lane *cfg, const struct secret *key, struct err *e)
{
	struct exec_lane *ln = xcalloc(1, sizeof *ln);
	ln->base = (struct lane){ .kind = &exec_kind, .loop = l, .cfg = cfg, .key = key };
	ln->tail = &ln->asks;
	ln->permit = HTTP_READS;
	ln->started_us = -RESTART_MS * 1000;
	enum rc rc = check_places(cfg, e);
	if (rc == RC_OK)
		rc = exec_script_new(&ln->script, cfg, e);
	if (rc != RC_OK) {
		free(ln);
		return rc;
	}
	ln->lists = probe_list_new(&ln->base);
	ln->timer = loop_timer_new(l, on_timer, ln);
	*out = &ln->base;
	return RC_OK;
}

static void exec_free(struct lane *base)
{
	struct exec_lane *ln = self(base);
	ln->freed = true;
	probe_list_stop(ln->lists);
	while (ln->asks)
		give_up(ln, ln->asks, LANE_CUT, "cancelled here");
	probe_list_free(ln->lists);
	child_free(ln->child);
	loop_timer_free(ln->timer);
	exec_script_free(ln->script);
	free(ln);
}

static void exec_list(struct lane *base, struct slice cursor, lane_page_fn *fn, void *ctx)
{
	ask_new(self(base), EXEC_LIST, cursor, ctx)->fn.page = fn;
	pump_soon(self(base));
}

static void exec_probe(struct lane *base, struct slice id, lane_probe_fn *fn, void *ctx)
{
	ask_new(self(base), EXEC_PROBE, id, ctx)->fn.probe = fn;
	pump_soon(self(base));
}

struct refusal {
	lane_answer_fn *fn;
	void *ctx;
	enum http_permit permit;
};

static void refuse(void *ctx)
{
	struct refusal *r = ctx;
	struct lane_answer a = { .kind = LANE_NOT_SENT, .trouble = LANE_NOT_PERMITTED, .class_ = RETRY_NONE_CLASS, .wait_ms = -1 };
	snprintf(a.detail, sizeof a.detail, "%s", r->permit == HTTP_REHEARSE ? "rehearsed: recorded instead of sent"
									      : "not sent: the mode allows reads only");
	r->fn(r->ctx, &a);
	free(r);
}

static void exec_delete(struct lane *base, struct slice id, lane_answer_fn *fn, void *ctx)
{
	struct exec_lane *ln = self(base);
	if (ln->permit != HTTP_ALL) {
		struct refusal *r = xmalloc(sizeof *r);
		*r = (struct refusal){ fn, ctx, ln->permit };
		loop_defer(base->loop, refuse, r);
		return;
	}
	ask_new(ln, EXEC_DELETE, id, ctx)->fn.answer = fn;
	pump_soon(ln);
}

const struct lane_kind exec_kind = {
	.speaks = exec_speaks, .names = exec_names, .open = exec_new, .free = exec_free, .permit = exec_permit,
	.can_get = exec_can_get, .requests_sent = exec_requests_sent, .identity = exec_identity,
	.list = exec_list, .probe = exec_probe, .delete_ = exec_delete,
	.places = exec_places, .place = exec_place, .refs = exec_refs,
};
