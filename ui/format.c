#include "ui/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *unknown(char dst[FORMAT_TEXT])
{
	dst[0] = '?';
	dst[1] = '\0';
	return dst;
}

const char *format_count(char dst[FORMAT_TEXT], int64_t n)
{
	char digits[24];
	if (n < 0)
		return unknown(dst);
	int len = snprintf(digits, sizeof(digits), "%" PRId64, n), at = 0;
	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			dst[at++] = ',';
		dst[at++] = digits[i];
	}
	dst[at] = '\0';
	return dst;
}

const char *format_bytes(char dst[FORMAT_TEXT], int64_t bytes)
{
	static const char *const unit[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	if (bytes < 0)
		return unknown(dst);
	if (bytes < 1000) {
		snprintf(dst, FORMAT_TEXT, "%" PRId64 " B", bytes);
		return dst;
	}
	int64_t scale = 1;
	size_t u = 0;
	/* 999.95 kB would print as 1000.0 kB */
	while (u < 6 && bytes / scale + (bytes % scale * 20 >= scale * 19) >= 1000) {
		scale *= 1000;
		u++;
	}
	int64_t tenths = bytes / scale * 10 + (bytes % scale * 10 + scale / 2) / scale;
	snprintf(dst, FORMAT_TEXT, "%" PRId64 ".%" PRId64 " %s", tenths / 10, tenths % 10, unit[u]);
	return dst;
}

const char *format_share(char dst[FORMAT_TEXT], int64_t bp)
{
	if (bp < 0)
		return unknown(dst);
	snprintf(dst, FORMAT_TEXT, "%" PRId64 ".%" PRId64 " %%", bp / 100, bp % 100 / 10);
	return dst;
}

int64_t share_bp(int64_t part, int64_t whole)
{
	if (part < 0 || whole <= 0)
		return -1;
	return (int64_t)((__int128)part * 10000 / whole);
}

const char *format_percent(char dst[FORMAT_TEXT], int64_t part, int64_t whole)
{
	int64_t bp = share_bp(part, whole);
	if (bp < 0)
		return unknown(dst);
	snprintf(dst, FORMAT_TEXT, "%" PRId64 " %%", bp / 100);
	return dst;
}

const char *format_age(char dst[FORMAT_TEXT], int64_t now_us, int64_t then_us)
{
	if (now_us < 0 || then_us < 0)
		return unknown(dst);
	/* whole seconds: nobody reads more, and the screen changes once a second at most */
	int64_t us = now_us > then_us ? now_us - then_us : 0;
	if (us < 60000000)
		snprintf(dst, FORMAT_TEXT, "%" PRId64 "s", us / 1000000);
	else
		time_age(dst, us / 1000000 * 1000000);
	return dst;
}

int64_t format_age_step(int64_t now_us, int64_t then_us)
{
	enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };
	if (now_us < 0 || then_us < 0)
		return -1;
	int64_t s = now_us > then_us ? (now_us - then_us) / 1000000 : 0;
	return s - s % (s < HOUR ? 1 : s < DAY ? MINUTE : s < 10 * DAY ? HOUR : DAY);
}

const char *format_until(char dst[FORMAT_TEXT], int64_t now_us, int64_t then_us)
{
	if (now_us < 0 || then_us < 0)
		return unknown(dst);
	return format_age(dst, then_us > now_us ? then_us : now_us, now_us);
}

const char *format_clock(char dst[FORMAT_TEXT], int64_t wall_us)
{
	return wall_us < 0 ? unknown(dst) : time_hms(dst, wall_us);
}

const char *format_us(char dst[FORMAT_TEXT], int64_t us)
{
	if (us < 0)
		return unknown(dst);
	if (us >= 10000)
		return time_age(dst, us);
	snprintf(dst, FORMAT_TEXT, "%" PRId64 ".%" PRId64 "ms", us / 1000, us % 1000 / 100);
	return dst;
}
