/* POST /v1/files. */
#include "sim/store_impl.h"

#include <string.h>

#include "base/mem.h"
#include "sim/multipart.h"

static const char *known_purpose(const char *const *purposes, const struct part *p)
{
	for (; p && *purposes; purposes++)
		if (slice_is(p->content, *purposes))
			return *purposes;
	return NULL;
}

static void refuse(struct asking *a, const char *param, const char *message)
{
	say_error(a, 400, slice_of(message), "invalid_request_error", param, NULL);
}

void store_upload(struct asking *a)
{
	struct multipart m;
	const char *why;
	if (!multipart_parse(head_get(a->rq->head, "content-type"), a->rq->body, &m, &why)) {
		refuse(a, NULL, why);
		return;
	}
	const struct part *file = multipart_find(&m, "file"), *purpose = multipart_find(&m, "purpose");
	const char *p = known_purpose(a->st->speech->uploads, purpose);
	if (!file || !file->filename.p) {
		refuse(a, "file", "'file' is a required property");
	} else if (!p) {
		refuse(a, "purpose", purpose ? "Invalid value for 'purpose'." : "'purpose' is a required property");
	} else if (file->content.n == 0) {
		refuse(a, "file", "File is empty.");
	} else if (a->act == ACT_NONE) {
		say_error(a, 500, slice_of("The file was not kept."), "server_error", NULL, NULL);
	} else {
		a->victim = files_upload(a->st->files, file->filename, p, file->content, now_read().wall_us / 1000000);
		a->effect = "uploaded";
		a->st->uploaded++;
		a->reply->type = "application/json";
		say_file(a->st, &a->reply->body, a->victim);
	}
}
