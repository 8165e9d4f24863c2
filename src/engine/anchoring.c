/* Checkpoints of the log: the head signed, written into the log after a start and a cycle, and told to
 * every configured place outside it. A place that fails is shown and tried again; it stops nothing. */
#include "engine/internal.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/http.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PLACES = 4, SECOND_US = 1000000, RETRY_MAX_US = 60 * SECOND_US, TELL_MS = 5000 };
/* Without an event a checkpoint is made after so many records, or so long after the last one. */
enum { EVERY_RECORDS = 10000, EVERY_US = 60 * SECOND_US };

/* Where checkpoints are kept outside the log. */
struct place {
	struct anchoring *a;
	const char *kind, *where;
	void (*tell)(struct place *p);
	bool busy;
	struct checkpoint doing;
	enum rc rc;
	struct err err;
	int64_t seq, wall_us;           /* newest that arrived; 0 = none since the start */
	int64_t retry_us, wait_us;      /* boot time; doubling */
	char trouble[200];
};

struct anchoring {
	struct engine *en;
	struct sign_key *key;           /* NULL: it is gone */
	struct audit_key *keys;         /* whose checkpoints count, our own first */
	size_t n_keys;
	bool due;                       /* checkpoints were anchored before this start */
	bool pub_written;
	int64_t base;                   /* records sealed away before the first in the file */
	struct checkpoint newest;
	int64_t made_us;                /* boot time */
	struct place place[PLACES];
	int places;
	struct http_client *http;
	struct secret *token;
	void (*last)(void *ctx);
	void *last_ctx;
};

/* ---- places ---- */

