#include "sim/files.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

struct file {
	uint32_t tag;                           /* of the id's hash: most misses need no more */
	uint16_t asked[FILES_OPS];
	uint8_t role;
	uint8_t gone;
};

struct upload {
	char *name, *purpose, *content;
	size_t name_n, content_n;
	int64_t created_s;
};

struct files {
	struct files_plan plan;
	struct file *file;
	size_t n, cap;
	int64_t live;
	struct upload *upload;                  /* of file plan.n + i */
	size_t uploads, upload_cap;
	uint32_t *slot;                         /* index + 1, 0 empty; linear probing */
	size_t slots;                           /* a power of two, at most half full */
	struct buf name;
};

static int64_t created_of(const struct files *f, int64_t i)
{
	const struct files_plan *p = &f->plan;
	if (i >= p->n)
		return f->upload[i - p->n].created_s;
	int64_t span = p->age_max_s - p->age_min_s, from = p->now_s - p->age_max_s;
	int64_t start = (int64_t)((__int128)span * i / p->n), end = (int64_t)((__int128)span * (i + 1) / p->n);
	return from + start + (int64_t)(gen_hash(p->key, (uint64_t)i, 99) % (uint64_t)(end - start + 1));
}

static void id_of(const struct files *f, int64_t i, char dst[GEN_ID_MAX])
{
	gen_id(dst, f->plan.ids, f->plan.key, (uint64_t)i, f->plan.ids == GEN_IDS_XID ? created_of(f, i) : 0);
}

static void slot_put(struct files *f, uint64_t hash, size_t i)
{
	size_t at = hash & (f->slots - 1);
	while (f->slot[at])
		at = (at + 1) & (f->slots - 1);
	f->slot[at] = (uint32_t)i + 1;
}

static void index_file(struct files *f, size_t i)
{
	char id[GEN_ID_MAX];
	id_of(f, (int64_t)i, id);
	uint64_t h = gen_hash_slice(0, slice_of(id));
	f->file[i].tag = (uint32_t)(h >> 32);
	slot_put(f, h, i);
}

/* Room for n files at half load; puts everything in again when it grows. */
static void slots_for(struct files *f, size_t n)
{
	size_t want = 64;
	while (want < n * 2)
		want *= 2;
	if (want <= f->slots)
		return;
	free(f->slot);
	f->slot = xcalloc(want, sizeof(*f->slot));
	f->slots = want;
	for (size_t i = 0; i < f->n; i++)
		index_file(f, i);
}

/* Every role its number, in an order that the seed decides. */
static void deal_roles(struct files *f)
{
	struct rng r;
	size_t at = 0;
	for (int role = 0; role < SIM_ROLE_COUNT; role++)
		for (int64_t k = 0; k < f->plan.roles[role]; k++)
			f->file[at++].role = (uint8_t)role;
	if (at != f->n)
		die("files: roles add up to %zu, not to %zu", at, f->n);
	rng_seed(&r, f->plan.key);
	for (size_t i = f->n; i > 1; i--) {
		size_t j = (size_t)rng_below(&r, i);
		uint8_t swap = f->file[i - 1].role;
		f->file[i - 1].role = f->file[j].role;
		f->file[j].role = swap;
	}
}

struct files *files_new(const struct files_plan *plan)
{
	struct files *f = xcalloc(1, sizeof(*f));
	f->plan = *plan;
	f->n = f->cap = (size_t)plan->n;
	f->live = plan->n;
	f->file = xcalloc(f->n + 1, sizeof(*f->file));
	deal_roles(f);
	slots_for(f, f->n);
	return f;
}

static void upload_wipe(struct upload *u)
{
	free(u->name);
	free(u->purpose);
	free(u->content);
}

void files_free(struct files *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->uploads; i++)
		upload_wipe(&f->upload[i]);
	free(f->upload);
	free(f->file);
	free(f->slot);
	buf_done(&f->name);
	free(f);
}

int64_t files_count(const struct files *f)
{
	return (int64_t)f->n;
}

int64_t files_live(const struct files *f)
{
	return f->live;
}

