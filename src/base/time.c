#include "base/time.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

static const int64_t US = 1000000, DAY_US = 86400 * (int64_t)1000000;

static int64_t clock_us(clockid_t id)
{
	struct timespec t;
	if (clock_gettime(id, &t) != 0)
		die("clock %d cannot be read", (int)id);
	return (int64_t)t.tv_sec * US + t.tv_nsec / 1000;
}

struct now now_read(void)
{
	return (struct now){ clock_us(CLOCK_REALTIME), clock_us(CLOCK_BOOTTIME) };
}

static char boot[37];

static void boot_read(void)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	char text[36];
	if (read(fd, text, sizeof(text)) == (ssize_t)sizeof(text))
		memcpy(boot, text, sizeof(text));
	close(fd);
}

const char *boot_id(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, boot_read);
	return boot;
}

/* ---- calendar ---- */

struct civil {
	int64_t year;
	int month, day, hour, minute, second, us;
};

/* Days since 1970-01-01 of the proleptic Gregorian calendar (years counted from March). */
static int64_t days_of(int64_t y, int m, int d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static struct civil civil_of(int64_t wall_us)
{
	int64_t days = wall_us / DAY_US, rest = wall_us % DAY_US;
	if (rest < 0) {
		rest += DAY_US;
		days--;
	}
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	int month = (int)(mp < 10 ? mp + 3 : mp - 9);
	int64_t s = rest / US;
	return (struct civil){
		.year = yoe + era * 400 + (month <= 2),
		.month = month,
		.day = (int)(doy - (153 * mp + 2) / 5 + 1),
		.hour = (int)(s / 3600),
		.minute = (int)(s / 60 % 60),
		.second = (int)(s % 60),
		.us = (int)(rest % US),
	};
}

static int month_days(int64_t y, int m)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
	return days[m - 1] + (m == 2 && leap);
}

/* Second 60 is a leap second and counts as the next second. */
static bool civil_us(const struct civil *c, int64_t *out)
{
	if (c->month < 1 || c->month > 12 || c->day < 1 || c->day > month_days(c->year, c->month))
		return false;
	if (c->hour > 23 || c->minute > 59 || c->second > 60)
		return false;
	int64_t s = days_of(c->year, c->month, c->day) * 86400 + c->hour * 3600 + c->minute * 60 + c->second;
	*out = s * US + c->us;
	return true;
}

/* ---- printing ---- */

