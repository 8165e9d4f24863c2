/* Keys and signed grants. Signing needs no engine but the plan it signs; the engine checks everything again. */
#include "cli/verbs.h"

#include "base/mem.h"
#include "base/rng.h"
#include "base/time.h"
#include "cleanup/grant.h"
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum rc verb_grant_keygen(struct cli *c, struct err *e)
{
	struct sign_key *k;
	uint8_t pub[KEY_BYTES];
	struct buf b;
	enum rc rc = sign_key_generate(c->arg[0], e);
	if (rc == RC_OK)
		rc = sign_key_load(&k, c->arg[0], e);
	if (rc != RC_OK)
		return rc;
	sign_key_public(k, pub);
	sign_key_free(k);
	buf_init(&b);
	base64_encode(&b, pub, sizeof pub);
	printf("ed25519:%s\n", buf_z(&b));
	buf_done(&b);
	return RC_OK;
}

static enum rc fill(struct cli *c, const struct json *plan, struct grant *g, struct err *e)
{
	const char *lane = cli_opt(c, "--lane"), *items = cli_opt(c, "--items"), *reason = cli_opt(c, "--reason"), *who = cli_opt(c, "--operator");
	const char *abort = cli_opt(c, "--on-abort") ? cli_opt(c, "--on-abort") : "ask";
	const struct json *l = json_first(json_get(plan, "lanes"));
	uint8_t raw[16];
	struct buf b;
	if (strlen(reason) >= sizeof g->reason || strlen(who) >= sizeof g->operator_ || strlen(abort) >= sizeof g->on_abort)
		return err_set(e, RC_USAGE, "a reason has at most %zu bytes, an operator's name %zu; --on-abort is keep, restore or ask",
			       sizeof g->reason - 1, sizeof g->operator_ - 1);
	while (l && !slice_is(json_get_str(l, "lane"), lane))
		l = json_next(l);
	if (!l)
		return err_set(e, RC_GRANT, "lane %s is not in the plan", lane);
	*g = (struct grant){ .items = json_get_i64(l, "items", 0), .bytes = json_get_i64(l, "bytes", 0), .made_us = now_read().wall_us,
		.lapses_us = json_get_i64(plan, "expires_us", 0) };
	if (!hash_parse(&g->plan, json_get_str(plan, "id")))
		return err_set(e, RC_INTERNAL, "the engine's plan has no id");
	if (items && (!parse_i64(slice_of(items), &g->items) || g->items < 1))
		return err_set(e, RC_USAGE, "--items takes a whole number, 1 or more");
	if (g->items > json_get_i64(l, "items", 0))
		return err_set(e, RC_CAP, "--items %" PRId64 ": the plan has %" PRId64 " in lane %s", g->items, json_get_i64(l, "items", 0), lane);
	const struct json *part = json_get(l, "grant");
	if (items && part)
		g->bytes = json_get_i64(part, "bytes", g->bytes);
	int64_t listed = json_get_i64(l, "listed", 0);
	g->share_bp = listed ? (10000 * g->items + listed - 1) / listed : 0;
	snprintf(g->lane, sizeof g->lane, "%s", lane);
	snprintf(g->reason, sizeof g->reason, "%s", reason);
	snprintf(g->operator_, sizeof g->operator_, "%s", who);
	snprintf(g->on_abort, sizeof g->on_abort, "%s", abort);
	rng_os(raw, sizeof raw);
	buf_init(&b);
	hex_encode(&b, raw, sizeof raw);
	snprintf(g->nonce, sizeof g->nonce, "%s", buf_z(&b));
	buf_done(&b);
	return RC_OK;
}

static enum rc write_file(const char *path, const struct buf *b, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set(e, RC_USAGE, "%s: %s; choose another name", path, strerror(errno));
	ssize_t n = write(fd, b->p, b->n);
	if (close(fd) != 0 || n != (ssize_t)b->n)
		return err_set(e, RC_INTERNAL, "%s cannot be written: %s", path, strerror(errno));
	return RC_OK;
}

static enum rc signed_grant(struct cli *c, const struct json *plan, struct buf *out, struct err *e)
{
	struct sign_key *k;
	struct grant g;
	struct buf msg;
	uint8_t sig[SIG_BYTES];
	enum rc rc = fill(c, plan, &g, e);
	if (rc == RC_OK)
		rc = sign_key_load(&k, cli_opt(c, "--key"), e);
	if (rc != RC_OK)
		return rc;
	buf_init(&msg);
	grant_encode(&msg, &g);
	sign(k, buf_slice(&msg), sig);
	grant_write(out, &g, sig);
	buf_addc(out, '\n');
	buf_done(&msg);
	sign_key_free(k);
	return RC_OK;
}

