#include <stdio.h>
#include <time.h>
#include "base/clock.h"

#define SEC_PER_DAY   86400ull
#define NS_PER_DAY    (SEC_PER_DAY * NS_PER_SEC)
#define LAST_YEAR     2553 /* the last whole one that 64 bits of nanoseconds hold */
#define NS_DIGITS     9
#define DAYS_PER_400Y 146097u

struct date {
	unsigned year, month, day;
};

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;
	int r = clock_gettime(id, &t);

	assert(r == 0);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

uint64_t clock_utc_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

uint64_t clock_boot_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

/* Days since 1970-01-01. Years begin on the 1st of March here, so that a leap day is the last one. */
static unsigned date_days(struct date d)
{
	unsigned year = d.month > 2 ? d.year : d.year - 1, month = (d.month + 9) % 12;
	unsigned before_1970 = 719468; /* days from 0000-03-01 */

	return year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + d.day - 1 -
	       before_1970;
}

static bool is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned month_days(unsigned year, unsigned month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

static struct date days_date(unsigned days)
{
	struct date d = { 1970 + days / DAYS_PER_400Y * 400, 1, 1 };

	days %= DAYS_PER_400Y;
	for (unsigned n; days >= (n = is_leap(d.year) ? 366 : 365); d.year++)
		days -= n;
	for (unsigned n; days >= (n = month_days(d.year, d.month)); d.month++)
		days -= n;
	d.day += days;
	return d;
}

struct str clock_text(uint64_t utc_ns, char out[static CLOCK_TEXT])
{
	struct date d = days_date((unsigned)(utc_ns / NS_PER_DAY));
	unsigned sec = (unsigned)(utc_ns / NS_PER_SEC % SEC_PER_DAY);
	int n = snprintf(out, CLOCK_TEXT, "%04u-%02u-%02uT%02u:%02u:%02u.%09uZ", d.year, d.month,
			 d.day, sec / 3600, sec / 60 % 60, sec % 60,
			 (unsigned)(utc_ns % NS_PER_SEC));

	return (struct str){ out, (size_t)n };
}

/* ---- reading -------------------------------------------------------------------------------- */

/* Takes exactly `digits` digits off `s`. */
static bool take_number(struct str *s, size_t digits, unsigned *ret)
{
	uint64_t n;

	if (s->n < digits || str_u64(str_head(*s, digits), &n) < 0)
		return false;
	*ret = (unsigned)n;
	*s = str_skip(*s, digits);
	return true;
}

static bool take_char(struct str *s, const char *any)
{
	if (!s->n || !s->p[0] || !strchr(any, s->p[0]))
		return false;
	*s = str_skip(*s, 1);
	return true;
}

static bool take_date(struct str *s, unsigned *ret_days)
{
	struct date d;

	if (!take_number(s, 4, &d.year) || !take_char(s, "-") || !take_number(s, 2, &d.month) ||
	    !take_char(s, "-") || !take_number(s, 2, &d.day))
		return false;
	if (d.year < 1970 || d.year > LAST_YEAR || d.month < 1 || d.month > 12 || d.day < 1 ||
	    d.day > month_days(d.year, d.month))
		return false;
	*ret_days = date_days(d);
	return true;
}

static bool take_time(struct str *s, unsigned *ret_sec)
{
	unsigned h, m, sec;

	if (!take_number(s, 2, &h) || !take_char(s, ":") || !take_number(s, 2, &m) ||
	    !take_char(s, ":") || !take_number(s, 2, &sec))
		return false;
	if (h > 23 || m > 59 || sec > 60)
		return false;
	*ret_sec = h * 3600 + m * 60 + MIN(sec, 59u); /* a leap second has no number of its own */
	return true;
}

static bool take_fraction(struct str *s, unsigned *ret_ns)
{
	size_t n = 0;
	unsigned digit;

	*ret_ns = 0;
	if (!take_char(s, "."))
		return true;
	for (; take_number(s, 1, &digit); n++) {
		if (n == NS_DIGITS)
			return false;
		*ret_ns = *ret_ns * 10 + digit;
	}
	for (size_t i = n; i < NS_DIGITS; i++)
		*ret_ns *= 10;
	return n > 0;
}

static bool take_offset(struct str *s, int64_t *ret_sec)
{
	bool west = s->n && s->p[0] == '-';
	unsigned h, m;

	*ret_sec = 0;
	if (take_char(s, "Zz"))
		return true;
	if (!take_char(s, "+-") || !take_number(s, 2, &h) || !take_char(s, ":") ||
	    !take_number(s, 2, &m) || h > 23 || m > 59)
		return false;
	*ret_sec = (int64_t)(h * 3600 + m * 60) * (west ? -1 : 1);
	return true;
}

int clock_parse(struct str text, uint64_t *ret)
{
	unsigned days, sec = 0, ns = 0;
	int64_t offset = 0, total;

	if (!take_date(&text, &days))
		return -EBADMSG;
	if (text.n && (!take_char(&text, "Tt ") || !take_time(&text, &sec) ||
		       !take_fraction(&text, &ns) || !take_offset(&text, &offset) || text.n))
		return -EBADMSG;
	total = (int64_t)(days * SEC_PER_DAY + sec) - offset;
	if (total < 0)
		return -EBADMSG;
	*ret = (uint64_t)total * NS_PER_SEC + ns;
	return 0;
}

/* ---- months and days ------------------------------------------------------------------------ */

unsigned clock_month(uint64_t utc_ns)
{
	struct date d = days_date((unsigned)(utc_ns / NS_PER_DAY));

	return d.year * 100 + d.month;
}

int clock_month_start(unsigned month, uint64_t *ret)
{
	struct date d = { month / 100, month % 100, 1 };

	if (d.year < 1970 || d.year > LAST_YEAR + 1 || d.month < 1 || d.month > 12)
		return -EBADMSG;
	if (d.year > LAST_YEAR && d.month > 1)
		return -EBADMSG;
	*ret = date_days(d) * NS_PER_DAY;
	return 0;
}

unsigned clock_month_next(unsigned month)
{
	return month % 100 == 12 ? (month / 100 + 1) * 100 + 1 : month + 1;
}

uint64_t clock_day_start(uint64_t utc_ns)
{
	return utc_ns - utc_ns % NS_PER_DAY;
}
