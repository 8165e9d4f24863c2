/* Copies in a bucket: put, read again, removed. What may pass is asked for again a few times. */
#include "engine/vault.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/internal.h"
#include "escrow/escrow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRIES = 5, WAIT_MAX_MS = 60 * 1000, BUFFER = 1 << 20 };

static const char scheme[] = "bucket:";

struct vault_task {
	struct engine *en;
	struct vault_task *next, **prev;
	struct elane *to;
	struct arena *texts;
	struct slice key;
	struct vault_copy copy;
	vault_fn *fn;
	void *ctx;
	int fd;                         /* of a put, borrowed; of a read that keeps, made here */
	bool keep, putting;
	int tries;
	struct loop_timer *timer;
	bool waiting;                   /* for the timer; nothing of it is under way */
	bool replaced;                  /* of a put: what was there and no copy is taken away, once */
	enum rc rc;
	struct err err;
	char refusal[200];              /* of a put */
	/* of a read */
	struct lane_stream *stream;
	struct hasher *hasher;
	struct buf in, out;
	bool writing, refused;
	int64_t came;
	struct lane_content answer;
};

bool vault_holds(struct slice path) { return slice_starts(path, scheme); }
bool vault_idle(const struct engine *en) { return !en->vault; }

void vault_stop(struct engine *en)
{
	for (struct vault_task *t = en->vault; t; t = t->next)
		if (t->waiting)
			loop_timer_start(t->timer, 0, 0);
}

void vault_path(const struct engine *en, struct slice lane, struct slice id, const struct hash *sha256, struct buf *out)
{
	const struct cfg_lane *to = &en->cfg->lanes[en->cfg->escrow.lane];
	struct buf who;
	struct hash h;
	char hex[HASH_HEX];
	buf_init(&who);
	enc_bytes(&who, lane);
	enc_bytes(&who, id);
	hash_bytes(&h, who.p, who.n);
	buf_addf(out, "%s%s/%s%s", scheme, to->name, to->prefix, hash_hex(hex, &h));
	buf_addf(out, "-%s", hash_hex(hex, sha256));
	buf_done(&who);
}

/* NULL: the lane of that path is not in the configuration any more. */
static struct elane *find(struct engine *en, struct slice path, struct slice *key)
{
	struct slice rest = { path.p + sizeof scheme - 1, path.n - (sizeof scheme - 1) };
	const char *slash = memchr(rest.p, '/', rest.n);
	size_t n = slash ? (size_t)(slash - rest.p) : rest.n;
	struct elane *l = slash ? engine_lane(en, (struct slice){ rest.p, n }) : NULL;
	if (!l || lane_content_never(l->lane, SLICE_LIT("")) || !lane_upload_keeps_id(l->lane))
		return NULL;
	*key = (struct slice){ slash + 1, rest.n - n - 1 };
	return l;
}

/* ---- the end ---- */

static void end(void *ctx)
{
	struct vault_task *t = ctx;
	if (t->rc == RC_OK && t->keep && lseek(t->fd, 0, SEEK_SET) != 0)
		t->rc = err_set(&t->err, RC_IO, "cannot read again what came out of the bucket: %s", strerror(errno));
	bool give = t->rc == RC_OK && t->keep;
	if (t->keep && !give && t->fd >= 0)
		close(t->fd);
	*t->prev = t->next;
	if (t->next)
		t->next->prev = t->prev;
	t->fn(t->ctx, t->rc, &t->err, give ? t->fd : -1);
	loop_timer_free(t->timer);
	if (t->hasher)
		hasher_free(t->hasher);
	buf_done(&t->in);
	buf_done(&t->out);
	arena_free(t->texts);
	free(t);
}