enum rc verb_grant_sign(struct cli *c, struct err *e)
{
	static const char *const needed[] = { "--lane", "--reason", "--key", "--operator" };
	struct json_doc *d;
	struct buf params, out;
	struct jw w;
	int64_t n;
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!cli_opt(c, needed[i]))
			return err_set(e, RC_USAGE, "grant sign needs %s", needed[i]);
	buf_init(&params);
	buf_init(&out);
	jw_init(&w, &params);
	jw_obj(&w);
	if (cli_opt(c, "--items") && parse_i64(slice_of(cli_opt(c, "--items")), &n)) {
		jw_kz(&w, "lane", cli_opt(c, "--lane"));
		jw_ki64(&w, "items", n);
	}
	jw_end_obj(&w);
	enum rc rc = cli_call(c, "plan.show", buf_z(&params), &d, e);
	if (rc == RC_OK) {
		rc = signed_grant(c, json_root(d), &out, e);
		json_doc_free(d);
	}
	if (rc == RC_OK && cli_opt(c, "--out"))
		rc = write_file(cli_opt(c, "--out"), &out, e);
	else if (rc == RC_OK)
		fwrite(out.p, 1, out.n, stdout);
	buf_done(&params);
	buf_done(&out);
	return rc;
}

static enum rc read_file(const char *path, struct buf *b, struct err *e)
{
	char chunk[4096];
	ssize_t n;
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : dup(0);
	if (fd < 0)
		return err_set(e, RC_USAGE, "%s: %s", path, strerror(errno));
	while ((n = read(fd, chunk, sizeof chunk)) > 0 && b->n < 1 << 20)
		buf_add(b, chunk, (size_t)n);
	close(fd);
	return n < 0 ? err_set(e, RC_USAGE, "%s cannot be read: %s", path, strerror(errno)) : RC_OK;
}

enum rc verb_grant_submit(struct cli *c, struct err *e)
{
	struct buf file, params;
	struct json_doc *d;
	buf_init(&file);
	buf_init(&params);
	enum rc rc = read_file(c->arg[0], &file, e);
	if (rc == RC_OK && (rc = json_parse(&d, buf_slice(&file), NULL, e)) != RC_OK) {
		e->rc = rc = RC_USAGE;
		err_prefix(e, "%s", c->arg[0]);
	} else if (rc == RC_OK) {
		buf_adds(&params, "{\"file\":");
		json_print(&params, json_root(d));
		buf_addc(&params, '}');
		json_doc_free(d);
		rc = cli_call(c, "grant.submit", buf_z(&params), &d, e);
	}
	if (rc == RC_OK) {
		if (c->json)
			print_json(json_root(d));
		else if (json_get_bool(json_root(d), "granted", true))
			puts("granted");
		else
			printf("approved: %" PRId64 " of %" PRId64 " approvals; not granted yet\n", json_get_i64(json_root(d), "approvals", 0),
			       json_get_i64(json_root(d), "needed", 0));
		json_doc_free(d);
	}
	buf_done(&file);
	buf_done(&params);
	return rc;
}

/* ---- verify ---- */

/* Whose key it is, by the configuration; NULL after the sentence. */
static const struct cfg_operator *signer(const struct config *cfg, const struct grant *g, const uint8_t sig[SIG_BYTES], struct err *e)
{
	const struct cfg_operator *o = config_operator(cfg, slice_of(g->operator_));
	struct buf b;
	bool good = false;
	if (!o || o->role == CFG_WATCHER) {
		err_set(e, RC_GRANT, "operator: %s is %s", g->operator_, o ? "a watcher and can approve nothing" : "no operator of this configuration");
		return NULL;
	}
	buf_init(&b);
	grant_encode(&b, g);
	for (size_t i = 0; i < o->n_keys; i++)
		good |= sign_verify(o->keys[i].b, buf_slice(&b), sig);
	buf_done(&b);
	if (!good)
		err_set(e, RC_GRANT, "signature: it is not %s's, or the file was changed after signing", g->operator_);
	return good ? o : NULL;
}

