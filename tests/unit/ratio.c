/* ratio, family: what is learned of a model's guesses, and what holds before. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/limit.h"
#include "base/obj.h"
#include "llm/family.h"
#include "llm/ratio.h"

static const struct ratio first = { 100, RATIO_ONE, 600, false };

static struct ratio get(struct ratios *r, const char *model, enum ratio_side side)
{
	return ratios_get(r, 1, S("p"), str_of(model), side, first);
}

static void learn(struct ratios *r, const char *model, uint64_t guess, uint64_t truth)
{
	ratios_learn(r, 1, S("p"), str_of(model), RATIO_IN, guess, truth);
}

/* One call moves nothing, many do; the two sides know nothing of each other. */
static void learned(void **state)
{
	struct ratios *r = NULL;
	struct ratio got;

	(void)state;
	assert_int_equal(ratios_new(NULL, &r), 0);
	got = get(r, "m", RATIO_IN);
	assert_memory_equal(&got, &first, sizeof(got));
	learn(r, "m", 100, 200);
	got = get(r, "m", RATIO_IN);
	assert_int_equal(got.middle, RATIO_ONE);
	assert_int_equal(got.low, first.low);
	assert_int_equal(got.high, 2 * RATIO_ONE * 6 / 5); /* wider than at first */
	assert_false(got.known);
	for (int i = 1; i < RATIO_ENOUGH; i++)
		learn(r, "m", 100, 200);
	got = get(r, "m", RATIO_IN);
	assert_int_equal(got.middle, 2 * RATIO_ONE);
	assert_int_equal(got.low, RATIO_ONE * 4 / 5);
	assert_int_equal(got.high, 2 * RATIO_ONE * 6 / 5);
	assert_true(got.known);
	got = get(r, "m", RATIO_OUT);
	assert_memory_equal(&got, &first, sizeof(got));
	got = get(r, "other", RATIO_IN);
	assert_memory_equal(&got, &first, sizeof(got));
	/* what is old is forgotten */
	for (int i = 0; i < RATIO_WINDOW; i++)
		learn(r, "m", 100, 50);
	got = get(r, "m", RATIO_IN);
	assert_int_equal(got.middle, RATIO_ONE / 2);
	assert_int_equal(got.high, RATIO_ONE * 6 / 5);
	ratios_free(&r);
	assert_null(r);
	ratios_free(&r);
}

/* Numbers that no call has. */
static void absurd(void **state)
{
	struct ratios *r = NULL;

	(void)state;
	assert_int_equal(ratios_new(NULL, &r), 0);
	for (int i = 0; i < RATIO_WINDOW; i++)
		learn(r, "m", 0, UINT64_MAX);
	assert_int_equal(get(r, "m", RATIO_IN).middle, RATIO_MOST);
	for (int i = 0; i < RATIO_WINDOW; i++)
		learn(r, "m", UINT64_MAX, 0);
	assert_int_equal(get(r, "m", RATIO_IN).middle, 1);
	ratios_free(&r);
}

/* The model not seen for longest makes room. */
static void bounded(void **state)
{
	struct counters c = { 0 };
	struct ratios *r = NULL;
	char name[16];

	(void)state;
	assert_int_equal(ratios_new(&c, &r), 0);
	for (int i = 0; i < LIMIT_RATIOS; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		for (int n = 0; n < RATIO_ENOUGH; n++)
			learn(r, name, 1, 2);
	}
	assert_int_equal(c.limit[LIM_RATIOS], 0);
	assert_true(get(r, "m0", RATIO_IN).known); /* used again: now m1 is the oldest */
	learn(r, "new", 1, 2);
	assert_int_equal(c.limit[LIM_RATIOS], 1);
	assert_true(get(r, "m0", RATIO_IN).known);
	assert_false(get(r, "m1", RATIO_IN).known);
	assert_true(get(r, "m2", RATIO_IN).known);
	ratios_free(&r);
}

static void no_memory(void **state)
{
	struct ratios *r = NULL;

	(void)state;
	mem_fail_after = 0;
	assert_int_equal(ratios_new(NULL, &r), -ENOMEM);
	mem_fail_after = -1;
	assert_null(r);
}

static void families(void **state)
{
	static const struct {
		const char *model, *family;
	} rows[] = {
		{ "gpt-4o-mini", "gpt" },
		{ "openai/gpt-5.1-codex-mini", "gpt, o" },
		{ "openai.gpt-oss-120b-1:0", "gpt-oss" },
		{ "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude" },
		{ "claude-opus-4-8", "claude 4.7, 5" },
		{ "anthropic/claude-opus-4.7", "claude 4.7, 5" },
		{ "Meta-Llama-3", "llama" },
		{ "o3-mini", "gpt, o" },
		{ "retro3", "other" }, /* within a word there is no o3 */
		{ "amazon.nova-micro-v1:0", "nova, titan" },
		{ "amazon.titan-embed-text-v2:0", "embeddings" },
		{ "gemini-embedding-2", "embeddings" },
		{ "gemini-2.0-flash", "gemini 2.0" },
		{ "gemini-3-pro-preview", "gemini" },
		{ "", "other" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_string_equal(family_of(str_of(rows[i].model))->name, rows[i].family);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(learned),   cmocka_unit_test(absurd),   cmocka_unit_test(bounded),
		cmocka_unit_test(no_memory), cmocka_unit_test(families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
