#include "ui/widgets/choices.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void choices_done(struct choices *c)
{
	for (size_t i = 0; i < c->n; i++)
		buf_done(&c->word[i]);
	free(c->word);
	*c = (struct choices){ 0 };
}

static bool can_be_typed(struct slice word)
{
	for (size_t i = 0; i < word.n; i++)
		if ((unsigned char)word.p[i] < 0x20 || word.p[i] == 0x7F)
			return false;
	return word.n > 0;
}

void choices_add(struct choices *c, struct slice word)
{
	if (c->n >= CHOICES_MOST || !can_be_typed(word))
		return;
	for (size_t i = 0; i < c->n; i++)
		if (slice_eq(buf_slice(&c->word[i]), word))
			return;
	GROW(c->word, c->cap, c->n + 1);
	c->word[c->n] = (struct buf){ 0 };
	buf_add(&c->word[c->n++], word.p, word.n);
}

void choices_addz(struct choices *c, const char *word)
{
	choices_add(c, slice_of(word));
}

static bool begins(struct slice s, struct slice with)
{
	return s.n >= with.n && (with.n == 0 || memcmp(s.p, with.p, with.n) == 0);
}

void choices_narrow(struct choices *c, struct slice typed)
{
	size_t n = 0;
	for (size_t i = 0; i < c->n; i++) {
		if (begins(buf_slice(&c->word[i]), typed))
			c->word[n++] = c->word[i];
		else
			buf_done(&c->word[i]);
	}
	c->n = n;
}

struct slice choices_common(const struct choices *c)
{
	if (c->n == 0)
		return (struct slice){ "", 0 };
	struct slice all = buf_slice(&c->word[0]);
	for (size_t i = 1; i < c->n; i++)
		while (!begins(buf_slice(&c->word[i]), all))
			all.n--;
	while (all.n > 0 && all.n < c->word[0].n && (all.p[all.n] & 0xC0) == 0x80)
		all.n--;
	return all;
}
