/* Times as text and back, months and days; checked against the C library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <time.h>
#include "base/clock.h"

#define DAY 86400ull

static void test_text(void **state)
{
	char out[CLOCK_TEXT];

	(void)state;
	assert_string_equal(clock_text(0, out).p, "1970-01-01T00:00:00.000000000Z");
	assert_string_equal(clock_text(1795309323000000004, out).p,
			    "2026-11-22T01:02:03.000000004Z");
	assert_string_equal(clock_text(UINT64_MAX, out).p, "2554-07-21T23:34:33.709551615Z");
	assert_int_equal(clock_text(0, out).n, 30);
}

/* Every day of 580 years, at a second that moves through the day. */
static void test_every_day(void **state)
{
	(void)state;
	for (uint64_t day = 0; day < 213000; day++) {
		uint64_t sec = day * DAY + day * 7919 % DAY, ns = sec * NS_PER_SEC + day, back,
			 start;
		time_t t = (time_t)sec;
		char want[64], out[CLOCK_TEXT];
		struct tm tm;
		unsigned month;

		gmtime_r(&t, &tm);
		strftime(want, sizeof(want), "%FT%T", &tm);
		clock_text(ns, out);
		assert_memory_equal(out, want, 19);
		assert_int_equal(clock_parse(str_of(out), &back), 0);
		assert_int_equal(back, ns);
		assert_int_equal(clock_day_start(ns), day * DAY * NS_PER_SEC);
		month = (unsigned)(tm.tm_year + 1900) * 100 + (unsigned)tm.tm_mon + 1;
		assert_int_equal(clock_month(ns), month);
		assert_int_equal(clock_month_start(month, &start), 0);
		assert_int_equal(start, (day - (uint64_t)tm.tm_mday + 1) * DAY * NS_PER_SEC);
		assert_int_equal(clock_month_start(clock_month_next(month), &back), 0);
		assert_true(back > ns && back - start <= 31 * DAY * NS_PER_SEC);
	}
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} rows[] = {
		{ "1970-01-01", 0 },
		{ "1970-01-02", DAY * NS_PER_SEC },
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-01t00:00:01z", NS_PER_SEC },
		{ "1970-01-01 00:00:01Z", NS_PER_SEC },
		{ "1970-01-01T00:00:00.5Z", 500000000 },
		{ "1970-01-01T00:00:00.000000001Z", 1 },
		{ "1970-01-01T01:30:00+01:30", 0 },
		{ "1969-12-31T23:00:00-01:00", UINT64_MAX }, /* not before 1970 */
		{ "1970-01-01T00:00:00-01:00", 3600 * NS_PER_SEC },
		{ "2016-12-31T23:59:60Z", 1483228799 * NS_PER_SEC },
		{ "2016-12-31T23:59:60.25Z", 1483228799 * NS_PER_SEC + 250000000 },
		{ "2026-11-22T01:02:03.000000004Z", 1795309323000000004 },
		{ "2024-02-29", 1709164800 * NS_PER_SEC },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint64_t ns = UINT64_MAX;
		int r = clock_parse(str_of(rows[i].text), &ns);

		if (r != (rows[i].ns == UINT64_MAX ? -EBADMSG : 0) || ns != rows[i].ns)
			fail_msg("%s: %d %llu", rows[i].text, r, (unsigned long long)ns);
	}
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"2026",
		"2026-11",
		"2026-13-01",
		"2026-00-01",
		"2026-02-29",
		"2100-02-29",
		"2026-04-31",
		"2026-01-00",
		"26-01-01",
		"2026-1-01",
		"2026-01-01T",
		"2026-01-01T00:00",
		"2026-01-01T00:00:00",
		"2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z",
		"2026-01-01T00:00:61Z",
		"2026-01-01T00:00:00.Z",
		"2026-01-01T00:00:00.0000000001Z",
		"2026-01-01T00:00:00+24:00",
		"2026-01-01T00:00:00+0100",
		"2026-01-01T00:00:00+01:60",
		"2026-01-01T00:00:00Zx",
		"2026-01-01x",
		"1969-12-31",
		"1970-01-01T00:00:00+00:01",
		"2554-01-01",
		"9999-12-31",
		" 2026-01-01",
		"+2026-01-01",
		"2026-01-01T-1:00:00Z",
		"2026-01-01T00:00:00,5Z",
	};
	uint64_t ns = 77;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (clock_parse(str_of(bad[i]), &ns) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
	assert_int_equal(clock_parse(S("2026-01-01\0"), &ns), -EBADMSG);
	assert_int_equal(ns, 77);
}

static void test_months(void **state)
{
	static const unsigned bad[] = {
		0, 202600, 202613, 196912, 255402, 999912, 26, 4294967295u
	};
	uint64_t ns = 77;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(clock_month_start(bad[i], &ns), -EBADMSG);
	assert_int_equal(ns, 77);
	assert_int_equal(clock_month_start(255401, &ns), 0); /* the end of the last whole year */
	assert_int_equal(clock_month_next(202612), 202701);
	assert_int_equal(clock_month_next(202611), 202612);
}

static void test_now(void **state)
{
	uint64_t before = (uint64_t)time(NULL), now = clock_utc_ns() / NS_PER_SEC,
		 boot = clock_boot_ns();

	(void)state;
	assert_true(now >= before && now <= (uint64_t)time(NULL));
	assert_true(boot && clock_boot_ns() >= boot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),   cmocka_unit_test(test_every_day),
		cmocka_unit_test(test_parse),  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_months), cmocka_unit_test(test_now),
	};

	setenv("TZ", "Australia/Lord_Howe", 1); /* must not matter */
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
