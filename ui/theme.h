/* Themes: what a role looks like. Screens name roles; only a back end asks a theme. Four themes are
 * built in (dark, light, mono, contrast); a name with a slash is a file in the format of data/themes:
 *     ok        fg green/114 bold         # 8-colour name, or name/number of the 256
 *     selected  bg blue/237               # laid under the role of a selected row
 * Pure, except for reading the file. */
#ifndef SLUICE_UI_THEME_H
#define SLUICE_UI_THEME_H

#include "ui/grid.h"

enum { STYLE_BOLD = 1, STYLE_DIM = 2, STYLE_REVERSE = 4, STYLE_UNDERLINE = 8 };

struct style {
	int16_t fg8, fg256, bg8, bg256;         /* -1 = the terminal's own */
	uint8_t attrs;
};

struct theme {
	char name[32];
	struct style role[ROLE_COUNT];
	struct style selected;
};

/* NULL or "" = dark; NO_COLOR or mono asked for: mono. An error names file, line and word. */
enum rc theme_load(struct theme *t, const char *name_or_path, bool mono, struct err *e) MUST_USE;
enum rc theme_parse(struct theme *t, const char *name, struct slice text, struct err *e) MUST_USE;
struct style theme_style(const struct theme *t, enum role r, bool selected);
const char *role_name(enum role r);
char role_letter(enum role r);

#endif
