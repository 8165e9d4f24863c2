#include "records/source.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/time.h"

int64_t cell_number(const struct cell *c)
{
	int64_t v;
	if (c->kind == CELL_NULL || !parse_i64(c->text, &v))
		return -1;
	return v >= 0 ? v : -1;
}

/* Seconds, milliseconds or microseconds since 1970, told apart by their size. */
static int64_t epoch_us(int64_t v)
{
	if (v < 0)
		return -1;
	if (v < INT64_C(100000000000))
		return v * 1000000;
	return v < INT64_C(100000000000000) ? v * 1000 : v;
}

/* Seconds with a fraction, printed with a point and without an exponent. */
static int64_t real_us(struct slice text)
{
	size_t dot = 0;
	int64_t whole, us = 0, unit = 100000;
	while (dot < text.n && text.p[dot] != '.')
		dot++;
	if (!parse_i64((struct slice){ text.p, dot }, &whole) || whole < 100000000 || whole > INT64_C(100000000000))
		return -1;
	for (size_t i = dot + 1; i < text.n && unit; i++, unit /= 10) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return -1;
		us += (text.p[i] - '0') * unit;
	}
	return whole * 1000000 + us;
}

int64_t cell_time_us(const struct cell *c)
{
	int64_t v;
	switch (c->kind) {
	case CELL_INTEGER:
		return parse_i64(c->text, &v) ? epoch_us(v) : -1;
	case CELL_REAL:
		return real_us(c->text);
	case CELL_TEXT:
		return time_parse_sql(c->text, &v) || time_parse_rfc3339(c->text, &v) ? v : -1;
	case CELL_NULL:
		return -1;
	}
	return -1;
}

static struct cell text_cell(struct slice v)
{
	return (struct cell){ CELL_TEXT, v };
}

static struct cell time_cell(const struct session *s, const struct change *c, char text[TIME_TEXT])
{
	if (c->op != BATCH_COMMIT || !s->m.epoch_deleted_at)
		return text_cell(slice_of(time_rfc3339(text, c->now_us, true)));
	snprintf(text, TIME_TEXT, "%" PRId64, c->now_us / 1000000);
	return (struct cell){ CELL_INTEGER, slice_of(text) };
}

struct cell change_value(const struct session *s, const struct change *c, enum mapping_param p, char text[TIME_TEXT])
{
	switch (p) {
	case MAPPING_KEY: return text_cell(c->key);
	case MAPPING_FILE: return text_cell(c->file_id);
	case MAPPING_LANE: return text_cell(c->lane_value);
	case MAPPING_TOKEN: return text_cell(slice_of(c->token));
	case MAPPING_NOW: return time_cell(s, c, text);
	case MAPPING_STATUS: return text_cell(slice_of(s->s->cfg->status_deleted));
	case MAPPING_REASON: return text_cell(slice_of(c->reason));
	case MAPPING_NEW: return text_cell(c->new_id);
	case MAPPING_AFTER:
	case MAPPING_LIMIT:
	case MAPPING_PARAMS: break;
	}
	return (struct cell){ .kind = CELL_NULL };
}
