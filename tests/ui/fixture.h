/* A console without an engine: a file of snapshots and answers stands in for it. The file is one object
 * {"now_us", "hello", "overview", "rpc": {"method": result | {"error": sentence}}, "connected"?, "why"?,
 * "received_us"?, "watch"?}. Requests are answered at once and counted. */
#ifndef SLUICE_TESTS_UI_FIXTURE_H
#define SLUICE_TESTS_UI_FIXTURE_H

#include "base/json.h"
#include "ui/ui.h"

struct fixture {
	struct json_doc *doc;
	struct ui ui;
	int calls, writes;              /* requests seen; those that are no READ */
	struct buf last, last_params;   /* the last request */
	bool silent;                    /* do not answer */
	ui_answer_fn *kept;             /* the answer that was kept back, and for whom */
	void *kept_ctx;
};

/* Ends the program with a sentence when the file is not readable or not JSON. */
void fixture_load(struct fixture *f, const char *path, bool ascii);
/* The same from text (a changed fixture). */
void fixture_parse(struct fixture *f, struct slice text, bool ascii);
void fixture_done(struct fixture *f);
void fixture_read(struct buf *out, const char *path);
/* Show a screen by its id, or "approve". */
void fixture_show(struct fixture *f, const char *screen);
/* Keys by name or as single characters: fixture_keys(f, "A Tab D E L Enter"). */
void fixture_keys(struct fixture *f, const char *names);
void fixture_type(struct fixture *f, const char *text);
/* Draw into a fresh grid, then tell the ui that the frame is out. */
void fixture_paint(struct fixture *f, struct grid *g);

#endif
