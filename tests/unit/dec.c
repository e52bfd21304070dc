/* Money: exact in, exact out, one rounding half to even. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/dec.h"

#define TRILLION 1000000000000ll

static void test_pico(void **state)
{
	static const struct {
		const char *text;
		int r;
		int64_t pico;
	} rows[] = {
		{ "0", 0, 0 },
		{ "-0", 0, 0 },
		{ "1", 0, TRILLION },
		{ "1.25", 0, 1250000000000 },
		{ "-3", 0, -3 * TRILLION },
		{ "1e-6", 0, 1000000 },
		{ "1E+2", 0, 100 * TRILLION },
		{ "20000.10", 0, 20000100000000000 },
		{ "0.000000000001", 0, 1 },
		{ "0.0000000000010", 0, 1 },
		{ "-0.000000000001", 0, -1 },
		{ "0000000000000000000000000000000000000000000000001", 0, TRILLION },
		{ "0.00000000000000000000000000000000000000000000000e99", 0, 0 },
		{ "9223372.036854775807", 0, INT64_MAX },
		{ "-9223372.036854775808", 0, INT64_MIN },
		{ "9223372.036854775808", -ERANGE, 0 },
		{ "-9223372.036854775809", -ERANGE, 0 },
		{ "1e400", -ERANGE, 0 },
		{ "1e99999999999999999999999", -ERANGE, 0 },
		{ "1e-99999999999999999999999", -EDOM, 0 },
		{ "0.0000000000001", -EDOM, 0 },
		{ "1.0000000000001", -EDOM, 0 },
		{ "1.00000000000000000000000000000000000000000000001", -EDOM, 0 },
		{ "123456789012345678901234567890123456789012345678", -ERANGE, 0 },
		{ "", -EBADMSG, 0 },
		{ "-", -EBADMSG, 0 },
		{ "+1", -EBADMSG, 0 },
		{ "1.", -EBADMSG, 0 },
		{ ".5", -EBADMSG, 0 },
		{ "1..5", -EBADMSG, 0 },
		{ "1.5.5", -EBADMSG, 0 },
		{ "1e", -EBADMSG, 0 },
		{ "1e+", -EBADMSG, 0 },
		{ "1e5x", -EBADMSG, 0 },
		{ "1,5", -EBADMSG, 0 },
		{ " 1", -EBADMSG, 0 },
		{ "1 ", -EBADMSG, 0 },
		{ "$1", -EBADMSG, 0 },
		{ "nan", -EBADMSG, 0 },
		{ "0x1", -EBADMSG, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t pico = 77;
		int r = dec_pico(str_of(rows[i].text), &pico);

		if (r != rows[i].r || pico != (r ? 77 : rows[i].pico))
			fail_msg("%s: %d, %lld", rows[i].text, r, (long long)pico);
	}
}

/* However many digits: refused, never wrapped. */
static void test_long(void **state)
{
	char text[120];

	(void)state;
	for (char digit = '1'; digit <= '9'; digit++) {
		for (size_t n = 8; n < sizeof(text); n++) {
			__int128 v;
			int64_t pico;

			memset(text, digit, n);
			assert_int_equal(dec_scaled((struct str){ text, n }, 0, &v),
					 n < 38 || (n == 38 && digit < '8') ? 0 : -ERANGE);
			assert_int_equal(dec_pico((struct str){ text, n }, &pico), -ERANGE);
			text[1] = '.';
			assert_int_equal(dec_pico((struct str){ text, n }, &pico),
					 n > 14 ? -EDOM : 0);
		}
	}
}

static void test_pico128(void **state)
{
	char out[DEC_TEXT];
	__int128 v;

	(void)state;
	assert_int_equal(dec_pico128(S("9223372.036854775808"), &v), 0);
	assert_true(v == (__int128)INT64_MAX + 1);
	assert_int_equal(dec_pico128(S("85070591730234615865843651.857942052863"), &v), 0);
	assert_true(v == ((__int128)1 << 126) - 1);
	assert_string_equal(dec_text(v, out).p, "85070591730234615865843651.857942052863");
	assert_int_equal(dec_pico128(S("-85070591730234615865843651.857942052863"), &v), 0);
	assert_string_equal(dec_text(v, out).p, "-85070591730234615865843651.857942052863");
	assert_int_equal(dec_pico128(S("85070591730234615865843651.857942052864"), &v), -ERANGE);
	assert_int_equal(dec_pico128(S("-99999999999999999999999999"), &v), -ERANGE);
}

static void rate(const char *dollars, uint64_t per, int r, int64_t pico, uint64_t under)
{
	struct rate got = { 77, 77 };

	if (dec_rate(str_of(dollars), per, &got) != r)
		fail_msg("rate %s", dollars);
	if (r)
		return;
	assert_int_equal(got.pico, pico);
	assert_int_equal(got.per, under);
}

static void test_scaled(void **state)
{
	__int128 v;

	(void)state;
	assert_int_equal(dec_scaled(S("1.5"), 1, &v), 0);
	assert_true(v == 15);
	assert_int_equal(dec_scaled(S("1500"), -2, &v), 0);
	assert_true(v == 15);
	assert_int_equal(dec_scaled(S("1500"), -3, &v), -EDOM);
	assert_true(v == 15);
}

