/* guess, weigh: what a call used when nobody says, and between which bounds. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/json.h"
#include "llm/ask.h"
#include "llm/guess.h"

enum { A_LOT = 1000000 };

static struct usage call(const char *model)
{
	return (struct usage){ .provider = S("p"), .model_served = str_of(model) };
}

/* 4,000 bytes asked and answered, all of it seen. */
static struct guess seen(void)
{
	return (struct guess){ .asked = { .text = 4000, .messages = 1 },
			       .asked_bytes = 4100,
			       .answer_text = 4000,
			       .answer_bytes = 4500,
			       .asked_read = true,
			       .answered = true };
}

static uint64_t low(const struct usage *u)
{
	return u->low.n[LEAF_IN_TEXT] + u->low.n[LEAF_IN_CACHE_READ];
}

/* Bounds that are of use, and hold the guess. */
static void whole(void **state)
{
	struct guess g = seen();
	struct usage u = call("gpt-4o");

	(void)state;
	guess_fill(&g, NULL, false, &u);
	assert_in_range(u.used.n[LEAF_IN_TEXT], 950, 1050);
	assert_in_range(u.used.n[LEAF_OUT_TEXT], 800, 1050);
	assert_in_range(low(&u), 300, 600);
	assert_int_equal(u.low.n[LEAF_IN_TEXT], 0); /* all of it may have lain in a cache */
	assert_in_range(u.high.n[LEAF_IN_TEXT], 2000, 4000);
	assert_in_range(u.low.n[LEAF_OUT_TEXT], 300, 600);
	assert_in_range(u.high.n[LEAF_OUT_TEXT], 2000, 4000);
	g.no_output = true; /* nothing is cached of what is embedded */
	guess_fill(&g, NULL, false, &u);
	assert_true(u.low.n[LEAF_IN_TEXT] > 300);
	assert_false(leaf_has(&u.used, LEAF_OUT_TEXT));
}

/* What cannot be seen widens the upper bound. */
static void unseen(void **state)
{
	struct guess g = seen();
	struct usage u = call("gpt-5"), v = call("gpt-4o");

	(void)state;
	guess_fill(&g, NULL, false, &u);
	assert_true(u.high.n[LEAF_OUT_TEXT] > 100000); /* thoughts */
	g.max_tokens = 5000;
	guess_fill(&g, NULL, false, &u);
	assert_int_equal(u.high.n[LEAF_OUT_TEXT], 5000);
	g.max_tokens = 100; /* more than that is not billed */
	guess_fill(&g, NULL, false, &u);
	assert_int_equal(u.used.n[LEAF_OUT_TEXT], 100);
	g = seen();
	g.answered = false; /* the client left, the provider may go on */
	guess_fill(&g, NULL, false, &v);
	assert_true(v.high.n[LEAF_OUT_TEXT] > 100000);
	g = seen();
	g.asked_cut = g.asked_grows = true;
	guess_fill(&g, NULL, false, &v);
	assert_true(v.high.n[LEAF_IN_TEXT] > A_LOT);
	g = seen();
	g.asked_read = false; /* bytes by four */
	guess_fill(&g, NULL, false, &v);
	assert_int_equal(v.used.n[LEAF_IN_TEXT], 1025);
	assert_true(v.high.n[LEAF_IN_TEXT] >= 4100);
	assert_int_equal(low(&v), 0);
	g = seen();
	g.asked.pictures = 1;
	g.asked.media = 40000;
	guess_fill(&g, NULL, false, &v);
	assert_true(v.high.n[LEAF_IN_TEXT] > 10000);
	assert_true(low(&v) < 600);
}

/* No number of a peer's makes it more than a model could. */
static void absurd(void **state)
{
	struct guess g = { .asked = { UINT64_MAX, UINT64_MAX, UINT64_MAX, 0, 1, 1, 1, 1, 1 },
			   .answer_text = UINT64_MAX,
			   .max_tokens = UINT64_MAX,
			   .choices = UINT64_MAX,
			   .asked_read = true,
			   .answered = true };
	struct usage u = call("claude-opus-5");

	(void)state;
	guess_fill(&g, NULL, false, &u);
	assert_true(u.high.n[LEAF_OUT_TEXT] <= 1u << 24);
	assert_true(u.high.n[LEAF_IN_TEXT] < 1ull << 40);
	assert_true(u.used.n[LEAF_IN_TEXT] <= u.high.n[LEAF_IN_TEXT]);
}

