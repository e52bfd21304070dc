#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>
#include "base/obj.h"
#include "price/price.h"

#define HEAD  "schema: submeter.pricebook/1\nbook: {id: t, version: 1, currency: USD}\nmodels:\n"
#define FROM  "provenance: {source: x, checked: 2026-01-01}"
#define RATES "rates: {all: {standard: {in_text: \"1/Mtok\"}}}"
#define MODEL(id, more) \
	"  - {provider: p, id: " id more ", prices: [{from: 2026-01-01, " RATES ", " FROM "}]}\n"
#define PRICES(list) HEAD "  - {provider: p, id: a, prices: [" list "]}\n"

static void shipped_book(void **state)
{
	struct book *b = NULL;
	char error[YAML_ERROR] = "";

	(void)state;
	assert_int_equal(book_new(&b), 0);
	if (book_add(b, book_shipped(), "book.yaml", error) < 0)
		fail_msg("%s", error);
	assert_true(book_models(b) > 80);
	book_free(&b);
	assert_null(b);
	book_free(&b);
}

static const struct {
	const char *yaml, *says;
} wrong[] = {
	{ "", "empty" },
	{ "schema: other\nbook: {id: t, version: 1, currency: USD}\n", "schema" },
	{ "schema: submeter.pricebook/1\nbook: {id: t, version: 1, currency: EUR}\n", "USD" },
	{ HEAD MODEL("a", "") MODEL("a", ""), "w.yaml:5: 'a' is already" },
	{ HEAD MODEL("a", "") MODEL("A", ""), "w.yaml:5: 'A' is already" },
	{ HEAD MODEL("a", "") MODEL("b", ", aliases: [a]"), "w.yaml:5: 'a' is already" },
	{ HEAD MODEL("a", ", aliases: [b]") MODEL("c", ", aliases: [b]"),
	  "w.yaml:5: 'b' is already" },
	{ HEAD MODEL("a", ", color: red"), "w.yaml:4: unknown key 'color'" },
	{ PRICES(""), "'prices' is missing" },
	{ PRICES("{from: 2026-01-01, " RATES "}"), "'provenance' is missing" },
	{ PRICES("{" RATES ", " FROM "}"), "'from' is missing" },
	{ PRICES("{from: soon, " RATES ", " FROM "}"), "is a date" },
	{ PRICES("{from: 2026-01-02, until: 2026-01-02, " RATES ", " FROM "}"), "not after" },
	{ PRICES("{from: 2026-01-01, " RATES ", " FROM "},\n {from: 2026-02-01, " RATES ", " FROM
		 "}"),
	  "w.yaml:5: holds at the same time as the entry of line 4" },
	{ PRICES("{from: 2026-01-01, rates: {all: {standard: {in_text: cheap}}}, " FROM "}"),
	  "is no rate" },
	{ PRICES("{from: 2026-01-01, rates: {all: {standard: {in_text: \"-1/tok\"}}}, " FROM "}"),
	  "is no rate" },
	{ PRICES("{from: 2026-01-01, rates: {all: {standard: {in_text: \"1/furlong\"}}}, " FROM
		 "}"),
	  "is no rate" },
	{ PRICES("{from: 2026-01-01, rates: {all: {standard: {in_txt: \"1/tok\"}}}, " FROM "}"),
	  "in_txt" },
	{ PRICES("{from: 2026-01-01, rates: {all: {flex: {in_text: \"1/Mtok\"}}}, " FROM "}"),
	  "no tier 'standard'" },
	{ PRICES("{from: 2026-01-01, rates: {long: {standard: {in_text: \"1/Mtok\"}}}, " FROM "}"),
	  "no band 'long'" },
	{ PRICES("{from: 2026-01-01, context: {measure: prompt_total, bands: [{upto: 5, name: s}, "
		 "{name: l}]}, " RATES ", " FROM "}"),
	  "cmp" },
	{ PRICES("{from: 2026-01-01, context: {measure: prompt_total, bands: [{upto: 5, cmp: le, "
		 "name: s}]}, " RATES ", " FROM "}"),
	  "last band" },
	{ PRICES("{from: 2026-01-01, missing_tier: maybe, " RATES ", " FROM "}"), "missing_tier" },
	{ PRICES("{from: 2026-01-01, uplift: [{when: {region: us}, mul: 1.1, on: tokens}], " RATES
		 ", " FROM "}"),
	  "ratio" },
};

static void refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct book *b = NULL;
		char error[YAML_ERROR] = "";

		assert_int_equal(book_new(&b), 0);
		assert_int_equal(book_add(b, str_of(wrong[i].yaml), "w.yaml", error), -EBADMSG);
		if (strncmp(error, "w.yaml", 6) != 0 || !strstr(error, wrong[i].says))
			fail_msg("'%s' does not say '%s'", error, wrong[i].says);
		book_free(&b);
	}
}

static void second_file(void **state)
{
	struct book *b = NULL;
	char error[YAML_ERROR];

	(void)state;
	assert_int_equal(book_new(&b), 0);
	assert_int_equal(book_add(b, S(HEAD MODEL("a", "")), "one.yaml", error), 0);
	assert_int_equal(book_add(b, S(HEAD MODEL("b", "")), "two.yaml", error), 0);
	assert_int_equal(book_models(b), 2);
	assert_int_equal(book_add(b, S(HEAD MODEL("a", "")), "three.yaml", error), -EBADMSG);
	assert_memory_equal(error, "three.yaml:4:", 13);
	book_free(&b);
}

static void missing_file(void **state)
{
	struct book *b = NULL;
	char error[YAML_ERROR] = "";

	(void)state;
	assert_int_equal(book_new(&b), 0);
	assert_int_equal(book_load(b, "/nonexistent/prices.yaml", error), -ENOENT);
	assert_non_null(strstr(error, "/nonexistent/prices.yaml"));
	book_free(&b);
}

static int try(void)
{
	struct book *b = NULL;
	char error[YAML_ERROR];
	int r = book_new(&b);

	if (r == 0)
		r = book_add(b, S(HEAD MODEL("a", ", aliases: [b, c]") MODEL("d", "")), "x", error);
	book_free(&b);
	return r;
}

static void no_memory(void **state)
{
	bool failed = true;

	(void)state;
	for (long n = 0; failed; n++) {
		int r;

		mem_fail_after = n;
		r = try();
		failed = mem_fail_after < 0;
		mem_fail_after = -1;
		assert_int_equal(r, failed ? -ENOMEM : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shipped_book), cmocka_unit_test(refused),
		cmocka_unit_test(second_file),  cmocka_unit_test(missing_file),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
