#include "sim/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "sim/gen.h"

static const struct {
	const char *name;
	unsigned ops;
} op_names[] = {
	{ "list", OP_LIST }, { "get", OP_GET }, { "content", OP_CONTENT }, { "delete", OP_DELETE }, { "upload", OP_UPLOAD }, { "refs", OP_REFS },
	{ "upgrade", OP_UPGRADE }, { "hello", OP_HELLO }, { "call", OP_CALL }, { "ping", OP_PING }, { "now", OP_NOW },
	{ "any", OP_STORE | (OP_LINK & ~(unsigned)OP_NOW) },
};

const char *fault_op_name(enum fault_op op)
{
	for (size_t i = 0; i < ARRAY_LEN(op_names); i++)
		if (op_names[i].ops == (unsigned)op)
			return op_names[i].name;
	return "?";
}

/* ---- reading a rule ---- */

static enum rc bad(struct err *e, const char *what, struct slice token, const char *want)
{
	char shown[120];
	return err_set(e, RC_USAGE, "fault rule: %s \"%s\": %s", what, text_z(shown, sizeof(shown), token), want);
}

/* Lower bound 0 or 1. */
static enum rc read_count(struct slice v, int64_t min, int64_t *out, struct err *e)
{
	if (!parse_i64(v, out) || *out < min)
		return bad(e, "number", v, min ? "write a whole number, 1 or more" : "write a whole number, 0 or more");
	return RC_OK;
}

static enum rc read_from(struct slice v, struct fault_rule *r, struct err *e)
{
	const char *dots = v.n > 2 ? memmem(v.p, v.n, "..", 2) : NULL;
	struct slice a = dots ? (struct slice){ v.p, (size_t)(dots - v.p) } : v;
	bool ok = parse_i64(a, &r->from) && r->from >= 1;
	if (dots && ok)
		ok = parse_i64((struct slice){ dots + 2, v.n - a.n - 2 }, &r->to) && r->to >= r->from;
	return ok ? RC_OK : bad(e, "range", v, "write from=N or from=N..M with 1 ≤ N ≤ M");
}

/* "0.02", "1", "2%", "0.5%": of 2^32. */
static enum rc read_rate(struct slice v, uint64_t *out, struct err *e)
{
	int64_t bp, digits = 0, scale = 1;
	if (parse_share_bp(v, &bp)) {
		*out = ((uint64_t)bp << 32) / 10000;
		return RC_OK;
	}
	bool ok = v.n >= 1 && v.n <= 11 && (v.p[0] == '0' || v.p[0] == '1') && (v.n == 1 || (v.n > 2 && v.p[1] == '.'));
	for (size_t i = 2; ok && i < v.n; i++) {
		ok = v.p[i] >= '0' && v.p[i] <= '9';
		digits = digits * 10 + (v.p[i] - '0');
		scale *= 10;
	}
	if (!ok || (v.p[0] == '1' && digits > 0))
		return bad(e, "rate", v, "write a share as 0.02 or 2%");
	*out = v.p[0] == '1' ? (uint64_t)1 << 32 : ((uint64_t)digits << 32) / (uint64_t)scale;
	return RC_OK;
}

static enum rc read_op(struct slice v, struct fault_rule *r, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(op_names); i++)
		if (slice_is(v, op_names[i].name)) {
			r->ops = op_names[i].ops;
			return RC_OK;
		}
	return bad(e, "op", v, "one of list, get, content, delete, upload, upgrade, hello, call, ping, now, any");
}

static enum rc read_word(struct slice v, char *dst, size_t cap, const char *what, struct err *e)
{
	if (v.n == 0 || v.n >= cap || memchr(v.p, 0, v.n))
		return bad(e, what, v, "empty or too long");
	memcpy(dst, v.p, v.n);
	dst[v.n] = '\0';
	return RC_OK;
}

struct reading {
	struct fault_rule *r;
	struct slice arg;
	bool has_arg, has_act;
	bool act;
	int conn;               /* -1 not said */
	struct err *e;
};

static enum rc read_conn(struct reading *rd, struct slice v)
{
	static const char *const names[] = { [CONN_ANY] = "any", [CONN_WARM] = "warm", [CONN_COLD] = "cold" };
	for (int i = 0; i < 3; i++)
		if (slice_is(v, names[i])) {
			rd->conn = i;
			return RC_OK;
		}
	return bad(rd->e, "conn", v, "warm, cold or any");
}