static struct vault_task *begin(struct engine *en, const struct vault_copy *c, vault_fn *fn, void *ctx)
{
	struct vault_task *t = xcalloc(1, sizeof *t);
	char shown[120];
	*t = (struct vault_task){ .en = en, .texts = arena_new(512), .copy = *c, .fn = fn, .ctx = ctx, .fd = -1 };
	t->copy.path = (struct slice){ arena_strndup(t->texts, c->path.p, c->path.n), c->path.n };
	t->next = en->vault;
	t->prev = &en->vault;
	if (t->next)
		t->next->prev = &t->next;
	en->vault = t;
	t->to = en->closing ? NULL : find(en, t->copy.path, &t->key);
	if (en->closing)
		t->rc = err_set(&t->err, RC_CANCELLED, "the engine stops");
	else if (!t->to)
		t->rc = err_set(&t->err, RC_REFUSED, "the copy %s lies in the bucket of a lane that is not in the configuration",
				text_z(shown, sizeof shown, t->copy.path));
	return t;
}

static void ask(struct vault_task *t);
static void put(struct vault_task *t);
static void sleep_for(struct vault_task *t, int64_t ms);

/* As soon as its lane's pace lets it. */
static void go(void *ctx)
{
	struct vault_task *t = ctx;
	struct bucket *pace = t->to ? &t->to->reads : NULL;
	int64_t now = now_read().boot_us, wait;
	t->waiting = false;
	if (t->rc == RC_OK && t->en->closing)
		t->rc = err_set(&t->err, RC_CANCELLED, "the engine stops");
	if (t->rc != RC_OK) {
		loop_defer(t->en->loop, end, t);        /* the timer that is freed then may be calling */
	} else if (!t->en->stopping && (wait = bucket_wait_us(pace, now)) > 0) {
		sleep_for(t, MIN(wait / 1000 + 1, WAIT_MAX_MS));
	} else {
		bucket_take(pace, now);
		t->putting ? put(t) : ask(t);
	}
}

static void sleep_for(struct vault_task *t, int64_t ms)
{
	t->timer = t->timer ? t->timer : loop_timer_new(t->en->loop, go, t);
	t->waiting = true;
	loop_timer_start(t->timer, ms, 0);
}

/* What may pass. Asking again does no harm here, so it is done more often than `retry:` of the lane says, but as late. */
static enum retry_class class_of(enum lane_trouble t)
{
	switch (t) {
	case LANE_PACED: return RETRY_RATE_LIMIT;
	case LANE_SERVER: return RETRY_SERVER_ERROR;
	case LANE_TIMEOUT: return RETRY_TIMEOUT;
	case LANE_NETWORK: case LANE_CUT: return RETRY_NETWORK;
	case LANE_FINE: case LANE_AUTH: case LANE_BILLING: case LANE_UNSUPPORTED: case LANE_NOT_PERMITTED: case LANE_REJECTED: case LANE_GARBLED:
		break;
	}
	return RETRY_NONE_CLASS;
}

/* false: not again. */
static bool again(struct vault_task *t, enum retry_class c, int64_t wait_ms)
{
	struct rng rng;
	rng_seed(&rng, (uint64_t)now_read().boot_us);
	t->tries++;
	int64_t wait = wait_ms >= 0 ? wait_ms : backoff_ms(&t->to->cfg->retry.tier[c].wait, t->tries, &rng);
	if (c == RETRY_NONE_CLASS || t->tries >= TRIES || wait > WAIT_MAX_MS || t->en->closing || t->en->stopping)
		return false;
	sleep_for(t, wait);
	return true;
}

/* ---- reading ---- */

static void went_on(struct vault_task *t);

static void part_work(void *ctx)
{
	struct vault_task *t = ctx;
	hasher_add(t->hasher, t->out.p, t->out.n);
	t->came += (int64_t)t->out.n;
	for (size_t at = 0; t->keep && t->rc == RC_OK && at < t->out.n;) {
		ssize_t n = write(t->fd, t->out.p + at, t->out.n - at);
		if (n < 0 && errno != EINTR)
			t->rc = err_set(&t->err, RC_IO, "cannot write what comes out of the bucket: %s", strerror(errno));
		at += n > 0 ? (size_t)n : 0;
	}
}

static void part_done(void *ctx)
{
	struct vault_task *t = ctx;
	t->writing = false;
	buf_clear(&t->out);
	went_on(t);
}