static void test_rate(void **state)
{
	(void)state;
	rate("1.25", 1000000, 0, 1250000, 1);
	rate("0.017", 60, 0, 850000000, 3); /* a dollar amount a minute, metered by the second */
	rate("0", 1000000, 0, 0, 1);
	rate("0e9999", 7, 0, 0, 1);
	rate("10", 1000, 0, 10000000000, 1);
	rate("2.9999900000000002e-06", 1, 0, 14999950000000001, 5000000000);
	rate("0.0000000000001", 1000000, 0, 1, 10000000);
	rate("1", 3, 0, TRILLION, 3);
	rate("9223372.036854775807", 1, 0, INT64_MAX, 1);
	rate("9223372.036854775808", 1, -ERANGE, 0, 0);
	rate("1e-40", 1, -ERANGE, 0, 0);
	rate("1e40", 1, -ERANGE, 0, 0);
	rate("-1", 1, -EDOM, 0, 0);
	rate("-0", 1, 0, 0, 1);
	rate("1/2", 1, -EBADMSG, 0, 0);
}

static void line(uint64_t quantity, int64_t pico, uint64_t per, int r, int64_t want)
{
	int64_t got = 77;

	assert_int_equal(dec_line(quantity, (struct rate){ pico, per }, &got), r);
	assert_int_equal(got, r ? 77 : want);
}

static void test_line(void **state)
{
	struct rate r;
	int64_t pico;
	char out[DEC_TEXT];

	(void)state;
	/* 1.2e9 input tokens at 1.25 dollars a million */
	assert_int_equal(dec_rate(S("1.25"), 1000000, &r), 0);
	assert_int_equal(dec_line(1200000000, r, &pico), 0);
	assert_string_equal(dec_text(pico, out).p, "1500");
	line(1, 1, 2, 0, 0); /* 0.5 */
	line(3, 1, 2, 0, 2); /* 1.5 */
	line(5, 1, 2, 0, 2); /* 2.5 */
	line(7, 1, 2, 0, 4); /* 3.5 */
	line(1, -1, 2, 0, 0);
	line(3, -1, 2, 0, -2);
	line(5, -1, 2, 0, -2);
	line(1, 1, 3, 0, 0);
	line(2, 1, 3, 0, 1);
	line(2, -1, 3, 0, -1);
	line(1, 5, 10, 0, 0);
	line(1, 51, 100, 0, 1);
	line(UINT64_MAX, INT64_MAX, UINT64_MAX, 0, INT64_MAX);
	line(UINT64_MAX, INT64_MIN, UINT64_MAX, 0, INT64_MIN);
	line(UINT64_MAX, 1, 2, -ERANGE, 0);
	line(UINT64_MAX, 1, 2 * 1 + 1, 0, 6148914691236517205);
	line(UINT64_MAX, INT64_MAX, 1, -ERANGE, 0);
	line(UINT64_MAX, INT64_MIN, 1, -ERANGE, 0);
	line(0, INT64_MAX, 1, 0, 0);
}

static void test_times(void **state)
{
	struct wide w = dec_wide((struct rate){ 10000000, 2 });

	(void)state;
	assert_true(w.pico == 5000000 && w.per == 1);
	assert_int_equal(dec_wide_times(&w, 110, 100), 0);
	assert_true(w.pico == 5500000 && w.per == 1);
	assert_int_equal(dec_wide_times(&w, 1, 3), 0);
	assert_true(w.pico == 5500000 && w.per == 3);
	assert_int_equal(dec_wide_times(&w, 0, 7), 0);
	assert_true(w.pico == 0 && w.per == 1);
	w = dec_wide((struct rate){ INT64_MAX, 1 });
	assert_int_equal(dec_wide_times(&w, UINT64_MAX, 1), 0);
	assert_int_equal(dec_wide_times(&w, 2, 1), -ERANGE);
	assert_int_equal(dec_wide_times(&w, 2, 2), 0);
	assert_int_equal(dec_wide_times(&w, 1, UINT64_MAX), 0);
	assert_true(w.pico == INT64_MAX && w.per == 1);
	w = dec_wide((struct rate){ 1, UINT64_MAX });
	assert_int_equal(dec_wide_times(&w, 1, INT64_MAX), 0);
	assert_int_equal(dec_wide_times(&w, 1, 2), -ERANGE);
}

/* quantity x rate x mul[0]/den[0] ... */
static void wide(uint64_t quantity, struct rate rate, const uint64_t (*by)[2], int r, int64_t want,
		 int64_t pico, uint64_t per)
{
	struct wide w = dec_wide(rate);
	struct rate told;
	int64_t got, again;

	for (; by && (*by)[1]; by++)
		assert_int_equal(dec_wide_times(&w, (*by)[0], (*by)[1]), 0);
	assert_int_equal(dec_wide_line(quantity, w, &got, &told), r);
	if (r < 0)
		return;
	assert_true(got == want && told.pico == pico && told.per == per);
	assert_int_equal(dec_line(quantity, told, &again), 0);
	assert_true(again == want);
}

