#include "cleanup/policy_sets.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One item with a hash: equal content is equal lane, hash and size. */
struct copy {
	struct hash content, id;
	int64_t created_us;
	bool referenced;
};

struct aged {
	int64_t created_us, bytes;
	struct hash id;
};

/* What a lane holds, and which of it could go. */
struct full {
	int64_t items, bytes;
	bool bytes_known;
	struct aged *aged;
	size_t n, cap;
	struct cut { bool pressed, known; int64_t created_us; struct hash id; int64_t used_bp; } *cut;  /* by quota rule; up to this one */
};

struct policy_sets {
	const struct cfg_policy *p;
	const struct cfg_lane *lanes;
	bool duplicates;
	const struct cfg_rule *quota[CFG_RULES_MAX];
	size_t quotas;
	struct copy *copy;
	size_t n, cap;
	struct full full[CFG_MAX_LANES];
};

/* What compares, groups looked into. */
static void find_rules(struct policy_sets *s, const struct cfg_rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t members;
		const struct cfg_rule *in = cfg_members(&rules[i], &members);
		s->duplicates |= rules[i].kind == CFG_RULE_DUPLICATE;
		if (rules[i].kind == CFG_RULE_QUOTA && s->quotas < CFG_RULES_MAX)
			s->quota[s->quotas++] = &rules[i];
		find_rules(s, in, members);
	}
}

bool policy_needs_sets(const struct cfg_policy *p)
{
	struct policy_sets s = { .p = p };
	find_rules(&s, p->rules, p->n_rules);
	return s.duplicates || s.quotas;
}

struct policy_sets *policy_sets_new(const struct cfg_policy *p, const struct cfg_lane *lanes)
{
	struct policy_sets *s = xcalloc(1, sizeof *s);
	*s = (struct policy_sets){ .p = p, .lanes = lanes };
	find_rules(s, p->rules, p->n_rules);
	for (size_t i = 0; i < CFG_MAX_LANES; i++)
		s->full[i].bytes_known = true;
	return s;
}

void policy_sets_free(struct policy_sets *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < CFG_MAX_LANES; i++)
		free(s->full[i].aged), free(s->full[i].cut);
	free(s->copy);
	free(s);
}

/* The hash its rows agree on; empty when there is none. */
static struct slice hash_of(const struct catalog_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!rows[i].sha256.n || !slice_eq(rows[i].sha256, rows[0].sha256))
			return (struct slice){ 0 };
	return n ? rows[0].sha256 : (struct slice){ 0 };
}

static struct hash content_of(const struct catalog_item *it, struct slice sha256)
{
	struct hash h;
	struct buf b;
	buf_init(&b);
	buf_addf(&b, "%d %lld ", it->lane, (long long)it->bytes);
	for (size_t i = 0; i < sha256.n; i++)
		buf_addc(&b, (char)(sha256.p[i] | (sha256.p[i] >= 'A' && sha256.p[i] <= 'F' ? 0x20 : 0)));
	hash_bytes(&h, b.p, b.n);
	buf_done(&b);
	return h;
}

static struct hash id_of(const struct catalog_item *it)
{
	struct hash h;
	hash_bytes(&h, it->id.p ? it->id.p : "", it->id.n);
	return h;
}

static bool referenced(const struct catalog_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].referenced)
			return true;
	return false;
}

void policy_sets_add(struct policy_sets *s, const struct catalog_item *it, const struct catalog_row *rows, size_t n, bool may_go)
{
	struct slice sha256 = hash_of(rows, n);
	struct full *f = &s->full[it->lane];
	if (s->duplicates && sha256.n) {
		GROW(s->copy, s->cap, s->n + 1);
		s->copy[s->n++] = (struct copy){ content_of(it, sha256), id_of(it), it->created_us, referenced(rows, n) };
	}
	if (!s->quotas)
		return;
	f->items++;
	f->bytes += MAX(it->bytes, 0);
	f->bytes_known &= it->bytes >= 0;
	if (may_go && it->created_us >= 0) {
		GROW(f->aged, f->cap, f->n + 1);
		f->aged[f->n++] = (struct aged){ it->created_us, it->bytes, id_of(it) };
	}
}

/* ---- sealed ---- */

static int cmp_hash(const struct hash *a, const struct hash *b) { return memcmp(a->b, b->b, sizeof a->b); }
static int cmp_i64(int64_t a, int64_t b) { return (a > b) - (a < b); }

static int by_content(const void *a, const void *b)
{
	const struct copy *x = a, *y = b;
	int c = cmp_hash(&x->content, &y->content);
	c = c ? c : cmp_i64(x->created_us, y->created_us);
	return c ? c : cmp_hash(&x->id, &y->id);
}

static int by_age(const void *a, const void *b)
{
	const struct aged *x = a, *y = b;
	int c = cmp_i64(x->created_us, y->created_us);
	return c ? c : cmp_hash(&x->id, &y->id);
}