int64_t files_find(const struct files *f, struct slice id)
{
	uint64_t h = gen_hash_slice(0, id);
	for (size_t at = h & (f->slots - 1); f->slot[at]; at = (at + 1) & (f->slots - 1)) {
		size_t i = f->slot[at] - 1;
		char have[GEN_ID_MAX];
		if (f->file[i].tag != (uint32_t)(h >> 32))
			continue;
		id_of(f, (int64_t)i, have);
		if (slice_is(id, have))
			return (int64_t)i;
	}
	return -1;
}

bool files_is_live(const struct files *f, int64_t i)
{
	return !f->file[i].gone;
}

const char *files_purpose(const struct files *f, int64_t i)
{
	if (i >= f->plan.n)
		return f->upload[i - f->plan.n].purpose;
	return f->plan.purpose ? f->plan.purpose : gen_purpose(f->plan.key, (uint64_t)i, f->plan.purposes);
}

void files_look(struct files *f, int64_t i, struct file_view *out)
{
	const struct files_plan *p = &f->plan;
	out->role = (enum sim_role)f->file[i].role;
	out->live = !f->file[i].gone;
	out->created_s = created_of(f, i);
	out->purpose = files_purpose(f, i);
	id_of(f, i, out->id);
	if (i >= p->n) {
		const struct upload *u = &f->upload[i - p->n];
		out->name = (struct slice){ u->name, u->name_n };
		out->bytes = (int64_t)u->content_n;
		return;
	}
	buf_clear(&f->name);
	gen_name(&f->name, p->key, (uint64_t)i, out->role);
	out->name = buf_slice(&f->name);
	out->bytes = gen_bytes(p->key, (uint64_t)i, p->bytes_min, p->bytes_max);
}

void files_content(struct files *f, int64_t i, struct buf *out)
{
	const struct files_plan *p = &f->plan;
	if (i >= p->n)
		buf_add(out, f->upload[i - p->n].content, f->upload[i - p->n].content_n);
	else
		gen_content(out, p->key, (uint64_t)i, gen_bytes(p->key, (uint64_t)i, p->bytes_min, p->bytes_max));
}

int64_t files_next(const struct files *f, int64_t i, int step)
{
	for (i += step; i >= 0 && i < (int64_t)f->n; i += step)
		if (!f->file[i].gone)
			return i;
	return -1;
}

int64_t files_asked(struct files *f, int64_t i, enum files_op op)
{
	uint16_t *n = &f->file[i].asked[op];
	if (*n < UINT16_MAX)
		++*n;
	return *n;
}

void files_delete(struct files *f, int64_t i)
{
	if (f->file[i].gone)
		die("files: number %lld deleted twice", (long long)i);
	f->file[i].gone = 1;
	f->live--;
	if (i >= f->plan.n) {
		struct upload *u = &f->upload[i - f->plan.n];
		free(u->content);
		u->content = NULL;
	}
}

static char *copy_of(struct slice s)
{
	char *p = xmalloc(s.n + 1);
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

int64_t files_upload(struct files *f, struct slice name, const char *purpose, struct slice content, int64_t now_s)
{
	GROW(f->upload, f->upload_cap, f->uploads + 1);
	f->upload[f->uploads++] = (struct upload){
		.name = copy_of(name), .name_n = name.n, .purpose = xstrdup(purpose),
		.content = copy_of(content), .content_n = content.n, .created_s = now_s,
	};
	GROW(f->file, f->cap, f->n + 1);
	f->file[f->n] = (struct file){ .role = SIM_UPLOADED };
	slots_for(f, f->n + 1);
	f->n++;
	index_file(f, f->n - 1);
	f->live++;
	return (int64_t)f->n - 1;
}

size_t files_memory(const struct files *f)
{
	size_t bytes = f->cap * sizeof(*f->file) + f->slots * sizeof(*f->slot) + f->upload_cap * sizeof(*f->upload);
	for (size_t i = 0; i < f->uploads; i++)
		bytes += f->upload[i].content ? f->upload[i].content_n : 0;
	return bytes;
}
