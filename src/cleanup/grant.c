#include "cleanup/grant.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void grant_phrase(struct buf *out, const struct plan *p, int32_t lane, int64_t items)
{
	char hex[HASH_HEX];
	hash_hex(hex, &p->id);
	buf_addf(out, "DELETE %" PRId64 " %.*s %.4s", items, SLICE_FMT(p->lane[lane].name), hex);
}

void grant_phrase_irreversible(struct buf *out, const struct plan *p, int32_t lane, int64_t items)
{
	int64_t n = plan_irreversible_of(p, lane, items);
	if (n)
		buf_addf(out, "IRREVERSIBLE %" PRId64, n);
}

enum rc grant_check_phrases(const struct plan *p, const struct grant *g, struct slice phrase, struct slice irreversible, struct err *e)
{
	int lane = plan_lane_find(p, slice_of(g->lane));
	struct buf want;
	enum rc rc = RC_OK;
	if (lane < 0)
		return err_set(e, RC_GRANT, "lane %s is not in this plan", g->lane);
	buf_init(&want);
	grant_phrase(&want, p, lane, g->items);
	if (!slice_eq(phrase, buf_slice(&want)))
		rc = err_set(e, RC_GRANT, "the typed phrase is not the one of this grant; type it as the page shows it");
	buf_clear(&want);
	grant_phrase_irreversible(&want, p, lane, g->items);
	if (rc == RC_OK && !slice_eq(irreversible, buf_slice(&want)))
		rc = err_set(e, RC_GRANT, "the phrase for irreversible items is not the one of this grant; type it as the page shows it");
	buf_done(&want);
	return rc;
}

enum rc grant_check(const struct plan *p, const struct grant *g, const struct grant_window *w, int64_t wall_us, struct err *e)
{
	int lane = plan_lane_find(p, slice_of(g->lane));
	if (!hash_eq(&p->id, &g->plan))
		return err_set(e, RC_GRANT, "the grant is for another plan; look at the plan again and approve that one");
	if (lane < 0)
		return err_set(e, RC_GRANT, "lane %s is not in this plan", g->lane);
	const struct plan_lane *l = &p->lane[lane];
	const struct plan_caps *c = &l->caps;
	if (wall_us >= p->until_us)
		return err_set(e, RC_GRANT, "the plan has run out; start a new cycle");
	if (g->lapses_us && wall_us >= g->lapses_us)
		return err_set(e, RC_GRANT, "the grant has lapsed; approve again");
	if (g->items < 1 || g->items > l->items)
		return err_set(e, RC_CAP, "the grant is for %" PRId64 " items, the plan has %" PRId32 " in lane %s", g->items, l->items, g->lane);
	int64_t bytes = plan_bytes_of(p, lane, g->items);
	if (bytes > g->bytes)
		return err_set(e, RC_CAP, "%" PRId64 " items of lane %s are %" PRId64 " bytes, the grant is for %" PRId64,
			       g->items, g->lane, bytes, g->bytes);
	if (g->items + w->spent_items > c->items)
		return err_set(e, RC_CAP, "cap items: %" PRId64 " asked + %" PRId64 " in the last 24 h > %" PRId64 " in lane %s",
			       g->items, w->spent_items, c->items, g->lane);
	if (bytes + w->spent_bytes > c->bytes)
		return err_set(e, RC_CAP, "cap bytes: %" PRId64 " asked + %" PRId64 " in the last 24 h > %" PRId64 " in lane %s",
			       bytes, w->spent_bytes, c->bytes, g->lane);
	if (10000 * g->items > c->share_bp * l->listed)
		return err_set(e, RC_CAP, "cap share: %" PRId64 " of %" PRId64 " items is more than %" PRId64 ".%02" PRId64 " %% of lane %s",
			       g->items, l->listed, c->share_bp / 100, c->share_bp % 100, g->lane);
	if (10000 * (g->items + w->spent_items) > c->share_bp * MAX(l->listed, w->most_listed))
		return err_set(e, RC_CAP, "cap share: %" PRId64 " asked + %" PRId64 " in the last 24 h of %" PRId64 " items are more than %" PRId64
			       ".%02" PRId64 " %% of lane %s", g->items, w->spent_items, MAX(l->listed, w->most_listed), c->share_bp / 100,
			       c->share_bp % 100, g->lane);
	if (g->share_bp && 10000 * g->items > g->share_bp * l->listed)
		return err_set(e, RC_CAP, "the grant's own share is exceeded: %" PRId64 " of %" PRId64 " items in lane %s", g->items, l->listed, g->lane);
	if (l->listed - g->items < c->remain)
		return err_set(e, RC_CAP, "%" PRId64 " items would remain in lane %s, at least %" PRId64 " must", l->listed - g->items, g->lane, c->remain);
	return RC_OK;
}

/* ---- the signed file ---- */

void grant_encode(struct buf *out, const struct grant *g)
{
	char hex[HASH_HEX];
	enc_z(out, "sluice grant 1");
	enc_z(out, hash_hex(hex, &g->plan));
	enc_z(out, g->lane);
	enc_i64(out, g->items);
	enc_i64(out, g->bytes);
	enc_i64(out, g->share_bp);
	enc_z(out, g->on_abort);
	enc_z(out, g->reason);
	enc_z(out, g->operator_);
	enc_i64(out, g->made_us);
	enc_i64(out, g->lapses_us);
	enc_z(out, g->nonce);
}

