/* Keys of `features:`, values of a link that a few of its connections try first. */
#include "config/fields.h"

#define AT(T, m) .at = offsetof(struct T, m), .size = sizeof(((struct T *)0)->m)

enum { MS = 1, SECOND = 1000 * MS, HOUR = 3600 * SECOND };

static const struct field features_fields[] = {
	{ .key = "ping_interval", .type = FIELD_DURATION, AT(cfg_features, ping_interval_ms), .min = SECOND, .max = HOUR,
	  .doc = "Feature keepalive: time between our pings, on the canary first. Absent: as the link's own." },
	{ .key = "pong_timeout", .type = FIELD_DURATION, AT(cfg_features, pong_timeout_ms), .min = 100 * MS, .max = HOUR,
	  .doc = "Feature keepalive: a ping without a pong for this long ends the connection, on the canary first. Absent: as the link's own." },
	{ .key = "share", .type = FIELD_SHARE, AT(cfg_features, share_bp), .def = "25%", .min = 1, .max = 5000,
	  .doc = "Share of the connections that are the canary: at least one, and never all." },
	{ .key = "margin", .type = FIELD_SHARE, AT(cfg_features, margin_bp), .def = "20%", .min = 1, .max = 10000,
	  .doc = "A canary that is worse than the other connections by more than this (drops, errors, repeats, round trips) is rolled back by the engine." },
	{ .key = "sample", .type = FIELD_INT, AT(cfg_features, sample), .def = "20", .min = 1, .max = 64,
	  .doc = "Round trips, or messages, of either group before they are compared. Three drops are enough by themselves." },
	{ .key = NULL }
};
const struct section section_features = { "features", sizeof(struct cfg_features), features_fields, NULL };
