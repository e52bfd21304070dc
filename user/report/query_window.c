#include "base/clock.h"
#include "report/query.h"

#define DAY_NS  (86400 * NS_PER_SEC)
#define WEEK_NS (7 * DAY_NS)

/* 30m, 12h, 7d */
static int ago(struct str text, uint64_t *ret)
{
	static const struct {
		char unit;
		uint64_t ns;
	} units[] = { { 's', NS_PER_SEC },
		      { 'm', 60 * NS_PER_SEC },
		      { 'h', 3600 * NS_PER_SEC },
		      { 'd', DAY_NS },
		      { 'w', WEEK_NS } };
	uint64_t n;

	if (text.n < 2 || str_u64(str_head(text, text.n - 1), &n) < 0)
		return -EINVAL;
	for (size_t i = 0; i < COUNT_OF(units); i++)
		if (units[i].unit == text.p[text.n - 1])
			return __builtin_mul_overflow(n, units[i].ns, ret) ? -EINVAL : 0;
	return -EINVAL;
}

int query_time(struct str text, uint64_t now_ns, uint64_t *ret)
{
	uint64_t n;

	if (ago(text, &n) == 0) {
		if (n > now_ns)
			return -EINVAL;
		*ret = now_ns - n;
		return 0;
	}
	if (str_u64(text, &n) == 0)
		return __builtin_mul_overflow(n, NS_PER_SEC, ret) ? -EINVAL : 0;
	return clock_parse(text, ret) < 0 ? -EINVAL : 0;
}

static uint64_t week_start(uint64_t now_ns)
{
	uint64_t day = clock_day_start(now_ns);

	/* 1970-01-01 was a Thursday: three days after a Monday */
	return day - (day / DAY_NS + 3) % 7 * DAY_NS;
}

static int month_window(unsigned month, uint64_t *ret_since, uint64_t *ret_until)
{
	uint64_t since;
	int r = clock_month_start(month, &since);

	if (r == 0)
		r = clock_month_start(clock_month_next(month), ret_until);
	if (r < 0)
		return -EINVAL;
	*ret_since = since;
	return 0;
}

static int window_pair(struct str from, struct str until, uint64_t now_ns, uint64_t *ret_since,
		       uint64_t *ret_until)
{
	uint64_t since, end;

	if (query_time(from, now_ns, &since) < 0 || query_time(until, now_ns, &end) < 0 ||
	    since >= end)
		return -EINVAL;
	*ret_since = since;
	*ret_until = end;
	return 0;
}

enum { W_TODAY, W_YESTERDAY, W_WEEK, W_LASTWEEK, W_MONTH, W_LASTMONTH, W_ALL, W_COUNT };

static int named_window(int which, uint64_t now_ns, uint64_t *ret_since, uint64_t *ret_until)
{
	uint64_t since, day = clock_day_start(now_ns), week = week_start(now_ns);

	switch (which) {
	case W_TODAY:
		*ret_since = day, *ret_until = day + DAY_NS;
		return 0;
	case W_YESTERDAY:
		*ret_since = day - DAY_NS, *ret_until = day;
		return 0;
	case W_WEEK:
		*ret_since = week, *ret_until = week + WEEK_NS;
		return 0;
	case W_LASTWEEK:
		*ret_since = week - WEEK_NS, *ret_until = week;
		return 0;
	case W_MONTH:
		return month_window(clock_month(now_ns), ret_since, ret_until);
	case W_LASTMONTH:
		if (clock_month_start(clock_month(now_ns), &since) < 0)
			return -EINVAL;
		return month_window(clock_month(since - 1), ret_since, ret_until);
	default:
		*ret_since = *ret_until = 0;
		return 0;
	}
}

int query_window(struct str text, uint64_t now_ns, uint64_t *ret_since, uint64_t *ret_until)
{
	static const char *const names[W_COUNT] = { "today", "yesterday", "week", "lastweek",
						    "month", "lastmonth", "all" };
	struct str from, rest = text;
	uint64_t n;

	for (int i = 0; i < W_COUNT; i++)
		if (str_eq(text, str_of(names[i])))
			return named_window(i, now_ns, ret_since, ret_until);
	if (str_cut(&rest, &from, ','))
		return window_pair(from, rest, now_ns, ret_since, ret_until);
	if (ago(text, &n) < 0 || n == 0 || n > now_ns)
		return -EINVAL;
	*ret_since = now_ns - n;
	*ret_until = now_ns;
	return 0;
}
