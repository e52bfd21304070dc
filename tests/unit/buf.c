/* A buffer that grows up to its limit and is whole after every failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/buf.h"
#include "base/obj.h"

static void test_limit(void **state)
{
	_cleanup_(buf_done) struct buf b = { .limit = 5 };

	(void)state;
	assert_int_equal(buf_add(&b, STR_NONE), 0);
	assert_int_equal(buf_add(&b, S("abc")), 0);
	assert_int_equal(buf_add(&b, S("def")), -EMSGSIZE);
	assert_true(str_eq(buf_str(&b), S("abc")));
	assert_int_equal(buf_printf(&b, "%s", "def"), -EMSGSIZE);
	assert_true(str_eq(buf_str(&b), S("abc")));
	assert_int_equal(buf_printf(&b, "%d", 12), 0); /* exactly full */
	assert_true(str_eq(buf_str(&b), S("abc12")));
	assert_int_equal(b.limit, 5);
	assert_int_equal(buf_put(&b, 'x'), -EMSGSIZE);
	assert_int_equal(buf_add(&b, (struct str){ "", SIZE_MAX }), -EMSGSIZE);
	assert_int_equal(buf_add(&b, STR_NONE), 0);
	buf_reset(&b);
	assert_int_equal(b.n, 0);
	assert_int_equal(buf_put(&b, 'x'), 0);
	buf_done(&b);
	assert_null(b.p);
	assert_int_equal(b.limit, 5);
}

static void test_growth(void **state)
{
	_cleanup_(buf_done) struct buf b = { .limit = 100000 };

	(void)state;
	for (int i = 0; i < 100000; i++)
		assert_int_equal(buf_put(&b, (char)('a' + i % 26)), 0);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(b.p[i], 'a' + i % 26);
	assert_int_equal(buf_put(&b, 'x'), -EMSGSIZE);
}

static void test_no_memory(void **state)
{
	_cleanup_(buf_done) struct buf b = { .limit = 1000 };

	(void)state;
	mem_fail_after = 0;
	assert_int_equal(buf_add(&b, S("abc")), -ENOMEM);
	assert_int_equal(b.n, 0);
	assert_int_equal(buf_add(&b, S("abc")), 0); /* fails once */
	mem_fail_after = 0;
	assert_int_equal(buf_printf(&b, "%0200d", 1), -ENOMEM);
	assert_true(str_eq(buf_str(&b), S("abc")));
	assert_int_equal(b.limit, 1000);
	mem_fail_after = -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
