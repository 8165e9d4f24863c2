/* The words of a store: file objects, errors, and what faults make of them. */
#include "sim/store_impl.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sim/jstr.h"

static const char json_type[] = "application/json";

void say_error(struct asking *a, int status, struct slice message, const char *type, const char *param, const char *code)
{
	const struct store_opts *o = a->st->o;
	unsigned options = (o->missing_400 ? SPEECH_MISSING_400 : 0) | (o->number_codes ? SPEECH_NUMBER_CODES : 0);
	struct speech_error e = { .status = status, .message = message, .type = type, .param = param, .code = code };
	a->reply->type = json_type;
	buf_clear(&a->reply->body);
	a->reply->status = speech_say((enum speech_dialect)o->dialect, options, &e, &a->reply->body);
}

void say_missing(struct asking *a)
{
	struct buf m = { 0 };
	buf_adds(&m, "No such File object: ");
	buf_add(&m, a->id.p, a->id.n);
	say_error(a, 404, buf_slice(&m), "invalid_request_error", "id", NULL);
	buf_done(&m);
}

static void member(struct buf *out, const char *key, const char *z)
{
	buf_adds(out, key);
	jstr_add(out, slice_of(z));
}

/* Half of the silent stores write null, half leave the member out. */
static void number_or_silence(struct buf *out, const char *key, int64_t v, bool silent, const char *id)
{
	if (silent && gen_hash_slice(0, slice_of(id)) & 1)
		return;
	buf_adds(out, key);
	if (silent)
		buf_adds(out, "null");
	else
		jstr_i64(out, v);
}

static void number_or_null(struct buf *out, const char *key, int64_t v)
{
	buf_adds(out, key);
	if (v < 0)
		buf_adds(out, "null");
	else
		jstr_i64(out, v);
}

void say_file(struct store *st, struct buf *out, int64_t file)
{
	struct file_view v;
	files_look(st->files, file, &v);
	buf_adds(out, "{\"object\":\"file\"");
	member(out, ",\"id\":", v.id);
	member(out, ",\"purpose\":", v.purpose);
	buf_adds(out, ",\"filename\":");
	jstr_add(out, v.name);
	number_or_silence(out, ",\"bytes\":", v.bytes, v.role == SIM_UNKNOWN_SIZE, v.id);
	number_or_silence(out, ",\"created_at\":", v.created_s, v.role == SIM_NO_CREATED, v.id);
	number_or_null(out, ",\"expires_at\":", st->o->expires_s && !strcmp(v.purpose, "batch") ? v.created_s + st->o->expires_s : -1);
	buf_adds(out, ",\"status\":\"processed\",\"status_details\":null}");
}

void say_deleted(struct buf *out, struct slice id, bool deleted)
{
	buf_adds(out, "{\"id\":");
	jstr_add(out, id);
	buf_adds(out, ",\"object\":\"file\",\"deleted\":");
	buf_adds(out, deleted ? "true}" : "false}");
}

/* ---- faults ---- */

static void wait_fields(struct asking *a)
{
	const struct fault_kind *k = a->rule->kind;
	struct buf *f = &a->reply->fields;
	int64_t now_s = now_read().wall_us / 1000000;
	char date[32];
	if (strcmp(k->name, "429") == 0)
		buf_addf(f, "Retry-After: %lld\r\n", (long long)a->rule->arg);
	else if (strcmp(k->name, "429-date") == 0)
		buf_addf(f, "Retry-After: %s\r\n", http_date(date, now_s + a->rule->arg));
	else if (strcmp(k->name, "429-ms") == 0)
		buf_addf(f, "retry-after-ms: %lld\r\n", (long long)a->rule->arg);
	else if (strcmp(k->name, "429-reset") == 0)
		buf_addf(f, "x-ratelimit-limit-requests: 500\r\nx-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: %lldms\r\n",
			 (long long)a->rule->arg);
}

static void say_table_error(struct asking *a)
{
	const struct fault_kind *k = a->rule->kind;
	if (k->status == 404) {
		say_missing(a);
		return;
	}
	say_error(a, k->status, slice_of(k->message), k->type, NULL, k->code);
	wait_fields(a);
}

static int64_t some_other(const struct files *f, int64_t file)
{
	int64_t i = files_next(f, file, 1);
	return i >= 0 ? i : files_next(f, file, -1);
}

static void say_wrong_id(struct asking *a)
{
	struct file_view v;
	int64_t other = some_other(a->st->files, a->file);
	if (other >= 0)
		files_look(a->st->files, other, &v);
	else
		snprintf(v.id, sizeof(v.id), "file-0000000000000000000000");
	buf_clear(&a->reply->body);
	if (a->op == OP_DELETE)
		say_deleted(&a->reply->body, slice_of(v.id), true);
	else if (other >= 0)
		say_file(a->st, &a->reply->body, other);
}

static void say_ok_deleted(struct asking *a, bool deleted)
{
	a->reply->status = 200;
	a->reply->type = json_type;
	buf_clear(&a->reply->body);
	say_deleted(&a->reply->body, a->id, deleted);
}

static void say_body(struct asking *a)
{
	struct httpd_reply *r = a->reply;
	switch (a->rule->kind->say) {
	case SAY_ERROR:
		say_table_error(a);
		return;
	case SAY_NOTHING:
		r->status = 200;
		buf_clear(&r->body);
		return;
	case SAY_BROKEN:
		r->status = 200;
		r->type = json_type;
		r->body.n = r->body.n * 2 / 3;
		return;
	case SAY_NOT_DELETED:
	case SAY_DELETED:
		say_ok_deleted(a, a->rule->kind->say == SAY_DELETED);
		return;
	case SAY_WRONG_ID:
		say_wrong_id(a);
		return;
	case SAY_OTHER_BYTE:
		if (r->status == 200 && r->body.n)
			r->body.p[r->body.n / 2] ^= 1;
		return;
	case SAY_ONE_MORE:
		if (r->status == 200)
			buf_addc(&r->body, '!');
		return;
	case SAY_HUGE:
		r->padding = (size_t)a->rule->arg;
		return;
	case SAY_TRUTH:
	case SAY_SAME_PAGE:
	case SAY_EMPTY_PAGE:
	case SAY_TWICE:
	case SAY_CLOSE:
	case SAY_TCP_END:
	case SAY_NEVER:
	case SAY_NO_PONG:
	case SAY_FLAP:
	case SAY_BAD_JSON:
	case SAY_HUGE_FRAME:
	case SAY_FRAGMENTS:
	case SAY_BAD_UTF8:
	case SAY_MASKED:
	case SAY_BAD_OPCODE:
	case SAY_REFUSE:
	case SAY_BAD_ACCEPT:
	case SAY_LATE:
		return;
	}
}

void say_fault(struct asking *a)
{
	struct httpd_reply *r = a->reply;
	say_body(a);
	switch (a->rule->kind->how) {
	case HOW_CUT:
		r->how = a->rule->reset ? HTTPD_RESET : HTTPD_CUT;
		return;
	case HOW_HOLD:
		r->how = HTTPD_HOLD;
		return;
	case HOW_SHORT:
		r->how = HTTPD_SHORT;
		return;
	case HOW_DRIP:
		r->how = HTTPD_DRIP;
		r->drip_ms = a->rule->arg;
		return;
	case HOW_DELAY:
		r->delay_ms += a->rule->arg;
		return;
	case HOW_ANSWER:
	case HOW_LINK:
		return;
	}
}
