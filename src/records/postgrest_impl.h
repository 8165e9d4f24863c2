/* The inside of the PostgREST adapter, shared by postgrest.c (opening, counting, changing) and
 * postgrest_rows.c (pages, references, looking). On the thread of a call. */
#ifndef SLUICE_RECORDS_POSTGREST_IMPL_H
#define SLUICE_RECORDS_POSTGREST_IMPL_H

#include "records/postgrest_http.h"
#include "records/postgrest_url.h"
#include "records/source.h"

enum { REST_PAGE = 1000 };

struct rest {
	struct remote *r;
	bool writing;
	char *last_key;
	int limit;
	struct arena *texts;            /* printed numbers of the page at hand */
	bool to_uuid[MAPPING_REFERENCES];       /* text that refers to a UUID */
};


static inline struct rest *rest_of(const struct session *s)
{
	return s->own;
}

enum rc rest_get(struct session *s, const struct buf *url, const char *prefer, struct rest_reply *out, struct err *e) MUST_USE;
enum rc rest_not_rows(const struct session *s, struct err *e);
enum rc rest_page(struct session *s, cells_fn *fn, void *ctx, int64_t *rows, bool *last, struct err *e) MUST_USE;
enum rc rest_reference(struct session *s, size_t i, cells_fn *fn, void *ctx, struct err *e) MUST_USE;
enum rc rest_look(struct session *s, const struct records_ref *refs, size_t n, cells_fn *fn, void *ctx, struct err *e) MUST_USE;

#endif
