#include "link/facts.h"

#include <string.h>

const char *link_fact_name(enum link_fact f)
{
	static const char *const names[] = {
#define X(e, w) w,
		LINK_FACTS(X)
#undef X
	};
	return f < LINK_FACT_COUNT ? names[f] : "";
}

void link_facts_init(struct link_facts *f)
{
	for (int i = 0; i < LINK_FACT_COUNT; i++)
		f->v[i] = -1;
}

/* The first message carries each part under its name; pushes carry it under its name, data or metrics, or as themselves. */
static const struct json *part(const struct json *root, const char *name, bool push)
{
	static const char *const wraps[] = { "data", "metrics" };
	const struct json *p = json_get(root, name);
	for (size_t i = 0; push && !json_is_object(p) && i < sizeof wraps / sizeof *wraps; i++)
		p = json_get(root, wraps[i]);
	if (push && !json_is_object(p))
		p = root;
	return json_is_object(p) ? p : NULL;
}

/* Whole and not negative, or not reported. */
static void read_fact(struct link_facts *f, enum link_fact to, const struct json *from, const char *key)
{
	int64_t v;
	f->v[to] = json_i64(json_get(from, key), &v) && v >= 0 ? v : -1;
}

static void sessions(struct link_facts *f, const struct json *p)
{
	read_fact(f, FACT_SESSIONS_ACTIVE, p, "active_sessions");
	read_fact(f, FACT_SESSIONS_TOTAL, p, "total_sessions");
}

/* A port that does not say one of both numbers makes the sum unknown. */
static int64_t over_ports(const struct json *ports, const char *key)
{
	int64_t sum = 0, v, n = 0;
	for (const struct json *p = json_is_object(ports) ? json_first(ports) : NULL; p; p = json_next(p), n++) {
		if (!json_i64(json_get(p, key), &v) || v < 0 || sum > INT64_MAX - v)
			return -1;
		sum += v;
	}
	return n ? sum : -1;
}

static void semaphores(struct link_facts *f, const struct json *p)
{
	const struct json *ports = json_get(p, "ports");
	f->v[FACT_SEMAPHORE_CURRENT] = over_ports(ports, "current");
	f->v[FACT_SEMAPHORE_LIMIT] = over_ports(ports, "limit");
	read_fact(f, FACT_SEMAPHORE_LEAKS, p, "total_leaks_detected");
}

static void websocket(struct link_facts *f, const struct json *p)
{
	read_fact(f, FACT_WEBSOCKET_CONNECTIONS, p, "total_connections");
}

static void event(struct link_facts *f, const struct json *root)
{
	const struct json *e = part(root, "event", true);
	struct slice why;
	bool failed = json_str(json_get(e, "error"), &why) && why.n;
	f->v[FACT_EVENTS] = f->v[FACT_EVENTS] < 0 ? 1 : f->v[FACT_EVENTS] + 1;
	f->v[FACT_EVENTS_FAILED] = (f->v[FACT_EVENTS_FAILED] < 0 ? 0 : f->v[FACT_EVENTS_FAILED]) + failed;
}

bool link_facts_dashboard(struct link_facts *f, const struct json *root)
{
	static const struct {
		const char *name;
		void (*read)(struct link_facts *f, const struct json *p);
	} parts[] = { { "session_metrics", sessions }, { "semaphore_metrics", semaphores }, { "websocket_health", websocket } };
	struct slice type = json_get_str(root, "type");
	bool first = slice_is(type, "initial_stats"), any = false;
	if (slice_is(type, "event")) {
		event(f, root);
		return true;
	}
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		bool push = slice_is(type, parts[i].name);
		if (first || push) {
			parts[i].read(f, part(root, parts[i].name, push));
			any = true;
		}
	}
	return any;
}

bool link_facts_exai(struct link_facts *f, const struct json *root)
{
	const struct json *tools = json_get(root, "tools");
	if (!slice_is(json_get_str(root, "op"), "list_tools_res") || !json_is_array(tools))
		return false;
	f->v[FACT_TOOLS] = (int64_t)json_len(tools);
	return true;
}

/* Seconds since 1970, with a fraction: JSON integers only are read exactly, so the text is. */
static bool seconds(const struct json *v, int64_t *us)
{
	struct buf b = { 0 };
	int64_t whole = 0;
	size_t n = 0;
	json_print(&b, v);
	while (n < b.n && b.p[n] >= '0' && b.p[n] <= '9' && n < 12)
		whole = whole * 10 + (b.p[n++] - '0');
	bool ok = n > 0 && (n == b.n || b.p[n] == '.');
	buf_done(&b);
	*us = whole * 1000000;
	return ok;
}

bool link_facts_file(struct link_facts *f, struct slice text, int64_t *at_us)
{
	struct json_limits lim = { .max_bytes = 65536, .max_depth = 4, .max_values = 100 };
	struct json_doc *doc = NULL;
	if (json_parse(&doc, text, &lim, NULL) != RC_OK)
		return false;
	const struct json *root = json_root(doc);
	bool ok = json_is_object(root) && json_get(root, "t") && seconds(json_get(root, "t"), at_us);
	if (ok) {
		read_fact(f, FACT_SESSIONS_ACTIVE, root, "sessions");
		read_fact(f, FACT_CAPACITY, root, "global_capacity");
		read_fact(f, FACT_IN_FLIGHT, root, "global_inflight");
		read_fact(f, FACT_TOOLS, root, "tool_count");
	}
	json_doc_free(doc);
	return ok;
}
