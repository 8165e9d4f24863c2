#include "ui/screens/candidates_filter.h"

#include <string.h>

#include "base/mem.h"
#include "base/query.h"

/* A key and the operator that is most often wanted after it. */
static const char *const starts[] = { "lane:", "state:", "rule:", "class:", "age>", "size>", "name~", "id:", "why~", "purpose:" };

bool candidates_wrong(struct ui *ui, struct slice text, size_t *at, struct buf *why)
{
	struct query q;
	struct err e = { 0 };
	(void)ui;
	if (query_parse(&q, text, at, &e) == RC_OK)
		return false;
	buf_adds(why, e.text);
	return true;
}

static void add_value(struct choices *out, struct slice value)
{
	struct buf b = { 0 };
	query_quote(&b, value);
	choices_add(out, buf_slice(&b));
	buf_done(&b);
}

static void offer_values(const struct ui *ui, const struct query_spot *spot, const struct choices *rules, struct choices *out)
{
	const struct m_overview *o = &ui->model.overview;
	const char *const *words = query_words(spot->key);
	for (; words && *words; words++)
		choices_addz(out, *words);
	for (int i = 0; spot->key == QUERY_LANE && i < o->lanes; i++)
		add_value(out, o->lane[i].name);
	for (size_t i = 0; spot->key == QUERY_RULE && i < rules->n; i++)
		add_value(out, buf_slice(&rules->word[i]));
	if ((spot->key == QUERY_AGE || spot->key == QUERY_SIZE) && spot->op == QUERY_IS)
		choices_addz(out, "unknown");
}

size_t candidates_offer(struct ui *ui, struct slice text, size_t cursor, const struct choices *rules, struct choices *out)
{
	struct query_spot spot = query_spot(text, cursor);
	if (spot.value) {
		offer_values(ui, &spot, rules, out);
		return spot.from;
	}
	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		choices_addz(out, starts[i]);
	for (const char *const *w = query_words(QUERY_STATE); *w; w++)
		choices_addz(out, *w);
	return spot.from;
}

void candidates_rules(struct choices *rules, struct slice of_row)
{
	while (of_row.n > 0) {
		const char *plus = memchr(of_row.p, '+', of_row.n);
		size_t n = plus ? (size_t)(plus - of_row.p) : of_row.n;
		choices_add(rules, (struct slice){ of_row.p, n });
		of_row.p += n + (plus != NULL);
		of_row.n -= n + (plus != NULL);
	}
}
