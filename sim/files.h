/* The files of one store: synthetic ones that exist as 12 bytes each, uploaded ones with their
 * bytes, an index by id, and what was asked about each. Index order is creation order. Nothing is
 * ever forgotten: a deleted file keeps its place, its id and its counts. One thread. */
#ifndef SLUICE_SIM_FILES_H
#define SLUICE_SIM_FILES_H

#include "sim/gen.h"

struct files_plan {
	uint64_t key;                           /* gen_key() */
	enum gen_ids ids;
	int64_t n;                              /* synthetic files */
	int64_t roles[SIM_ROLE_COUNT];          /* add up to n */
	int64_t now_s, age_min_s, age_max_s;
	int64_t bytes_min, bytes_max;
	const char *purpose;                    /* of all synthetic files, or NULL for a mix; borrowed */
	const char *const *purposes;            /* the mix, NULL = gen's */
};

enum files_op { FILES_GET, FILES_CONTENT, FILES_DELETE, FILES_OPS };

/* What a file is; name points into a buffer that the next files_look of the same table reuses. */
struct file_view {
	char id[GEN_ID_MAX];
	struct slice name;
	const char *purpose;
	int64_t bytes, created_s;               /* the truth, also where the store does not tell it */
	enum sim_role role;
	bool live;
};

struct files;
struct files *files_new(const struct files_plan *plan);
void files_free(struct files *f);

int64_t files_count(const struct files *f);             /* ever made */
int64_t files_live(const struct files *f);
int64_t files_find(const struct files *f, struct slice id);     /* index, deleted ones too; -1 never was */
bool files_is_live(const struct files *f, int64_t i);
void files_look(struct files *f, int64_t i, struct file_view *out);
const char *files_purpose(const struct files *f, int64_t i);
void files_content(struct files *f, int64_t i, struct buf *out);
/* The next live file after i going by step (+1 or -1); -1 at the end. */
int64_t files_next(const struct files *f, int64_t i, int step);
/* Counts one more request of this kind about the file; 1 for the first. Stops at 65,535. */
int64_t files_asked(struct files *f, int64_t i, enum files_op op);
/* i must be live. */
void files_delete(struct files *f, int64_t i);
/* Returns the index. */
int64_t files_upload(struct files *f, struct slice name, const char *purpose, struct slice content, int64_t now_s);
size_t files_memory(const struct files *f);

#endif
