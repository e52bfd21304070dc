/* What the JSON scanner is given, and counts: tables of paths; whole numbers from number texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/json.h"

static int note(void *ctx, int id, enum json_type type, struct str text)
{
	(void)ctx;
	(void)id;
	(void)type;
	(void)text;
	return 0;
}

static void test_bad_tables(void **state)
{
	static const char *const bad[] = { ".",   ".a",   "a.",   "a..b", "a[",   "a[0]",
					   "[]a", "a[]b", "a[].", "]x[",  "a.[]", "[" };
	struct json_want want[65] = { 0 };
	struct json *j = NULL;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		want[0].path = bad[i];
		if (json_new(want, 1, note, NULL, &j) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
	}
	want[0].path = NULL;
	assert_int_equal(json_new(want, 1, note, NULL, &j), -EINVAL);
	for (size_t i = 0; i < COUNT_OF(want); i++)
		want[i].path = "a";
	assert_int_equal(json_new(want, 65, note, NULL, &j), -EINVAL);
	assert_null(j);
	assert_int_equal(json_new(want, 64, note, NULL, &j), 0);
	json_free(&j);
	assert_null(j);
	json_free(&j);
}

static void test_count(void **state)
{
	static const struct {
		const char *text;
		int r;
		uint64_t n;
	} rows[] = {
		{ "0", 0, 0 },
		{ "6", 0, 6 },
		{ "6.0", 0, 6 },
		{ "6.000", 0, 6 },
		{ "1e3", 0, 1000 },
		{ "1.5e1", 0, 15 },
		{ "1200E-2", 0, 12 },
		{ "0e999999999999999999999", 0, 0 },
		{ "0.0e-5", 0, 0 },
		{ "9007199254740992", 0, 1ull << 53 },
		{ "9007199254740993", -ERANGE, 0 },
		{ "1e16", -ERANGE, 0 },
		{ "1e999999999999", -ERANGE, 0 },
		{ "340282366920938463463374607431768211457", -ERANGE, 0 },
		{ "-1", -EBADMSG, 0 },
		{ "-0", -EBADMSG, 0 },
		{ "6.5", -EBADMSG, 0 },
		{ "1e-1", -EBADMSG, 0 },
		{ "", -EBADMSG, 0 },
		{ "x", -EBADMSG, 0 },
		{ "1x", -EBADMSG, 0 },
		{ "1.", -EBADMSG, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint64_t n = 77;

		if (json_count(str_of(rows[i].text), &n) != rows[i].r)
			fail_msg("json_count %s", rows[i].text);
		assert_int_equal(n, rows[i].r ? 77 : rows[i].n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_tables),
		cmocka_unit_test(test_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