void grant_write(struct buf *json, const struct grant *g, const uint8_t sig[SIG_BYTES])
{
	char hex[HASH_HEX];
	struct buf b64;
	struct jw w;
	buf_init(&b64);
	base64_encode(&b64, sig, SIG_BYTES);
	jw_init(&w, json);
	jw_obj(&w);
	jw_ki64(&w, "sluice_grant", 1);
	jw_kz(&w, "plan", hash_hex(hex, &g->plan));
	jw_kz(&w, "lane", g->lane);
	jw_ki64(&w, "items", g->items);
	jw_ki64(&w, "bytes", g->bytes);
	jw_ki64(&w, "share_bp", g->share_bp);
	jw_kz(&w, "on_abort", g->on_abort);
	jw_kz(&w, "reason", g->reason);
	jw_kz(&w, "operator", g->operator_);
	jw_ki64(&w, "made_us", g->made_us);
	jw_ki64(&w, "lapses_us", g->lapses_us);
	jw_kz(&w, "nonce", g->nonce);
	jw_kz(&w, "signature", buf_z(&b64));
	jw_end_obj(&w);
	buf_done(&b64);
}

static const char *const members[] = { "sluice_grant", "plan", "lane", "items", "bytes", "share_bp", "on_abort", "reason",
	"operator", "made_us", "lapses_us", "nonce", "signature" };

static enum rc known_members(const struct json *j, struct err *e)
{
	char name[80];
	for (const struct json *m = json_first(j); m; m = json_next(m)) {
		bool known = false;
		for (size_t i = 0; i < ARRAY_LEN(members); i++)
			known |= slice_is(json_key(m), members[i]);
		if (!known)
			return err_set(e, RC_USAGE, "grant file: unknown member %s", text_z(name, sizeof name, json_key(m)));
	}
	return RC_OK;
}

static enum rc text_member(const struct json *j, const char *key, char *dst, size_t cap, struct err *e)
{
	struct slice s;
	if (!json_str(json_get(j, key), &s))
		return err_set(e, RC_USAGE, "grant file: %s is missing or not a string", key);
	if (s.n >= cap || memchr(s.p, 0, s.n))
		return err_set(e, RC_USAGE, "grant file: %s is too long", key);
	memcpy(dst, s.p, s.n);
	dst[s.n] = 0;
	return RC_OK;
}

static enum rc number_member(const struct json *j, const char *key, int64_t *out, struct err *e)
{
	if (!json_i64(json_get(j, key), out) || *out < 0)
		return err_set(e, RC_USAGE, "grant file: %s is missing or not a whole number", key);
	return RC_OK;
}

static enum rc read_signature(const struct json *j, uint8_t sig[SIG_BYTES], struct err *e)
{
	struct buf raw;
	struct slice s;
	buf_init(&raw);
	bool ok = json_str(json_get(j, "signature"), &s) && base64_decode(&raw, s) && raw.n == SIG_BYTES;
	if (ok)
		memcpy(sig, raw.p, SIG_BYTES);
	buf_done(&raw);
	return ok ? RC_OK : err_set(e, RC_USAGE, "grant file: the signature is not 64 bytes of base64");
}

enum rc grant_read(struct grant *g, uint8_t sig[SIG_BYTES], const struct json *j, struct err *e)
{
	char plan[HASH_HEX];
	int64_t version;
	enum rc rc;
	*g = (struct grant){ 0 };
	if (!json_is_object(j))
		return err_set(e, RC_USAGE, "grant file: not a JSON object");
	if ((rc = known_members(j, e)) != RC_OK || (rc = number_member(j, "sluice_grant", &version, e)) != RC_OK)
		return rc;
	if (version != 1)
		return err_set(e, RC_USAGE, "grant file: version %" PRId64 " is not known to this program", version);
	if ((rc = text_member(j, "plan", plan, sizeof plan, e)) != RC_OK)
		return rc;
	if (!hash_parse(&g->plan, slice_of(plan)))
		return err_set(e, RC_USAGE, "grant file: plan is not 64 hexadecimal digits");
	const struct { const char *key; char *dst; size_t cap; } texts[] = {
		{ "lane", g->lane, sizeof g->lane }, { "on_abort", g->on_abort, sizeof g->on_abort },
		{ "reason", g->reason, sizeof g->reason }, { "operator", g->operator_, sizeof g->operator_ },
		{ "nonce", g->nonce, sizeof g->nonce } };
	const struct { const char *key; int64_t *dst; } numbers[] = {
		{ "items", &g->items }, { "bytes", &g->bytes }, { "share_bp", &g->share_bp },
		{ "made_us", &g->made_us }, { "lapses_us", &g->lapses_us } };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if ((rc = text_member(j, texts[i].key, texts[i].dst, texts[i].cap, e)) != RC_OK)
			return rc;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if ((rc = number_member(j, numbers[i].key, numbers[i].dst, e)) != RC_OK)
			return rc;
	if (strlen(g->nonce) != 32 || strspn(g->nonce, "0123456789abcdef") != 32)
		return err_set(e, RC_USAGE, "grant file: nonce is not 32 hexadecimal digits");
	return read_signature(j, sig, e);
}
