/* fold -- usage objects of one answer folded into one; texts that may go into a record. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/limit.h"
#include "base/obj.h"
#include "llm/fold.h"
#include "../kit/make.h"

static const struct {
	const char *held, *more, *want;
} rows[] = {
	{ "", "{\"a\":1}", "{\"a\":1}" },
	{ "{\"a\":1}", "{\"a\":2}", "{\"a\":2}" },
	{ "{\"a\":1,\"b\":2}", "{\"b\":3,\"c\":4}", "{\"a\":1,\"b\":3,\"c\":4}" },
	{ "{\"a\":1}", "{\"a\":null}", "{\"a\":1}" },
	{ "{\"a\":1}", "{\"b\":null}", "{\"a\":1,\"b\":null}" },
	{ "{\"a\":null}", "{\"a\":7}", "{\"a\":7}" },
	{ "{\"a\":1}", "{}", "{\"a\":1}" },
	{ "{}", "{\"a\":1}", "{\"a\":1}" },
	{ "{}", "{}", "{}" },
	/* one level only: what is inside is verbatim, brackets and all */
	{ "{\"a\":{\"x\":1,\"y\":[2,{\"z\":3}]},\"b\":0}", "{\"a\":{\"x\":9}}",
	  "{\"a\":{\"x\":9},\"b\":0}" },
	{ "{\"b\":0}", "{\"a\":{\"x\":1,\"y\":[2,{\"z\":3}]}}",
	  "{\"b\":0,\"a\":{\"x\":1,\"y\":[2,{\"z\":3}]}}" },
	/* strings hide everything */
	{ "{\"a\":\"},{\\\"\"}", "{\"b\":\"]\\\\\"}", "{\"a\":\"},{\\\"\",\"b\":\"]\\\\\"}" },
	{ "{\"a\\\"b\":1}", "{\"a\\\"b\":2,\"a\":3}", "{\"a\\\"b\":2,\"a\":3}" },
	/* white space goes from between members, stays inside values */
	{ " { \"a\" : 1 , \"b\":[ 1 ] } ", "\t{\r\n\"b\"\t:\r[ 2 ]\n}", "{\"a\":1,\"b\":[ 2 ]}" },
};

static void overlays(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf held = { .limit = 1000 };

		make_add(&held, str_of(rows[i].held));
		assert_int_equal(fold_overlay(&held, str_of(rows[i].more)), 0);
		if (!str_eq(buf_str(&held), str_of(rows[i].want)))
			fail_msg("%s and %s: " STR_FMT, rows[i].held, rows[i].more,
				 STR_ARG(buf_str(&held)));
		buf_done(&held);
	}
}

/* {"<from>":0,...}: n members */
static void many(struct buf *out, unsigned from, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		make_printf(out, "%c\"%u\":0", i ? ',' : '{', from + i);
	make_add(out, S("}"));
}

static void too_many(void **state)
{
	struct buf held = { .limit = 1 << 16 }, more = { .limit = 1 << 16 };
	size_t n;

	(void)state;
	many(&held, 0, LIMIT_USAGE_MEMBERS - 1);
	many(&more, LIMIT_USAGE_MEMBERS - 1, 1);
	assert_int_equal(fold_overlay(&held, buf_str(&more)), 0);
	/* again: they are all known */
	assert_int_equal(fold_overlay(&held, buf_str(&more)), 0);
	n = held.n;
	assert_int_equal(fold_overlay(&held, S("{\"one more\":1}")), -E2BIG);
	assert_int_equal(held.n, n);
	buf_reset(&more);
	many(&more, 0, LIMIT_USAGE_MEMBERS + 1);
	assert_int_equal(fold_overlay(&held, buf_str(&more)), -E2BIG);
	assert_int_equal(held.n, n);
	held.limit = held.n;
	assert_int_equal(fold_overlay(&held, S("{\"0\":10}")), -EMSGSIZE);
	assert_int_equal(held.n, n);
	assert_int_equal(fold_overlay(&held, S("{\"0\":1}")), 0);
	buf_done(&held);
	buf_done(&more);
}

static void no_memory(void **state)
{
	struct buf held = { .limit = 1000 };
	int r = -ENOMEM;

	(void)state;
	make_add(&held, S("{\"a\":1}"));
	for (long n = 0; r < 0; n++) {
		mem_fail_after = n;
		r = fold_overlay(&held, S("{\"b\":2}"));
		mem_fail_after = -1;
		assert_true(r == 0 || r == -ENOMEM);
		assert_true(r == 0 || str_eq(buf_str(&held), S("{\"a\":1}")));
		assert_true(n < 10);
	}
	assert_true(str_eq(buf_str(&held), S("{\"a\":1,\"b\":2}")));
	buf_done(&held);
}

static void compacts(void **state)
{
	struct buf held = { .limit = 1000 };

	(void)state;
	make_add(&held, S(" {\r\n\t\"a b\" : [ 1 , \" \\\" \\\\\" ] ,\"c\":\"\"} "));
	fold_compact(&held);
	assert_true(str_eq(buf_str(&held), S("{\"a b\":[1,\" \\\" \\\\\"],\"c\":\"\"}")));
	buf_done(&held);
}

/* RFC 3629, Unicode table 3-7: the first and the last of each form, and their neighbours */
static const char *const good[] = {
	"",
	"a",
	"\x7f",
	"\xc2\x80",
	"\xdf\xbf",
	"\xe0\xa0\x80",
	"\xe0\xbf\xbf",
	"\xe1\x80\x80",
	"\xec\xbf\xbf",
	"\xed\x80\x80",
	"\xed\x9f\xbf",
	"\xee\x80\x80",
	"\xef\xbf\xbf",
	"\xf0\x90\x80\x80",
	"\xf0\xbf\xbf\xbf",
	"\xf1\x80\x80\x80",
	"\xf3\xbf\xbf\xbf",
	"\xf4\x80\x80\x80",
	"\xf4\x8f\xbf\xbf",
	"a\xe2\x82\xac and \xf0\x9f\x98\x80.",
};
static const char *const bad[] = {
	"\x80",
	"\xbf",
	"\xc0\x80",
	"\xc1\xbf",
	"\xc2",
	"\xc2\x7f",
	"\xc2\xc0",
	"\xdf\xff",
	"\xe0\x9f\xbf",
	"\xe0\xc0\x80",
	"\xe1\x7f\x80",
	"\xe1\x80",
	"\xe1\x80\x7f",
	"\xe1\x80\xc0",
	"\xed\xa0\x80",
	"\xee\xc0\x80",
	"\xef\xbf",
	"\xf0\x8f\xbf\xbf",
	"\xf0\x90\x80",
	"\xf0\x90\x80\x7f",
	"\xf0\x90\x80\xc0",
	"\xf1\x80\x7f\x80",
	"\xf4\x90\x80\x80",
	"\xf5\x80\x80\x80",
	"\xff",
	"a\xe2\x82",
	"ok\xc3(",
};

static void utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++)
		if (!fold_is_utf8(str_of(good[i])))
			fail_msg("row %zu of the good ones", i);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (fold_is_utf8(str_of(bad[i])))
			fail_msg("row %zu of the bad ones", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(overlays), cmocka_unit_test(too_many),
					    cmocka_unit_test(no_memory), cmocka_unit_test(compacts),
					    cmocka_unit_test(utf8) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
