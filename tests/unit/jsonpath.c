/* What the JSON scanner is given, and counts: tables of paths; whole numbers from number texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/buf.h"
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
	static const char *const bad[] = {
		".",    ".a",   "a.",  "a..b", "a[", "a[0]",   "[]a",
		"a[]b", "a[].", "]x[", "a.[]", "[",  "a.**.b", "a.**[]"
	};
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

static int say(void *ctx, int id, enum json_type type, struct str text)
{
	struct buf *b = ctx;

	(void)id;
	return buf_printf(b, type == JSON_NAME ? STR_FMT "=" : STR_FMT ";", STR_ARG(text));
}

/* "**": every scalar inside, not the value itself; names, also of what is no scalar. */
static void test_deep(void **state)
{
	static const struct {
		const char *path, *doc, *said;
	} rows[] = {
		{ "a.**", "{\"a\":{\"b\":[1,{\"c\":\"x\"}],\"d\":null},\"e\":2}",
		  "b=1;c=x;d=null;" },
		{ "a.**", "{\"a\":\"x\",\"b\":{\"a\":1}}", "" },
		{ "a.**", "{\"a\":[[[7]]],\"c\":{\"a\":[8]}}", "7;" },
		{ "a[].b.**", "{\"a\":[{\"b\":{\"c\":1},\"d\":2},{\"b\":[3]}]}", "c=1;3;" },
		{ "**", "{\"a\":{\"b\":1}}", "a=b=1;" },
		{ "**", "[1,[]]", "1;" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		_cleanup_(buf_done) struct buf b = { .limit = 1024 };
		struct json_want want[] = { { rows[i].path, 0, JSON_NAMES } };

		assert_int_equal(json_scan(str_of(rows[i].doc), want, 1, say, &b), 0);
		if (!str_eq(buf_str(&b), str_of(rows[i].said)))
			fail_msg("%s of %s: " STR_FMT, rows[i].path, rows[i].doc,
				 STR_ARG(buf_str(&b)));
	}
}

/* Beside it other rows hold as ever, and what they want is whole. */
static void test_deep_beside(void **state)
{
	static const struct json_want want[] = { { "a.**", 0, JSON_SIZE },
						 { "a.b", 1, JSON_RAW },
						 { "a.b.c", 2, 0 } };
	_cleanup_(buf_done) struct buf b = { .limit = 1024 };

	(void)state;
	assert_int_equal(json_scan(S("{\"a\":{\"b\":{\"c\":12}}}"), want, COUNT_OF(want), say, &b),
			 0);
	assert_true(str_eq(buf_str(&b), S("12;12;{\"c\":12};")));
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
	/* as the scanner tells of a text that it could not keep */
	assert_int_equal(json_count((struct str){ NULL, 5000 }, &(uint64_t){ 0 }), -ERANGE);
	assert_int_equal(json_count(STR_NONE, &(uint64_t){ 0 }), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_tables),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_deep_beside),
		cmocka_unit_test(test_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
