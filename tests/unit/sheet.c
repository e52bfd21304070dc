/* Rows in every format: tables, CSV and Markdown by table.c, JSON here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "base/obj.h"
#include "cli/sheet.h"

static const char *const cells[] = { "a \"b\"\n", "1", "", "x", "", "\xff" };

static int print(enum cli_format format, size_t count, char *out, size_t room)
{
	struct cli cli = { .format = format };
	struct sheet *s = NULL;
	FILE *f = NULL;
	int r = sheet_new(&cli, "name,>amount", &s);

	for (size_t i = 0; i < count && r == 0; i++)
		r = sheet_cell(s, cells[i]);
	if (r == 0) {
		assert_int_equal(sheet_rows(s), count / 2);
		f = fmemopen(out, room, "w");
		assert_non_null(f);
		r = sheet_print(s, f);
		fclose(f);
	}
	sheet_free(&s);
	assert_null(s);
	sheet_free(&s);
	return r;
}

static void formats(void **state)
{
	static const struct {
		enum cli_format format;
		size_t count;
		const char *is;
	} rows[] = {
		{ FORMAT_JSONL, 6,
		  "{\"name\":\"a "
		  "\\\"b\\\"\\n\",\"amount\":\"1\"}\n{\"amount\":\"x\"}\n{\"amount\":"
		  "\"\xEF\xBF\xBD\"}\n" },
		{ FORMAT_JSON, 4,
		  "[\n{\"name\":\"a \\\"b\\\"\\n\",\"amount\":\"1\"},\n{\"amount\":\"x\"}\n]\n" },
		{ FORMAT_JSON, 0, "[\n\n]\n" },
		{ FORMAT_JSONL, 0, "" },
		{ FORMAT_CSV, 4, "name,amount\r\n\"a \"\"b\"\"\n\",1\r\n,x\r\n" },
		{ FORMAT_TABLE, 4, "name    amount\na \"b\"?       1\n             x\n" },
	};
	char out[512];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		memset(out, 0, sizeof(out));
		assert_int_equal(print(rows[i].format, rows[i].count, out, sizeof(out)), 0);
		assert_string_equal(out, rows[i].is);
	}
}

static void no_room(void **state)
{
	char out[8];

	(void)state;
	assert_int_equal(print(FORMAT_JSONL, 6, out, sizeof(out)), -EIO);
	assert_int_equal(print(FORMAT_CSV, 6, out, sizeof(out)), -EIO);
}

static void no_memory(void **state)
{
	static const enum cli_format both[] = { FORMAT_JSON, FORMAT_TABLE };
	char out[512];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(both); i++) {
		long n = 0;
		int r;

		do {
			mem_fail_after = n++;
			r = print(both[i], 6, out, sizeof(out));
			mem_fail_after = -1;
			assert_true(r == 0 || r == -ENOMEM);
		} while (r == -ENOMEM);
		assert_true(n > 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats),
		cmocka_unit_test(no_room),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
