/* The one door for foreign bytes on their way to a person: screen cell, log line, CSV cell, error
 * text, metric label (SEMANTICS 8). Invalid UTF-8, C0/C1, DEL, bidi controls, zero-width, tags,
 * line/paragraph separators, private use, unassigned, odd spaces and piled combining marks (more
 * than one per base) become visible escapes (`\xFF`, `^[`, `\r`, `<U+202E>`). Never drops a byte
 * silently, never stops early. Pure; any thread. Widths come from one table used by the grid too. */
#ifndef SLUICE_BASE_TEXT_H
#define SLUICE_BASE_TEXT_H

#include "base/str.h"

struct text_info {
	int columns;           /* width of what was written */
	bool altered;          /* something was escaped: show a mark beside it */
	bool clipped;
};

/* Append the shown form of `s` to `out`, at most max_columns wide (0 = no limit). When clipped it
 * ends with `…` ("~" if ascii). ascii: every non-ASCII code point becomes <U+XXXX>. */
struct text_info text_show(struct buf *out, struct slice s, int max_columns, bool ascii);
/* The same keeping head and tail: "very long na….pdf". */
struct text_info text_show_middle(struct buf *out, struct slice s, int max_columns, bool ascii);
/* Into a caller's array, for err_set and log lines; always NUL-terminated; returns dst. */
const char *text_z(char *dst, size_t cap, struct slice s);
/* One CSV cell: shown, quoted, with a leading ' when it would start a formula. */
void text_csv(struct buf *out, struct slice s);
/* Prometheus label value: shown, then \ " and newline escaped. */
void text_label(struct buf *out, struct slice s);

/* Decode one code point of valid UTF-8 at s[*i]; advances *i; -1 and one byte on invalid input. */
int32_t utf8_next(struct slice s, size_t *i);
void utf8_put(struct buf *out, uint32_t cp);
bool utf8_valid(struct slice s);
/* Columns of a printable code point: 0 (combining), 1 or 2; -1 for what must be escaped. */
int text_cp_width(uint32_t cp);

#endif
