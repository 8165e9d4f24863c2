/* Synthetic files out of (seed, store, index): the same three always give the same id, name,
 * purpose, size and content, so that a million files need no memory. Pure; any thread. */
#ifndef SLUICE_SIM_GEN_H
#define SLUICE_SIM_GEN_H

#include "base/str.h"
#include "sim/roles.h"

enum gen_ids { GEN_IDS_OPENAI, GEN_IDS_XID };

enum { GEN_ID_MAX = 32 };

/* Names one store of one seed; every other function takes it. */
uint64_t gen_key(uint64_t seed, struct slice store);
/* A number that depends on nothing but its arguments. */
uint64_t gen_hash(uint64_t key, uint64_t index, uint64_t field);
uint64_t gen_hash_slice(uint64_t key, struct slice s);

/* "file-" and 22 letters and digits, or 20 characters whose first 7 encode created_s. */
void gen_id(char dst[GEN_ID_MAX], enum gen_ids style, uint64_t key, uint64_t index, int64_t created_s);
void gen_name(struct buf *out, uint64_t key, uint64_t index, enum sim_role role);
/* One of the list (NULL-terminated), NULL = an OpenAI-like mix. */
const char *gen_purpose(uint64_t key, uint64_t index, const char *const *list);
/* Uniform in min..max. */
int64_t gen_bytes(uint64_t key, uint64_t index, int64_t min, int64_t max);
void gen_content(struct buf *out, uint64_t key, uint64_t index, int64_t bytes);

/* How many hostile names there are before they repeat. */
int gen_hostile_count(void);
void gen_hostile(struct buf *out, int which, uint64_t index);

#endif