static void test_wide(void **state)
{
	static const uint64_t thirds[][2] = { { 66666667, 100000000 },
					      { 66666667, 100000000 },
					      { 66666667, 100000000 },
					      { 0, 0 } },
			      half[][2] = { { 1, 1ull << 63 }, { 1, 2 }, { 0, 0 } };

	(void)state;
	wide(3, (struct rate){ 5, 10 }, NULL, 0, 2, 1, 2); /* 1.5: to even */
	wide(5, (struct rate){ 5, 10 }, NULL, 0, 2, 1, 2);
	wide(7, (struct rate){ 5, 10 }, NULL, 0, 4, 1, 2);
	wide(0, (struct rate){ 5, 10 }, NULL, 0, 0, 1, 2);
	wide(UINT64_MAX, (struct rate){ INT64_MAX, UINT64_MAX }, NULL, 0, INT64_MAX, INT64_MAX,
	     UINT64_MAX);
	/* no database has more than 63 bits */
	wide(1ull << 62, (struct rate){ 2, UINT64_MAX }, NULL, 0, 1, 1, 1ull << 62);
	wide(UINT64_MAX, (struct rate){ 1, 2 }, NULL, -ERANGE, 0, 0, 0);
	wide(UINT64_MAX, (struct rate){ INT64_MAX, 1 }, NULL, -ERANGE, 0, 0, 0);
	/* 2962963007407.40762962962963 */
	wide(1000000, (struct rate){ 10000000, 1 }, thirds, 0, 2962963007407, 2962963007407,
	     1000000);
	wide(0, (struct rate){ 10000000, 1 }, thirds, 0, 0, 0, 1);
	/* 2^-64 of a pico-dollar: halves, to even */
	wide(1ull << 63, (struct rate){ 1, 1 }, half, 0, 0, 0, 1);
	wide((1ull << 63) + 1, (struct rate){ 1, 1 }, half, 0, 1, 1, (1ull << 63) + 1);
	wide(1ull << 63, (struct rate){ 3, 1 }, half, 0, 2, 1, 1ull << 62);
}

static void test_text(void **state)
{
	static const struct {
		int64_t pico;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 37500000000, "0.0375" },
		{ 12 * TRILLION, "12" },
		{ -1, "-0.000000000001" },
		{ 20000100000000000, "20000.1" },
		{ 100 * TRILLION, "100" },
		{ INT64_MAX, "9223372.036854775807" },
		{ INT64_MIN, "-9223372.036854775808" },
	};
	char out[DEC_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t back = 77;
		struct str s = dec_text(rows[i].pico, out);

		assert_string_equal(s.p, rows[i].text);
		assert_int_equal(s.n, strlen(rows[i].text));
		assert_int_equal(dec_pico(s, &back), 0);
		assert_int_equal(back, rows[i].pico);
	}
	/* the longest there is */
	assert_string_equal(dec_text(-((((__int128)1 << 126) - 1) * 2) - 2, out).p,
			    "-170141183460469231731687303.715884105728");
}

static void test_fixed(void **state)
{
	char out[DEC_TEXT];

	(void)state;
	assert_string_equal(dec_fixed(1500 * TRILLION, 2, out).p, "1500.00");
	assert_string_equal(dec_fixed(5000000000, 2, out).p, "0.00");  /* 0.005 */
	assert_string_equal(dec_fixed(15000000000, 2, out).p, "0.02"); /* 0.015 */
	assert_string_equal(dec_fixed(25000000000, 2, out).p, "0.02"); /* 0.025 */
	assert_string_equal(dec_fixed(25000000001, 2, out).p, "0.03");
	assert_string_equal(dec_fixed(-15000000000, 2, out).p, "-0.02");
	assert_string_equal(dec_fixed(-1, 2, out).p, "0.00");
	assert_string_equal(dec_fixed(999999999999, 0, out).p, "1");
	assert_string_equal(dec_fixed(999999999999, 6, out).p, "1.000000");
	assert_string_equal(dec_fixed(1, 12, out).p, "0.000000000001");
	assert_string_equal(dec_fixed(0, 0, out).p, "0");
}

static void test_split(void **state)
{
	const __int128 top = ((__int128)1 << 126) - 1;
	const __int128 rows[] = { 0,
				  1,
				  -1,
				  INT64_MAX,
				  INT64_MIN,
				  (__int128)INT64_MAX + 1,
				  (__int128)INT64_MIN - 1,
				  top,
				  -top,
				  -top - 1,
				  (__int128)12345 * TRILLION };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t high, low;

		dec_split(rows[i], &high, &low);
		assert_true(low >= 0);
		assert_true(dec_join(high, low) == rows[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pico),    cmocka_unit_test(test_long),
		cmocka_unit_test(test_pico128), cmocka_unit_test(test_scaled),
		cmocka_unit_test(test_rate),    cmocka_unit_test(test_line),
		cmocka_unit_test(test_text),    cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_split),   cmocka_unit_test(test_times),
		cmocka_unit_test(test_wide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
