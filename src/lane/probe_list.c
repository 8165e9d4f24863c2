#include "lane/probe_list.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGES_MAX = 100000 };

struct waiter {
	struct waiter *next;
	struct buf id;
	lane_probe_fn *fn;
	void *ctx;
	int64_t since_us;
};

struct probe_list {
	struct lane *ln;
	struct waiter *next_run, *asked;        /* asked: by the list that runs */
	struct buf cursor;
	int64_t pages;
	bool running, begins, stopped;
	struct loop_timer *timer;
};

static void page_come(void *ctx, const struct lane_page *p);

static void answer(struct waiter *w, const struct lane_probe *said)
{
	struct lane_probe p = *said;
	p.took_us = now_read().boot_us - w->since_us;
	w->fn(w->ctx, &p);
	buf_done(&w->id);
	free(w);
}

static void answer_all(struct waiter **list, const struct lane_probe *said)
{
	struct waiter *w = *list, *next;
	*list = NULL;
	for (; w; w = next) {
		next = w->next;
		answer(w, said);
	}
}

static void answer_found(struct probe_list *p, const struct lane_page *page, const struct lane_item *it)
{
	for (struct waiter **at = &p->asked; *at;) {
		struct waiter *w = *at;
		if (!slice_eq(buf_slice(&w->id), it->id)) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		answer(w, &(struct lane_probe){ .presence = LANE_PRESENT, .item = *it, .wait_ms = -1, .status = page->status });
	}
}

static void ask_page(struct probe_list *p)
{
	p->ln->kind->list(p->ln, buf_slice(&p->cursor), page_come, p);
}

static void begin(void *ctx)
{
	struct probe_list *p = ctx;
	p->begins = false;
	if (p->stopped || p->running || !p->next_run)
		return;
	p->running = true;
	p->asked = p->next_run;
	p->next_run = NULL;
	p->pages = 0;
	buf_clear(&p->cursor);
	ask_page(p);
}

/* At the end of this turn of the loop, so that a burst of questions shares one list. */
static void begin_soon(struct probe_list *p)
{
	if (p->begins || p->running || p->stopped)
		return;
	p->begins = true;
	loop_timer_start(p->timer, 0, 0);
}

static void end(struct probe_list *p, const struct lane_probe *rest)
{
	answer_all(&p->asked, rest);
	p->running = false;
	if (p->next_run)
		begin_soon(p);
}

static void fail(struct probe_list *p, const struct lane_page *page, enum lane_trouble t, const char *why)
{
	struct lane_probe none = { .presence = LANE_NO_ANSWER, .trouble = t, .wait_ms = page->wait_ms, .status = page->status };
	snprintf(none.detail, sizeof none.detail, "%.190s", why);
	end(p, &none);
}

static void page_come(void *ctx, const struct lane_page *page)
{
	struct probe_list *p = ctx;
	if (page->trouble != LANE_FINE) {
		fail(p, page, page->trouble, page->detail);
		return;
	}
	for (size_t i = 0; i < page->n && p->asked; i++)
		answer_found(p, page, &page->items[i]);
	if (page->last || !p->asked) {
		end(p, &(struct lane_probe){ .presence = LANE_ABSENT, .wait_ms = -1, .status = page->status });
	} else if (!page->cursor.n || slice_eq(page->cursor, buf_slice(&p->cursor)) || ++p->pages >= PAGES_MAX) {
		fail(p, page, LANE_GARBLED, "the list does not end");
	} else {
		buf_clear(&p->cursor);
		buf_add(&p->cursor, page->cursor.p, page->cursor.n);
		ask_page(p);
	}
}

struct probe_list *probe_list_new(struct lane *ln)
{
	struct probe_list *p = xcalloc(1, sizeof *p);
	p->ln = ln;
	p->timer = loop_timer_new(ln->loop, begin, p);
	return p;
}

void probe_list_ask(struct probe_list *p, struct slice id, lane_probe_fn *fn, void *ctx)
{
	struct waiter *w = xcalloc(1, sizeof *w);
	buf_add(&w->id, id.p, id.n);
	w->fn = fn;
	w->ctx = ctx;
	w->since_us = now_read().boot_us;
	w->next = p->next_run;
	p->next_run = w;
	begin_soon(p);
}

void probe_list_stop(struct probe_list *p)
{
	p->stopped = true;
	loop_timer_stop(p->timer);
}

void probe_list_free(struct probe_list *p)
{
	static const struct lane_probe gone = { .presence = LANE_NO_ANSWER, .trouble = LANE_CUT, .wait_ms = -1, .detail = "cancelled here" };
	if (!p)
		return;
	probe_list_stop(p);
	answer_all(&p->asked, &gone);
	answer_all(&p->next_run, &gone);
	loop_timer_free(p->timer);
	buf_done(&p->cursor);
	free(p);
}
