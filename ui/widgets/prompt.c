#include "ui/widgets/prompt.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { MOST = 200 };

void prompt_done(struct prompt *p)
{
	buf_done(&p->text);
	p->at = 0;
}

void prompt_set(struct prompt *p, const char *text)
{
	buf_clear(&p->text);
	buf_adds(&p->text, text);
	p->at = p->text.n;
}

const char *prompt_text(const struct prompt *p)
{
	return buf_z(&p->text);
}

static size_t before(const struct prompt *p, size_t at)
{
	do
		at -= at > 0;
	while (at > 0 && (p->text.p[at] & 0xC0) == 0x80);
	return at;
}

static size_t after(const struct prompt *p, size_t at)
{
	do
		at += at < p->text.n;
	while (at < p->text.n && (p->text.p[at] & 0xC0) == 0x80);
	return at;
}

static void cut(struct prompt *p, size_t from, size_t to)
{
	if (from == to)
		return;
	memmove(p->text.p + from, p->text.p + to, p->text.n - to);
	p->text.n -= to - from;
	p->text.p[p->text.n] = '\0';
	p->at = from;
}

void prompt_replace(struct prompt *p, size_t from, size_t to, struct slice by)
{
	if (by.n == 0 || p->text.n - (to - from) + by.n > (p->most ? p->most : MOST))
		return;
	cut(p, from, to);
	p->at = from;
	size_t tail = p->text.n - p->at;
	buf_add(&p->text, by.p, by.n);
	memmove(p->text.p + p->at + by.n, p->text.p + p->at, tail);
	memcpy(p->text.p + p->at, by.p, by.n);
	p->at += by.n;
}

static void insert(struct prompt *p, int32_t cp)
{
	struct buf c = { 0 };
	utf8_put(&c, (uint32_t)cp);
	prompt_replace(p, p->at, p->at, buf_slice(&c));
	buf_done(&c);
}

static size_t word_before(const struct prompt *p)
{
	size_t at = p->at;
	while (at > 0 && p->text.p[at - 1] == ' ')
		at--;
	while (at > 0 && p->text.p[at - 1] != ' ')
		at--;
	return at;
}

bool prompt_key(struct prompt *p, const struct key *k)
{
	if (key_is_text(k->code)) {
		insert(p, k->code);
		return true;
	}
	switch (k->code) {
	case KEYC_LEFT: p->at = before(p, p->at); return true;
	case KEYC_RIGHT: p->at = after(p, p->at); return true;
	case KEYC_HOME: case 1: p->at = 0; return true;
	case KEYC_END: case 5: p->at = p->text.n; return true;
	case KEYC_BACKSPACE: cut(p, before(p, p->at), p->at); return true;
	case KEYC_DELETE: case 4: cut(p, p->at, after(p, p->at)); return true;
	case 21: cut(p, 0, p->at); return true;
	case 11: cut(p, p->at, p->text.n); return true;
	case 23: cut(p, word_before(p), p->at); return true;
	default: return false;
	}
}

static int width_of(struct slice s)
{
	struct buf b = { 0 };
	int w = text_show(&b, s, 0, false).columns;
	buf_done(&b);
	return w;
}

int prompt_paint(const struct prompt *p, struct area a, int y, int x, int w, enum role r)
{
	struct area field = area_sub(a, y, x, 1, w);
	size_t from = 0;
	area_fill(field, 0, 0, field.w, r, " ");
	while (from < p->at && width_of((struct slice){ p->text.p + from, p->at - from }) >= field.w)
		from = after(p, from);
	if (p->text.n > 0)
		area_show(field, 0, 0, 0, r, (struct slice){ p->text.p + from, p->text.n - from });
	area_role(field, 0, 0, field.w, r);
	return x + width_of((struct slice){ p->text.p ? p->text.p + from : "", p->at - from });
}
