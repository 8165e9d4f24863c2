#include <string.h>

#include "config/finish.h"

/* Encodes what a section means, defaults included: key, then value in the canonical encoding. Names
 * instead of indexes, so that moving an entry that is referred to changes nothing else. */

static const char *member(const void *rec, size_t offset)
{
	return (const char *)rec + offset;
}

static const char *text_at(const void *p)
{
	const char *z;
	memcpy(&z, p, sizeof(z));
	return z;
}

static int64_t number_at(const struct field *f, const void *p)
{
	int64_t v = 0;
	int i;
	if (f->size == sizeof(int64_t)) {
		memcpy(&v, p, sizeof(v));
		return v;
	}
	memcpy(&i, p, sizeof(i));
	return i;
}

static const char *target_name(const struct config *c, const char *list, int64_t i)
{
	const struct field *f = section_field(&section_config, slice_of(list));
	return i < 0 ? NULL : text_at(text_at(member(c, f->at)) + (size_t)i * f->of->size);
}

static void add_section(struct buf *out, const struct config *c, const struct section *s, const void *rec);

static void add_entry(struct buf *out, const struct config *c, const struct field *f, const char *entries, size_t i)
{
	int64_t v;
	int ref;
	switch (f->type) {
	case FIELD_TEXTS:
	case FIELD_GLOBS:
		enc_z(out, text_at(entries + i * sizeof(char *)));
		break;
	case FIELD_UIDS:
		memcpy(&v, entries + i * sizeof(v), sizeof(v));
		enc_i64(out, v);
		break;
	case FIELD_KEYS:
		enc_bytes(out, (struct slice){ entries + i * KEY_BYTES, KEY_BYTES });
		break;
	case FIELD_REFS:
		memcpy(&ref, entries + i * sizeof(ref), sizeof(ref));
		enc_z(out, target_name(c, f->ref, ref));
		break;
	case FIELD_LIST:
		add_section(out, c, f->of, entries + i * f->of->size);
		break;
	case FIELD_NAME: case FIELD_TEXT: case FIELD_IDENT: case FIELD_COLUMN: case FIELD_PATH: case FIELD_URL: case FIELD_LISTEN:
	case FIELD_SESSION: case FIELD_WORD: case FIELD_CHOICE: case FIELD_BOOL: case FIELD_INT: case FIELD_BYTES: case FIELD_DURATION:
	case FIELD_SHARE: case FIELD_RATE: case FIELD_REF: case FIELD_GATES: case FIELD_MAP: case FIELD_TYPE_COUNT:
		die("configuration key %s is not a list", f->key);
	}
}

static void add_list(struct buf *out, const struct config *c, const struct field *f, const void *rec)
{
	size_t n;
	memcpy(&n, member(rec, f->count_at), sizeof(n));
	enc_i64(out, (int64_t)n);
	for (size_t i = 0; i < n; i++)
		add_entry(out, c, f, text_at(member(rec, f->at)), i);
}

static void add_column(struct buf *out, const void *p)
{
	struct cfg_column col;
	memcpy(&col, p, sizeof(col));
	enc_z(out, col.name);
	enc_i64(out, col.given);
}

static void add_gates(struct buf *out, const struct field *f, const void *rec)
{
	for (const struct field_word *w = f->words; w->word; w++)
		if (!w->not_yet)
			enc_i64(out, *member(rec, (size_t)w->value) != 0);
}

static void add_field(struct buf *out, const struct config *c, const struct field *f, const void *rec)
{
	const char *p = member(rec, f->at);
	enc_z(out, f->key);
	switch (f->type) {
	case FIELD_NAME: case FIELD_TEXT: case FIELD_IDENT: case FIELD_PATH: case FIELD_URL: case FIELD_LISTEN: case FIELD_SESSION:
	case FIELD_CHOICE:
		enc_z(out, text_at(p));
		break;
	case FIELD_INT: case FIELD_BYTES: case FIELD_DURATION: case FIELD_SHARE: case FIELD_RATE: case FIELD_WORD:
		enc_i64(out, number_at(f, p));
		break;
	case FIELD_BOOL:
		enc_i64(out, *p != 0);
		break;
	case FIELD_COLUMN:
		add_column(out, p);
		break;
	case FIELD_REF:
		enc_z(out, target_name(c, f->ref, number_at(f, p)));
		break;
	case FIELD_GATES:
		add_gates(out, f, rec);
		break;
	case FIELD_MAP:
		add_section(out, c, f->of, p);
		break;
	case FIELD_TEXTS: case FIELD_GLOBS: case FIELD_UIDS: case FIELD_KEYS: case FIELD_REFS: case FIELD_LIST:
		add_list(out, c, f, rec);
		break;
	case FIELD_TYPE_COUNT:
		die("configuration key %s has no type", f->key);
	}
}

static void add_section(struct buf *out, const struct config *c, const struct section *s, const void *rec)
{
	for (const struct field *f = s->fields; f->key; f++)
		add_field(out, c, f, rec);
}

/* Records with the source of objects that they name: the same rows and the same objects. */
static void add_records(struct buf *out, const struct config *c, const struct cfg_records *r)
{
	add_section(out, c, section_field(&section_config, SLICE_LIT("records"))->of, r);
	if (r->objects >= 0)
		add_section(out, c, &section_objects, &c->objects[r->objects]);
}

bool config_same_records(const struct config *ca, const struct cfg_records *a, const struct config *cb, const struct cfg_records *b)
{
	struct buf x, y;
	buf_init(&x);
	buf_init(&y);
	add_records(&x, ca, a);
	add_records(&y, cb, b);
	bool same = slice_eq(buf_slice(&x), buf_slice(&y));
	buf_done(&x);
	buf_done(&y);
	return same;
}

static void hash_policy(struct config *c, struct cfg_policy *p)
{
	struct buf b;
	buf_init(&b);
	add_section(&b, c, section_field(&section_config, SLICE_LIT("policies"))->of, p);
	if (p->records >= 0)
		add_records(&b, c, &c->records[p->records]);
	hash_bytes(&p->hash, b.p, b.n);
	buf_done(&b);
}

void canon_hash(struct config *c)
{
	struct buf b;
	buf_init(&b);
	add_section(&b, c, &section_config, c);
	hash_bytes(&c->hash, b.p, b.n);
	buf_done(&b);
	for (size_t i = 0; i < c->n_policies; i++)
		hash_policy(c, (struct cfg_policy *)&c->policies[i]);
}
