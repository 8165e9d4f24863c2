/* The health page of a link's daemon, asked now and then whether the link is up or not: a daemon that hangs
 * may go on calling itself healthy, so its words stand beside ours. */
#include "engine/delivery_impl.h"

#include "base/mem.h"
#include "base/text.h"
#include "link/said.h"
#include "net/http.h"

#include <stdio.h>
#include <stdlib.h>

enum { ASK_MS = 5000 };

struct said {
	struct dlink *l;
	struct http_call *call;
	struct link_said words;
	int64_t due_us;                 /* boot time */
	int64_t at_us, took_us;         /* of the last answer that was read: wall time; -1 none */
	int status;                     /* HTTP; 0 = there was no answer */
	char trouble[200];              /* why nothing was read, "" none */
};

void delivery_said_open(struct dlink *l)
{
	struct http_opts o = { .max_connections = 4, .allow_plain = true };     /* nothing secret is sent */
	if (!l->cfg->health)
		return;
	struct delivery *d = l->en->delivery;
	if (!d->pages)
		d->pages = http_client_new(l->en->loop, &o);
	l->said = xcalloc(1, sizeof *l->said);
	*l->said = (struct said){ .l = l, .at_us = -1, .took_us = -1 };
	link_said_init(&l->said->words, l->cfg->health);
}

/* What an answer before this one said is not what it says. */
static void forget(struct said *s, const char *why, const char *detail)
{
	link_said_init(&s->words, s->l->cfg->health);
	snprintf(s->trouble, sizeof s->trouble, "its health page %s%.120s", why, detail);
	s->at_us = s->took_us = -1;
}

static void answered(void *ctx, const struct http_answer *a)
{
	struct said *s = ctx;
	s->call = NULL;
	if (s->l->en->delivery->stopping)
		return;
	s->status = a->status;
	s->trouble[0] = '\0';
	if (a->error != HTTP_OK) {
		forget(s, "gives no answer: ", a->detail[0] ? a->detail : http_error_name(a->error));
	} else if (!link_said_read(&s->words, a->body)) {
		char why[64];
		snprintf(why, sizeof why, "answers %d without a JSON object", a->status);
		forget(s, why, "");
	} else {
		s->at_us = wall_us();
		s->took_us = a->took_us;
	}
	engine_changed(s->l->en, ENGINE_OVERVIEW);
}

void delivery_said(struct dlink *l)
{
	struct said *s = l->said;
	int64_t now = now_read().boot_us;
	if (!s || s->call || now < s->due_us)
		return;
	struct http_req r = { .method = "GET", .url = l->cfg->health, .timeout_ms = ASK_MS, .connect_timeout_ms = ASK_MS, .max_body = SAID_BODY_MAX };
	s->due_us = now + l->cfg->health_interval_ms * 1000;
	s->call = http_send(l->en->delivery->pages, &r, answered, s);
}

int delivery_said_healthy(const struct dlink *l)
{
	return l->said ? link_said_healthy(&l->said->words) : -1;
}

void delivery_said_free(struct delivery *d, size_t links)
{
	d->stopping = true;
	if (d->pages)
		http_client_free(d->pages);
	for (size_t i = 0; i < links; i++)
		free(d->l[i].said);
}

void delivery_said_json(const struct engine *en, size_t i, struct jw *w)
{
	const struct said *s = en->delivery ? en->delivery->l[i].said : NULL;
	if (!s) {
		jw_null(w);
		return;
	}
	jw_obj(w);
	jw_kz(w, "url", s->l->cfg->health);
	jw_kopt(w, "at_us", s->at_us);
	jw_kopt(w, "took_us", s->took_us);
	jw_kopt(w, "http_status", s->status ? s->status : -1);
	jw_kz(w, "trouble", s->trouble);
	jw_key(w, "says");
	jw_arr(w);
	for (int k = 0; k < s->words.n; k++) {
		jw_obj(w);
		jw_kz(w, "name", s->words.v[k].name);
		jw_key(w, "word");
		jw_z(w, s->words.v[k].said ? s->words.v[k].word : NULL);
		jw_end_obj(w);
	}
	jw_end_arr(w);
	jw_end_obj(w);
}
