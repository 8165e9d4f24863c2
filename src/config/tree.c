#include "config/tree.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/text.h"

struct reader {
	yaml_parser_t y;
	struct arena *a;
	struct config_report *r;
	struct node *root, *open[TREE_MAX_DEPTH];
	int depth;
	const char *key;               /* waits for its value; NULL = none */
	int key_line;
	int documents;
	int nodes;
	struct slice source;
	bool bad;                      /* reading must stop */
};

static const char *where(const struct reader *rd)
{
	return rd->depth ? rd->open[rd->depth - 1]->path : "";
}

static int line_of(const yaml_event_t *ev)
{
	return (int)ev->start_mark.line + 1;
}

static char *join(struct arena *a, const struct node *parent, const char *key)
{
	char part[64];
	struct buf b;
	buf_init(&b);
	if (parent)
		buf_adds(&b, parent->path);
	if (key) {
		if (b.n)
			buf_addc(&b, '.');
		buf_adds(&b, key);
	} else if (parent) {
		snprintf(part, sizeof(part), "[%zu]", parent->n);
		buf_adds(&b, part);
	}
	char *path = arena_strndup(a, buf_z(&b), b.n);
	buf_done(&b);
	return path;
}

static void refuse(struct reader *rd, int line, const char *key, const char *sentence)
{
	report_add(rd->r, line, key, "%s", sentence);
	rd->bad = true;
}

static struct node *add(struct reader *rd, const yaml_event_t *ev, enum node_kind kind)
{
	struct node *parent = rd->depth ? rd->open[rd->depth - 1] : NULL;
	struct node *n = arena_alloc(rd->a, sizeof(*n));
	if (++rd->nodes > TREE_MAX_NODES)
		refuse(rd, line_of(ev), where(rd), "the file holds more values than any configuration needs");
	*n = (struct node){ .kind = kind, .parent = parent, .key = rd->key, .line = rd->key ? rd->key_line : line_of(ev) };
	n->path = join(rd->a, parent, rd->key);
	rd->key = NULL;
	if (!parent) {
		rd->root = n;
		return n;
	}
	if (parent->last)
		parent->last->next = n;
	else
		parent->first = n;
	parent->last = n;
	parent->n++;
	return n;
}

static bool wants_key(const struct reader *rd)
{
	return rd->depth && rd->open[rd->depth - 1]->kind == NODE_MAP && !rd->key;
}

static void open_node(struct reader *rd, const yaml_event_t *ev, enum node_kind kind)
{
	if (wants_key(rd)) {
		refuse(rd, line_of(ev), where(rd), "a key here is not plain text; write `key: value`");
		return;
	}
	struct node *n = add(rd, ev, kind);
	if (rd->depth == TREE_MAX_DEPTH)
		refuse(rd, n->line, n->path, "is nested deeper than any configuration needs");
	else
		rd->open[rd->depth++] = n;
}

static void take_scalar(struct reader *rd, const yaml_event_t *ev)
{
	const char *v = (const char *)ev->data.scalar.value;
	size_t len = ev->data.scalar.length;
	if (wants_key(rd)) {
		char shown[80];
		text_z(shown, sizeof(shown), (struct slice){ v, len });
		rd->key = arena_strndup(rd->a, shown, strlen(shown));
		rd->key_line = line_of(ev);
		return;
	}
	struct node *n = add(rd, ev, NODE_SCALAR);
	n->text = (struct slice){ arena_strndup(rd->a, v, len), len };
	n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (memchr(v, '\0', len))
		refuse(rd, n->line, n->path, "holds a NUL byte; remove it");
}

/* Anchor or explicit tag of an event; scalars quoted by the writer have an implicit one. */
static const char *decoration(const yaml_event_t *ev)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;
	if (ev->type == YAML_SCALAR_EVENT) {
		anchor = ev->data.scalar.anchor;
		tag = ev->data.scalar.tag;
	} else if (ev->type == YAML_SEQUENCE_START_EVENT) {
		anchor = ev->data.sequence_start.anchor;
		tag = ev->data.sequence_start.tag;
	} else if (ev->type == YAML_MAPPING_START_EVENT) {
		anchor = ev->data.mapping_start.anchor;
		tag = ev->data.mapping_start.tag;
	}
	if (anchor)
		return "anchors (&name) are not read here; write the value out";
	return tag ? "tags (!name) are not read here; write the plain value" : NULL;
}

static void refuse_here(struct reader *rd, const yaml_event_t *ev, const char *sentence)
{
	struct buf path;
	buf_init(&path);
	buf_adds(&path, where(rd));
	if (rd->key)
		buf_addf(&path, "%s%s", path.n ? "." : "", rd->key);
	refuse(rd, line_of(ev), buf_z(&path), sentence);
	buf_done(&path);
}

static void take(struct reader *rd, const yaml_event_t *ev)
{
	const char *decorated = decoration(ev);
	if (decorated) {
		refuse_here(rd, ev, decorated);
		return;
	}
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (++rd->documents > 1)
			refuse_here(rd, ev, "a second document begins here; a configuration is one document");
		break;
	case YAML_ALIAS_EVENT:
		refuse_here(rd, ev, "aliases (*name) are not read here; write the value out");
		break;
	case YAML_SCALAR_EVENT:
		take_scalar(rd, ev);
		break;
	case YAML_SEQUENCE_START_EVENT:
		open_node(rd, ev, NODE_LIST);
		break;
	case YAML_MAPPING_START_EVENT:
		open_node(rd, ev, NODE_MAP);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		rd->depth--;
		break;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
}

