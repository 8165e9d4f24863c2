/* A file made anew: POST of a form below the path of the list, its bytes streamed from the disk. */
#include "lane/files_impl.h"

#include "base/mem.h"
#include "base/rng.h"

#include <inttypes.h>
#include <stdio.h>

enum { UPLOAD_TIMEOUT_MS = 6 * 3600 * 1000 };

const char *files_upload_never(const struct lane *base, struct slice purpose)
{
	const struct dialect *d = files_self_const(base)->d;
	for (const char *const *p = d->upload_purposes; p && *p; p++)
		if (slice_is(purpose, *p))
			return NULL;
	return "this store takes no uploads of this purpose";
}

static void uploaded(void *ctx, const struct http_answer *a)
{
	struct call *c = ctx;
	struct lane_answer out;
	struct slice id;
	struct json_doc *doc = NULL;
	dialect_read_upload(c->ln->d, a, c->bytes, &out, &id, &doc);
	c->fn.uploaded(c->ctx, &out, id);
	json_doc_free(doc);
	files_call_free(c);
}

/* Two parts; the boundary is 128 random bits, which no file holds. */
static void form(struct slice name, struct slice purpose, struct buf *head, struct buf *tail, struct buf *type)
{
	uint64_t r[2];
	char boundary[48];
	rng_os(r, sizeof r);
	snprintf(boundary, sizeof boundary, "sluice-%016" PRIx64 "%016" PRIx64, r[0], r[1]);
	buf_addf(type, "Content-Type: multipart/form-data; boundary=%s", boundary);
	buf_addf(head, "--%s\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n", boundary);
	buf_add(head, purpose.p, purpose.n);
	buf_addf(head, "\r\n--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"", boundary);
	lane_upload_name(name, head);
	buf_adds(head, "\"\r\nContent-Type: application/octet-stream\r\n\r\n");
	buf_addf(tail, "\r\n--%s--\r\n", boundary);
}

void files_upload(struct lane *base, const struct lane_file *f, lane_uploaded_fn *fn, void *ctx)
{
	struct files_lane *ln = files_self(base);
	struct call *c = files_call_new(ln, CALL_UPLOAD, SLICE_LIT(""), ctx);
	struct slice root = lane_base_url(base);
	struct buf url = { 0 }, head = { 0 }, tail = { 0 }, type = { 0 };
	struct headers h;
	c->fn.uploaded = fn;
	c->bytes = f->bytes;
	buf_addf(&url, "%.*s%s", SLICE_FMT(root), ln->d->list_path);
	form(f->name, f->purpose, &head, &tail, &type);
	files_headers_fill(&h, ln, false);
	size_t n = 0;
	while (h.lines[n])
		n++;
	h.lines[n] = buf_z(&type);
	h.lines[n + 1] = NULL;
	struct http_file file = { .fd = f->fd, .bytes = f->bytes, .tail = buf_slice(&tail) };
	/* as long as something moves */
	struct http_req r = { .method = "POST", .url = buf_z(&url), .headers = h.lines, .body = buf_slice(&head), .file = &file,
		.timeout_ms = UPLOAD_TIMEOUT_MS, .idle_ms = base->cfg->timeout_ms, .max_body = FILES_ANSWER_MAX };
	http_send(ln->http, &r, uploaded, c);
	files_headers_wipe(&h);
	buf_done(&url);
	buf_done(&head);
	buf_done(&tail);
	buf_done(&type);
}