/* Share of the fuller of its two quotas, rounded up; -1 = cannot be told. */
static int64_t used_bp(const struct full *f, const struct cfg_lane *l, int64_t items, int64_t bytes)
{
	int64_t bp = -1;
	if (l->quota_items > 0)
		bp = (items * 10000 + l->quota_items - 1) / l->quota_items;
	if (l->quota_bytes > 0 && f->bytes_known)
		bp = MAX(bp, (int64_t)(((__int128)bytes * 10000 + l->quota_bytes - 1) / l->quota_bytes));
	return l->quota_bytes > 0 && !f->bytes_known && bp < 0 ? -1 : bp;
}

/* Oldest first until the share is reached: the last one that goes. */
static void cut(struct full *f, const struct cfg_lane *l, const struct cfg_rule *r, struct cut *c)
{
	int64_t items = f->items, bytes = f->bytes;
	*c = (struct cut){ .used_bp = used_bp(f, l, items, bytes) };
	c->known = c->used_bp >= 0;
	if (!c->known || c->used_bp <= r->above_bp)
		return;
	for (size_t i = 0; i < f->n && used_bp(f, l, items, bytes) > r->until_bp; i++) {
		c->pressed = true;
		c->created_us = f->aged[i].created_us;
		c->id = f->aged[i].id;
		items--;
		bytes -= MAX(f->aged[i].bytes, 0);
	}
}

void policy_sets_seal(struct policy_sets *s)
{
	if (s->n)
		qsort(s->copy, s->n, sizeof *s->copy, by_content);
	for (size_t l = 0; s->quotas && l < s->p->n_lanes; l++) {
		struct full *f = &s->full[s->p->lanes[l]];
		if (f->n)
			qsort(f->aged, f->n, sizeof *f->aged, by_age);
		f->cut = xcalloc(s->quotas, sizeof *f->cut);
		for (size_t k = 0; k < s->quotas; k++)
			cut(f, &s->lanes[s->p->lanes[l]], s->quota[k], &f->cut[k]);
	}
}

/* [*from, *to) hold the same content as h. */
static void group_of(const struct policy_sets *s, const struct hash *h, size_t *from, size_t *to)
{
	size_t lo = 0, hi = s->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (cmp_hash(&s->copy[mid].content, h) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (*from = *to = lo; *to < s->n && !cmp_hash(&s->copy[*to].content, h); ++*to)
		;
}

/* Which one stays when nothing is referenced or references do not decide. */
static size_t stays(enum cfg_keep keep, size_t from, size_t to) { return keep == CFG_KEEP_OLDEST ? from : to - 1; }

enum policy_finding policy_sets_duplicate(const struct policy_sets *s, enum cfg_keep keep, const struct catalog_item *it,
					  const struct catalog_row *rows, size_t n, char because[POLICY_BECAUSE])
{
	struct slice sha256 = hash_of(rows, n);
	size_t from, to, references = 0;
	if (!sha256.n || it->bytes < 0) {
		snprintf(because, POLICY_BECAUSE, sha256.n ? "size unknown" : n ? "its rows tell no hash, or different ones" : "no row tells its hash");
		return POLICY_CANNOT_KNOW;
	}
	struct hash h = content_of(it, sha256), id = id_of(it);
	group_of(s, &h, &from, &to);
	if (to - from < 2) {
		snprintf(because, POLICY_BECAUSE, "no other item of the lane has its hash");
		return POLICY_NO;
	}
	if (s->copy[from].created_us < 0) {
		snprintf(because, POLICY_BECAUSE, "an equal one has no created_at: which is older cannot be known");
		return POLICY_CANNOT_KNOW;
	}
	for (size_t i = from; i < to; i++)
		references += s->copy[i].referenced;
	bool kept = keep == CFG_KEEP_REFERENCED && references ? referenced(rows, n) : !cmp_hash(&s->copy[stays(keep, from, to)].id, &id);
	snprintf(because, POLICY_BECAUSE, "%zu equal by hash and size; %s", to - from,
		 kept ? "this one stays" : keep == CFG_KEEP_REFERENCED && references ? "a referenced one stays" : keep == CFG_KEEP_OLDEST ? "the oldest stays" : "the newest stays");
	return kept ? POLICY_NO : POLICY_YES;
}

enum policy_finding policy_sets_quota(const struct policy_sets *s, const struct cfg_rule *rule, const struct catalog_item *it, char because[POLICY_BECAUSE])
{
	const struct cut *c = NULL;
	for (size_t k = 0; k < s->quotas && s->full[it->lane].cut; k++)
		if (s->quota[k] == rule)
			c = &s->full[it->lane].cut[k];
	struct hash id = id_of(it);
	if (!c || !c->known) {
		snprintf(because, POLICY_BECAUSE, "how full the lane is cannot be known");
		return POLICY_CANNOT_KNOW;
	}
	if (it->created_us < 0) {
		snprintf(because, POLICY_BECAUSE, "created_at unknown");
		return POLICY_CANNOT_KNOW;
	}
	int order = cmp_i64(it->created_us, c->created_us);
	bool goes = c->pressed && (order < 0 || (order == 0 && cmp_hash(&id, &c->id) <= 0));
	snprintf(because, POLICY_BECAUSE, "the lane is at %lld.%02lld %% of its quota; %s", (long long)(c->used_bp / 100), (long long)(c->used_bp % 100),
		 !c->pressed ? "no pressure" : goes ? "among the oldest" : "enough older ones go");
	return goes ? POLICY_YES : POLICY_NO;
}
