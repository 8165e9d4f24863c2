/* Copies of what was deleted, or is going to be: which there are, whether they are still whole, and back again. */
#include "cli/verbs.h"

#include "base/mem.h"
#include "base/text.h"
#include "escrow/escrow.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum rc ask(struct cli *c, const char *method, const char *id, const char *state, struct json_doc **d, struct err *e)
{
	const char *lane = cli_opt(c, "--lane"), *limit = c->verb->run == verb_escrow_list ? cli_opt(c, "--limit") : NULL;
	struct buf b;
	struct jw w;
	int64_t n = 0;
	if (limit && (!parse_i64(slice_of(limit), &n) || n < 1))
		return err_set(e, RC_USAGE, "--limit takes a whole number, 1 or more");
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	if (lane)
		jw_kz(&w, "lane", lane);
	if (id)
		jw_kz(&w, "id", id);
	if (state)
		jw_kz(&w, "state", state);
	if (n)
		jw_ki64(&w, "limit", n);
	jw_end_obj(&w);
	enum rc rc = cli_call(c, method, buf_z(&b), d, e);
	buf_done(&b);
	return rc;
}

enum rc verb_escrow_list(struct cli *c, struct err *e)
{
	static const struct column cols[] = { { "lane", "lane", COL_TEXT, 16 }, { "id", "id", COL_TEXT, 32 }, { "name", "name", COL_TEXT, 40 },
		{ "bytes", "bytes", COL_BYTES, 0 }, { "state", "state", COL_TEXT, 10 }, { "cycle", "cycle", COL_NUMBER, 0 },
		{ "since", "at_us", COL_TIME, 0 }, { "sha256", "sha256", COL_TEXT, 16 } };
	const char *state = cli_opt(c, "--state");
	struct json_doc *d;
	enum rc rc = ask(c, "escrow.list", NULL, state ? state : "ok", &d, e);
	if (rc != RC_OK)
		return rc;
	if (c->json)
		print_json(json_root(d));
	else
		print_table(json_get(json_root(d), "copies"), cols, ARRAY_LEN(cols));
	json_doc_free(d);
	return print_end(e);
}

enum rc verb_escrow_verify(struct cli *c, struct err *e)
{
	static const struct column cols[] = { { "lane", "lane", COL_TEXT, 16 }, { "id", "id", COL_TEXT, 40 }, { "why", "why", COL_TEXT, 200 } };
	struct json_doc *d;
	enum rc rc = ask(c, "escrow.verify", c->args ? c->arg[0] : NULL, NULL, &d, e);
	if (rc != RC_OK)
		return rc;
	const struct json *root = json_root(d);
	int64_t bad = json_get_i64(root, "bad", 0), checked = json_get_i64(root, "checked", 0);
	if (c->json) {
		print_json(root);
	} else {
		printf("%" PRId64 " cop%s read again and compared, %" PRId64 " damaged or missing\n", checked, checked == 1 ? "y" : "ies", bad);
		if (bad)
			print_table(json_get(root, "damaged"), cols, ARRAY_LEN(cols));
	}
	json_doc_free(d);
	rc = print_end(e);
	if (rc == RC_OK && bad)
		rc = err_set(e, RC_FAILURES, "%" PRId64 " of %" PRId64 " copies are damaged or missing", bad, checked);
	return rc;
}

/* ---- back again ---- */

/* The one copy of the item: its lane, path, length and hash; *d keeps them. */
static enum rc one_copy(struct cli *c, struct json_doc **d, const struct json **copy, struct err *e)
{
	enum rc rc = ask(c, "escrow.list", c->arg[0], "ok", d, e);
	if (rc != RC_OK)
		return rc;
	const struct json *copies = json_get(json_root(*d), "copies");
	char id[80];
	*copy = json_first(copies);
	if (json_len(copies) == 1)
		return RC_OK;
	rc = json_len(copies) ? err_set(e, RC_USAGE, "several lanes have a copy of an item with this id; say which: --lane")
	                      : err_set(e, RC_NOT_FOUND, "there is no whole copy of %s in escrow; sluice escrow list says of what there is one",
					text_z(id, sizeof id, slice_of(c->arg[0])));
	json_doc_free(*d);
	return rc;
}

