#include <stdio.h>
#include <string.h>

#include "config/finish.h"

static void bad(struct filling *f, const char *list, size_t i, const char *key, const char *text)
{
	char path[120];
	snprintf(path, sizeof(path), "%s[%zu].%s", list, i, key);
	fill_bad(f, path, "%s", text);
}

static bool written(const struct filling *f, size_t i, const char *key)
{
	char path[120];
	snprintf(path, sizeof(path), "objects[%zu].%s", i, key);
	return tree_has(f->t, path);
}

void checks_objects(struct filling *f, size_t i)
{
	const struct cfg_objects *o = &f->c->objects[i];
	const struct cfg_lane *l = o->lane >= 0 ? &f->c->lanes[o->lane] : NULL;
	bool s3 = o->type == CFG_OBJECTS_S3;
	if (!s3 && !written(f, i, "path"))
		bad(f, "objects", i, "path", "is missing; name the directory that holds them");
	if (s3 && !written(f, i, "lane"))
		bad(f, "objects", i, "lane", "is missing; name the lane whose bucket holds them");
	if (s3 && written(f, i, "path"))
		bad(f, "objects", i, "path", "is for type directory; remove it");
	if (!s3 && written(f, i, "lane"))
		bad(f, "objects", i, "lane", "is for type s3; remove it");
	if (l && l->dialect && (strcmp(l->dialect, "s3") != 0 || l->versions != CFG_VERSIONS_CURRENT))
		bad(f, "objects", i, "lane", "is no lane of dialect s3 with `versions: current`, whose items are objects");
}

void checks_object_column(struct filling *f, size_t i)
{
	const struct cfg_records *r = &f->c->records[i];
	if (r->objects >= 0 && !r->columns.object.name)
		bad(f, "records", i, "objects", "needs columns.object, which is none: no row would name an object");
}
