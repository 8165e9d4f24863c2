#include "config/fill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/shape.h"

void fill_bad(struct filling *f, const char *path, const char *fmt, ...)
{
	char text[1200];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	report_add(f->r, tree_line(f->t, path), path, "%s", text);
}

static const char *keep(struct filling *f, struct buf *b)
{
	const char *z = arena_strndup(f->place.a, buf_z(b), b->n);
	buf_done(b);
	return z;
}

static const char *path_at(struct filling *f, const char *list, size_t i)
{
	struct buf b;
	buf_init(&b);
	buf_addf(&b, "%s[%zu]", list, i);
	return keep(f, &b);
}

static const char *path_to(struct filling *f, const char *section, const char *key)
{
	struct buf b;
	buf_init(&b);
	buf_addf(&b, "%s%s%s", section, section[0] ? "." : "", key);
	return keep(f, &b);
}

static void *at(void *rec, size_t offset)
{
	return (char *)rec + offset;
}

static void set_list(void *rec, const struct field *f, void *entries, size_t n)
{
	memcpy(at(rec, f->at), &entries, sizeof(entries));
	memcpy(at(rec, f->count_at), &n, sizeof(n));
}

static void parse_into(struct filling *f, const struct field *fd, const char *path, const char *text, void *to)
{
	struct buf why;
	buf_init(&why);
	if (!value_parse(fd, slice_of(text), to, &f->place, &why))
		fill_bad(f, path, "%s", buf_z(&why));
	buf_done(&why);
}

/* Entries of the list a REF points into. Every such struct begins with its name. */
struct targets {
	const char **names;
	size_t n;
};

static struct targets targets_of(const struct filling *f, const char *list)
{
	const struct field *fd = section_field(&section_config, slice_of(list));
	struct targets t = { 0 };
	const char *base;
	memcpy(&base, at(f->c, fd->at), sizeof(base));
	memcpy(&t.n, at(f->c, fd->count_at), sizeof(t.n));
	t.names = arena_alloc(f->place.a, (t.n + 1) * sizeof(*t.names));
	for (size_t i = 0; i < t.n; i++) {
		memcpy(&t.names[i], base + i * fd->of->size, sizeof(*t.names));
		if (!t.names[i])
			t.names[i] = "";
	}
	return t;
}

static int resolve(struct filling *f, const struct field *fd, const char *path, const char *text)
{
	struct targets t = targets_of(f, fd->ref);
	for (size_t i = 0; i < t.n; i++)
		if (strcmp(t.names[i], text) == 0)
			return (int)i;
	char shown[80];
	struct buf hint;
	buf_init(&hint);
	shape_suggest(&hint, text, t.names, t.n);
	fill_bad(f, path, "`%s` is not in `%s:`; %s", text_z(shown, sizeof(shown), slice_of(text)), fd->ref,
		 t.n ? buf_z(&hint) : "that list is empty");
	buf_done(&hint);
	return -1;
}

static void fill_section(struct filling *f, const struct section *s, const struct slot *slots, const char *path, void *rec);

static void fill_sections(struct filling *f, const struct field *fd, const struct slot *s, const char *path, void *rec)
{
	const struct slot *blocks = s->p;
	size_t width = section_fields(fd->of);
	char *entries = arena_alloc(f->place.a, s->n * fd->of->size + 1);
	memset(entries, 0, s->n * fd->of->size);
	/* first, so that checks see what is there even after an error */
	set_list(rec, fd, entries, s->n);
	for (size_t i = 0; i < s->n; i++) {
		const char *sub = path_at(f, path, i);
		fill_section(f, fd->of, blocks + i * width, sub, entries + i * fd->of->size);
	}
}

static size_t entry_size(enum field_type t)
{
	if (t == FIELD_KEYS)
		return sizeof(struct cfg_key);
	if (t == FIELD_UIDS)
		return sizeof(int64_t);
	return t == FIELD_REFS ? sizeof(int) : sizeof(char *);
}

static void fill_values(struct filling *f, const struct field *fd, const struct slot *s, const char *path, void *rec)
{
	char *const *texts = s->p;
	size_t size = entry_size(fd->type);
	char *entries = arena_alloc(f->place.a, s->n * size + 1);
	/* -1 and zeros stand for what could not be read: -1 is no uid and no index */
	memset(entries, fd->type == FIELD_UIDS ? 0xff : 0, s->n * size);
	for (size_t i = 0; i < s->n; i++) {
		const char *sub = path_at(f, path, i);
		void *to = fd->type == FIELD_GATES ? rec : entries + i * size;
		if (fd->type == FIELD_REFS)
			*(int *)to = resolve(f, fd, sub, texts[i]);
		else
			parse_into(f, fd, sub, texts[i], to);
		for (size_t k = 0; k < i; k++)
			if (strcmp(texts[i], texts[k]) == 0) {
				fill_bad(f, sub, "is in this list twice");
				break;
			}
	}
	if (fd->type != FIELD_GATES)
		set_list(rec, fd, entries, s->n);
}

static void fill_list(struct filling *f, const struct field *fd, const struct slot *s, const char *path, void *rec)
{
	if (!s || !s->p || s->n == 0)
		return;
	if (fd->type == FIELD_LIST)
		fill_sections(f, fd, s, path, rec);
	else
		fill_values(f, fd, s, path, rec);
}

static void fill_scalar(struct filling *f, const struct field *fd, const char *text, const char *path, void *rec)
{
	void *to = at(rec, fd->at);
	if (fd->type == FIELD_REF) {
		if (text)
			*(int *)to = resolve(f, fd, path, text);
		return;
	}
	if (!text && fd->def) {
		parse_into(f, fd, path, fd->def, to);
		if (fd->type == FIELD_COLUMN)
			((struct cfg_column *)to)->given = false;
	} else if (text) {
		parse_into(f, fd, path, text, to);
	}
}

static void fill_section(struct filling *f, const struct section *s, const struct slot *slots, const char *path, void *rec)
{
	if (s->init)
		s->init(rec);
	for (size_t i = 0; s->fields[i].key; i++) {
		const struct field *fd = &s->fields[i];
		const struct slot *slot = slots ? &slots[i] : NULL;
		const char *sub = path_to(f, path, fd->key);
		if (fd->type == FIELD_MAP)
			fill_section(f, fd->of, slot ? slot->p : NULL, sub, at(rec, fd->at));
		else if (field_is_list(fd->type))
			fill_list(f, fd, slot, sub, rec);
		else
			fill_scalar(f, fd, slot ? slot->p : NULL, sub, rec);
	}
}

void fill_config(struct filling *f, const struct slot *slots)
{
	fill_section(f, &section_config, slots, "", f->c);
}
