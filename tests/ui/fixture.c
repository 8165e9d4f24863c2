#include "tests/ui/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ui/client.h"
#include "ui/screens/screens.h"

static void wire_call(void *ctx, const char *method, struct slice params, ui_answer_fn *fn, void *fn_ctx)
{
	struct fixture *f = ctx;
	const struct json *answer = json_get(json_get(json_root(f->doc), "rpc"), method);
	struct slice error = json_get_str(answer, "error");
	f->calls++;
	f->writes += !client_method_reads(method);
	buf_clear(&f->last);
	buf_adds(&f->last, method);
	buf_clear(&f->last_params);
	buf_add(&f->last_params, params.p ? params.p : "{}", params.p ? params.n : 2);
	if (f->silent) {
		f->kept = fn;
		f->kept_ctx = fn_ctx;
	} else if (error.n > 0) {
		char *text = xstrndup(error.p, error.n);
		fn(&f->ui, fn_ctx, NULL, text);
		free(text);
	} else if (!answer) {
		fn(&f->ui, fn_ctx, NULL, "this fixture has no answer to that");
	} else {
		fn(&f->ui, fn_ctx, answer, NULL);
	}
}

void fixture_read(struct buf *out, const char *path)
{
	char chunk[65536];
	size_t n;
	FILE *file = fopen(path, "r");
	if (!file) {
		fprintf(stderr, "fixture %s: %m\n", path);
		exit(2);
	}
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		buf_add(out, chunk, n);
	fclose(file);
}

void fixture_parse(struct fixture *f, struct slice text, bool ascii)
{
	struct err e;
	struct slice why;
	*f = (struct fixture){ 0 };
	if (json_parse(&f->doc, text, NULL, &e) != RC_OK) {
		fprintf(stderr, "fixture: %s\n", e.text);
		exit(2);
	}
	const struct json *root = json_root(f->doc);
	const struct ui_wire wire = { f, wire_call };
	int64_t now = json_get_i64(root, "now_us", 0);
	ui_init(&f->ui, &wire, json_get_bool(root, "watch", false), ascii);
	f->ui.now = (struct now){ now, 1000000000 };
	model_hello(&f->ui.model, json_get(root, "hello"));
	if (json_get(root, "overview"))
		model_topic(&f->ui.model, SLICE_LIT("overview"), json_get(root, "overview"), json_get_i64(root, "received_us", now));
	why = json_get_str(root, "why");
	char *sentence = xstrndup(why.n ? why.p : "", why.n);
	ui_connection(&f->ui, json_get_bool(root, "connected", true), sentence);
	free(sentence);
	ui_model_changed(&f->ui);
}

void fixture_load(struct fixture *f, const char *path, bool ascii)
{
	struct buf text = { 0 };
	fixture_read(&text, path);
	fixture_parse(f, buf_slice(&text), ascii);
	buf_done(&text);
}

void fixture_done(struct fixture *f)
{
	ui_done(&f->ui);
	json_doc_free(f->doc);
	buf_done(&f->last);
	buf_done(&f->last_params);
}

void fixture_show(struct fixture *f, const char *screen)
{
	for (size_t i = 0; screens[i]; i++)
		if (screens[i]->number > 0 && strcmp(screens[i]->id, screen) == 0)
			ui_show(&f->ui, screens[i]);
	if (strcmp(screen, "approve") == 0)
		ui_page(&f->ui, &page_approve);
}

void fixture_keys(struct fixture *f, const char *names)
{
	while (*names) {
		char name[16];
		size_t n = strcspn(names, " ");
		snprintf(name, sizeof(name), "%.*s", (int)n, names);
		struct key k = { .code = key_parse(name) };
		if (k.code < 0) {
			fprintf(stderr, "no key %s\n", name);
			abort();
		}
		ui_key(&f->ui, &k);
		names += n + strspn(names + n, " ");
	}
}

void fixture_type(struct fixture *f, const char *text)
{
	for (; *text; text++) {
		struct key k = { .code = (unsigned char)*text };
		ui_key(&f->ui, &k);
	}
}

void fixture_paint(struct fixture *f, struct grid *g)
{
	f->ui.flush = false;
	ui_paint(&f->ui, g);
	ui_painted(&f->ui);
}
