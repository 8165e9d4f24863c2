/* Whatever the bytes: what text_show writes is printable, as wide as it says and within its limit;
 * unlimited it loses nothing and showing it again changes nothing. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static int shown_columns(struct slice s)
{
	int columns = 0;
	for (size_t i = 0; i < s.n;) {
		int32_t cp = utf8_next(s, &i);
		FUZZ_CHECK(cp >= 0x20 && cp != 0x7F);
		int w = text_cp_width((uint32_t)cp);
		FUZZ_CHECK(w >= 0);
		columns += w;
	}
	return columns;
}

static void check_show(struct slice s, int max, bool ascii)
{
	struct buf head = { 0 }, middle = { 0 };
	struct text_info h = text_show(&head, s, max, ascii), m = text_show_middle(&middle, s, max, ascii);
	FUZZ_CHECK(shown_columns(buf_slice(&head)) == h.columns);
	FUZZ_CHECK(shown_columns(buf_slice(&middle)) == m.columns);
	FUZZ_CHECK(max == 0 || (h.columns <= max && m.columns <= max));
	FUZZ_CHECK(h.clipped == m.clipped && (max > 0 || !h.clipped));
	for (size_t i = 0; ascii && i < head.n; i++)
		FUZZ_CHECK((unsigned char)head.p[i] < 0x7F);
	if (max == 0) {
		FUZZ_CHECK(head.n >= s.n);
		FUZZ_CHECK(h.altered == !slice_eq(buf_slice(&head), s));
		struct buf again = { 0 };
		FUZZ_CHECK(!text_show(&again, buf_slice(&head), 0, ascii).altered);
		FUZZ_CHECK(slice_eq(buf_slice(&again), buf_slice(&head)));
		buf_done(&again);
	}
	buf_done(&head);
	buf_done(&middle);
}

static void check_quoted(struct slice s)
{
	struct buf csv = { 0 }, label = { 0 };
	text_csv(&csv, s);
	FUZZ_CHECK(csv.n >= 2 && csv.p[0] == '"' && csv.p[csv.n - 1] == '"');
	for (size_t i = 1; i + 1 < csv.n; i++)
		if (csv.p[i] == '"')
			FUZZ_CHECK(++i + 1 < csv.n && csv.p[i] == '"');
	FUZZ_CHECK(csv.n == 2 || !strchr("=+-@", csv.p[1]));
	text_label(&label, s);
	for (size_t i = 0; i < label.n; i++) {
		if (label.p[i] == '\\')
			FUZZ_CHECK(++i < label.n && (label.p[i] == '\\' || label.p[i] == '"'));
		else
			FUZZ_CHECK(label.p[i] != '"' && label.p[i] != '\n');
	}
	buf_done(&csv);
	buf_done(&label);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice s = { (const char *)data, size };
	static const int widths[] = { 0, 1, 2, 5, 13, 80 };
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		check_show(s, widths[i], false);
		check_show(s, widths[i], true);
	}
	for (size_t cap = 1; cap < 40; cap += 7) {
		char *z = malloc(cap);
		text_z(z, cap, s);
		FUZZ_CHECK(strlen(z) < cap);
		shown_columns(slice_of(z));
		free(z);
	}
	check_quoted(s);
	return 0;
}
