/* The whole log as lines, a page after the other: to the standard output, or into a new file. */
#include "cli/progress.h"
#include "cli/verbs.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 1000, READER_MS = 200 };

static const char *const csv_fields[] = { "seq", "time", "actor", "uid", "role", "via", "kind", "subject", "cycle", "plan", "text", "hash" };

static void csv_record(struct buf *b, const struct json *r)
{
	for (size_t i = 0; i < ARRAY_LEN(csv_fields); i++) {
		const struct json *v = json_get(r, csv_fields[i]);
		struct slice s;
		struct buf num;
		buf_init(&num);
		if (json_is_null(v)) {
			s = (struct slice){ "", 0 };
		} else if (!json_str(v, &s)) {
			json_print(&num, v);
			s = buf_slice(&num);
		}
		if (i)
			buf_addc(b, ',');
		text_csv(b, s);
		buf_done(&num);
	}
	buf_addc(b, '\n');
}

/* ---- where to ---- */

/* A file that has its name when it is whole, and no other file's. */
struct sink {
	FILE *out;
	const char *path;               /* NULL: the standard output */
	char *part;                     /* its name until then */
	char shown[200];
};

static enum rc sink_open(struct sink *s, const char *path, struct err *e)
{
	*s = (struct sink){ .out = stdout, .path = path };
	if (!path)
		return RC_OK;
	text_z(s->shown, sizeof s->shown, slice_of(path));
	if (access(path, F_OK) == 0)
		return err_set(e, RC_IO, "%s: it is there already, and nothing is overwritten", s->shown);
	size_t n = strlen(path) + sizeof ".XXXXXX";
	s->part = xmalloc(n);
	snprintf(s->part, n, "%s.XXXXXX", path);
	int fd = mkostemp(s->part, O_CLOEXEC);
	s->out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (s->out)
		return RC_OK;
	err_set(e, RC_IO, "%s: %s", s->shown, strerror(errno));
	free(s->part);
	return RC_IO;
}

