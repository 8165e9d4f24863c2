/* Time. Pure code takes `struct now` as an argument; only the shell calls now_read().
 * Wall time is UTC microseconds since 1970; boot time is CLOCK_BOOTTIME microseconds. */
#ifndef SLUICE_BASE_TIME_H
#define SLUICE_BASE_TIME_H

#include "base/str.h"

struct now {
	int64_t wall_us;
	int64_t boot_us;
};

struct now now_read(void);
/* The kernel's boot id, 36 characters; "" when it cannot be read. */
const char *boot_id(void);

enum { TIME_TEXT = 32 };
/* 2026-11-22T14:03:22Z; with_us adds .000123 */
const char *time_rfc3339(char dst[TIME_TEXT], int64_t wall_us, bool with_us);
const char *time_hms(char dst[TIME_TEXT], int64_t wall_us);           /* 14:03:22 */
bool time_parse_rfc3339(struct slice s, int64_t *wall_us);
/* The three HTTP-date forms (RFC 9110 5.6.7). */
bool time_parse_http(struct slice s, int64_t *wall_us);
/* "2026-11-22 14:03:22", with fraction and offset as PostgreSQL and SQLite write them; no zone = UTC. */
bool time_parse_sql(struct slice s, int64_t *wall_us);
/* "212d" "3h" "4m12s" "7.2s" "40ms": two units at most, for people. */
const char *time_age(char dst[TIME_TEXT], int64_t us);

#endif
