#include "ui/theme.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

static const struct {
	const char *name;
	char letter;
} roles[] = {
#define X(e, w, l) [ROLE_##e] = { w, l },
	ROLES(X)
#undef X
};

static const char *const colours[] = { "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white" };

static const struct {
	const char *word;
	uint8_t attr;
} attrs[] = {
	{ "bold", STYLE_BOLD },
	{ "dim", STYLE_DIM },
	{ "reverse", STYLE_REVERSE },
	{ "underline", STYLE_UNDERLINE },
};

/* The files of data/themes, word for word without their comments; a test holds them together. */
static const struct {
	const char *name, *text;
} builtin[] = {
	{ "dark",
	  "dim fg white/245\nstrong bold\nok fg green/114\nwarn fg yellow/221\nfail fg red/203 bold\n"
	  "held fg yellow/215 bold\naccent fg cyan/110\ndanger fg red/203 bold reverse\nbar fg white/252 bg blue/236\n"
	  "tab fg cyan/117 bold underline\ntitle fg cyan/110 bold\nkey fg cyan/117 bold\noff fg black/240\n"
	  "escape fg magenta/176 underline\nfield bg blue/237 fg white/255\nfill fg cyan/110\ntrack fg black/240\n"
	  "banner fg black/234 bg yellow/215 bold\nselected bg blue/238\n" },
	{ "light",
	  "dim fg black/242\nstrong bold\nok fg green/28\nwarn fg yellow/130\nfail fg red/124 bold\n"
	  "held fg magenta/130 bold\naccent fg blue/25\ndanger fg red/124 bold reverse\nbar fg black/235 bg white/253\n"
	  "tab fg blue/25 bold underline\ntitle fg blue/25 bold\nkey fg blue/25 bold\noff fg white/249\n"
	  "escape fg magenta/90 underline\nfield bg white/254 fg black/16\nfill fg blue/25\ntrack fg white/250\n"
	  "banner fg black/16 bg yellow/222 bold\nselected bg cyan/189\n" },
	{ "mono",
	  "dim dim\nstrong bold\nfail bold\nheld bold\ndanger bold reverse\nbar reverse\ntab bold underline\n"
	  "title bold\nkey bold\noff dim\nescape underline\nfield underline\nbanner bold reverse\nselected reverse\n" },
	{ "contrast",
	  "strong bold\nok fg green/46 bold\nwarn fg yellow/226 bold\nfail fg red/196 bold underline\n"
	  "held fg yellow/226 bold underline\naccent fg cyan/51 bold\ndanger fg white/231 bg red/160 bold\n"
	  "bar fg black/16 bg white/231 bold\ntab fg white/231 bold underline\ntitle fg white/231 bold underline\n"
	  "key fg cyan/51 bold\noff fg white/250\nescape fg magenta/201 underline\nfield fg white/231 underline bold\n"
	  "fill fg cyan/51\ntrack fg white/250\nbanner fg black/16 bg yellow/226 bold\nselected bg blue/19 bold\n" },
};

const char *role_name(enum role r)
{
	return roles[r].name;
}

char role_letter(enum role r)
{
	return roles[r].letter;
}

/* Next blank-separated word of a line; empty at its end. */
static struct slice next_word(struct slice *line)
{
	while (line->n > 0 && (*line->p == ' ' || *line->p == '\t'))
		line->p++, line->n--;
	struct slice w = { line->p, 0 };
	while (line->n > 0 && *line->p != ' ' && *line->p != '\t')
		line->p++, line->n--, w.n++;
	return w;
}

/* "green" or "green/114". */
static bool parse_colour(struct slice w, int16_t *c8, int16_t *c256)
{
	const char *slash = memchr(w.p, '/', w.n);
	struct slice name = { w.p, slash ? (size_t)(slash - w.p) : w.n };
	for (size_t i = 0; i < ARRAY_LEN(colours); i++) {
		if (!slice_is(name, colours[i]))
			continue;
		int64_t n = (int64_t)i;
		if (slash && (!parse_i64((struct slice){ slash + 1, w.n - name.n - 1 }, &n) || n < 0 || n > 255))
			return false;
		*c8 = (int16_t)i;
		*c256 = (int16_t)n;
		return true;
	}
	return false;
}

