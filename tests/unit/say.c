/* A price book in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/obj.h"
#include "price/say.h"

static void rates(void **state)
{
	static const struct {
		enum leaf leaf;
		struct rate rate;
		const char *is;
	} rows[] = {
		{ LEAF_IN_TEXT, { 1250000, 1 }, "1.25/Mtok" },
		{ LEAF_OUT_CITATION, { 1, 3 }, "~0.000000333333/Mtok" },
		{ LEAF_N_WEB_SEARCH, { 10000000000, 1 }, "10/kcall" },
		{ LEAF_N_MAPS, { 10000000000, 1 }, "10/kcall" },
		{ LEAF_N_IMAGE, { 40000000000, 1 }, "0.04/image" },
		{ LEAF_N_REQUEST, { 5000000000, 1 }, "5/kcall" },
		{ LEAF_N_PAGE, { 1000000000, 1 }, "1/kpage" },
		{ LEAF_N_CHAR, { 15000000, 1 }, "15/Mchar" },
		{ LEAF_N_AUDIO_MS, { 100000, 1 }, "0.006/min" },
		{ LEAF_IN_TEXT, { INT64_MAX, 1 }, "more than fits" },
	};
	char out[SAY_RATE];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct str s = say_rate(rows[i].leaf, rows[i].rate, out);

		assert_true(s.p == out && s.p[s.n] == 0);
		assert_string_equal(out, rows[i].is);
	}
}

static const char book[] =
	"schema: submeter.pricebook/1\nbook: {id: t, version: 1, currency: USD}\nmodels:\n"
	"  - provider: p\n    id: a\n    prices:\n      - from: 2026-01-01\n"
	"        context: {measure: prompt_total, bands: [{upto: 10, cmp: lt, name: x}, {upto: 20, "
	"cmp: le, name: y}, {name: z}]}\n"
	"        rates: {x: {standard: {in_text: 1/Mtok}}, y: {standard: {in_text: 1/Mtok}}, z: "
	"{standard: {in_text: 1/Mtok}}}\n"
	"        uplift: [{when: {region: [us, eu], sku: s}, mul: 11/10, on: tokens}, {when: {geo: "
	"g}, mul: 2, on: tokens}]\n"
	"        windows:\n"
	"          - {name: peak, tz: Asia/Shanghai, days: [mon, sun], time: [\"09:00-12:00\"], "
	"holidays: [2026-10-01], mul: 2, on: tokens}\n"
	"          - {name: night, tz: \"-02:30\", time: [\"00:00-24:00\"], mul: 1/2, on: tokens}\n"
	"        provenance: {source: s, checked: 2026-01-01}\n";

static int words(struct buf *b, const struct book_price *p)
{
	int r = say_uplifts(p->uplift, b);

	if (r == 0)
		r = buf_put(b, '\n');
	if (r == 0)
		r = say_windows(p->windows, b);
	for (size_t i = 0; i < p->bands && r == 0; i++) {
		r = buf_put(b, '\n');
		if (r == 0)
			r = say_band(p, i, b);
	}
	return r < 0 ? r : buf_put(b, 0);
}

static void rules(void **state)
{
	static const char want[] = "region us, eu sku s x 11/10; geo g x 2\n"
				   "peak x 2: mon sun 09:00-12:00 +08:00, not on 2026-10-01; night "
				   "x 1/2: 00:00-24:00 -02:30\n"
				   "<10\n<=20\n>20";
	struct book *b = NULL;
	struct buf out = { .limit = 4096 };
	char error[YAML_ERROR];
	long n = 0;
	int r;

	(void)state;
	assert_int_equal(book_new(&b), 0);
	if (book_add(b, str_of(book), "b", error) < 0)
		fail_msg("%s", error);
	do {
		buf_done(&out);
		mem_fail_after = n++;
		r = words(&out, book_first(b)->prices);
		mem_fail_after = -1;
		assert_true(r == 0 || r == -ENOMEM);
	} while (r == -ENOMEM);
	assert_true(n > 1);
	assert_string_equal(out.p, want);
	for (out.limit = 0; out.limit < sizeof(want); out.limit++) {
		buf_reset(&out);
		assert_int_equal(words(&out, book_first(b)->prices), -EMSGSIZE);
	}
	buf_done(&out);
	book_free(&b);
}

static void days(void **state)
{
	static const struct {
		uint64_t ns;
		const char *is;
	} rows[] = {
		{ 0, "1970-01-01" },
		{ 1795305600 * NS_PER_SEC, "2026-11-22" },
		{ 1795305660 * NS_PER_SEC, "2026-11-22T00:01:00Z" },
		{ 1795305660 * NS_PER_SEC + 1, "2026-11-22T00:01:00.000000001Z" },
	};
	char out[CLOCK_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		say_day(rows[i].ns, out);
		assert_string_equal(out, rows[i].is);
	}
	assert_false(say_day(UINT64_MAX, out).n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates),
		cmocka_unit_test(rules),
		cmocka_unit_test(days),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