/* The engine's plan of now, where one answers. */
static enum rc against_plan(struct cli *c, const struct grant *g, const char **said, struct err *e)
{
	struct err none;
	struct json_doc *d;
	char hex[HASH_HEX];
	*said = "no engine answers: its plan was not compared";
	if (cli_call(c, "plan.show", NULL, &d, &none) != RC_OK) {
		if (none.rc != RC_NO_ENGINE)
			*said = "the engine has no plan to compare with";
		return RC_OK;
	}
	bool same = slice_is(json_get_str(json_root(d), "id"), hash_hex(hex, &g->plan));
	json_doc_free(d);
	*said = "it is for the engine's plan";
	return same ? RC_OK : err_set(e, RC_GRANT, "plan: the engine's plan is another one");
}

static void verified(const struct cli *c, const struct grant *g, const char *said)
{
	char hex[HASH_HEX], until[TIME_TEXT];
	struct buf b;
	struct jw w;
	time_rfc3339(until, g->lapses_us, false);
	if (!c->json) {
		printf("%s grants %" PRId64 " items, %" PRId64 " bytes in lane %s, on_abort %s, until %s\nplan         %s\nreason       %s\n"
		       "signature    good; %s\n", g->operator_, g->items, g->bytes, g->lane, g->on_abort, until, hash_hex(hex, &g->plan), g->reason, said);
		return;
	}
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kbool(&w, "valid", true);
	jw_kz(&w, "operator", g->operator_);
	jw_kz(&w, "plan", hash_hex(hex, &g->plan));
	jw_kz(&w, "lane", g->lane);
	jw_ki64(&w, "items", g->items);
	jw_ki64(&w, "bytes", g->bytes);
	jw_kz(&w, "on_abort", g->on_abort);
	jw_ki64(&w, "lapses_us", g->lapses_us);
	jw_kz(&w, "said", said);
	jw_end_obj(&w);
	puts(buf_z(&b));
	buf_done(&b);
}

enum rc verb_grant_verify(struct cli *c, struct err *e)
{
	struct buf file;
	struct json_doc *d = NULL;
	struct config *cfg = NULL;
	struct grant g;
	uint8_t sig[SIG_BYTES];
	const char *said = "";
	buf_init(&file);
	enum rc rc = read_file(c->arg[0], &file, e);
	if (rc == RC_OK && (rc = json_parse(&d, buf_slice(&file), NULL, e)) != RC_OK)
		e->rc = rc = RC_USAGE;
	if (rc == RC_OK)
		rc = grant_read(&g, sig, json_root(d), e);
	if (rc == RC_OK)
		rc = config_load(&cfg, c->paths->config_file, e);
	if (rc == RC_OK && !signer(cfg, &g, sig, e))
		rc = RC_GRANT;
	if (rc == RC_OK && now_read().wall_us >= g.lapses_us)
		rc = err_set(e, RC_GRANT, "lapses_us: the grant has lapsed; sign a new one");
	if (rc == RC_OK)
		rc = against_plan(c, &g, &said, e);
	if (rc == RC_OK)
		verified(c, &g, said);
	else
		err_prefix(e, "%s", c->arg[0]);
	if (cfg)
		config_free(cfg);
	json_doc_free(d);
	buf_done(&file);
	return rc;
}

enum rc verb_grant_revoke(struct cli *c, struct err *e)
{
	struct buf b;
	struct jw w;
	struct json_doc *d;
	if (!cli_opt(c, "--reason"))
		return err_set(e, RC_USAGE, "grant revoke needs --reason TEXT");
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "lane", c->arg[0]);
	jw_kz(&w, "reason", cli_opt(c, "--reason"));
	jw_end_obj(&w);
	enum rc rc = cli_call(c, "grant.revoke", buf_z(&b), &d, e);
	buf_done(&b);
	if (rc == RC_OK) {
		printf("the grant of lane %s is revoked\n", c->arg[0]);
		json_doc_free(d);
	}
	return rc;
}

enum rc verb_grant_list(struct cli *c, struct err *e)
{
	static const struct column cols[] = { { "lane", "lane", COL_TEXT, 32 }, { "items", "items", COL_NUMBER, 0 }, { "bytes", "bytes", COL_BYTES, 0 },
		{ "on abort", "on_abort", COL_TEXT, 8 }, { "state", "state", COL_TEXT, 10 }, { "by", "by", COL_TEXT, 40 }, { "needed", "needed", COL_NUMBER, 0 }, { "expires", "expires_us", COL_TIME, 0 },
		{ "reason", "reason", COL_TEXT, 60 } };
	struct json_doc *d;
	enum rc rc = cli_call(c, "grant.list", NULL, &d, e);
	if (rc != RC_OK)
		return rc;
	if (c->json)
		print_json(json_root(d));
	else
		print_table(json_get(json_root(d), "grants"), cols, ARRAY_LEN(cols));
	json_doc_free(d);
	return RC_OK;
}
