/* The outside view: GET and HEAD, on the Unix socket and on the loopback port if one is configured.
 * Orchestrators read /livez and /readyz, people and collectors /healthz and /metrics. */
#include "api/internal.h"

#include "base/mem.h"
#include "base/time.h"
#include "engine/degrade.h"

#include <stdlib.h>
#include <string.h>

#define PLAIN "text/plain; charset=utf-8"

static void page_live(struct engine *en, struct slice query, struct ws_http_reply *r)
{
	(void)en, (void)query;
	r->content_type = PLAIN;
	buf_adds(&r->body, "ok\n");
}

static void page_metrics(struct engine *en, struct slice query, struct ws_http_reply *r)
{
	(void)query;
	r->content_type = "text/plain; version=0.0.4; charset=utf-8";
	engine_metrics(en, &r->body);
}

/* ---- /readyz ---- */

/* "link:exai-daemon", or "disk" where there is one of its kind. */
static void id_of(struct buf *b, const struct health_check *c)
{
	buf_clear(b);
	buf_adds(b, c->kind);
	if (c->name[0])
		buf_addf(b, ":%s", c->name);
}

static bool next_pair(struct slice *rest, struct slice *key, struct slice *value)
{
	if (rest->n == 0)
		return false;
	const char *amp = memchr(rest->p, '&', rest->n);
	size_t n = amp ? (size_t)(amp - rest->p) : rest->n;
	const char *eq = memchr(rest->p, '=', n);
	size_t k = eq ? (size_t)(eq - rest->p) : n;
	*key = (struct slice){ rest->p, k };
	*value = eq ? (struct slice){ eq + 1, n - k - 1 } : SLICE_LIT("");
	*rest = amp ? (struct slice){ amp + 1, rest->n - n - 1 } : (struct slice){ rest->p + n, 0 };
	return true;
}

/* exclude=KIND or exclude=KIND:NAME, as often as wanted. */
static bool excluded(struct slice query, const struct health_check *c, struct slice id)
{
	struct slice key, value;
	while (next_pair(&query, &key, &value))
		if (slice_is(key, "exclude") && (slice_is(value, c->kind) || slice_eq(value, id)))
			return true;
	return false;
}

static bool asked(struct slice query, const char *word)
{
	struct slice key, value;
	while (next_pair(&query, &key, &value))
		if (slice_is(key, word))
			return true;
	return false;
}

static void page_ready(struct engine *en, struct slice query, struct ws_http_reply *r)
{
	static const char mark[] = { [HEALTH_PASS] = '+', [HEALTH_WARN] = '!', [HEALTH_FAIL] = '-', [HEALTH_UNKNOWN] = '?' };
	size_t n, failed = 0;
	struct health_check *c = engine_health(en, &n);
	struct buf id, lines;
	buf_init(&id);
	buf_init(&lines);
	for (size_t i = 0; i < n; i++) {
		id_of(&id, &c[i]);
		bool out = excluded(query, &c[i], buf_slice(&id));
		failed += c[i].health == HEALTH_FAIL && !out;
		buf_addf(&lines, "[%c]%s %s: %s%s\n", mark[c[i].health], buf_z(&id), health_name(c[i].health), c[i].said, out ? " (excluded)" : "");
		const struct degrade_row *lost = degrade_of(c[i].kind, c[i].health);
		if (lost)
			buf_addf(&lines, "   still works: %s\n   does not: %s\n   comes back: %s\n", lost->works, lost->stops, lost->back);
	}
	r->content_type = PLAIN;
	r->status = failed ? 503 : 200;
	if (failed || asked(query, "verbose"))
		buf_add(&r->body, lines.p, lines.n);
	if (failed)
		buf_addf(&r->body, "not ready: %zu of %zu checks fail\n", failed, n);
	else
		buf_adds(&r->body, "ready\n");
	buf_done(&id);
	buf_done(&lines);
	free(c);
}

/* ---- /healthz: application/health+json (draft-inadarei-api-health-check) ---- */

static void health_entry(struct jw *w, const struct health_check *c)
{
	char t[TIME_TEXT];
	jw_arr(w);
	jw_obj(w);
	jw_kz(w, "componentType", strcmp(c->kind, "link") && strcmp(c->kind, "lane") && strcmp(c->kind, "records") ? "system" : "component");
	jw_kz(w, "status", c->health == HEALTH_UNKNOWN ? "warn" : health_name(c->health));
	if (c->at_us >= 0)
		jw_kz(w, "time", time_rfc3339(t, c->at_us, true));
	if (c->health != HEALTH_PASS)
		jw_kz(w, "output", c->said);
	jw_end_obj(w);
	jw_end_arr(w);
}

static void page_health(struct engine *en, struct slice query, struct ws_http_reply *r)
{
	size_t n;
	struct health_check *c = engine_health(en, &n);
	enum health worst = health_worst(c, n);
	struct buf id;
	struct jw w;
	(void)query;
	buf_init(&id);
	jw_init(&w, &r->body);
	jw_obj(&w);
	jw_kz(&w, "status", health_name(worst));
	jw_kz(&w, "version", "1");
	jw_kz(&w, "releaseId", SLUICE_VERSION);
	jw_kz(&w, "serviceId", engine_config(en)->name);
	jw_key(&w, "checks");
	jw_obj(&w);
	for (size_t i = 0; i < n; i++) {
		id_of(&id, &c[i]);
		jw_key(&w, buf_z(&id));
		health_entry(&w, &c[i]);
	}
	jw_end_obj(&w);
	jw_end_obj(&w);
	buf_adds(&r->body, "\n");
	r->content_type = "application/health+json";
	r->status = worst == HEALTH_FAIL ? 503 : 200;
	buf_done(&id);
	free(c);
}

/* ---- all of them ---- */

static const struct {
	const char *path;
	void (*fill)(struct engine *en, struct slice query, struct ws_http_reply *r);
} pages[] = {
	{ "/livez", page_live },
	{ "/readyz", page_ready },
	{ "/healthz", page_health },
	{ "/metrics", page_metrics },
};

void pages_answer(struct engine *en, const char *path, const char *query, struct ws_http_reply *r)
{
	if (!en) {
		r->status = 503;
		r->content_type = PLAIN;
		buf_adds(&r->body, "stopping\n");
		return;
	}
	r->status = 200;
	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		if (!strcmp(path, pages[i].path)) {
			pages[i].fill(en, slice_of(query ? query : ""), r);
			return;
		}
	r->status = 404;
	r->content_type = PLAIN;
	buf_adds(&r->body, "there is /livez, /readyz, /healthz and /metrics\n");
}
