/* Keys of `escrow:`, verified copies of what is going to be deleted. */
#include "config/fields.h"

#define YEARS_100 (36500 * INT64_C(86400000))
#define BYTES_MAX INT64_C(1000000000000000)
#define AT(T, m) .at = offsetof(struct T, m), .size = sizeof(((struct T *)0)->m)

static void escrow_init(void *rec)
{
	((struct cfg_escrow *)rec)->lane = -1;
}

static const struct field escrow_fields[] = {
	{ .key = "dir", .type = FIELD_PATH, AT(cfg_escrow, dir),
	  .doc = "Directory of the copies (mode 0700), made if it is not there. Absent: escrow in the state directory." },
	{ .key = "lane", .type = FIELD_REF, AT(cfg_escrow, lane), .ref = "lanes",
	  .doc = "Copies go into a bucket: a lane of dialect s3 for them alone, which no policy names and whose bucket and prefix no other lane has. Each "
		 "is made and verified in dir, put over nothing, read again, and then taken out of dir. Its quota_bytes and quota_items are its room. "
		 "Absent: copies stay in dir." },
	{ .key = "reserve", .type = FIELD_BYTES, AT(cfg_escrow, reserve), .def = "1GB", .min = 0, .max = BYTES_MAX,
	  .doc = "Room of its file system that copies leave free." },
	{ .key = "at_once", .type = FIELD_INT, AT(cfg_escrow, at_once), .def = "4", .min = 1, .max = 64,
	  .doc = "Copies under way at the same time, over all lanes; each lane's rate holds as well." },
	{ .key = "keep_for", .type = FIELD_DURATION, AT(cfg_escrow, keep_for_ms), .def = "30d", .min = 0, .max = YEARS_100,
	  .doc = "How long copies are kept after they were made; never removed while their cycle is open, out of a bucket only in mode armed. 0: for ever." },
	{ .key = NULL }
};
const struct section section_escrow = { "escrow", sizeof(struct cfg_escrow), escrow_fields, escrow_init };