/* Some file systems cannot rename without replacing: there it is looked for once more. */
static int appear(const char *part, const char *path)
{
	if (renameat2(AT_FDCWD, part, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (access(path, F_OK) == 0) {
		errno = EEXIST;
		return -1;
	}
	return rename(part, path);
}

static enum rc sink_flush(struct sink *s, struct err *e)
{
	if (!s->path)
		return print_end(e);
	return fflush(s->out) == 0 && !ferror(s->out) ? RC_OK : err_set(e, RC_IO, "%s: %s", s->shown, strerror(errno));
}

/* A reader that does not read is not waited for when it is to stop: no more than a pipe takes at once. */
static enum rc to_reader(struct slice s, struct err *e)
{
	enum rc rc = print_end(e);
	while (rc == RC_OK && s.n && !progress_stopped()) {
		struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };
		if (poll(&p, 1, READER_MS) <= 0)
			continue;
		ssize_t n = write(STDOUT_FILENO, s.p, MIN(s.n, (size_t)PIPE_BUF));
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			rc = err_set(e, RC_INTERNAL, "standard output cannot be written (%s); what was printed is not all", strerror(errno));
		s = n > 0 ? (struct slice){ s.p + n, s.n - (size_t)n } : s;
	}
	return rc == RC_OK && s.n ? err_set(e, RC_CANCELLED, "cancelled") : rc;
}

static enum rc sink_write(struct sink *s, struct slice text, struct err *e)
{
	if (!s->path)
		return to_reader(text, e);
	fwrite(text.p, 1, text.n, s->out);
	return sink_flush(s, e);
}

/* whole: it gets its name; otherwise nothing of it stays. */
static enum rc sink_close(struct sink *s, bool whole, struct err *e)
{
	if (!s->path)
		return RC_OK;
	int why = 0;
	if (whole && (fflush(s->out) != 0 || fsync(fileno(s->out)) != 0))
		why = errno;
	if (fclose(s->out) != 0 && !why)
		why = errno;
	if (whole && !why && appear(s->part, s->path) != 0)
		why = errno;
	if (!whole || why)
		unlink(s->part);
	free(s->part);
	if (whole && why)
		return err_set(e, RC_IO, "%s: %s", s->shown, why == EEXIST ? "it is there already, and nothing is overwritten" : strerror(why));
	return RC_OK;
}

/* ---- the lines ---- */

struct export {
	struct caller *cl;
	struct sink sink;
	struct progress *progress;
	bool csv, sign;
	int64_t first, after, to;       /* of this export; the newest that is written; the last of the log */
	struct buf signed_head;         /* the last line, "" = nothing is signed now */
};

static int64_t written(const struct export *x) { return x->first ? x->after - x->first + 1 : 0; }
static int64_t whole(const struct export *x) { return x->first ? x->to - x->first + 1 : 0; }

static void add_line(struct export *x, struct buf *b, struct slice line)
{
	struct json_doc *d;
	if (!x->csv) {
		buf_add(b, line.p, line.n);
		buf_addc(b, '\n');
	}
	if (json_parse(&d, line, NULL, NULL) != RC_OK)
		return;
	if (x->csv)
		csv_record(b, json_root(d));
	x->after = json_get_i64(json_root(d), "seq", x->after);
	x->first = x->first ? x->first : x->after;
	json_doc_free(d);
}

/* *more: the head is not reached yet. */
static enum rc one_page(struct export *x, bool *more, struct err *e)
{
	struct json_doc *d;
	struct buf b;
	struct slice line;
	char params[120];
	int n = 0;
	snprintf(params, sizeof params, "{\"after\":%" PRId64 ",\"to\":%" PRId64 ",\"limit\":%d}", x->after, x->to, PAGE);
	enum rc rc = caller_call(x->cl, "audit.export", params, &d, e);
	if (rc != RC_OK)
		return rc;
	const struct json *signed_head = json_get(json_root(d), "signed");
	if (json_is_object(signed_head))
		json_print(&x->signed_head, signed_head);
	x->to = json_get_i64(json_root(d), "to", 0);
	buf_init(&b);
	for (const struct json *l = json_first(json_get(json_root(d), "lines")); l; l = json_next(l), n++)
		if (json_str(l, &line))
			add_line(x, &b, line);
	rc = sink_write(&x->sink, buf_slice(&b), e);
	buf_done(&b);
	json_doc_free(d);
	*more = n > 0 && x->after < x->to;
	return rc;
}

static enum rc cancelled(const struct export *x, struct err *e)
{
	return err_set(e, RC_CANCELLED, "cancelled after %" PRId64 " of %" PRId64 " records: %s%s", written(x), whole(x),
		       x->sink.path ? x->sink.shown : "what was written is not the whole log", x->sink.path ? " was not made" : "");
}

static enum rc every_page(struct export *x, struct err *e)
{
	bool more = true;
	enum rc rc = RC_OK;
	while (rc == RC_OK && more) {
		rc = one_page(x, &more, e);
		if (!progress_tell(x->progress, written(x), whole(x)) && (more || rc != RC_OK))
			return cancelled(x, e);
	}
	return rc;
}

static enum rc write_out(struct export *x, struct err *e)
{
	for (size_t i = 0; x->csv && i < ARRAY_LEN(csv_fields); i++)
		fprintf(x->sink.out, "%s%s", csv_fields[i], i + 1 < ARRAY_LEN(csv_fields) ? "," : "\n");
	enum rc rc = every_page(x, e);
	if (rc == RC_OK && x->sign && !x->signed_head.n)
		rc = err_set(e, RC_AUDIT, "the engine signs nothing now: its log does not verify, or its key is gone; sluice audit verify says why");
	if (rc == RC_OK && x->sign) {
		fprintf(x->sink.out, "%s\n", buf_z(&x->signed_head));
		rc = sink_flush(&x->sink, e);
	}
	return rc;
}

static void say(const struct cli *c, const struct export *x)
{
	if (x->sink.path && c->json)
		printf("{\"file\":true,\"records\":%" PRId64 ",\"signed\":%s}\n", written(x), x->sign ? "true" : "false");
	else if (x->sink.path)
		printf("%" PRId64 " records%s are in the new file\n", written(x), x->sign ? ", signed at their end," : "");
}

enum rc verb_audit_export(struct cli *c, struct err *e)
{
	const char *format = cli_opt(c, "--format") ? cli_opt(c, "--format") : "jsonl", *to = cli_opt(c, "--to");
	struct export x = { .csv = !strcmp(format, "csv"), .sign = cli_opt(c, "--signed") };
	struct err closing;
	if (!x.csv && strcmp(format, "jsonl"))
		return err_set(e, RC_USAGE, "--format is jsonl or csv");
	if (x.csv && x.sign)
		return err_set(e, RC_USAGE, "--signed is for jsonl: a CSV does not hold all that was hashed");
	enum rc rc = caller_open(&x.cl, c, false, e);
	if (rc != RC_OK)
		return rc;
	x.progress = progress_begin(to || !isatty(STDOUT_FILENO) ? "exporting" : NULL);
	rc = sink_open(&x.sink, to, e);
	if (rc == RC_OK) {
		rc = write_out(&x, e);
		enum rc closed = sink_close(&x.sink, rc == RC_OK, &closing);
		if (rc == RC_OK && closed != RC_OK)
			rc = err_set(e, closed, "%s", closing.text);
	}
	progress_end(x.progress);
	caller_close(x.cl);
	buf_done(&x.signed_head);
	if (rc == RC_OK)
		say(c, &x);
	return rc == RC_OK ? print_end(e) : rc;
}