static void part_next(struct vault_task *t)
{
	struct buf b = t->out;
	t->out = t->in;
	t->in = b;
	t->writing = true;
	loop_work(t->en->loop, part_work, part_done, t);
}

static bool on_part(void *ctx, struct slice part)
{
	struct vault_task *t = ctx;
	if (t->in.n && t->in.n + part.n > BUFFER) {
		t->refused = true;
		return false;
	}
	buf_add(&t->in, part.p, part.n);
	if (!t->writing)
		part_next(t);
	return true;
}

static void judge(struct vault_task *t)
{
	const struct lane_content *a = &t->answer;
	struct hash now;
	char shown[200];
	text_z(shown, sizeof shown, t->copy.path);
	hasher_end(t->hasher, &now);
	if (t->rc != RC_OK)
		end(t);
	else if (a->trouble == LANE_FINE && t->came == t->copy.bytes && hash_eq(&now, &t->copy.sha256))
		end(t);
	else if (again(t, class_of(a->trouble), a->wait_ms))
		;
	else if (a->missing)
		t->rc = err_set(&t->err, RC_NOT_FOUND, "the copy %s is missing", shown), end(t);
	else if (a->trouble == LANE_FINE && t->came != t->copy.bytes)
		t->rc = err_set(&t->err, RC_FORMAT, "the copy %s is damaged: it has %lld bytes instead of %lld", shown, (long long)t->came, (long long)t->copy.bytes),
		end(t);
	else if (a->trouble == LANE_FINE)
		t->rc = err_set(&t->err, RC_FORMAT, "the copy %s is damaged: its SHA-256 is not the one it was made with", shown), end(t);
	else if (a->trouble == LANE_GARBLED && a->about_item)
		t->rc = err_set(&t->err, RC_FORMAT, "the copy %s is damaged: it has more than %lld bytes", shown, (long long)t->copy.bytes), end(t);
	else
		t->rc = err_set(&t->err, RC_INCOMPLETE, "the copy %s cannot be read: %.120s", shown, a->detail), end(t);
}

static void went_on(struct vault_task *t)
{
	if (t->rc != RC_OK && t->stream) {
		lane_content_stop(t->to->lane, t->stream);  /* comes back through on_content */
		return;
	}
	if (t->in.n && !t->writing && t->rc == RC_OK)
		part_next(t);
	if (t->stream && t->refused) {
		t->refused = false;
		lane_content_go_on(t->to->lane, t->stream);
	} else if (!t->stream && !t->writing) {
		judge(t);
	}
}

static void on_content(void *ctx, const struct lane_content *a)
{
	struct vault_task *t = ctx;
	t->stream = NULL;
	t->refused = false;
	t->answer = *a;
	if (!t->writing)
		went_on(t);
}

static void ask(struct vault_task *t)
{
	if (t->keep && (ftruncate(t->fd, 0) != 0 || lseek(t->fd, 0, SEEK_SET) != 0)) {
		t->rc = err_set(&t->err, RC_IO, "cannot write what comes out of the bucket: %s", strerror(errno));
		loop_defer(t->en->loop, end, t);
		return;
	}
	buf_clear(&t->in);
	t->came = 0;
	t->hasher = t->hasher ? t->hasher : hasher_new();
	hasher_begin(t->hasher);
	t->stream = lane_content(t->to->lane, t->key, t->copy.bytes, on_part, on_content, t);
}

static void spare_work(void *ctx)
{
	struct vault_task *t = ctx;
	struct escrow *s;
	struct buf dir;
	buf_init(&dir);
	copying_dir(t->en, &dir);
	t->rc = escrow_open(&s, buf_z(&dir), t->en->cfg->escrow.reserve, &t->err);
	if (t->rc == RC_OK)
		t->rc = escrow_room(s, t->copy.bytes, &t->err);
	if (t->rc == RC_OK)
		t->rc = escrow_spare(s, &t->fd, &t->err);
	escrow_close(s);
	buf_done(&dir);
}

