/* One lane driven by hand: laneprobe CONFIG NAME [reads]. Each line on stdin is a JSON object with "op";
 * its answer is a line. "deletes" asks for all its ids in one turn of the loop, as the engine does after
 * one commit, and at most "window" at a time. Ids are percent-encoded both ways where they are no plain text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/json.h"
#include "base/mem.h"
#include "lane/lane.h"

struct probe {
	struct loop *loop;
	struct lane *lane;
	struct jw w;
	struct buf out;
	bool over;
	/* deletes */
	const struct json *next;
	int64_t window, under_way;
	bool names;
	int64_t kinds[LANE_NOT_SENT + 1];
	/* list */
	int64_t items, bytes, pages, most;
};

struct one {
	struct probe *p;
	struct slice id;
};

static void end(struct probe *p)
{
	p->over = true;
	loop_stop(p->loop);
}

static void send_more(struct probe *p);

static void answered(void *ctx, const struct lane_answer *a)
{
	struct one *o = ctx;
	struct probe *p = o->p;
	struct jw *w = &p->w;
	p->kinds[a->kind]++;
	if (p->names) {
		jw_obj(w);
		jw_kstr(w, "id", o->id);
		jw_kz(w, "kind", lane_delete_kind_name(a->kind));
		jw_kz(w, "trouble", lane_trouble_name(a->trouble));
		jw_kz(w, "class", retry_class_name(a->class_));
		jw_kbool(w, "left", a->left);
		jw_ki64(w, "status", a->status);
		jw_kopt(w, "wait_ms", a->wait_ms);
		jw_kz(w, "detail", a->detail);
		jw_end_obj(w);
	}
	free(o);
	p->under_way--;
	send_more(p);
}

static void send_more(struct probe *p)
{
	for (; p->next && p->under_way < p->window; p->next = json_next(p->next)) {
		struct one *o = xcalloc(1, sizeof *o);
		o->p = p;
		json_str(p->next, &o->id);
		p->under_way++;
		lane_delete(p->lane, o->id, answered, o);
	}
	if (!p->next && !p->under_way)
		end(p);
}

static void do_deletes(struct probe *p, const struct json *q)
{
	lane_must_undo(p->lane, json_get_bool(q, "undoable", false));
	p->next = json_first(json_get(q, "ids"));
	p->window = json_get_i64(q, "window", 1000000);
	p->names = json_get_bool(q, "names", true);
	jw_key(&p->w, "answers");
	jw_arr(&p->w);
	send_more(p);
}

static void paged(void *ctx, const struct lane_page *page)
{
	struct probe *p = ctx;
	struct jw *w = &p->w;
	for (size_t i = 0; i < page->n; i++) {
		p->bytes += MAX(page->items[i].bytes, 0);
		if (p->items++ >= p->most)
			continue;
		jw_obj(w);
		jw_kstr(w, "id", page->items[i].id);
		jw_kopt(w, "bytes", page->items[i].bytes);
		jw_kopt(w, "created_us", page->items[i].created_us);
		jw_kstr(w, "purpose", page->items[i].purpose);
		jw_end_obj(w);
	}
	p->pages++;
	if (page->trouble == LANE_FINE && !page->last) {
		lane_list(p->lane, page->cursor, paged, p);
		return;
	}
	jw_end_arr(w);
	jw_kz(w, "trouble", lane_trouble_name(page->trouble));
	jw_kz(w, "detail", page->detail);
	jw_kopt(w, "wait_ms", page->wait_ms);
	jw_kbool(w, "undoable", page->undoable);
	end(p);
}

static void do_list(struct probe *p, const struct json *q)
{
	p->items = p->bytes = p->pages = 0;
	p->most = json_get_i64(q, "most", 1000000);
	jw_key(&p->w, "list");
	jw_arr(&p->w);
	lane_list(p->lane, json_get_str(q, "cursor"), paged, p);
}

