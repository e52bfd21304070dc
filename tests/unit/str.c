/* Borrowed strings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/str.h"

static void test_equal(void **state)
{
	(void)state;
	assert_true(str_eq(S("ab"), S("ab")));
	assert_false(str_eq(S("ab"), S("aB")));
	assert_false(str_eq(S("ab"), S("abc")));
	assert_true(str_eq(S(""), STR_NONE));
	assert_true(str_ieq(S("aB-9z"), S("Ab-9Z")));
	assert_false(str_ieq(S("a"), S("b")));
	assert_false(str_ieq(S("@"), S("`"))); /* 32 apart, but no letters */
	assert_false(str_ieq(S("a"), S("ab")));
	assert_true(str_eq(str_of("x"), S("x")));
	assert_null(str_of(NULL).p);
}

static void test_parts(void **state)
{
	(void)state;
	assert_true(str_starts(S("abc"), S("ab")));
	assert_true(str_starts(S("abc"), S("")));
	assert_false(str_starts(S("a"), S("ab")));
	assert_true(str_ends(S("abc"), S("bc")));
	assert_false(str_ends(S("bc"), S("abc")));
	assert_false(str_ends(S("abc"), S("ab")));
	assert_true(str_eq(str_skip(S("abc"), 1), S("bc")));
	assert_int_equal(str_skip(S("abc"), 9).n, 0);
	assert_null(str_skip(STR_NONE, 9).p);
	assert_true(str_eq(str_head(S("abc"), 2), S("ab")));
	assert_true(str_eq(str_head(S("abc"), 9), S("abc")));
	assert_true(str_eq(str_trim(S(" \t a b\t ")), S("a b")));
	assert_int_equal(str_trim(S(" \t ")).n, 0);
	assert_true(str_eq(str_trim(S("\nx")), S("\nx")));
}

static void test_cut(void **state)
{
	struct str rest = S("a,,b"), head = S("?");

	(void)state;
	assert_true(str_cut(&rest, &head, ','));
	assert_true(str_eq(head, S("a")) && str_eq(rest, S(",b")));
	assert_true(str_cut(&rest, &head, ','));
	assert_true(str_eq(head, S("")) && str_eq(rest, S("b")));
	head = S("?");
	assert_false(str_cut(&rest, &head, ','));
	assert_true(str_eq(head, S("?")) && str_eq(rest, S("b")));
	rest = STR_NONE;
	assert_false(str_cut(&rest, &head, ','));
	rest = S("x,");
	assert_true(str_cut(&rest, &head, ','));
	assert_true(str_eq(head, S("x")) && rest.n == 0);
}

static void test_u64(void **state)
{
	static const char *const bad[] = { "", " 1", "1 ", "-1", "+1", "1.0", "0x1", "a" };
	uint64_t n = 77;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(str_u64(str_of(bad[i]), &n), -EBADMSG);
	assert_int_equal(str_u64(S("18446744073709551616"), &n), -ERANGE);
	assert_int_equal(str_u64(S("99999999999999999999"), &n), -ERANGE);
	assert_int_equal(n, 77);
	assert_int_equal(str_u64(S("18446744073709551615"), &n), 0);
	assert_true(n == UINT64_MAX);
	assert_int_equal(str_u64(S("007"), &n), 0);
	assert_int_equal(n, 7);
	assert_int_equal(str_u64(S("1\0"), &n), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_u64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
