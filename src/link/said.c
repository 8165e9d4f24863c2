#include "link/said.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

struct word_row {
	const char *name, *path;        /* "global.current": a member of a member */
};

/* What each page of the daemon can say; the last one is for any other address. */
static const struct page {
	const char *suffix;
	struct word_row row[SAID_MOST];
} pages[] = {
	{ "/health/semaphores", { { "status", "status" }, { "in use", "global.current" }, { "expected", "global.expected" }, { "global", "global.status" },
				  { "kimi", "providers.kimi.status" }, { "glm", "providers.glm.status" } } },
	{ "/health/memory", { { "status", "status" }, { "alert", "alert" }, { "history", "history_size" } } },
	{ "/health/websocket", { { "status", "status" }, { "connections", "connections.total_connections" }, { "connected", "connections.connected" },
				 { "disconnected", "connections.disconnected" }, { "queued", "connections.total_queued_messages" }, { "error", "error" } } },
	{ "", { { "status", "status" }, { "service", "service" }, { "version", "version" }, { "storage", "components.storage.status" },
		{ "supabase", "components.supabase.status" }, { "memory", "components.memory.status" },
		{ "memory MB", "components.memory.process_memory_mb" }, { "disk", "components.disk.status" },
		{ "disk %", "components.disk.disk_percent" }, { "semaphores", "components.semaphores.status" } } },
};

static bool ends_in(const char *url, const char *suffix)
{
	size_t n = strcspn(url, "?#"), k = strlen(suffix);
	while (n > 0 && url[n - 1] == '/')
		n--;
	return n >= k && !memcmp(url + n - k, suffix, k);
}

void link_said_init(struct link_said *s, const char *url)
{
	const struct page *p = pages;
	while (!ends_in(url, p->suffix))
		p++;
	*s = (struct link_said){ .page = (int)(p - pages) };
	for (; s->n < SAID_MOST && p->row[s->n].name; s->n++)
		s->v[s->n].name = p->row[s->n].name;
}

static const struct json *member(const struct json *root, const char *path)
{
	for (const char *dot; root && (dot = strchr(path, '.')); path = dot + 1) {
		char name[32];
		size_t n = MIN((size_t)(dot - path), sizeof name - 1);
		memcpy(name, path, n);
		name[n] = '\0';
		root = json_get(root, name);
	}
	return root ? json_get(root, path) : NULL;
}

/* A text, a number or a truth as it was said; an object, a list and null say nothing. */
static void take(struct said_word *w, const struct json *v)
{
	struct slice text;
	struct buf b = { 0 };
	w->said = v && !json_is_null(v) && !json_is_object(v) && !json_is_array(v);
	w->word[0] = '\0';
	if (!w->said)
		return;
	if (!json_str(v, &text)) {
		json_print(&b, v);
		text = buf_slice(&b);
	}
	text_z(w->word, sizeof w->word, text);
	buf_done(&b);
}

bool link_said_read(struct link_said *s, struct slice body)
{
	struct json_limits lim = { .max_bytes = SAID_BODY_MAX, .max_depth = 8, .max_values = 2000 };
	const struct page *p = &pages[s->page];
	struct json_doc *doc = NULL;
	bool ok = json_parse(&doc, body, &lim, NULL) == RC_OK && json_is_object(json_root(doc));
	for (int i = 0; i < s->n; i++)
		take(&s->v[i], ok ? member(json_root(doc), p->row[i].path) : NULL);
	json_doc_free(doc);
	return ok;
}

int link_said_healthy(const struct link_said *s)
{
	static const char *const good[] = { "healthy", "ok", "pass" };
	if (!s->n || !s->v[0].said)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!strcmp(s->v[0].word, good[i]))
			return 1;
	return 0;
}
