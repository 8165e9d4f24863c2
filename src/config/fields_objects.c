/* Keys of `objects:`, the application's own copies of the bytes. */
#include "config/fields.h"

#include "base/mem.h"

#define AT(T, m) .at = offsetof(struct T, m), .size = sizeof(((struct T *)0)->m)
#define ARR(T, m) AT(T, m), .count_at = offsetof(struct T, n_##m)

static const struct field_word type_words[] = {
	{ .word = "directory", .value = CFG_OBJECTS_DIRECTORY },
	{ .word = "s3", .value = CFG_OBJECTS_S3 },
	{ .word = NULL }
};

static const struct field_word item_key_words[] = {
	{ .word = "id", .value = CFG_ITEM_KEY_ID },
	{ .word = "name", .value = CFG_ITEM_KEY_NAME },
	{ .word = "none", .value = CFG_ITEM_KEY_NONE },
	{ .word = NULL }
};

static void objects_init(void *rec)
{
	((struct cfg_objects *)rec)->lane = -1;
}

static const struct field objects_fields[] = {
	{ .key = "name", .type = FIELD_NAME, .required = true, AT(cfg_objects, name), .doc = "Name of the source." },
	{ .key = "type", .type = FIELD_WORD, AT(cfg_objects, type), .def = "directory", .words = type_words,
	  .doc = "Where the copies are. directory: regular files below one. s3: objects of a bucket that is a lane." },
	{ .key = "path", .type = FIELD_PATH, AT(cfg_objects, path),
	  .doc = "directory: the directory, required. It and all below it are listed whole or not at all; symbolic links are not followed." },
	{ .key = "lane", .type = FIELD_REF, AT(cfg_objects, lane), .ref = "lanes",
	  .doc = "s3: the lane whose bucket it is, of dialect s3, required. It needs no policy; where a plan would delete there too, see hidden_escrow." },
	{ .key = "row_prefix", .type = FIELD_TEXT, AT(cfg_objects, row_prefix), .max = 1000,
	  .doc = "What the rows write before the path below that directory, or before the key: with uploads/ the row's uploads/a/b.pdf is the file a/b.pdf. Absent: nothing." },
	{ .key = "item_key", .type = FIELD_WORD, AT(cfg_objects, item_key), .def = "id", .words = item_key_words,
	  .doc = "What an object is called whose row was lost: the item's id, or its name. An item in no row whose object is there is no orphan. none: "
		 "that cannot be told, and such an item is an orphan." },
	{ .key = "most", .type = FIELD_INT, AT(cfg_objects, most), .def = "10000000", .min = 1, .max = INT64_C(100000000),
	  .doc = "Objects at most; where there are more the source counts as not listed." },
	{ .key = "sentinels", .type = FIELD_TEXTS, ARR(cfg_objects, sentinels), .max = 100,
	  .doc = "Objects, written as the rows do, that every complete list must contain: one in each file system that is mounted below." },
	{ .key = "may_be_empty", .type = FIELD_BOOL, AT(cfg_objects, may_be_empty), .def = "no",
	  .doc = "Declares that a source without an object is no fault; stands in the plan. Otherwise it counts as not mounted." },
	{ .key = NULL }
};
const struct section section_objects = { "objects", sizeof(struct cfg_objects), objects_fields, objects_init };
