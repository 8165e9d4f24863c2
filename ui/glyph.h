/* The glyphs this program draws with and their ASCII twins: one table, one cell each. Pure. */
#ifndef SLUICE_UI_GLYPH_H
#define SLUICE_UI_GLYPH_H

#include <stdint.h>

#define GLYPHS(X) \
	X(UP, "●", 0x25CF, '*') \
	X(HALF, "◐", 0x25D0, '~') \
	X(OPEN, "○", 0x25CB, 'o') \
	X(HELD, "▲", 0x25B2, '^') \
	X(FAILED, "✖", 0x2716, 'x') \
	X(UNKNOWN, "·", 0x00B7, '.') \
	X(DONE, "✔", 0x2714, 'v') \
	X(NOW, "▶", 0x25B6, '>') \
	X(LINE, "─", 0x2500, '-') \
	X(HEAVY, "━", 0x2501, '=') \
	X(BAR, "│", 0x2502, '|') \
	X(TEE, "┴", 0x2534, '+') \
	X(FULL, "▓", 0x2593, '#') \
	X(EMPTY, "░", 0x2591, '.') \
	X(MORE, "…", 0x2026, '~') \
	X(TIMES, "×", 0x00D7, 'x') \
	X(MINUS, "−", 0x2212, '-') \
	X(DESC, "↓", 0x2193, 'v') \
	X(ASC, "↑", 0x2191, '^') \
	X(LEFT, "←", 0x2190, '<') \
	X(RIGHT, "→", 0x2192, '>') \
	X(SPARK1, "▁", 0x2581, '_') \
	X(SPARK2, "▂", 0x2582, '.') \
	X(SPARK3, "▃", 0x2583, ',') \
	X(SPARK4, "▄", 0x2584, '-') \
	X(SPARK5, "▅", 0x2585, '~') \
	X(SPARK6, "▆", 0x2586, '=') \
	X(SPARK7, "▇", 0x2587, '^') \
	X(SPARK8, "█", 0x2588, '#')

enum glyph {
#define X(e, u, cp, a) GLYPH_##e,
	GLYPHS(X)
#undef X
	GLYPH_COUNT
};

const char *glyph(enum glyph g);        /* UTF-8; the grid turns it into its twin where it must */
char glyph_ascii(uint32_t cp);          /* '?' for what is not ours */

#endif
