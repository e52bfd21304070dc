/* Memory that dies together, under a ceiling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/arena.h"
#include "base/obj.h"

static void test_get(void **state)
{
	struct arena a = { .limit = 100000 };
	unsigned char *all[100];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		size_t n = i * 7 + 1;

		all[i] = arena_get(&a, n);
		assert_non_null(all[i]);
		assert_int_equal((uintptr_t)all[i] % 16, 0);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(all[i][k], 0);
		memset(all[i], (int)i, n);
	}
	for (size_t i = 0; i < COUNT_OF(all); i++) /* nothing overlaps */
		for (size_t k = 0; k < i * 7 + 1; k++)
			assert_int_equal(all[i][k], i);
	arena_reset(&a);
	assert_null(a.head);
	assert_int_equal(a.used, 0);
	assert_int_equal(a.limit, 100000);
}

static void test_limit(void **state)
{
	struct arena a = { .limit = 64 };

	(void)state;
	assert_null(arena_get(&a, 65));
	assert_null(arena_get(&a, SIZE_MAX));
	assert_non_null(arena_get(&a, 33)); /* takes 48 */
	assert_null(arena_get(&a, 17));
	assert_non_null(arena_get(&a, 16));
	assert_null(arena_get(&a, 1));
	arena_reset(&a);
	assert_non_null(arena_get(&a, 64));
	arena_reset(&a);
	a.limit = SIZE_MAX;
	assert_null(arena_get(&a, SIZE_MAX)); /* no wrap */
	arena_reset(&a);
}

static void test_str(void **state)
{
	struct arena a = { .limit = 64 };
	struct str s = S("?");

	(void)state;
	assert_int_equal(arena_str(&a, (struct str){ "abcd", 3 }, &s), 0);
	assert_string_equal(s.p, "abc");
	assert_int_equal(s.n, 3);
	assert_int_equal(arena_str(&a, STR_NONE, &s), 0);
	assert_null(s.p);
	assert_int_equal(arena_str(&a, S(""), &s), 0);
	assert_string_equal(s.p, "");
	s = S("?");
	assert_int_equal(arena_str(&a, (struct str){ "x", SIZE_MAX }, &s), -ENOMEM);
	mem_fail_after = 0;
	a.limit = 8192;
	assert_int_equal(arena_str(&a, (struct str){ (char[5000]){ 1 }, 5000 }, &s), -ENOMEM);
	mem_fail_after = -1;
	assert_true(str_eq(s, S("?")));
	arena_reset(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_str),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