static uint8_t attr_of(struct slice w)
{
	for (size_t i = 0; i < ARRAY_LEN(attrs); i++)
		if (slice_is(w, attrs[i].word))
			return attrs[i].attr;
	return 0;
}

static struct style *style_of(struct theme *t, struct slice role)
{
	if (slice_is(role, "selected"))
		return &t->selected;
	for (size_t i = 0; i < ROLE_COUNT; i++)
		if (slice_is(role, roles[i].name))
			return &t->role[i];
	return NULL;
}

/* "fg COLOUR", "bg COLOUR" or an attribute; *bad is the word at fault. */
static bool parse_style(struct style *s, struct slice line, struct slice *bad)
{
	for (struct slice w = next_word(&line); w.n > 0; w = next_word(&line)) {
		*bad = w;
		if (slice_is(w, "fg") || slice_is(w, "bg")) {
			bool fg = *w.p == 'f';
			*bad = next_word(&line);
			if (!parse_colour(*bad, fg ? &s->fg8 : &s->bg8, fg ? &s->fg256 : &s->bg256))
				return false;
		} else if (attr_of(w) != 0) {
			s->attrs |= attr_of(w);
		} else {
			return false;
		}
	}
	return true;
}

enum rc theme_parse(struct theme *t, const char *name, struct slice text, struct err *e)
{
	const struct style plain = { -1, -1, -1, -1, 0 };
	*t = (struct theme){ .selected = plain };
	snprintf(t->name, sizeof(t->name), "%.31s", name);
	for (size_t i = 0; i < ROLE_COUNT; i++)
		t->role[i] = plain;
	for (int number = 1; text.n > 0; number++) {
		const char *nl = memchr(text.p, '\n', text.n);
		struct slice line = { text.p, nl ? (size_t)(nl - text.p) : text.n };
		text.p += line.n + (nl ? 1 : 0);
		text.n -= line.n + (nl ? 1 : 0);
		const char *hash = memchr(line.p, '#', line.n);
		if (hash)
			line.n = (size_t)(hash - line.p);
		struct slice bad = next_word(&line);
		if (bad.n == 0)
			continue;
		struct style *s = style_of(t, bad);
		if (!s || !parse_style(s, line, &bad)) {
			char word[64];
			return err_set(e, RC_USAGE, "theme %s line %d: \"%s\" is not a role, colour or attribute", name, number,
				       text_z(word, sizeof(word), bad));
		}
	}
	return RC_OK;
}

static enum rc theme_file(struct theme *t, const char *path, struct err *e)
{
	char text[16384];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_set(e, RC_USAGE, "theme file %s: %m; give a file or one of dark, light, mono, contrast", path);
	ssize_t n = read(fd, text, sizeof(text));
	close(fd);
	if (n < 0 || n == (ssize_t)sizeof(text))
		return err_set(e, RC_USAGE, "theme file %s cannot be read, or is larger than 16 kB", path);
	return theme_parse(t, path, (struct slice){ text, (size_t)n }, e);
}

enum rc theme_load(struct theme *t, const char *name_or_path, bool mono, struct err *e)
{
	const char *no_color = getenv("NO_COLOR");
	const char *name = name_or_path && *name_or_path ? name_or_path : "dark";
	if (mono || (no_color && *no_color))
		name = "mono";
	if (strchr(name, '/'))
		return theme_file(t, name, e);
	for (size_t i = 0; i < ARRAY_LEN(builtin); i++)
		if (strcmp(builtin[i].name, name) == 0)
			return theme_parse(t, name, slice_of(builtin[i].text), e);
	return err_set(e, RC_USAGE, "theme \"%s\" is not known; give a file (with a slash) or one of dark, light, mono, contrast", name);
}

struct style theme_style(const struct theme *t, enum role r, bool selected)
{
	struct style s = t->role[r];
	if (!selected)
		return s;
	if (t->selected.bg8 >= 0) {
		s.bg8 = t->selected.bg8;
		s.bg256 = t->selected.bg256;
	}
	if (t->selected.fg8 >= 0) {
		s.fg8 = t->selected.fg8;
		s.fg256 = t->selected.fg256;
	}
	s.attrs ^= t->selected.attrs & STYLE_REVERSE;
	s.attrs |= t->selected.attrs & (uint8_t)~STYLE_REVERSE;
	return s;
}
