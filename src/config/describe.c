#include "config/describe.h"

#include <string.h>

#include "config/fields.h"

typedef void line_fn(struct buf *out, const char *path, const struct field *f);

/* Every key in the table's order; lists of sections show as "lanes[].url". */
static void walk(struct buf *out, const struct section *s, const char *prefix, line_fn *line)
{
	for (const struct field *f = s->fields; f->key; f++) {
		struct buf path;
		buf_init(&path);
		buf_addf(&path, "%s%s%s", prefix, prefix[0] ? "." : "", f->key);
		line(out, buf_z(&path), f);
		if (f->type == FIELD_LIST)
			buf_adds(&path, "[]");
		if (f->of && !f->nested)
			walk(out, f->of, buf_z(&path), line);
		buf_done(&path);
	}
}

static void add_words(struct buf *out, const struct field *f)
{
	const char *sep = "";
	for (const struct field_word *w = f->words; w->word; w++)
		if (!w->not_yet) {
			buf_addf(out, "%s%s", sep, w->word);
			sep = " | ";
		}
}

/* "duration, default 30s", "oldest | newest, required" */
static void add_kind(struct buf *out, const struct field *f)
{
	if (f->words)
		add_words(out, f);
	else
		buf_adds(out, field_type_name(f->type));
	if (f->type == FIELD_GATES)
		buf_adds(out, " (list)");
	if (f->def)
		buf_addf(out, ", default %s", f->def);
	if (f->required)
		buf_adds(out, ", required");
}

/* Text for roff: no control line, no escape, - as a minus. */
static void add_roff(struct buf *out, const char *z)
{
	if (*z == '.' || *z == '\'')
		buf_adds(out, "\\&");
	for (; *z; z++)
		if (*z == '-')
			buf_adds(out, "\\-");
		else if (*z == '\\')
			buf_adds(out, "\\e");
		else
			buf_addc(out, *z);
}

static void man_line(struct buf *out, const char *path, const struct field *f)
{
	struct buf kind;
	buf_init(&kind);
	add_kind(&kind, f);
	buf_adds(out, ".TP\n.B ");
	add_roff(out, path);
	buf_adds(out, "\n(");
	add_roff(out, buf_z(&kind));
	buf_adds(out, ")\n");
	add_roff(out, f->doc);
	buf_addc(out, '\n');
	buf_done(&kind);
}

static void text_line(struct buf *out, const char *path, const struct field *f)
{
	buf_addf(out, "%-40s ", path);
	add_kind(out, f);
	buf_addf(out, "\n%-40s   %s\n", "", f->doc);
}

void describe_man(struct buf *out)
{
	walk(out, &section_config, "", man_line);
}

void describe_text(struct buf *out)
{
	walk(out, &section_config, "", text_line);
}
