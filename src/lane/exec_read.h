/* The lines that a wrapped script and the engine exchange (sluice-exec(7)), as data. Pure. */
#ifndef SLUICE_LANE_EXEC_READ_H
#define SLUICE_LANE_EXEC_READ_H

#include "lane/dialect.h"

enum { EXEC_VERSION = 1 };

/* One line of a script. The document owns what everything else points into. */
struct exec_said {
	struct json_doc *doc;
	const struct json *root;
	int64_t id;
	enum exec_answer { EXEC_YES, EXEC_NO, EXEC_UNKNOWN } answer;
	struct slice why;               /* "" none */
	int64_t wait_ms;                /* -1 none */
	struct slice message;
};

/* RC_FORMAT with a sentence for a line that is no answer at all. *out needs exec_said_done in both cases. */
enum rc exec_read_line(struct exec_said *out, struct slice line, struct err *e) MUST_USE;
void exec_said_done(struct exec_said *s);

/* RC_FORMAT with a sentence when the script does not speak this version. */
enum rc exec_read_hello(const struct exec_said *s, bool *can_probe, struct err *e) MUST_USE;
void exec_read_delete(const struct exec_said *s, struct slice asked_id, struct lane_answer *out);
void exec_read_probe(const struct exec_said *s, struct slice asked_id, struct lane_probe *out);
/* *items is the caller's (free). */
void exec_read_page(const struct exec_said *s, struct lane_page *out, struct lane_item **items);

/* The same. Who refers, to what. */
void exec_read_refs(const struct exec_said *s, struct lane_refs *out, struct lane_ref **refs);

#endif
