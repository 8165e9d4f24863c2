/* What the YAML text holds and on which line: one pass over libyaml's events. libcyaml, which fills
 * the structs, keeps no lines. Refuses what a configuration has no use for: aliases, anchors, tags,
 * further documents, deep nesting. Errors go to the report; reading stops at the first syntax error.
 * Any thread. */
#ifndef SLUICE_CONFIG_TREE_H
#define SLUICE_CONFIG_TREE_H

#include "base/mem.h"
#include "base/str.h"
#include "config/report.h"

enum node_kind { NODE_SCALAR, NODE_MAP, NODE_LIST };

struct node {
	const char *path;              /* "lanes[0].rate"; "" for the document */
	const char *key;               /* last part, NULL in lists */
	enum node_kind kind;
	struct slice text;             /* scalars */
	bool plain;                    /* not quoted, no block */
	int line;                      /* of the key where there is one */
	struct node *parent, *first, *last, *next;
	size_t n;                      /* children */
};

struct tree {
	struct node *root;             /* NULL when nothing could be read */
};

enum { TREE_MAX_DEPTH = 12, TREE_MAX_NODES = 50000 };

/* Nodes and texts live in the arena. False when the text is not one well-formed document. */
bool tree_read(struct tree *t, struct slice text, struct arena *a, struct config_report *r);
/* Line of a path, or of the nearest part of it that was written; 1 at least. */
int tree_line(const struct tree *t, const char *path);
bool tree_has(const struct tree *t, const char *path);
const struct node *tree_child(const struct node *n, const char *key);

#endif
