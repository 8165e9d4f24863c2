#include "link/adapter.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ID_MAX = 512, NAME_MAX = 100 };

struct json_doc *adapter_parse(struct slice frame)
{
	struct json_limits lim = { .max_bytes = 4 << 20, .max_depth = 64, .max_values = 200000 };
	struct json_doc *doc = NULL;
	return json_parse(&doc, frame, &lim, NULL) == RC_OK ? doc : NULL;
}

const struct json *adapter_path(const struct json *root, const char *path)
{
	char name[NAME_MAX + 1];
	while (path && root) {
		size_t n = strcspn(path, ".");
		if (n > NAME_MAX)
			return NULL;
		memcpy(name, path, n);
		name[n] = '\0';
		root = json_get(root, name);
		path = path[n] ? path + n + 1 : NULL;
	}
	return root;
}

/* A text, or a whole number as its digits. Anything else, or too long, is none. */
static struct slice word_at(const struct json *root, const char *path, struct buf *texts)
{
	const struct json *v = path ? adapter_path(root, path) : NULL;
	struct slice s;
	int64_t i;
	size_t at = texts->n;
	if (json_str(v, &s))
		return s.n <= ID_MAX ? s : (struct slice){ "", 0 };
	if (!json_i64(v, &i))
		return (struct slice){ "", 0 };
	buf_addf(texts, "%" PRId64, i);
	return (struct slice){ texts->p + at, texts->n - at };
}

/* ---- json-events: paths by configuration ---- */

static bool is_ack(const struct cfg_link *cfg, const struct json *root)
{
	struct slice type = { "", 0 };
	json_str(adapter_path(root, cfg->events.type), &type);
	return slice_is(type, "ack");
}

static bool events_position(const struct cfg_link *cfg, const struct json *root, struct buf *texts, struct link_position *out)
{
	if (!json_is_object(root) || is_ack(cfg, root))
		return false;
	/* room for two numbers: what is borrowed must not move */
	buf_adds(texts, "................................................");
	buf_clear(texts);
	*out = (struct link_position){ .epoch = word_at(root, cfg->events.epoch, texts), .id = word_at(root, cfg->events.id, texts) };
	out->sequenced = cfg->events.sequence && json_i64(adapter_path(root, cfg->events.sequence), &out->sequence);
	return true;
}

static bool events_acknowledges(const struct cfg_link *cfg, const struct json *root, struct slice *id)
{
	return is_ack(cfg, root) && json_str(json_get(root, "id"), id);
}

/* ---- exai: newer daemons send each result twice ---- */

static bool exai_position(const struct cfg_link *cfg, const struct json *root, struct buf *texts, struct link_position *out)
{
	struct slice op = json_get_str(root, "op"), id = json_get_str(root, "request_id");
	(void)cfg;
	if (!slice_is(op, "call_tool_res") && !slice_is(op, "list_tools_res"))
		return false;
	if (!id.n || id.n > ID_MAX)
		return false;
	buf_clear(texts);
	buf_addf(texts, "%.*s:", SLICE_FMT(op));
	buf_add(texts, id.p, id.n);
	*out = (struct link_position){ .epoch = SLICE_LIT(""), .id = buf_slice(texts) };
	return true;
}

/* Older daemons answer without request_id, newer ones tell errors without op: while one probe is out, it is the one. */
static enum probe_answer exai_answers(const struct json *root, const char *op, char error[64])
{
	struct slice said = json_get_str(root, "op"), id = json_get_str(root, "request_id");
	const struct json *e = json_get(root, "error");
	struct slice why = json_get_str(e, "message");
	if (id.n && !slice_starts(id, "probe-"))
		return PROBE_NOT_THIS;
	if (slice_is(said, "list_tools_res") || slice_is(said, "pong"))
		return PROBE_ANSWERED;
	if (!json_is_object(e) || (said.n && !slice_is(said, "error")))
		return PROBE_NOT_THIS;
	if (strcmp(op, "list_tools") != 0 && slice_starts(why, "Unknown operation"))
		return PROBE_UNKNOWN_OP;
	text_z(error, 64, json_get_str(e, "code"));
	return PROBE_ERROR;
}

static const struct adapter adapters[] = {
	{ "json-events", events_position, events_acknowledges, NULL, NULL },
	{ "exai", exai_position, NULL, link_facts_exai, exai_answers },
	{ "exai-dashboard", NULL, NULL, link_facts_dashboard, NULL },
};

const struct adapter *adapter_find(const char *handshake)
{
	for (size_t i = 0; i < sizeof adapters / sizeof *adapters; i++)
		if (strcmp(adapters[i].name, handshake) == 0)
			return &adapters[i];
	return NULL;
}

/* ---- our frames ---- */

void adapter_probe(struct buf *out, const char *op, int64_t n)
{
	char id[32];
	struct jw w;
	snprintf(id, sizeof id, "probe-%" PRId64, n);
	jw_init(&w, out);
	jw_obj(&w);
	jw_kz(&w, "op", op);
	jw_kz(&w, "request_id", id);
	jw_end_obj(&w);
}

void adapter_ack(struct buf *out, struct slice id)
{
	struct jw w;
	jw_init(&w, out);
	jw_obj(&w);
	jw_kz(&w, "type", "ack");
	jw_kstr(&w, "id", id);
	jw_end_obj(&w);
}

void adapter_event(struct buf *out, struct slice id, int64_t sequence, struct slice record)
{
	struct jw w;
	jw_init(&w, out);
	jw_obj(&w);
	jw_kz(&w, "type", "event");
	jw_kstr(&w, "id", id);
	jw_ki64(&w, "sequence", sequence);
	jw_key(&w, "record");
	jw_raw(&w, record);
	jw_end_obj(&w);
}