void vault_read(struct engine *en, const struct vault_copy *c, bool keep, vault_fn *fn, void *ctx)
{
	struct vault_task *t = begin(en, c, fn, ctx);
	t->keep = keep;
	if (t->rc != RC_OK)
		loop_defer(en->loop, end, t);
	else if (keep)
		loop_work(en->loop, spare_work, go, t);
	else
		loop_defer(en->loop, go, t);
}

/* ---- putting ---- */

/* What no copy is can be nothing but a copy that was spoiled: its key says so. */
static void put_freed(void *ctx, const struct lane_answer *a)
{
	struct vault_task *t = ctx;
	if (a->kind != LANE_DELETED && a->kind != LANE_MISSING) {
		t->rc = err_set(&t->err, RC_REFUSED, "not put into the bucket: what is there is damaged and stays: %.120s", a->detail);
		end(t);
		return;
	}
	loop_defer(t->en->loop, go, t);
}

/* The key says which bytes it has: if an object is there, it is this copy, or nothing that could be relied on. */
static void put_proved(void *ctx, enum rc rc, const struct err *e, int fd)
{
	struct vault_task *t = ctx;
	(void)fd;
	if (rc == RC_FORMAT && !t->replaced && !t->en->closing) {
		t->replaced = true;
		lane_delete(t->to->lane, t->key, put_freed, t);
		return;
	}
	if (rc != RC_OK)
		t->rc = err_set(&t->err, rc == RC_CANCELLED ? rc : RC_REFUSED, "not put into the bucket: %.120s; %.120s", t->refusal, e->text);
	end(t);
}

static void put_failed(struct vault_task *t, enum rc rc, const struct lane_answer *a)
{
	t->rc = err_set(&t->err, rc, "not put into the bucket: %.190s", a->detail);
	end(t);
}

static void put_answered(void *ctx, const struct lane_answer *a, struct slice new_id)
{
	struct vault_task *t = ctx;
	(void)new_id;
	switch (a->kind) {
	case LANE_DELETED:
		end(t);
		return;
	case LANE_ITEM_REFUSED:
		snprintf(t->refusal, sizeof t->refusal, "%s", a->detail);
		vault_read(t->en, &t->copy, false, put_proved, t);
		return;
	case LANE_LANE_REFUSED:
		put_failed(t, RC_IO, a);
		return;
	case LANE_MISSING:
	case LANE_UNCLEAR:
	case LANE_PACE:
	case LANE_NOT_SENT:
		if (!again(t, a->class_, a->wait_ms))
			put_failed(t, RC_IO, a);
		return;
	}
}

static void put(struct vault_task *t)
{
	const struct lane_file f = { .name = t->key, .fd = t->fd, .bytes = t->copy.bytes, .sha256 = &t->copy.sha256 };
	lane_upload(t->to->lane, &f, put_answered, t);
}

void vault_put(struct engine *en, const struct vault_copy *c, int fd, vault_fn *fn, void *ctx)
{
	struct vault_task *t = begin(en, c, fn, ctx);
	t->fd = fd;
	t->putting = true;
	loop_defer(en->loop, go, t);
}

/* ---- removing ---- */

static void removed(void *ctx, const struct lane_answer *a)
{
	struct vault_task *t = ctx;
	if (a->kind != LANE_DELETED && a->kind != LANE_MISSING) {
		char shown[200];
		log_warn("escrow", NULL, "the copy %s may be there still: %.120s", text_z(shown, sizeof shown, t->copy.path), a->detail);
	}
	end(t);
}

static void nobody(void *ctx, enum rc rc, const struct err *e, int fd) { (void)ctx; (void)rc; (void)e; (void)fd; }

void vault_remove(struct engine *en, struct slice path)
{
	struct vault_task *t = begin(en, &(struct vault_copy){ .path = path }, nobody, NULL);
	if (t->rc == RC_OK) {
		lane_delete(t->to->lane, t->key, removed, t);
		return;
	}
	log_warn("escrow", NULL, "%s", t->err.text);
	loop_defer(en->loop, end, t);
}
