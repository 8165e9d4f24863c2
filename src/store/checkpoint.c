#include "store/checkpoint.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"

#define KEY_PREFIX "ed25519:"

/* ---- keys ---- */

bool audit_keys_have(const struct audit_keys *keys, const struct audit_key *k)
{
	for (size_t i = 0; i < keys->n; i++)
		if (memcmp(keys->k[i].b, k->b, KEY_BYTES) == 0)
			return true;
	return false;
}

void audit_key_text(struct buf *out, const struct audit_key *k)
{
	buf_adds(out, KEY_PREFIX);
	base64_encode(out, k->b, KEY_BYTES);
}

static bool decode(struct slice b64, void *to, size_t n)
{
	struct buf raw;

	buf_init(&raw);
	bool ok = base64_decode(&raw, b64) && raw.n == n;
	if (ok)
		memcpy(to, raw.p, n);
	buf_done(&raw);
	return ok;
}

bool audit_key_parse(struct slice text, struct audit_key *out)
{
	size_t n = sizeof KEY_PREFIX - 1;

	return slice_starts(text, KEY_PREFIX) && decode((struct slice){ text.p + n, text.n - n }, out->b, KEY_BYTES);
}

/* ---- signing ---- */

static void encode(struct buf *out, const struct checkpoint *c)
{
	enc_z(out, "sluice checkpoint 1");
	enc_i64(out, c->seq);
	enc_bytes(out, (struct slice){ (const char *)c->hash.b, HASH_BYTES });
	enc_i64(out, c->count);
	enc_i64(out, c->wall_us);
	enc_bytes(out, (struct slice){ (const char *)c->key.b, KEY_BYTES });
}

void checkpoint_sign(struct checkpoint *c, const struct sign_key *k)
{
	struct buf b;

	sign_key_public(k, c->key.b);
	buf_init(&b);
	encode(&b, c);
	sign(k, buf_slice(&b), c->sig);
	buf_done(&b);
	c->is_signed = true;
}

bool checkpoint_holds(const struct checkpoint *c)
{
	struct buf b;

	if (!c->is_signed)
		return false;
	buf_init(&b);
	encode(&b, c);
	bool good = sign_verify(c->key.b, buf_slice(&b), c->sig);
	buf_done(&b);
	return good;
}

bool checkpoint_trusted(const struct checkpoint *c, const struct audit_keys *keys)
{
	return c->is_signed && audit_keys_have(keys, &c->key) && checkpoint_holds(c);
}

/* ---- as a line ---- */

void checkpoint_line(struct buf *out, const struct checkpoint *c)
{
	char hex[HASH_HEX], when[TIME_TEXT];

	buf_addf(out, "%" PRId64 " %s %s", c->seq, hash_hex(hex, &c->hash), time_rfc3339(when, c->wall_us, c->is_signed));
	if (!c->is_signed)
		return;
	buf_addf(out, " %" PRId64 " ", c->count);
	audit_key_text(out, &c->key);
	buf_addc(out, ' ');
	base64_encode(out, c->sig, SIG_BYTES);
}

enum { WORDS = 6, PLAIN_WORDS = 3 };

/* Words with one space between them; more than WORDS, or an empty one: 0. */
static int split(struct slice line, struct slice words[WORDS])
{
	const char *p = line.p, *end = line.p + line.n;
	int n = 0;

	for (;;) {
		const char *space = p < end ? memchr(p, ' ', (size_t)(end - p)) : NULL;
		const char *stop = space != NULL ? space : end;
		if (stop == p || n == WORDS)
			return 0;
		words[n++] = (struct slice){ p, (size_t)(stop - p) };
		if (space == NULL)
			return n;
		p = space + 1;
	}
}

bool checkpoint_parse(struct slice line, struct checkpoint *out)
{
	struct slice w[WORDS];
	int n = split(line, w);
	struct checkpoint c = { .is_signed = n == WORDS };

	if (n != WORDS && n != PLAIN_WORDS)
		return false;
	if (!parse_i64(w[0], &c.seq) || c.seq <= 0 || !hash_parse(&c.hash, w[1]) || !time_parse_rfc3339(w[2], &c.wall_us))
		return false;
	c.count = c.seq;
	if (c.is_signed && (!parse_i64(w[3], &c.count) || !audit_key_parse(w[4], &c.key) || !decode(w[5], c.sig, SIG_BYTES)))
		return false;
	/* one way only to write a checkpoint: every other byte is a change */
	struct buf again;
	buf_init(&again);
	checkpoint_line(&again, &c);
	bool same = slice_eq(line, buf_slice(&again));
	buf_done(&again);
	if (same)
		*out = c;
	return same;
}

/* ---- as JSON ---- */

void checkpoint_write(struct jw *w, const struct checkpoint *c)
{
	char hex[HASH_HEX];
	struct buf b;

	buf_init(&b);
	jw_ki64(w, "checkpoint", c->seq);
	jw_kz(w, "hash", hash_hex(hex, &c->hash));
	jw_ki64(w, "count", c->count);
	jw_ki64(w, "at_us", c->wall_us);
	audit_key_text(&b, &c->key);
	jw_kz(w, "key", buf_z(&b));
	buf_clear(&b);
	base64_encode(&b, c->sig, SIG_BYTES);
	jw_kz(w, "signature", buf_z(&b));
	buf_done(&b);
}

bool checkpoint_read(const struct json *obj, struct checkpoint *out)
{
	struct checkpoint c = { .is_signed = true };

	if (!json_i64(json_get(obj, "checkpoint"), &c.seq) || !json_i64(json_get(obj, "count"), &c.count) ||
	    !json_i64(json_get(obj, "at_us"), &c.wall_us) || !hash_parse(&c.hash, json_get_str(obj, "hash")) ||
	    !audit_key_parse(json_get_str(obj, "key"), &c.key) || !decode(json_get_str(obj, "signature"), c.sig, SIG_BYTES))
		return false;
	*out = c;
	return true;
}
