#include "ui/screens/candidates_detail.h"

#include <string.h>

#include "base/text.h"
#include "ui/format.h"
#include "ui/widgets/flow.h"

static void evidence_lines(struct buf *out, const struct json *j, int depth)
{
	for (const struct json *v = json_first(j); v; v = json_next(v)) {
		struct slice key = json_is_object(j) ? json_key(v) : (struct slice){ "", 0 };
		buf_addf(out, "%*s", depth * 2, "");
		buf_add(out, key.p, key.n);
		buf_adds(out, key.n > 0 ? "  " : "");
		struct slice s;
		if (json_is_object(v) || json_is_array(v)) {
			buf_addc(out, '\n');
			evidence_lines(out, v, depth + 1);
			continue;
		}
		if (json_str(v, &s))
			for (size_t i = 0; i < s.n; i++)
				buf_addc(out, s.p[i] == '\n' ? ' ' : s.p[i]);
		else
			json_print(out, v);
		buf_addc(out, '\n');
	}
}

static void on_one(struct ui *ui, void *ctx, const struct json *result, const char *error)
{
	struct evidence *v = ctx;
	buf_clear(&v->lines);
	v->trouble[0] = '\0';
	if (error)
		text_z(v->trouble, sizeof(v->trouble), slice_of(error));
	else
		evidence_lines(&v->lines, json_get(result, "evidence"), 0);
	ui->dirty = true;
}

void candidate_ask(struct ui *ui, struct evidence *v, struct slice id)
{
	struct buf b = { 0 };
	struct jw w;
	buf_clear(&v->lines);
	buf_clear(&v->id);
	buf_add(&v->id, id.p, id.n);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kstr(&w, "id", id);
	jw_end_obj(&w);
	ui_call(ui, "candidates.one", &b, on_one, v);
	buf_done(&b);
}

void candidate_done(struct evidence *v)
{
	buf_done(&v->lines);
	buf_done(&v->id);
}

static void draw_evidence(struct flow *f, struct slice all)
{
	while (all.n > 0) {
		const char *nl = memchr(all.p, '\n', all.n);
		struct slice line = { all.p, nl ? (size_t)(nl - all.p) : all.n };
		all.p += line.n + (nl ? 1 : 0);
		all.n -= line.n + (nl ? 1 : 0);
		f->indent = f->x = 4;
		flow_words(f, ROLE_TEXT, line);
		f->indent = 2;
		flow_line(f);
	}
}

/* "P n -" in words: the lane, the object source, the records (SEMANTICS 3). A letter that is not known here says nothing. */
static const char *place_word(int place, char letter)
{
	static const struct {
		char letter[3];
		const char *word[3];
	} table[] = {
		{ "P", { "in the lane" } }, { "O", { NULL, "its object is there" } }, { "D", { NULL, NULL, "in a row of the records" } },
		{ "-", { "not in the lane", "its object is missing", "in no row of the records" } },
		{ "n", { NULL, "no object belongs to it", "no records to look in" } },
		{ "?", { "lane not known", "object not known", "rows not known" } },
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].letter[0] == letter)
			return table[i].word[place];
	return NULL;
}

static void where_field(struct flow *f, struct slice where)
{
	struct buf text = { 0 };
	buf_add(&text, where.p, where.n);
	for (int place = 0; place < 3; place++) {
		const char *word = where.n == 5 ? place_word(place, where.p[2 * place]) : NULL;
		if (word)
			buf_addf(&text, "%s%s", place == 0 ? ":  " : " · ", word);
	}
	flow_field(f, "where", buf_slice(&text));
	buf_done(&text);
}

/* SEMANTICS 3. */
static void class_field(struct flow *f, struct slice class_)
{
	static const struct {
		const char *class_, *means;
	} table[] = {
		{ "R0", "cannot be brought back" }, { "R1", "can be brought back from a verified copy, under a new id" },
		{ "R2", "can be brought back until a date" }, { "R3", "can be brought back exactly" },
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (slice_is(class_, table[i].class_)) {
			flow_fieldf(f, "class", "%s:  %s", table[i].class_, table[i].means);
			return;
		}
	}
	flow_field(f, "class", class_);
}

void candidate_flow(struct ui *ui, struct flow *f, const struct m_candidate *r, const struct evidence *v)
{
	char text[FORMAT_TEXT], more[FORMAT_TEXT];
	flow_field(f, "name", r->name);
	if (r->altered) {
		flow_put(f, ROLE_ESCAPE, "the name has characters that are not shown as they are; approve by the id");
		flow_line(f);
	}
	flow_field(f, "lane", r->lane);
	flow_field(f, "verdict", r->verdict);
	flow_field(f, "rule", r->rule);
	flow_field(f, "why", r->reason);
	where_field(f, r->where);
	class_field(f, r->class_);
	flow_field(f, "purpose", r->purpose);
	flow_fieldf(f, "size", "%s (%s bytes)", format_bytes(text, r->bytes), format_count(more, r->bytes));
	flow_fieldf(f, "age", "%s", format_age(text, ui->now.wall_us, r->created_us));
	flow_fieldf(f, "rank in the plan", "%s", r->rank > 0 ? format_count(text, r->rank) : "not planned");
	flow_line(f);
	flow_put(f, ROLE_TITLE, "Evidence");
	flow_line(f);
	if (!slice_eq(buf_slice(&v->id), r->id))
		flow_put(f, ROLE_DIM, "loading…");
	else if (v->trouble[0])
		flow_put(f, ROLE_FAIL, v->trouble);
	else
		draw_evidence(f, buf_slice(&v->lines));
}
