#include "config/raw.h"

#include <cyaml/cyaml.h>
#include <stdlib.h>

struct raw {
	struct arena *a;
	cyaml_schema_value_t schema;
	cyaml_config_t config;
	struct slot *slots;
};

static const cyaml_schema_value_t text_entry = {
	.type = CYAML_STRING, .flags = CYAML_FLAG_POINTER, .data_size = 1, .string = { 0, CYAML_UNLIMITED },
};

static cyaml_schema_value_t mapping_of(struct arena *a, const struct section *s, int deep, enum cyaml_flag flags);

static cyaml_schema_value_t list_of(struct arena *a, const struct field *f, int deep)
{
	cyaml_schema_value_t *entry = arena_alloc(a, sizeof(*entry));
	*entry = f->type == FIELD_LIST ? mapping_of(a, f->of, deep + f->nested, CYAML_FLAG_DEFAULT) : text_entry;
	return (cyaml_schema_value_t){
		.type = CYAML_SEQUENCE,
		.flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
		.data_size = f->type == FIELD_LIST ? entry->data_size : (uint32_t)sizeof(char *),
		.sequence = { .entry = entry, .min = 0, .max = CYAML_UNLIMITED },
	};
}

/* deep: lists of their own section that this stands in. */
static cyaml_schema_field_t field_of(struct arena *a, const struct field *f, size_t i, int deep)
{
	cyaml_schema_field_t cf = {
		.key = f->key,
		.data_offset = (uint32_t)(i * sizeof(struct slot) + offsetof(struct slot, p)),
		.count_offset = (uint32_t)(i * sizeof(struct slot) + offsetof(struct slot, n)),
		.count_size = sizeof(uint64_t),
		.value = text_entry,
	};
	if (f->type == FIELD_MAP)
		cf.value = mapping_of(a, f->of, deep, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL);
	else if (field_is_list(f->type) && (!f->nested || deep < FIELD_NESTED))
		cf.value = list_of(a, f, deep);
	else
		cf.value.flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL;
	return cf;
}

static cyaml_schema_value_t mapping_of(struct arena *a, const struct section *s, int deep, enum cyaml_flag flags)
{
	size_t n = section_fields(s);
	cyaml_schema_field_t *fields = arena_alloc(a, (n + 1) * sizeof(*fields));
	for (size_t i = 0; i < n; i++)
		fields[i] = field_of(a, &s->fields[i], i, deep);
	fields[n] = (cyaml_schema_field_t)CYAML_FIELD_END;
	return (cyaml_schema_value_t){
		.type = CYAML_MAPPING, .flags = flags, .data_size = (uint32_t)(n * sizeof(struct slot)),
		.mapping = { .fields = fields },
	};
}

enum rc raw_read(struct raw **out, const struct section *root, struct slice text, bool skip_unknown, struct err *e)
{
	struct raw *r = xcalloc(1, sizeof(*r));
	r->a = arena_new(16384);
	r->schema = mapping_of(r->a, root, 0, CYAML_FLAG_POINTER);
	r->config = (cyaml_config_t){
		.mem_fn = cyaml_mem,
		.log_level = CYAML_LOG_ERROR,
		.flags = CYAML_CFG_NO_ALIAS | (skip_unknown ? CYAML_CFG_IGNORE_UNKNOWN_KEYS : 0),
	};
	cyaml_err_t err = cyaml_load_data((const uint8_t *)text.p, text.n, &r->config, &r->schema,
					  (cyaml_data_t **)&r->slots, NULL);
	if (err != CYAML_OK) {
		raw_free(r);
		return err_set(e, RC_USAGE, "libcyaml does not read it: %s", cyaml_strerror(err));
	}
	*out = r;
	return RC_OK;
}

const struct slot *raw_slots(const struct raw *r)
{
	return r->slots;
}

void raw_free(struct raw *r)
{
	if (!r)
		return;
	if (r->slots)
		cyaml_free(&r->config, &r->schema, r->slots, 0);
	arena_free(r->a);
	free(r);
}
