/* What a policy says of one item, with evidence (SEMANTICS 3). Pure: facts and time come in. */
#ifndef SLUICE_CLEANUP_POLICY_H
#define SLUICE_CLEANUP_POLICY_H

#include "cleanup/policy_sets.h"
#include "cleanup/reconcile.h"
#include "config/config.h"
#include "store/catalog.h"

#define VERDICTS(X) \
	X(KEPT, "kept")                 /* no rule selects it */ \
	X(CANDIDATE, "candidate") \
	X(PROTECTED, "protected") \
	X(INELIGIBLE, "ineligible")     /* a rule needs what is not known */
enum verdict {
#define X(e, w) VERDICT_##e,
	VERDICTS(X)
#undef X
	VERDICT_COUNT
};
const char *verdict_name(enum verdict v);
bool verdict_parse(struct slice word, enum verdict *out);

/* A file that something at the provider refers to. */
struct policy_held {
	struct slice id;
	const char *by;                 /* shown form: "batch batch_7 uses it (in_progress)" */
};

/* The application's own copies that rows name. */
enum policy_objects { POLICY_OBJECTS_NONE, POLICY_OBJECTS_UNKNOWN, POLICY_OBJECTS_LISTED };

struct policy_facts {
	int64_t wall_us;
	bool records;                   /* the policy has records and they answered completely */
	bool records_usable;            /* not empty, or declared may_be_empty: orphans can be told */
	bool records_unknown;           /* it has records, and they did not */
	bool references;                /* reference tables are configured */
	enum policy_objects objects;    /* of the records: none configured, not listed completely, listed */
	bool objects_by_item;           /* the object of an item in no row can be told */
	const char *objects_trouble;    /* POLICY_OBJECTS_UNKNOWN: why */
	const struct slice *protected_ids;      /* protected by hand, sorted bytewise */
	size_t n_protected;
	/* of the lane that is judged */
	const char *places;             /* of the provider, listed for references: "batches, vector_stores"; NULL = none is */
	const char *places_trouble;     /* one of them did not answer completely; NULL = all did */
	const struct policy_held *held; /* sorted by id, bytewise */
	size_t n_held;
	const struct policy_sets *sets;         /* sealed; NULL = rules that compare items cannot know */
};

struct policy_verdict {
	enum verdict verdict;
	struct buf rule;                /* rules that selected, or the one that protected */
	char where[8];                  /* "P O D", "P n -", "P ? D": lane, object, row */
	enum reconciled reconciled;
	struct buf reason;              /* one sentence */
	struct buf evidence;            /* JSON array of {rule, verdict, because} */
};
void policy_verdict_init(struct policy_verdict *v);
void policy_verdict_done(struct policy_verdict *v);

/* Of a row, live or not, that names a file which the lane does not have. */
enum reconciled policy_row_alone(const struct policy_facts *f, const struct catalog_row *row);
/* rows: as for policy_judge. Everything that protects the item, the age floor last; nothing is called where nothing does. */
typedef void policy_protection_fn(void *ctx, const char *rule, const char *because);
void policy_protections(const struct cfg_policy *p, const struct policy_facts *f, const struct catalog_item *item,
			const struct catalog_row *rows, size_t n, policy_protection_fn *fn, void *ctx);
/* Whether `protect` or the age floor keeps it, whatever the rules say. */
bool policy_protects(const struct cfg_policy *p, const struct policy_facts *f, const struct catalog_item *item,
		     const struct catalog_row *rows, size_t n);
/* How many of these rows, live ones first, are live. */
size_t policy_live(const struct catalog_row *rows, size_t n);
/* rows: all rows that name the item, live ones before those that are soft-deleted; none is "in no row". Replaces what *v held. */
void policy_judge(const struct cfg_policy *p, const struct policy_facts *f, const struct catalog_item *item,
		  const struct catalog_row *rows, size_t n, struct policy_verdict *v);

#endif
