#include "pricekit.h"

static struct book *shipped;

static int open_book(void **state)
{
	char error[YAML_ERROR];
	int r = book_new(&shipped);

	(void)state;
	return r < 0 ? r : book_add(shipped, book_shipped(), "book.yaml", error);
}

static int close_book(void **state)
{
	(void)state;
	book_free(&shipped);
	return 0;
}

/* ---- pricing.md section 3 -------------------------------------------------------------------------------- */

static void cache_write_once(void **state) /* #1 */
{
	struct usage u = call("anthropic", "claude-3-7-sonnet-20250219");

	(void)state;
	leaf_set(&u.used, LEAF_IN_TEXT, 3);
	leaf_set(&u.used, LEAF_IN_CACHE_WRITE_5M, 12304);
	leaf_set(&u.used, LEAF_IN_CACHE_READ, 0);
	leaf_set(&u.used, LEAF_OUT_TEXT, 550);
	assert_cost(shipped, &u, "0.054399");
}

static void cached_subset(void **state) /* #3 */
{
	struct usage u = call("openai", "gpt-5.5-2026-04-23");

	(void)state;
	leaf_set(&u.used, LEAF_IN_TEXT, 117231 - 115584);
	leaf_set(&u.used, LEAF_IN_CACHE_READ, 115584);
	leaf_set(&u.used, LEAF_OUT_TEXT, 225);
	assert_cost(shipped, &u, "0.072777");
}

static void hour_write(void **state) /* #9 */
{
	struct usage u = call("anthropic", "claude-opus-5");

	(void)state;
	leaf_set(&u.used, LEAF_IN_CACHE_WRITE_1H, 344139);
	assert_cost(shipped, &u, "3.44139");
}

static void cache_write_rate(void **state) /* #10 */
{
	struct usage u = call("openai", "gpt-5.6-luna");

	(void)state;
	leaf_set(&u.used, LEAF_IN_TEXT, 3);
	leaf_set(&u.used, LEAF_IN_CACHE_WRITE, 18011);
	assert_cost(shipped, &u, "0.00450335");
	u.used = (struct leaves){ 0 };
	leaf_set(&u.used, LEAF_IN_TEXT, 3);
	leaf_set(&u.used, LEAF_IN_CACHE_READ, 18011);
	assert_cost(shipped, &u, "0.00036082");
}

static void context_cliff(void **state) /* #11, #12: the whole request, by the whole prompt */
{
	struct usage u = call("openai", "gpt-5.5");

	(void)state;
	leaf_set(&u.used, LEAF_IN_TEXT, 300000);
	leaf_set(&u.used, LEAF_OUT_TEXT, 10000);
	assert_cost(shipped, &u, "3.45");
	u.used = (struct leaves){ 0 };
	leaf_set(&u.used, LEAF_IN_TEXT, 1000);
	leaf_set(&u.used, LEAF_IN_CACHE_READ, 271000);
	assert_cost(shipped, &u, "0.281"); /* 272000 is long here: 10 and 1 */
	leaf_set(&u.used, LEAF_IN_TEXT, 999);
	assert_cost(shipped, &u, "0.140495");
}

static void served_tier(void **state) /* #16 */
{
	struct usage u = call("openai", "gpt-5.5");

	(void)state;
	leaf_set(&u.used, LEAF_IN_TEXT, 1000000 / 10);
	u.tier = S("standard");
	assert_cost(shipped, &u, "0.5");
	u.tier = S("priority");
	assert_cost(shipped, &u, "1.25");
	u.tier = S("flex");
	assert_cost(shipped, &u, "0.25");
	u.tier = S("scale");
	assert_unpriced(shipped, &u, WHY_NO_TIER);
	leaf_set(&u.used, LEAF_IN_TEXT, 300000);
	u.tier = S("priority"); /* not offered for long prompts: never silently standard */
	assert_unpriced(shipped, &u, WHY_NO_TIER);
}

static void no_look_alikes(void **state) /* #18, #19, #20 */
{
	static const char *const names[] = { "gpt-5.5-ultra",    "gpt-5.4-mini-x",
					     "claude-opus-4.7",  "gpt-4o-mini-2",
					     "o1-minimal",       "gpt-5.5-2026-04",
					     "gpt-5.5-20260423x" };
	struct usage u = call("openai", "");

	(void)state;
	leaf_set(&u.used, LEAF_IN_TEXT, 1);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		u.model_served = str_of(names[i]);
		assert_unpriced(shipped, &u, WHY_NO_PRICE);
	}
	u.provider = S("anthropic"); /* dated itself, so no other date is it */
	u.model_served = S("claude-3-haiku-20991231");
	assert_unpriced(shipped, &u, WHY_NO_PRICE);
	u.model_served = S("gpt-5.5");
	u.provider = S("mistral");
	assert_unpriced(shipped, &u, WHY_NO_PRICE);
	u.model_served = STR_NONE;
	assert_unpriced(shipped, &u, WHY_NO_MODEL);
}

