/* hostile [STRINGS]: names that fight back, the known kinds and as many made by chance, in every string of every
 * fixture and on every screen: no control byte, bidi or zero-width character reaches a cell, and in a list no cell
 * outside the column changes. And ids: no two that differ look the same, however narrow their column is.
 * Prints one line of figures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "tests/ui/fixture.h"
#include "ui/screens/screens.h"

static struct rng rng;

static int below(int n) { return (int)rng_below(&rng, (uint64_t)n); }

/* As they stand in JSON. */
static const char *const kinds[] = {
	"\\u001b[2J\\u001b[H", "\\u001b]0;title\\u0007", "\\u001b]52;c;aGk=\\u0007", "\\u001b]8;;http://x\\u001b\\\\", "\\u001bP1$r\\u001b\\\\", "\\r\\nSAFE",
	"cr-hidden\\rSAFE", "a\\tb", "\\u0007\\u0008\\u000b\\u000c", "\\u007f", "\\u009b31m", "\\u0085\\u0090\\u009d", "\\u202egnp.exe", "\\u2066abc\\u2069",
	"\\u061c\\u200e\\u200f", "zwsp\\u200b-admin", "zwj\\u200d-admin", "\\u2060\\ufeff", "\\udb40\\udc41\\udb40\\udc7f", "\\ufe0f\\ufe0e", "\\u00ad", "\\u2028line\\u2029",
	"\\u00a0\\u3000\\u2003", "e\\u0301\\u0302\\u0303\\u0304", "\\ue000\\uf8ff", "\\ud83d\\udc68\\u200d\\ud83d\\udc69", "\\uff21\\uff22\\uff23", "%s%n%s", "",
	"A very long name that goes on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on.",
};

static void by_chance(char *dst, size_t cap)
{
	static const char *const bits[] = { "\\u001b", "[2J", "]52;", "\\u0007", "\\r", "\\n", "\\t", "\\u0000\\u0001", "\\u009b", "\\u202e", "\\u2067", "\\u200b", "\\u200d", "\\ufeff",
		"\\u0300", "\\u0334", "\\u1160", "\\u3164", "\\ud83d\\ude00", "\\ufe0f", "\\u6f22", "\\uff76", "a", "Z", "0", " ", "\\\\", "<U+202E>", "^[", "\\u0430", "\\u05d0", "\\u0627" };
	size_t n = 0;
	dst[0] = '\0';
	for (int i = 1 + below(14); i > 0 && n + 14 < cap; i--)
		n += (size_t)snprintf(dst + n, cap - n, "%s", bits[below((int)ARRAY_LEN(bits))]);
	for (char *null = strstr(dst, "\\u0000"); null; null = strstr(dst, "\\u0000"))
		null[5] = '2';          /* JSON with NUL is refused before any screen */
}

static void check_cells(const struct grid *g, const char *where, const char *text)
{
	for (int y = 0; y < g->rows; y++)
		for (int x = 0; x < g->cols; x++) {
			const struct cell *c = grid_at(g, y, x);
			size_t i = 0;
			if (c->width == 0)
				continue;
			int32_t cp = utf8_next(slice_of(c->g), &i);
			if (cp < 0x20 || text_cp_width((uint32_t)cp) != c->width) {
				printf("not ok %s shows U+%04X at %d,%d for %s\n", where, (unsigned)cp, y, x, text);
				exit(1);
			}
		}
}

static void replace(struct buf *out, struct slice in, const char *find, const char *with)
{
	size_t n = strlen(find);
	for (size_t i = 0; i < in.n;) {
		if (in.n - i >= n && memcmp(in.p + i, find, n) == 0) {
			buf_adds(out, with);
			i += n;
		} else {
			buf_addc(out, in.p[i++]);
		}
	}
}

static void draw(struct slice json, const char *screen, struct grid *g, bool ascii)
{
	struct fixture f;
	fixture_parse(&f, json, ascii);
	fixture_show(&f, screen);
	fixture_paint(&f, g);
	fixture_paint(&f, g);
	fixture_done(&f);
}

static void load(struct buf *out, const char *name)
{
	const char *top = getenv("SLUICE_TOP");
	char path[512];
	snprintf(path, sizeof(path), "%s/tests/ui/fixtures/%s.json", top ? top : ".", name);
	fixture_read(out, path);
}

