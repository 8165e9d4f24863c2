/* Entries of a loaded configuration by name, uid or key. */
#include <string.h>

#include "config/fields.h"
#include "config/value.h"

#define FIND(list, count, name) do { \
	for (size_t i_ = 0; i_ < (count); i_++) \
		if (slice_is((name), (list)[i_].name)) \
			return &(list)[i_]; \
	return NULL; \
} while (0)

const struct cfg_lane *config_lane(const struct config *c, struct slice name)
{
	FIND(c->lanes, c->n_lanes, name);
}

const struct cfg_link *config_link(const struct config *c, struct slice name)
{
	FIND(c->links, c->n_links, name);
}

const struct cfg_records *config_records(const struct config *c, struct slice name)
{
	FIND(c->records, c->n_records, name);
}

const struct cfg_policy *config_policy(const struct config *c, struct slice name)
{
	FIND(c->policies, c->n_policies, name);
}

const struct cfg_operator *config_operator(const struct config *c, struct slice name)
{
	FIND(c->operators, c->n_operators, name);
}

int config_lane_index(const struct config *c, struct slice name)
{
	const struct cfg_lane *l = config_lane(c, name);
	return l ? (int)(l - c->lanes) : -1;
}

const struct cfg_operator *config_operator_uid(const struct config *c, int64_t uid)
{
	for (size_t i = 0; i < c->n_operators; i++)
		for (size_t k = 0; k < c->operators[i].n_uids; k++)
			if (c->operators[i].uids[k] == uid)
				return &c->operators[i];
	return NULL;
}

const struct cfg_operator *config_operator_key(const struct config *c, const uint8_t key[KEY_BYTES])
{
	for (size_t i = 0; i < c->n_operators; i++)
		for (size_t k = 0; k < c->operators[i].n_keys; k++)
			if (memcmp(c->operators[i].keys[k].b, key, KEY_BYTES) == 0)
				return &c->operators[i];
	return NULL;
}

/* Words come from the field table, so that they cannot differ from what is written. */
static const char *word_of(const char *list, const char *sub, const char *key, int value)
{
	const struct section *s = section_field(&section_config, slice_of(list))->of;
	if (sub)
		s = section_field(s, slice_of(sub))->of;
	return value_word(section_field(s, slice_of(key))->words, value);
}

const char *cfg_role_name(enum cfg_role r)
{
	return word_of("operators", NULL, "role", (int)r);
}

const char *cfg_rule_kind_name(enum cfg_rule_kind k)
{
	return word_of("policies", "rules", "rule", (int)k);
}

const struct cfg_rule *cfg_members(const struct cfg_rule *r, size_t *n)
{
	*n = r->kind == CFG_RULE_ALL ? r->n_all : r->kind == CFG_RULE_ANY ? r->n_any : 0;
	return r->kind == CFG_RULE_ALL ? r->all : r->any;
}

void cfg_rule_words(struct buf *out, const struct cfg_rule *r)
{
	size_t n;
	const struct cfg_rule *in = cfg_members(r, &n);
	if (!n) {
		buf_adds(out, r->name);
		return;
	}
	buf_addf(out, "%s%s of (", r->negate ? "not " : "", r->kind == CFG_RULE_ALL ? "all" : "any");
	for (size_t i = 0; i < n; i++) {
		buf_adds(out, i ? ", " : "");
		cfg_rule_words(out, &in[i]);
	}
	buf_addc(out, ')');
}

const char *cfg_order_name(enum cfg_order o)
{
	return word_of("policies", NULL, "order", (int)o);
}

const char *cfg_on_abort_name(enum cfg_on_abort a)
{
	return word_of("policies", NULL, "on_abort", (int)a);
}

const char *cfg_escrow_name(enum cfg_escrow_word w)
{
	return word_of("policies", NULL, "escrow", (int)w);
}

enum cfg_escrow_word cfg_escrow_of(const struct cfg_policy *p, const struct cfg_lane *l)
{
	return p->escrow == CFG_ESCROW_AS_LANE ? l->escrow : p->escrow;
}
