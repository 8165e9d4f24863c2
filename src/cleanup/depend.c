#include "cleanup/depend.h"

#include "base/mem.h"

#include <stdlib.h>

/* Edges of a node stand side by side: edge[first[i]] … edge[first[i + 1] - 1] go out of i. */
struct graph {
	struct depend_node *node;
	int32_t n;
	struct depend_edge *edge;
	size_t *first;
};

static int by_ends(const void *a, const void *b)
{
	const struct depend_edge *x = a, *y = b;
	return x->from != y->from ? (x->from > y->from) - (x->from < y->from) : (x->to > y->to) - (x->to < y->to);
}

static void index_edges(struct graph *g, size_t edges)
{
	size_t at = 0;
	if (edges)
		qsort(g->edge, edges, sizeof *g->edge, by_ends);
	while (at < edges && g->edge[at].from < 0)
		at++;
	for (int32_t i = 0; i <= g->n; i++) {
		g->first[i] = at;
		while (at < edges && g->edge[at].from == i)
			at++;
	}
}

static bool inside(const struct graph *g, int32_t i) { return i >= 0 && i < g->n; }

/* ---- circles: Tarjan's strongly connected components, without recursion ---- */

struct search {
	struct graph *g;
	int32_t *seen, *low;            /* 0 = not seen yet */
	bool *open;
	int32_t *stack, *path;
	size_t *next;                   /* edge at which the node goes on */
	int32_t stacked, depth, clock;
};

static void enter(struct search *s, int32_t i)
{
	s->seen[i] = s->low[i] = ++s->clock;
	s->stack[s->stacked++] = s->path[s->depth++] = i;
	s->open[i] = true;
	s->next[i] = s->g->first[i];
}

static int32_t next_inside(const struct graph *g, int32_t i, const int32_t *part, int32_t which)
{
	for (size_t e = g->first[i]; e < g->first[i + 1]; e++)
		if (inside(g, g->edge[e].to) && part[g->edge[e].to] == which)
			return g->edge[e].to;
	return -1;
}

/* i is the first of its component that was seen; the others lie above it. */
static void close_part(struct search *s, int32_t i, int32_t *part)
{
	int32_t from = s->stacked, k;
	do {
		k = s->stack[--from];
		s->open[k] = false;
		part[k] = i;
	} while (k != i);
	for (int32_t at = from; at < s->stacked; at++) {
		k = s->stack[at];
		int32_t to = next_inside(s->g, k, part, i);
		if (to < 0 || s->g->node[k].fate != DEPEND_GOES)
			continue;       /* alone, or it stays anyway */
		s->g->node[k].fate = DEPEND_CIRCLE;
		s->g->node[k].by = to;
	}
	s->stacked = from;
}

static void walk(struct search *s, int32_t root, int32_t *part)
{
	enter(s, root);
	while (s->depth) {
		int32_t i = s->path[s->depth - 1];
		if (s->next[i] < s->g->first[i + 1]) {
			int32_t to = s->g->edge[s->next[i]++].to;
			if (inside(s->g, to) && !s->seen[to])
				enter(s, to);
			else if (inside(s->g, to) && s->open[to])
				s->low[i] = MIN(s->low[i], s->seen[to]);
			continue;
		}
		s->depth--;
		if (s->depth)
			s->low[s->path[s->depth - 1]] = MIN(s->low[s->path[s->depth - 1]], s->low[i]);
		if (s->low[i] == s->seen[i])
			close_part(s, i, part);
	}
}

static void find_circles(struct graph *g)
{
	size_t n = (size_t)g->n + 1;
	struct search s = { .g = g, .seen = xcalloc(n, sizeof(int32_t)), .low = xcalloc(n, sizeof(int32_t)), .open = xcalloc(n, sizeof(bool)),
		.stack = xcalloc(n, sizeof(int32_t)), .path = xcalloc(n, sizeof(int32_t)), .next = xcalloc(n, sizeof(size_t)) };
	int32_t *part = xcalloc(n, sizeof *part);
	for (int32_t i = 0; i < g->n; i++)
		part[i] = -1;
	for (int32_t i = 0; i < g->n; i++)
		if (!s.seen[i])
			walk(&s, i, part);
	free(s.seen), free(s.low), free(s.open), free(s.stack), free(s.path), free(s.next);
	free(part);
}

/* ---- what stays holds what it refers to ---- */

static void hold(struct graph *g, int32_t *queue, int32_t *queued, int32_t to, int32_t by)
{
	if (!inside(g, to) || g->node[to].fate != DEPEND_GOES)
		return;
	g->node[to].fate = DEPEND_HELD;
	g->node[to].by = by;
	queue[(*queued)++] = to;
}

static void spread(struct graph *g, int32_t *queue, int32_t queued)
{
	for (int32_t at = 0; at < queued; at++)
		for (size_t e = g->first[queue[at]]; e < g->first[queue[at] + 1]; e++)
			hold(g, queue, &queued, g->edge[e].to, queue[at]);
}

static void hold_back(struct graph *g, int32_t *queue)
{
	int32_t queued = 0;
	for (int32_t i = 0; i < g->n; i++)
		if (g->node[i].fate != DEPEND_GOES)
			queue[queued++] = i;
	for (size_t e = 0; e < g->first[0]; e++)
		hold(g, queue, &queued, g->edge[e].to, -1);
	spread(g, queue, queued);
}

/* ---- levels of the rest, which has no circle ---- */

static void count_in(const struct graph *g, int32_t *in)
{
	for (int32_t i = 0; i < g->n; i++)
		for (size_t e = g->first[i]; g->node[i].fate == DEPEND_GOES && e < g->first[i + 1]; e++)
			if (inside(g, g->edge[e].to))
				in[g->edge[e].to]++;
}

static void set_levels(struct graph *g, int32_t *queue, int32_t *in)
{
	int32_t queued = 0;
	count_in(g, in);
	for (int32_t i = 0; i < g->n; i++)
		if (g->node[i].fate == DEPEND_GOES && !in[i])
			queue[queued++] = i;
	for (int32_t at = 0; at < queued; at++) {
		int32_t i = queue[at];
		if (g->node[i].level >= DEPEND_LEVELS)
			g->node[i].fate = DEPEND_DEEP;
		for (size_t e = g->first[i]; e < g->first[i + 1]; e++) {
			int32_t to = g->edge[e].to;
			if (!inside(g, to) || g->node[to].fate != DEPEND_GOES)
				continue;
			if (g->node[to].level <= g->node[i].level) {
				g->node[to].level = g->node[i].level + 1;
				g->node[to].by = i;
			}
			if (!--in[to])
				queue[queued++] = to;
		}
	}
}

void depend_resolve(struct depend_node *node, int32_t n, struct depend_edge *edge, size_t edges)
{
	struct graph g = { node, n, edge, xcalloc((size_t)n + 1, sizeof(size_t)) };
	int32_t *queue = xcalloc((size_t)n + 1, sizeof *queue), *in = xcalloc((size_t)n + 1, sizeof *in);
	for (int32_t i = 0; i < n; i++) {
		node[i].level = 0;
		node[i].by = -1;
	}
	index_edges(&g, edges);
	find_circles(&g);
	hold_back(&g, queue);
	set_levels(&g, queue, in);
	free(queue);
	free(in);
	free(g.first);
}