static enum rc read_act(struct reading *rd, struct slice v)
{
	rd->has_act = true;
	rd->act = slice_is(v, "yes");
	return rd->act || slice_is(v, "no") ? RC_OK : bad(rd->e, "act", v, "yes or no");
}

/* "NAME" or "NAME=ARG". */
static enum rc read_fault(struct reading *rd, struct slice v)
{
	const char *eq = memchr(v.p, '=', v.n);
	struct slice name = eq ? (struct slice){ v.p, (size_t)(eq - v.p) } : v;
	if (eq) {
		rd->arg = (struct slice){ eq + 1, v.n - name.n - 1 };
		rd->has_arg = true;
	}
	rd->r->kind = fault_find(name);
	return rd->r->kind ? RC_OK : bad(rd->e, "unknown fault", name, "`sluice-sim --faults-help` lists them");
}

static enum rc read_where(struct reading *rd, struct slice v, bool link)
{
	struct fault_rule *r = rd->r;
	if (r->where != WHERE_ANY)
		return bad(rd->e, "second place", v, "a rule has one store= or one link=");
	if (slice_is(v, "*")) {
		r->where = link ? WHERE_LINK : WHERE_STORE;
		return RC_OK;
	}
	r->where = link ? WHERE_LINK : WHERE_STORE;
	return read_word(v, r->name, sizeof(r->name), link ? "link" : "store", rd->e);
}

enum rule_key { KEY_STORE, KEY_LINK, KEY_OP, KEY_ID, KEY_NTH, KEY_EVERY, KEY_FROM, KEY_ATTEMPT, KEY_RATE, KEY_TIMES, KEY_CONN, KEY_ACT,
		KEY_ARG, KEY_FAULT, KEYS };
static const char *const key_names[KEYS] = { "store", "link", "op", "id", "nth", "every", "from", "attempt", "rate", "times", "conn", "act",
					     "arg", "fault" };

static enum rc read_token(struct reading *rd, struct slice token, unsigned *seen)
{
	const char *eq = memchr(token.p, '=', token.n);
	struct slice key = eq ? (struct slice){ token.p, (size_t)(eq - token.p) } : token;
	struct slice v = eq ? (struct slice){ eq + 1, token.n - key.n - 1 } : slice_of("");
	struct fault_rule *r = rd->r;
	int k = 0;
	while (k < KEYS && !slice_is(key, key_names[k]))
		k++;
	if (k == KEYS)
		return bad(rd->e, "unknown key", token, "store, link, op, id, nth, every, from, attempt, rate, times, conn, act, arg, fault");
	if (!v.n)
		return bad(rd->e, "no value", token, "write key=value");
	if (*seen & 1u << k)
		return bad(rd->e, "second", token, "each key once");
	*seen |= 1u << k;
	switch ((enum rule_key)k) {
	case KEY_STORE:
	case KEY_LINK:
		return read_where(rd, v, k == KEY_LINK);
	case KEY_OP:
		return read_op(v, r, rd->e);
	case KEY_ID:
		return read_word(v, r->id, sizeof(r->id), "id", rd->e);
	case KEY_NTH:
		return read_count(v, 1, &r->nth, rd->e);
	case KEY_EVERY:
		return read_count(v, 1, &r->every, rd->e);
	case KEY_FROM:
		return read_from(v, r, rd->e);
	case KEY_ATTEMPT:
		return read_count(v, 1, &r->attempt, rd->e);
	case KEY_RATE:
		return read_rate(v, &r->rate, rd->e);
	case KEY_TIMES:
		return read_count(v, 1, &r->times, rd->e);
	case KEY_CONN:
		return read_conn(rd, v);
	case KEY_ACT:
		return read_act(rd, v);
	case KEY_ARG:
		rd->arg = v;
		rd->has_arg = true;
		return RC_OK;
	case KEY_FAULT:
		return read_fault(rd, v);
	case KEYS:
		break;
	}
	return RC_INTERNAL;
}

/* ---- the argument, once the fault is known ---- */

