/* sluice links diagnose | retry. */
#include "cli/verbs.h"

#include "base/mem.h"
#include "base/time.h"

#include <inttypes.h>
#include <stdio.h>

static enum rc ask(struct cli *c, const char *method, struct json_doc **d, struct err *e)
{
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "link", c->arg[0]);
	jw_end_obj(&w);
	enum rc rc = cli_call(c, method, buf_z(&b), d, e);
	buf_done(&b);
	return rc;
}

static void show_cert(const struct json *cert)
{
	char t[TIME_TEXT];
	int64_t at;
	if (!json_i64(json_get(cert, "expires_us"), &at))
		return;
	printf("certificate  expires %s", time_rfc3339(t, at, false));
	print_field(", of ", cert, "subject");
	print_field(", by ", cert, "issuer");
	putchar('\n');
}

static void show(const struct json *j)
{
	static const struct column cols[] = { { "rung", "name", COL_TEXT, 16 }, { "state", "state", COL_TEXT, 8 }, { "µs", "us", COL_NUMBER, 0 } };
	print_field("", j, "link");
	print_field("  ", j, "url");
	print_field("  ", j, "address");
	putchar('\n');
	print_table(json_get(j, "rungs"), cols, ARRAY_LEN(cols));
	show_cert(json_get(j, "certificate"));
	print_field("cause        ", j, "cause");
	print_field(" (", j, "class");
	puts(json_get_str(j, "cause").n ? ")" : "cause        none");
	print_field("", j, "sentence");
	print_field("\nthe link itself is ", j, "state");
	print_field(": ", j, "link_sentence");
	putchar('\n');
}

/* Exit 3 when a rung failed. */
enum rc verb_links_diagnose(struct cli *c, struct err *e)
{
	struct json_doc *d;
	enum rc rc = ask(c, "links.diagnose", &d, e);
	if (rc != RC_OK)
		return rc;
	if (c->json)
		print_json(json_root(d));
	else
		show(json_root(d));
	if (json_get_str(json_root(d), "cause").n)
		rc = err_set(e, RC_FAILURES, "the climb to %s ends at a rung", c->arg[0]);
	json_doc_free(d);
	return rc;
}

enum rc verb_links_retry(struct cli *c, struct err *e)
{
	struct json_doc *d;
	enum rc rc = ask(c, "links.retry", &d, e);
	if (rc != RC_OK)
		return rc;
	printf("%s tries now; sluice links shows what comes of it\n", c->arg[0]);
	json_doc_free(d);
	return RC_OK;
}