static int line_at(struct slice s, size_t offset)
{
	int line = 1;
	for (size_t i = 0; i < s.n && i < offset; i++)
		line += s.p[i] == '\n';
	return line;
}

static struct slice line_text(struct slice s, int line)
{
	size_t i = 0;
	for (int l = 1; l < line && i < s.n; i++)
		l += s.p[i] == '\n';
	const char *end = i < s.n ? memchr(s.p + i, '\n', s.n - i) : NULL;
	return (struct slice){ s.p + i, end ? (size_t)(end - s.p) - i : s.n - i };
}

/* Adds ".key" when the line is a tab-indented `key: …`; false when no tab indents it. */
static bool tab_indents(struct slice line, struct buf *path)
{
	size_t i = 0, k;
	bool tab = false;
	for (; i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'); i++)
		tab |= line.p[i] == '\t';
	for (k = i; k < line.n && (islower((unsigned char)line.p[k]) || line.p[k] == '_');)
		k++;
	if (tab && k > i && k < line.n && line.p[k] == ':')
		buf_addf(path, "%s%.*s", path->n ? "." : "", (int)(k - i), line.p + i);
	return tab;
}

/* Line and sentence of libyaml's error; path is where reading stood. */
static void syntax_at(struct reader *rd, struct buf *path)
{
	const yaml_parser_t *y = &rd->y;
	int line = (int)y->problem_mark.line + 1;
	/* a quote that never closes is seen at the end of the file and meant where it opens */
	if (y->context && strstr(y->context, "quoted scalar"))
		line = (int)y->context_mark.line + 1;
	struct buf inner;
	buf_init(&inner);
	buf_adds(&inner, where(rd));
	if (y->error == YAML_READER_ERROR)
		report_add(rd->r, line_at(rd->source, y->problem_offset), buf_z(path),
			   "is not UTF-8 text (%s); write it as UTF-8", y->problem);
	else if (tab_indents(line_text(rd->source, line), &inner))
		report_add(rd->r, line, buf_z(&inner), "a tab indents this line; YAML takes spaces only");
	else if (y->context)
		report_add(rd->r, line, buf_z(path), "is not YAML: %s, %s", y->context, y->problem);
	else
		report_add(rd->r, line, buf_z(path), "is not YAML: %s", y->problem ? y->problem : "out of memory");
	buf_done(&inner);
}

static void syntax(struct reader *rd)
{
	struct buf path;
	buf_init(&path);
	buf_adds(&path, where(rd));
	if (rd->key)
		buf_addf(&path, "%s%s", path.n ? "." : "", rd->key);
	syntax_at(rd, &path);
	buf_done(&path);
	rd->bad = true;
}

static void read_events(struct reader *rd)
{
	yaml_event_t ev;
	for (bool end = false; !end && !rd->bad;) {
		if (!yaml_parser_parse(&rd->y, &ev)) {
			syntax(rd);
			return;
		}
		end = ev.type == YAML_STREAM_END_EVENT;
		take(rd, &ev);
		yaml_event_delete(&ev);
	}
}

bool tree_read(struct tree *t, struct slice text, struct arena *a, struct config_report *r)
{
	struct reader rd = { .a = a, .r = r, .source = text };
	t->root = NULL;
	if (!yaml_parser_initialize(&rd.y))
		die("out of memory for the YAML parser");
	yaml_parser_set_input_string(&rd.y, (const unsigned char *)text.p, text.n);
	read_events(&rd);
	yaml_parser_delete(&rd.y);
	t->root = rd.root;
	bool null = rd.root && rd.root->kind == NODE_SCALAR && rd.root->plain && rd.root->text.n == 0;
	if (!rd.bad && (!rd.root || null)) {
		report_add(r, 1, "", "the file is empty; start from the sluice.yaml that comes with the program");
		rd.bad = true;
	}
	return !rd.bad;
}

static const struct node *find(const struct node *n, const char *path, size_t len)
{
	if (strlen(n->path) == len && memcmp(n->path, path, len) == 0)
		return n;
	for (const struct node *c = n->first; c; c = c->next) {
		const struct node *hit = find(c, path, len);
		if (hit)
			return hit;
	}
	return NULL;
}

int tree_line(const struct tree *t, const char *path)
{
	for (size_t len = strlen(path); t->root; len--) {
		const struct node *n = find(t->root, path, len);
		if (n)
			return n->line;
		if (len == 0)
			break;
	}
	return 1;
}

bool tree_has(const struct tree *t, const char *path)
{
	return t->root && find(t->root, path, strlen(path));
}

const struct node *tree_child(const struct node *n, const char *key)
{
	if (n && n->kind == NODE_MAP)
		for (const struct node *c = n->first; c; c = c->next)
			if (strcmp(c->key, key) == 0)
				return c;
	return NULL;
}
