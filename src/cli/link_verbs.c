/* sluice links diagnose | retry, and what sluice links says under its table. */
#include "cli/verbs.h"

#include "base/mem.h"
#include "base/text.h"
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

enum rc verb_links_feature(struct cli *c, struct err *e)
{
	struct buf b = { 0 };
	struct jw w;
	struct json_doc *d;
	if (!cli_opt(c, "--reason"))
		return err_set(e, RC_USAGE, "links feature needs --reason TEXT");
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "link", c->arg[0]);
	jw_kz(&w, "feature", c->arg[1]);
	jw_kz(&w, "to", c->arg[2]);
	jw_kz(&w, "reason", cli_opt(c, "--reason"));
	jw_end_obj(&w);
	enum rc rc = cli_call(c, "links.feature", buf_z(&b), &d, e);
	buf_done(&b);
	if (rc != RC_OK)
		return rc;
	printf("%s of %s", c->arg[1], c->arg[0]);
	print_field(" is ", json_root(d), "mode");
	putchar('\n');
	json_doc_free(d);
	return RC_OK;
}

/* ---- under the table of sluice links ---- */

static void show_group(const struct json *x, const char *name)
{
	static const struct { const char *before, *key; } row[] = { { " of ", "connections" }, { " connections, ", "up" }, { " up: p50 ", "rtt_p50_us" },
		{ " µs, p99 ", "rtt_p99_us" }, { " µs, ", "drops" }, { " drops, ", "reconnects" }, { " reconnects, ", "duplicates" },
		{ " repeats, ", "errors" }, { " errors in ", "messages" } };
	static const struct { const char *before, *key; } queue[] = { { "; events: ", "events" }, { ", without room: ", "full" }, { ", lost: ", "lost" },
		{ ", waiting: ", "depth" } };
	printf("    %s", name);
	for (size_t i = 0; i < ARRAY_LEN(row); i++)
		print_count(row[i].before, json_get(x, name), row[i].key);
	fputs(" messages", stdout);
	if (json_get(json_get(x, name), "missed"))
		print_count("; its window got wrong: ", json_get(x, name), "missed");
	for (size_t i = 0; json_get(json_get(x, name), "events") && i < ARRAY_LEN(queue); i++)
		print_count(queue[i].before, json_get(x, name), queue[i].key);
	putchar('\n');
}

static void show_features(const struct json *x)
{
	for (const struct json *f = json_first(x); f; f = json_next(f)) {
		print_field("  ", f, "feature");
		print_field(" (", f, "value");
		print_field("): ", f, "mode");
		print_field(", by ", f, "by");
		print_field(": ", f, "reason");
		print_field("; ", f, "verdict");
		putchar('\n');
		show_group(f, "canary");
		show_group(f, "stable");
	}
}

static void show_inbox(const struct json *x)
{
	static const struct { const char *before, *key; } row[] = { { "  in: ", "taken" }, { " taken, ", "pending" }, { " pending; ", "duplicates" },
		{ " duplicates, ", "gaps" }, { " gaps, ", "reordered" }, { " reordered, ", "epochs" }, { " epoch changes, ", "nowhere" },
		{ " without id and sequence, ", "refused" } };
	for (size_t i = 0; i < ARRAY_LEN(row); i++)
		print_count(row[i].before, x, row[i].key);
	puts(" not recorded");
}

static void show_outbox(const struct json *x)
{
	char t[TIME_TEXT];
	int64_t oldest = json_get_i64(x, "oldest_us", -1);
	print_count("  out: ", x, "items");
	print_count(" wait (", x, "bytes");
	printf(" bytes, the oldest %s", oldest < 0 ? "none" : time_age(t, MAX(now_read().wall_us - oldest, 0)));
	print_count("), ", x, "out");
	print_count(" on their way; ", x, "sent");
	print_count(" sent, ", x, "repeated");
	print_count(" sent again; dropped: ", x, "expired");
	print_count(" too old, ", x, "too_large");
	puts(" too large");
}

/* A daemon's words about itself: beside the state, never instead. */
static void show_said(const struct json *x)
{
	char t[TIME_TEXT];
	int64_t at = json_get_i64(x, "at_us", -1);
	struct buf b = { 0 };
	if (json_get_str(x, "trouble").n)
		print_field("  says: nothing: ", x, "trouble");
	else
		printf("  says (%s%s):", at < 0 ? "not asked yet" : time_age(t, MAX(now_read().wall_us - at, 0)), at < 0 ? "" : " ago");
	for (const struct json *k = at < 0 ? NULL : json_first(json_get(x, "says")); k; k = json_next(k)) {
		bool said = json_is_string(json_get(k, "word"));
		buf_clear(&b);
		text_show(&b, said ? json_get_str(k, "word") : SLICE_LIT("not reported"), 64, false);
		printf("%s %.*s %s", k != json_first(json_get(x, "says")) ? "," : "", SLICE_FMT(json_get_str(k, "name")), buf_z(&b));
	}
	putchar('\n');
	buf_done(&b);
}

void links_below(const struct json *links)
{
	static const struct { const char *key; void (*show)(const struct json *x); } part[] = {
		{ "inbox", show_inbox }, { "outbox", show_outbox }, { "health", show_said }, { "features", show_features } };
	for (const struct json *k = json_first(links); k; k = json_next(k)) {
		bool named = false;
		for (size_t i = 0; i < ARRAY_LEN(part); i++) {
			if (!json_is_object(json_get(k, part[i].key)) && !json_first(json_get(k, part[i].key)))
				continue;
			if (!named)
				print_field("\n", k, "name");
			if (!named)
				putchar('\n');
			named = true;
			part[i].show(json_get(k, part[i].key));
		}
	}
}
