/* A bucket of copies is a place of its own: what deletes there, or lists there, would take copies for items. */
#include <stdio.h>
#include <string.h>

#include "config/finish.h"

static bool overlap(const struct cfg_lane *a, const struct cfg_lane *b)
{
	size_t n = strlen(a->prefix) < strlen(b->prefix) ? strlen(a->prefix) : strlen(b->prefix);
	return a->bucket && b->bucket && a->url && b->url && strcmp(a->url, b->url) == 0 && strcmp(a->bucket, b->bucket) == 0 &&
		strncmp(a->prefix, b->prefix, n) == 0;
}

static const char *policy_over(const struct config *c, int lane)
{
	for (size_t i = 0; i < c->n_policies; i++)
		for (size_t k = 0; k < c->policies[i].n_lanes; k++)
			if (c->policies[i].lanes[k] == lane)
				return c->policies[i].name;
	return NULL;
}

void checks_escrow(struct filling *f)
{
	const struct config *c = f->c;
	const struct cfg_lane *l = c->escrow.lane >= 0 ? &c->lanes[c->escrow.lane] : NULL;
	if (!l || !l->dialect)
		return;
	if (strcmp(l->dialect, "s3") != 0 || l->versions != CFG_VERSIONS_CURRENT) {
		fill_bad(f, "escrow.lane", "is no lane of dialect s3 with `versions: current`: copies go into a bucket");
		return;
	}
	if (policy_over(c, c->escrow.lane))
		fill_bad(f, "escrow.lane", "is a lane that policy %s may delete from; copies need a lane of their own, with a prefix or bucket of its own",
			 policy_over(c, c->escrow.lane));
	for (size_t i = 0; i < c->n_objects; i++)
		if (c->objects[i].lane == c->escrow.lane)
			fill_bad(f, "escrow.lane", "is the lane of objects %s; copies need a lane of their own", c->objects[i].name);
	for (size_t i = 0; i < c->n_lanes; i++)
		if (&c->lanes[i] != l && c->lanes[i].dialect && strcmp(c->lanes[i].dialect, "s3") == 0 && overlap(l, &c->lanes[i]))
			fill_bad(f, "escrow.lane", "has the bucket and prefix of lane %s, which would list copies as its objects; give one of them another prefix",
				 c->lanes[i].name);
}
