/* price_agreed.c -- contracts against the list: what it lacks, whose rules they are, percentages of many decimals. */
#include "agreekit.h"

/* What the list lacks is agreed all the same; the agreed rate is then its list price, too. */
static const struct {
	const char *rules, *tier;
	enum leaf leaf; /* a million of them, or one */
	const char *cost, *list, *flags;
} lacking[] = {
#define AGREED(more, rates) "{kind: override, model: a, " more "rates: {" rates "}}"
	{ AGREED("", "n_file_search: \"2/call\""), "", LEAF_N_FILE_SEARCH, "2", "2", "" },
	{ AGREED("", "n_file_search: \"2/call\"") ", {kind: percent, percent: 25}", "",
	  LEAF_N_FILE_SEARCH, "1.5", "2", "" },
	{ "{kind: percent, percent: 25}, " AGREED("", "n_file_search: \"2/call\""), "",
	  LEAF_N_FILE_SEARCH, "2", "2", "" },
	{ AGREED("", "n_file_search: \"2/call\"") ", {kind: percent, percent: 25}, "
						  "{kind: commit, amount: 1, overage: "
						  "list}",
	  "", LEAF_N_FILE_SEARCH, "1.5", "2", "" },
	{ AGREED("on: tokens, ", "n_file_search: \"2/call\""), "", LEAF_N_FILE_SEARCH, NULL, NULL,
	  NULL },
	{ AGREED("", "n_request: \"2/call\""), "", LEAF_N_REQUEST, "2", "2", "" },
	{ AGREED("", "n_request: \"2/call\""), "", LEAF_IN_TEXT, "12", "12", "" },
	/* its own rate, not its parent's */
	{ AGREED("", "in_audio: \"8/Mtok\""), "", LEAF_IN_AUDIO, "8", "10", "" },
	{ AGREED("", "out_text: \"8/Mtok\""), "", LEAF_IN_AUDIO, "10", "10", "parent_rate" },
	{ AGREED("", "in_cache_write: \"8/Mtok\""), "", LEAF_IN_CACHE_WRITE_1H, "8", "10",
	  "parent_rate" },
	{ AGREED("", "in_cache_write: \"8/Mtok\"") ", " AGREED("", "in_text: \"9/Mtok\""), "",
	  LEAF_IN_CACHE_WRITE_1H, "8", "10", "parent_rate" },
	{ AGREED("", "in_cache_write: \"8/Mtok\"") ", " AGREED("", "in_text: \"9/Mtok\""), "",
	  LEAF_IN_CACHE_READ, "9", "10", "cache_rate_missing" },
	/* flex has no output */
	{ AGREED("tier: flex, ", "out_text: \"8/Mtok\""), "flex", LEAF_OUT_REASONING, "8", "8",
	  "" },
	{ AGREED("tier: batch, ", "out_text: \"8/Mtok\""), "flex", LEAF_OUT_REASONING, NULL, NULL,
	  NULL },
	/* a tier that the entry lacks */
	{ AGREED("tier: batch, ", "in_text: \"8/Mtok\""), "batch", LEAF_IN_CACHE_READ, "8", "8",
	  "cache_rate_missing" },
	{ AGREED("tier: batch, ", "in_text: \"8/Mtok\""), "batch", LEAF_OUT_TEXT, NULL, NULL,
	  NULL },
	{ AGREED("tier: batch, ", "in_text: \"8/Mtok\""), "batch", LEAF_N_WEB_SEARCH, "0.01",
	  "0.01", "" },
};

static void unlisted(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(lacking); i++) {
		struct usage u = call("p", "a");
		char yaml[2048];
		struct book *b;
		struct charge c;

		snprintf(yaml, sizeof(yaml), ONE("%s"), lacking[i].rules);
		b = book_from(yaml);
		u.tier = str_of(lacking[i].tier);
		leaf_set(&u.used, lacking[i].leaf,
			 lacking[i].leaf < LEAF_N_WEB_SEARCH ? 1000000 : 1);
		c = price(b, &u);
		if (lacking[i].cost) {
			assert_charge(&c, lacking[i].cost);
			assert_pico(c.list_pico, lacking[i].list);
			assert_flags(c.flags, lacking[i].flags);
			assert_text(c.tier, lacking[i].tier[0] ? lacking[i].tier : "standard");
		} else {
			assert_int_equal(c.why, WHY_NO_RATE);
			assert_int_equal(c.billing, BILLING_UNPRICED);
		}
		book_free(&b);
	}
}

/* Where an entry has another tier priced as standard, what is agreed for that tier holds all the same. */
static void unlisted_tier(void **state)
{
	struct book *b = book_from(
		BOOK "  - {provider: p, id: any, aliases: [other], prices: [{from: 2026-01-01, "
		     "missing_tier: standard, rates: {all: {standard: {in_text: \"10/Mtok\", "
		     "out_text: \"30/Mtok\"}}}, " FROM "}]}\n"
		     "contracts:\n  - {id: c, match: {provider: p}, " DATES
		     "rules: [{kind: override, model: OTHER, tier: flex, rates: {in_text: "
		     "\"4/Mtok\"}}]}\n");
	struct usage u = call("p", "any");
	struct charge c;

	(void)state;
	leaf_set(&u.used, LEAF_IN_TEXT, 1000000);
	leaf_set(&u.used, LEAF_OUT_TEXT, 1000000);
	u.tier = S("flex");
	c = price(b, &u);
	assert_charge(&c, "34");
	assert_flags(c.flags, "standard_tier");
	assert_text(c.tier, "flex");
	u.tier = S("batch");
	c = price(b, &u);
	assert_charge(&c, "40");
	assert_text(c.tier, "standard");
	book_free(&b);
}