/* ---- in a column ---- */

static const struct {
	const char *fixture, *find, *screen;
} columns[] = {
	{ "usual", "\"name\": \"scan0001.png\"", "candidates" }, { "busy", "\"name\": \"exai-daemon-03\"", "links" }, { "busy", "\"name\": \"exai-daemon-03\"", "breakers" },
	{ "usual", "\"text\": \"held at gate CLEANING: grant needed\"", "audit" }, { "usual", "\"close_text\": \"keepalive\"", "links" }, { "failing", "\"said\": \"0 MB free in /var/lib/sluice\"", "checks" },
};

/* Cells that may change: those that do between plain texts, two long ones and a short one. */
static long fences(const char *text)
{
	long n = 0;
	for (size_t k = 0; k < ARRAY_LEN(columns); k++) {
		static const char a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
		struct buf json = { 0 }, with[4] = { { 0 } };
		struct grid g[4];
		load(&json, columns[k].fixture);
		const char *colon = strchr(columns[k].find, ':');
		for (int i = 0; i < 4; i++) {
			char value[400];
			snprintf(value, sizeof(value), "%.*s: \"%s\"", (int)(colon - columns[k].find), columns[k].find, i == 2 ? text : i == 3 ? "c" : a);
			if (i == 1)
				for (char *c = strchr(value, ':') + 3; *c == 'a'; c++)
					*c = 'b';
			replace(&with[i], buf_slice(&json), columns[k].find, value);
			grid_init(&g[i], 30, 160, false);
			draw(buf_slice(&with[i]), columns[k].screen, &g[i], false);
		}
		check_cells(&g[2], columns[k].screen, text);
		int listed = 4 + (columns[k].fixture[0] == 'b' ? 12 : 9);      /* below it stand the details of the selected row */
		for (int y = 0; y < MIN(listed, 30); y++)
			for (int x = 0; x < 160; x++, n++)
				if (cell_eq(grid_at(&g[0], y, x), grid_at(&g[1], y, x)) && cell_eq(grid_at(&g[0], y, x), grid_at(&g[3], y, x)) &&
				    !cell_eq(grid_at(&g[0], y, x), grid_at(&g[2], y, x))) {
					printf("not ok %s: cell %d,%d outside the column changed for %s\n", columns[k].screen, y, x, text);
					exit(1);
				}
		for (int i = 0; i < 4; i++) {
			grid_done(&g[i]);
			buf_done(&with[i]);
		}
		buf_done(&json);
	}
	return n;
}

/* ---- everywhere ---- */

/* Every value that is a string becomes this text. */
static void all_strings(struct buf *out, struct slice in, const char *text)
{
	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] != '"') {
			buf_addc(out, in.p[i]);
			continue;
		}
		size_t end = i + 1;
		while (end < in.n && in.p[end] != '"')
			end += in.p[end] == '\\' ? 2 : 1;
		size_t before = i;
		while (before > 0 && strchr(" \n\t", in.p[before - 1]))
			before--;
		bool value = before > 0 && strchr(":[,", in.p[before - 1]) && (end + 1 >= in.n || in.p[end + 1] != ':');
		if (value && below(3))
			buf_addf(out, "\"%s\"", text);
		else
			buf_add(out, in.p + i, end + 1 - i);
		i = end;
	}
}

static long everywhere(const char *text)
{
	static const char *const fixtures[] = { "usual", "busy", "failing" };
	const char *fixture = fixtures[below((int)ARRAY_LEN(fixtures))];
	long n = 0;
	struct buf json = { 0 }, bad = { 0 };
	load(&json, fixture);
	all_strings(&bad, buf_slice(&json), text);
	for (size_t i = 0; screens[i]; i++) {
		struct grid g;
		bool ascii = below(4) == 0;
		grid_init(&g, 24 + below(8), 80 + below(60), ascii);
		if (screens[i]->number > 0 || screens[i] == &page_approve)
			draw(buf_slice(&bad), screens[i] == &page_approve ? "approve" : screens[i]->id, &g, ascii);
		check_cells(&g, screens[i]->id, text);
		grid_done(&g);
		n++;
	}
	buf_done(&bad);
	buf_done(&json);
	return n;
}

/* ---- lines, cells of CSV, labels ---- */