/* The public key beside the private one: from the first checkpoint outside on, an anchor must be there. */
static void write_pub(struct anchoring *a)
{
	struct buf b;
	const char *path = a->en->paths->audit_pub;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	buf_init(&b);
	audit_key_text(&b, &a->keys[0]);
	buf_addc(&b, '\n');
	if (fd < 0 || write(fd, b.p, b.n) != (ssize_t)b.n || fsync(fd) != 0)
		log_warn("anchor", path, "cannot be written: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	buf_done(&b);
	a->pub_written = true;
}

static void next(struct place *p);
static void finish(struct anchoring *a);

static void told(struct place *p)
{
	struct anchoring *a = p->a;
	p->busy = false;
	if (p->rc == RC_OK) {
		if (p == a->place && !a->pub_written)
			write_pub(a);
		p->seq = p->doing.seq;
		p->wall_us = p->doing.wall_us;
		p->wait_us = 0;
		p->trouble[0] = 0;
	} else {
		if (!p->trouble[0])
			log_error("anchor", p->where, "%s", p->err.text);
		snprintf(p->trouble, sizeof p->trouble, "%.199s", p->err.text);
		p->wait_us = p->wait_us ? MIN(2 * p->wait_us, RETRY_MAX_US) : SECOND_US;
		p->retry_us = now_read().boot_us + p->wait_us;
	}
	engine_changed(a->en, ENGINE_OVERVIEW);
	next(p);
	finish(a);
}

static void told_by_worker(void *ctx) { told(ctx); }

static void file_work(void *ctx)
{
	struct place *p = ctx;
	p->rc = audit_anchor_checkpoint(p->where, &p->doing, &p->err);
}

static void tell_file(struct place *p) { job_read(p->a->en, file_work, told_by_worker, p); }

/* As syslog(3) writes it, but a failure is known: authpriv.notice. */
static void syslog_work(void *ctx)
{
	struct place *p = ctx;
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct buf b;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	buf_init(&b);
	buf_addf(&b, "<85>sluice[%d]: checkpoint ", (int)getpid());
	checkpoint_line(&b, &p->doing);
	snprintf(to.sun_path, sizeof to.sun_path, "%s", p->where);
	p->rc = RC_OK;
	if (fd < 0 || strlen(p->where) >= sizeof to.sun_path ||
	    sendto(fd, b.p, b.n, MSG_NOSIGNAL, (const struct sockaddr *)&to, sizeof to) != (ssize_t)b.n)
		p->rc = err_set(&p->err, RC_IO, "cannot tell the system log at %s: %s; see that it listens there", p->where, strerror(errno));
	if (fd >= 0)
		close(fd);
	buf_done(&b);
}

static void tell_syslog(struct place *p) { job_read(p->a->en, syslog_work, told_by_worker, p); }

static void url_done(void *ctx, const struct http_answer *a)
{
	struct place *p = ctx;
	bool ok = a->error == HTTP_OK && a->status >= 200 && a->status < 300;
	p->rc = RC_OK;
	if (!ok && a->error == HTTP_OK)
		p->rc = err_set(&p->err, RC_IO, "%s answered %d to the checkpoint", p->where, a->status);
	else if (!ok)
		p->rc = err_set(&p->err, RC_IO, "cannot reach %s: %s %s", p->where, http_error_name(a->error), a->detail);
	told(p);
}

static void tell_url(struct place *p)
{
	struct anchoring *a = p->a;
	struct buf body, auth;
	struct jw w;
	const char *headers[3] = { "Content-Type: application/json" };
	buf_init(&body);
	buf_init(&auth);
	jw_init(&w, &body);
	jw_obj(&w);
	jw_kz(&w, "environment", a->en->cfg->name);
	checkpoint_write(&w, &p->doing);
	jw_end_obj(&w);
	if (a->token) {
		struct slice s = secret_use(a->token);
		buf_adds(&auth, "Authorization: Bearer ");
		buf_add(&auth, s.p, s.n);
		headers[1] = buf_z(&auth);
	}
	struct http_req r = { .method = "POST", .url = p->where, .headers = headers, .body = buf_slice(&body), .timeout_ms = TELL_MS,
		.connect_timeout_ms = TELL_MS, .max_body = 65536 };
	http_send(a->http, &r, url_done, p);
	secret_wipe(&auth);
	buf_done(&auth);
	buf_done(&body);
}

/* The newest checkpoint, unless it is there, or its time has not come. */
static void next(struct place *p)
{
	struct anchoring *a = p->a;
	bool tried = p->doing.seq == a->newest.seq;
	if (!p->busy && p->seq < a->newest.seq && !a->en->closing && (a->last ? !tried : now_read().boot_us >= p->retry_us)) {
		p->busy = true;
		p->doing = a->newest;
		p->tell(p);
	}
}

static void finish(struct anchoring *a)
{
	for (int i = 0; i < a->places; i++)
		if (a->place[i].busy)
			return;
	if (a->last)
		loop_defer(a->en->loop, a->last, a->last_ctx);
	a->last = NULL;
}

static void add_place(struct anchoring *a, const char *kind, const char *where, void (*tell)(struct place *p))
{
	if (where)
		a->place[a->places++] = (struct place){ .a = a, .kind = kind, .where = where, .tell = tell };
}

static enum rc open_places(struct anchoring *a, struct err *e)
{
	const struct cfg_engine *c = &a->en->cfg->engine;
	enum rc rc = RC_OK;
	add_place(a, "file", a->en->paths->anchors, tell_file);
	if (c->anchor_file && strcmp(c->anchor_file, a->en->paths->anchors))
		add_place(a, "file", c->anchor_file, tell_file);
	add_place(a, "syslog", c->anchor_syslog, tell_syslog);
	add_place(a, "url", c->anchor_url, tell_url);
	if (!c->anchor_url)
		return RC_OK;
	struct http_opts o = { .max_connections = 1 };
	a->http = http_client_new(a->en->loop, &o);
	http_client_permit(a->http, HTTP_ALL);
	if (c->anchor_token_file)
		rc = secret_load(&a->token, c->anchor_token_file, "credential of engine.anchor_url", e);
	return rc;
}

/* ---- the key ---- */

static enum rc first_found(void *ctx, const struct audit_record *rec)
{
	(void)rec;
	*(bool *)ctx = true;
	return RC_OK;
}

/* The log was signed before, by whatever key. */
static enum rc signed_before(struct anchoring *a, bool *yes, struct err *e)
{
	struct audit_filter f = { .kind = slice_of(audit_kind_name(AUDIT_CHECKPOINT)), .limit = 1, .decisions_only = true };
	*yes = a->due;
	return *yes ? RC_OK : audit_query(a->en->reader, &f, first_found, yes, e);
}

static enum rc load_key(struct anchoring *a, struct err *e)
{
	const struct paths *p = a->en->paths;
	const char *given = a->en->cfg->engine.audit_key, *path = given ? given : p->audit_key;
	bool before = false;
	enum rc rc = RC_OK;
	a->due = access(p->audit_pub, F_OK) == 0;
	if (!given && access(path, F_OK) != 0) {
		rc = signed_before(a, &before, e);
		if (rc != RC_OK || before)
			return rc;
		rc = sign_key_generate(path, e);
	}
	return rc == RC_OK ? sign_key_load(&a->key, path, e) : rc;
}

static void gather_keys(struct anchoring *a)
{
	const struct cfg_engine *c = &a->en->cfg->engine;
	a->keys = xcalloc(c->n_audit_keys + 1, sizeof *a->keys);
	if (a->key)
		sign_key_public(a->key, a->keys[a->n_keys++].b);
	for (size_t i = 0; i < c->n_audit_keys; i++)
		memcpy(a->keys[a->n_keys++].b, c->audit_keys[i].b, KEY_BYTES);
}

static enum rc find_base(struct anchoring *a, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(a->en->reader, &s, "SELECT coalesce(min(seq), 1) - 1 FROM audit", e);
	if (rc == RC_OK && db_step(s, e) == DB_ROW)
		a->base = db_i64(s, 0);
	if (rc == RC_OK)
		db_reset(s);
	return rc;
}

enum rc anchoring_open(struct engine *en, struct err *e)
{
	struct anchoring *a = xcalloc(1, sizeof *a);
	en->anchoring = a;
	a->en = en;
	enum rc rc = load_key(a, e);
	gather_keys(a);
	if (rc == RC_OK)
		rc = find_base(a, e);
	return rc == RC_OK ? open_places(a, e) : rc;
}

void anchoring_free(struct engine *en)
{
	struct anchoring *a = en->anchoring;
	if (!a)
		return;
	http_client_free(a->http);
	secret_free(a->token);
	sign_key_free(a->key);
	free(a->keys);
	free(a);
	en->anchoring = NULL;
}

const char *anchoring_gone(const struct engine *en)
{
	return en->anchoring->key ? NULL :
		"the key that signed this log's checkpoints, audit.key in the state directory, is gone; put it back, or name a new one as "
		"engine.audit_key and the old public key (audit.pub) under engine.audit_keys";
}

void anchoring_proof(const struct engine *en, struct audit_proof *p)
{
	const struct anchoring *a = en->anchoring;
	*p = (struct audit_proof){ .anchors = { en->paths->anchors, en->cfg->engine.anchor_file }, .keys = { a->keys, a->n_keys },
		.anchors_due = a->due };
}

/* ---- making one ---- */

/* What is known to be broken is not signed: the next start must find it as this one did. */
static bool may_sign(const struct anchoring *a)
{
	return a->key && a->en->verified_once && a->en->verified.ok && store_head(a->en->store).seq != 0;
}

static struct checkpoint make(const struct anchoring *a)
{
	struct audit_head h = store_head(a->en->store);
	struct checkpoint c = { .seq = h.seq, .hash = h.hash, .count = h.seq - a->base, .wall_us = now_read().wall_us };
	checkpoint_sign(&c, a->key);
	return c;
}

bool anchoring_sign(const struct engine *en, struct checkpoint *out)
{
	if (!may_sign(en->anchoring))
		return false;
	*out = make(en->anchoring);
	return true;
}

static void tell_all(struct anchoring *a)
{
	if (may_sign(a) && store_head(a->en->store).seq > a->newest.seq) {
		a->newest = make(a);
		a->made_us = now_read().boot_us;
	}
	for (int i = 0; i < a->places; i++)
		next(&a->place[i]);
}

static void recorded(void *ctx, enum rc rc, const struct err *e)
{
	struct engine *en = ctx;
	if (rc != RC_OK)
		log_error("audit", NULL, "a checkpoint could not be written: %s", e->text);
	else if (!en->closing)
		tell_all(en->anchoring);
}

void anchoring_checkpoint(struct engine *en)
{
	struct anchoring *a = en->anchoring;
	struct journal *j;
	struct checkpoint c;
	struct buf b;
	struct jw w;
	if (!may_sign(a))
		return;
	c = make(a);
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	checkpoint_write(&w, &c);
	jw_end_obj(&w);
	j = journal_new();
	journal_audit(j, AUDIT_CHECKPOINT, &actor_engine, SLICE_LIT("chain"), 0, SLICE_LIT(""), buf_slice(&b));
	store_commit(en->store, j, recorded, en);
	buf_done(&b);
}

void anchoring_tick(struct engine *en)
{
	struct anchoring *a = en->anchoring;
	int64_t ahead = store_head(en->store).seq - a->newest.seq, now = now_read().boot_us;
	if (a->newest.seq && ahead > 0 && (ahead >= EVERY_RECORDS || now - a->made_us >= EVERY_US))
		tell_all(a);
	for (int i = 0; i < a->places; i++)
		next(&a->place[i]);
}

void anchoring_last(struct engine *en, void (*done)(void *ctx), void *ctx)
{
	struct anchoring *a = en->anchoring;
	a->last = done;
	a->last_ctx = ctx;
	tell_all(a);
	finish(a);
}

void anchoring_sealed(struct engine *en, int64_t last)
{
	en->anchoring->base = last;
	tell_all(en->anchoring);
}

/* ---- shown ---- */

const char *anchoring_trouble(const struct engine *en)
{
	const struct anchoring *a = en->anchoring;
	for (int i = 0; i < a->places; i++)
		if (a->place[i].trouble[0])
			return a->place[i].trouble;
	return NULL;
}

void anchoring_json(const struct engine *en, struct jw *w)
{
	const struct anchoring *a = en->anchoring;
	struct buf b;
	buf_init(&b);
	if (a->key)
		audit_key_text(&b, &a->keys[0]);
	jw_key(w, "key");
	jw_z(w, a->key ? buf_z(&b) : NULL);
	buf_done(&b);
	jw_key(w, "anchors");
	jw_arr(w);
	for (int i = 0; i < a->places; i++) {
		const struct place *p = &a->place[i];
		jw_obj(w);
		jw_kz(w, "kind", p->kind);
		jw_kz(w, "where", p->where);
		jw_kopt(w, "seq", p->seq ? p->seq : -1);
		jw_kopt(w, "at_us", p->seq ? p->wall_us : -1);
		jw_key(w, "trouble");
		jw_z(w, p->trouble[0] ? p->trouble : NULL);
		jw_end_obj(w);
	}
	jw_end_arr(w);
}