static enum rc pour(int from, int to, int64_t bytes, const char *path, struct err *e)
{
	char part[65536];
	ssize_t n;
	while ((n = read(from, part, sizeof part)) > 0) {
		for (ssize_t at = 0, w; at < n; at += w)
			if ((w = write(to, part + at, (size_t)(n - at))) < 0)
				return err_set(e, RC_IO, "%s: %s", path, strerror(errno));
		bytes -= n;
	}
	if (n < 0 || bytes || fsync(to))
		return err_set(e, RC_IO, "%s: %s", path, n < 0 || !bytes ? strerror(errno) : "the copy changed while it was read");
	return RC_OK;
}

/* A new file, 0600; nothing of it stays unless it is whole. */
static enum rc to_file(struct cli *c, const struct json *copy, const char *path, struct err *e)
{
	struct hash sha;
	int64_t bytes = json_get_i64(copy, "bytes", -1);
	char *from = xstrndup(json_get_str(copy, "path").p, json_get_str(copy, "path").n);
	int in, out;
	if (from[0] != '/') {
		err_set(e, RC_REFUSED, "the copy lies in a bucket, %.250s: download it from there and compare its SHA-256, or bring it back with --reason", from);
		free(from);
		return RC_REFUSED;
	}
	enum rc rc = hash_parse(&sha, json_get_str(copy, "sha256")) ? escrow_open_verified(from, bytes, &sha, &in, e)
	                                                              : err_set(e, RC_FORMAT, "its copy has no hash to be verified by");
	free(from);
	if (rc != RC_OK)
		return rc == RC_FORMAT ? e->rc = RC_FAILURES : rc;      /* as escrow verify says it */
	out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (out < 0) {
		close(in);
		return err_set(e, RC_IO, "%s: %s", path, errno == EEXIST ? "it is there already, and nothing is overwritten" : strerror(errno));
	}
	rc = pour(in, out, bytes, path, e);
	close(in);
	if (close(out) && rc == RC_OK)
		rc = err_set(e, RC_IO, "%s: %s", path, strerror(errno));
	if (rc != RC_OK)
		unlink(path);
	else if (c->json)
		printf("{\"file\":true,\"bytes\":%" PRId64 "}\n", bytes);
	else
		printf("%" PRId64 " bytes, verified by their SHA-256, are in the new file\n", bytes);
	return rc;
}

static enum rc upload(struct cli *c, const struct json *copy, struct err *e)
{
	struct json_doc *d;
	struct buf b;
	struct jw w;
	if (!cli_opt(c, "--reason"))
		return err_set(e, RC_USAGE, "uploading it again needs --reason TEXT; into a file here it goes with --to FILE");
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kstr(&w, "lane", json_get_str(copy, "lane"));
	jw_kz(&w, "id", c->arg[0]);
	jw_kz(&w, "reason", cli_opt(c, "--reason"));
	jw_kbool(&w, "again", cli_opt(c, "--again") != NULL);
	jw_end_obj(&w);
	enum rc rc = cli_call(c, "escrow.restore", buf_z(&b), &d, e);
	buf_done(&b);
	if (rc != RC_OK)
		return rc;
	char id[200];
	if (c->json)
		print_json(json_root(d));
	else if (slice_is(json_get_str(json_root(d), "new_id"), c->arg[0]))
		printf("it is back as %s, its own id; no row of the records follows by itself\n", text_z(id, sizeof id, slice_of(c->arg[0])));
	else
		printf("it is back as %s; no row of the records follows by itself: enter the new id where the old one is used\n",
		       text_z(id, sizeof id, json_get_str(json_root(d), "new_id")));
	json_doc_free(d);
	return RC_OK;
}

enum rc verb_escrow_restore(struct cli *c, struct err *e)
{
	const struct json *copy;
	struct json_doc *d;
	const char *to = cli_opt(c, "--to");
	enum rc rc = one_copy(c, &d, &copy, e);
	if (rc != RC_OK)
		return rc;
	rc = to ? to_file(c, copy, to, e) : upload(c, copy, e);
	json_doc_free(d);
	return rc == RC_OK ? print_end(e) : rc;
}
