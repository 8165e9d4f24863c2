#include "ui/glyph.h"

#include "base/mem.h"

static const struct {
	const char *utf8;
	uint32_t cp;
	char ascii;
} table[] = {
#define X(e, u, cp, a) [GLYPH_##e] = { u, cp, a },
	GLYPHS(X)
#undef X
};

const char *glyph(enum glyph g)
{
	return table[g].utf8;
}

char glyph_ascii(uint32_t cp)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].cp == cp)
			return table[i].ascii;
	return '?';
}
