/* What may have to be done about which item, and what became of its row, a bit each: a plan has a million, and whoever looks
 * for the few, or counts, does not read all of them again. What may have to be done says perhaps; the item itself says whether. */
#include "base/mem.h"
#include "cleanup/cycle_internal.h"

#include <string.h>

uint16_t item_marks(const struct cycle_item *it)
{
	enum item_state st = (enum item_state)it->state;
	enum row_state row = (enum row_state)it->row;
	bool row_over = row == ROW_COMMITTED || row == ROW_REMAPPED || row == ROW_CONFLICT || row == ROW_NONE;
	bool gone = item_deleted(st) || st == ITEM_RESTORED;
	bool back = st == ITEM_RESTORING || st == ITEM_SEEKING || (it->restorable && (st == ITEM_DELETED || st == ITEM_GONE));
	return (uint16_t)((row == ROW_INTENT || (it->has_row && !row_over && (gone || st == ITEM_GONE_OTHER)) ? MARK_ROW : 0) |
			 (item_look_due(it) ? MARK_LOOK : 0) |
			 (row == ROW_CLAIMED || row == ROW_RELEASING || it->unclaim ? MARK_CLAIM : 0) |
			 (back ? MARK_BACK : 0) |
			 (row == ROW_CONFLICT ? MARK_CONFLICT : 0) |
			 (st == ITEM_BACKOFF || st == ITEM_SETTLING ? MARK_WAITS : 0) |
			 (st == ITEM_FAILED || st == ITEM_UNKNOWN ? MARK_FAILED : 0) |
			 (st == ITEM_HELD ? MARK_HELD : 0) |
			 (row == ROW_COMMITTED ? MARK_COMMITTED : 0) |
			 (row == ROW_REMAPPED ? MARK_REMAPPED : 0) |
			 (row == ROW_NONE || !it->has_row ? MARK_NO_ROW : 0) |
			 (item_deleted(st) && it->has_row && row != ROW_COMMITTED && row != ROW_CONFLICT ? MARK_TODO : 0));
}

void marks_count(int64_t marked[MARKS], unsigned was, unsigned is)
{
	for (unsigned differ = was ^ is; differ; differ &= differ - 1) {
		int bit = __builtin_ctz(differ);
		marked[bit] += is >> bit & 1 ? 1 : -1;
	}
}

void mark(struct cycle *c, const struct cycle_item *it)
{
	uint16_t *m = &c->marks[it - c->item], is = item_marks(it);
	marks_count(c->marked, *m, is);
	*m = is;
}

int64_t marked(const struct cycle *c, unsigned which) { return c->marked[__builtin_ctz(which)]; }

int32_t next_marked(const struct cycle *c, int32_t from, int32_t to, unsigned which)
{
	const uint64_t all = UINT64_C(0x0001000100010001) * which;
	uint64_t four;
	while (from < to) {
		if (to - from >= 4) {
			memcpy(&four, c->marks + from, sizeof four);
			if (!(four & all)) {
				from += 4;
				continue;
			}
		}
		if (c->marks[from] & which)
			return from;
		from++;
	}
	return to;
}

struct cycle_rows cycle_rows(const struct cycle *c)
{
	struct cycle_rows n = { .committed = marked(c, MARK_COMMITTED), .remapped = marked(c, MARK_REMAPPED), .none = marked(c, MARK_NO_ROW),
		.conflicts = marked(c, MARK_CONFLICT), .todo = marked(c, MARK_TODO) };
	for (int32_t i = -1; restore_any(c) && (i = next_marked(c, i + 1, c->items, MARK_TODO)) < c->items;)
		n.todo -= restore_due(c, &c->item[i]);
	return n;
}

bool cycle_marks_hold(const struct cycle *c)
{
	int64_t n[MARKS] = { 0 };
	for (int32_t i = 0; i < c->items; i++) {
		if (c->marks[i] != item_marks(&c->item[i]))
			return false;
		marks_count(n, 0, c->marks[i]);
	}
	return !memcmp(n, c->marked, sizeof n);
}