/* A picture's tier is its quality and size; 672 and 673 of tests/cases say how requests name it. */
static void pictures(void **state)
{
	static const struct {
		const char *model, *tier;
		uint64_t n;
		const char *cost; /* NULL: none */
	} rows[] = {
		{ "dall-e-2", "standard/256x256", 1, "0.016" },
		{ "dall-e-2", "standard/512x512", 1, "0.018" },
		{ "dall-e-2", "standard/1024x1024", 10, "0.2" },
		{ "dall-e-2", "hd/1024x1024", 1, NULL },
		{ "dall-e-3", "standard/1024x1024", 2, "0.08" },
		{ "dall-e-3", "standard/1024x1792", 1, "0.08" },
		{ "dall-e-3", "standard/1792x1024", 1, "0.08" },
		{ "dall-e-3", "hd/1024x1024", 1, "0.08" },
		{ "dall-e-3", "hd/1024x1792", 2, "0.24" },
		{ "dall-e-3", "hd/1792x1024", 1, "0.12" },
		{ "dall-e-3", "standard/256x256", 1, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct usage u = call("openai", rows[i].model);

		u.tier = str_of(rows[i].tier);
		leaf_set(&u.used, LEAF_N_IMAGE, rows[i].n);
		if (rows[i].cost)
			assert_cost(shipped, &u, rows[i].cost);
		else
			assert_unpriced(shipped, &u, WHY_NO_TIER);
	}
}

/* ---- matching ------------------------------------------------------------------------------------------------ */

static void assert_match(const char *served, const char *requested, const char *match,
			 const char *entry)
{
	struct usage u = call("openai", served);
	struct charge c;

	u.model_requested = str_of(requested);
	leaf_set(&u.used, LEAF_IN_TEXT, 1);
	c = price(shipped, &u);
	assert_int_equal(c.why, WHY_NONE);
	assert_text(c.match, match);
	assert_text(c.entry, entry);
}

static void matches(void **state)
{
	(void)state;
	assert_match("gpt-5.5", NULL, "exact", "openai/gpt-5.5@2026-04-23");
	assert_match("GPT-5.5", NULL, "exact", "openai/gpt-5.5@2026-04-23");
	assert_match("gpt-5.5-2026-04-24", NULL, "alias", "openai/gpt-5.5@2026-04-23");
	assert_match("gpt-5.5-2027-01-02", NULL, "dated", "openai/gpt-5.5@2026-04-23");
	assert_match("gpt-5.5-20270102", NULL, "dated", "openai/gpt-5.5@2026-04-23");
	assert_match("mystery", "gpt-5.5", "requested", "openai/gpt-5.5@2026-04-23");
	assert_match(NULL, "gpt-5.5", "requested", "openai/gpt-5.5@2026-04-23");
	/* served wins where both are known */
	assert_match("gpt-5.4", "gpt-5.5", "exact", "openai/gpt-5.4@2026-03-05");
}

static void dates(void **state)
{
	struct usage u = call("openai", "gpt-5.6-sol");

	(void)state;
	leaf_set(&u.used, LEAF_IN_TEXT, 1000);
	u.start_ns = at("2026-08-21") - 1;
	assert_cost(shipped, &u, "0.005");
	u.start_ns = at("2026-08-21");
	assert_cost(shipped, &u, "0.004");
	u.start_ns = at("2020-01-01");
	assert_unpriced(shipped, &u, WHY_NO_PRICE_DATE);
}

/* ---- rules, on a book of our own ------------------------------------------------------------------------------- */

static const char own[] = HEAD NO_GATES
	"models:\n  - provider: p\n    id: a\n    prices:\n"
	"      - from: 2026-01-01\n"
	"        context: {measure: prompt_total, bands: [{upto: 10, cmp: le, name: s}, "
	"{name: l}]}\n"
	"        rates:\n"
	"          s: {standard: {in_text: \"1/tok\", out_text: \"0.1/tok\"}, batch: "
	"{inherit: standard}}\n"
	"          l: {standard: {in_text: \"2/tok\", out_text: \"3/tok\"}}\n"
	"        counts: {n_web_search: \"10/kcall\"}\n"
	"        uplift: [{when: {region: [us, eu]}, mul: 11/10, on: tokens}]\n"
	"        missing_tier: standard\n"
	"        " FROM "\n"
	"  - provider: p\n    id: per-call\n    prices:\n"
	"      - {from: 2026-01-01, rates: {all: {standard: {in_text: \"0.0000001/Mtok\"}}}, "
	"counts: {n_request: \"0.005/call\"},\n"
	"         " FROM "}\n"
	"  - provider: p\n    id: gratis\n    prices:\n"
	"      - {from: 2026-01-01, until: 2027-01-01, free: true, " FROM "}\n"
	"  - provider: p\n    id: dear\n    prices:\n"
	"      - {from: 2026-01-01, rates: {all: {standard: {in_text: \"9000000/tok\"}}}, " FROM
	"}\n";

static void rules(void **state)
{
	struct book *b = book_from(own);
	struct usage u = call("p", "a");

	(void)state;
	leaf_set(&u.used, LEAF_IN_CACHE_READ, 10); /* no rate of its own: never 0, its parent's */
	leaf_set(&u.used, LEAF_OUT_REASONING, 10);
	leaf_set(&u.used, LEAF_IN_AUDIO_CACHED, 0);
	assert_cost(b, &u, "11");
	leaf_set(&u.used, LEAF_IN_TEXT, 1);
	assert_cost(b, &u, "52"); /* 11 tokens of prompt: the other band */
	u.used.n[LEAF_IN_TEXT] = 0;
	u.region = S("eu");
	leaf_set(&u.used, LEAF_N_WEB_SEARCH, 1); /* the uplift is on tokens */
	assert_cost(b, &u, "12.11");
	u.tier = S("batch");
	assert_cost(b, &u, "12.11");
	u.tier = S("nonsense");
	assert_cost(b, &u, "12.11"); /* missing_tier: standard */
	leaf_set(&u.used, LEAF_N_FILE_SEARCH, 1);
	assert_unpriced(b, &u, WHY_NO_RATE);
	book_free(&b);
}

static void other_rules(void **state)
{
	struct book *b = book_from(own);
	struct usage u = call("p", "per-call");
	struct charge c;

	(void)state;
	leaf_set(&u.used, LEAF_IN_TEXT, 5); /* half a pico-dollar: to even */
	assert_cost(b, &u, "0.005");
	leaf_set(&u.used, LEAF_IN_TEXT, 15);
	assert_cost(b, &u, "0.005000000002");
	u.model_served = S("dear");
	leaf_set(&u.used, LEAF_IN_TEXT, 2);
	assert_unpriced(b, &u, WHY_OVERFLOW);
	u.model_served = S("gratis");
	c = price(b, &u);
	assert_int_equal(c.billing, BILLING_FREE);
	assert_int_equal(c.pico, 0);
	u.start_ns = at("2027-01-01") - 1;
	assert_int_equal(price(b, &u).billing, BILLING_FREE);
	u.start_ns++;
	assert_unpriced(b, &u, WHY_NO_PRICE_DATE);
	/* what llm left unpriced stays so, with its reason */
	u.billing = BILLING_UNPRICED;
	u.why = WHY_BAD_USAGE;
	u.model_served = S("a");
	assert_unpriced(b, &u, WHY_BAD_USAGE);
	u.billing = BILLING_METERED;
	u.kind = KIND_ERROR;
	assert_unpriced(b, &u, WHY_BAD_USAGE);
	book_free(&b);
	/* an image drawn on the way has no price in a chat model's entry: the call is not half priced */
	u = call("openai", "gpt-5.5");
	leaf_set(&u.used, LEAF_OUT_TEXT, 10);
	leaf_set(&u.used, LEAF_N_IMAGE, 1);
	assert_unpriced(shipped, &u, WHY_NO_RATE);
}

static void bounds(void **state)
{
	struct usage u = call("openai", "gpt-4o");
	struct charge c;

	(void)state;
	u.source = SOURCE_ESTIMATED;
	u.why = WHY_STREAM_NO_USAGE;
	leaf_set(&u.used, LEAF_OUT_TEXT, 100);
	leaf_set(&u.low, LEAF_OUT_TEXT, 50);
	leaf_set(&u.high, LEAF_OUT_TEXT, 200);
	c = price(shipped, &u);
	assert_int_equal(c.why, WHY_STREAM_NO_USAGE);
	assert_int_equal(c.billing, BILLING_METERED);
	assert_true(c.pico == 1000000000 && c.low_pico == 500000000 && c.high_pico == 2000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cache_write_once),
		cmocka_unit_test(cached_subset),
		cmocka_unit_test(hour_write),
		cmocka_unit_test(cache_write_rate),
		cmocka_unit_test(context_cliff),
		cmocka_unit_test(served_tier),
		cmocka_unit_test(no_look_alikes),
		cmocka_unit_test(pictures),
		cmocka_unit_test(matches),
		cmocka_unit_test(dates),
		cmocka_unit_test(rules),
		cmocka_unit_test(other_rules),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, open_book, close_book);
}
