/* Tables as people, spreadsheets and documents get them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "base/obj.h"
#include "cli/table.h"

static struct table *sample(void)
{
	static const char *const cells[] = { "support", "7",           "engineering",
					     "1234",    "caf\xc3\xa9", "" };
	struct table *t = NULL;

	assert_int_equal(table_new("TEAM,>COST USD", &t), 0);
	for (size_t i = 0; i < COUNT_OF(cells); i++)
		assert_int_equal(table_cell(t, cells[i]), 0);
	return t;
}

static void prints(const struct table *t, const struct cli *cli, const char *want)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	assert_int_equal(table_print(t, cli, f), 0);
	fclose(f);
	assert_string_equal(text, want);
	free(text);
}

static void test_aligned(void **state)
{
	struct table *t = sample();

	(void)state;
	prints(t, &(struct cli){ .no_color = true },
	       "TEAM         COST USD\n"
	       "support             7\n"
	       "engineering      1234\n"
	       "caf\xc3\xa9                 \n");
	table_totals(t);
	assert_int_equal(table_rows(t), 3);
	assert_int_equal(table_cell(t, "total"), 0);
	assert_int_equal(table_cell_u64(t, 1241), 0);
	assert_int_equal(table_rows(t), 3);
	prints(t, &(struct cli){ .no_color = true, .no_header = true },
	       "support         7\n"
	       "engineering  1234\n"
	       "caf\xc3\xa9             \n"
	       "-----------------\n"
	       "total        1241\n");
	prints(t, &(struct cli){ .format = FORMAT_CSV },
	       "team,cost_usd\r\nsupport,7\r\nengineering,1234\r\ncaf\xc3\xa9,\r\n");
	table_free(&t);
	assert_null(t);
}

static void test_hostile(void **state)
{
	struct table *t = NULL;

	(void)state;
	assert_int_equal(table_new("A,B", &t), 0);
	assert_int_equal(table_cell(t, "x\033[2J\n"), 0);
	assert_int_equal(table_cell(t, "=cmd()"), 0);
	assert_int_equal(table_cell(t, "a,\"b\"\r\nc"), 0);
	assert_int_equal(table_cell(t, NULL), 0);
	prints(t, &(struct cli){ .no_color = true, .no_header = true },
	       "x?[2J?    =cmd()\na,\"b\"??c  \n");
	prints(t, &(struct cli){ .format = FORMAT_CSV },
	       "a,b\r\n\"x\033[2J\n\",\"'=cmd()\"\r\n\"a,\"\"b\"\"\r\nc\",\r\n");
	prints(t, &(struct cli){ .format = FORMAT_MD },
	       "| A | B |\n|---|---|\n| x [2J  | =cmd() |\n| a,\"b\"  c |  |\n");
	table_free(&t);
	assert_int_equal(table_new(">N", &t), 0);
	assert_int_equal(table_cell(t, "a|b*_<i>"), 0);
	prints(t, &(struct cli){ .format = FORMAT_MD }, "| N |\n|---:|\n| a\\|b\\*\\_\\<i> |\n");
	table_free(&t);
}

static void test_empty(void **state)
{
	struct table *t = NULL;

	(void)state;
	assert_int_equal(table_new("A,>B", &t), 0);
	prints(t, &(struct cli){ .no_color = true }, "A  B\n");
	prints(t, &(struct cli){ .format = FORMAT_CSV }, "a,b\r\n");
	table_totals(t);
	assert_int_equal(table_cell(t, "total"), 0);
	assert_int_equal(table_cell(t, "0"), 0);
	prints(t, &(struct cli){ .no_color = true }, "A      B\ntotal  0\n");
	table_free(&t);
}

static void test_no_memory(void **state)
{
	struct table *t = NULL;

	(void)state;
	mem_fail_after = 0;
	assert_int_equal(table_new("A", &t), -ENOMEM);
	mem_fail_after = -1;
	assert_int_equal(table_new("A", &t), 0);
	for (long n = 0; n < 2; n++) {
		mem_fail_after = n;
		assert_int_equal(table_cell(t, "x"), -ENOMEM);
	}
	mem_fail_after = -1;
	assert_int_equal(table_rows(t), 0);
	table_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_aligned),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
