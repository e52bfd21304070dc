/* json_runs.c -- what is asked for by its size, what comes in runs, and the ceilings of one scanner. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/buf.h"
#include "base/json.h"
#include "base/obj.h"

enum { SIZE, RUNS, TEXT, WHOLE };

static const struct json_want want[] = {
	{ "size", SIZE, JSON_SIZE }, { "runs", RUNS, JSON_RUNS },    { "text", TEXT, 0 },
	{ "raw", WHOLE, JSON_RAW },  { "items[]", SIZE, JSON_SIZE },
};

struct got {
	struct buf runs;
	size_t ends, size, sizes, text_n, raw_n;
	bool kept, long_run, text_kept, raw_kept;
};

static int value(void *ctx, int id, enum json_type type, struct str text)
{
	struct got *g = ctx;

	switch (id) {
	case SIZE:
		g->size += text.n;
		g->sizes++;
		g->kept |= text.p && text.n && type != JSON_NUMBER;
		return 0;
	case RUNS:
		g->ends += !text.n;
		g->long_run |= text.n > JSON_RUN;
		return buf_add(&g->runs, text);
	case TEXT:
		g->text_n = text.n;
		g->text_kept = text.p != NULL;
		return 0;
	default:
		g->raw_n = text.n;
		g->raw_kept = text.p != NULL;
		return 0;
	}
}

static void scan(struct got *g, struct str doc, size_t step, size_t hold, size_t text)
{
	struct json *j = NULL;

	memset(g, 0, sizeof(*g));
	g->runs.limit = 1 << 20;
	assert_int_equal(json_new(want, COUNT_OF(want), value, g, &j), 0);
	if (hold)
		json_hold(j, hold, text);
	while (doc.n) {
		struct str one = step ? str_head(doc, step) : doc;

		assert_int_equal(json_feed(j, one), 0);
		doc = str_skip(doc, one.n);
	}
	assert_int_equal(json_end(j), 0);
	json_free(&j);
}

static void sizes(void **state)
{
	struct str doc =
		S("{\"size\":\"a\\u00e9\\n\",\"items\":[\"xyz\",{\"a\":1},[1, 2],7,\"\"]}");

	(void)state;
	for (size_t step = 0; step < 20; step++) {
		struct got g;

		scan(&g, doc, step, 0, 0);
		assert_false(g.kept);
		assert_int_equal(g.sizes, 6);
		assert_int_equal(g.size, 4 + 3 + 7 + 6 + 1);
		buf_done(&g.runs);
	}
}

static void runs(void **state)
{
	struct buf doc = { .limit = 1 << 20 };

	(void)state;
	assert_int_equal(buf_add(&doc, S("{\"runs\":\"\\ud83d\\ude00\\ud83dx")), 0);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(buf_add(&doc, S("\\u00e9")), 0);
	assert_int_equal(buf_add(&doc, S("\\ud800\",\"text\":\"t\"}")), 0);
	for (size_t step = 0; step < 1500; step += 1 + step / 3) {
		struct got g;

		scan(&g, buf_str(&doc), step, 0, 0);
		assert_int_equal(g.runs.n, 4 + 3 + 1 + 20000 + 3);
		assert_memory_equal(g.runs.p, "\xf0\x9f\x98\x80\xef\xbf\xbdx\xc3\xa9", 10);
		assert_memory_equal(g.runs.p + g.runs.n - 3, "\xef\xbf\xbd", 3);
		assert_int_equal(g.ends, 1);
		assert_false(g.long_run);
		assert_true(g.text_kept);
		buf_done(&g.runs);
	}
	buf_done(&doc);
}

static void hold(void **state)
{
	struct str doc = S("{\"text\":\"12345678\",\"raw\":{\"a\":[1,2,3]}}");
	struct got g;

	(void)state;
	scan(&g, doc, 0, 13, 8);
	assert_true(g.text_kept);
	assert_true(g.raw_kept);
	scan(&g, doc, 1, 12, 7);
	assert_false(g.text_kept);
	assert_int_equal(g.text_n, 8);
	assert_false(g.raw_kept);
	assert_int_equal(g.raw_n, 13);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(runs),
		cmocka_unit_test(hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