const char *time_rfc3339(char dst[TIME_TEXT], int64_t wall_us, bool with_us)
{
	struct civil c = civil_of(wall_us);
	if (c.year < 0 || c.year > 9999) {
		snprintf(dst, TIME_TEXT, "year out of range");
		return dst;
	}
	int n = snprintf(dst, TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d", (int)c.year, c.month, c.day, c.hour, c.minute, c.second);
	size_t at = (size_t)n, left = TIME_TEXT - at;
	if (with_us)
		snprintf(dst + at, left, ".%06dZ", c.us);
	else
		snprintf(dst + at, left, "Z");
	return dst;
}

const char *time_hms(char dst[TIME_TEXT], int64_t wall_us)
{
	struct civil c = civil_of(wall_us);
	snprintf(dst, TIME_TEXT, "%02d:%02d:%02d", c.hour, c.minute, c.second);
	return dst;
}

const char *time_age(char dst[TIME_TEXT], int64_t us)
{
	const char *sign = us < 0 ? "-" : "";
	uint64_t u = us < 0 ? -(uint64_t)us : (uint64_t)us, ms = u / 1000, s = u / 1000000;
	unsigned long big, small;
	char a, b;
	if (s < 1) {
		snprintf(dst, TIME_TEXT, "%s%lums", sign, (unsigned long)ms);
		return dst;
	}
	if (s < 60) {
		snprintf(dst, TIME_TEXT, "%s%lu.%lus", sign, (unsigned long)s, (unsigned long)(ms / 100 % 10));
		return dst;
	}
	if (s < 3600)
		big = s / 60, small = s % 60, a = 'm', b = 's';
	else if (s < 86400)
		big = s / 3600, small = s / 60 % 60, a = 'h', b = 'm';
	else
		big = s / 86400, small = s / 3600 % 24, a = 'd', b = 'h';
	if (small == 0 || (a == 'd' && big >= 10))
		snprintf(dst, TIME_TEXT, "%s%lu%c", sign, big, a);
	else
		snprintf(dst, TIME_TEXT, "%s%lu%c%lu%c", sign, big, a, small, b);
	return dst;
}

/* ---- reading ---- */

struct scan {
	struct slice s;
	size_t i;
};

static bool at_char(const struct scan *c, const char *set)
{
	return c->i < c->s.n && c->s.p[c->i] && strchr(set, c->s.p[c->i]);
}

static bool take_char(struct scan *c, const char *set)
{
	bool is = at_char(c, set);
	c->i += is;
	return is;
}

static bool take_num(struct scan *c, int digits, int *out)
{
	int v = 0;
	for (int k = 0; k < digits; k++, c->i++) {
		if (!at_char(c, "0123456789"))
			return false;
		v = v * 10 + (c->s.p[c->i] - '0');
	}
	*out = v;
	return true;
}

static bool take_word(struct scan *c, const char *z)
{
	struct slice rest = { c->s.p + c->i, c->s.n - c->i };
	if (!slice_starts(rest, z))
		return false;
	c->i += strlen(z);
	return true;
}

static bool take_date(struct scan *c, struct civil *t)
{
	int year;
	if (!take_num(c, 4, &year) || !take_char(c, "-") || !take_num(c, 2, &t->month) || !take_char(c, "-"))
		return false;
	t->year = year;
	return take_num(c, 2, &t->day);
}

static bool take_hms(struct scan *c, struct civil *t)
{
	return take_num(c, 2, &t->hour) && take_char(c, ":") && take_num(c, 2, &t->minute) && take_char(c, ":") &&
	       take_num(c, 2, &t->second);
}

/* ".123…": digits beyond microseconds are read and dropped. Nothing there is fine. */
static bool take_fraction(struct scan *c, struct civil *t)
{
	if (!take_char(c, "."))
		return true;
	int n = 0, us = 0;
	for (; at_char(c, "0123456789"); c->i++, n++)
		if (n < 6)
			us = us * 10 + (c->s.p[c->i] - '0');
	for (int k = n; k < 6; k++)
		us *= 10;
	t->us = us;
	return n > 0;
}

bool time_parse_rfc3339(struct slice s, int64_t *wall_us)
{
	struct scan c = { s, 0 };
	struct civil t = { 0 };
	int64_t at;
	if (!take_date(&c, &t) || !take_char(&c, "Tt") || !take_hms(&c, &t) || !take_fraction(&c, &t) || !civil_us(&t, &at))
		return false;
	if (!take_char(&c, "Zz")) {
		int sign = at_char(&c, "-") ? -1 : 1, h, m;
		if (!take_char(&c, "+-") || !take_num(&c, 2, &h) || !take_char(&c, ":") || !take_num(&c, 2, &m) || h > 23 || m > 59)
			return false;
		at -= sign * (h * 60 + m) * 60 * US;
	}
	*wall_us = at;
	return c.i == s.n;
}

/* "+01", "+0130", "+01:30", "+01:30:15" as PostgreSQL writes offsets; seconds east of UTC. */
static bool take_sql_zone(struct scan *c, int64_t *east)
{
	*east = 0;
	if (c->i == c->s.n || take_char(c, "Zz"))
		return true;
	int sign = at_char(c, "-") ? -1 : 1, h, m = 0, s = 0;
	if (!take_char(c, "+-") || !take_num(c, 2, &h))
		return false;
	if (c->i < c->s.n) {
		take_char(c, ":");
		if (!take_num(c, 2, &m) || (take_char(c, ":") && !take_num(c, 2, &s)))
			return false;
	}
	*east = sign * (h * 3600 + m * 60 + s);
	return h <= 23 && m <= 59 && s <= 59;
}

bool time_parse_sql(struct slice s, int64_t *wall_us)
{
	struct scan c = { s, 0 };
	struct civil t = { 0 };
	int64_t at, east;
	if (!take_date(&c, &t))
		return false;
	if (c.i < s.n) {
		if (!take_char(&c, " T") || !take_num(&c, 2, &t.hour) || !take_char(&c, ":") || !take_num(&c, 2, &t.minute))
			return false;
		if (take_char(&c, ":") && (!take_num(&c, 2, &t.second) || !take_fraction(&c, &t)))
			return false;
		take_char(&c, " ");
	}
	if (!take_sql_zone(&c, &east) || c.i != s.n || !civil_us(&t, &at))
		return false;
	*wall_us = at - east * US;
	return true;
}

static const char *const weekdays[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };

static bool take_month(struct scan *c, int *month)
{
	static const char *const names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	for (int m = 0; m < 12; m++)
		if (take_word(c, names[m])) {
			*month = m + 1;
			return true;
		}
	return false;
}

/* A weekday, long or short; which day it was is not checked (nobody may act on a wrong one). */
static bool take_weekday(struct scan *c, bool *full)
{
	for (size_t d = 0; d < ARRAY_LEN(weekdays); d++) {
		char brief[4];
		*full = true;
		if (take_word(c, weekdays[d]))
			return true;
		memcpy(brief, weekdays[d], 3);
		brief[3] = '\0';
		*full = false;
		if (take_word(c, brief))
			return true;
	}
	return false;
}

/* "06 Nov 1994 08:49:37 GMT" and, after a full weekday, "06-Nov-94 08:49:37 GMT" (1970–2069). */
static bool take_http_comma(struct scan *c, bool full, struct civil *t)
{
	const char *sep = full ? "-" : " ";
	int year;
	if (!take_char(c, " ") || !take_num(c, 2, &t->day) || !take_char(c, sep) || !take_month(c, &t->month) ||
	    !take_char(c, sep) || !take_num(c, full ? 2 : 4, &year))
		return false;
	t->year = !full ? year : year < 70 ? 2000 + year : 1900 + year;
	return take_char(c, " ") && take_hms(c, t) && take_word(c, " GMT");
}

/* "Nov  6 08:49:37 1994" */
static bool take_asctime(struct scan *c, struct civil *t)
{
	int year;
	if (!take_char(c, " ") || !take_month(c, &t->month) || !take_char(c, " "))
		return false;
	if (!take_num(c, take_char(c, " ") ? 1 : 2, &t->day))
		return false;
	if (!take_char(c, " ") || !take_hms(c, t) || !take_char(c, " ") || !take_num(c, 4, &year))
		return false;
	t->year = year;
	return true;
}

bool time_parse_http(struct slice s, int64_t *wall_us)
{
	struct scan c = { s, 0 };
	struct civil t = { 0 };
	bool full;
	if (!take_weekday(&c, &full))
		return false;
	bool ok = take_char(&c, ",") ? take_http_comma(&c, full, &t) : !full && take_asctime(&c, &t);
	return ok && c.i == s.n && civil_us(&t, wall_us);
}
