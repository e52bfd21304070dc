/* llm_cost -- what providers say a call costs, as plain decimal text, exact to the pico-dollar; or nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/obj.h"
#include "llm/provider.h"

static const struct llm_cost plain = { .path = "cost" };
static const struct llm_cost deep = { .path = "a.b.cost" };
static const struct llm_cost ticks = { .path = "ticks", .per = 10000000000 };
static const struct llm_cost own_key = { .path = "cost", .only = "byok", .more = "more.up" };

static const struct {
	const struct llm_cost *rule;
	const char *raw, *want;
} rows[] = {
	{ &plain, "{\"cost\":0.0012}", "0.0012" },
	{ &plain, "{\"cost\":0}", "0" },
	{ &plain, "{\"cost\":\"0.5\"}", "0.5" },
	{ &plain, "{\"cost\":8.6e-05}", "0.000086" },
	/* the dust of floats: half a pico-dollar is rounded to even */
	{ &plain, "{\"cost\":4.1400000000000003e-05}", "0.0000414" },
	{ &plain, "{\"cost\":1.0000000000005}", "1" },
	{ &plain, "{\"cost\":1.0000000000015}", "1.000000000002" },
	/* nothing that is an amount */
	{ &plain, "{\"cost\":null}", "" },
	{ &plain, "{\"cost\":true}", "" },
	{ &plain, "{\"cost\":\"much\"}", "" },
	{ &plain, "{\"cost\":-0.1}", "" },
	{ &plain, "{\"cost\":1e99}", "" },
	{ &plain, "{\"cost\":{\"total\":1}}", "" },
	{ &plain, "{\"price\":1}", "" },
	{ &plain, "{\"cost\":1", "" },
	{ &plain, "", "" },
	{ NULL, "{\"cost\":1}", "" },
	{ &deep, "{\"a\":{\"b\":{\"cost\":2}},\"cost\":1}", "2" },
	{ &ticks, "{\"ticks\":232856000}", "0.0232856" },
	{ &ticks, "{\"ticks\":1}", "0.0000000001" },
	{ &own_key, "{\"cost\":0.3}", "0.3" },
	{ &own_key, "{\"cost\":0.3,\"byok\":false,\"more\":{\"up\":0.3}}", "0.3" },
	{ &own_key, "{\"cost\":0.3,\"byok\":true,\"more\":{\"up\":0.4}}", "0.7" },
	{ &own_key, "{\"more\":{\"up\":0.4},\"byok\":true,\"cost\":0}", "0.4" },
	/* a fee alone is not the cost */
	{ &own_key, "{\"cost\":0.3,\"byok\":true,\"more\":{\"up\":null}}", "" },
	{ &own_key, "{\"cost\":0.3,\"byok\":true}", "" },
	{ &own_key, "{\"byok\":true,\"more\":{\"up\":0.4}}", "" },
};

static void rules(void **state)
{
	char text[DEC_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		memset(text, 'x', sizeof(text));
		assert_int_equal(llm_cost(rows[i].rule, str_of(rows[i].raw), text), 0);
		if (strcmp(text, rows[i].want) != 0)
			fail_msg("row %zu: '%s', not '%s'", i, text, rows[i].want);
	}
}

static void dollars(void **state)
{
	char text[DEC_TEXT];

	(void)state;
	assert_true(llm_dollars(S("3.14e-05"), text));
	assert_string_equal(text, "0.0000314");
	assert_true(llm_dollars(S("0.0"), text));
	assert_string_equal(text, "0");
	assert_false(llm_dollars(S("None"), text));
	assert_false(llm_dollars(S(""), text));
	assert_false(llm_dollars(STR_NONE, text));
	assert_false(llm_dollars(S("-1"), text));
}

static void no_memory(void **state)
{
	char text[DEC_TEXT];
	int r, n = 0;

	(void)state;
	do {
		mem_fail_after = n++;
		r = llm_cost(&own_key, S("{\"cost\":0.3,\"byok\":true,\"more\":{\"up\":0.4}}"),
			     text);
		assert_true(r == 0 || r == -ENOMEM);
		assert_string_equal(text, r ? "" : "0.7");
	} while (r != 0);
	mem_fail_after = -1;
	assert_true(n > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules),
		cmocka_unit_test(dollars),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
