/* obj -- memory that is paid for: what is got and given back comes out even, and what is lent has an end. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/table.h"

struct row {
	uint64_t key;
	UT_hash_handle hh;
};

static void held(void **state)
{
	struct mem_account all = { .limit = INT64_MAX, .last = INT64_MAX },
			   one = { .of = &all, .limit = INT64_MAX, .last = INT64_MAX }, two = one;
	struct arena arena = { .limit = 1u << 20 };
	struct buf b = { .limit = 1u << 20 };
	char *text;

	(void)state;
	assert_null(mem_pay(&one));
	text = mem_text("paid for", 8);
	assert_true(one.held >= 9 && all.held == one.held && two.held == 0);
	assert_ptr_equal(mem_pay(&two), &one);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(buf_add(&b, S("grows ")), 0);
	assert_non_null(arena_get(&arena, 10000));
	assert_true(two.held >= 16000 && all.held == one.held + two.held);
	assert_ptr_equal(mem_pay(NULL), &two);
	mem_free(mem_text("free of charge", 14));
	mem_pay(&two);
	buf_done(&b);
	arena_reset(&arena);
	assert_int_equal(two.held, 0);
	mem_free(NULL);
	mem_pay(&one);
	mem_free(text);
	mem_pay(NULL);
	assert_true(one.held == 0 && all.held == 0);
}

/* A table grows for all of its rows: whoever added one does not pay. */
static void tables(void **state)
{
	struct mem_account one = { .limit = INT64_MAX, .last = INT64_MAX };
	struct row rows[1000], *table = NULL;

	(void)state;
	mem_pay(&one);
	for (uint64_t i = 0; i < COUNT_OF(rows); i++) {
		rows[i].key = i;
		HASH_ADD(hh, table, key, sizeof(rows[i].key), &rows[i]);
		assert_non_null(rows[i].hh.tbl);
	}
	HASH_CLEAR(hh, table);
	assert_ptr_equal(mem_pay(NULL), &one);
	assert_int_equal(one.held, 0);
}

static void lent(void **state)
{
	struct mem_account all = { .limit = 20000, .last = 30000 },
			   one = { .of = &all, .limit = 10000, .last = 12000 },
			   two = { .of = &all, .limit = INT64_MAX, .last = INT64_MAX };
	void *p[4];

	(void)state;
	assert_non_null(p[0] = mem_lend(1, 1u << 20)); /* nobody pays, nobody bounds */
	mem_free(p[0]);
	assert_null(mem_lend(SIZE_MAX, 2));
	assert_null(mem_lend(1, SIZE_MAX));
	mem_pay(&one);
	assert_null(mem_short());
	assert_non_null(p[0] = mem_lend(1, 11000));
	assert_ptr_equal(mem_short(), &one);
	assert_null(mem_lend(2, 600));
	assert_ptr_equal(mem_refused(), &one);
	assert_null(mem_refused());
	assert_non_null(p[1] = mem_zero(1, 600)); /* what goes on goes on */
	mem_pay(&two);
	assert_null(mem_short());
	assert_non_null(p[2] = mem_lend(1, 12000));
	assert_ptr_equal(mem_short(), &all);
	assert_null(mem_lend(1, 12000));
	assert_ptr_equal(mem_refused(), &all);
	mem_fail_after = 0; /* no memory is not a limit */
	assert_null(mem_lend(1, 1));
	assert_null(mem_refused());
	mem_fail_after = -1;
	mem_free(p[2]);
	mem_pay(&one);
	mem_free(p[1]);
	mem_free(p[0]);
	mem_pay(NULL);
	assert_int_equal(all.held, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(held),
		cmocka_unit_test(tables),
		cmocka_unit_test(lent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