static const struct {
	int64_t min, max;
	const char *want;
} arg_bounds[] = {
	[ARG_NONE] = { 0, 0, "this fault takes no arg" },
	[ARG_SECONDS] = { 0, 86400, "arg is seconds, 0 to 86400" },
	[ARG_MS] = { 0, 86400000, "arg is milliseconds, 0 to 86400000" },
	[ARG_BYTES] = { 1, 256 << 20, "arg is bytes, 1 to 256MiB" },
	[ARG_COUNT] = { 1, 1000, "arg is a number, 1 to 1000" },
	[ARG_STATUS] = { 300, 599, "arg is an HTTP status, 300 to 599" },
	[ARG_CODE] = { 0, 4999, "arg is a close code, 0 (none) to 4999" },
	[ARG_END] = { 0, 0, "arg is fin or rst" },
	[ARG_ID] = { 0, 0, "arg is the id of a file" },
};

static enum rc read_arg(struct reading *rd)
{
	struct fault_rule *r = rd->r;
	enum fault_arg a = r->kind->arg;
	r->arg = r->kind->arg_default;
	if (!rd->has_arg)
		return RC_OK;
	if (a == ARG_ID)
		return read_word(rd->arg, r->word, sizeof(r->word), "arg", rd->e);
	if (a == ARG_END) {
		r->reset = slice_is(rd->arg, "rst");
		return r->reset || slice_is(rd->arg, "fin") ? RC_OK : bad(rd->e, "arg", rd->arg, arg_bounds[a].want);
	}
	bool ok = a != ARG_NONE && (parse_i64(rd->arg, &r->arg) || (a == ARG_BYTES && parse_bytes(rd->arg, &r->arg)));
	if (!ok || r->arg < arg_bounds[a].min || r->arg > arg_bounds[a].max)
		return bad(rd->e, "arg", rd->arg, arg_bounds[a].want);
	return RC_OK;
}

