/* Keys of `features:`, values of a link that a few of its connections try first. */
#include "config/fields.h"

#define AT(T, m) .at = offsetof(struct T, m), .size = sizeof(((struct T *)0)->m)

enum { MS = 1, SECOND = 1000 * MS, HOUR = 3600 * SECOND };

static const struct field features_fields[] = {
	{ .key = "ping_interval", .type = FIELD_DURATION, AT(cfg_features, ping_interval_ms), .min = SECOND, .max = HOUR,
	  .doc = "Feature keepalive: time between our pings, on the canary first. Absent: as the link's own." },
	{ .key = "pong_timeout", .type = FIELD_DURATION, AT(cfg_features, pong_timeout_ms), .min = 100 * MS, .max = HOUR,
	  .doc = "Feature keepalive: a ping without a pong for this long ends the connection, on the canary first. Absent: as the link's own." },
	{ .key = "dedup_window", .type = FIELD_INT, AT(cfg_features, dedup_window), .min = 1, .max = 1000000,
	  .doc = "Feature dedup: marks of messages that are remembered. On the canary first: what it would have taken twice is caught by the larger of both values, and counted. Absent: as events.window. It cannot be switched off: without it no effect is had once." },
	{ .key = "dedup_age", .type = FIELD_DURATION, AT(cfg_features, dedup_age_ms), .min = SECOND, .max = INT64_C(30) * 24 * HOUR,
	  .doc = "Feature dedup: a mark is remembered for so long, on the canary first. Absent: as events.window_age." },
	{ .key = "queue_items", .type = FIELD_INT, AT(cfg_features, queue_items), .min = 1, .max = 10000,
	  .doc = "Feature queue: events that may wait. The canary's share of the events has a queue of that size of its own. Absent: as notify.items." },
	{ .key = "queue_bytes", .type = FIELD_BYTES, AT(cfg_features, queue_bytes), .min = 1000, .max = 64000000,
	  .doc = "Feature queue: bytes that may wait, as queue_items. Absent: as notify.bytes." },
	{ .key = "connections", .type = FIELD_INT, AT(cfg_features, connections), .min = 2, .max = 1000,
	  .doc = "Feature pool: connections that are kept, more than the link's own. The canary is a share of those that are added. Fewer cannot be tried: what is taken away does nothing that could be compared; write the smaller number as the link's own. Absent: as the link's own." },
	{ .key = "share", .type = FIELD_SHARE, AT(cfg_features, share_bp), .def = "25%", .min = 1, .max = 5000,
	  .doc = "Share of the connections that are the canary: at least one, and never all; of the feature pool the share of the added ones." },
	{ .key = "margin", .type = FIELD_SHARE, AT(cfg_features, margin_bp), .def = "20%", .min = 1, .max = 10000,
	  .doc = "A canary that is worse than the other connections by more than this (drops, errors, repeats, round trips) is rolled back by the engine." },
	{ .key = "sample", .type = FIELD_INT, AT(cfg_features, sample), .def = "20", .min = 1, .max = 64,
	  .doc = "Round trips, or messages, of either group before they are compared. Three drops are enough by themselves." },
	{ .key = NULL }
};
const struct section section_features = { "features", sizeof(struct cfg_features), features_fields, NULL };