static void probed(void *ctx, const struct lane_probe *a)
{
	static const char *const words[] = { [LANE_PRESENT] = "present", [LANE_ABSENT] = "absent", [LANE_NO_ANSWER] = "no answer" };
	struct probe *p = ctx;
	jw_kz(&p->w, "presence", words[a->presence]);
	jw_kz(&p->w, "trouble", lane_trouble_name(a->trouble));
	jw_kz(&p->w, "detail", a->detail);
	jw_kopt(&p->w, "bytes", a->presence == LANE_PRESENT ? a->item.bytes : -1);
	end(p);
}

static void undone(void *ctx, const struct lane_undone *u)
{
	static const char *const words[] = { [LANE_UNDONE] = "undone", [LANE_UNDO_NEEDLESS] = "needless",
					     [LANE_UNDO_IMPOSSIBLE] = "impossible", [LANE_UNDO_UNKNOWN] = "unknown" };
	struct probe *p = ctx;
	jw_kz(&p->w, "undo", words[u->kind]);
	jw_kz(&p->w, "trouble", lane_trouble_name(u->trouble));
	jw_kz(&p->w, "detail", u->detail);
	jw_kopt(&p->w, "bytes", u->bytes);
	end(p);
}

/* ---- bytes ---- */

static struct hasher *hasher;
static int64_t came;

static bool on_part(void *ctx, struct slice part)
{
	(void)ctx;
	hasher_add(hasher, part.p, part.n);
	came += (int64_t)part.n;
	return true;
}

static void on_content(void *ctx, const struct lane_content *a)
{
	struct probe *p = ctx;
	struct hash h;
	char hex[HASH_HEX];
	hasher_end(hasher, &h);
	hasher_free(hasher);
	jw_kz(&p->w, "trouble", lane_trouble_name(a->trouble));
	jw_kbool(&p->w, "about_item", a->about_item);
	jw_kbool(&p->w, "missing", a->missing);
	jw_kz(&p->w, "detail", a->detail);
	jw_kstr(&p->w, "headers", a->headers);
	jw_ki64(&p->w, "bytes", came);
	jw_kz(&p->w, "sha256", hash_hex(hex, &h));
	end(p);
}

static void do_content(struct probe *p, const struct json *q, struct slice id)
{
	const char *never = lane_content_never(p->lane, SLICE_LIT(""));
	if (never)
		die("%s", never);
	hasher = hasher_new();
	hasher_begin(hasher);
	came = 0;
	lane_content(p->lane, id, json_get_i64(q, "at_most", INT64_C(1) << 40), on_part, on_content, p);
}

static FILE *file;

static void on_uploaded(void *ctx, const struct lane_answer *a, struct slice new_id)
{
	struct probe *p = ctx;
	jw_kz(&p->w, "kind", lane_delete_kind_name(a->kind));
	jw_kz(&p->w, "trouble", lane_trouble_name(a->trouble));
	jw_kz(&p->w, "detail", a->detail);
	jw_kstr(&p->w, "new_id", new_id);
	fclose(file);
	end(p);
}

/* "as": the hash that the caller claims, where it is not that of the bytes */
static void do_upload(struct probe *p, const struct json *q)
{
	struct slice bytes = json_get_str(q, "bytes"), as = json_get_str(q, "as");
	struct hash sha;
	hash_bytes(&sha, bytes.p, bytes.n);
	if (as.n && !hash_parse(&sha, as))
		die("no hash");
	file = tmpfile();
	if (!file || fwrite(bytes.p, 1, bytes.n, file) != bytes.n || fflush(file) != 0)
		die("no file");
	const struct lane_file f = { .name = json_get_str(q, "name"), .headers = json_get_str(q, "headers"), .fd = fileno(file),
		.bytes = json_get_i64(q, "long", (int64_t)bytes.n), .sha256 = &sha };
	const char *never = lane_upload_never(p->lane, json_get_str(q, "purpose"));
	if (!never) {
		lane_upload(p->lane, &f, on_uploaded, p);
		return;
	}
	jw_kz(&p->w, "never", never);
	fclose(file);
	end(p);
}