/* What calls say makes the next guess of that model better, within reason; what is not sure teaches nothing. */
static void taught(void **state)
{
	struct guess g = seen(), cut = seen();
	struct usage told = call("gpt-4o"), u = told, before = told;
	struct ratios *r = NULL;

	(void)state;
	assert_int_equal(ratios_new(NULL, &r), 0);
	guess_fill(&g, r, false, &before);
	leaf_set(&told.used, LEAF_IN_TEXT, 500);
	leaf_set(&told.used, LEAF_IN_CACHE_READ, 1000); /* all of the prompt counts */
	leaf_set(&told.used, LEAF_OUT_TEXT, 1000);
	leaf_set(&told.used, LEAF_OUT_REASONING, 800);
	cut.asked_cut = true;
	cut.answered = false;
	for (int i = 0; i < RATIO_WINDOW; i++)
		guess_learn(&cut, r, &told);
	cut.asked_cut = false; /* nor what pictures came to */
	cut.asked.pictures = 1;
	for (int i = 0; i < RATIO_WINDOW; i++)
		guess_learn(&cut, r, &told);
	guess_fill(&g, r, false, &u);
	assert_memory_equal(&u.high, &before.high, sizeof(u.high));
	for (int i = 0; i < RATIO_WINDOW; i++)
		guess_learn(&g, r, &told);
	guess_fill(&g, r, false, &u);
	assert_in_range(u.used.n[LEAF_IN_TEXT], 1480, 1510);
	assert_in_range(u.used.n[LEAF_OUT_TEXT], 1780, 1810);
	assert_true(u.high.n[LEAF_IN_TEXT] < before.high.n[LEAF_IN_TEXT]);
	assert_true(u.high.n[LEAF_OUT_TEXT] < before.high.n[LEAF_OUT_TEXT]);
	/* somebody asks for blanks, so that others look cheap */
	told.used = (struct leaves){ 0 };
	leaf_set(&told.used, LEAF_IN_TEXT, 1);
	for (int i = 0; i < RATIO_WINDOW; i++)
		guess_learn(&g, r, &told);
	guess_fill(&g, r, false, &u);
	assert_true(u.used.n[LEAF_IN_TEXT] >= before.used.n[LEAF_IN_TEXT] / 2);
	ratios_free(&r);
}

static struct weigh weighed(const char *ask)
{
	struct weigh w;
	struct ask *a = NULL;

	assert_int_equal(ask_new(&a), 0);
	assert_int_equal(ask_feed(a, str_of(ask)), 0);
	assert_true(ask_whole(a));
	w = a->prompt;
	w.more |= a->hosted;
	ask_free(&a);
	return w;
}

/* The sizes of what requests say, in each of their languages. */
static void weights(void **state)
{
	static const struct {
		const char *ask;
		struct weight want;
		bool more;
	} rows[] = {
		{ "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"12345\"}]}",
		  { .text = 5, .messages = 1 },
		  false },
		{ "{\"system\":[{\"type\":\"text\",\"text\":\"123\"}],\"messages\":[{\"content\":["
		  "{\"type\":\"tool_result\",\"tool_use_id\":\"abc\",\"content\":\"12\"}]}]}",
		  { .text = 5, .messages = 1 },
		  false },
		{ "{\"messages\":[{\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
		  "\"data:x\",\"detail\":\"low\"}},{\"text\":\"1\"}]}]}",
		  { .text = 1, .messages = 1, .pictures = 1, .media = 6 },
		  false },
		{ "{\"messages\":[{\"content\":[{\"file\":{\"file_data\":\"data:\"}},{\"input_"
		  "audio\":"
		  "{\"data\":\"1234567890123456789012345678901234567890123456789012345678901234"
		  "\"}}]}]}",
		  { .messages = 1, .papers = 1, .sounds = 1, .media = 69 },
		  false },
		{ "{\"messages\":[{\"content\":[{\"data\":\"short\",\"url\":\"12\"}]}]}",
		  { .text = 7, .messages = 1 },
		  false },
		{ "{\"contents\":[{\"parts\":[{\"fileData\":{\"fileUri\":\"gs://x\"}},{"
		  "\"functionResponse\":{\"response\":{\"a\":\"12\",\"n\":345}}}]}]}",
		  { .text = 5, .messages = 1, .pictures = 1 },
		  true },
		{ "{\"contents\":[{\"parts\":[{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":"
		  "\"1234567890123456789012345678901234567890123456789012345678901234\"}}]}]}",
		  { .messages = 1, .pictures = 1, .media = 64 },
		  false },
		{ "{\"input\":[{\"type\":\"reasoning\",\"id\":\"r\"}]}", { .messages = 1 }, true },
		{ "{\"input\":[{\"id\":\"r\"}]}", { .messages = 1 }, true },
		{ "{\"input\":[{\"type\":\"message\",\"id\":\"r\",\"content\":\"1\"}]}",
		  { .text = 1, .messages = 1 },
		  false },
		{ "{\"input\":\"12345678\",\"tools\":[{}]}", { .text = 8, .tools = 4 }, false },
		{ "{\"input\":[\"12\",\"3\"]}", { .text = 3 }, false },
		{ "{\"tools\":[{\"googleSearch\":{}}]}", { .tools = 21 }, true },
		{ "{\"messages\":[{\"content\":[{\"encrypted_content\":\"1234\",\"signature\":"
		  "\"x\"}]}],\"response_format\":{}}",
		  { .sealed = 4, .messages = 1, .schema = 2 },
		  false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct weigh got = weighed(rows[i].ask);

		print_message("# %s\n", rows[i].ask);
		assert_memory_equal(&got.sum, &rows[i].want, sizeof(got.sum));
		assert_int_equal(got.more, rows[i].more);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),  cmocka_unit_test(unseen),  cmocka_unit_test(absurd),
		cmocka_unit_test(taught), cmocka_unit_test(weights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