/* An alias stands for its entry; a name means every entry that the contract's calls can have. */
static void names(void **state)
{
	static const struct {
		const char *match, *model, *provider, *cost;
	} rows[] = {
		{ "{provider: p}", "LATEST", "p", "5.5" },
		{ "{provider: p}", "a", "p", "5.5" },
		{ "{provider: p}", "a", "q", "11" },
		{ "{host: h}", "a", "q", "5.5" },
		{ "{host: h}", "latest", "p", "5.5" },
		{ "{host: h}", "latest", "q", "11" },
		/* z has no list of its own */
		{ "{provider: [z, p]}", "[b, a]", "z", "5.5" },
		{ "{provider: z}", "a", "z", "5.5" },
		{ "{provider: Z}", "latest", "z", "11" }, /* of p, which is not where z looks */
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct usage u = million(rows[i].provider, "a");
		char yaml[2048], error[YAML_ERROR];
		struct book *b = NULL;
		int r;

		snprintf(yaml, sizeof(yaml),
			 HEAD "providers:\n  - {id: z, fallback: [{provider: q}]}\nmodels:\n" MODEL(
				 "p", "a, aliases: [latest]") MODEL("p", "b")
				 MODEL("q",
				       "a") "contracts:\n  - {id: c, match: %s, " DATES
					    "rules: [{kind: percent, model: %s, percent: 50}]}\n",
			 rows[i].match, rows[i].model);
		assert_int_equal(book_new(&b), 0);
		r = book_add(b, str_of(yaml), "names", error);
		u.host = S("h");
		if (r < 0)
			assert_non_null(strstr(error, "'latest' is no id or alias"));
		else
			assert_cost(b, &u, rows[i].cost);
		assert_int_equal(r, i == 8 ? -EBADMSG : 0);
		book_free(&b);
	}
}

/* What is taken is exact, however many decimals it has; what cannot be told exactly is not taken. */
static void digits(void **state)
{
	static const struct {
		const char *rules, *cost; /* NULL: refused */
	} rows[] = {
#define THIRD "{kind: percent, percent: \"33.333333\"}"
#define FOUR  THIRD ", " THIRD ", " THIRD ", " THIRD
		{ THIRD ", {kind: markup, percent: \"0.000001\"}", "8.00000012" },
		{ THIRD ", " THIRD ", " THIRD, "3.555555608889" },
		{ "{kind: percent, on: tokens, percent: \"33.333333\"}, " THIRD, "5.555555607778" },
		{ FOUR ", {kind: percent, on: counts, percent: \"33.333333\"}", NULL },
		{ FOUR ", {kind: percent, model: b, percent: \"33.333333\"}", NULL },
		{ FOUR ", {kind: markup, percent: \"0.000001\"}", NULL },
		/* the last of three steps, the other way of a commitment */
		{ FOUR ", {kind: volume, steps: [{upto: 5, percent: 0}, {upto: 6, percent: 50}, "
		       "{percent: \"0.000001\"}]}",
		  NULL },
		{ FOUR ", {kind: commit, amount: 5, overage: list}, " THIRD, NULL },
		/* the agreed rate begins anew */
		{ FOUR ", {kind: override, model: [a, b], rates: {in_text: \"4/Mtok\", "
		       "out_text: \"4/Mtok\", n_web_search: \"1/call\"}}, " THIRD,
		  "69.33333368" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct usage u = million("p", "a");
		char yaml[2048], error[YAML_ERROR];
		struct book *b = NULL;

		snprintf(yaml, sizeof(yaml), ONE("%s"), rows[i].rules);
		assert_int_equal(book_new(&b), 0);
		if (rows[i].cost) {
			if (book_add(b, str_of(yaml), "digits", error) < 0)
				fail_msg("row %zu: %s", i, error);
			u.region = S("us");
			assert_cost(b, &u, rows[i].cost);
		} else {
			assert_int_equal(book_add(b, str_of(yaml), "digits", error), -EBADMSG);
			if (!str_starts(str_of(error), S("digits:9: the percentages")))
				fail_msg("%s", error);
		}
		book_free(&b);
	}
}

/* Nobody knows what of a guess was cached; where that is dearer, by an agreement, it is the most and not the least. */
static void bounds(void **state)
{
	struct book *b =
		book_from(ONE("{kind: override, model: a, rates: {in_cache_read: \"20/Mtok\"}}"));
	struct usage u = call("p", "a");
	struct charge c;

	(void)state;
	u.source = SOURCE_ESTIMATED;
	u.why = WHY_STREAM_NO_USAGE;
	leaf_set(&u.used, LEAF_IN_TEXT, 2000000);
	leaf_set(&u.low, LEAF_IN_CACHE_READ, 1000000);
	leaf_set(&u.high, LEAF_IN_TEXT, 3000000);
	leaf_set(&u.high, LEAF_OUT_TEXT, 1000000);
	c = price(b, &u);
	assert_pico(c.pico, "20");
	assert_pico(c.low_pico, "10");
	assert_pico(c.high_pico, "90");
	u.provider = S("q"); /* by the list cached is as fresh */
	c = price(b, &u);
	assert_pico(c.low_pico, "10");
	assert_pico(c.high_pico, "60");
	book_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unlisted), cmocka_unit_test(unlisted_tier),
		cmocka_unit_test(names),    cmocka_unit_test(digits),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