static int64_t cpu_us(void)
{
	struct rusage r;
	getrusage(RUSAGE_SELF, &r);
	return (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * INT64_C(1000000) + r.ru_utime.tv_usec + r.ru_stime.tv_usec;
}

static void start(struct probe *p, const struct json *q)
{
	struct slice op = json_get_str(q, "op"), id = json_get_str(q, "id");
	if (slice_is(op, "list"))
		do_list(p, q);
	else if (slice_is(op, "deletes"))
		do_deletes(p, q);
	else if (slice_is(op, "probe"))
		lane_probe(p->lane, id, probed, p);
	else if (slice_is(op, "undo"))
		lane_undo(p->lane, id, json_get_i64(q, "since_us", 0), undone, p);
	else if (slice_is(op, "content"))
		do_content(p, q, id);
	else if (slice_is(op, "upload"))
		do_upload(p, q);
	else
		die("no such op");
}

static void one_line(struct probe *p, char *line)
{
	struct json_doc *doc;
	struct err e;
	int64_t began = now_read().boot_us, cpu = cpu_us(), sent = lane_requests_sent(p->lane);
	if (json_parse(&doc, slice_of(line), &(struct json_limits){ .max_bytes = 64 << 20, .max_values = 16000000 }, &e) != RC_OK)
		die("%s", e.text);
	const struct json *q = json_root(doc);
	p->over = false;
	memset(p->kinds, 0, sizeof p->kinds);
	jw_init(&p->w, &p->out);
	jw_obj(&p->w);
	start(p, q);
	while (!p->over)
		loop_run(p->loop);
	if (slice_is(json_get_str(q, "op"), "deletes")) {
		jw_end_arr(&p->w);
		for (int k = 0; k <= LANE_NOT_SENT; k++)
			jw_ki64(&p->w, lane_delete_kind_name((enum lane_delete_kind)k), p->kinds[k]);
	}
	if (slice_is(json_get_str(q, "op"), "list")) {
		jw_ki64(&p->w, "items", p->items);
		jw_ki64(&p->w, "bytes", p->bytes);
		jw_ki64(&p->w, "pages", p->pages);
	}
	jw_ki64(&p->w, "took_us", now_read().boot_us - began);
	jw_ki64(&p->w, "cpu_us", cpu_us() - cpu);
	jw_ki64(&p->w, "requests", lane_requests_sent(p->lane) - sent);
	jw_end_obj(&p->w);
	puts(buf_z(&p->out));
	fflush(stdout);
	buf_clear(&p->out);
	json_doc_free(doc);
}

int main(int argc, char **argv)
{
	struct probe p = { .loop = loop_new() };
	struct config *cfg;
	struct secret *key = NULL;
	struct err e;
	char *line = NULL;
	size_t cap = 0;
	if (argc < 3 || config_load(&cfg, argv[1], &e) != RC_OK)
		die("%s", argc < 3 ? "laneprobe CONFIG NAME [reads]" : e.text);
	const struct cfg_lane *c = config_lane(cfg, slice_of(argv[2]));
	if (!c || (c->key_file && secret_load(&key, c->key_file, "the key", &e) != RC_OK) || lane_new(&p.lane, p.loop, c, key, &e) != RC_OK)
		die("%s", c ? e.text : "no such lane");
	lane_permit(p.lane, argc > 3 ? HTTP_READS : HTTP_ALL);
	while (getline(&line, &cap, stdin) > 0)
		one_line(&p, line);
	lane_free(p.lane);
	secret_free(key);
	config_free(cfg);
	loop_free(p.loop);
	buf_done(&p.out);
	free(line);
	return 0;
}
