#include "config/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void report_add(struct config_report *r, int line, const char *key, const char *fmt, ...)
{
	char *text;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		die("out of memory for a configuration error");
	GROW(r->errors, r->cap, r->n + 1);
	r->errors[r->n++] = (struct config_error){ line, xstrdup(key), text };
}

static int by_line(const void *pa, const void *pb)
{
	const struct config_error *a = pa, *b = pb;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	int c = strcmp(a->key, b->key);
	return c ? c : strcmp(a->text, b->text);
}

void report_sort(struct config_report *r)
{
	if (r->n > 1)
		qsort(r->errors, r->n, sizeof(*r->errors), by_line);
}

void config_report_line(const struct config_report *r, size_t i, struct buf *out)
{
	const struct config_error *e = &r->errors[i];
	buf_adds(out, r->file ? r->file : "configuration");
	if (e->line > 0)
		buf_addf(out, ":%d:%s", e->line, e->key[0] ? e->key : "(top)");
	buf_addf(out, ": %s", e->text);
}

enum rc report_first(const struct config_report *r, struct err *e)
{
	if (r->n == 0)
		return RC_OK;
	struct buf line;
	buf_init(&line);
	config_report_line(r, 0, &line);
	char more[64] = "";
	if (r->n > 1)
		snprintf(more, sizeof(more), " (and %zu more)", r->n - 1);
	/* room for the count, whatever the length of the sentence */
	enum rc rc = err_set(e, RC_USAGE, "%.340s%s", buf_z(&line), more);
	buf_done(&line);
	return rc;
}

void config_report_free(struct config_report *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->errors[i].key);
		free(r->errors[i].text);
	}
	free(r->errors);
	free(r->file);
	*r = (struct config_report){ 0 };
}