/* What the rule left open comes from the fault; what cannot be together is refused. */
static enum rc settle(struct reading *rd, struct slice text)
{
	struct fault_rule *r = rd->r;
	if (!r->kind)
		return bad(rd->e, "no fault in", text, "a rule needs fault=NAME");
	const struct fault_kind *k = r->kind;
	bool for_link = k->how == HOW_LINK;
	if (r->where != WHERE_ANY && (r->where == WHERE_LINK) != for_link)
		return bad(rd->e, for_link ? "store= with" : "link= with", slice_of(k->name), for_link ? "this is a fault of links" : "this is a fault of stores");
	r->where = for_link ? WHERE_LINK : WHERE_STORE;
	bool any = r->ops == op_names[ARRAY_LEN(op_names) - 1].ops;
	if (r->ops && !any && r->ops & ~k->ops)
		return bad(rd->e, "op does not fit", slice_of(k->name), "this fault cannot happen there");
	r->ops = r->ops ? r->ops & k->ops : k->usual;
	if (any)
		r->ops &= ~(unsigned)OP_NOW;
	r->conn = rd->conn >= 0 ? (enum fault_conn)rd->conn : k->warm ? CONN_WARM : CONN_ANY;
	r->act = rd->has_act ? (rd->act ? ACT_ASKED : ACT_NONE) : k->act;
	if (rd->has_act && k->act == ACT_ANOTHER)
		return bad(rd->e, "act= with", slice_of(k->name), "this fault decides itself what is deleted");
	return read_arg(rd);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

enum rc fault_parse(struct fault_rule *out, struct slice text, struct err *e)
{
	*out = (struct fault_rule){ .nth = -1, .every = -1, .from = -1, .to = -1, .attempt = -1, .times = -1, .rate = (uint64_t)1 << 32 };
	struct reading rd = { .r = out, .conn = -1, .e = e };
	unsigned seen = 0;
	for (size_t i = 0; i < text.n;) {
		size_t from = i;
		while (i < text.n && !is_space(text.p[i]))
			i++;
		if (i > from) {
			enum rc rc = read_token(&rd, (struct slice){ text.p + from, i - from }, &seen);
			if (rc != RC_OK)
				return rc;
		}
		i += i < text.n;
	}
	text_z(out->text, sizeof(out->text), text);
	return settle(&rd, text);
}

/* ---- the set ---- */

struct fault_set {
	uint64_t key;
	struct fault_rule *rule;
	size_t n, cap;
	int numbers;
};

struct fault_set *fault_set_new(uint64_t seed)
{
	struct fault_set *s = xcalloc(1, sizeof(*s));
	fault_set_seed(s, seed);
	return s;
}

void fault_set_seed(struct fault_set *s, uint64_t seed)
{
	s->key = gen_key(seed, slice_of("faults"));
}

void fault_set_free(struct fault_set *s)
{
	if (!s)
		return;
	free(s->rule);
	free(s);
}

int fault_set_add(struct fault_set *s, const struct fault_rule *r)
{
	GROW(s->rule, s->cap, s->n + 1);
	s->rule[s->n] = *r;
	return s->rule[s->n++].number = ++s->numbers;
}

static struct slice trimmed(struct slice s)
{
	while (s.n && is_space(s.p[0]))
		s = (struct slice){ s.p + 1, s.n - 1 };
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

static struct slice next_line(struct slice *rest)
{
	const char *nl = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
	struct slice line = nl ? (struct slice){ rest->p, (size_t)(nl - rest->p) } : *rest;
	size_t used = line.n + (nl ? 1 : 0);
	*rest = (struct slice){ rest->p + used, rest->n - used };
	return trimmed(line);
}

enum rc fault_set_add_text(struct fault_set *s, struct slice text, int *added, struct err *e)
{
	size_t before = s->n;
	int number = 1;
	for (struct slice rest = text; rest.n; number++) {
		struct slice line = next_line(&rest);
		struct fault_rule r;
		if (!line.n || line.p[0] == '#')
			continue;
		enum rc rc = fault_parse(&r, line, e);
		if (rc != RC_OK) {
			s->n = before;
			return err_prefix(e, "line %d", number), rc;
		}
		fault_set_add(s, &r);
	}
	if (added)
		*added = (int)(s->n - before);
	return RC_OK;
}

void fault_set_clear(struct fault_set *s)
{
	s->n = 0;
}

size_t fault_set_count(const struct fault_set *s)
{
	return s->n;
}

const struct fault_rule *fault_set_get(const struct fault_set *s, size_t i)
{
	return &s->rule[i];
}

/* ---- deciding ---- */

static bool fits(const struct fault_rule *r, const struct fault_event *ev)
{
	if ((r->where == WHERE_LINK) != ev->link || !(r->ops & (unsigned)ev->op))
		return false;
	if (r->name[0] && !slice_is(ev->where, r->name))
		return false;
	if (r->id[0] && !slice_is(ev->id, r->id))
		return false;
	if ((r->kind->only_live && !ev->live) || (r->kind->only_after && !ev->after))
		return false;
	return r->conn == CONN_ANY || (r->conn == CONN_WARM) == ev->warm;
}

static bool by_chance(const struct fault_set *s, const struct fault_rule *r, const struct fault_event *ev)
{
	if (r->rate > UINT32_MAX)
		return true;
	uint64_t n = ev->id.n && ev->attempt ? (uint64_t)ev->attempt : (uint64_t)r->seen;
	uint64_t h = gen_hash(gen_hash_slice(s->key, ev->id), n, (uint64_t)r->number);
	return h >> 32 < r->rate;
}

static bool fires(const struct fault_set *s, const struct fault_rule *r, const struct fault_event *ev)
{
	if (r->times >= 0 && r->fired >= r->times)
		return false;
	if (r->nth >= 0 && r->seen != r->nth)
		return false;
	if (r->every >= 0 && r->seen % r->every)
		return false;
	if (r->from >= 0 && (r->seen < r->from || (r->to >= 0 && r->seen > r->to)))
		return false;
	if (r->attempt >= 0 && r->attempt != ev->attempt)
		return false;
	return by_chance(s, r, ev);
}

const struct fault_rule *fault_decide(struct fault_set *s, const struct fault_event *ev)
{
	struct fault_rule *hit = NULL;
	for (size_t i = 0; i < s->n; i++) {
		struct fault_rule *r = &s->rule[i];
		if (!fits(r, ev))
			continue;
		r->seen++;
		if (!hit && fires(s, r, ev)) {
			r->fired++;
			hit = r;
		}
	}
	return hit;
}