static void check_line(struct slice s, const char *where, const char *text)
{
	for (size_t i = 0; i < s.n;) {
		int32_t cp = utf8_next(s, &i);
		if (cp < 0x20 || text_cp_width((uint32_t)cp) < 0) {
			printf("not ok %s lets U+%04X through for %s\n", where, (unsigned)cp, text);
			exit(1);
		}
	}
}

static void outside_the_screen(const char *text)
{
	char json[400], z[200];
	struct json_doc *d;
	struct err e;
	struct slice raw;
	struct buf csv = { 0 }, label = { 0 };
	snprintf(json, sizeof(json), "\"%s\"", text);
	if (json_parse(&d, slice_of(json), NULL, &e) != RC_OK || !json_str(json_root(d), &raw)) {
		printf("not ok %s is no JSON: %s\n", json, e.text);
		exit(1);
	}
	text_csv(&csv, raw);
	text_label(&label, raw);
	check_line(buf_slice(&csv), "a cell of CSV", text);
	check_line(buf_slice(&label), "a label", text);
	check_line(slice_of(text_z(z, sizeof(z), raw)), "a line of the log", text);
	if (csv.n > 1 && strchr("=+-@", csv.p[1])) {
		printf("not ok a cell of CSV begins a formula for %s\n", text);
		exit(1);
	}
	json_doc_free(d);
	buf_done(&csv);
	buf_done(&label);
}

/* ---- ids ---- */

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void shown_id(struct buf *out, const char *id, int w)
{
	struct grid g;
	grid_init(&g, 1, w, false);
	area_show_id(area_all(&g), 0, 0, w, ROLE_TEXT, slice_of(id));
	for (int x = 0; x < w; x++)
		buf_adds(out, grid_at(&g, 0, x)->g);
	grid_done(&g);
}

static int ids_differ(int n)
{
	static const char *const twins[] = { "admin", "\xd0\xb0" "dmin", "adm\xd1\x96n", "admin\xe2\x80\x8b", "admin ", " admin", "admin\xc2\xa0", "\x1b[2Jadmin", "^[[2Jadmin", "<U+200B>", "\xe2\x80\x8b",
		"\\x1b", "admin\xe2\x80\xae", "nimda", "\xef\xbd\x81" "dmin", "e\xcc\x81", "\xc3\xa9", "a\tb", "a b", "a\nb", "#", "##", "" };
	static const int widths[] = { 10, 16, 24, 40 };
	int total = n + (int)ARRAY_LEN(twins);
	for (size_t k = 0; k < ARRAY_LEN(widths); k++) {
		char **shown = xcalloc((size_t)total, sizeof(*shown));
		for (int i = 0; i < total; i++) {
			char id[96];
			struct buf b = { 0 };
			if (i < n)              /* the same head and tail, another middle */
				snprintf(id, sizeof(id), "file-AAAAAAAAAAAAAAAA%07d-ZZZZZZZZZZZZZZZZ", i);
			else
				snprintf(id, sizeof(id), "%s", twins[i - n]);
			shown_id(&b, id, widths[k]);
			shown[i] = xstrndup(b.p, b.n);
			buf_done(&b);
		}
		qsort(shown, (size_t)total, sizeof(*shown), by_text);
		for (int i = 1; i < total; i++)
			if (strcmp(shown[i - 1], shown[i]) == 0) {
				printf("not ok two ids look like \"%s\" in %d columns\n", shown[i], widths[k]);
				exit(1);
			}
		for (int i = 0; i < total; i++)
			free(shown[i]);
		free(shown);
	}
	return total;
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 60;
	long cells = 0, drawn = 0;
	char text[300];
	rng_seed(&rng, 27);
	for (int i = 0; i < n + (int)ARRAY_LEN(kinds); i++) {
		if (i < (int)ARRAY_LEN(kinds))
			snprintf(text, sizeof(text), "%s", kinds[i]);
		else
			by_chance(text, sizeof(text));
		cells += fences(text);
		drawn += everywhere(text);
		outside_the_screen(text);
	}
	printf("ok %d strings in lines, CSV and labels, %ld screens without a hostile cell, %ld cells fenced, %d ids that never look alike\n", n + (int)ARRAY_LEN(kinds), drawn, cells,
	       ids_differ(2000));
	return 0;
}
