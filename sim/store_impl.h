/* Shared by store.c, store_list.c and store_say.c only. */
#ifndef SLUICE_SIM_STORE_IMPL_H
#define SLUICE_SIM_STORE_IMPL_H

#include "sim/httpd.h"
#include "sim/limit.h"
#include "sim/store.h"

struct store {
	struct sim *sim;
	const struct store_opts *o;
	const struct speech *speech;
	struct files *files;
	struct httpd *httpd;
	struct buf id;                  /* of the request, decoded */
	int64_t requests[6];            /* as store.c's table of operations has them */
	struct store_made { char file[GEN_ID_MAX]; } *made;     /* batches that a client made */
	size_t n_made, cap_made;
	int64_t other_requests;         /* unknown paths, methods, keys */
	int64_t deleted, uploaded, faults;
	uint64_t request_number;
	struct limit limit;
};

/* One request on its way to an answer. */
struct asking {
	struct store *st;
	const struct httpd_request *rq;
	struct httpd_reply *reply;
	enum fault_op op;
	struct slice id;                /* "" for list and upload */
	int64_t file;                   /* index of id, -1 none such */
	int64_t attempt;                /* n-th request of this op for the id, 0 unknown */
	const struct fault_rule *rule;  /* NULL: none */
	enum fault_act act;
	const char *effect;             /* what happened, NULL nothing */
	int64_t victim;                 /* to which file */
	bool limited;                   /* refused by the rate limit */
	int64_t items;                  /* of a page, -1 no page */
	int refs;                       /* which list of what refers to files */
	int64_t refs_of;                /* whose, where it is the list of one */
};

/* store_say.c: bodies. say_error takes it as OpenAI says it. */
void say_error(struct asking *a, int status, struct slice message, const char *type, const char *param, const char *code);
void say_missing(struct asking *a);
void say_file(struct store *st, struct buf *out, int64_t file);
void say_deleted(struct buf *out, struct slice id, bool deleted);
/* What the rule of `a` makes of the reply. */
void say_fault(struct asking *a);

/* store_list.c: GET /v1/files. */
void store_list(struct asking *a);
/* The cursor of a list request appended to out; false without one. */
bool store_after(const struct httpd_request *rq, struct buf *out);

/* store_refs.c: what refers to files. Is `rest`, below the root, one of its paths? Sets a->op. */
bool store_refs_route(struct asking *a, struct slice rest);
void store_refs(struct asking *a);

/* store_upload.c: POST /v1/files. */
void store_upload(struct asking *a);

/* control.c: everything below /__sim. */
void control_request(struct sim *sim, const struct httpd_request *rq, struct httpd_reply *reply);

#endif
